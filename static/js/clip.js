// A part of a recording with an address of its own: from, to, seconds since the first picture. The address stays good, as a sealed
// recording never changes; whoever opens it signs in and may see it, or not.

import { t } from './i18n.js';
import { duration } from './court-clock.js';
import { find, say } from './markup.js';
import { announce, toast } from './page.js';

/** @typedef {{from_s: number, to_s: number}} Clip */

/**
 * What an address asks for; null where it asks for nothing that can be.
 * @param {string} search @param {number} duration_s
 * @returns {Clip | null}
 */
function clipOf(search, duration_s) {
  const query = new URLSearchParams(search);
  const from_s = Number(query.get('from') ?? NaN);
  const to_s = query.has('to') ? Number(query.get('to')) : duration_s;
  if (!(from_s >= 0) || !(to_s > from_s) || from_s >= duration_s) return null;
  return { from_s, to_s: Math.min(to_s, duration_s) };
}

export class ClipMarks extends HTMLElement {
  /** @type {number | null} */
  #from_s = null;
  /** @type {number | null} */
  #to_s = null;
  #playing = false;

  /**
   * @param {{currentTime: number, paused: boolean, play: () => Promise<void>, pause: () => void, addEventListener: EventTarget['addEventListener']}} film
   * @param {number} duration_s
   * @param {{seek: (seconds: number) => void, shown: (clip: Clip | null) => void}} acts
   */
  attach(film, duration_s, acts) {
    this.film = film;
    this.acts = acts;
    this.duration_s = duration_s;
    const press = (/** @type {string} */ name, /** @type {() => void} */ act) => find(this, `[data-${name}]`).addEventListener('click', act);
    press('begin', () => this.begin());
    press('end', () => this.end());
    press('play', () => this.play());
    press('copy', () => void this.#copy());
    press('clear', () => this.#set(null, null));
    film.addEventListener('timeupdate', () => this.#passed());
    film.addEventListener('pause', () => (this.#playing = false));
    const asked = clipOf(location.search, duration_s);
    if (asked) {
      this.#set(asked.from_s, asked.to_s);
      acts.seek(asked.from_s);
    } else this.#set(null, null);
  }

  /** The clip that is marked, null while it lacks an end. @returns {Clip | null} */
  get clip() {
    if (this.#from_s === null || this.#to_s === null || this.#to_s <= this.#from_s) return null;
    return { from_s: this.#from_s, to_s: this.#to_s };
  }

  begin() {
    const at_s = rounded(this.film?.currentTime ?? 0);
    this.#set(at_s, this.#to_s !== null && this.#to_s > at_s ? this.#to_s : null);
    announce(t('The clip begins at {time}', { time: duration(at_s) }));
  }

  end() {
    const at_s = rounded(this.film?.currentTime ?? 0);
    this.#set(this.#from_s !== null && this.#from_s < at_s ? this.#from_s : 0, at_s);
    announce(t('The clip ends at {time}', { time: duration(at_s) }));
  }

  play() {
    if (!this.clip) return;
    this.acts?.seek(this.clip.from_s);
    void this.film?.play().then(() => (this.#playing = true)).catch(() => {});
  }

  #passed() {
    if (!this.#playing || !this.film || !this.clip || this.film.currentTime < this.clip.to_s) return;
    this.film.pause();
  }

  get address() {
    const { clip } = this;
    return clip ? `${location.origin}${location.pathname}?from=${clip.from_s}&to=${clip.to_s}` : '';
  }

  async #copy() {
    const field = find(this, '[data-address]');
    try {
      await navigator.clipboard.writeText(this.address);
      toast(t('The address is copied'));
    } catch {
      if (field instanceof HTMLInputElement) field.select(); // without a secure origin the person copies it himself
    }
  }

  /** @param {number | null} from_s @param {number | null} to_s */
  #set(from_s, to_s) {
    [this.#from_s, this.#to_s] = [from_s, to_s];
    const { clip } = this;
    for (const name of ['play', 'copy']) find(this, `[data-${name}]`).toggleAttribute('disabled', !clip);
    find(this, '[data-clear]').toggleAttribute('disabled', from_s === null && to_s === null);
    say(find(this, '[data-from]'), from_s === null ? '–' : duration(from_s));
    say(find(this, '[data-to]'), to_s === null ? '–' : duration(to_s));
    const field = find(this, '[data-address]');
    if (field instanceof HTMLInputElement) field.value = this.address;
    find(this, '[data-where]').toggleAttribute('hidden', !clip);
    history.replaceState(null, '', clip ? this.address : location.pathname);
    this.acts?.shown(clip);
  }
}

/** @param {number} seconds */
const rounded = (seconds) => Math.round(seconds * 10) / 10;

customElements.define('clip-marks', ClipMarks);
