// The board: today's sittings live, trouble on top, alerts as tasks, the day by rooms below.

import { t } from './i18n.js';
import { announce, pageData } from './page.js';
import { BoardFilters } from './board-filters.js';
import { CourtClock, duration } from './court-clock.js';
import { keyed } from './keyed.js';
import { el, find, renew, say } from './markup.js';
import { Board } from './situation.js';
import { row } from './situation-row.js';
import { TellingLine } from './telling-line.js';
import { DayStrip } from './strip.js';
import { AlarmSound } from './alarm-sound.js';
import { listenForAcknowledgements, showTask, taskKey, tasksOf } from './tasks.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').ConsoleMessage} ConsoleMessage */

class SituationBoard extends HTMLElement {
  connectedCallback() {
    if (this._line) return;
    /** @type {ConsoleMessage & {time_zone: string, me: string, views: import('./board-view.js').SavedView[]}} */
    const data = pageData();
    this._clock = new CourtClock(data.time_zone, data.now_us);
    this._board = new Board();
    this._board.take({ ...data, type: 'console' });
    this._filters = new BoardFilters(find(this, '[data-bar]'), data.me, data.views, () => this._show());
    this._list = find(this, '[data-sittings]');
    this._tasks = find(this, '[data-tasks]');
    keepFolded(/** @type {HTMLDetailsElement} */ (find(this, '[data-strip]')));
    const strip = find(this, 'day-strip');
    this._strip = strip instanceof DayStrip ? strip : undefined;
    /** Tasks already announced, so that each alarm is called out once. @type {Set<string>} */
    this._called = new Set(tasksOf(data.sittings, data.alerts).map(taskKey));
    this._sound = new AlarmSound(find(this, '[data-sound]'));
    /** What each row shows now. @type {WeakMap<Element, Situation>} */
    this._shown = new WeakMap();
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

  _show() {
    const board = this._board;
    const clock = this._clock;
    if (!board || !clock || !this._list || !this._tasks) return;
    this._filters?.show(board.sittings, board.rooms);
    const shown = this._filters?.chosen(board.sittings) ?? board.sittings;
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
      renew(link, ...row(sitting, clock));
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
      const text = sitting || !task.path ? `${sitting?.room ?? t('The whole site')}: ${task.text}` : task.text;
      task.severity === 'critical' ? say(find(this, '[data-alarm]'), text) : announce(text);
    }
    this._sound?.call(fresh);
    this._called = now;
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const inField = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
    if (target?.closest('dialog')) return;
    if (event.key === 'Escape' && inField) {
      this._list?.querySelector('a')?.focus();
      return;
    }
    if (!inField && this._filters?.key(event.key)) {
      event.preventDefault();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || (inField && (event.key !== 'ArrowDown' || target instanceof HTMLSelectElement))) return;
    if (target?.closest('day-strip, .tasks, .menu')) return;
    const links = /** @type {HTMLElement[]} */ ([...(this._list?.querySelectorAll('a') ?? [])]);
    if (links.length === 0) return;
    event.preventDefault();
    const here = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = here < 0 && Number.isFinite(step) ? 0 : Math.min(links.length - 1, Math.max(0, here + step));
    links[next]?.focus();
    links[next]?.scrollIntoView({ block: 'nearest' });
  }
}

const FOLDED = 'board-strip';
const HIGH_PX = 900;

/** The strip is open where there is room for it, until somebody opens or closes it on this computer. @param {HTMLDetailsElement} strip */
function keepFolded(strip) {
  const kept = localStorage.getItem(FOLDED);
  strip.open = kept === null ? innerHeight >= HIGH_PX : kept === 'open';
  find(strip, 'summary').addEventListener('click', () => localStorage.setItem(FOLDED, strip.open ? 'closed' : 'open'));
}

customElements.define('situation-board', SituationBoard);
