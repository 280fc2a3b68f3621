// Whether one's own sound is sent twice, each packet with the one before it (RED, RFC 2198): where the way up loses some. Pure.

/** Lost of one's own sound, %, in the mean of some seconds: from the first on it is worth its octets, below the second no more. */
const LOSSY = 3;
const CLEAN = 1;
/** A path that lost something is taken for one that does for so long. */
const LASTS_MS = 60_000;
const GAIN = 0.1;

export class Redundancy {
  on = false;
  #mean = 0;
  #lossy_ms = -Infinity;

  /**
   * Once a second.
   * @param {number | null} lost_percent of one's own sound, by the last report; null if none is known
   * @param {number} now_ms
   */
  take(lost_percent, now_ms) {
    if (lost_percent === null) return this.on;
    this.#mean += (lost_percent - this.#mean) * GAIN;
    if (this.#mean >= (this.on ? CLEAN : LOSSY)) {
      this.on = true;
      this.#lossy_ms = now_ms;
    } else if (now_ms - this.#lossy_ms > LASTS_MS) this.on = false;
    return this.on;
  }
}
