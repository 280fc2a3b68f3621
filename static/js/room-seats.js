// At a room's own device: who sits here, who of them speaks now, and a newcomer who reads the notice and consents first.

import { ask } from './ask.js';
import { heldBack, mayBeHeard, roomOf } from './rooms.js';
import { t, word } from './i18n.js';
import { el, fill, find, icon } from './markup.js';
import { announce, send as post, toast } from './page.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').Unseat} Unseat */
/** @typedef {import('./protocol.js').Voice} Voice */
/**
 * A participant as the server lists him to the room's device.
 * @typedef {{id: string, name: string, role: string, here: boolean, may: boolean, consented: boolean, words: string}} Listed
 */
/** @typedef {{version: string, sha256: string, parts: [string, string[]][], agree: string, accept: string, decline: string}} Notice */

/** The line above the tools of a room's device, and its dialog. */
export class RoomSeats {
  /** @type {View | null} */
  #view = null;
  /** @type {Listed[]} */
  #listed = [];
  /** @type {Notice | null} */
  #notice = null;
  /** Who reads the notice now. @type {Listed | null} */
  #reader = null;
  #body = el('div', { class: 'dialog-body seats-body' });
  #dialog = el('dialog', { class: 'seats-dialog', 'aria-labelledby': 'seats-title' }, this.#body);
  #who = '';

  /**
   * @param {HTMLElement} root
   * @param {string} url below which the device asks who may sit here, "" for whoever is no room's device
   * @param {(message: Unseat | Voice) => void} send
   */
  constructor(root, url, send) {
    this.root = root;
    this.url = url;
    this.send = send;
    this.voices = find(root, '[data-part="voice-choices"]');
    this.reason = find(root, '[data-part="held-back"]');
    this.voices.addEventListener('click', (event) => this.#mark(event));
    find(root, '[data-part="seats-open"]').addEventListener('click', () => void this.#open());
    document.body.append(this.#dialog);
    this.#dialog.addEventListener('click', (event) => void this.#act(event));
    this.#dialog.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#answer(true);
    });
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const room = this.url === '' ? undefined : roomOf(view, view.participants.find((person) => person.you)?.endpoint ?? null);
    this.root.hidden = room === undefined || view.place !== 'inside';
    if (!room) return;
    const people = view.participants.filter((person) => room.people.includes(person.id));
    find(this.root, '[data-part="voice-row"]').hidden = people.length < 2 || !mayBeHeard(people);
    // Drawn anew only where something changed; the focus stays on its button.
    const focused = document.activeElement instanceof HTMLElement && this.voices.contains(document.activeElement) ? document.activeElement.dataset.voice : undefined;
    fill(this.voices, ...people.map((person) => voiceButton(person, room.voice === person.id)));
    if (focused !== undefined) focusOn(this.voices, focused);
    const text = heldBack(view, 'microphone');
    this.reason.hidden = text === '';
    fill(this.reason, icon('mic-off', 18), el('span', {}, text));
    const who = `${room.people.join()}|${room.coming.join()}`;
    if (this.#who !== who && this.#dialog.open && !this.#reader) void this.#load();
    this.#who = who;
  }

  /** @param {Event} event */
  #mark(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-voice]') : null;
    if (!(button instanceof HTMLElement)) return;
    const on = button.getAttribute('aria-pressed') !== 'true';
    this.send({ type: 'voice', participant: on ? button.dataset.voice ?? null : null, endpoint: null });
    const person = this.#view?.participants.find((one) => one.id === button.dataset.voice);
    announce(on ? t('Marked as speaking: {name}', { name: person?.name ?? '' }) : t('Nobody is marked as speaking.'));
  }

  async #open() {
    this.#reader = null;
    await this.#load();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  async #load() {
    try {
      const response = await fetch(`${this.url}/seats`, { headers: { Accept: 'application/json' } });
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      this.#listed = found.people;
      this.#notice = found.notice;
    } catch {
      return toast(t('The server does not answer. Check the network and try again.'));
    }
    if (!this.#reader) this.#list();
  }

  /** Everybody: who sits here and may go, who may sit down, and why the others may not. */
  #list() {
    const here = this.#listed.filter((person) => person.here);
    const others = this.#listed.filter((person) => !person.here);
    fill(
      this.#body,
      el('h2', { id: 'seats-title' }, t('Who sits at this device?')),
      el('p', { class: 'muted' }, t('A newcomer reads the notice and consents first. Everything is kept in the log.')),
      el('ul', { class: 'seats-list', role: 'list' }, ...here.map((person) => row(person, 'stand', t('Leaves'), t('{name} leaves this device', { name: person.name })))),
      el('h3', {}, t('Not at this device')),
      el('ul', { class: 'seats-list', role: 'list' }, ...others.map((person) => row(person, person.may ? 'sit' : '', t('Sits down'), t('{name} sits down at this device', { name: person.name })))),
      el('div', { class: 'dialog-actions' }, el('button', { class: 'button', type: 'button', 'data-close': true }, t('Close'))),
    );
  }

  /** @param {Event} event */
  async #act(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-seat]') : null;
    if (!(button instanceof HTMLElement)) return;
    const person = this.#listed.find((one) => one.id === button.dataset.person);
    switch (button.dataset.seat) {
      case 'stand':
        return void (person && this.#stand(person));
      case 'sit':
        return person?.consented ? this.#sit(person) : void (person && this.#read(person));
      case 'refuse':
        return this.#answer(false);
      case 'back':
        this.#reader = null;
        return this.#list();
    }
  }

  /** @param {Listed} person */
  async #stand(person) {
    const last = this.#listed.filter((one) => one.here).length === 1;
    const text = last ? t('Nobody sits here then, and this device leaves the {sitting}.') : t('The log keeps when. Whoever comes back is let in again by the clerk.');
    if ((await ask({ title: t('Does {name} leave this device?', { name: person.name }), text, act: t('Leaves') })) === null) return;
    this.send({ type: 'unseat', participant: person.id });
    if (last) this.#dialog.close();
  }

  /** @param {Listed} person @param {boolean} [agree] */
  async #sit(person, agree = true) {
    const { ok, data } = await post(`${this.url}/seats`, { participant: person.id, agree, sha256: this.#notice?.sha256 ?? '' });
    if (!ok) toast(data?.title ?? t('The server does not answer. Check the network and try again.'));
    else if (agree) announce(t('{name} sits at this device.', { name: person.name }));
    else toast(t('{name} did not agree and does not sit at this device.', { name: person.name }));
    this.#reader = null;
    await this.#load();
  }

  /** The notice, for this one person. @param {Listed} person */
  #read(person) {
    this.#reader = person;
    const parts = this.#notice?.parts ?? [];
    fill(
      this.#body,
      el('h2', { id: 'seats-title' }, t('{name}, {role}', { name: person.name, role: word(`role.${person.role}`) })),
      el('p', {}, t('Please read this yourself and answer for yourself alone. Nobody else may answer for you.')),
      el('div', { class: 'seats-notice', tabindex: 0, role: 'region', 'aria-label': t('Notice') },
        ...parts.map(([heading, paragraphs]) => el('section', {}, el('h3', {}, heading), ...paragraphs.map((text) => el('p', {}, text))))),
      el('form', { class: 'stack gap-3', novalidate: true },
        el('label', { class: 'check' }, el('input', { type: 'checkbox', name: 'agree' }), el('span', {}, t('I, {name}, say for myself: {words}', { name: person.name, words: this.#notice?.agree ?? '' }))),
        el('p', { class: 'field-error', role: 'alert', hidden: true, 'data-part': 'agree-error' }, t('Please tick the box if you agree.')),
        el('div', { class: 'dialog-actions' },
          el('button', { class: 'button button-quiet', type: 'button', 'data-seat': 'back' }, t('Back')),
          el('button', { class: 'button', type: 'button', 'data-seat': 'refuse' }, this.#notice?.decline ?? ''),
          el('button', { class: 'button button-primary' }, this.#notice?.accept ?? ''))),
    );
    find(this.#body, '.seats-notice').focus();
  }

  /** @param {boolean} agree */
  async #answer(agree) {
    const person = this.#reader;
    if (!person) return;
    const box = /** @type {HTMLInputElement | null} */ (this.#body.querySelector('[name="agree"]'));
    if (agree && !box?.checked) {
      find(this.#body, '[data-part="agree-error"]').hidden = false;
      return box?.focus();
    }
    await this.#sit(person, agree);
  }
}

/** @param {import('./protocol.js').ParticipantView} person @param {boolean} speaks */
function voiceButton(person, speaks) {
  return el(
    'button',
    { class: 'voice', type: 'button', 'data-voice': person.id, 'aria-pressed': String(speaks) },
    icon(speaks ? 'mic' : 'user', 18),
    el('b', {}, person.name),
    el('span', {}, word(`role.${person.role}`)),
  );
}

/** @param {HTMLElement} parent @param {string} voice */
function focusOn(parent, voice) {
  const again = parent.querySelector(`[data-voice="${voice}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/** @param {Listed} person @param {string} act @param {string} text @param {string} label */
function row(person, act, text, label) {
  return el(
    'li',
    {},
    el('span', { class: 'seats-who' }, el('b', {}, person.name), el('span', {}, word(`role.${person.role}`))),
    person.words && el('span', { class: 'seats-words' }, person.words),
    act && el('button', { class: 'button button-small', type: 'button', 'data-seat': act, 'data-person': person.id, 'aria-label': label }, text),
  );
}
