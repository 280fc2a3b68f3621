// A message of the command centre to the people of one sitting: to everybody, to a group, to one.

import { t } from './i18n.js';
import { el, find } from './markup.js';
import { send, toast } from './page.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Person} Person */

/** @type {{value: string, word: () => string, whom: (person: Person) => boolean}[]} */
const GROUPS = [
  { value: 'inside', word: () => t('Everybody inside'), whom: (person) => person.presence === 'present' || person.presence === 'lost' },
  { value: 'waiting', word: () => t('Everybody in the waiting room'), whom: (person) => person.presence === 'waiting' },
];
const THERE = new Set(['present', 'waiting', 'lost']);

export class WriteDialog {
  /** @type {Situation | null} */
  #situation = null;

  /** @param {HTMLElement} root of the sitting's page */
  constructor(root) {
    this.button = /** @type {HTMLButtonElement} */ (find(root, '[data-write]'));
    this.dialog = /** @type {HTMLDialogElement} */ (find(root, '#write-dialog'));
    this.to = /** @type {HTMLSelectElement} */ (find(root, '#write-to'));
    this.text = /** @type {HTMLTextAreaElement} */ (find(root, '#write-text'));
    this.error = find(root, '[data-write-error]');
    this.button.addEventListener('click', () => this.#open());
    find(this.dialog, 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /** @param {Situation} situation */
  follow(situation) {
    this.#situation = situation;
    this.button.disabled = !situation.participants.some((person) => THERE.has(person.presence)) || !situation.observable;
  }

  #open() {
    const people = this.#situation?.participants.filter((person) => THERE.has(person.presence)) ?? [];
    const groups = GROUPS.filter((group) => people.some(group.whom));
    this.to.replaceChildren(
      el('option', { value: 'all' }, t('Everybody who is there')),
      ...(groups.length > 1 ? groups.map((group) => el('option', { value: group.value }, group.word())) : []),
      ...people.map((person) => el('option', { value: `person:${person.id}` }, t('{name}, {role}', { name: person.name, role: person.role }))),
    );
    this.error.hidden = true;
    this.dialog.showModal();
    this.text.focus();
  }

  async #send() {
    const situation = this.#situation;
    if (!situation) return;
    const to = this.to.value;
    const group = GROUPS.find((one) => one.value === to);
    const participants = to.startsWith('person:') ? [to.slice('person:'.length)] : group ? situation.participants.filter(group.whom).map((person) => person.id) : [];
    const answer = await send(`/console/sittings/${situation.id}/message`, { text: this.text.value, participants });
    if (!answer.ok) {
      this.error.textContent = answer.data?.title ?? t('That did not work. Try again.');
      this.error.hidden = false;
      this.text.focus();
      return;
    }
    this.text.value = '';
    this.dialog.close();
    toast(t('The message was sent.'));
  }
}
