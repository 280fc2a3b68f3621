// The board: today's sittings live, trouble on top, alerts as tasks, the day by rooms below.

import { t } from './i18n.js';
import { announce, pageData } from './page.js';
import { CourtClock, duration } from './court-clock.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { attendance, recordingPill, STATUS_BADGE } from './pills.js';
import { Board } from './situation.js';
import { TellingLine } from './telling-line.js';
import { DayStrip } from './strip.js';
import { AlarmSound } from './alarm-sound.js';
import { listenForAcknowledgements, showTask, taskKey, tasksOf } from './tasks.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').ConsoleMessage} ConsoleMessage */

/** Which sittings a filter shows. @type {Record<string, (sitting: Situation) => boolean>} */
const FILTERS = {
  all: () => true,
  trouble: (s) => s.trouble !== 'none',
  session: (s) => s.status === 'live' || s.status === 'recess',
  coming: (s) => s.status === 'planned' || s.status === 'open',
  ended: (s) => s.status === 'closed' || s.status === 'cancelled',
};

/**
 * The sittings a filter and a search text leave over.
 * @param {Situation[]} sittings @param {string} filter @param {string} text
 */
export function chosen(sittings, filter, text) {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const shows = FILTERS[filter] ?? (() => true);
  return sittings.filter((s) => shows(s) && words.every((word) => s.search.includes(word)));
}

export class SituationBoard extends HTMLElement {
  connectedCallback() {
    if (this._line) return;
    /** @type {ConsoleMessage & {time_zone: string}} */
    const data = pageData();
    this._clock = new CourtClock(data.time_zone, data.now_us);
    this._board = new Board();
    this._board.take({ ...data, type: 'console' });
    const asked = new URLSearchParams(location.search);
    this._filter = asked.get('show') ?? 'all';
    this._search = /** @type {HTMLInputElement} */ (find(this, '[data-search]'));
    this._search.value = asked.get('q') ?? '';
    this._list = find(this, '[data-sittings]');
    this._tasks = find(this, '[data-tasks]');
    const strip = find(this, 'day-strip');
    this._strip = strip instanceof DayStrip ? strip : undefined;
    /** Tasks already announced, so that each alarm is called out once. @type {Set<string>} */
    this._called = new Set(tasksOf(data.sittings, data.alerts).map(taskKey));
    this._sound = new AlarmSound(find(this, '[data-sound]'));
    /** What each row shows now. @type {WeakMap<Element, Situation>} */
    this._shown = new WeakMap();
    this._search.addEventListener('input', () => this._choose(this._filter ?? 'all'));
    find(this, '[data-filters]').addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-filter]') : null;
      if (button instanceof HTMLElement) this._choose(button.dataset.filter ?? 'all');
    });
    document.addEventListener('keydown', (event) => this._key(event));
    listenForAcknowledgements(this);
    this._line = new TellingLine(() => '/ws/console', (message) => this._take(message), (open) => this._linked(open));
    this._line.open();
    this._show();
    setInterval(() => this._tick(), 1000);
  }

  /** @param {ConsoleMessage | import('./situation.js').ChangesMessage | import('./situation.js').LogMessage} message */
  _take(message) {
    if (message.type === 'log' || !this._board) return;
    this._clock?.set(message.now_us);
    if (!this._board.take(message)) return;
    this._show();
    this._call();
  }

  /** @param {boolean} open */
  _linked(open) {
    find(this, '[data-broken]').hidden = open;
    this.classList.toggle('stale', !open);
  }

  /** @param {string} filter */
  _choose(filter) {
    this._filter = filter;
    const url = new URL(location.href);
    const text = this._search?.value.trim() ?? '';
    filter === 'all' ? url.searchParams.delete('show') : url.searchParams.set('show', filter);
    text === '' ? url.searchParams.delete('q') : url.searchParams.set('q', text);
    history.replaceState(null, '', url);
    this._show();
  }

  _show() {
    const board = this._board;
    const clock = this._clock;
    if (!board || !clock || !this._list || !this._tasks) return;
    for (const button of this.querySelectorAll('[data-filter]')) {
      const name = /** @type {HTMLElement} */ (button).dataset.filter ?? '';
      button.setAttribute('aria-pressed', String(name === this._filter));
      say(find(button, '[data-count]'), String(chosen(board.sittings, name, '').length));
    }
    const shown = chosen(board.sittings, this._filter ?? 'all', this._search?.value ?? '');
    this._rows(shown);
    const empty = find(this, '[data-empty]');
    empty.hidden = shown.length > 0;
    say(find(empty, 'p'), board.sittings.length === 0 ? t('No sitting is booked for today.') : t('No sitting matches this choice.'));
    const tasks = tasksOf(board.sittings, board.alerts);
    keyed(this._tasks, tasks, taskKey, () => el('li'), (item, { sitting, task }) => showTask(item, sitting, task, clock, true));
    find(this, '[data-no-tasks]').hidden = tasks.length > 0;
    say(find(this, '[data-task-count]'), String(tasks.filter(({ task }) => !task.acknowledged_by).length));
    this._strip?.show(board.sittings, board.rooms, clock);
    this._tick();
  }

  /** Rows are kept by sitting, so that focus and place survive a change; only those whose sitting changed are touched. @param {Situation[]} sittings */
  _rows(sittings) {
    const list = this._list;
    const clock = this._clock;
    if (!list || !clock) return;
    const focused = document.activeElement instanceof HTMLElement && list.contains(document.activeElement) ? document.activeElement : null;
    keyed(list, sittings, (sitting) => sitting.id, (sitting) => el('li', { 'data-sitting': sitting.id }, el('a', { href: `/console/sittings/${sitting.id}` })), (item, sitting) => {
      if (this._shown?.get(item) === sitting || !item.firstElementChild) return;
      this._shown?.set(item, sitting);
      const link = item.firstElementChild;
      link.className = `situation situation-${sitting.status} situation-trouble-${sitting.trouble}`;
      link.setAttribute('data-kind', sitting.kind);
      fill(link, ...row(sitting, clock));
    });
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  /** What runs by the second: recording times, the now-line. */
  _tick() {
    const clock = this._clock;
    if (!clock) return;
    for (const place of this.querySelectorAll('[data-runs]')) {
      const { seconds = '0', at = '0' } = /** @type {HTMLElement} */ (place).dataset;
      say(place, duration(Number(seconds) + (clock.nowUs() - Number(at)) / 1e6));
    }
    const minute = clock.minute(clock.nowUs());
    if (minute !== this.dataset.minute) this._strip?.tick();
    this.dataset.minute = minute;
  }

  /** New alarms are called out: the grave ones at once, the others when there is time. */
  _call() {
    const now = new Set();
    /** @type {import('./situation.js').Task[]} */
    const fresh = [];
    for (const placed of tasksOf(this._board?.sittings ?? [], this._board?.alerts)) {
      const { sitting, task } = placed;
      const key = taskKey(placed) + (task.escalated ? '/late' : '');
      now.add(key);
      if (this._called?.has(key) || task.acknowledged_by) continue;
      fresh.push(task);
      const text = `${sitting?.room ?? t('The whole site')}: ${task.text}`;
      task.severity === 'critical' ? say(find(this, '[data-alarm]'), text) : announce(text);
    }
    this._sound?.call(fresh);
    this._called = now;
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const inField = event.target instanceof HTMLInputElement;
    if (event.key === '/' && !inField) {
      event.preventDefault();
      this._search?.focus();
      return;
    }
    if (event.key === 'Escape' && inField && this._search) {
      this._search.value = '';
      this._choose(this._filter ?? 'all');
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || (inField && event.key !== 'ArrowDown')) return;
    if (event.target instanceof Element && event.target.closest('day-strip, .tasks, .menu')) return;
    const links = /** @type {HTMLElement[]} */ ([...(this._list?.querySelectorAll('a') ?? [])]);
    if (links.length === 0) return;
    event.preventDefault();
    const here = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = here < 0 && Number.isFinite(step) ? 0 : Math.min(links.length - 1, Math.max(0, here + step));
    links[next]?.focus();
    links[next]?.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {Situation} s @param {CourtClock} clock */
function row(s, clock) {
  const unseen = s.tasks.filter((task) => !task.acknowledged_by);
  const top = unseen[0] ?? s.tasks[0];
  return [
    el('span', { class: 'situation-time' },
      el('time', {}, clock.minute(s.starts_at_us)), el('small', {}, `–${clock.minute(s.ends_at_us)}`)),
    el('span', { class: 'situation-what' },
      el('span', { class: 'situation-title' }, icon(`kind-${s.kind}`, 18), el('b', { class: 'truncate' }, s.title)),
      el('span', { class: 'situation-case truncate' }, [s.case_number, s.room, s.chair, s.officer && t('Officer: {name}', { name: s.officer })].filter(Boolean).join(' · '))),
    el('span', { class: 'situation-stage' },
      el('span', { class: `badge ${STATUS_BADGE[s.status]}` }, s.stage_text),
      s.stage_since_us !== null && (s.status === 'live' || s.status === 'recess' || s.status === 'closed')
        && el('small', {}, t('since {time}', { time: clock.minute(s.stage_since_us) }))),
    el('span', { class: 'situation-people' },
      el('span', { class: 'figures' }, icon('users', 18), attendance({ ...s, waiting: 0 })),
      s.waiting > 0 && el('small', { class: 'situation-waiting' }, t('{n} waiting', { n: s.waiting }))),
    el('span', { class: 'situation-trouble' },
      recordingPill(s),
      top && el('span', { class: `situation-alerts situation-alert-${top.severity}` },
        top.code !== 'recording_failed' && icon(top.severity === 'info' ? 'info' : 'alert', 18),
        el('span', { class: 'truncate' }, top.text),
        s.tasks.length > 1 && el('small', {}, t('+{n} more', { n: s.tasks.length - 1 })))),
  ];
}

customElements.define('situation-board', SituationBoard);
