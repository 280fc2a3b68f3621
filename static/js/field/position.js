// Where the phone is: asked for a step, and while a task is under way told now and then, by whoever agrees.

/** @typedef {import('./queue.js').Fix} Fix */

const PATIENCE_MS = 15_000;
const EVERY_MS = 30_000;

/** @param {GeolocationPosition} found @returns {Fix} */
function fixOf(found) {
  return { latitude: found.coords.latitude, longitude: found.coords.longitude, accuracy_m: Math.min(found.coords.accuracy, 100_000) };
}

/** Says where the phone is when it is asked, and tells it while that is wanted. */
export class Telling {
  #watch = 0;
  #told = 0;
  #token = '';
  #wanted = false;
  #asking = false;

  /** @param {boolean} wanted somebody agrees and has a task under way @param {string} token */
  follow(wanted, token) {
    this.#token = token;
    this.#wanted = wanted;
    if (wanted && !this.#watch && !this.#asking && 'geolocation' in navigator) {
      this.#watch = navigator.geolocation.watchPosition((found) => void this.#tell(found), () => {}, { enableHighAccuracy: true, maximumAge: 20_000 });
    } else if (!wanted) this.#stop();
  }

  /**
   * Where the phone is now; null where it does not say. A browser that follows the position answers when the phone moves, and to one that
   * lies still not at all: so it follows no more while it is asked.
   * @returns {Promise<Fix | null>}
   */
  async now() {
    if (!('geolocation' in navigator)) return null;
    this.#asking = true;
    this.#stop();
    /** @type {Fix | null} */
    const fix = await new Promise((resolve) => {
      navigator.geolocation.getCurrentPosition((found) => resolve(fixOf(found)), () => resolve(null), {
        enableHighAccuracy: true, timeout: PATIENCE_MS, maximumAge: 20_000,
      });
    });
    this.#asking = false;
    this.follow(this.#wanted, this.#token);
    return fix;
  }

  #stop() {
    if (this.#watch) navigator.geolocation.clearWatch(this.#watch);
    this.#watch = 0;
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
