// Where a line on the map bears its name: away from the points that lie on it. Knows no DOM and no map.

/** @typedef {import('./shapes.js').Position} Position */

/** Parts of the line's length at which its name may stand, the best first. */
const PARTS = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8];
/** So far from every point, in parts of the line's length, nothing lies on the name. */
const FREE = 0.08;

/**
 * The place of the name: the middle, or beside it where a point lies there; where none is free, the one farthest from all.
 * @param {Position[]} line longitude, latitude of its corners, at least two
 * @param {Position[]} points that are drawn as well
 * @returns {Position}
 */
export function placeOfName(line, points) {
  const first = line[0] ?? [0, 0];
  const narrow = Math.cos((first[1] * Math.PI) / 180);
  const apart = (/** @type {Position} */ a, /** @type {Position} */ b) => Math.hypot((a[0] - b[0]) * narrow, a[1] - b[1]);
  const pieces = line.slice(1).map((to, i) => ({ from: line[i] ?? to, to, length: apart(line[i] ?? to, to) }));
  const whole = pieces.reduce((sum, { length }) => sum + length, 0);
  if (whole === 0) return first;
  const at = (/** @type {number} */ part) => {
    let left = part * whole;
    for (const { from, to, length } of pieces) {
      if (left <= length && length > 0) return /** @type {Position} */ ([from[0] + ((to[0] - from[0]) * left) / length, from[1] + ((to[1] - from[1]) * left) / length]);
      left -= length;
    }
    return first;
  };
  const near = (/** @type {Position} */ place) => Math.min(...points.map((point) => apart(point, place))) / whole;
  const places = PARTS.map((part) => ({ place: at(part), free: near(at(part)) }));
  const free = places.find((each) => each.free >= FREE) ?? places.reduce((best, each) => (each.free > best.free ? each : best));
  return free.place;
}
