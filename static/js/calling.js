// A roll-call as it goes: who is called, who answered, how long is left; and what the officer does about it.

import { t } from './i18n.js';
import { keyed } from './keyed.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce, pageData, send, toast } from './page.js';

/** @typedef {{key: string, name: string, standing: 'waiting' | 'ringing' | 'present' | 'late' | 'absent', standing_text: string, tries: number, called: string, answered: string, how: string}} Line */
/** @typedef {{id: string, state: 'calling' | 'paused' | 'ended', state_text: string, left_s: number | null, counts: Record<string, number>, done: number, of: number, lines: Line[]}} RollCall */

const EVERY_MS = 1_000;
const BADGES = { waiting: '', ringing: 'badge-note badge-live', present: 'badge-well', late: 'badge-warning', absent: 'badge-danger' };

class CallingRoll extends HTMLElement {
  #called = '';

  connectedCallback() {
    this.mayCall = this.dataset.calls === 'yes';
    this.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
      if (button instanceof HTMLElement) void this.#do(button.dataset.act ?? '', button.dataset.of ?? '');
    });
    this.#show(pageData());
    setInterval(() => void this.#ask(), EVERY_MS);
  }

  async #ask() {
    if (this.roll?.state === 'ended') return;
    try {
      const response = await fetch(`/console/roll-call/${this.roll?.id}/state`, { headers: { Accept: 'application/json' } });
      find(this, '[data-broken]').hidden = response.ok;
      if (response.ok) this.#show(await response.json());
    } catch {
      find(this, '[data-broken]').hidden = false;
    }
  }

  /** @param {string} act @param {string} key */
  async #do(act, key) {
    const { ok, data } = await send(`/console/roll-call/${this.roll?.id}/acts`, { act, key });
    ok ? this.#show(data) : toast(data.title);
  }

  /** @param {RollCall} roll */
  #show(roll) {
    this.roll = roll;
    const held = this.contains(document.activeElement) ? document.activeElement : null;
    const called = roll.lines.find((line) => line.standing === 'ringing');
    say(find(this, '[data-state]'), roll.state_text);
    say(find(this, '[data-now]'), called ? t('{name} is called, {n} s left', { name: called.name, n: roll.left_s ?? 0 }) : '');
    if (called && called.key !== this.#called) announce(t('{name} is called', { name: called.name }));
    this.#called = called?.key ?? '';
    say(find(this, '[data-progress]'), t('{n} of {of}', { n: roll.done, of: roll.of }));
    const bar = /** @type {HTMLProgressElement} */ (find(this, 'progress'));
    [bar.value, bar.max] = [roll.done, roll.of];
    for (const each of ['present', 'late', 'absent']) say(find(this, `[data-count="${each}"]`), String(roll.counts[each] ?? 0));
    for (const [act, shown] of Object.entries({ pause: roll.state === 'calling' && called !== undefined, resume: roll.state === 'paused', again: roll.state !== 'ended' && (roll.counts.absent ?? 0) > 0, end: roll.state !== 'ended' })) {
      const button = this.querySelector(`[data-act="${act}"]`);
      if (button instanceof HTMLElement) button.hidden = !shown;
    }
    keyed(find(this, '[data-lines]'), roll.lines.map((line, index) => ({ line, index })), ({ line }) => line.key, () => el('tr'), (row, { line, index }) => {
      row.className = `call-${line.standing}`;
      fill(row, el('td', { class: 'figures' }, index + 1), el('td', {}, el('b', {}, line.name)),
        el('td', { 'data-label': t('Result') }, el('span', { class: `badge ${BADGES[line.standing]}` }, line.standing_text)),
        el('td', { class: 'figures', 'data-label': t('Called at') }, line.called !== '' && el('span', {}, line.called, line.tries > 1 ? el('small', { class: 'muted' }, ` ×${line.tries}`) : '')),
        el('td', { class: 'figures', 'data-label': t('Answered at') }, line.answered), el('td', { class: 'muted', 'data-label': t('How') }, line.how),
        this.mayCall && el('td', { class: 'end call-acts' }, ...(roll.state === 'ended' ? [] : this.#acts(line))));
    });
    if (held instanceof HTMLElement && !held.checkVisibility()) this.#goOn(held, called);
  }

  /**
   * What was pressed is there no more: the hand goes on with the same where it was drawn anew, else with who is called now.
   * @param {HTMLElement} held @param {Line | undefined} called
   */
  #goOn(held, called) {
    const { act = '', of = '' } = held.dataset;
    const wanted = [of && `[data-lines] [data-act="${act}"][data-of="${CSS.escape(of)}"]`, called && `[data-lines] [data-of="${CSS.escape(called.key)}"]`, '.call-tools [data-act]:not([hidden])', '.call-tools a'];
    for (const each of wanted) {
      const next = each ? this.querySelector(each) : null;
      if (next instanceof HTMLElement) return next.focus({ preventScroll: true });
    }
  }

  /** @param {Line} line */
  #acts(line) {
    const here = line.standing === 'present' || line.standing === 'late';
    return [
      !here && el('button', { type: 'button', class: 'button button-small', 'data-act': 'present', 'data-of': line.key, 'aria-label': `${t('Mark present')}${t(': ')}${line.name}` }, icon('check', 16), t('Mark present')),
      line.standing !== 'absent' && line.standing !== 'waiting' && el('button', { type: 'button', class: 'button button-small button-quiet', 'data-act': 'absent', 'data-of': line.key, 'aria-label': `${t('Mark absent')}${t(': ')}${line.name}` }, t('Mark absent')),
    ];
  }
}

customElements.define('calling-roll', CallingRoll);
