// Keeps the page of people in the field on the phone, so that it opens without a connection. It keeps the page and its own files alone:
// tasks are kept by the page, acts go by its queue. `BUILD` is put in front by the server.

(() => {
  const build = /** @type {any} */ (self).BUILD ?? '';
  const CACHE = `field-${build}`;
  const PAGE = '/field';
  const PATIENCE_MS = 4000;

  const scope = /** @type {any} */ (self);

  scope.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(scope.skipWaiting()));

  scope.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(begin()));

  async function begin() {
    for (const name of await caches.keys()) if (name.startsWith('field-') && name !== CACHE) await caches.delete(name);
    await scope.clients.claim();
  }

  // The page says what it is made of: what it has loaded is what it needs.
  scope.addEventListener('message', (/** @type {any} */ event) => {
    if (Array.isArray(event.data?.keep)) event.waitUntil(keep(event.data.keep));
    if (event.data?.forget) event.waitUntil(caches.delete(CACHE));
  });

  /** @param {string[]} addresses */
  async function keep(addresses) {
    const cache = await caches.open(CACHE);
    for (const address of addresses) {
      if (await cache.match(address)) continue;
      const response = await fetch(address).catch(() => null);
      if (response?.ok && !response.redirected) await cache.put(address, response);
    }
  }

  scope.addEventListener('fetch', (/** @type {any} */ event) => {
    const address = new URL(event.request.url);
    if (event.request.method !== 'GET' || address.origin !== location.origin) return;
    if (event.request.mode === 'navigate' && address.pathname === PAGE) event.respondWith(page(event.request));
    else if (address.pathname.startsWith('/static/')) event.respondWith(own(event.request));
  });

  /** The page as it is now; where nothing answers in time, as it was. @param {Request} request */
  async function page(request) {
    const cache = await caches.open(CACHE);
    const fresh = fetch(request).then(async (response) => {
      if (response.ok && !response.redirected) await cache.put(PAGE, response.clone());
      return response;
    });
    const kept = await cache.match(PAGE);
    if (!kept) return fresh;
    const late = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
    return Promise.race([fresh.catch(() => kept), late]);
  }

  /** Files under /static/ never change under their address. @param {Request} request */
  async function own(request) {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(request);
    if (kept) return kept;
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  }
})();
