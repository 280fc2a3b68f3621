// Alerts as tasks: what happened, what to do, seen or not. Used by the board and by the page of one sitting.

import { t } from './i18n.js';
import { send, toast } from './page.js';
import { el, fill, icon } from './markup.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Task} Task */
/** @typedef {import('./court-clock.js').CourtClock} CourtClock */

const ICONS = { critical: 'alert', warning: 'alert', info: 'info' };

/**
 * Tasks of these sittings: unseen and grave first, then the newest.
 * @param {Situation[]} sittings
 * @returns {{sitting: Situation, task: Task}[]}
 */
export function tasksOf(sittings) {
  const weight = { critical: 0, warning: 1, info: 2 };
  return sittings
    .flatMap((sitting) => sitting.tasks.map((task) => ({ sitting, task })))
    .sort((a, b) => Number(!!a.task.acknowledged_by) - Number(!!b.task.acknowledged_by)
      || weight[a.task.severity] - weight[b.task.severity] || b.task.since_us - a.task.since_us);
}

/**
 * @param {Situation} sitting
 * @param {Task} task
 * @param {CourtClock} clock
 * @param {boolean} named say which sitting it is, with a link to it
 */
export function taskItem(sitting, task, clock, named) {
  const item = el('li');
  showTask(item, sitting, task, clock, named);
  return item;
}

/** What each item shows now. @type {WeakMap<HTMLElement, Task>} */
const SHOWN = new WeakMap();

/**
 * Fill an item, unless it shows that very task.
 * @param {HTMLElement} item
 * @param {Situation} sitting
 * @param {Task} task
 * @param {CourtClock} clock
 * @param {boolean} named
 */
export function showTask(item, sitting, task, clock, named) {
  if (SHOWN.get(item) === task) return;
  SHOWN.set(item, task);
  const seen = task.acknowledged_by !== null;
  item.className = `task task-${task.severity}${seen ? ' task-seen' : ''}`;
  item.dataset.task = task.id || task.code;
  item.dataset.sitting = sitting.id;
  fill(item,
    el('div', { class: 'task-head' },
      icon(ICONS[task.severity], 18),
      el('strong', {}, task.text),
      el('time', {}, clock.minute(task.since_us))),
    named && el('a', { class: 'task-where truncate', href: `/console/sittings/${sitting.id}` }, `${sitting.room} · ${sitting.title}`),
    task.remedy && el('p', { class: 'task-remedy' }, el('span', { class: 'task-label' }, t('What to do')), ' ', task.remedy),
    seen && el('p', { class: 'task-by' }, icon('check', 16), t('Seen by {name}', { name: task.acknowledged_by ?? '' })),
    !seen && task.id && el('button', { type: 'button', class: 'button button-small', 'data-acknowledge': task.id, 'data-sitting': sitting.id },
      icon('check', 16), t('I have seen it')));
}

/**
 * One listener for all "I have seen it" buttons below `root`.
 * @param {HTMLElement} root
 */
export function listenForAcknowledgements(root) {
  root.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-acknowledge]') : null;
    if (!(button instanceof HTMLButtonElement) || button.disabled) return;
    button.disabled = true;
    const { sitting = '', acknowledge = '' } = button.dataset;
    const answer = await send(`/console/sittings/${sitting}/acknowledge`, { alert: acknowledge });
    if (answer.ok) return;
    button.disabled = false;
    toast(answer.data?.title ?? t('That did not work. Try again.'));
  });
}
