// Whether the way up from this browser has been weak for so long that its owner is told. Pure.

/** Measurements (one a second) that have to agree before something is said or taken back: a moment is none of anybody's business. */
const RUNNING = 8;

export class Uplink {
  weak = false;
  #running = 0;

  /**
   * @param {import('./protocol.js').Score | null} up as the server says; null while nothing gets through: that is told otherwise
   * @returns {boolean} whether it is weak
   */
  take(up) {
    const weak = up === 'poor' || up === 'bad';
    this.#running = weak === this.weak ? 0 : this.#running + 1;
    if (this.#running >= RUNNING) [this.weak, this.#running] = [weak, 0];
    return this.weak;
  }
}
