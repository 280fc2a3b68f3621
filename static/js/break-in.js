// An officer who watches breaks in: his microphone and camera go out on the connection of his watch, until he ends it or the court does.

import { lineOf } from './break-in-words.js';
import { t, word } from './i18n.js';
import { DeviceError, open } from './devices.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce, send, toast } from './page.js';

/** @typedef {import('./situation.js').Situation} Situation */
/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./media.js').Media} Media */

/** The controls of the page of one sitting. */
export class BreakingIn {
  /** His own tracks while he asks and speaks. @type {Map<'microphone' | 'camera', MediaStreamTrack>} */
  #tracks = new Map();
  /** @type {{media: Media, name: string} | null} */
  #watch = null;
  /** @type {import('./protocol.js').BreakInView | null} */
  #shown = null;
  #asking = false;
  #provided = false;

  /** @param {HTMLElement} root the silent watch @param {string} sitting */
  constructor(root, sitting) {
    this.sitting = sitting;
    this.state = find(root, '[data-break-state]');
    this.preview = /** @type {HTMLVideoElement} */ (find(root, '[data-break-preview]'));
    this.button = /** @type {HTMLButtonElement} */ (find(root, '[data-break-in]'));
    this.over = /** @type {HTMLButtonElement} */ (find(root, '[data-break-end]'));
    this.stopping = /** @type {HTMLButtonElement} */ (find(root, '[data-stop]'));
    this.dialog = /** @type {HTMLDialogElement} */ (find(document, '#break-in-dialog'));
    this.release = /** @type {HTMLDialogElement} */ (find(document, '#break-end-dialog'));
    this.button.addEventListener('click', () => this.#ask(this.dialog));
    this.over.addEventListener('click', () => (this.#shown?.you ? void this.#end(null) : this.#ask(this.release)));
    for (const dialog of [this.dialog, this.release]) {
      find(dialog, 'form').addEventListener('submit', (event) => {
        event.preventDefault();
        if (!this.#asking) void (dialog === this.dialog ? this.#begin() : this.#end(dialog));
      });
    }
  }

  /** The watch begins. @param {Media} media @param {string} name of the watch, as the server knows it */
  start(media, name) {
    this.#watch = { media, name };
  }

  /** Whether it is provided in this kind of sitting, and now. @param {Situation} situation */
  allow(situation) {
    this.#provided = situation.centre.includes('break_in');
    this.#draw();
  }

  /** @param {View} view */
  follow(view) {
    const [former, now] = [this.#shown, view.break_in];
    this.#shown = now;
    const media = this.#watch?.media;
    if (now?.you && media) {
      media.publishes = true;
      if (view.media === 'up') media.publisher.start();
    } else if (former?.you) {
      this.#silence();
      toast(t('break_in.over'));
    }
    if (now && !now.you && former?.endpoint !== now.endpoint) announce(lineOf(now));
    this.#draw();
  }

  /** The watch is over, and with it what it sent. */
  stop() {
    this.#silence();
    this.#watch = null;
    this.#shown = null;
    for (const dialog of [this.dialog, this.release]) if (dialog.open) dialog.close();
    this.#draw();
  }

  #silence() {
    if (this.#watch) {
      this.#watch.media.publishes = false;
      this.#watch.media.publisher.stop();
    }
    for (const [device, track] of this.#tracks) {
      void this.#watch?.media.set(device, null);
      track.stop();
    }
    this.#tracks.clear();
    this.preview.srcObject = null;
  }

  #draw() {
    const now = this.#shown;
    const held = document.activeElement === this.button || document.activeElement === this.over;
    const may = this.button.dataset['may'] === 'yes';
    this.button.hidden = !may || now !== null;
    this.button.disabled = !this.#provided;
    this.over.hidden = now === null || !(now.you || may);
    if (now) fill(this.over, icon('stop', 18), el('span', {}, now.you ? t('End breaking in') : t('End the break-in of {name}', { name: now.name })));
    this.state.hidden = now === null;
    say(this.state, now === null ? '' : now.you ? t('break_in.you') : lineOf(now));
    this.preview.hidden = !now?.you || !this.#tracks.has('camera');
    this.dialog.closest('main')?.classList.toggle('broken-in', now?.you === true);
    if (held) this.#goOn();
  }

  /** Whoever pressed one of the two buttons goes on with the other, or with the end of the watch: not at the top of the page. */
  #goOn() {
    const left = [this.over, this.button, this.stopping].find((button) => !button.disabled && button.checkVisibility());
    left?.focus({ preventScroll: true });
  }

  /** @param {HTMLDialogElement} dialog */
  #ask(dialog) {
    find(dialog, '[data-error]').hidden = true;
    dialog.showModal();
    find(dialog, 'textarea').focus();
  }

  /** @param {HTMLDialogElement} dialog @param {string} text */
  #refuse(dialog, text) {
    const error = find(dialog, '[data-error]');
    error.textContent = text;
    error.hidden = false;
    find(dialog, 'textarea').focus();
  }

  async #begin() {
    const reason = reasonIn(this.dialog);
    if (reason === '') return this.#refuse(this.dialog, word('error.required'));
    const watch = this.#watch;
    if (!watch) return this.dialog.close();
    this.#asking = true;
    try {
      await this.#open(watch.media);
      const answer = await send(`/console/sittings/${this.sitting}/break-in?view=${encodeURIComponent(watch.name)}`, { reason, camera: this.#tracks.has('camera') });
      if (!answer.ok) {
        this.#silence();
        return this.#refuse(this.dialog, answer.data?.title ?? t('That did not work. Try again.'));
      }
      this.dialog.close();
      this.#goOn(); // the button that opened it may be gone already
      /** @type {HTMLTextAreaElement} */ (find(this.dialog, 'textarea')).value = '';
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#silence();
      this.#refuse(this.dialog, t('Your microphone could not be opened. Without it nobody would hear you.'));
    } finally {
      this.#asking = false;
    }
  }

  /** Without a camera he is heard alone; without a microphone there is no sense in it. @param {Media} media */
  async #open(media) {
    this.#tracks.set('microphone', await open('microphone'));
    try {
      this.#tracks.set('camera', await open('camera'));
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
    }
    for (const [device, track] of this.#tracks) await media.set(device, track);
    const camera = this.#tracks.get('camera');
    this.preview.srcObject = camera ? new MediaStream([camera]) : null;
    if (camera) void this.preview.play().catch(() => {});
  }

  /** @param {HTMLDialogElement | null} dialog that of another's, in which he says why */
  async #end(dialog) {
    const reason = dialog ? reasonIn(dialog) : '';
    if (dialog && reason === '') return this.#refuse(dialog, word('error.required'));
    const answer = await send(`/console/sittings/${this.sitting}/break-in/end`, { reason });
    const trouble = answer.ok ? '' : String(answer.data?.title ?? t('That did not work. Try again.'));
    if (trouble && dialog) return this.#refuse(dialog, trouble);
    if (trouble) return toast(trouble);
    dialog?.close();
    if (dialog) this.#goOn();
  }
}

/** @param {HTMLDialogElement} dialog */
function reasonIn(dialog) {
  return /** @type {HTMLTextAreaElement} */ (find(dialog, 'textarea')).value.trim();
}
