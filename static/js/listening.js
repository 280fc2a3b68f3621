// What a listener hears where somebody interprets: the original, the interpretation, or both. And what he has agreed to, to take it back.

import { t } from './i18n.js';
import { choose } from './ask.js';
import { keepingFocus } from './focus.js';
import { el, fill, find, icon } from './markup.js';
import { mine, stageWord } from './procedure.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */

const CHOICES = /** @type {const} */ (['mix', 'original', 'interpretation']);

export class Listening {
  /**
   * @param {HTMLElement} root of the page
   * @param {(message: ProcedureMessage) => void} send
   */
  constructor(root, send) {
    this.line = find(root, '[data-part="listening"]');
    this.line.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-listen]') : null;
      const to = button instanceof HTMLElement ? CHOICES.find((one) => one === button.dataset.listen) : undefined;
      if (to) send({ type: 'listen', to });
    });
  }

  /** @param {View} view */
  show(view) {
    const { listening: to, interpreters } = view;
    const interprets = mine(view).some((person) => interpreters.includes(person.id));
    this.line.hidden = interpreters.length === 0 || interprets || view.place !== 'inside' || !view.rights.see;
    if (this.line.hidden) return;
    keepingFocus(this.line, 'listen', () => fill(
      this.line,
      icon('language', 18),
      el('span', { id: 'listening-label' }, t('I listen to')),
      el('div', { class: 'button-group', role: 'group', 'aria-labelledby': 'listening-label' }, ...CHOICES.map((one) =>
        el('button', { class: 'button button-small', type: 'button', 'data-listen': one, 'aria-pressed': String(one === to) }, { mix: t('Both'), original: t('Original'), interpretation: t('Interpretation') }[one]))),
    ));
  }
}

/** Takes back what was agreed to; from the settings, so that nobody does it by mistake. */
export class Withdrawal {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root of the page
   * @param {(message: ProcedureMessage) => void} send
   */
  constructor(root, send) {
    this.button = find(root, '[data-part="withdraw"]');
    this.menu = find(root, '#view-menu');
    this.send = send;
    this.button.addEventListener('click', () => void this.#ask());
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    this.button.hidden = view.place !== 'inside' || this.#agreed(view).length === 0;
  }

  /** Who of this device has agreed to some stage. @param {View} view */
  #agreed(view) {
    return mine(view).filter((person) => person.consents_given.length > 0);
  }

  async #ask() {
    const view = this.#view;
    if (!view) return;
    this.menu.hidePopover();
    const people = this.#agreed(view);
    const choices = people.flatMap((person) => person.consents_given.map((stage) => ({ value: `${person.id}/${stage}`, text: people.length > 1 ? `${person.name} · ${stageWord(view, stage)}` : stageWord(view, stage) })));
    const answer = await choose({
      title: t('Take your agreement back?'), act: t('Take it back'), danger: true, choices, choice: t('Stage'), several: true,
      text: t('It is told at once to {house}, who decides how to go on. What was done online stays valid.'),
    });
    for (const person of answer ? people : []) {
      const stages = person.consents_given.filter((stage) => answer?.chosen.includes(`${person.id}/${stage}`));
      if (stages.length > 0) this.send({ type: 'consent', stages, agree: false, participant: person.id });
    }
  }
}
