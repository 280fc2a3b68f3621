// The sound of new alerts: two rising tones for a grave one, one soft tone for a warning. Muting is remembered by this browser.

import { t } from './i18n.js';
import { fill, icon } from './markup.js';

/** @typedef {import('./situation.js').Task} Task */

const KEPT = 'alarm-sound';
/** Tones: Hz, and when each begins and how long it lasts, s. @type {Record<string, [number, number, number][]>} */
const TONES = { critical: [[740, 0, 0.16], [988, 0.2, 0.16], [740, 0.4, 0.16], [988, 0.6, 0.24]], warning: [[523, 0, 0.3]] };
const LOUDNESS = 0.18;

export class AlarmSound {
  /** @type {AudioContext | null} */
  #context = null;

  /** @param {HTMLElement} button switches it */
  constructor(button) {
    this.button = button;
    this.on = localStorage.getItem(KEPT) !== 'off';
    button.addEventListener('click', () => {
      this.on = !this.on;
      localStorage.setItem(KEPT, this.on ? 'on' : 'off');
      this.#show();
      if (this.on) this.#play('warning');
    });
    this.#show();
  }

  /** New alerts have come: one sound, that of the gravest. @param {Task[]} tasks */
  call(tasks) {
    const loudest = ['critical', 'warning'].find((severity) => tasks.some((task) => task.severity === severity));
    if (this.on && loudest) this.#play(loudest);
  }

  #show() {
    const text = this.on ? t('Alarm sound on') : t('Alarm sound off');
    this.button.setAttribute('aria-pressed', String(this.on));
    this.button.setAttribute('aria-label', text);
    this.button.title = text;
    fill(this.button, icon(this.on ? 'speaker' : 'speaker-off', 18));
  }

  /** @param {string} severity */
  #play(severity) {
    this.#context ??= new AudioContext();
    const context = this.#context;
    context.resume(); // a browser lets a page sound once somebody has used it
    for (const [hz, at_s, for_s] of TONES[severity] ?? []) {
      const tone = new OscillatorNode(context, { frequency: hz, type: severity === 'critical' ? 'square' : 'sine' });
      const level = new GainNode(context, { gain: 0 });
      const start = context.currentTime + at_s;
      level.gain.setTargetAtTime(severity === 'critical' ? LOUDNESS / 3 : LOUDNESS, start, 0.01);
      level.gain.setTargetAtTime(0, start + for_s, 0.03);
      tone.connect(level).connect(context.destination);
      tone.start(start);
      tone.stop(start + for_s + 0.3);
    }
  }
}
