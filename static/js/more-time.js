// More time for a sitting: how much of its own is left, by how much it can be extended, and what is in the way of more.

import { clock, t } from './i18n.js';
import { find, say } from './markup.js';
import { announce, send } from './page.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {{minutes: number, why: string}} Step */

export const SOON_MINUTES = 10;
const ASK_EVERY_MS = 60_000;

/**
 * Minutes that are left of a sitting's time, rounded up; below zero, rounded down, where it is over.
 * @param {number} ends_at_us @param {number} now_ms
 */
export function minutesLeft(ends_at_us, now_ms) {
  const left = (ends_at_us / 1000 - now_ms) / 60_000;
  return left > 0 ? Math.ceil(left) : Math.floor(left);
}

export class MoreTime {
  /** @type {number | null} */
  #ends_at_us = null;
  #asked_ms = -Infinity;

  /**
   * @param {HTMLElement} root the section, with its buttons
   * @param {string} url
   * @param {string} timeZone
   * @param {() => number} now the server's clock, ms
   */
  constructor(root, url, timeZone, now) {
    this.root = root;
    this.url = url;
    this.timeZone = timeZone;
    this.now = now;
    this.error = find(root, '[data-part="extend-error"]');
    this.way = find(root, '[data-part="extend-way"]');
    root.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-minutes]') : null;
      if (button instanceof HTMLButtonElement && button.ariaDisabled !== 'true') void this.#extend(button);
    });
  }

  /** @param {View} view */
  show(view) {
    if (view.sitting.ends_at_us !== this.#ends_at_us) {
      this.#ends_at_us = view.sitting.ends_at_us;
      this.#asked_ms = -Infinity;
    }
    this.tick();
  }

  /** Once a second. */
  tick() {
    if (this.#ends_at_us === null) return;
    const until = t('Booked until {time}', { time: clock(this.#ends_at_us / 1000, this.timeZone) });
    const left = minutesLeft(this.#ends_at_us, this.now());
    say(find(this.root, 'h3'), `${until} · ${left > 0 ? t('{n} min left', { n: left }) : t('{n} min over', { n: -left })}`);
    if (this.now() - this.#asked_ms >= ASK_EVERY_MS) void this.#ask();
  }

  async #ask() {
    this.#asked_ms = this.now();
    try {
      const answer = await fetch(this.url, { headers: { Accept: 'application/json' } });
      if (answer.ok) this.#offer((await answer.json()).steps);
    } catch {
      // asked again in a minute; a press is refused by the server where it has to be
    }
  }

  /** @param {Step[]} steps */
  #offer(steps) {
    for (const button of this.root.querySelectorAll('[data-minutes]')) {
      const blocked = steps.some((step) => step.why && step.minutes === Number(button instanceof HTMLElement && button.dataset.minutes));
      if (blocked) button.setAttribute('aria-disabled', 'true');
      else button.removeAttribute('aria-disabled');
    }
    const first = steps.find((step) => step.why);
    this.way.hidden = !first;
    if (first) say(this.way, t('Not by {n} min: {why}', { n: first.minutes, why: first.why }));
  }

  /** @param {HTMLButtonElement} button */
  async #extend(button) {
    button.setAttribute('aria-busy', 'true');
    const answer = await send(this.url, { minutes: Number(button.dataset.minutes) });
    button.removeAttribute('aria-busy');
    this.error.hidden = answer.ok;
    if (answer.ok) announce(t('Booked until {time}', { time: clock(answer.data.ends_at_us / 1000, this.timeZone) }));
    else say(this.error, answer.data?.title ?? t('That did not work. Try again.'));
    void this.#ask();
  }
}
