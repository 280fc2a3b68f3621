// Alerts as tasks: what happened, what to do, seen or not. Used by the board and by the page of one sitting.

import { t } from './i18n.js';
import { ask } from './ask.js';
import { send, toast } from './page.js';
import { el, fill, icon } from './markup.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Task} Task */
/** @typedef {import('./court-clock.js').CourtClock} CourtClock */

const ICONS = { critical: 'alert', warning: 'alert', info: 'info' };

/** @typedef {{sitting: Situation | null, task: Task}} Placed a task and its sitting, null for the whole site */

/**
 * Tasks of these sittings and of the site: unseen and grave first, then the newest.
 * @param {Situation[]} sittings
 * @param {Task[]} [alerts] of the site
 * @returns {Placed[]}
 */
export function tasksOf(sittings, alerts = []) {
  const weight = { critical: 0, warning: 1, info: 2 };
  /** @type {Placed[]} */
  const placed = sittings.flatMap((sitting) => sitting.tasks.map((task) => ({ sitting, task })));
  return placed
    .concat(alerts.map((task) => ({ sitting: null, task })))
    .sort((a, b) => Number(!!a.task.acknowledged_by) - Number(!!b.task.acknowledged_by)
      || weight[a.task.severity] - weight[b.task.severity] || b.task.since_us - a.task.since_us);
}

/** By which a task is known while it lasts. @param {Placed} placed */
export function taskKey({ sitting, task }) {
  return `${sitting?.id ?? ''}/${task.id || task.alert || task.code}`;
}

/**
 * @param {Situation | null} sitting
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
 * @param {Situation | null} sitting
 * @param {Task} task
 * @param {CourtClock} clock
 * @param {boolean} named
 */
export function showTask(item, sitting, task, clock, named) {
  if (SHOWN.get(item) === task) return;
  SHOWN.set(item, task);
  const seen = task.acknowledged_by !== null;
  item.className = `task task-${task.severity}${seen ? ' task-seen' : ''}`;
  item.dataset.task = task.id || task.alert || task.code;
  item.dataset.sitting = sitting?.id ?? '';
  const facts = [task.count > 1 && t('came {n} times', { n: task.count }), task.escalated && t('Nobody has seen it in time')].filter(Boolean);
  const known = task.owner ? t('{name} takes care of it', { name: task.owner }) : seen ? t('Seen by {name}', { name: task.acknowledged_by ?? '' }) : '';
  fill(item,
    el('div', { class: 'task-head' },
      icon(ICONS[task.severity], 18),
      el('strong', {}, task.text),
      el('time', {}, clock.minute(task.since_us))),
    named && sitting && el('a', { class: 'task-where truncate', href: `/console/sittings/${sitting.id}` }, `${sitting.room} · ${sitting.title}`),
    named && !sitting && (task.path ? el('a', { class: 'task-where truncate', href: task.path }, task.place) : el('span', { class: 'task-where' }, t('The whole site'))),
    facts.length > 0 && el('p', { class: `task-facts${task.escalated ? ' task-late' : ''}` }, facts.join(' · ')),
    task.remedy && el('p', { class: 'task-remedy' }, el('span', { class: 'task-label' }, t('What to do')), ' ', task.remedy),
    known && el('p', { class: 'task-by' }, icon('check', 16), known),
    (task.alert || (task.id && !seen)) && el('div', { class: 'task-acts' },
      !seen && button('acknowledge', task, sitting, t('I have seen it'), 'check'),
      task.alert && !task.owner && button('take', task, sitting, t('Take it')),
      task.alert && button('close', task, sitting, t('Close…')),
      task.alert && button('history', task, sitting, t('History of this alert'), 'clock', true)));
}

/**
 * @param {string} act @param {Task} task @param {Situation | null} sitting @param {string} text
 * @param {string} [sign] @param {boolean} [signOnly]
 */
function button(act, task, sitting, text, sign, signOnly = false) {
  return el('button', {
    type: 'button', class: 'button button-small', 'data-act': act, 'data-alert': task.alert, 'data-acknowledge': act === 'acknowledge' && task.id, 'data-sitting': sitting?.id ?? '',
    'aria-label': signOnly && text, title: signOnly && text,
  }, sign && icon(sign, 16), !signOnly && text);
}

/**
 * One listener for what can be done about alerts below `root`.
 * @param {HTMLElement} root
 */
export function listenForAcknowledgements(root) {
  root.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-act][data-alert]') : null;
    if (!(button instanceof HTMLButtonElement) || button.disabled) return;
    const { sitting = '', acknowledge = '', alert = '', act = '' } = button.dataset;
    if (act === 'history') return showHistory(button, alert);
    /** @type {Record<string, string>} */
    const body = {};
    if (act === 'close') {
      const note = await ask({
        title: t('Close this alert'), text: t('It leaves the list for everybody, also while what it is about lasts.'), reason: t('How was it settled?'), act: t('Close it'),
      });
      if (note === null) return;
      body.note = note;
    }
    button.disabled = true;
    const answer = alert
      ? await send(`/console/alerts/${alert}/${act}`, body)
      : await send(`/console/sittings/${sitting}/acknowledge`, { alert: acknowledge });
    button.disabled = false;
    if (!answer.ok) toast(answer.data?.title ?? t('That did not work. Try again.'));
  });
}

/**
 * The history of an alert below its buttons; the same button hides it.
 * @param {HTMLButtonElement} button @param {string} alert
 */
async function showHistory(button, alert) {
  const item = button.closest('li');
  const shown = item?.querySelector('.task-history');
  button.setAttribute('aria-expanded', String(!shown));
  if (shown) return shown.remove();
  const answer = await fetch(`/console/alerts/${alert}/history`);
  if (!answer.ok) return toast(t('That did not work. Try again.'));
  /** @type {{steps: {time: string, text: string, by: string, note: string}[]}} */
  const { steps } = await answer.json();
  item?.append(el('ol', { class: 'task-history' }, ...steps.map((step) =>
    el('li', {}, el('time', {}, step.time), ' ', [step.text, step.by, step.note].filter(Boolean).join(' · ')))));
}
