// What a listener hears where somebody interprets: the original, the interpretation, or both. And what he has agreed to, to take it back.

import { t } from './i18n.js';
import { ask } from './ask.js';
import { keepingFocus } from './focus.js';
import { el, fill, find, icon } from './markup.js';
import { listeningOf, mine, partOf, stageWord, stagesOf } from './procedure.js';

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
    const { to, interpreters } = listeningOf(view);
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

  /** Who of this device has agreed to everything that is asked of him. @param {View} view */
  #agreed(view) {
    const asked = stagesOf(view).some((stage) => /** @type {Record<string, any>} */ (stage)['consents'] === true) || view.participants.some((person) => partOf(person).consents_due.length > 0 || partOf(person).consents_missing.length > 0);
    return asked || stagesOf(view).length > 4 ? mine(view).filter((person) => person.consented && partOf(person).consents_due.length === 0) : [];
  }

  async #ask() {
    const view = this.#view;
    if (!view) return;
    this.menu.hidePopover();
    const stages = stagesOf(view).filter((stage) => stage.status === 'live');
    const answer = await ask({
      title: t('Take your agreement back?'), act: t('Take it back'), danger: true, points: [],
      text: t('The stages that need it cannot begin then. The court is told at once and decides how to go on: {stages}', { stages: stages.map((stage) => stageWord(view, stage.name)).join(t(', ')) }),
    });
    if (answer === null) return;
    for (const person of this.#agreed(view)) this.send({ type: 'consent', stages: [], agree: false, participant: person.id });
  }
}
