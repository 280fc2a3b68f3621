// What is written in a sitting: the list beside the pictures, the line to the clerk in the waiting room, and the notices of
// the command centre above everything else.

import { clock, t, word } from './i18n.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce } from './page.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./protocol.js').MessageView} MessageView */
/** @typedef {import('./protocol.js').Write} Write */

/** The list with its form. One for the hearing, one (to the clerk alone) for the waiting room. */
export class Messages {
  /** Id of the newest message that its reader has seen. */
  #seen = 0;
  #newest = 0;
  #people = '';
  #first = true;
  /** What was sent and does not stand in the list yet, by its ref: where it is refused, or was lost with the connection, its writer has it
   * back. @type {Map<number, {text: string, after: number}>} */
  #sent = new Map();
  #broke = false;
  #problem = el('p', { class: 'field-error', role: 'alert', hidden: true });

  /**
   * @param {HTMLElement} root
   * @param {{send: (message: Write) => number, timeZone: string, onunread?: (count: number) => void}} options
   */
  constructor(root, { send, timeZone, onunread = () => {} }) {
    this.root = root;
    this.timeZone = timeZone;
    this.onunread = onunread;
    this.list = find(root, '[data-part="messages"]');
    this.form = /** @type {HTMLFormElement} */ (find(root, 'form'));
    this.text = /** @type {HTMLTextAreaElement} */ (find(root, 'textarea'));
    this.to = /** @type {HTMLSelectElement | null} */ (root.querySelector('select'));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = this.text.value.trim();
      if (text === '') return this.text.focus();
      const ref = send(addressed(this.to?.value ?? 'clerk', text));
      if (ref > 0) {
        this.#sent.set(ref, { text, after: this.#newest });
        this.text.value = '';
      }
      this.#say(ref > 0 ? '' : t('There is no connection just now. What you wrote is still here; send it again in a moment.'));
      this.text.focus();
    });
    this.#problem.id = `${this.text.id}-problem`;
    this.text.setAttribute('aria-describedby', this.#problem.id);
    this.text.after(this.#problem);
    this.text.addEventListener('input', () => this.#say(''));
    this.text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
  }

  get open() {
    return !this.root.hidden;
  }

  /** @param {string} problem "" for none */
  #say(problem) {
    this.#problem.hidden = problem === '';
    say(this.#problem, problem);
    this.text.setAttribute('aria-invalid', String(problem !== ''));
  }

  /**
   * The court refused what was sent: if that was written here, it is in its field again, and why is said beside it.
   * @param {number | null} ref
   * @param {string} why
   * @returns {boolean} whether it was
   */
  refused(ref, why) {
    const sent = ref === null ? undefined : this.#sent.get(ref);
    if (ref === null || sent === undefined) return false;
    this.#sent.delete(ref);
    this.#giveBack([sent.text], why);
    return true;
  }

  /** The connection broke: what was just sent may never have arrived. */
  broke() {
    this.#broke = true;
  }

  /** @param {string[]} texts @param {string} why */
  #giveBack(texts, why) {
    this.text.value = [...texts, this.text.value].filter(Boolean).join('\n');
    this.#say(why);
  }

  /** What arrived of what was sent stands in the list; what does not once the connection is back was lost. @param {MessageView[]} messages */
  #settle(messages) {
    const own = messages.filter((message) => message.you);
    for (const [ref, { text, after }] of this.#sent) {
      const place = own.findIndex((message) => Number(message.id) > after && message.text === text);
      if (place < 0) continue;
      own.splice(place, 1);
      this.#sent.delete(ref);
    }
    if (this.#broke && this.#sent.size > 0) {
      this.#giveBack([...this.#sent.values()].map((sent) => sent.text), t('The connection broke before this arrived. Please send it again.'));
      this.#sent.clear();
    }
    this.#broke = false;
  }

  /** @param {View} view */
  show(view) {
    this.#choices(view);
    this.#settle(view.messages);
    const down = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    keyed(this.list, view.messages, (message) => message.id, () => el('li', {}), (row, message) => this.#row(row, message));
    const newest = Number(view.messages.at(-1)?.id ?? 0);
    if (newest > this.#newest) {
      const fresh = view.messages.filter((message) => Number(message.id) > this.#newest && !message.you);
      if (!this.#first && fresh.length > 0) announce(fresh.map((message) => t('{name}: {text}', { name: message.sender, text: message.text })).join(' '));
      this.#newest = newest;
      if (down || this.#first) this.list.scrollTop = this.list.scrollHeight;
    }
    this.#first = false;
    find(this.root, '[data-part="no-messages"]').hidden = view.messages.length > 0;
    if (this.open) this.read();
    this.onunread(this.open ? 0 : view.messages.filter((message) => !message.you && Number(message.id) > this.#seen).length);
  }

  /** Its reader sees the list. */
  read() {
    this.#seen = this.#newest;
    this.onunread(0);
  }

  /** @param {HTMLElement} row @param {MessageView} message */
  #row(row, message) {
    row.className = `message${message.you ? ' message-you' : ''}${message.notice ? ' message-notice' : ''}`;
    const to = message.to === 'all' ? t('to all') : message.to === 'chair' ? t('to the chair') : message.to === 'clerk' ? t('to the clerk') : t('to {names}', { names: message.to_names.join(t(', ')) });
    fill(
      row,
      el('p', { class: 'message-head' }, el('b', {}, message.you ? t('You') : message.sender), el('span', {}, message.role ? word(`role.${message.role}`) : message.notice ? t('Command centre') : ''), el('span', { class: message.to === 'all' ? '' : 'message-private' }, to), el('time', {}, clock(message.at_us / 1000, this.timeZone))),
      el('p', { class: 'message-text' }, message.text),
    );
  }

  /** To whom this viewer may write, now. @param {View} view */
  #choices(view) {
    const place = this.to;
    if (!place) return;
    const you = view.participants.filter((person) => person.you);
    const roles = new Set(you.map((person) => person.role));
    /** @type {[string, string][]} */
    const choices = [];
    if (view.rights.see || view.rights.admit) choices.push(['all', t('All inside')]);
    if (!roles.has('judge')) choices.push(['chair', t('The chair')]);
    if (!roles.has('clerk')) choices.push(['clerk', t('The clerk')]);
    if (view.rights.admit) {
      for (const person of view.participants) {
        if (!person.you && person.endpoint !== null) choices.push([`person:${person.id}`, t('{name}, {role}', { name: person.name, role: word(`role.${person.role}`) })]);
      }
    }
    const key = choices.map(([value, text]) => `${value}=${text}`).join('|');
    if (key === this.#people) return;
    this.#people = key;
    const former = place.value;
    place.replaceChildren(...choices.map(([value, text]) => el('option', { value }, text)));
    if (choices.some(([value]) => value === former)) place.value = former;
  }
}

/** @param {string} to @param {string} text @returns {Write} */
function addressed(to, text) {
  if (to.startsWith('person:')) return { type: 'write', to: 'people', participants: [to.slice('person:'.length)], text };
  return { type: 'write', to: to === 'all' || to === 'chair' ? to : 'clerk', text };
}

/** The notices of the command centre: above everything else until their reader says that he has read them. */
export class Notices {
  /** @type {Set<string>} */
  #told = new Set();

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} announcer role=alert
   * @param {string} key of what this tab remembers
   * @param {string} timeZone
   */
  constructor(root, announcer, key, timeZone) {
    this.root = root;
    this.announcer = announcer;
    this.key = key;
    this.timeZone = timeZone;
    this.#read = new Set(remembered(key));
    root.addEventListener('click', (event) => {
      const row = event.target instanceof Element && event.target.closest('button') ? event.target.closest('[data-key]') : null;
      if (!(row instanceof HTMLElement)) return;
      this.#read.add(row.dataset.key ?? '');
      remember(this.key, [...this.#read]);
      row.remove();
    });
  }

  /** @type {Set<string>} */
  #read;

  /** @param {MessageView[]} messages */
  show(messages) {
    const open = messages.filter((message) => message.notice && !this.#read.has(message.id));
    const fresh = open.filter((message) => !this.#told.has(message.id));
    this.#told = new Set(open.map((message) => message.id));
    if (fresh.length > 0) say(this.announcer, fresh.map((message) => t('Command centre: {text}', { text: message.text })).join(' '));
    keyed(this.root, open, (message) => message.id, () => el('li', { class: 'alert alert-notice' }), (row, message) => {
      fill(
        row,
        icon('speaker'),
        el('div', { class: 'grow' }, el('b', {}, t('Command centre: {text}', { text: message.text })), ' ', el('span', { class: 'muted small' }, message.sender, ' ', el('time', {}, clock(message.at_us / 1000, this.timeZone)))),
        el('button', { class: 'button button-small', type: 'button' }, t('I have read it')),
      );
    });
  }
}

/** @param {string} key @returns {string[]} */
function remembered(key) {
  try {
    const found = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return []; // private windows may keep nothing
  }
}

/** @param {string} key @param {string[]} ids */
function remember(key, ids) {
  try {
    sessionStorage.setItem(key, JSON.stringify(ids));
  } catch {
    // Private windows may keep nothing: the notice is shown again after a reload.
  }
}
