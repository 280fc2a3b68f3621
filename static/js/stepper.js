// The stages as steps: what is done, where the sitting stands, what comes. For the chair in full, for everybody in one line.

import { t } from './i18n.js';
import { el, fill, icon } from './markup.js';
import { stageOf, stagesOf, stageWord, stepsOf } from './procedure.js';

/** @typedef {import('./procedure.js').View} View */
/** @typedef {{name: string, text: string, state: 'done' | 'now' | 'next', private: boolean}} Step */

/**
 * The steps as they are now. In a pause no step is now: the sitting rests before the one in which it was called, which goes on afterwards.
 * @param {View} view
 * @returns {Step[]}
 */
export function steps(view) {
  const all = stepsOf(view);
  const now = all.findIndex((stage) => stage.name === view.sitting.stage);
  const reached = now >= 0 ? now : all.findIndex((stage) => stage.name === view.sitting.called_from);
  const closed = stageOf(view).status === 'closed';
  return all.map((stage, index) => ({
    name: stage.name, text: stageWord(view, stage.name), private: stage.private, state: closed || index < reached ? 'done' : index === now ? 'now' : 'next',
  }));
}

/** @param {Step['state']} state */
function stateWord(state) {
  return { done: t('done'), now: t('now'), next: t('to come') }[state];
}

/** All steps one below the other, with the pause where there is one now. @param {Element} list @param {View} view */
export function showSteps(list, view) {
  const now = stageOf(view);
  fill(
    list,
    ...steps(view).map((step) =>
      el('li', { class: `step is-${step.state}`, 'aria-current': step.state === 'now' ? 'step' : null, 'data-step': step.name },
        el('span', { class: 'step-mark', 'aria-hidden': 'true' }, step.state === 'done' ? icon('check', 16) : step.private ? icon('lock', 16) : ''),
        el('span', {}, step.text), el('span', { class: 'visually-hidden' }, stateWord(step.state)))),
    now.pause && el('li', { class: 'step is-pause is-now', 'aria-current': 'step' }, el('span', { class: 'step-mark', 'aria-hidden': 'true' }, icon('pause', 16)), el('span', {}, stageWord(view, now.name))),
  );
}

/** Where the sitting stands, in one line: "法庭调查 · 第 4 步，共 9 步 · 下一步：法庭辩论". @param {View} view */
export function standing(view) {
  const all = steps(view);
  const at = all.findIndex((step) => step.state === 'now');
  if (all.length < 3 || at < 0) return null;
  return { at: at + 1, of: all.length, next: all[at + 1]?.text ?? closedWord(view), done: (at + 1) / all.length };
}

/** @param {View} view */
function closedWord(view) {
  const last = stagesOf(view).find((stage) => stage.status === 'closed');
  return last ? stageWord(view, last.name) : '';
}
