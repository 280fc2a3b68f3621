// The dialogs of the wall: pick a source, start a patrol, keep and change presets, the screens of the room and how they sign in.

import { t } from './i18n.js';
import { el, fill, find, icon, say } from './markup.js';
import { csrfToken, send, toast } from './page.js';
import { choices, keyOf, showSources } from './wall-sources.js';

/** @typedef {import('./wall-line.js').Source} Source */
/** @typedef {import('./wall-line.js').Told} Told */
/** @typedef {import('./wall-line.js').WallMessage} WallMessage */
/** @typedef {import('./wall-line.js').RoomMessage} RoomMessage */
/** @typedef {import('./wall-line.js').Preset} Preset */

/** @param {string} id */
function dialog(id) {
  const found = find(document, id);
  if (!(found instanceof HTMLDialogElement)) throw new Error(`${id} is no dialog`);
  return found;
}

/** @param {ParentNode} root @param {string} selector */
function input(root, selector) {
  return /** @type {HTMLInputElement} */ (find(root, selector));
}

/** Say at its field what is wrong, else below the form. @param {HTMLElement} form @param {any} refusal problem details */
function refuse(form, refusal) {
  for (const place of form.querySelectorAll('[data-error]')) place.textContent = '';
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
  const listed = refusal?.errors?.length ? refusal.errors : [{ field: '', detail: refusal?.title ?? '' }];
  for (const { field, detail } of listed) {
    const place = form.querySelector(`[data-error="${CSS.escape(field)}"]`) ?? find(form, '[data-error=""]');
    say(place, detail);
    const at = form.querySelector(`[name="${CSS.escape(field)}"]`);
    at?.setAttribute('aria-invalid', 'true');
    if (at instanceof HTMLElement) at.focus();
  }
}

/** @param {HTMLElement} form */
function clean(form) {
  for (const place of form.querySelectorAll('[data-error]')) place.textContent = '';
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
}

/** Picks a source for one window, by keyboard. */
export class PickDialog {
  #dialog = dialog('#wall-pick');
  #search = input(this.#dialog, '[data-pick-search]');
  #list = find(this.#dialog, '[data-pick-list]');
  /** @type {Told[]} */
  sources = [];
  /** @type {(source: Source) => void} */
  #choose = () => {};

  constructor() {
    this.#search.addEventListener('input', () => this.show());
    this.#dialog.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const buttons = [...this.#list.querySelectorAll('button')];
      if (event.key === 'Enter' && event.target === this.#search) {
        event.preventDefault();
        buttons[0]?.click();
        return;
      }
      if (step === undefined || buttons.length === 0) return;
      event.preventDefault();
      const here = buttons.findIndex((button) => button === document.activeElement);
      if (here + step < 0) this.#search.focus();
      else buttons[Math.min(buttons.length - 1, here + step)]?.focus();
    });
  }

  /** @param {number} number of the window @param {(source: Source) => void} choose */
  open(number, choose) {
    say(find(this.#dialog, 'h2'), t('Pick a source for window {n}', { n: number + 1 }));
    this.#search.value = '';
    this.#choose = choose;
    this.show();
    this.#dialog.showModal();
    this.#search.focus();
  }

  show() {
    const found = choices(this.sources, this.#search.value);
    showSources(this.#list, found, new Set(), (source) => {
      this.#dialog.close();
      this.#choose(source);
    });
    find(this.#dialog, '[data-pick-empty]').hidden = found.length > 0;
  }
}

/** Which sources take turns in which windows, and for how long each. */
export class PatrolDialog {
  #dialog = dialog('#wall-patrol');
  #form = find(this.#dialog, 'form');

  /** @param {(act: object) => Promise<{ok: boolean, data: any}>} act */
  constructor(act) {
    find(this.#dialog, '[data-patrol-all]').addEventListener('click', () => {
      for (const box of this.#dialog.querySelectorAll('[data-patrol-sources] input')) /** @type {HTMLInputElement} */ (box).checked = /** @type {HTMLInputElement} */ (box).dataset['level'] === '0';
    });
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const checked = (/** @type {string} */ where) => [...this.#dialog.querySelectorAll(`${where} input:checked`)].map((box) => /** @type {HTMLInputElement} */ (box).value);
      const sources = checked('[data-patrol-sources]').map((key) => {
        const [sitting = '', participant = ''] = key.split('/');
        return { sitting, participant };
      });
      const { ok, data } = await act({ act: 'patrol', sources, windows: checked('[data-patrol-windows]').map(Number), dwell_s: Number(input(this.#form, '[name=dwell_s]').value) || 0 });
      if (ok) this.#dialog.close();
      else refuse(this.#form, data);
    });
  }

  /** @param {Told[]} sittings @param {WallMessage} message @param {number} chosen window */
  open(sittings, message, chosen) {
    const former = message.arrangement.patrol;
    const had = new Set(former?.sources.map(keyOf));
    const turning = new Set(former?.windows ?? [chosen]);
    fill(find(this.#dialog, '[data-patrol-sources]'), ...choices(sittings, '').map((choice) => el('li', { class: `wall-source-${choice.level}` },
      el('label', {}, el('input', { type: 'checkbox', value: keyOf(choice.source), 'data-level': choice.level, checked: had.has(keyOf(choice.source)) }),
        el('span', { class: 'wall-source-words' }, el('b', {}, choice.title), el('span', {}, choice.on ? choice.more : `${choice.more} · ${t('off line')}`))))));
    find(this.#dialog, '[data-patrol-none]').hidden = sittings.length > 0;
    fill(find(this.#dialog, '[data-patrol-windows]'), ...message.arrangement.layout.windows.map((_, number) => el('label', {}, el('input', { type: 'checkbox', value: number, checked: turning.has(number) }), String(number + 1))));
    if (former) input(this.#form, '[name=dwell_s]').value = String(former.dwell_s);
    clean(this.#form);
    this.#dialog.showModal();
  }
}

/** A preset's name and digit; what it shows is taken from the wall. */
export class PresetDialog {
  #dialog = dialog('#wall-preset');
  #form = find(this.#dialog, 'form');
  /** @type {Preset | null} */
  #preset = null;

  /** @param {() => string} wall that is looked at, as addresses name it */
  constructor(wall) {
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const anew = this.#preset === null || input(this.#form, '[name=anew]').checked;
      const base = anew ? `/console/wall/${wall()}/presets` : '/console/wall-presets';
      const body = { name: input(this.#form, '[name=name]').value, key: input(this.#form, '[name=key]').value };
      const { ok, data } = await send(this.#preset ? `${base}/${this.#preset.id}` : base, body);
      if (!ok) return refuse(this.#form, data);
      this.#dialog.close();
      toast(t('Preset kept'));
    });
    find(this.#dialog, '[data-preset-remove]').addEventListener('click', async () => {
      const { ok, data } = await send(`/console/wall-presets/${this.#preset?.id}/remove`, {});
      if (!ok) return refuse(this.#form, data);
      this.#dialog.close();
      toast(t('Preset deleted'));
    });
  }

  /** @param {Preset | null} preset null: a new one @param {Preset[]} others */
  open(preset, others) {
    this.#preset = preset;
    say(find(this.#dialog, 'h2'), preset ? t('Change the preset “{name}”', { name: preset.name }) : t('Keep what this wall shows'));
    input(this.#form, '[name=name]').value = preset?.name ?? '';
    const taken = new Set(others.filter((one) => one !== preset).map(({ key }) => key));
    fill(find(this.#form, '[name=key]'), el('option', { value: '' }, t('no digit')), ...[...'123456789'].filter((key) => !taken.has(key)).map((key) => el('option', { value: key }, key)));
    input(this.#form, '[name=key]').value = preset ? preset.key : [...'123456789'].find((key) => !taken.has(key)) ?? '';
    find(this.#form, '[data-preset-anew]').hidden = preset === null;
    input(this.#form, '[name=anew]').checked = false;
    find(this.#form, '[data-preset-remove]').hidden = preset === null;
    clean(this.#form);
    this.#dialog.showModal();
    input(this.#form, '[name=name]').focus();
  }
}

/** The screens of the room: add one, give it a code, take its sign-in away, delete it. */
export class ScreensDialog {
  #dialog = dialog('#wall-screens');
  #form = find(this.#dialog, 'form');
  /** @type {RoomMessage['screens']} */
  #screens = [];

  constructor() {
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await this.#ask('/console/wall-screens', new FormData(/** @type {HTMLFormElement} */ (this.#form)))) input(this.#form, '[name=name]').value = '';
    });
    this.#dialog.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-screen-act]') : null;
      if (!(button instanceof HTMLElement)) return;
      const { screenAct: act = '', screen = '' } = button.dataset;
      if (act === 'remove' && button.dataset['sure'] !== 'yes') {
        button.dataset['sure'] = 'yes';
        button.textContent = t('Delete it for good');
        return;
      }
      void this.#ask(`/console/wall-screens/${screen}/${act}`, new FormData());
    });
  }

  open() {
    fill(find(this.#dialog, '[data-screen-code]'));
    clean(this.#form);
    this.show(this.#screens);
    this.#dialog.showModal();
  }

  /** @param {RoomMessage['screens']} screens */
  show(screens) {
    this.#screens = screens;
    const state = (/** @type {RoomMessage['screens'][number]} */ screen) => screen.lit === 1 ? t('Shows its wall') : screen.lit > 1 ? t('Shows its wall in {n} windows', { n: screen.lit }) : screen.signed_in ? t('Signed in, dark at present') : screen.waits ? t('Waits for its code') : t('Not signed in');
    fill(find(this.#dialog, '[data-screen-list]'), ...screens.map((screen) => el('li', {},
      el('span', { class: 'grow' }, el('b', {}, `${screen.number} · ${screen.name}`), el('span', { class: 'small muted' }, state(screen))),
      el('a', { class: 'button button-small', href: `/console/wall/screens/${screen.number}`, target: '_blank', rel: 'noopener' }, icon('expand', 16), t('Open its window')),
      el('button', { type: 'button', class: 'button button-small', 'data-screen-act': 'code', 'data-screen': screen.number }, t('New code')),
      (screen.signed_in || screen.waits) && el('button', { type: 'button', class: 'button button-small', 'data-screen-act': 'revoke', 'data-screen': screen.number }, t('Sign it out')),
      el('button', { type: 'button', class: 'button button-small', 'data-screen-act': 'remove', 'data-screen': screen.number }, icon('trash', 16), el('span', { class: 'visually-hidden' }, t('Delete screen {n}', { n: screen.number }))))));
    find(this.#dialog, '[data-screen-none]').hidden = screens.length > 0;
  }

  /** @param {string} address @param {FormData} body @returns {Promise<boolean>} */
  async #ask(address, body) {
    try {
      const answer = await fetch(address, { method: 'POST', body, headers: { 'X-CSRF-Token': csrfToken(), Accept: 'application/json' } });
      const data = await answer.json();
      if (!answer.ok) {
        refuse(this.#form, data);
        return false;
      }
      clean(this.#form);
      if (data.code) {
        fill(find(this.#dialog, '[data-screen-code]'),
          el('p', {}, t('On the computer of screen {n}, open {address} and enter this code. It works once, until {time}.', { n: data.number, address: data.address, time: data.until })),
          el('p', { class: 'wall-code' }, data.code));
      }
      return true;
    } catch {
      refuse(this.#form, { title: t('The server does not answer. Check the network and try again.') });
      return false;
    }
  }
}
