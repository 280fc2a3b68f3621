// The line above the hearing: stage in words, recording, who watches, the court's clock. Never hidden in a menu.

import { clock, t } from './i18n.js';
import { duration } from './court-clock.js';
import { el, fill, find, icon, say } from './markup.js';
import { stageOf, stageWord } from './procedure.js';

/** @typedef {import('./protocol.js').View} View */

export class TopBar {
  /** @type {View | null} */
  #view = null;

  /**
   * @param {HTMLElement} root
   * @param {() => number} now the server's clock, ms
   * @param {string} timeZone
   */
  constructor(root, now, timeZone) {
    this.now = now;
    this.timeZone = timeZone;
    this.stage = find(root, '[data-part="stage"]');
    this.recording = find(root, '[data-part="recording"]');
    this.watching = find(root, '[data-part="watching"]');
    this.lock = find(root, '[data-part="lock-sign"]');
    this.clock = find(root, '[data-part="clock"]');
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const { name, status } = stageOf(view);
    this.stage.dataset.status = status;
    this.stage.dataset.stage = name;
    say(this.stage, stageWord(view, name));
    this.#showWatching(view);
    this.lock.hidden = !view.sitting.locked;
    this.tick();
  }

  /** Once a second. */
  tick() {
    say(this.clock, clock(this.now(), this.timeZone, true));
    if (this.#view) this.#showRecording(this.#view.recording);
  }

  /** @param {import('./protocol.js').RecordingView} recording */
  #showRecording(recording) {
    const running = recording.state === 'recording' ? Math.max(0, this.now() / 1000 - recording.at_us / 1e6) : 0;
    const time = hours(recording.seconds + running);
    const text = { recording: t('Recording'), starting: t('Recording is starting'), failed: t('Recording failed'), off: t('Not recorded') }[recording.state];
    this.recording.dataset.state = recording.state;
    if (this.recording.dataset.shown !== recording.state) {
      this.recording.dataset.shown = recording.state;
      const sign = recording.state === 'recording' ? el('b', {}, 'REC') : icon(recording.state === 'failed' ? 'alert' : 'record', 16);
      this.recording.replaceChildren(sign, el('span', { class: recording.state === 'recording' ? 'visually-hidden' : 'rec-word' }, text), el('span', { class: 'figures', 'data-part': 'rec-time' }));
    }
    const shown = recording.state === 'recording' || recording.seconds > 0;
    say(find(this.recording, '[data-part="rec-time"]'), shown ? time : '');
  }

  /** @param {View} view */
  #showWatching(view) {
    this.watching.hidden = view.watching === 0;
    const names = view.watchers.join(t(', '));
    const text = names ? t('Watching: {names}', { names }) : t('{count} watching from the command centre', { count: view.watching });
    this.watching.title = text;
    fill(this.watching, icon('eye', 18), el('span', { 'aria-hidden': 'true' }, names ? names : String(view.watching)), el('span', { class: 'visually-hidden' }, text));
  }
}

/** "00:41:07" @param {number} seconds */
function hours(seconds) {
  return duration(seconds).padStart(8, '0');
}
