// The phone page of people in the field. What the server last said is shown, with what waits on the phone marked as waiting; everything
// that is done goes into the queue first and is sent from there, at once or when there is a connection again.

import { ask } from '../ask.js';
import { clock, gap, language, t } from '../i18n.js';
import { el } from '../markup.js';
import { announce, send } from '../page.js';
import { Telling } from './position.js';
import { add, entries, forget, keepState, keptState, remove } from './queue.js';
import { askArrival, askReason, askReport } from './report.js';
import { fresh, sendAll } from './sending.js';
import { TaskCard } from './task-card.js';
import { newKey } from './upload.js';

/** @typedef {import('./queue.js').Entry} Entry */
/** @typedef {import('./task-card.js').Task} Task */

const EVERY_MS = 10_000;
const UNDER_WAY = new Set(['signed', 'on_site']);

class FieldPage extends HTMLElement {
  /** @type {any} what the server last said */
  #state = null;
  /** @type {Entry[]} */
  #waiting = [];
  /** @type {'done' | 'broken' | 'stranger'} */
  #line = 'done';
  /** @type {Set<string>} tasks laid open */
  #open = new Set();
  #shown = '';
  #busy = false;
  #again = false;
  #telling = new Telling();
  /** What was begun and not sent, by task and step, or by what was refused. @type {Map<string, import('./report.js').Draft>} */
  #drafts = new Map();
  /** The task for which this phone is live, "" for none; null while it is not live. @type {string | null} */
  #live = null;

  connectedCallback() {
    this.card = new TaskCard(this.dataset.icons ?? '', (task, act) => void this.#do(task, act), (entry) => void this.#correct(entry), (entry) => void this.#drop(entry));
    addEventListener('online', () => void this.#pass());
    addEventListener('offline', () => void this.#pass());
    document.addEventListener('visibilitychange', () => document.hidden || void this.#pass());
    document.querySelector('[data-leave]')?.addEventListener('submit', (event) => void this.#leave(event));
    document.addEventListener('field-live-now', (event) => {
      this.#live = /** @type {CustomEvent<string | null>} */ (event).detail;
      this.#draw();
    });
    this.addEventListener('toggle', (event) => this.#toggled(event), { capture: true });
    setInterval(() => document.hidden || void this.#pass(), EVERY_MS);
    void this.#begin();
  }

  async #begin() {
    this.#state = await keptState();
    this.#waiting = await entries();
    this.#draw();
    await this.#pass();
    await keepPage();
  }

  /** Send what waits, then ask what is so. One pass at a time; what comes meanwhile makes another. */
  async #pass() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#again = false;
        await this.#once();
      } while (this.#again);
    } finally {
      this.#busy = false;
    }
  }

  async #once() {
    let { outcome, state } = await fresh();
    const waits = async () => (this.#waiting = await entries()).some((entry) => state && entry.user === state.me.id && !entry.refused);
    if (state && (await waits())) {
      outcome = await sendAll(state.me.id, state.csrf, (entry, part) => this.#progress(entry, part));
      const after = await fresh();
      state = after.state ?? state;
    }
    this.#line = outcome;
    if (state) {
      this.#state = { ...state, seen_ms: Date.now() };
      await keepState({ ...this.#state, csrf: '' });
    }
    this.#waiting = await entries();
    this.#draw();
    const tasks = /** @type {Task[]} */ (this.#state?.tasks ?? []);
    this.#telling.follow(Boolean(state?.me.agrees) && tasks.some((task) => UNDER_WAY.has(task.state)), state?.csrf ?? '');
  }

  /** @param {Entry | null} entry @param {number} part */
  #progress(entry, part) {
    const place = entry && this.querySelector(`[data-waits="${entry.key}"] progress`);
    if (!(place instanceof HTMLProgressElement)) return;
    place.hidden = part === 0;
    place.value = part;
  }

  /** @param {Task} task @param {string} act */
  async #do(task, act) {
    const wanted = act === 'sign' ? { text: '', files: [], place: false } : act === 'arrive' ? await askArrival() : await this.#written(`${task.id} ${act}`, act, { text: '', files: [] });
    if (document.activeElement === document.body) this.#goOn(task.id, act); // what opened the dialog was drawn anew meanwhile
    if (wanted) await this.#queue(task.id, act, wanted);
  }

  /** Who goes back and opens it again finds what he has written and chosen. @param {string} key @param {string} act @param {import('./report.js').Draft} former */
  async #written(key, act, former) {
    const asks = act === 'report' ? askReport : askReason;
    const wanted = await asks(this.#drafts.get(key) ?? former, (draft) => this.#drafts.set(key, draft));
    if (wanted) this.#drafts.delete(key);
    return wanted;
  }

  /** @param {Entry} entry */
  async #correct(entry) {
    const wanted = await this.#written(entry.key, entry.act, entry);
    if (!wanted) return;
    await remove(entry);
    await this.#queue(entry.task, entry.act, wanted);
  }

  /** @param {string} task @param {string} act @param {import('./report.js').Wanted} wanted */
  async #queue(task, act, wanted) {
    const position = wanted.place ? await this.#telling.now() : null;
    if (wanted.place && !position) announce(t('The phone gave no position; the step goes without it.'));
    await add({ user: this.#state.me.id, task, act, key: newKey(), text: wanted.text, done_at_ms: Date.now(), position, files: wanted.files, refused: '' });
    this.#waiting = await entries();
    this.#draw();
    await this.#pass();
  }

  /** @param {Entry} entry */
  async #drop(entry) {
    const text = t('What you wrote and the files that you chose are deleted from this phone. The task stays as it is.');
    if ((await ask({ title: t('Drop this step?'), text, act: t('Drop it'), danger: true })) === null) return;
    await remove(entry);
    this.#waiting = await entries();
    this.#draw();
  }

  /** @param {boolean} agrees */
  async #agree(agrees) {
    const answer = await send('/field/agree', { agrees });
    if (answer.ok) this.#state = { ...answer.data, seen_ms: Date.now() };
    await this.#pass();
  }

  /** Nothing of a task stays on the phone; what is not sent yet would be lost, so it is said. @param {Event} event */
  async #leave(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const own = this.#waiting.filter((entry) => entry.user === this.#state?.me.id);
    const text = t('Steps that are not sent yet and would be lost: {n}.', { n: own.length });
    if (own.length > 0 && (await ask({ title: t('Sign out all the same?'), text, act: t('Sign out'), danger: true })) === null) return;
    await forget();
    navigator.serviceWorker?.controller?.postMessage({ forget: true });
    form.submit();
  }

  /** @param {Event} event */
  #toggled(event) {
    const details = event.target;
    const task = details instanceof HTMLDetailsElement ? details.closest('[data-task]') : null;
    if (!(task instanceof HTMLElement)) return;
    if (/** @type {HTMLDetailsElement} */ (details).open) this.#open.add(task.dataset.task ?? '');
    else this.#open.delete(task.dataset.task ?? '');
  }

  #draw() {
    const state = this.#state;
    const now = JSON.stringify([state?.tasks, state?.team, state?.me, this.#line, this.#line === 'done' ? 0 : state?.seen_ms, this.#waiting.map((entry) => [entry.key, entry.refused]), this.#live]);
    if (now === this.#shown) return; // nobody loses his place or his focus over a poll
    this.#shown = now;
    const team = document.querySelector('[data-team]');
    if (team) team.textContent = state?.team ? (language === 'en' && state.team.name_en) || state.team.name : '';
    const focused = document.activeElement instanceof HTMLElement && this.contains(document.activeElement) ? document.activeElement : null;
    const task = focused?.closest('[data-task]')?.getAttribute('data-task') ?? '';
    this.replaceChildren(...[this.#lineNow(), ...this.#content()].filter((one) => one !== null));
    if (focused) this.#goOn(task, focused.dataset.act ?? '');
  }

  /** The hand goes on where it was; where that is there no more, with what can be done next. @param {string} task "" for none @param {string} act "" for none */
  #goOn(task, act) {
    const card = this.querySelector(`[data-task="${CSS.escape(task)}"]`);
    const same = act === '' ? null : (card ?? this).querySelector(`[data-act="${CSS.escape(act)}"]`);
    const next = same ?? (act === '' ? null : card?.querySelector('details[open] [data-act]')) ?? card?.querySelector('summary') ?? this.querySelector('summary, button') ?? document.getElementById('main');
    if (next instanceof HTMLElement) next.focus({ preventScroll: next.localName === 'main' });
  }

  #content() {
    const state = this.#state;
    if (!state) return [el('p', { class: 'muted' }, this.#line === 'done' ? t('Loading…') : t('There is no connection, and nothing was loaded before.'))];
    if (!state.team) return [el('p', { class: 'notice' }, t('You are in no team yet. The command centre puts you into one.'))];
    const card = /** @type {TaskCard} */ (this.card);
    const tasks = /** @type {Task[]} */ (state.tasks);
    const rank = (/** @type {Task} */ task) => (['sent', 'signed', 'on_site'].includes(task.state) ? 0 : task.state === 'reported' ? 1 : 2);
    const sorted = [...tasks].sort((one, other) => rank(one) - rank(other) || one.deadline_ms - other.deadline_ms);
    const lost = this.#waiting.filter((entry) => entry.user === state.me.id && !tasks.some((task) => task.id === entry.task));
    return [
      ...lost.map((entry) => card.waits(entry)),
      this.#asking(tasks),
      ...sorted.map((task) => card.make(task, this.#waiting.filter((entry) => entry.task === task.id && entry.user === state.me.id), state.time_zone, this.#open.has(task.id), this.#live)),
      tasks.length === 0 ? el('div', { class: 'empty' }, card.icon('check-circle', 36), el('p', {}, t('Nothing to do now. A new task appears here by itself.'))) : null,
    ];
  }

  /** Whether the page is up to date. */
  #lineNow() {
    const card = /** @type {TaskCard} */ (this.card);
    const own = this.#waiting.filter((entry) => !entry.refused).length;
    if (this.#line === 'stranger') {
      return el('div', { class: 'field-line field-line-broken', role: 'status' }, card.icon('lock', 20), el('span', {}, t('Please sign in again; what waits here is kept.'), ' ', el('a', { href: '/sign-in?next=/field' }, t('Sign in'))));
    }
    if (this.#line === 'done') return own ? el('div', { class: 'field-line', role: 'status' }, card.icon('upload', 20), t('Being sent: {n}', { n: own })) : null;
    const seen = this.#state?.seen_ms ? t('As of {time}.', { time: clock(this.#state.seen_ms, this.#state.time_zone) }) : '';
    const kept = own ? t('Kept on this phone and sent by itself: {n}.', { n: own }) : t('What you do is kept and sent later.');
    return el('div', { class: 'field-line field-line-broken', role: 'status' }, card.icon('network-off', 20), el('span', {}, [t('No connection.'), kept, seen].join(gap)));
  }

  /** Whether his position may be sent while a task is under way, and what it is for. @param {Task[]} tasks */
  #asking(tasks) {
    const under = tasks.some((task) => UNDER_WAY.has(task.state));
    if (this.#state.me.agrees) {
      return el('div', { class: 'field-line' }, /** @type {TaskCard} */ (this.card).icon('pin', 20), el('span', { class: 'grow' }, under ? t('Your position goes to the command centre while this page is open and a task is under way.') : t('No task is under way: your position is not sent.')), el('button', { type: 'button', class: 'button button-small', 'data-act': 'agree', onclick: () => void this.#agree(false) }, t('Stop')));
    }
    if (!under) return null;
    return el(
      'section', { class: 'field-ask' },
      el('h2', {}, t('May the command centre see where you are?')),
      el('p', {}, t('Only while a task that was signed for is under way: so that it sees who is near and sends help to the right place. Only your last position is kept, no way that you went. You can stop at any time; the task does not depend on it.')),
      el('div', { class: 'row gap-2' }, el('button', { type: 'button', class: 'button button-primary', 'data-act': 'agree', onclick: () => void this.#agree(true) }, t('I agree'))),
    );
  }
}

/** Have the page on the phone, with every file that it has loaded. */
async function keepPage() {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('/field/worker.js', { scope: '/field' });
    const registration = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType('resource').map((one) => new URL(one.name)).filter((address) => address.origin === location.origin && address.pathname.startsWith('/static/'));
    registration.active?.postMessage({ keep: [location.pathname, ...new Set(loaded.map((address) => address.pathname))] });
  } catch {
    // A browser that keeps nothing still has the page while it is open.
  }
}

customElements.define('field-page', FieldPage);
