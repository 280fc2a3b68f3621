// What an officer does in a sitting: one dialog for all acts, each with a reason, and who may watch an interrogation.

import { t } from './i18n.js';
import { el, find } from './markup.js';
import { send, toast } from './page.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Person} Person */

/** @type {Record<string, {word: () => string, told: () => string, whom?: (person: Person) => boolean}>} */
const ACTS = {
  mute: { word: () => t('Close a microphone or camera'), told: () => t('It stays closed until the chair or the clerk allows it again.'), whom: (p) => (p.presence === 'present' || p.presence === 'lost') && !p.chair },
  waiting: { word: () => t('Send to the waiting room'), told: () => t('He hears and sees nothing of the sitting until he is let in again.'), whom: (p) => p.presence === 'present' && !p.chair },
  admit: { word: () => t('Let in from the waiting room'), told: () => t('He is inside at once.'), whom: (p) => p.presence === 'waiting' },
  restart: { word: () => t('Begin the recording anew'), told: () => t('What was recorded stays. The moment between is a gap with your name and reason.') },
  time: { word: () => t('Give more time'), told: () => t('The booking ends later, if room and people are free. Personal links go on working.') },
  release: { word: () => t('End the sitting by force'), told: () => t('Everybody is disconnected at once and the recording is sealed. This cannot be undone.') },
};

export class StepInDialog {
  /** @type {Situation | null} */
  #situation = null;

  /** @param {HTMLElement} root of the sitting's page @param {Record<string, boolean>} ranks act → whether the officer's rank is enough */
  constructor(root, ranks) {
    this.ranks = ranks;
    this.button = /** @type {HTMLButtonElement} */ (find(root, '[data-step-in]'));
    this.dialog = /** @type {HTMLDialogElement} */ (find(root, '#step-dialog'));
    this.act = /** @type {HTMLSelectElement} */ (find(root, '#step-act'));
    this.person = /** @type {HTMLSelectElement} */ (find(root, '#step-person'));
    this.source = /** @type {HTMLSelectElement} */ (find(root, '#step-source'));
    this.minutes = /** @type {HTMLSelectElement} */ (find(root, '#step-minutes'));
    this.reason = /** @type {HTMLTextAreaElement} */ (find(root, '#step-reason'));
    this.told = find(root, '[data-step-told]');
    this.error = find(root, '[data-step-error]');
    this.go = /** @type {HTMLButtonElement} */ (find(root, '[data-step-go]'));
    this.button.addEventListener('click', () => this.#open());
    this.act.addEventListener('change', () => this.#chosen());
    find(this.dialog, 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /** @param {Situation} situation */
  follow(situation) {
    this.#situation = situation;
    const going = situation.status === 'open' || situation.status === 'live' || situation.status === 'recess';
    this.button.hidden = !going;
    this.button.disabled = situation.centre.length === 0;
    this.button.title = this.button.disabled ? t('In a private phase, and while somebody consults, nobody steps in.') : '';
    if (this.dialog.open && this.button.disabled) this.#say(this.button.title);
  }

  #open() {
    const situation = this.#situation;
    if (!situation) return;
    this.act.replaceChildren(
      ...Object.entries(ACTS).map(([name, act]) => {
        const why = !situation.centre.includes(name) ? t('not in this kind of sitting') : !this.ranks[name] ? t('takes a higher rank')
          : act.whom && !situation.participants.some(act.whom) ? t('nobody there') : '';
        const option = el('option', { value: name }, why ? t('{act} ({why})', { act: act.word(), why }) : act.word());
        option.disabled = why !== '';
        return option;
      }),
    );
    const first = [...this.act.options].find((option) => !option.disabled);
    this.go.disabled = !first;
    if (first) this.act.value = first.value;
    this.error.hidden = true;
    this.#chosen();
    this.dialog.showModal();
    this.act.focus();
  }

  #chosen() {
    const act = ACTS[this.act.value];
    const people = act?.whom ? this.#situation?.participants.filter(act.whom) ?? [] : [];
    this.person.replaceChildren(...people.map((person) => el('option', { value: person.id }, t('{name}, {role}', { name: person.name, role: person.role }))));
    show(this.person, people.length > 0);
    show(this.source, this.act.value === 'mute');
    show(this.minutes, this.act.value === 'time');
    this.told.textContent = act?.told() ?? '';
    const grave = this.act.value === 'release';
    for (const [name, on] of Object.entries({ 'button-danger': grave, solid: grave, 'button-primary': !grave })) this.go.classList.toggle(name, on);
  }

  async #send() {
    const situation = this.#situation;
    if (!situation) return;
    const act = this.act.value;
    const body = { act, reason: this.reason.value, participant: ACTS[act]?.whom ? this.person.value : '', source: this.source.value, minutes: act === 'time' ? Number(this.minutes.value) : 0 };
    const answer = await send(`/console/sittings/${situation.id}/step-in`, body);
    if (!answer.ok) {
      this.#say(answer.data?.errors?.[0]?.detail ?? answer.data?.title ?? t('That did not work. Try again.'));
      this.reason.focus();
      return;
    }
    this.reason.value = '';
    this.dialog.close();
    toast(answer.data.text);
  }

  /** @param {string} text */
  #say(text) {
    this.error.textContent = text;
    this.error.hidden = false;
  }
}

/** Who may watch an interrogation: a commander names them. */
export class WatchersDialog {
  #sitting = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    const button = root.querySelector('[data-name-watchers]');
    const dialog = root.querySelector('#watchers-dialog');
    this.button = button instanceof HTMLButtonElement ? button : null;
    this.dialog = dialog instanceof HTMLDialogElement ? dialog : null;
    if (!this.button || !this.dialog) return;
    this.button.addEventListener('click', () => this.dialog?.showModal());
    find(this.dialog, 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /** @param {Situation} situation */
  follow(situation) {
    this.#sitting = situation.id;
    if (!this.button || !this.dialog) return;
    this.button.hidden = situation.named === null || situation.status === 'closed' || situation.status === 'cancelled';
    if (this.dialog.open) return;
    for (const box of this.#boxes()) box.checked = situation.named?.includes(box.value) ?? false;
  }

  #boxes() {
    return /** @type {HTMLInputElement[]} */ ([...(this.dialog?.querySelectorAll('input[type=checkbox]') ?? [])]);
  }

  async #send() {
    const users = this.#boxes().filter((box) => box.checked).map((box) => box.value);
    const answer = await send(`/console/sittings/${this.#sitting}/watchers`, { users });
    const error = find(/** @type {HTMLElement} */ (this.dialog), '[data-watchers-error]');
    error.hidden = answer.ok;
    error.textContent = answer.ok ? '' : answer.data?.title ?? t('That did not work. Try again.');
    if (!answer.ok) return;
    this.dialog?.close();
    toast(t('It is kept who may watch.'));
  }
}

/** The field of a control is there, or not. @param {HTMLSelectElement} control @param {boolean} there */
function show(control, there) {
  const field = control.closest('.field');
  if (field instanceof HTMLElement) field.hidden = !there;
}
