// Whether the way up from this browser has been weak for so long that its owner is told. Pure.

import { grade } from './measure.js';

/** Measurements (one a second) that have to agree before something is said or taken back: a moment is none of anybody's business. */
const RUNNING = 8;

export class Uplink {
  weak = false;
  #running = 0;

  /**
   * @param {import('./protocol.js').Direction | null} up null while nothing is connected: that is told otherwise
   * @returns {boolean} whether it is weak
   */
  take(up) {
    const code = up ? grade({ lost_percent: up.lost_percent, rtt_ms: up.rtt_ms ?? 0 }).code : 'unknown';
    const weak = code === 'poor' || code === 'bad';
    this.#running = weak === this.weak ? 0 : this.#running + 1;
    if (this.#running >= RUNNING) [this.weak, this.#running] = [weak, 0];
    return this.weak;
  }
}
