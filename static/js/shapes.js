// What the editor of layers does to features: adding, moving and taking out corners, coordinates as text. Knows no DOM and no map.

/** @typedef {[number, number]} Position longitude, latitude, as GeoJSON has it */
/** @typedef {{type: 'Point', coordinates: Position} | {type: 'LineString', coordinates: Position[]} | {type: 'Polygon', coordinates: Position[][]}} Shape */
/** @typedef {{type: 'Feature', geometry: Shape, properties: {name: string, note: string, case: string}}} Feature */
/** @typedef {'Point' | 'LineString' | 'Polygon'} Kind */

/** How many corners a shape of each kind needs. @type {Record<Kind, number>} */
export const LEAST = { Point: 1, LineString: 2, Polygon: 3 };
const DIGITS = 6;

/**
 * The corners that a hand moves: of an area those of its outer ring, without the last, which is the first again.
 * @param {Shape} shape @returns {Position[]}
 */
export function corners(shape) {
  if (shape.type === 'Point') return [shape.coordinates];
  if (shape.type === 'LineString') return shape.coordinates;
  return (shape.coordinates[0] ?? []).slice(0, -1);
}

/**
 * The shape of that kind with these corners; of an area, holes of the former one stay.
 * @param {Kind} kind @param {Position[]} places @param {Shape} [former] @returns {Shape}
 */
export function shaped(kind, places, former) {
  const first = places[0] ?? [0, 0];
  if (kind === 'Point') return { type: 'Point', coordinates: first };
  if (kind === 'LineString') return { type: 'LineString', coordinates: places };
  const holes = former?.type === 'Polygon' ? former.coordinates.slice(1) : [];
  return { type: 'Polygon', coordinates: [[...places, first], ...holes] };
}

/** @param {Shape} shape @param {number} index @param {Position} to @returns {Shape} */
export function moved(shape, index, to) {
  return shaped(shape.type, corners(shape).map((place, i) => (i === index ? to : place)), shape);
}

/** @param {Shape} shape @param {number} before @param {Position} place @returns {Shape} */
export function inserted(shape, before, place) {
  const places = [...corners(shape)];
  places.splice(before, 0, place);
  return shaped(shape.type, places, shape);
}

/** The shape without that corner; null where too few would be left. @param {Shape} shape @param {number} index @returns {Shape | null} */
export function without(shape, index) {
  const places = corners(shape).filter((_, i) => i !== index);
  return places.length < LEAST[shape.type] ? null : shaped(shape.type, places, shape);
}

/**
 * Between which corners a new one can be put: the place in the middle, and before which corner it goes.
 * @param {Shape} shape @returns {{before: number, place: Position}[]}
 */
export function middles(shape) {
  if (shape.type === 'Point') return [];
  const places = corners(shape);
  const last = shape.type === 'Polygon' ? places.length : places.length - 1;
  return places.slice(0, last).map((place, i) => {
    const next = places[(i + 1) % places.length] ?? place;
    return { before: i + 1, place: [(place[0] + next[0]) / 2, (place[1] + next[1]) / 2] };
  });
}

/** The corners as lines of "latitude, longitude". @param {Shape} shape */
export function asText(shape) {
  return corners(shape).map(([longitude, latitude]) => `${round(latitude)}, ${round(longitude)}`).join('\n');
}

/**
 * What was typed as corners; the number of the first line that is none, from 1.
 * @param {string} text @returns {{places: Position[], bad: number}}
 */
export function fromText(text) {
  /** @type {Position[]} */
  const places = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parts = line.trim().split(/[\s,，;；]+/).map(Number);
    const [latitude = NaN, longitude = NaN] = parts;
    if (parts.length !== 2 || !(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180)) return { places, bad: index + 1 };
    places.push([longitude, latitude]);
  }
  return { places, bad: 0 };
}

/** @param {number} degrees */
export function round(degrees) {
  return Number(degrees.toFixed(DIGITS));
}
