// How long a picture and its sound wait before they are shown, so that what was lost on the way can be sent again in time. Knows no DOM.
//
// A browser sees only the path between the court and itself: what the speaker's own network lost comes late for no reason that it
// knows of, and the picture stands still. Both paths count here.

/** @typedef {{lost_percent?: number | null, rtt_ms?: number | null}} Network */

/** From this loss on a path is waited for, %. */
const LOSSY_PERCENT = 1.5;
/** Until a loss is noticed by the packets that overtook it, ms. */
const NOTICED_MS = 100;
/** Asked for again, as a request or its answer may be lost as well: where a tenth is lost, every fifth try fails, and of a picture's
 * 15 000 packets a minute two are not there after the fourth. */
const ROUND_TRIPS = 3;
const MUCH_LOST_PERCENT = 5;
const MORE_ROUND_TRIPS = 5;
const LEAST_MS = 150;
const MOST_MS = 700;
/** So long after the last loss it goes on, ms: to wait and not to wait by turns is worse than to wait. */
const KEPT_MS = 15_000;

/**
 * How long to wait for what comes by these paths: that of who speaks and one's own. Null: the browser decides. Pure.
 * @param {(Network | null | undefined)[]} paths
 * @returns {number | null}
 */
export function patience(paths) {
  const lossy = paths.filter((path) => (path?.lost_percent ?? 0) >= LOSSY_PERCENT);
  if (lossy.length === 0) return null;
  const rtt_ms = lossy.reduce((sum, path) => sum + (path?.rtt_ms ?? 0), 0);
  const rounds = lossy.some((path) => (path?.lost_percent ?? 0) >= MUCH_LOST_PERCENT) ? MORE_ROUND_TRIPS : ROUND_TRIPS;
  return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, NOTICED_MS + rounds * rtt_ms)));
}

/** Keeps each endpoint's picture and sound waiting as long as they have to. */
export class Patient {
  /** By endpoint: how long, and until when. @type {Map<string, {wait_ms: number, until_ms: number}>} */
  #known = new Map();

  /**
   * Call it after each measurement.
   * @param {Iterable<import('./media.js').RemoteTrack>} tracks
   * @param {Map<string, Network | null>} networks by endpoint
   * @param {Network | null} own
   * @param {number} [now_ms]
   */
  wait(tracks, networks, own, now_ms = performance.now()) {
    for (const { endpoint, receiver } of tracks) {
      const wait_ms = patience([networks.get(endpoint), own]);
      const known = this.#known.get(endpoint);
      if (wait_ms !== null) this.#known.set(endpoint, { wait_ms: Math.max(wait_ms, known && known.until_ms > now_ms ? known.wait_ms : 0), until_ms: now_ms + KEPT_MS });
      else if (known && known.until_ms <= now_ms) this.#known.delete(endpoint);
      const target = this.#known.get(endpoint)?.wait_ms ?? null;
      if ('jitterBufferTarget' in receiver && receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
    }
  }
}
