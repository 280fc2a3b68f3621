// Stands between a screen of the wall and the network (a service worker): when the power comes back and the server is later than the
// screen's computer, the browser would show its own page of errors and stay there. Here it gets a page that tries again by itself.

const KEPT = 'wall-waiting';
const PAGE = '/console/wall/screens/waiting';
const worker = /** @type {any} */ (self);

/** Keep the page that waits, with its styles, as the server has them now. */
async function keep() {
  const answer = await fetch(PAGE);
  if (!answer.ok) return;
  const styles = [...(await answer.clone().text()).matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(([, address = '']) => address);
  const cache = await caches.open(KEPT);
  for (const request of await cache.keys()) await cache.delete(request);
  await cache.put(PAGE, answer);
  await cache.addAll(styles);
}

worker.addEventListener('install', (/** @type {any} */ event) => {
  worker.skipWaiting();
  event.waitUntil(keep());
});

worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { mode, url } = event.request;
  if (mode === 'navigate') event.respondWith(load(event));
  else if (new URL(url).pathname.endsWith('.css')) event.respondWith(fetch(event.request).catch(() => kept(event.request)));
});

/** @param {any} event */
async function load(event) {
  try {
    const answer = await fetch(event.request);
    if (answer.status < 500) {
      if (answer.ok) event.waitUntil(keep().catch(() => {}));
      return answer;
    }
  } catch {
    // The server is not there, or the network.
  }
  return kept(PAGE);
}

/** @param {RequestInfo} what */
async function kept(what) {
  return (await caches.match(what)) ?? Response.error();
}
