// The film's controls: play, ten seconds back and on, speed, loudness, full screen. The timeline below is the place to go to.

import { t } from './i18n.js';
import { find, icon } from './markup.js';

const SKIP_S = 10;
const KEY_STEP_S = 5;

/** @typedef {HTMLVideoElement | import('./without-film.js').WithoutFilm} Film */

export class PlayerBar extends HTMLElement {
  /** 0 to 1; followed by whatever sounds. */
  loudness = 1;
  silent = false;

  /**
   * @param {Film} video
   * @param {Element} screen what goes full screen
   * @param {{seek: (seconds: number) => void, heard: () => void, event: (step: -1 | 1) => void, clip: (edge: 'begin' | 'end') => void}} acts
   *   `heard`: loudness or silence has changed; `event`: to the event before or after
   */
  attach(video, screen, acts) {
    this.video = video;
    this.acts = acts;
    const press = (/** @type {string} */ name, /** @type {() => void} */ act) => find(this, `[data-${name}]`).addEventListener('click', act);
    press('play', () => this.toggle());
    press('back', () => this.skip(-SKIP_S));
    press('on', () => this.skip(SKIP_S));
    press('silence', () => this.hear(!this.silent, this.loudness));
    press('full', () => this.full());
    this.screen = screen;
    const speed = find(this, '[data-speed]');
    if (speed instanceof HTMLSelectElement) speed.addEventListener('change', () => (video.playbackRate = Number(speed.value)));
    const loudness = find(this, '[data-loudness]');
    if (loudness instanceof HTMLInputElement) loudness.addEventListener('input', () => this.hear(loudness.value === '0', Number(loudness.value) / 100));
    for (const name of ['play', 'pause', 'ended']) video.addEventListener(name, () => this.show());
    video.addEventListener('click', () => this.toggle());
    document.addEventListener('keydown', (event) => this.#key(event));
    this.show();
  }

  full() {
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    else void this.screen?.requestFullscreen().catch(() => {});
  }

  /** To the next speed of the list. @param {-1 | 1} step */
  #speed(step) {
    const speed = find(this, '[data-speed]');
    if (!(speed instanceof HTMLSelectElement) || !this.video) return;
    speed.selectedIndex = Math.max(0, Math.min(speed.options.length - 1, speed.selectedIndex + step));
    this.video.playbackRate = Number(speed.value);
  }

  toggle() {
    const video = this.video;
    if (!video) return;
    if (video.paused) void video.play().catch(() => {});
    else video.pause();
  }

  /** @param {number} seconds */
  skip(seconds) {
    const video = this.video;
    if (video) this.acts?.seek(Math.max(0, Math.min(video.duration || 0, video.currentTime + seconds)));
  }

  /** @param {boolean} silent @param {number} loudness */
  hear(silent, loudness) {
    [this.silent, this.loudness] = [silent, loudness];
    this.show();
    this.acts?.heard();
  }

  show() {
    const paused = this.video?.paused ?? true;
    label(find(this, '[data-play]'), paused ? 'play' : 'pause', paused ? t('Play') : t('Pause'));
    label(find(this, '[data-silence]'), this.silent ? 'speaker-off' : 'speaker', this.silent ? t('Switch the sound on') : t('Switch the sound off'));
    const loudness = find(this, '[data-loudness]');
    if (loudness instanceof HTMLInputElement) loudness.value = String(this.silent ? 0 : Math.round(this.loudness * 100));
  }

  /** Keys work wherever nothing else wants them. @param {KeyboardEvent} event */
  #key(event) {
    const at = event.target;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (at instanceof Element && at.closest('dialog, input, select, textarea, timeline-chart') && !(at.closest('timeline-chart') && event.key.length === 1)) return;
    if (event.key === ' ' && at instanceof Element && at.closest('button, a, summary, [role="group"][tabindex="0"]')) return;
    const act = this.#acts()[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    act();
    event.preventDefault();
  }

  /** @returns {Record<string, () => void>} */
  #acts() {
    const all = this.video?.duration || 0;
    return {
      ' ': () => this.toggle(), k: () => this.toggle(),
      ArrowLeft: () => this.skip(-KEY_STEP_S), ArrowRight: () => this.skip(KEY_STEP_S),
      j: () => this.skip(-SKIP_S), l: () => this.skip(SKIP_S),
      Home: () => this.skip(-all), End: () => this.skip(all),
      m: () => this.hear(!this.silent, this.loudness), f: () => this.full(),
      '-': () => this.#speed(-1), '+': () => this.#speed(1), '=': () => this.#speed(1),
      p: () => this.acts?.event(-1), n: () => this.acts?.event(1),
      i: () => this.acts?.clip('begin'), o: () => this.acts?.clip('end'),
    };
  }
}

/** @param {Element} button @param {string} name @param {string} text */
function label(button, name, text) {
  if (button.getAttribute('aria-label') === text) return;
  button.setAttribute('aria-label', text);
  button.setAttribute('title', text);
  button.replaceChildren(icon(name, 20));
}

customElements.define('player-bar', PlayerBar);
