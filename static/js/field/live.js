// Live video from this phone: begun by one press, for a task or for none; what is sent is seen here all the time, and so is who watches.

import { t, word } from '../i18n.js';
import { el, fill, icon, say } from '../markup.js';
import { announce, send } from '../page.js';

/** @typedef {import('../protocol.js').View} View */
/** @typedef {import('./live-media.js').LiveMedia} LiveMedia */

/** Why a camera did not open, by the name of the error. @type {Record<string, () => string>} */
const TROUBLES = {
  NotAllowedError: () => t('The phone does not let this page use camera and microphone. Allow both for this page in the settings of the browser, then try again.'),
  NotFoundError: () => t('This phone has no camera or no microphone that the browser can use.'),
  NotReadableError: () => t('Another program uses the camera or the microphone. Close it, then try again.'),
};

class FieldLive extends HTMLElement {
  /** @type {LiveMedia | null} */
  #media = null;
  /** @type {View | null} */
  #view = null;
  #task = '';
  #title = '';
  #busy = false;
  #broken = false;
  #trouble = '';
  #video = el('video', { playsinline: true, muted: true, autoplay: true });
  #mark = el('span', { class: 'live-mark' }, t('LIVE'));
  #state = el('p', { class: 'live-state', role: 'status' });
  #watchers = el('p', { class: 'live-watchers', 'aria-live': 'polite' });

  connectedCallback() {
    this.#video.muted = true;
    this.#draw();
    document.addEventListener('field-live', (event) => {
      const { id, title } = /** @type {CustomEvent<{id: string, title: string}>} */ (event).detail;
      void this.#begin(id, title);
      this.scrollIntoView({ block: 'start' });
    });
    addEventListener('pagehide', () => this.#media?.close());
  }

  /** @param {string} task "" for none @param {string} title */
  async #begin(task, title) {
    if (this.#busy) return;
    this.#busy = true;
    this.#trouble = '';
    [this.#task, this.#title] = [task, title];
    this.#draw();
    try {
      if (this.#media === null) {
        const { LiveMedia } = await import('./live-media.js');
        const media = new LiveMedia({ onview: (view) => this.#follow(view), onlink: (link) => this.#linked(link), onend: (reason) => void this.#ended(reason) });
        await media.open();
        this.#media = media;
        if (await this.#told()) media.connect();
      } else await this.#told(); // it goes on, for the task that is named now
    } catch (error) {
      this.#stop();
      this.#trouble = TROUBLES[error instanceof DOMException ? error.name : '']?.() ?? t('The camera could not be opened, or there is no connection. Try again.');
    }
    this.#busy = false;
    this.#draw();
    if (this.#media) {
      announce(t('You are live.'));
      /** @type {HTMLElement | null} */ (this.querySelector('[data-stop]'))?.focus({ preventScroll: true });
    }
  }

  /** Say to the server that it begins. */
  async #told() {
    const answer = await send('/field/live', { task: this.#task });
    if (answer.ok) return true;
    this.#stop();
    this.#trouble = String(answer.data?.title ?? t('That did not work. Try again.'));
    return false;
  }

  /** @param {View} view */
  #follow(view) {
    this.#view = view;
    this.#show();
  }

  /** @param {import('../protocol.js').Link} link */
  #linked(link) {
    this.#broken = link !== 'open';
    this.#show();
  }

  /** The server ended it. One that was started anew knows nothing of it: it begins again by itself, as its owner still sends. @param {string} reason */
  async #ended(reason) {
    if (reason === 'not_open' && this.#media && !document.hidden) {
      this.#media.close();
      this.#media = null;
      return this.#begin(this.#task, this.#title);
    }
    this.#stop();
    this.#trouble = reason === 'left' ? '' : reason === 'feed_over' ? t('The live video has ended: nobody watched it, or the phone was away for too long.') : word(`farewell.${reason}`, {}, t('The live video has ended.'));
    this.#draw();
    announce(this.#trouble || t('The live video has ended.'));
  }

  #stop() {
    this.#media?.close();
    this.#media = null;
    this.#view = null;
    this.#broken = false;
    this.#video.srcObject = null;
  }

  async #turn() {
    try {
      await this.#media?.turn();
    } catch {
      announce(t('The phone has no other camera.'));
    }
    this.#picture();
  }

  #picture() {
    const picture = this.#media?.picture ?? null;
    this.#video.srcObject = picture;
    this.#video.classList.toggle('live-mirrored', this.#media?.facing === 'user');
    if (picture) void this.#video.play().catch(() => {});
  }

  #draw() {
    const live = this.#media !== null;
    this.classList.toggle('is-live', live);
    document.dispatchEvent(new CustomEvent('field-live-now', { detail: live ? this.#task : null })); // for the tasks below
    if (!live) {
      fill(this,
        this.#trouble && el('p', { class: 'field-line field-line-broken', role: 'alert' }, icon('alert'), this.#trouble),
        el('button', { type: 'button', class: 'button live-begin', 'data-begin': true, disabled: this.#busy, onclick: () => void this.#begin('', '') }, icon('camera'), this.#busy ? t('Opening the camera…') : t('Go live')));
      return;
    }
    const sound = this.#media?.sound !== false;
    fill(this,
      el('div', { class: 'live-picture' }, this.#video, this.#mark),
      el('div', { class: 'live-words' }, this.#state, this.#watchers, this.#title && el('p', { class: 'small' }, this.#title)),
      el('div', { class: 'live-acts' },
        el('button', { type: 'button', class: 'button', 'data-sound': true, 'aria-pressed': String(sound), onclick: () => this.#hear(!sound) }, icon(sound ? 'mic' : 'mic-off'), sound ? t('Sound on') : t('Sound off')),
        el('button', { type: 'button', class: 'button', 'data-turn': true, onclick: () => void this.#turn() }, icon('refresh'), t('Other camera')),
        el('button', { type: 'button', class: 'button button-danger solid', 'data-stop': true, onclick: () => this.#leave() }, icon('stop'), t('End the live video'))));
    this.#picture();
    this.#show();
  }

  #show() {
    if (!this.#media) return;
    const view = this.#view;
    const away = this.#broken || view?.media === 'away';
    this.classList.toggle('is-away', away);
    this.#mark.hidden = view === null || away;
    say(this.#state, view === null ? t('Connecting…') : away ? t('Connection lost; the live video goes on by itself when it is back.') : this.#seen((view.watchers ?? []).length > 0));
    const names = view?.watchers ?? [];
    say(this.#watchers, view === null || away ? '' : names.length > 0 ? t('Watching: {names}', { names: names.join(t(', ')) }) : t('The picture goes out as soon as somebody watches. If nobody does for 15 minutes, the live video ends.'));
  }

  /** Who sees and hears him at this moment. @param {boolean} watched */
  #seen(watched) {
    if (!watched) return t('You are live, but nobody in the command centre is watching yet.');
    return this.#media?.sound === false ? t('You are live: the command centre sees you; your sound is off.') : t('You are live: the command centre sees and hears you.');
  }

  /** @param {boolean} on */
  #hear(on) {
    this.#media?.hear(on);
    this.#draw();
    /** @type {HTMLElement | null} */ (this.querySelector('[data-sound]'))?.focus({ preventScroll: true });
  }

  #leave() {
    this.#stop();
    this.#draw();
    announce(t('The live video has ended.'));
    /** @type {HTMLElement | null} */ (this.querySelector('[data-begin]'))?.focus({ preventScroll: true });
  }
}

customElements.define('field-live', FieldLive);
