// A task on the phone: what, where, until when, what waits to be sent, and what can be done next.

import { clock, day, language, t, word } from '../i18n.js';
import { el, svg } from '../markup.js';

/** @typedef {import('./queue.js').Entry} Entry */

/**
 * @typedef {object} Task as the server tells it
 * @property {string} id
 * @property {string} number
 * @property {string} title
 * @property {string} text
 * @property {string} place
 * @property {number | null} latitude
 * @property {number | null} longitude
 * @property {string} case
 * @property {string} for
 * @property {boolean} mine
 * @property {string} state
 * @property {number} deadline_ms
 * @property {boolean} overdue
 * @property {boolean} urged
 * @property {string[]} acts
 * @property {{number: number, at_ms: number, by: string, act: string, text: string}[]} steps
 * @property {{id: string, name: string, type: string, bytes: number, step: number | null}[]} files
 */

/** What follows a step of the team, where the server has not said so yet. @type {Record<string, string[]>} */
const THEN = { sign: ['arrive', 'hand_back'], arrive: ['report', 'hand_back'], report: [], hand_back: [] };
const BADGES = /** @type {Record<string, string>} */ ({ sent: 'badge-note', signed: 'badge-note', on_site: 'badge-well', reported: 'badge-warning', closed: 'badge-well' });
const UNDER_WAY = new Set(['signed', 'on_site']);
const OVER = new Set(['reported', 'closed', 'cancelled']);

/** What somebody can do next, with what waits taken for done. @param {Task} task @param {Entry[]} waiting */
function offered(task, waiting) {
  const last = waiting.filter((entry) => !entry.refused).at(-1);
  return last ? THEN[last.act] ?? [] : task.acts;
}

export class TaskCard {
  /**
   * @param {string} icons
   * @param {(task: Task, act: string) => void} act
   * @param {(entry: Entry) => void} correct opens what was refused again
   * @param {(entry: Entry) => void} drop
   */
  constructor(icons, act, correct, drop) {
    this.icons = icons;
    this.act = act;
    this.correct = correct;
    this.drop = drop;
  }

  /**
   * @param {Task} task
   * @param {Entry[]} waiting of this task
   * @param {string} zone
   * @param {boolean} open
   * @param {string | null} live the task for which this phone is live, "" for none; null while it is not live
   */
  make(task, waiting, zone, open, live) {
    const look = ['field-own', task.overdue && 'is-late', task.state === 'sent' && 'is-new'].filter(Boolean).join(' ');
    const facts = (/** @type {string} */ name, /** @type {string} */ text) => el('span', { class: 'field-own-facts' }, this.icon(name, 16), el('span', {}, text));
    const until = `${day(task.deadline_ms, zone)} ${clock(task.deadline_ms, zone)}`;
    const summary = el(
      'summary', {},
      el(
        'span', { class: 'field-own-head' },
        el('span', { class: `badge ${BADGES[task.state] ?? ''}` }, word(`task.state.${task.state}`)),
        task.overdue && el('span', { class: 'badge badge-danger' }, t('Overdue')),
        task.urged && !OVER.has(task.state) && el('span', { class: 'badge badge-warning' }, t('Urged')),
        task.for && el('span', { class: 'badge' }, task.mine ? t('for you') : t('for {name}', { name: task.for })),
      ),
      el('span', { class: 'field-own-title' }, task.title),
      facts('pin', task.place),
      facts('clock', t('Until {time}', { time: until })),
    );
    const acts = offered(task, waiting);
    const body = el(
      'div', { class: 'field-own-body' },
      task.text && el('p', { class: 'field-own-text' }, task.text),
      task.case && facts('document', task.case),
      task.latitude !== null && el('span', { class: 'field-own-facts figures' }, this.icon('pin', 16), `${task.latitude.toFixed(5)}, ${(task.longitude ?? 0).toFixed(5)}`),
      this.pictures(task, null),
      ...waiting.map((entry) => this.waits(entry)),
      (acts.length > 0 || UNDER_WAY.has(task.state)) && el('div', { class: 'field-own-acts' }, ...acts.map((act) => this.button(task, act)), UNDER_WAY.has(task.state) && this.live(task, live)),
      task.steps.length > 0 && el('section', {}, el('h2', { class: 'small' }, t('What happened')), el('ol', { class: 'field-log', role: 'list' }, ...[...task.steps].reverse().map((step) => this.step(task, step, zone)))),
      el('p', { class: 'muted small figures' }, t('Task number {number}', { number: task.number })),
    );
    const details = el('details', { open }, summary, body);
    return el('article', { class: look, 'data-task': task.id }, details);
  }

  /** @param {Task} task @param {string} act */
  button(task, act) {
    const look = act === 'hand_back' ? 'button' : 'button button-primary';
    return el('button', { type: 'button', class: look, 'data-act': act, onclick: () => this.act(task, act) }, word(`task.do.${act}`));
  }

  /** Live video for this task (live.js); one that goes on for another, or for none, is for this one from then on. @param {Task} task @param {string | null} live */
  live(task, live) {
    if (live === task.id) return el('p', { class: 'field-own-facts' }, this.icon('camera', 20), t('You are live for this task.'));
    const begin = () => document.dispatchEvent(new CustomEvent('field-live', { detail: { id: task.id, title: task.title } }));
    return el('button', { type: 'button', class: 'button', 'data-act': 'live', onclick: begin }, this.icon('camera', 20), live === null ? t('Go live for this task') : t('Make the live video one of this task'));
  }

  /** What is not with the server yet. @param {Entry} entry */
  waits(entry) {
    const name = word(`task.act.${entry.act}`);
    if (!entry.refused) {
      return el('div', { class: 'field-waits', role: 'status', 'data-waits': entry.key }, el('span', {}, this.icon('upload', 16), ' ', el('b', {}, name), ' · ', t('kept on this phone, not sent yet')), el('progress', { max: 1, value: 0, hidden: true, 'aria-label': name }));
    }
    const kept = entry.act === 'report' ? el('button', { type: 'button', class: 'button button-small', onclick: () => this.correct(entry) }, t('Correct it')) : null;
    return el(
      'div', { class: 'field-waits field-refused', role: 'alert' },
      el('span', {}, this.icon('alert', 16), ' ', el('b', {}, name), ' · ', t('was not accepted'), ': ', entry.refused),
      el('div', { class: 'row gap-2' }, kept, el('button', { type: 'button', class: 'button button-small', onclick: () => this.drop(entry) }, t('Drop it'))),
    );
  }

  /** @param {Task} task @param {Task['steps'][number]} step @param {string} zone */
  step(task, step, zone) {
    const by = step.by === 'system' ? t('The system') : step.by;
    return el(
      'li', {},
      el('b', {}, word(`task.act.${step.act}`)), ' ', el('span', { class: 'muted figures' }, `${by} · ${day(step.at_ms, zone)} ${clock(step.at_ms, zone)}`),
      step.text && el('p', {}, step.text),
      this.pictures(task, step.number),
    );
  }

  /** @param {Task} task @param {number | null} step */
  pictures(task, step) {
    const own = task.files.filter((file) => file.step === step);
    if (own.length === 0) return null;
    return el('ul', { class: 'field-pictures', role: 'list' }, ...own.map((file) => {
      const paper = file.type === 'application/pdf' ? el('span', { class: 'field-paper' }, this.icon('document', 28), file.name) : el('img', { src: `/field/files/${file.id}/small`, alt: file.name, loading: 'lazy' });
      return el('li', {}, el('a', { href: `/field/files/${file.id}`, target: '_blank', rel: 'noopener', lang: language }, paper));
    }));
  }

  /** @param {string} name @param {number} size */
  icon(name, size) {
    return svg('svg', { class: 'icon', width: size, height: size, 'aria-hidden': 'true' }, svg('use', { href: `${this.icons}#${name}` }));
  }
}
