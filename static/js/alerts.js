// Alerts for chair and clerk: each new one is said once, stays until it is acknowledged or over, and says what it is about.

import { clock, t, word } from './i18n.js';
import { keyed } from './keyed.js';
import { el, fill, icon } from './markup.js';

/** @typedef {import('./protocol.js').AlertView} AlertView */

export class Alerts {
  /** @type {Set<string>} */
  #told = new Set();

  /**
   * @param {HTMLElement} root list of what is not yet acknowledged
   * @param {HTMLElement} announcer role=alert
   * @param {(alert: string) => void} acknowledge
   * @param {string} timeZone
   */
  constructor(root, announcer, acknowledge, timeZone) {
    this.root = root;
    this.announcer = announcer;
    this.timeZone = timeZone;
    root.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const row = button?.closest('[data-key]');
      if (row instanceof HTMLElement) acknowledge(row.dataset.key ?? '');
    });
  }

  /** @param {AlertView[]} alerts */
  show(alerts) {
    const open = alerts.filter((alert) => alert.acknowledged_by === null);
    const fresh = open.filter((alert) => !this.#told.has(alert.id));
    this.#told = new Set(open.map((alert) => alert.id));
    if (fresh.length > 0) this.announcer.textContent = fresh.map(alertWord).join(' ');
    keyed(this.root, open, (alert) => alert.id, (alert) => el('li', { class: `alert alert-${alert.severity}` }), (row, alert) => this.#row(row, alert));
  }

  /** @param {HTMLElement} row @param {AlertView} alert */
  #row(row, alert) {
    fill(
      row,
      icon(alert.severity === 'info' ? 'info' : 'alert'),
      el('div', { class: 'grow' }, el('span', {}, alertWord(alert)), ' ', el('time', {}, clock(alert.raised_at_us / 1000, this.timeZone, true))),
      el('button', { class: 'button button-small', type: 'button', 'aria-label': t('Acknowledge: {alert}', { alert: alertWord(alert) }) }, t('Acknowledge')),
    );
  }
}

/** @param {AlertView} alert */
function alertWord(alert) {
  return word(`alert.${alert.code}`, alert.data);
}
