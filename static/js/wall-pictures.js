// Which pictures of a sitting stand in a window of the wall, and what is said where there are none. Pure.

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */
/** @typedef {{endpoint: string, source: 'camera' | 'screen', names: string[]}} Picture */

/** Windows lower than so many pixels show one picture, four, or else nine. */
const HEIGHTS = /** @type {const} */ ([[150, 1], [620, 4], [Infinity, 9]]);

/** How many pictures a window of this height has room for. @param {number} height CSS pixels */
export function roomFor(height) {
  return HEIGHTS.find(([below]) => height < below)?.[1] ?? 9;
}

/**
 * The pictures of a sitting, or of one participant, for a window with room for `most`. They keep their places: whoever speaks and is not
 * among the first takes the last place.
 * @param {View} view
 * @param {string} participant "" for the whole sitting
 * @param {string | null | undefined} speaker endpoint
 * @param {number} most
 * @returns {Picture[]}
 */
export function picturesOf(view, participant, speaker, most) {
  /** @type {Map<string, ParticipantView[]>} */
  const places = new Map();
  for (const person of view.participants) {
    if (person.endpoint === null || person.presence !== 'present') continue;
    places.set(person.endpoint, [...(places.get(person.endpoint) ?? []), person]);
  }
  /** @type {Picture[]} */
  const screens = [];
  /** @type {Picture[]} */
  const cameras = [];
  for (const [endpoint, people] of places) {
    if (participant !== '' && !people.some((person) => person.id === participant)) continue;
    const names = people.map((person) => person.name);
    if (people.some((person) => person.sources['screen']?.live)) screens.push({ endpoint, source: 'screen', names });
    if (people.some((person) => person.sources['camera']?.live)) cameras.push({ endpoint, source: 'camera', names });
  }
  if (participant !== '') return [...screens, ...cameras].slice(0, 1);
  const all = [...screens, ...cameras];
  const shown = all.slice(0, most);
  const speaking = cameras.find((picture) => picture.endpoint === speaker);
  if (speaking && all.length > most && !shown.includes(speaking)) shown[most - 1] = speaking;
  return shown;
}

/** As many columns as show so many pictures largest in a window. @param {number} count @param {number} width @param {number} height */
export function columnsFor(count, width, height) {
  let [best, widest] = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const wide = Math.min(width / columns, (height / Math.ceil(count / columns)) * (16 / 9));
    if (wide > widest - 1) [best, widest] = [columns, wide];
  }
  return best;
}
