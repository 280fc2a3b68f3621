// More time for a sitting: chair or clerk ask, the server looks whether room and people are free.

import { clock, t } from './i18n.js';
import { find, say } from './markup.js';
import { announce, send } from './page.js';

/** @typedef {import('./protocol.js').View} View */

export class MoreTime {
  /**
   * @param {HTMLElement} root the section, with its buttons
   * @param {string} url
   * @param {string} timeZone
   */
  constructor(root, url, timeZone) {
    this.root = root;
    this.timeZone = timeZone;
    this.error = find(root, '[data-part="extend-error"]');
    root.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-minutes]') : null;
      if (button instanceof HTMLButtonElement) void this.#extend(button, url);
    });
  }

  /** @param {View} view */
  show(view) {
    say(find(this.root, 'h3'), t('Booked until {time}', { time: clock(view.sitting.ends_at_us / 1000, this.timeZone) }));
  }

  /** @param {HTMLButtonElement} button @param {string} url */
  async #extend(button, url) {
    button.setAttribute('aria-busy', 'true');
    const answer = await send(url, { minutes: Number(button.dataset.minutes) });
    button.removeAttribute('aria-busy');
    this.error.hidden = answer.ok;
    if (answer.ok) announce(t('Booked until {time}', { time: clock(answer.data.ends_at_us / 1000, this.timeZone) }));
    else say(this.error, answer.data?.title ?? t('That did not work. Try again.'));
  }
}
