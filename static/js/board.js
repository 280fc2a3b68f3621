// The board of the hearing: what is large, what stands before it, and the two sides beside it; people and shared screens.

import { t } from './i18n.js';
import { keyed } from './keyed.js';
import { arrangeAll, columnsFor, remember, remembered } from './layout.js';
import { announce } from './page.js';
import { placesOf, screensOf } from './places.js';
import { ScreenTile, screenName } from './screen-tile.js';
import { SpeakerWatch } from './speaking.js';
import { HearingTile } from './tiles.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./places.js').Place} Place */
/** @typedef {import('./places.js').Seat} Seat */

/** From this width on the sides stand beside the bench, px. */
const FACING_PX = 760;

/** All pictures of the hearing in their rows. */
export class Board {
  /** @type {import('./layout.js').Mode} */
  mode;
  /** What its viewer wants large. @type {string | null} */
  pinned = null;
  /** The only thing that its viewer wants to see. @type {string | null} */
  #only = null;
  /** Loudspeaker for the sound of all, "" for the usual one. */
  speaker = '';
  #watch = new SpeakerWatch();
  /** Who speaks as the court hears it; undefined: it has not said, so that what is heard here decides. @type {string | null | undefined} */
  #told = undefined;
  /** There is room for the two sides beside the bench. */
  #wide = false;
  /** The screens that are shown. @type {Set<string>} */
  #shared = new Set();
  /** The layout has changed: show again. */
  onchange = () => {};
  /** The share of this participant shall end. @type {(participant: string) => void} */
  onend = () => {};
  ownLevel = () => 0;

  /**
   * @param {HTMLElement} root
   * @param {Record<'large' | 'left' | 'others' | 'right', HTMLElement>} rows
   * @param {string} kind of the sitting
   */
  constructor(root, rows, kind) {
    this.kind = kind;
    this.mode = remembered(kind);
    this.root = root;
    this.rows = rows;
    for (const row of Object.values(rows)) {
      row.addEventListener('click', (event) => this.#press(event));
      new ResizeObserver(() => this.#fit(row)).observe(row);
    }
    new ResizeObserver(() => this.#wide !== this.root.clientWidth >= FACING_PX && this.onchange()).observe(root);
    document.addEventListener('fullscreenchange', () => {
      if (!document.fullscreenElement && this.#only !== null) this.showOnly(null);
    });
  }

  /** @param {import('./layout.js').Mode} mode */
  choose(mode) {
    this.mode = mode;
    this.pinned = null;
    remember(this.kind, mode);
    this.onchange();
  }

  /** The court says who speaks. @param {string | null} endpoint */
  hear(endpoint) {
    if (endpoint !== null || this.#told !== undefined) this.#told = endpoint;
  }

  /** Nobody says any more who speaks. */
  hearNobody() {
    this.#told = undefined;
  }

  /** Draw all levels and follow who speaks; call it ten times a second. */
  listen() {
    const now_ms = performance.now();
    /** @type {HearingTile | null} */
    let loudest = null;
    for (const tile of this.tiles) {
      tile.listen(now_ms, this.#told === undefined ? null : tile.dataset.key === this.#told);
      if (tile.speaking && !tile.classList.contains('tile-you') && tile.level > (loudest?.level ?? -1)) loudest = tile;
    }
    if (this.#watch.hear(loudest?.dataset.key ?? null, now_ms) && this.mode === 'speaker') this.onchange();
  }

  /** Show one screen and nothing else, on the whole display where the browser can; null: everybody again. @param {string | null} key */
  showOnly(key) {
    this.#only = key;
    if (key !== null && document.fullscreenEnabled && !document.fullscreenElement) void document.documentElement.requestFullscreen().catch(() => {});
    if (key === null && document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    this.onchange();
  }

  /** Whether one screen is all that is shown. */
  get showsOne() {
    return this.#only !== null;
  }

  /** @param {Event} event */
  #press(event) {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const tile = button?.closest('[data-key]');
    if (!button || !(tile instanceof HTMLElement)) return;
    const key = tile.dataset.key ?? '';
    if (button.hasAttribute('data-end-screen')) return this.onend(tile.dataset.participant ?? '');
    const again = button.hasAttribute('data-only') ? '[data-only]' : '[data-pin]';
    if (button.hasAttribute('data-only')) this.showOnly(this.#only === key ? null : key);
    else {
      this.pinned = this.pinned === key ? null : key;
      this.onchange();
    }
    const place = this.root.querySelector(`[data-key="${CSS.escape(key)}"] ${again}`);
    if (place instanceof HTMLElement) place.focus();
  }

  /** @param {HTMLElement} row */
  #fit(row) {
    const count = row.children.length;
    if (count === 0 || row.clientWidth === 0) return;
    const columns = columnsFor(count, row.clientWidth, row.clientHeight);
    row.style.setProperty('--columns', String(columns));
    row.style.setProperty('--tile-rows', String(Math.ceil(count / columns)));
    // A last line that is not full stands in the middle: hearing.css takes two columns for each.
    const left = count % columns;
    for (const [index, tile] of [...row.children].entries()) {
      if (tile instanceof HTMLElement) tile.style.setProperty('--from', left > 0 && index === count - left ? String(columns - left + 1) : 'auto');
    }
  }

  /** The pictures of people. @returns {HearingTile[]} */
  get tiles() {
    return Object.values(this.rows).flatMap((row) => [...row.children].filter((child) => child instanceof HearingTile));
  }

  /**
   * @param {View} view
   * @param {(place: Place) => import('./protocol.js').NetworkView | null} networkOf
   * @returns {[Map<string, HearingTile>, Map<string, ScreenTile>]} the pictures of people by endpoint, and of screens
   */
  show(view, networkOf) {
    const places = placesOf(view);
    const screens = screensOf(view);
    this.#settle(screens);
    this.#wide = this.root.clientWidth >= FACING_PX;
    const seated = arrangeAll(places, screens, { mode: this.mode, pinned: this.#only ?? this.pinned, speaker: this.#watch.speaker, wide: this.#wide });
    const { large, left, others, right } = seated;
    this.root.dataset.layout = this.pinned === null ? this.mode : 'pinned';
    this.root.classList.toggle('has-stage', large.some((seat) => seat.screen));
    this.root.dataset.facing = left.length > 0 && right.length > 0 ? 'both' : left.length > 0 ? 'left' : right.length > 0 ? 'right' : 'none';
    this.root.dataset.people = others.length > 4 ? 'many' : 'few';
    /** @type {Map<string, HearingTile>} */
    const people = new Map();
    /** @type {Map<string, ScreenTile>} */
    const shared = new Map();
    for (const name of /** @type {const} */ (['large', 'left', 'others', 'right'])) {
      const [row, seats] = [this.rows[name], seated[name]];
      row.hidden = seats.length === 0;
      row.dataset.count = String(seats.length);
      keyed(row, seats, (seat) => seat.key, (seat) => this.#make(seat), (tile, seat) => {
        const pinned = this.pinned === seat.key;
        if (tile instanceof ScreenTile && seat.screen) {
          tile.show(seat, { pinned, only: this.#only === seat.key, mayEnd: view.rights.admit });
          shared.set(seat.endpoint, tile);
        } else if (tile instanceof HearingTile && !seat.screen) {
          tile.show(seat, view, networkOf(seat));
          tile.showPin(pinned, seat.people.map((person) => person.name).join(t(', ')));
          tile.hearAt(this.speaker);
          people.set(seat.key, tile);
        }
      });
      this.#fit(row);
    }
    return [people, shared];
  }

  /** Say which screens are new; what is over cannot be all that is shown. @param {import('./places.js').SharedScreen[]} screens */
  #settle(screens) {
    for (const screen of screens) if (!this.#shared.has(screen.key)) announce(screenName(screen));
    this.#shared = new Set(screens.map((screen) => screen.key));
    if (this.#only === null || this.#shared.has(this.#only)) return;
    this.#only = null;
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
  }

  /** @param {Seat} seat @returns {HearingTile | ScreenTile} */
  #make(seat) {
    if (seat.screen) return /** @type {ScreenTile} */ (document.createElement('screen-tile'));
    const tile = /** @type {HearingTile} */ (document.createElement('hearing-tile'));
    tile.ownLevel = () => this.ownLevel();
    return tile;
  }
}
