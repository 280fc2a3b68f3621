// Where the phone is: asked for a step, and while a task is under way told now and then, by whoever agrees.

/** @typedef {import('./queue.js').Fix} Fix */

const PATIENCE_MS = 15_000;
const EVERY_MS = 30_000;

/** @param {GeolocationPosition} found @returns {Fix} */
function fixOf(found) {
  return { latitude: found.coords.latitude, longitude: found.coords.longitude, accuracy_m: Math.min(found.coords.accuracy, 100_000) };
}

/**
 * Where the phone is now; null where it does not say.
 * @returns {Promise<Fix | null>}
 */
export function whereNow() {
  if (!('geolocation' in navigator)) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition((found) => resolve(fixOf(found)), () => resolve(null), {
      enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 20_000,
    });
  });
}

/** Tells where the phone is while it is wanted. */
export class Telling {
  #watch = 0;
  #told = 0;
  #token = '';

  /** @param {boolean} wanted somebody agrees and has a task under way @param {string} token */
  follow(wanted, token) {
    this.#token = token;
    if (wanted && !this.#watch && 'geolocation' in navigator) {
      this.#watch = navigator.geolocation.watchPosition((found) => void this.#tell(found), () => {}, { enableHighAccuracy: true, maximumAge: 20_000 });
    } else if (!wanted && this.#watch) {
      navigator.geolocation.clearWatch(this.#watch);
      this.#watch = 0;
    }
  }

  /** @param {GeolocationPosition} found */
  async #tell(found) {
    if (Date.now() - this.#told < EVERY_MS) return;
    this.#told = Date.now();
    await fetch('/field/position', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': this.#token },
      body: JSON.stringify({ ...fixOf(found), system: 'wgs84', at_ms: Math.round(found.timestamp) }),
    }).catch(() => null);
  }
}
