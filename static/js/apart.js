// Marks of a map laid apart: none covers another, and what was moved away from its place is tied to it by a line. Pure.

/**
 * @typedef {object} Box A mark as it stands by itself, in px of the map.
 * @property {number} x of the place on the map that it is about
 * @property {number} y
 * @property {number} left of its corner, from that place
 * @property {number} top
 * @property {number} width
 * @property {number} height
 */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Edges */

const GAP = 4;
/** Ways in which a mark is moved, and steps on each. */
const WAYS = 24;
const RINGS = 14;

/**
 * How far each mark is moved to the right and down: 0, 0 where it stays. The first ones stay where they are, the later ones make way; where
 * there is no room left near by, a mark stands where it covers least.
 * @param {Box[]} boxes the most important first
 * @param {Edges[]} taken what no mark may cover, and does not move
 * @param {Edges} view what is seen of the map: a mark of a place in it is seen whole, where that can be
 * @returns {{dx: number, dy: number}[]}
 */
export function apart(boxes, taken, view) {
  const stands = [...taken];
  return boxes.map((box) => {
    const near = stands.filter((other) => Math.hypot(middle(other.left, other.right) - box.x, middle(other.top, other.bottom) - box.y) < reach(box, other));
    const seen = box.x >= view.left && box.x <= view.right && box.y >= view.top && box.y <= view.bottom;
    let best = { dx: 0, dy: 0, covers: Infinity };
    for (const move of moves(box)) {
      const stood = edges(box, move);
      const covers = near.reduce((sum, other) => sum + covered(stood, other), seen ? outside(stood, view) : 0);
      if (covers < best.covers) best = { ...move, covers };
      if (covers === 0) break;
    }
    stands.push(edges(box, best));
    return { dx: best.dx, dy: best.dy };
  });
}

/** The line from the place to its mark: where it begins at the mark, from the place. @param {Box} box @param {{dx: number, dy: number}} move */
export function tie(box, move) {
  return { x: box.left + move.dx + box.width / 2, y: box.top + move.dy + box.height / 2 };
}

/**
 * Where the mark could stand, the nearest first: at its own place, then around the place that it is about, its middle on growing rings.
 * @param {Box} box
 */
function* moves(box) {
  yield { dx: 0, dy: 0 };
  const own = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const turned = Math.atan2(own.y, own.x);
  for (let ring = 1; ring <= RINGS; ring += 1) {
    for (let way = 0; way < WAYS; way += 1) {
      // From its own side outwards, once to the left and once to the right of it.
      const angle = turned + (way % 2 ? -1 : 1) * Math.ceil(way / 2) * ((2 * Math.PI) / WAYS);
      const far = ring * (box.height / 2 + GAP);
      yield { dx: Math.cos(angle) * (far + box.width / 2) - own.x, dy: Math.sin(angle) * (far + box.height / 2) - own.y };
    }
  }
}

/** @param {Box} box @param {{dx: number, dy: number}} move @returns {Edges} */
function edges(box, move) {
  const left = box.x + box.left + move.dx;
  const top = box.y + box.top + move.dy;
  return { left, top, right: left + box.width, bottom: top + box.height };
}

/** How many square px of one lie on the other, with a gap between them. @param {Edges} one @param {Edges} other */
function covered(one, other) {
  const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left) + GAP;
  const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) + GAP;
  return wide > 0 && high > 0 ? wide * high : 0;
}

/** How many square px lie out of sight. @param {Edges} one @param {Edges} view */
function outside(one, view) {
  const wide = Math.max(0, Math.min(one.right, view.right) - Math.max(one.left, view.left));
  const high = Math.max(0, Math.min(one.bottom, view.bottom) - Math.max(one.top, view.top));
  return Math.round((one.right - one.left) * (one.bottom - one.top) - wide * high);
}

/** How far from its place a mark can come to lie on another. @param {Box} box @param {Edges} other */
function reach(box, other) {
  const own = Math.hypot(box.width, box.height) * 1.5 + RINGS * (box.height / 2 + GAP);
  return own + Math.hypot(other.right - other.left, other.bottom - other.top);
}

/** @param {number} from @param {number} to */
function middle(from, to) {
  return (from + to) / 2;
}
