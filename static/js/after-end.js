// After the end: whether the recording is sealed, asked of the server until it is.

/** @typedef {{sealed: boolean, playback: string, explain: string}} Seal `playback`, `explain`: addresses, "" for whom they are not meant */

const EVERY_MS = 2000;
/** The answer may wait: the disk comes back, or a device signs again. */
const LATER_MS = 15_000;
const SOON = 60;

/**
 * Ask until it is sealed, then say so once.
 * @param {string} url @param {(seal: Seal) => void} told
 */
export async function untilSealed(url, told) {
  for (let asked = 0; ; asked += 1) {
    try {
      const response = await fetch(url, { headers: { Accept: 'application/json' } });
      if (response.status === 403 || response.status === 404) return;
      const seal = response.ok ? /** @type {Seal} */ (await response.json()) : null;
      if (seal?.sealed) return told(seal);
    } catch {
      // The network or the server is away: it is asked again.
    }
    await new Promise((resolve) => setTimeout(resolve, asked < SOON ? EVERY_MS : LATER_MS));
  }
}
