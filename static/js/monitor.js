// One sitting live: people and their connections, recording, alerts as tasks, the log; and the silent watch.

import { t } from './i18n.js';
import { announce, pageData } from './page.js';
import { CourtClock, duration } from './court-clock.js';
import { EventLog } from './log-lines.js';
import { el, fill, find, icon, say } from './markup.js';
import { attendance, bars, recordingPill, STATUS_BADGE } from './pills.js';
import { TellingLine } from './telling-line.js';
import { followQuality, qualityPlots } from './quality.js';
import { listenForAcknowledgements, taskItem, tasksOf } from './tasks.js';
import { SilentWatch } from './watch.js';
import { StepInDialog, WatchersDialog } from './step-in.js';
import { WriteDialog } from './write.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./situation.js').Person} Person */
/** @typedef {import('./situation.js').ConsoleMessage} ConsoleMessage */
/** @typedef {import('./situation.js').LogMessage} LogMessage */

class SittingMonitor extends HTMLElement {
  connectedCallback() {
    if (this._line) return;
    /** @type {ConsoleMessage & {time_zone: string, may_watch: boolean, back: string, me: string, acts: Record<string, boolean>}} */
    const data = pageData();
    const first = data.sittings[0];
    if (!first) throw new Error('the page has no sitting');
    this._situation = first;
    this._back = data.back;
    const clock = (this._clock = new CourtClock(data.time_zone, data.now_us));
    const log = (this._log = new EventLog(find(this, '[data-log]'), clock));
    /** @type {Set<string>} */
    this._called = new Set(tasksOf(data.sittings).map(({ task }) => task.code));
    const watch = this.querySelector('silent-watch');
    this._watch = watch instanceof SilentWatch ? watch : null;
    this._watch?.prepare(first.id, data.me);
    this._write = new WriteDialog(this);
    this._step = data.may_watch ? new StepInDialog(this, data.acts) : null;
    this._watchers = data.may_watch ? new WatchersDialog(this) : null;
    listenForAcknowledgements(this);
    document.addEventListener('keydown', (event) => this._key(event));
    this._line = new TellingLine(() => `/ws/console?sitting=${first.id}&after=${log.last}`, (message) => this._take(message), (open) => this._linked(open));
    this._line.open();
    followQuality(`/console/sittings/${first.id}/quality`, (history) => {
      this._history = history;
      this._show();
    });
    this._show();
    setInterval(() => this._tick(), 1000);
  }

  /** @param {ConsoleMessage | import('./situation.js').ChangesMessage | LogMessage} message */
  _take(message) {
    if (message.type === 'log') {
      this._log?.add(message.lines);
      find(this, '[data-no-log]').hidden = (this._log?.last ?? 0) > 0;
      return;
    }
    const now = message.sittings[0]; // the line of one sitting has it whole each time
    if (!now) return;
    this._situation = now;
    this._clock?.set(message.now_us);
    this._show();
    this._call();
  }

  /** @param {boolean} open */
  _linked(open) {
    find(this, '[data-broken]').hidden = open;
    this.classList.toggle('stale', !open);
  }

  _show() {
    const s = this._situation;
    const clock = this._clock;
    if (!s || !clock) return;
    fill(find(this, '[data-head]'),
      el('span', { class: `badge ${STATUS_BADGE[s.status]}` }, s.stage_text),
      s.stage_since_us !== null && el('span', { class: 'muted small' }, t('since {time}', { time: clock.minute(s.stage_since_us) })),
      recordingPill(s),
      s.media === 'away' && el('span', { class: 'badge badge-danger' }, t('Picture and sound interrupted')),
      s.status === 'closed' && s.recording.seconds > 0 && s.seal.length === 0 && el('span', { class: 'badge badge-note' }, icon('lock', 15), t('The recording is being sealed')),
      ...s.seal.map((one) => el('span', { class: `badge badge-${one.family}`, title: one.more }, icon(one.icon, 15), one.text)),
      s.recording_path !== '' && el('a', { class: 'button', href: s.recording_path }, icon('play'), t('Open the recording')),
      s.counted && el('span', { class: 'monitor-watchers small', title: s.watchers.join(', ') }, icon('eye', 18),
        s.watchers.length === 0 ? t('Nobody watches') : t('Watching: {names}', { names: s.watchers.join(', ') })));
    say(find(this, '[data-people-count]'), attendance(s));
    fill(find(this, '[data-people]'), ...s.participants.map((person) => personItem(person, clock, this._history)));
    const tasks = tasksOf([s]);
    fill(find(this, '[data-tasks]'), ...tasks.map(({ sitting, task }) => taskItem(sitting, task, clock, false)));
    find(this, '[data-no-tasks]').hidden = tasks.length > 0;
    say(find(this, '[data-task-count]'), String(tasks.filter(({ task }) => !task.acknowledged_by).length));
    this._watch?.follow(s);
    this._write?.follow(s);
    this._step?.follow(s);
    this._watchers?.follow(s);
    this._tick();
  }

  _tick() {
    const clock = this._clock;
    if (!clock) return;
    for (const place of this.querySelectorAll('[data-runs]')) {
      const { seconds = '0', at = '0' } = /** @type {HTMLElement} */ (place).dataset;
      say(place, duration(Number(seconds) + (clock.nowUs() - Number(at)) / 1e6));
    }
  }

  _call() {
    const now = new Set();
    for (const { task } of tasksOf(this._situation ? [this._situation] : [])) {
      now.add(task.code);
      if (this._called?.has(task.code) || task.acknowledged_by) continue;
      task.severity === 'critical' ? say(find(this, '[data-alarm]'), task.text) : announce(task.text);
    }
    this._called = now;
  }

  /** Esc goes back; while a dialog is open it is the dialog's. @param {KeyboardEvent} event */
  _key(event) {
    if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open], details[data-menu][open]')) return;
    if (this._watch?.watching) {
      this._watch.stop();
      return;
    }
    location.href = this._back ?? '/console';
  }
}

/** @param {Person} person @param {CourtClock} clock @param {import('./quality.js').History} [history] */
function personItem(person, clock, history) {
  const check = person.device_check;
  return el('li', { class: `monitor-person person-${person.presence}`, 'data-participant': person.id },
    el('div', { class: 'person-who' },
      el('b', { class: 'truncate' }, person.name), el('span', { class: 'person-role' }, person.role), person.room_text !== '' && el('span', { class: 'person-room' }, icon('device', 16), person.room_text)),
    el('div', { class: 'person-presence' }, person.presence_text !== '' && icon(PRESENCE_ICONS[person.presence], 16),
      el('span', {}, person.lost_at_us !== null && person.presence === 'lost'
        ? t('{presence} since {time}', { presence: person.presence_text, time: clock.second(person.lost_at_us) }) : person.presence_text)),
    el('div', { class: 'person-network' }, person.network.text !== '' && bars(person.network.bars),
      person.network.text !== '' && el('span', {}, person.network.text)),
    el('div', { class: 'person-sources' }, ...person.sources.map((source) =>
      el('span', { class: `person-source ${source.live ? 'person-source-live' : ''}` }, icon(source.icon, 16), source.text))),
    el('div', { class: `person-check person-check-${check.state}` }, check.text !== '' && icon(CHECK_ICONS[check.state], 16),
      el('span', {}, check.details.length > 0 ? `${check.text}: ${check.details.join(t(', '))}` : check.text)),
    qualityPlots(history?.people[person.id], history));
}

/** @type {Record<Person['presence'], string>} */
const PRESENCE_ICONS = { absent: 'minus', waiting: 'clock', present: 'check-circle', lost: 'network-off', left: 'leave', removed: 'cross-circle' };
const CHECK_ICONS = { ok: 'check', trouble: 'alert', none: 'minus' };

customElements.define('sitting-monitor', SittingMonitor);
