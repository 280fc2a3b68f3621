// The bar above the list of sittings: states, switches, kind, room, officer, words, and the views that were saved; each has a key.

import { ask } from './ask.js';
import { askFor, chosen, EVERYTHING, isOf, isSame, viewOf } from './board-view.js';
import { t } from './i18n.js';
import { el, fill, find, icon, say } from './markup.js';
import { send, toast } from './page.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./board-view.js').View} View */
/** @typedef {import('./board-view.js').SavedView} SavedView */
/** @typedef {'kind' | 'room' | 'officer'} Picked */

/** @type {Picked[]} */
const PICKED = ['kind', 'room', 'officer'];
const LONGEST_NAME = 40;

export class BoardFilters {
  /** @type {View} */
  view;
  #saved;
  #me;
  #root;
  #search;
  #changed;
  /** The choices as they stand in the page. */
  #drawn = '';

  /**
   * @param {HTMLElement} root
   * @param {string} me id of the viewer
   * @param {SavedView[]} saved
   * @param {() => void} changed
   */
  constructor(root, me, saved, changed) {
    this.#root = root;
    this.#me = me;
    this.#saved = saved;
    this.#changed = changed;
    this.#search = /** @type {HTMLInputElement} */ (find(root, '[data-search]'));
    this.view = viewOf(new URLSearchParams(location.search)) ?? saved.find((each) => each.opens)?.shown ?? EVERYTHING;
    this.#search.value = this.view.text;
    this.#search.addEventListener('input', () => this.#choose({ text: this.#search.value }));
    for (const name of PICKED) this.#select(name).addEventListener('change', (event) => this.#choose({ [name]: /** @type {HTMLSelectElement} */ (event.target).value }));
    root.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button) this.#pressed(button);
    });
  }

  /** The sittings that are to be shown. @param {readonly Situation[]} sittings */
  chosen(sittings) {
    return chosen(sittings, this.view, this.#me);
  }

  /** Bring the bar to what there is today. @param {readonly Situation[]} sittings @param {readonly {id: string, name: string}[]} rooms */
  show(sittings, rooms) {
    const others = { ...this.view, show: 'all' };
    for (const button of this.#buttons('[data-filter]')) {
      const state = button.dataset['filter'] ?? '';
      button.setAttribute('aria-pressed', String(state === this.view.show));
      say(find(button, '[data-count]'), String(chosen(sittings, others, this.#me).filter((s) => isOf(s, state)).length));
    }
    for (const button of this.#buttons('[data-only]')) {
      const only = button.dataset['only'] === 'mine' ? 'mine' : 'alerts';
      button.setAttribute('aria-pressed', String(this.view[only]));
      say(find(button, '[data-count]'), String(chosen(sittings, { ...this.view, [only]: true }, this.#me).length));
    }
    this.#choices(sittings, rooms);
    this.#views();
  }

  /** Selects have what is there today, and what is chosen. @param {readonly Situation[]} sittings @param {readonly {id: string, name: string}[]} rooms */
  #choices(sittings, rooms) {
    /** @type {Record<Picked, Map<string, string>>} */
    const found = { kind: new Map(), room: new Map(rooms.map((room) => [room.id, room.name])), officer: new Map() };
    for (const s of sittings) {
      found.kind.set(s.kind, s.kind_text);
      if (s.room_id) found.room.set(s.room_id, s.room);
      if (s.officer_id) found.officer.set(s.officer_id, s.officer);
    }
    const all = { kind: t('All kinds'), room: t('All rooms'), officer: t('All officers') };
    const drawn = JSON.stringify([...PICKED.map((name) => [...found[name]]), this.view]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    for (const name of PICKED) {
      const select = this.#select(name);
      const known = [...found[name]].sort((a, b) => a[1].localeCompare(b[1]));
      if (this.view[name] && !found[name].has(this.view[name])) known.push([this.view[name], t('None today')]);
      fill(select, el('option', { value: '' }, all[name]), ...known.map(([value, text]) => el('option', { value }, text)));
      select.value = this.view[name];
      select.classList.toggle('is-chosen', this.view[name] !== '');
    }
  }

  #views() {
    const place = find(this.#root, '[data-views]');
    fill(place, ...this.#saved.map((each, number) => el('span', { class: 'board-view' },
      el('button', { type: 'button', 'data-view': each.id, 'aria-pressed': String(isSame(each.shown, this.view)), 'aria-keyshortcuts': number < 9 && String(number + 1) },
        number < 9 && el('kbd', { 'aria-hidden': 'true' }, String(number + 1)), el('span', { class: 'truncate' }, each.name),
        each.opens && el('span', { class: 'board-opens' }, icon('check', 14), el('span', { class: 'visually-hidden' }, t('The page opens with it')))))));
    const here = this.#saved.find((each) => isSame(each.shown, this.view));
    find(this.#root, '[data-view-save]').hidden = here !== undefined || isSame(this.view, EVERYTHING);
    const opens = find(this.#root, '[data-view-opens]');
    opens.hidden = find(this.#root, '[data-view-remove]').hidden = here === undefined;
    say(find(opens, 'span'), here?.opens ? t('Do not open with it') : t('Open with it'));
    find(this.#root, '[data-view-all]').hidden = isSame(this.view, EVERYTHING);
  }

  /** @param {HTMLElement} button */
  #pressed(button) {
    const { filter, only, view } = button.dataset;
    if (filter) this.#choose({ show: filter });
    else if (only) this.toggle(only === 'mine' ? 'mine' : 'alerts');
    else if (view) this.call(view);
    else if ('viewSave' in button.dataset) void this.#save();
    else if ('viewOpens' in button.dataset) void this.#act('opens');
    else if ('viewRemove' in button.dataset) void this.#act('remove');
    else if ('viewAll' in button.dataset) this.clear();
  }

  /** @param {'alerts' | 'mine'} only */
  toggle(only) {
    this.#choose({ [only]: !this.view[only] });
  }

  /** A saved view, by its id. @param {string} id */
  call(id) {
    const shown = this.#saved.find((each) => each.id === id)?.shown;
    if (shown) this.#set(shown);
  }

  clear() {
    this.#set(EVERYTHING);
  }

  /** @param {Partial<View>} part */
  #choose(part) {
    this.#set({ ...this.view, ...part });
  }

  /** @param {View} view */
  #set(view) {
    this.view = view;
    if (this.#search.value !== view.text) this.#search.value = view.text;
    const url = new URL(location.href);
    askFor(view, url.searchParams);
    history.replaceState(null, '', url);
    this.#changed();
  }

  async #save() {
    const name = await ask({
      title: t('Save this view'), text: t('It is called with one click, by you alone, on every computer. A view of yours with the same name is replaced.'), reason: t('Name of the view'), longest: LONGEST_NAME, short: true, act: t('Save'),
    });
    if (name !== null) this.#take(await send('/console/views', { name, shown: { ...this.view, text: this.view.text.trim() } }));
  }

  /** Of the view that is shown. @param {'opens' | 'remove'} act */
  async #act(act) {
    const here = this.#saved.find((each) => isSame(each.shown, this.view));
    if (here) this.#take(await send(`/console/views/${here.id}/${act}`, {}));
  }

  /** @param {{ok: boolean, data: any}} answer */
  #take({ ok, data }) {
    if (ok) this.#saved = data.views;
    else toast(data?.errors?.[0]?.detail ?? data?.title ?? t('That did not work. Try again.'));
    this.#changed();
  }

  /** What a key does here. @param {string} key @returns {boolean} whether it does anything */
  key(key) {
    const picked = PICKED.find((name) => name[0] === key);
    const state = { l: 'session', n: 'coming', e: 'ended' }[key];
    const saved = /^[1-9]$/.test(key) ? this.#saved[Number(key) - 1] : undefined;
    if (key === '/') this.#search.focus();
    else if (picked) this.#select(picked).focus();
    else if (key === 'a') this.toggle('alerts');
    else if (key === 'm') this.toggle('mine');
    else if (state) this.#choose({ show: this.view.show === state ? 'all' : state });
    else if (key === '0') this.clear();
    else if (saved) this.#set(saved.shown);
    else return false;
    return true;
  }

  /** @param {Picked} name */
  #select(name) {
    return /** @type {HTMLSelectElement} */ (find(this.#root, `[data-pick="${name}"]`));
  }

  /** @param {string} selector @returns {HTMLElement[]} */
  #buttons(selector) {
    return [...this.#root.querySelectorAll(selector)].filter((button) => button instanceof HTMLElement);
  }
}
