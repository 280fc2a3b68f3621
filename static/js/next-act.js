// The chair's next act: the steps, what comes next as one large button, what is missing for it with a way to mend each, and the pauses.

import { t } from './i18n.js';
import { ask, choose } from './ask.js';
import { keepingFocus } from './focus.js';
import { el, fill, find, icon } from './markup.js';
import { toast } from './page.js';
import { nextStages, stepByStep } from './procedure.js';
import { actWord, consequence, isEnd, mainAct, mend, missingWord, reasonsOf } from './stage-acts.js';
import { showSteps } from './stepper.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').Missing} Missing */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {import('./protocol.js').BrowserMessage} BrowserMessage */
/** @typedef {import('./protocol.js').ParticipantView} ParticipantView */

/** From this height on all stages are seen at once beside what else the chair needs. */
const HIGH_PX = 900;

export class NextAct {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} drawer
   * @param {(message: BrowserMessage | ProcedureMessage) => void} send
   * @param {(person: ParticipantView) => void} identify opens the dialog in which face and document are looked at
   */
  constructor(drawer, send, identify) {
    this.drawer = drawer;
    this.send = send;
    this.identify = identify;
    this.section = find(drawer, '[data-section="acts"]');
    this.steps = find(drawer, '[data-part="steps"]');
    const box = this.steps.closest('details');
    if (box && innerHeight >= HIGH_PX) box.open = true;
    this.acts = find(drawer, '[data-part="acts"]');
    this.acts.addEventListener('click', (event) => void this.#press(event));
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const steps = stepByStep(view);
    this.section.hidden = !view.rights.direct && !steps;
    find(this.section, 'h3').hidden = !view.rights.direct;
    this.steps.parentElement?.toggleAttribute('hidden', !steps);
    if (steps) showSteps(this.steps, view);
    const main = mainAct(view);
    if (!main) return void fill(this.acts);
    const others = nextStages(view).filter((one) => one !== main);
    keepingFocus(this.acts, 'to', () => fill(
      this.acts,
      el('button', { class: 'button button-primary button-large button-wide act-next', type: 'button', 'data-act': 'stage', 'data-to': main.to, 'aria-describedby': 'act-missing', 'aria-disabled': String(main.blocked) }, actWord(view, main.to)),
      main.missing.length > 0 && el('ul', { class: 'act-missing', id: 'act-missing' }, ...main.missing.map(missingLine)),
      others.length > 0 && el('div', { class: 'act-others' }, ...others.map((one) =>
        el('button', { class: `button ${isEnd(view, one) ? 'button-danger' : ''}`, type: 'button', 'data-act': 'stage', 'data-to': one.to, 'aria-disabled': String(one.blocked) }, actWord(view, one.to)))),
    ));
  }

  /** @param {Event} event */
  async #press(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    const view = this.#view;
    if (!(button instanceof HTMLElement) || !view) return;
    if (button.getAttribute('aria-disabled') === 'true') return toast((nextStages(view).find((one) => one.to === button.dataset.to)?.missing ?? []).map(missingWord).join(t('; ')));
    switch (button.dataset.act) {
      case 'stage':
        return this.#change(button.dataset.to ?? '', view);
      case 'admit-everybody':
        return this.send({ type: 'admit', participants: [] });
      case 'identify': {
        const person = view.participants.find((one) => one.identity_missing && button.dataset.names?.split('\n').includes(one.name));
        return person && this.identify(person);
      }
      case 'to-roll':
        return this.#toRoll();
      case 'remind-consent':
        return this.#remind(view.participants.filter((person) => person.consents_missing.length > 0 || !person.consented).filter((person) => person.presence === 'present').map((person) => person.id), t('Please say on your page whether you agree; your answer is waited for.'));
      case 'remind-opinion':
        return this.#remind(view.participants.filter((person) => button.dataset.names?.split('\n').includes(person.name)).map((person) => person.id), t('Please hand in your opinion; it is waited for.'));
    }
  }

  #toRoll() {
    const roll = find(this.drawer, '[data-section="roll"]');
    const target = roll.hidden ? find(this.drawer, '[data-part="people"]') : roll;
    if (target instanceof HTMLDetailsElement) target.open = true;
    target.scrollIntoView({ block: 'start' });
    target.querySelector('button')?.focus();
  }

  /** @param {string[]} participants @param {string} text */
  #remind(participants, text) {
    if (participants.length > 0) this.send({ type: 'write', to: 'people', participants, text });
  }

  /** @param {string} to @param {View} view */
  async #change(to, view) {
    const next = nextStages(view).find((one) => one.to === to);
    const reasons = next ? reasonsOf(next) : [];
    const question = { title: actWord(view, to), text: consequence(view, to), points: next?.missing.map(missingWord) ?? [], act: actWord(view, to) };
    if (reasons.length > 0) {
      const answer = await choose({ ...question, choices: reasons, choice: t('Reason'), several: reasons.length === 1 });
      if (answer !== null) this.send({ type: 'stage', to, reason: answer.chosen[0] ?? '' });
    } else if ((await ask({ ...question, danger: next !== undefined && isEnd(view, next) })) !== null) {
      this.send({ type: 'stage', to });
    }
  }
}

/** @param {Missing} missing */
function missingLine(missing) {
  const way = mend(missing);
  return el('li', {}, icon('alert', 18), el('span', {}, missingWord(missing)),
    way && el('button', { class: 'button button-small', type: 'button', 'data-act': way.act, 'data-to': way.act, 'data-names': missing.names.join('\n') }, way.text));
}
