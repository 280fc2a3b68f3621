// In which sizes a camera's picture is sent (simulcast, RFC 8853), and which of them just now. Pure.
//
// The engine says which layers somebody wants (`demand`); only those are encoded, so that one layer costs what one picture costs.

/** @typedef {import('./protocol.js').Demand} Demand */
/** @typedef {{width: number, height: number}} Size of the picture that the camera gives */
/** @typedef {{max_height: number, max_video_bps: number}} Ceiling for all cameras while nobody has said what he wants */

/** Lowest first, as Chromium asks for it. */
export const RIDS = /** @type {const} */ (['q', 'h', 'f']);
/** From so many lines on a layer may take so much, bit/s. */
const RATES = /** @type {const} */ ([[500, 1_500_000], [250, 500_000], [0, 150_000]]);
/**
 * Chromium makes no more layers than a picture of this many pixels is worth (kSimulcastFormats of libwebrtc: 960×540, 480×270), and
 * leaves the last ones out; a tenth below counts as enough.
 */
const WORTH = /** @type {const} */ ([[960 * 540 * 0.9, 3], [480 * 270 * 0.9, 2], [0, 1]]);

/** How many of {@link RIDS} a picture of this size has. @param {Size} size */
function layersOf({ width, height }) {
  return WORTH.find(([pixels]) => width * height >= pixels)?.[1] ?? 1;
}

/**
 * How each layer is to be encoded. What is wanted and does not exist for so small a picture is the largest that does.
 * @param {Size} size
 * @param {Demand | null} demand null: nobody has said anything yet
 * @param {Ceiling} ceiling
 * @returns {{rid: string, active: boolean, scaleResolutionDownBy: number, maxBitrate: number}[]} one for each of {@link RIDS}
 */
export function layered(size, demand, ceiling) {
  const count = layersOf(size);
  const lines = Math.min(size.width, size.height);
  const wanted = new Set([...wantedOf(demand, ceiling)].map((level) => Math.min(level, count - 1)));
  return RIDS.map((rid, level) => {
    const scaleResolutionDownBy = 2 ** Math.max(0, count - 1 - level);
    const shown = lines / scaleResolutionDownBy;
    return { rid, active: wanted.has(level), scaleResolutionDownBy, maxBitrate: RATES.find(([least]) => shown >= least)?.[1] ?? 150_000 };
  });
}

/** @param {Demand | null} demand @param {Ceiling} ceiling @returns {number[]} levels of {@link RIDS} */
function wantedOf(demand, ceiling) {
  const named = demand?.rids.map((rid) => RIDS.findIndex((known) => known === rid)).filter((level) => level >= 0) ?? [];
  if (demand && (!demand.wanted || named.length > 0)) return demand.wanted ? named : [];
  return [ceiling.max_height >= 720 ? 2 : ceiling.max_height >= 360 ? 1 : 0];
}

/**
 * Where the picture is sent in one size only.
 * @param {Size} size
 * @param {Demand | null} demand
 * @param {Ceiling} ceiling
 */
export function single({ width, height }, demand, { max_height, max_video_bps }) {
  return { active: demand?.wanted ?? true, scaleResolutionDownBy: Math.max(1, Math.min(width, height) / max_height), maxBitrate: max_video_bps };
}

/** Whether an answer takes the layers that were offered. @param {string} sdp */
export function takesLayers(sdp) {
  return /^a=simulcast:recv /m.test(sdp);
}

/**
 * An answer that begins with these layers alone: Chromium sends all that an answer does not pause (RFC 8853 section 5.2, "~").
 * @param {string} sdp
 * @param {Set<string>} active rids
 */
export function beginsWith(sdp, active) {
  return sdp.replace(/^(a=simulcast:recv )(\S+)/m, (_, before, rids) => before + rids.split(';').map((/** @type {string} */ rid) => (active.has(rid) ? rid : `~${rid}`)).join(';'));
}
