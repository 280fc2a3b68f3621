// The film's controls: play, ten seconds back and on, speed, loudness, full screen. The timeline below is the place to go to.

import { t } from './i18n.js';
import { find, icon } from './markup.js';

const SKIP_S = 10;
const KEY_STEP_S = 5;

export class PlayerBar extends HTMLElement {
  /** 0 to 1; followed by whatever sounds. */
  loudness = 1;
  silent = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {Element} screen what goes full screen
   * @param {{seek: (seconds: number) => void, heard: () => void}} acts `heard`: loudness or silence has changed
   */
  attach(video, screen, acts) {
    this.video = video;
    this.acts = acts;
    const press = (/** @type {string} */ name, /** @type {() => void} */ act) => find(this, `[data-${name}]`).addEventListener('click', act);
    press('play', () => this.toggle());
    press('back', () => this.skip(-SKIP_S));
    press('on', () => this.skip(SKIP_S));
    press('silence', () => this.hear(!this.silent, this.loudness));
    press('full', () => void (document.fullscreenElement ? document.exitFullscreen() : screen.requestFullscreen()).catch(() => {}));
    const speed = find(this, '[data-speed]');
    if (speed instanceof HTMLSelectElement) speed.addEventListener('change', () => (video.playbackRate = Number(speed.value)));
    const loudness = find(this, '[data-loudness]');
    if (loudness instanceof HTMLInputElement) loudness.addEventListener('input', () => this.hear(loudness.value === '0', Number(loudness.value) / 100));
    for (const name of ['play', 'pause', 'ended']) video.addEventListener(name, () => this.show());
    video.addEventListener('click', () => this.toggle());
    document.addEventListener('keydown', (event) => this.#key(event));
    this.show();
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

  /** Space, left and right work wherever nothing else wants them. @param {KeyboardEvent} event */
  #key(event) {
    const at = event.target;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (at instanceof Element && at.closest('dialog, input, select, textarea, timeline-chart')) return;
    if (event.key === ' ' && !(at instanceof Element && at.closest('button, a, summary, [tabindex="0"]'))) this.toggle();
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') this.skip(event.key === 'ArrowLeft' ? -KEY_STEP_S : KEY_STEP_S);
    else return;
    event.preventDefault();
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
