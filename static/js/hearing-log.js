// The sitting's log in words, for chair and clerk. Read when opened, and again when something has changed.

import { clock } from './i18n.js';
import { el } from './markup.js';

/** @typedef {{seq: number, at_us: number, mark: string, text: string}} Line */

const SETTLE_MS = 400;

export class EventLog {
  #after = 0;
  #busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLDetailsElement} details
   * @param {HTMLElement} list
   * @param {string} url
   * @param {string} timeZone
   */
  constructor(details, list, url, timeZone) {
    this.details = details;
    this.list = list;
    this.url = url;
    this.timeZone = timeZone;
    details.addEventListener('toggle', () => this.changed());
  }

  /** Something happened in the sitting: read what is new, if anybody looks. */
  changed() {
    clearTimeout(this.#timer);
    if (this.details.open) this.#timer = setTimeout(() => void this.#read(), SETTLE_MS);
  }

  async #read() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const response = await fetch(`${this.url}?after=${this.#after}`, { headers: { Accept: 'application/json' } });
      if (!response.ok) return;
      /** @type {{lines: Line[]}} */
      const { lines } = await response.json();
      for (const line of lines) this.#add(line);
    } catch {
      // The next change reads again.
    } finally {
      this.#busy = false;
    }
  }

  /** @param {Line} line */
  #add(line) {
    if (line.seq <= this.#after) return;
    this.#after = line.seq;
    this.list.prepend(el('li', { class: `log-${line.mark}` }, el('time', {}, clock(line.at_us / 1000, this.timeZone, true)), el('span', {}, line.text)));
  }
}
