// The parts of the page that follow the procedure, put together: the line of all, one's own turn, one's own tasks, what one listens to.

import { announce } from './page.js';
import { t } from './i18n.js';
import { find } from './markup.js';
import { Listening, Withdrawal } from './listening.js';
import { OwnTasks } from './own-tasks.js';
import { ownTurn } from './own-turn.js';
import { mine, shutOut, stageOf, stageWord } from './procedure.js';
import { StripLine } from './strip-line.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {import('./procedure.js').ProcedureMessage} ProcedureMessage */
/** @typedef {import('./procedure.js').Admonition} Admonition */

export class ProcedurePage {
  /**
   * @param {HTMLElement} root
   * @param {string} sitting
   * @param {{send: (message: ProcedureMessage | {type: 'hand', up: boolean}) => void, now: () => number, microphone: () => string, camera: () => string,
   * open: (device: 'microphone' | 'camera') => void, admonished: (admonition: Admonition) => void}} acts
   * `now`: the server's clock, ms; `microphone`, `camera`: their condition; `open`: opens one
   */
  constructor(root, sitting, acts) {
    this.root = root;
    this.acts = acts;
    this.strip = new StripLine(find(root, '[data-part="strip"]'), acts.now);
    this.turn = ownTurn(root, acts);
    this.tasks = new OwnTasks(find(root, '[data-part="own-tasks"]'), sitting, acts.send);
    this.listening = new Listening(root, acts.send);
    this.withdrawal = new Withdrawal(root, acts.send);
    this.alarm = find(root, '[data-part="turn-alarm"]');
  }

  /** @param {View} view @param {View | null} former */
  show(view, former) {
    for (const part of [this.strip, this.turn, this.tasks, this.listening, this.withdrawal]) part.show(view);
    this.root.classList.toggle('is-shut-out', view.place === 'inside' && shutOut(view));
    if (former && former.sitting.stage !== view.sitting.stage && view.place !== 'observing') announce(t('Stage: {stage}', { stage: stageWord(view, stageOf(view).name) }));
    const newest = admonition(view);
    if (former && newest && newest.at_us > (admonition(former)?.at_us ?? 0)) {
      this.acts.admonished(newest);
      this.alarm.textContent = t('The chair reminds you: {reason}', { reason: newest.reason });
    }
  }

  /** Once a second. */
  tick() {
    this.strip.tick();
    this.turn.tick();
  }

  /** The own microphone or camera is another than before. */
  showOwn() {
    this.turn.showOwn();
  }
}

/** The newest prompt or warning of those at this device. @param {View} view @returns {Admonition | null} */
function admonition(view) {
  const all = mine(view).map((person) => person.admonition).filter((one) => one !== null);
  return all.sort((a, b) => b.at_us - a.at_us)[0] ?? null;
}
