// Per person: his sound on or off, and his own picture, as it was recorded, in place of the film. All in step with the film,
// which goes on small beside it and keeps the time.

import { t } from './i18n.js';
import { Follower } from './in-step.js';
import { el, find, icon, say } from './markup.js';

/** @typedef {'camera' | 'screen'} Source */
/** @typedef {[number, number]} Moment from, to; wall-clock µs */
/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {string} voice address of his sound alone, '' if there is none
 * @property {{begins_us: number, from_us: number, to_us: number, url: string}[]} sounds pieces without a pause, in order of time; the file's time 0 is `begins_us`
 * @property {{source: Source, from_us: number, to_us: number, url: string}[]} pictures in order of time
 * @property {Record<Source, Moment[]>} seen when there are pictures
 * @property {Moment[]} here
 * @property {Moment[]} camera_on
 */

const STEP_MS = 200;

/** @param {Moment[]} moments @param {number} us */
const during = (moments, us) => moments.some(([from, to]) => from <= us && us < to);

/**
 * Why there is no picture of a person at a time, '' if there is one.
 * @param {Person} person @param {Source} source @param {number} us @param {string} rests why nothing is recorded at all, '' where it is
 */
export function reason(person, source, us, rests) {
  if (during(person.seen[source], us)) return '';
  if (rests) return rests;
  if (source === 'screen') return t('No screen is shared at this moment');
  if (!during(person.here, us)) return t('Not connected at this moment');
  return during(person.camera_on, us) ? t('No picture of this moment was received') : t('The camera is switched off at this moment');
}

export class OnePerson extends HTMLElement {
  /** @type {Map<string, Follower>} */
  #voices = new Map();
  /** @type {Set<string>} whose sound is off */
  #off = new Set();
  /** @type {{person: Person, source: Source} | null} */
  #view = null;

  /**
   * @param {Person[]} people
   * @param {HTMLVideoElement} film
   * @param {HTMLElement} screen with the film in it
   * @param {{start_us: number, bands: {from_us: number, to_us: number, kind: string, text: string}[]}} timeline
   * @param {() => {silent: boolean, loudness: number}} sound
   */
  attach(people, film, screen, timeline, sound) {
    this.people = people;
    this.film = film;
    this.screen = screen;
    this.timeline = timeline;
    this.sound = sound;
    const own = find(screen, '[data-own]');
    if (!(own instanceof HTMLVideoElement)) throw new Error('no place for a picture');
    this.picture = new Follower(own, film);
    own.addEventListener('error', () => this.#tellState());
    for (const name of ['play', 'pause', 'seeking', 'seeked', 'ratechange', 'waiting', 'playing', 'ended', 'timeupdate']) {
      film.addEventListener(name, () => this.#step());
    }
    own.addEventListener('loadedmetadata', () => this.#step());
    setInterval(() => film.paused || this.#step(), STEP_MS);
    find(screen, '[data-all]').addEventListener('click', () => this.#look(null));
    find(this, '[data-everybody]').addEventListener('click', () => this.#everybody());
    find(this, '[data-people]').replaceChildren(...people.map((person) => this.#row(person)));
    this.addEventListener('click', (event) => this.#pressed(event));
    this.heard();
    this.#show();
  }

  /** What follows the film, for a look from outside: how far each is ahead, s. */
  get drifts() {
    const followers = [...this.#voices.values(), ...(this.#view ? [this.picture] : [])];
    return followers.flatMap((one) => (one && !one.medium.paused ? [one.drift_s] : []));
  }

  /** @param {Person} person */
  #row(person) {
    const press = (/** @type {string} */ act, /** @type {string} */ name, /** @type {string} */ text) =>
      el('button', { type: 'button', class: 'button button-small', 'data-act': act, 'aria-pressed': 'false', title: text, 'aria-label': `${person.name}: ${text}` }, icon(name, 18), el('span', {}, text));
    const has = (/** @type {Source} */ source) => person.pictures.some((one) => one.source === source);
    return el('li', { 'data-person': person.id },
      el('span', { class: 'one-person-name' }, el('b', {}, person.name), person.role !== '' && el('span', { class: 'small muted' }, person.role)),
      el('span', { class: 'one-person-acts' },
        person.voice !== '' && press('sound', 'speaker', t('Sound')),
        person.voice !== '' && press('only', 'user', t('Only this voice')),
        has('camera') && press('camera', 'camera', t('Own picture')),
        has('screen') && press('screen', 'screen', t('Shared screen'))));
  }

  /** @param {Event} event */
  #pressed(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-act]') : null;
    const id = button?.closest('[data-person]')?.getAttribute('data-person');
    const person = this.people?.find((one) => one.id === id);
    const act = button?.getAttribute('data-act');
    if (!person || !act) return;
    if (act === 'camera' || act === 'screen') {
      const same = this.#view?.person === person && this.#view.source === act;
      this.#look(same ? null : { person, source: act });
      return;
    }
    if (act === 'only') {
      const others = this.#voiced.filter((one) => one !== person).map((one) => one.id);
      const alone = !this.#off.has(person.id) && others.every((one) => this.#off.has(one)) && others.length > 0;
      this.#off = new Set(alone ? [] : others);
    } else if (!this.#off.delete(person.id)) this.#off.add(person.id);
    this.heard();
    this.#show();
  }

  get #voiced() {
    return this.people?.filter((person) => person.voice !== '') ?? [];
  }

  #everybody() {
    this.#off.clear();
    this.heard();
    this.#look(null);
  }

  /** Loudness, silence or the choice of voices has changed. With all of them on, the film's own sound is heard. */
  heard() {
    const { film, sound } = this;
    if (!film || !sound) return;
    const { silent, loudness } = sound();
    film.muted = silent || this.#off.size > 0;
    film.volume = loudness;
    for (const person of this.#voiced) {
      const wanted = this.#off.size > 0 && !this.#off.has(person.id);
      let follower = this.#voices.get(person.id);
      if (wanted && !follower) {
        const medium = new Audio(person.voice);
        medium.preload = 'auto';
        follower = new Follower(medium, film);
        medium.addEventListener('loadedmetadata', () => this.#step());
        this.#voices.set(person.id, follower);
      } else if (!wanted && follower) {
        follower.close();
        this.#voices.delete(person.id);
        continue;
      }
      if (!follower) continue;
      follower.medium.muted = silent;
      follower.medium.volume = loudness;
    }
    this.#step();
  }

  /** @param {{person: Person, source: Source} | null} view */
  #look(view) {
    this.#view = view;
    this.screen?.toggleAttribute('data-one', view !== null);
    if (view) say(find(/** @type {HTMLElement} */ (this.screen), '[data-who]'), [view.person.name, view.person.role].filter(Boolean).join(' · '));
    this.#step();
    this.#show();
  }

  #step() {
    for (const follower of this.#voices.values()) follower.step();
    this.#stepPicture();
  }

  #stepPicture() {
    const { picture, film, timeline } = this;
    if (!picture || !film || !timeline) return;
    const us = timeline.start_us + film.currentTime * 1e6;
    const view = this.#view;
    const piece = view?.person.pictures.find((one) => one.source === view.source && one.from_us <= us && us < one.to_us);
    if (!piece) {
      if (picture.medium.hasAttribute('src')) picture.close();
    } else {
      picture.offset_s = (piece.from_us - timeline.start_us) / 1e6;
      if (picture.medium.getAttribute('src') !== piece.url) picture.medium.src = piece.url;
      picture.step();
    }
    this.#tellState();
  }

  /** In place of a picture that is not there: why. */
  #tellState() {
    const { picture, film, timeline, screen } = this;
    const view = this.#view;
    if (!picture || !film || !timeline || !screen) return;
    let text = '';
    if (view) {
      const us = timeline.start_us + film.currentTime * 1e6;
      const rests = timeline.bands.find((band) => band.kind === 'recess' && band.from_us <= us && us < band.to_us)?.text ?? '';
      text = picture.medium.error ? t('This browser cannot play this picture') : reason(view.person, view.source, us, rests);
    }
    say(find(screen, '[data-none]'), text);
    screen.toggleAttribute('data-empty', text !== '');
  }

  #show() {
    for (const row of this.querySelectorAll('[data-person]')) {
      const id = row.getAttribute('data-person') ?? '';
      const others = this.#voiced.filter((one) => one.id !== id);
      const on = !this.#off.has(id);
      press(row, 'sound', on);
      press(row, 'only', on && others.length > 0 && others.every((one) => this.#off.has(one.id)));
      for (const source of ['camera', 'screen']) press(row, source, this.#view?.person.id === id && this.#view.source === source);
    }
    find(this, '[data-everybody]').toggleAttribute('disabled', this.#off.size === 0 && this.#view === null);
  }
}

/** @param {Element} row @param {string} act @param {boolean} on */
function press(row, act, on) {
  const button = row.querySelector(`[data-act="${act}"]`);
  button?.setAttribute('aria-pressed', String(on));
  if (act === 'sound') button?.querySelector('svg')?.replaceWith(icon(on ? 'speaker' : 'speaker-off', 18));
}

customElements.define('one-person', OnePerson);
