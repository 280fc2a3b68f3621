// Further acts of the chair: prompt and warn, classify a loss, record where it is left to him, private talks, questions to vote on.

import { t, word } from './i18n.js';
import { ask, choose } from './ask.js';
import { keepingFocus } from './focus.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon } from './markup.js';
import { causeWord, mayHave } from './floor-desk.js';
import { inSession, nameOf, questionsOf, stageOf, stepByStep } from './procedure.js';
import { choiceWord, counted } from './own-tasks.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

const CAUSES = /** @type {const} */ (['network', 'equipment', 'power', 'force_majeure', 'left']);
const CHOICES = /** @type {const} */ (['for', 'against', 'abstain']);
const LONGEST_QUESTION = 1000;

export class DeskActs {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} drawer
   * @param {(message: ProcedureMessage) => void} send
   */
  constructor(drawer, send) {
    this.send = send;
    this.record = find(drawer, '[data-section="record"]');
    this.talk = find(drawer, '[data-section="talk"]');
    this.vote = find(drawer, '[data-section="vote"]');
    for (const section of [this.record, this.talk, this.vote]) section.addEventListener('click', (event) => void this.#press(event));
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    this.#showRecord(view);
    this.#showTalk(view);
    this.#showVote(view);
  }

  /** @param {View} view */
  #showRecord(view) {
    const { recordable: possible, recording_wanted: wanted } = view.sitting;
    this.record.hidden = !possible || !view.rights.record;
    keepingFocus(this.record, 'act', () => fill(
      this.record,
      el('h3', {}, t('Recording')),
      el('div', { class: 'row' }, el('span', { class: 'grow small' }, wanted ? t('This stage is recorded because you want it.') : t('This stage is not recorded.')),
        el('button', { class: 'button button-small', type: 'button', 'data-act': 'record', 'data-on': String(!wanted) }, icon(wanted ? 'stop' : 'record', 18), wanted ? t('End the recording') : t('Record'))),
    ));
  }

  /** @param {View} view */
  #showTalk(view) {
    const talks = view.consults;
    const possible = talks.length > 0 || (view.rights.direct && stepByStep(view) && inSession(view));
    this.talk.hidden = !possible;
    if (!possible) return;
    keepingFocus(this.talk, 'act', () => fill(
      this.talk,
      el('h3', {}, t('Private talk')),
      ...talks.map((talk) => el('div', { class: 'row' },
        el('p', { class: 'grow small' }, t('In private: {names}. Nobody else hears them.', { names: talk.members.map((id) => nameOf(view, id)).filter(Boolean).join(t(', ')) })),
        view.rights.direct && el('button', { class: 'button button-small', type: 'button', 'data-act': 'end-consult', 'data-for': talk.id }, icon('close', 18), t('End the private talk')))),
      talks.length === 0 && el('p', { class: 'muted small' }, t('Client and lawyer talk among themselves; nobody hears or records them.')),
      view.talks.length > 0 && inSession(view) && el('div', { class: 'row' }, el('button', { class: 'button button-small', type: 'button', 'data-act': 'consult' }, icon('lock', 18), t('Let client and lawyer talk in private…'))),
      view.talks.length === 0 && talks.length === 0 && el('p', { class: 'muted small' }, t('Nobody is here now who may.')),
    ));
  }

  /** @param {View} view */
  #showVote(view) {
    const questions = questionsOf(view);
    const possible = questions.length > 0 ? view.rights.direct || view.rights.admit : view.rights.direct && stageOf(view).votes;
    this.vote.hidden = !possible;
    if (!possible) return;
    let [list, form] = [this.vote.querySelector('ul'), this.vote.querySelector('[data-act="put-question"]')];
    if (!list || !form) {
      list = el('ul', { class: 'people', role: 'list' });
      form = el('button', { class: 'button button-small', type: 'button', 'data-act': 'put-question' }, icon('plus', 18), t('Put a question to the vote…'));
      this.vote.replaceChildren(el('h3', {}, t('Votes')), list, el('div', { class: 'row' }, form));
    }
    form.toggleAttribute('hidden', !view.rights.direct || !stageOf(view).votes);
    keyed(list, questions, (question) => question.id, () => el('li', { class: 'person' }), (row, question) => keepingFocus(row, 'act', () => fill(
      row,
      el('div', { class: 'person-who' }, el('b', {}, question.text)),
      el('span', { class: 'person-note' }, question.open || !question.result ? t('{n} have voted.', { n: question.given.length }) : CHOICES.map((choice) => `${choiceWord(choice)} ${question.result ? counted(question.result, choice) : 0}`).join(' · ')),
      question.open && view.rights.direct && el('button', { class: 'button button-small', type: 'button', 'data-act': 'close-question', 'data-for': question.id }, t('Count')),
    )));
  }

  /** @param {Event} event */
  async #press(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    const view = this.#view;
    if (!(button instanceof HTMLElement) || !view) return;
    switch (button.dataset.act) {
      case 'record':
        return this.send({ type: 'record', on: button.dataset.on === 'true' });
      case 'consult':
        return this.#consult(view);
      case 'end-consult':
        return this.send({ type: 'end_consult', consult: button.dataset.for ?? '' });
      case 'close-question':
        return this.send({ type: 'close_question', question: button.dataset.for ?? '' });
      case 'put-question': {
        const text = await ask({ title: t('Put a question to the vote'), text: t('Everybody who votes answers with for, against or abstain; dissent goes into the minutes.'), act: t('Put to the vote'), reason: t('Question'), longest: LONGEST_QUESTION });
        if (text !== null) this.send({ type: 'put_question', text });
      }
    }
  }

  /** Who belongs together first, then who helps them, then who will hear whom, by name. @param {View} view */
  async #consult(view) {
    const name = (/** @type {string} */ id) => {
      const person = view.participants.find((one) => one.id === id);
      return person ? t('{name} ({role})', { name: person.name, role: word(`role.${person.role}`) }) : '';
    };
    const names = (/** @type {string[]} */ ids) => ids.map(name).join(t(', '));
    const unheard = t('They see and hear only each other, everybody else sees and hears nothing of it, and nothing is recorded.');
    const answer = await choose({
      title: t('Who talks in private?'), text: unheard, act: t('Next'), choice: t('People'), choices: view.talks.map((talk, index) => ({ value: String(index), text: names(talk.members) })),
    });
    const talk = view.talks[Number(answer?.chosen[0] ?? -1)];
    if (!answer || !talk) return;
    const helpers = talk.helpers.length === 0 ? { chosen: [] } : await choose({
      title: t('Who helps them?'), text: t('Leave it empty if nobody does.'), act: t('Next'), choice: t('People'), several: true, none: true, choices: talk.helpers.map((id) => ({ value: id, text: name(id) })),
    });
    if (helpers === null) return;
    const participants = [...talk.members, ...helpers.chosen];
    const sure = await ask({ title: t('These {n} will hear each other, and nobody else', { n: participants.length }), text: unheard, points: participants.map(name), act: t('Begin the private talk') });
    if (sure !== null) this.send({ type: 'consult', participants });
  }

  /** What may be done about one person, for his menu. @param {ParticipantView} person @param {View} view */
  menu(person, view) {
    if (!stepByStep(view) || !view.rights.direct) return [];
    const gone = (person.presence === 'lost' || person.presence === 'left');
    return [
      mayHave(view, person) && el('button', { type: 'button', 'data-act': 'give-floor' }, icon('mic', 18), t('Give the floor')),
      person.presence === 'present' && el('button', { type: 'button', 'data-act': 'prompt' }, icon('info', 18), t('Remind of order…')),
      person.presence === 'present' && el('button', { type: 'button', 'data-act': 'warn' }, icon('alert', 18), t('Warn…')),
      gone && el('button', { type: 'button', 'data-act': 'classify' }, icon('network-off', 18), t('Why is this person gone…')),
    ].filter((button) => button !== false);
  }

  /** A button of that menu was pressed; false where it is none of them. @param {string} act @param {ParticipantView} person */
  press(act, person) {
    switch (act) {
      case 'give-floor':
        this.send({ type: 'give_floor', participant: person.id });
        return true;
      case 'prompt':
      case 'warn':
        void this.#warn(person, act === 'warn' ? 'warning' : 'prompt');
        return true;
      case 'classify':
        void this.#classify(person);
        return true;
      default:
        return false;
    }
  }

  /** @param {ParticipantView} person @param {'prompt' | 'warning'} degree */
  async #warn(person, degree) {
    const reason = await ask({
      title: degree === 'warning' ? t('Warn {name}?', { name: person.name }) : t('Remind {name} of order?', { name: person.name }),
      text: t('{name} reads it at once. It goes into the record with its reason and time.', { name: person.name }),
      act: degree === 'warning' ? t('Warn') : t('Remind'), danger: degree === 'warning', reason: t('Reason'),
    });
    if (reason !== null) this.send({ type: 'warn', participant: person.id, degree, reason });
  }

  /** @param {ParticipantView} person */
  async #classify(person) {
    const answer = await choose({
      title: t('Why is {name} gone?', { name: person.name }), text: t('The cause goes into the record; what follows from it is what this kind of sitting provides.'), act: t('Note the cause'),
      choice: t('Cause'), choices: CAUSES.map((cause) => ({ value: cause, text: causeWord(cause) })), reason: t('Note (may be left out)'), optional: true,
    });
    if (answer !== null) this.send({ type: 'classify', participant: person.id, cause: /** @type {import('./procedure.js').Cause} */ (answer.chosen[0]), note: answer.text });
  }
}
