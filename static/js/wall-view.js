// The windows of one wall, live: makes tiles and one silent watch for each sitting that is shown, and ends it with the last tile.

import { el } from './markup.js';
import { Observed } from './observed.js';
import { onNetworkChange } from './rescue.js';
import { endpointOf, WallTile } from './wall-tile.js';

/** @typedef {import('./wall-line.js').WallMessage} WallMessage */
/** @typedef {import('./wall-pictures.js').Picture} Picture */

const LEVEL_EVERY_MS = 120;
/** So often it is looked whether a watch that the server refused may begin again. */
const LOOK_EVERY_MS = 1_000;

export class WallView extends HTMLElement {
  /** @type {WallTile[]} */
  tiles = [];
  /** By sitting. @type {Map<string, Observed>} */
  #observed = new Map();
  /** @type {WallMessage | null} */
  message = null;
  #plays = true;
  #wall = '';
  #due = false;
  #grid = el('div', { class: 'wall-grid' });

  connectedCallback() {
    if (this.#grid.parentElement) return;
    this.append(this.#grid);
    new ResizeObserver(() => this.#soon()).observe(this.#grid);
    setInterval(() => this.#levels(), LEVEL_EVERY_MS);
    setInterval(() => this.#watch(), LOOK_EVERY_MS);
    onNetworkChange(() => {
      for (const observed of this.#observed.values()) observed.moved();
    });
    addEventListener('pagehide', () => this.stop());
  }

  /** @param {string} wall as addresses name it: "own" or a screen's number @param {boolean} plays whether pictures are shown here */
  choose(wall, plays) {
    if (wall !== this.#wall) this.stop();
    this.#wall = wall;
    this.#plays = plays;
  }

  /** @param {WallMessage} message */
  take(message) {
    this.message = message;
    this.#tile(message);
    this.#watch();
  }

  /** End every watch. */
  stop() {
    for (const observed of this.#observed.values()) observed.close();
    this.#observed.clear();
    this.message = null;
    for (const tile of this.tiles) tile.close();
    this.tiles = [];
  }

  /** The sittings that are watched from this window now, and what arrives of each, for tests. */
  async figures() {
    const found = [...this.#observed].filter(([, observed]) => observed.going);
    return Object.fromEntries(await Promise.all(found.map(async ([sitting, observed]) => [sitting, await observed.inbound()])));
  }

  /** @param {WallMessage} message */
  #tile({ arrangement: { layout } }) {
    while (this.tiles.length > layout.windows.length) this.tiles.pop()?.close();
    this.#grid.style.setProperty('--columns', String(layout.columns));
    this.#grid.style.setProperty('--rows', String(layout.rows));
    layout.windows.forEach((cells, number) => {
      let tile = this.tiles[number];
      if (!tile) {
        tile = /** @type {WallTile} */ (document.createElement('wall-tile'));
        tile.setAttribute('role', 'group');
        this.tiles.push(tile);
        this.#grid.append(tile);
        this.dispatchEvent(new CustomEvent('tile', { detail: tile }));
      }
      tile.style.gridArea = `${cells.row + 1} / ${cells.column + 1} / span ${cells.height} / span ${cells.width}`;
    });
  }

  /** Watch what is shown and may be watched, and nothing else. */
  #watch() {
    const message = this.message;
    if (message === null) return;
    const told = new Map(message.sittings.map((one) => [one.id, one]));
    const wanted = new Set(this.#plays ? message.shown.flatMap((source) => (source && told.get(source.sitting)?.going ? [source.sitting] : [])) : []);
    for (const [sitting, observed] of this.#observed) {
      if (wanted.has(sitting)) continue;
      observed.close();
      this.#observed.delete(sitting);
    }
    for (const sitting of wanted) {
      const path = `/ws/console/wall/${this.#wall}/sittings/${sitting}`;
      const observed = this.#observed.get(sitting) ?? new Observed(path, () => this.#soon());
      this.#observed.set(sitting, observed);
      if (told.get(sitting)?.observable) observed.open();
    }
    this.#soon();
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#show();
    });
  }

  #show() {
    const message = this.message;
    if (message === null) return;
    const { arrangement, shown, sittings } = message;
    /** @type {Map<Observed, Map<Element, Picture>>} */
    const pictures = new Map([...this.#observed.values()].map((observed) => [observed, new Map()]));
    const turning = arrangement.patrol;
    this.tiles.forEach((tile, number) => {
      const source = shown[number] ?? null;
      const observed = source ? this.#observed.get(source.sitting) : undefined;
      const at = turning && source ? turning.sources.findIndex((one) => one.sitting === source.sitting && one.participant === source.participant) + 1 : 0;
      const found = tile.show({
        number,
        source,
        told: sittings.find(({ id }) => id === source?.sitting),
        observed,
        plays: this.#plays,
        heard: arrangement.heard === number && source !== null,
        turn: turning?.windows.includes(number) ? { at, of: turning.sources.length, paused: turning.paused } : null,
      });
      if (observed) for (const [element, picture] of found) pictures.get(observed)?.set(element, picture);
    });
    const heard = arrangement.heard === null ? null : shown[arrangement.heard] ?? null;
    for (const [observed, elements] of pictures) {
      observed.show(elements);
      const here = heard !== null && this.#observed.get(heard.sitting) === observed && observed.seen;
      observed.hear((endpoint) => here && heard !== null && (heard.participant === '' || endpointOf(observed, heard.participant) === endpoint));
    }
  }

  #levels() {
    for (const tile of this.tiles) tile.listen();
  }
}

customElements.define('wall-view', WallView);
