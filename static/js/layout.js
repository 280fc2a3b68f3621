// How the pictures are laid out: who is large, who is in the row below. Chosen by each viewer for himself, and kept in his browser.

/** @typedef {import('./places.js').Place} Place */
/** @typedef {import('./places.js').SharedScreen} SharedScreen */
/** @typedef {import('./places.js').Seat} Seat */
/** @typedef {{mode: Mode, pinned: string | null, speaker: string | null, wide: boolean}} Wish `wide`: there is room for the two sides beside the bench */
/** @typedef {{large: Seat[], left: Seat[], others: Seat[], right: Seat[]}} Rows */
/** @typedef {'court' | 'equal' | 'speaker' | 'inset'} Mode */

export const MODES = /** @type {const} */ (['court', 'equal', 'speaker', 'inset']);
const KEY = 'hearing-layout';

/**
 * What is large and what is not. A shared screen is what everybody is to read: in every layout it stands alone, with the people beside
 * it, those first who would be large without it. What is pinned comes before everything else; nobody needs himself or his own screen
 * large.
 *
 * A bench that is large has the sides facing each other at its left and right where there is room, and whoever is of neither side, a
 * witness or an interpreter, before it: as in a court room seen from the gallery.
 * @param {Place[]} places
 * @param {SharedScreen[]} screens
 * @param {Wish} wish
 * @returns {Rows}
 */
export function arrangeAll(places, screens, wish) {
  const everything = [...screens, ...places];
  const pinned = everything.filter((seat) => seat.key === wish.pinned);
  const large = pinned.length > 0 ? pinned : screens.filter((screen) => !screen.you);
  const [people, others] = arrange(places, wish);
  if (large.length > 0) return { large, left: [], others: [...screens, ...people, ...others].filter((seat) => !large.includes(seat)), right: [] };
  if (wish.mode !== 'court' || !wish.wide || people.length === 0 || screens.length > 0) return { large: people, left: [], others: [...screens, ...others], right: [] };
  const of = (/** @type {string} */ side) => others.filter((place) => place.side === side);
  return { large: people, left: of('left'), others: others.filter((place) => place.side !== 'left' && place.side !== 'right'), right: of('right') };
}

/**
 * Which people are large and which are not.
 * @param {Place[]} places
 * @param {Omit<Wish, 'wide'>} wish
 * @returns {[Place[], Place[]]}
 */
function arrange(places, { mode, pinned, speaker }) {
  /** @param {(place: Place) => boolean} large @returns {[Place[], Place[]]} */
  const split = (large) => [places.filter(large), places.filter((place) => !large(place))];
  if (pinned !== null && places.some((place) => place.key === pinned)) return split((place) => place.key === pinned);
  if (mode === 'equal') return [[], places];
  if (mode === 'court') return split((place) => place.bench);
  if (mode === 'inset') {
    // Whoever is questioned faces those who question him, and they him.
    const others = places.filter((place) => !place.you);
    const faced = others.find((place) => place.side === 'left') ?? others.find((place) => place.bench) ?? others[0];
    return faced && places.length > 1 ? split((place) => place === faced) : [[], places];
  }
  const spoken = places.find((place) => place.key === speaker) ?? places.find((place) => place.bench) ?? places.find((place) => !place.you);
  return spoken && places.length > 1 ? split((place) => place === spoken) : [[], places];
}

/**
 * The number of columns that shows `count` pictures of 16:9 largest in a box.
 * @param {number} count
 * @param {number} width px
 * @param {number} height px
 */
export function columnsFor(count, width, height) {
  let best = 1;
  let widest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const tile = Math.min(width / columns, (height / Math.ceil(count / columns)) * (16 / 9));
    if (tile > widest + 0.5) [best, widest] = [columns, tile];
  }
  return best;
}

/** How each kind of sitting is laid out before its viewer chooses: a court by its bench, a round table as equals, an interrogation by the one
 * who is questioned, with those who question inset. @type {Record<string, Mode>} */
const OF_KIND = { round_table: 'equal', remote_interrogation: 'inset' };

/** Whether those who take part in a kind of sitting face each other by sides, or are equals. @param {string} kind of the sitting */
export function hasSides(kind) {
  return OF_KIND[kind] !== 'equal';
}

/** @param {string} kind of the sitting @returns {Mode} what this browser was told last */
export function remembered(kind) {
  try {
    const kept = localStorage.getItem(`${KEY}:${kind}`);
    return MODES.find((mode) => mode === kept) ?? OF_KIND[kind] ?? 'court';
  } catch {
    return OF_KIND[kind] ?? 'court'; // private windows may keep nothing
  }
}

/** @param {string} kind of the sitting @param {Mode} mode */
export function remember(kind, mode) {
  try {
    localStorage.setItem(`${KEY}:${kind}`, mode);
  } catch {
    // Private windows may keep nothing: the layout lasts as long as the page.
  }
}
