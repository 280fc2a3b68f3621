// Playback from the tracks themselves, before there is a film: everybody's picture and sound in step with one clock, each to be
// enlarged or silenced. Where nothing was recorded it says why.

import { t } from './i18n.js';
import { Follower } from './in-step.js';
import { el, find, icon, say } from './markup.js';
import { reason } from './one-person.js';

/** @typedef {import('./one-person.js').Person} Person */
/** @typedef {import('./one-person.js').Source} Source */
/** @typedef {import('./without-film.js').WithoutFilm} WithoutFilm */

const STEP_MS = 200;

class Tile {
  /** @type {Follower} */
  picture;
  /** @type {Follower} */
  sound;
  /** From when on the piece of sound plays that was begun last, µs. */
  piece_us = -1;

  /** @param {Person} person @param {WithoutFilm} clock @param {(tile: Tile, act: string) => void} pressed */
  constructor(person, clock, pressed) {
    this.person = person;
    this.video = el('video', { muted: true, playsinline: true, preload: 'auto', 'aria-label': person.name });
    this.video.muted = true;
    this.audio = el('audio', { preload: 'auto' });
    this.none = el('p', { class: 'tracks-none' });
    const press = (/** @type {string} */ act, /** @type {string} */ name, /** @type {string} */ text) =>
      el('button', { type: 'button', class: 'bar-button', 'data-act': act, 'aria-pressed': 'false', title: text, 'aria-label': `${person.name}: ${text}`, onclick: () => pressed(this, act) }, icon(name, 20));
    this.root = el('li', { 'data-person': person.id },
      el('div', { class: 'tracks-picture' }, this.video, this.none),
      el('div', { class: 'tracks-foot' },
        el('span', { class: 'tracks-name' }, el('b', {}, person.name), person.role !== '' && el('span', {}, person.role)),
        person.sounds.length > 0 && press('sound', 'speaker', t('Sound')),
        person.sounds.length > 0 && press('only', 'user', t('Only this voice')),
        person.pictures.length > 0 && press('large', 'expand', t('Large picture'))));
    this.root.append(this.audio);
    this.picture = new Follower(this.video, /** @type {any} */ (clock));
    this.sound = new Follower(this.audio, /** @type {any} */ (clock));
  }
}

export class AllTracks extends HTMLElement {
  /** @type {Tile[]} */
  #tiles = [];
  /** @type {Set<Tile>} */
  #off = new Set();
  /** @type {Tile | null} */
  #large = null;

  /**
   * @param {Person[]} people
   * @param {WithoutFilm} clock
   * @param {import('./timeline.js').Timeline} timeline
   * @param {() => {silent: boolean, loudness: number}} sound
   */
  attach(people, clock, timeline, sound) {
    this.clock = clock;
    this.timeline = timeline;
    this.sound = sound;
    this.#tiles = people.map((person) => new Tile(person, clock, (tile, act) => this.#pressed(tile, act)));
    for (const tile of this.#tiles) for (const medium of [tile.video, tile.audio]) medium.addEventListener('loadedmetadata', () => this.#step());
    find(this, '[data-tiles]').replaceChildren(...this.#tiles.map((tile) => tile.root));
    for (const name of ['play', 'pause', 'seeked', 'ratechange', 'ended']) clock.addEventListener(name, () => this.#step());
    setInterval(() => clock.paused || this.#step(), STEP_MS);
    this.heard();
    this.#step();
  }

  /** What follows the clock, for a look from outside: how far each is ahead, s. */
  get drifts() {
    return this.#tiles.flatMap((tile) => [tile.picture, tile.sound]).flatMap((one) => (one.medium.paused ? [] : [one.drift_s]));
  }

  /** Loudness, silence or the choice of voices has changed. */
  heard() {
    const { silent, loudness } = this.sound?.() ?? { silent: false, loudness: 1 };
    for (const tile of this.#tiles) {
      tile.audio.muted = silent || this.#off.has(tile);
      tile.audio.volume = loudness;
    }
    this.#show();
  }

  /** @param {Tile} tile @param {string} act */
  #pressed(tile, act) {
    if (act === 'large') this.#large = this.#large === tile ? null : tile;
    else if (act === 'only') {
      const others = this.#voiced.filter((one) => one !== tile);
      this.#off = new Set(this.#isAlone(tile) ? [] : others);
    } else if (!this.#off.delete(tile)) this.#off.add(tile);
    this.heard();
  }

  get #voiced() {
    return this.#tiles.filter((tile) => tile.person.sounds.length > 0);
  }

  /** @param {Tile} tile */
  #isAlone(tile) {
    const others = this.#voiced.filter((one) => one !== tile);
    return !this.#off.has(tile) && others.length > 0 && others.every((one) => this.#off.has(one));
  }

  #step() {
    const { clock, timeline } = this;
    if (!clock || !timeline) return;
    const us = timeline.start_us + clock.currentTime * 1e6;
    const band = timeline.bands.find((one) => one.from_us <= us && us < one.to_us);
    const rests = band !== undefined && band.kind !== 'recording';
    const screen = this.#tiles.find((tile) => tile.person.pictures.some((one) => one.source === 'screen' && one.from_us <= us && us < one.to_us));
    for (const tile of this.#tiles) {
      /** @type {Source} */
      const source = tile === screen ? 'screen' : 'camera';
      follow(tile.picture, timeline.start_us, tile.person.pictures.find((one) => one.source === source && one.from_us <= us && us < one.to_us));
      this.#hear(tile, us);
      const text = tile.video.error ? t('This browser cannot play this picture') : rests ? band.text : reason(tile.person, source, us, '');
      say(tile.none, text);
      tile.root.toggleAttribute('data-empty', text !== '');
    }
    this.toggleAttribute('data-rests', rests);
    say(find(this, '[data-rest]'), rests ? band.text : '');
  }

  /** @param {Tile} tile @param {number} us */
  #hear(tile, us) {
    const piece = tile.person.sounds.find((one) => one.from_us <= us && us < one.to_us);
    if (!piece || !this.timeline) {
      tile.sound.rest();
      tile.piece_us = -1;
      return;
    }
    if (tile.audio.getAttribute('src') !== piece.url) tile.audio.src = piece.url;
    tile.sound.offset_s = (piece.begins_us - this.timeline.start_us) / 1e6;
    if (tile.piece_us !== piece.from_us && tile.audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
      tile.piece_us = piece.from_us; // a player counts no pauses: behind one it is put right by a jump
      tile.audio.currentTime = Math.max(0, (us - piece.begins_us) / 1e6);
    }
    tile.sound.step();
  }

  #show() {
    const large = this.#large;
    this.toggleAttribute('data-one', large !== null);
    for (const tile of this.#tiles) {
      tile.root.toggleAttribute('data-large', tile === large);
      press(tile.root, 'sound', !this.#off.has(tile));
      press(tile.root, 'only', this.#isAlone(tile));
      press(tile.root, 'large', tile === large);
    }
  }
}

/** @param {Follower} follower @param {number} start_us @param {{from_us: number, url: string} | undefined} piece */
function follow(follower, start_us, piece) {
  if (!piece) {
    if (follower.medium.hasAttribute('src')) follower.close();
    return;
  }
  follower.offset_s = (piece.from_us - start_us) / 1e6;
  if (follower.medium.getAttribute('src') !== piece.url) follower.medium.src = piece.url;
  follower.step();
}

/** @param {Element} row @param {string} act @param {boolean} on */
function press(row, act, on) {
  const button = row.querySelector(`[data-act="${act}"]`);
  button?.setAttribute('aria-pressed', String(on));
  if (act === 'sound') button?.querySelector('svg')?.replaceWith(icon(on ? 'speaker' : 'speaker-off', 20));
}

customElements.define('all-tracks', AllTracks);
