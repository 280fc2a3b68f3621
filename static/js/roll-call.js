// The roll-call of chair and clerk: everybody in the order of the plan, with his answer and his identity.

import { t, word } from './i18n.js';
import { keepingFocus } from './focus.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { keepsDesk, stepByStep } from './procedure.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').Roll} Roll */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

const ANSWERS = /** @type {const} */ (['present', 'late', 'absent']);

export class RollCall {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} drawer
   * @param {(message: ProcedureMessage) => void} send
   * @param {(person: ParticipantView) => void} identify opens the dialog in which face and document are looked at
   */
  constructor(drawer, send, identify) {
    this.section = /** @type {HTMLDetailsElement} */ (find(drawer, '[data-section="roll"]'));
    this.list = find(drawer, '[data-part="roll"]');
    this.count = find(drawer, '[data-part="roll-count"]');
    this.list.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-roll]') : null;
      const person = button instanceof HTMLElement ? this.#view?.participants.find((one) => one.id === button.dataset.for) : undefined;
      if (!(button instanceof HTMLElement) || !person) return;
      const pressed = button.dataset.roll ?? '';
      if (pressed === 'identity') identify(person);
      else send({ type: 'roll', participant: person.id, answer: person.roll === pressed ? '' : /** @type {Roll} */ (pressed) });
    });
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    this.section.hidden = !keepsDesk(view) || !stepByStep(view);
    if (this.section.hidden) return;
    const called = view.participants;
    const answered = called.filter((person) => person.roll !== '').length;
    say(this.count, t('{n} of {of}', { n: answered, of: called.length }));
    keyed(this.list, called, (person) => person.id, () => el('li', { class: 'roll-row' }), (row, person) => keepingFocus(row, 'roll', () => fill(row, ...rollRow(person))));
  }
}

/** @param {ParticipantView} person */
function rollRow(person) {
  const { roll, identity } = person;
  const known = identity?.result === 'confirmed' && person.identity_missing ? 'elsewhere' : (identity?.result ?? '');
  const inside = person.presence === 'present' || person.presence === 'lost';
  return [
    el('div', { class: 'person-who' }, el('b', {}, person.name), el('span', {}, word(`role.${person.role}`)), !inside && el('span', {}, word(`presence.${person.presence}`))),
    el('div', { class: 'roll-answers', role: 'group', 'aria-label': t('Answer of {name}', { name: person.name }) },
      ...ANSWERS.map((answer) => el('button', { class: 'button button-small', type: 'button', 'data-roll': answer, 'data-for': person.id, 'aria-pressed': String(roll === answer) }, rollWord(answer))),
      el('button', { class: `button button-small roll-identity ${known === 'confirmed' ? 'is-on' : ''}`, type: 'button', 'data-roll': 'identity', 'data-for': person.id, 'aria-label': `${identityWord(known)}${t(': ')}${person.name}` },
        icon(known === 'confirmed' ? 'shield-check' : known === '' ? 'shield' : 'alert', 18), identityWord(known))),
  ];
}

/** @param {Roll} roll */
function rollWord(roll) {
  return { present: t('Present'), late: t('Late'), absent: t('Absent'), '': t('Not called yet') }[roll];
}

/** @param {string} result what was found, "elsewhere" for one who has come back at another device since */
function identityWord(result) {
  if (result === 'elsewhere') return t('Another device: look again');
  return result === 'confirmed' ? t('Confirmed') : result === 'refused' ? t('Not confirmed') : t('Identity…');
}
