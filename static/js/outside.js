// What stands where the hearing is not: before one is let in, and when it is over.

import { untilSealed } from './after-end.js';
import { t } from './i18n.js';
import { el, fill, icon, say } from './markup.js';
import { notOpen } from './procedure.js';

/** @typedef {import('./protocol.js').View} View */

export class Outside {
  /** Whether he waits again, having been inside. */
  #again = false;

  /**
   * @param {(name: string) => HTMLElement} part of the page
   * @param {{sitting: string, home: string, seal_url: string}} data `home`: where staff go from here, empty for everybody else
   */
  constructor(part, data) {
    this.part = part;
    this.data = data;
  }

  connecting() {
    this.#say(t('Connecting…'), '');
  }

  /** Who waits, and for whom. @param {View} view */
  before(view) {
    if (view.place === 'device_pending') return this.#say(t('You are already here at another device'), t('The clerk will confirm that you go on here; the other device is then disconnected. Please wait.'));
    this.#say(
      view.sitting.locked ? t('Waiting. Nobody is let in just now') : t('Waiting. {usher} will let you in'),
      this.#again
        ? t('You are in the waiting room again: nobody sees or hears you now. Stay on this page. {usher} will let you in.')
        : notOpen(view)
        ? t('Nobody sees or hears you now. Stay on this page; you do not have to do anything.')
        : t('The {sitting} is in progress. Nobody sees or hears you now. Stay on this page; you do not have to do anything.'),
    );
  }

  /** He was inside and has to wait now: it is said, and the keyboard goes on here. */
  takenBack() {
    this.#again = true;
    this.part('before-title').focus();
  }

  /** @param {string} title @param {string} text */
  #say(title, text) {
    say(this.part('before-title'), title);
    say(this.part('before-text'), text);
  }

  /** A device does not work; the button tries again. @param {string} title @param {string} remedy @param {() => void} again */
  trouble(title, remedy, again) {
    const place = this.part('trouble');
    const button = el('button', { class: 'button button-small', type: 'button' }, icon('refresh', 18), t('Try again'));
    button.addEventListener('click', () => {
      place.replaceChildren();
      again();
    });
    fill(place, el('strong', {}, title), el('p', {}, remedy), button);
  }

  /** @param {import('./endings.js').Ending} ending */
  end({ mark, title, text, detail, back, sealing }) {
    this.part('end-mark').replaceChildren(icon(mark, 32));
    say(this.part('end-title'), title);
    say(this.part('end-text'), text);
    this.part('end-detail').hidden = detail === '';
    say(this.part('end-detail'), detail);
    const again = back ? el('button', { class: 'button button-primary', type: 'button' }, back) : null;
    again?.addEventListener('click', () => location.reload());
    const home = this.data.home && el('a', { class: 'button', href: this.data.home }, t('To my list of today'));
    fill(this.part('end-acts'), again, home);
    if (sealing) void untilSealed(this.data.seal_url, (seal) => this.#sealed(seal, home));
  }

  /** @param {import('./after-end.js').Seal} seal @param {HTMLElement | ''} home */
  #sealed({ playback, explain }, home) {
    say(this.part('end-text'), t('The recording is complete and sealed: nobody can change it any more. You may close this page. Thank you for taking part.'));
    fill(
      this.part('end-acts'),
      explain && el('a', { class: 'button button-primary', href: explain }, icon('pencil', 18), t('Explain and sign')),
      playback && el('a', { class: explain ? 'button' : 'button button-primary', href: playback }, icon('play', 18), t('Play and verify')),
      home,
    );
  }

  get #key() {
    return `inside:${this.data.sitting}`;
  }

  /** After a reload of this tab the person is still inside, and enters without asking. */
  wasInside() {
    try {
      return sessionStorage.getItem(this.#key) === 'yes';
    } catch {
      return false;
    }
  }

  /** @param {boolean} inside */
  remember(inside) {
    if (inside) this.#again = false;
    try {
      if (inside) sessionStorage.setItem(this.#key, 'yes');
      else sessionStorage.removeItem(this.#key);
    } catch {
      // Private windows may keep nothing.
    }
  }
}
