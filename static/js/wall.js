// The officer's desk of the wall: chooses a wall, divides it, fills its windows, calls presets, and has sources take turns. What is done
// here is shown when the server says so.

import { t } from './i18n.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce, send, toast } from './page.js';
import { PatrolDialog, PickDialog, PresetDialog, ScreensDialog } from './wall-dialogs.js';
import { TellingLine } from './telling-line.js';
import { choices, DRAGGED, keyOf, ofField, showSources } from './wall-sources.js';
import { WallTile } from './wall-tile.js';
import { WallView } from './wall-view.js';

/** @typedef {import('./wall-line.js').Source} Source */
/** @typedef {import('./wall-line.js').Told} Told */
/** @typedef {import('./wall-line.js').WallMessage} WallMessage */
/** @typedef {import('./wall-line.js').RoomMessage} RoomMessage */

const OWN = 'own';
/** A window that is dragged onto another one. */
const DRAGGED_WINDOW = 'application/x-wall-window';

class WallDesk extends HTMLElement {
  #wall = OWN;
  #chosen = 0;
  /** @type {TellingLine<import('./wall-line.js').Message> | null} */
  #line = null;
  /** @type {WallMessage | null} */
  #message = null;
  /** @type {RoomMessage} */
  #room = { type: 'room', screens: [], presets: [] };
  /** @type {Told[]} */
  #sources = [];
  /** Whether the officer's rank lets him change what all have: screens and presets. */
  #leads = false;
  /** A sitting that the address asks for. */
  #asked = new URLSearchParams(location.search).get('source') ?? '';

  connectedCallback() {
    if (this.#line) return;
    const view = find(this, 'wall-view');
    if (!(view instanceof WallView)) throw new Error('no wall on this page');
    this.#leads = this.dataset['leads'] !== undefined;
    this.view = view;
    this.pick = new PickDialog();
    this.patrol = new PatrolDialog((act) => this.#act(act));
    this.preset = new PresetDialog(() => this.#wall);
    this.screens = new ScreensDialog();
    view.addEventListener('tile', (event) => this.#wire(/** @type {CustomEvent<WallTile>} */ (event).detail));
    this.addEventListener('click', (event) => this.#click(event));
    find(this, '[data-source-search]').addEventListener('input', () => this.#showSources());
    document.addEventListener('keydown', (event) => this.#key(event));
    this.#go(sessionStorage.getItem('wall') ?? OWN);
  }

  /** Look at another wall. @param {string} wall */
  #go(wall) {
    this.#line?.close();
    this.#wall = wall;
    this.#message = null;
    sessionStorage.setItem('wall', wall);
    this.view?.choose(wall, wall === OWN);
    this.#line = new TellingLine(() => `/ws/console/wall/${wall}?console=1`, (message) => this.#take(message), (open) => this.#linked(open), () => {
      if (this.#wall !== OWN) this.#go(OWN); // that screen is there no more
      else location.reload();
    });
    this.#line.open();
  }

  /** @param {import('./wall-line.js').Message} message */
  #take(message) {
    if (message.type === 'wall') {
      this.#message = message;
      this.view?.take(message);
      this.#ask(message);
    } else if (message.type === 'room') {
      this.#room = message;
      this.screens?.show(message.screens);
    } else {
      this.#sources = message.sources;
      if (this.pick) this.pick.sources = message.sources;
    }
    this.#show();
  }

  /** @param {boolean} open */
  #linked(open) {
    find(this, '[data-broken]').hidden = open;
    this.classList.toggle('stale', !open);
  }

  /** Put what the address asks for into the first free window. @param {WallMessage} message */
  #ask(message) {
    const sitting = this.#asked;
    if (sitting === '') return;
    this.#asked = '';
    history.replaceState(null, '', location.pathname);
    if (message.shown.some((source) => source?.sitting === sitting)) return;
    const free = message.shown.indexOf(null);
    this.#chosen = Math.max(0, free);
    void this.#act({ act: 'place', window: this.#chosen, source: { sitting, participant: '' } });
  }

  // ---------------------------------------------------------------------------------------------- acts

  /** @param {object} act @returns {Promise<{ok: boolean, data: any}>} */
  async #act(act) {
    const answer = await send(`/console/wall/${this.#wall}/act`, act);
    if (!answer.ok) toast(answer.data?.title ?? '');
    return answer;
  }

  /** @param {Source} source */
  #put(source) {
    void this.#act({ act: 'place', window: this.#chosen, source });
    const windows = this.#message?.shown ?? [];
    const next = windows.findIndex((one, number) => one === null && number !== this.#chosen);
    if (next >= 0) this.#choose(next, document.activeElement instanceof WallTile); // the ring stays on the window that is chosen
  }

  /** @param {number} window @param {number} wider @param {number} taller */
  #spread(window, wider, taller) {
    const cells = this.#message?.arrangement.layout.windows[window];
    if (cells) void this.#act({ act: 'spread', window, width: cells.width + wider, height: cells.height + taller });
  }

  /** @param {string} name @param {HTMLElement | null} button */
  #do(name, button = null) {
    const message = this.#message;
    const chosen = this.#chosen;
    if (!message) return;
    const turning = message.arrangement.patrol;
    switch (name) {
      case 'wall': return this.#go(button?.dataset['wall'] ?? OWN);
      case 'split': return void this.#act({ act: 'split', windows: Number(button?.dataset['windows']) });
      case 'grid': return void this.#act({ act: 'grid', columns: Number(button?.dataset['columns']), rows: Number(button?.dataset['rows']) });
      case 'pick': return this.pick?.open(chosen, (source) => this.#put(source));
      case 'off': return void this.#act({ act: 'place', window: chosen, source: null });
      case 'hear': return void this.#act({ act: 'hear', window: message.arrangement.heard === chosen ? null : chosen });
      case 'wider': return this.#spread(chosen, 1, 0);
      case 'narrower': return this.#spread(chosen, -1, 0);
      case 'taller': return this.#spread(chosen, 0, 1);
      case 'lower': return this.#spread(chosen, 0, -1);
      case 'clear': return void this.#act({ act: 'clear' });
      case 'patrol': return this.patrol?.open(this.#sources, message, chosen);
      case 'pause': return turning ? void this.#act({ act: 'pause', on: !turning.paused }) : undefined;
      case 'next': return turning ? void this.#act({ act: 'step', back: false }) : undefined;
      case 'back': return turning ? void this.#act({ act: 'step', back: true }) : undefined;
      case 'end': return void this.#act({ act: 'end_patrol' });
      case 'call': return void this.#act({ act: 'call', preset: button?.dataset['preset'] ?? '' });
      case 'keep': return this.preset?.open(null, this.#room.presets);
      case 'change': return this.preset?.open(this.#room.presets.find(({ id }) => id === button?.dataset['preset']) ?? null, this.#room.presets);
      case 'screens': return this.screens?.open();
      case 'full': return void this.view?.requestFullscreen().catch(() => {});
    }
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-do]') : null;
    if (button instanceof HTMLElement) this.#do(button.dataset['do'] ?? '', button);
  }

  // ---------------------------------------------------------------------------------------------- windows

  /** @param {WallTile} tile */
  #wire(tile) {
    const number = () => tile.shown?.number ?? 0;
    tile.tabIndex = -1;
    tile.draggable = true;
    tile.addEventListener('click', () => this.#choose(number()));
    tile.addEventListener('focus', () => this.#choose(number()));
    tile.addEventListener('dblclick', () => this.#do('pick'));
    tile.addEventListener('dragstart', (event) => event.dataTransfer?.setData(DRAGGED_WINDOW, String(number())));
    tile.addEventListener('dragover', (event) => {
      if (!event.dataTransfer?.types.some((type) => type === DRAGGED || type === DRAGGED_WINDOW)) return;
      event.preventDefault();
      tile.classList.add('wall-over');
    });
    tile.addEventListener('dragleave', () => tile.classList.remove('wall-over'));
    tile.addEventListener('drop', (event) => {
      event.preventDefault();
      tile.classList.remove('wall-over');
      const source = event.dataTransfer?.getData(DRAGGED);
      const other = event.dataTransfer?.getData(DRAGGED_WINDOW);
      if (source) void this.#act({ act: 'place', window: number(), source: JSON.parse(source) });
      else if (other && Number(other) !== number()) void this.#act({ act: 'exchange', window: Number(other), other: number() });
      this.#choose(number());
    });
  }

  /** @param {number} number @param {boolean} [focus] */
  #choose(number, focus = false) {
    this.#chosen = number;
    this.#show();
    if (focus) this.view?.tiles[number]?.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    const onTile = event.target instanceof WallTile;
    if (onTile && this.#move(event)) return event.preventDefault();
    const preset = this.#room.presets.find(({ key }) => key !== '' && key === event.key);
    if (preset) {
      void this.#act({ act: 'call', preset: preset.id });
      announce(t('Preset {name}', { name: preset.name }));
      return event.preventDefault();
    }
    const act = { s: 'pick', m: 'hear', p: 'pause', '.': 'next', ',': 'back', f: 'full' }[event.key.toLowerCase()]
      ?? (onTile ? { Enter: 'pick', Delete: 'off', Backspace: 'off' }[event.key] : undefined);
    if (act === undefined) return;
    event.preventDefault();
    this.#do(act);
  }

  /** Arrow keys go to the window that lies there; with Shift the window grows or shrinks. @param {KeyboardEvent} event */
  #move(event) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const windows = this.#message?.arrangement.layout.windows;
    const here = windows?.[this.#chosen];
    if (!way || !windows || !here) return false;
    const [right = 0, down = 0] = way;
    if (event.shiftKey) {
      this.#spread(this.#chosen, right, down);
      return true;
    }
    const edge = [right > 0 ? here.column + here.width : here.column + right, down > 0 ? here.row + here.height : here.row + down];
    const next = windows.findIndex((one) => one.column <= (edge[0] ?? 0) && (edge[0] ?? 0) < one.column + one.width && one.row <= (edge[1] ?? 0) && (edge[1] ?? 0) < one.row + one.height);
    if (next >= 0) this.#choose(next, true);
    return true;
  }

  // ---------------------------------------------------------------------------------------------- what is shown

  #show() {
    const message = this.#message;
    const walls = [{ wall: OWN, name: t('My wall'), lit: 0 }, ...this.#room.screens.map((screen) => ({ wall: String(screen.number), name: `${screen.number} · ${screen.name}`, lit: screen.lit }))];
    fill(find(this, '[data-walls]'), ...walls.map(({ wall, name, lit }) => el('button', { type: 'button', 'data-do': 'wall', 'data-wall': wall, 'aria-pressed': String(wall === this.#wall) },
      icon(wall === OWN ? 'user' : 'screen', 16), name, wall !== OWN && el('span', { class: `wall-lamp${lit > 0 ? ' wall-lit' : ''}` }, el('span', { class: 'visually-hidden' }, lit > 0 ? t('lit') : t('dark'))))));
    if (!message) return;
    const { layout, heard, patrol } = message.arrangement;
    this.#chosen = Math.min(this.#chosen, layout.windows.length - 1);
    const plain = layout.windows.every(({ width, height }) => width === 1 && height === 1) && layout.columns * layout.rows === layout.windows.length;
    for (const button of this.querySelectorAll('[data-do="split"], [data-do="grid"]')) {
      const { windows, columns, rows } = /** @type {HTMLElement} */ (button).dataset;
      const side = Math.sqrt(Number(windows));
      const same = windows ? layout.columns === side && layout.rows === side : layout.columns === Number(columns) && layout.rows === Number(rows);
      button.setAttribute('aria-pressed', String(plain && same));
    }
    this.view?.tiles.forEach((tile, number) => {
      tile.classList.toggle('wall-chosen', number === this.#chosen);
      tile.tabIndex = number === this.#chosen ? 0 : -1;
    });
    find(this, '[data-elsewhere]').hidden = this.#wall === OWN;
    const source = message.shown[this.#chosen] ?? null;
    say(find(this, '[data-chosen]'), t('Window {n}', { n: this.#chosen + 1 }));
    const may = this.#wall === OWN || this.#leads;
    for (const button of this.querySelectorAll('[data-do="pick"], [data-do="clear"], [data-do="patrol"], [data-do="split"], [data-do="grid"], [data-patrol-going] button')) /** @type {HTMLButtonElement} */ (button).disabled = !may;
    for (const name of ['off', 'hear']) /** @type {HTMLButtonElement} */ (find(this, `[data-do="${name}"]`)).disabled = source === null || !may;
    find(this, '[data-do="hear"]').setAttribute('aria-pressed', String(heard === this.#chosen));
    const cells = layout.windows[this.#chosen];
    const room = { wider: cells && cells.column + cells.width < layout.columns, narrower: cells && cells.width > 1, taller: cells && cells.row + cells.height < layout.rows, lower: cells && cells.height > 1 };
    for (const [name, can] of Object.entries(room)) /** @type {HTMLButtonElement} */ (find(this, `[data-do="${name}"]`)).disabled = !can || !may;
    const link = /** @type {HTMLAnchorElement} */ (find(this, '[data-open]'));
    link.hidden = source === null || ofField(source);
    if (source) link.href = `/console/sittings/${source.sitting}`;
    const by = source ? message.answers[source.sitting] : undefined;
    say(find(this, '[data-by]'), by && this.#wall !== OWN ? t('Watched in the name of {name}', { name: by }) : '');
    this.#showPatrol(message, patrol);
    this.#showPresets();
    this.#showSources();
  }

  /** @param {WallMessage} message @param {import('./wall-line.js').Patrol | null} patrol */
  #showPatrol(message, patrol) {
    const going = find(this, '[data-patrol-going]');
    if (patrol === null && going.contains(document.activeElement)) find(this, '[data-do="patrol"]').focus();
    going.hidden = patrol === null;
    find(this, '[data-no-patrol]').hidden = patrol !== null;
    if (!patrol) return;
    const names = new Map([...this.#sources, ...message.sittings].flatMap((told) => [[`${told.id}/`, told.room || told.title], ...told.people.map((person) => /** @type {[string, string]} */ ([`${told.id}/${person.id}`, `${person.name} · ${told.room}`]))]));
    const here = new Set(patrol.windows.flatMap((window) => (message.shown[window] ? [keyOf(/** @type {Source} */ (message.shown[window]))] : [])));
    const state = patrol.paused ? t('Paused') : t('{n} s each', { n: patrol.dwell_s });
    say(find(this, '[data-patrol-state]'), `${state} · ${inWindows(patrol.windows)}`);
    fill(find(this, '[data-patrol-list]'), ...patrol.sources.map((source, n) => el('li', { class: `${here.has(keyOf(source)) ? 'wall-here' : ''}${message.on[n] ? '' : ' wall-source-off'}` },
      here.has(keyOf(source)) && icon('eye', 16), el('span', { class: 'truncate' }, names.get(keyOf(source)) ?? t('Not among those of today')), !message.on[n] && el('span', { class: 'wall-source-state' }, t('off line')))));
    fill(find(this, '[data-do="pause"]'), icon(patrol.paused ? 'play' : 'pause', 16), patrol.paused ? t('Go on') : t('Pause'));
  }

  #showPresets() {
    fill(find(this, '[data-presets]'), ...this.#room.presets.map((preset) => el('li', {},
      el('button', { type: 'button', class: 'wall-preset', 'data-do': 'call', 'data-preset': preset.id, 'aria-keyshortcuts': preset.key || null },
        preset.key !== '' && el('kbd', {}, preset.key), el('span', { class: 'truncate' }, preset.name)),
      this.#leads && el('button', { type: 'button', class: 'wall-preset-more', 'data-do': 'change', 'data-preset': preset.id, title: t('Change the preset “{name}”', { name: preset.name }) },
        icon('pencil', 16), el('span', { class: 'visually-hidden' }, t('Change the preset “{name}”', { name: preset.name }))))));
    find(this, '[data-no-presets]').hidden = this.#room.presets.length > 0;
  }

  #showSources() {
    const search = /** @type {HTMLInputElement} */ (find(this, '[data-source-search]')).value;
    const found = choices(this.#sources, search);
    const standing = new Set((this.#message?.shown ?? []).flatMap((source) => (source ? [keyOf(source)] : [])));
    showSources(find(this, '[data-sources]'), found, standing, (source) => this.#put(source));
    const empty = find(this, '[data-no-sources]');
    empty.hidden = found.length > 0;
    say(empty, this.#sources.length === 0 ? t('No sitting is held or still to come today.') : t('No sitting matches this choice.'));
  }
}

/** @param {number[]} windows from 0 */
function inWindows(windows) {
  const list = windows.map((window) => window + 1).join(t(', '));
  return windows.length === 1 ? t('window {n}', { n: list }) : t('windows {list}', { list });
}

customElements.define('wall-desk', WallDesk);
