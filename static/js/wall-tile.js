// One window of the wall: pictures of what stands there, its room and case, the stage in words, state, level and alarm.

import { t, word } from './i18n.js';
import { el, fill, icon, say } from './markup.js';
import { columnsFor, picturesOf, roomFor } from './wall-pictures.js';
import { FEED, ofField } from './wall-sources.js';

/** @typedef {import('./wall-line.js').Source} Source */
/** @typedef {import('./wall-line.js').Told} Told */
/** @typedef {import('./observed.js').Observed} Observed */
/** @typedef {import('./wall-pictures.js').Picture} Picture */

/**
 * @typedef {object} Shown What a tile is to show.
 * @property {number} number of the window, from 0
 * @property {Source | null} source
 * @property {Told | undefined} told of the source's sitting
 * @property {Observed | undefined} observed undefined where this page shows no pictures of it
 * @property {boolean} plays whether this page shows pictures at all
 * @property {boolean} heard
 * @property {{at: number, of: number, paused: boolean} | null} turn where the window takes part in a patrol
 */

/** One picture of a tile. */
class Frame {
  constructor() {
    this.video = el('video', { playsinline: true, autoplay: true, muted: true });
    this.video.muted = true;
    this.stream = new MediaStream();
    this.name = el('span', { class: 'wall-frame-name' });
    this.element = el('div', { class: 'wall-frame' }, this.video, this.name);
  }

  /** @param {MediaStreamTrack | null} track @param {Picture} picture @param {boolean} named @param {boolean} speaks */
  show(track, picture, named, speaks) {
    for (const old of this.stream.getTracks()) if (old !== track) this.stream.removeTrack(old);
    if (track && !this.stream.getTracks().includes(track)) this.stream.addTrack(track);
    const wanted = track ? this.stream : null;
    if (this.video.srcObject !== wanted) this.video.srcObject = wanted; // an element without a source keeps no last picture
    if (wanted && this.video.paused) void this.video.play().catch(() => {});
    this.element.dataset.picture = `${picture.endpoint}/${picture.source}`;
    this.element.classList.toggle('wall-frame-speaks', speaks);
    this.name.hidden = !named;
    say(this.name, picture.names.join(t(', ')));
  }

  close() {
    this.video.srcObject = null;
    this.element.remove();
  }
}

export class WallTile extends HTMLElement {
  #frames = /** @type {Frame[]} */ ([]);
  #pictures = el('div', { class: 'wall-pictures' });
  #cover = el('div', { class: 'wall-cover' });
  #alarm = el('div', { class: 'wall-alarm', hidden: true });
  #what = el('b', { class: 'truncate' });
  #case = el('span', { class: 'truncate wall-case' });
  #stage = el('span', { class: 'wall-stage truncate' });
  #broken = el('div', { class: 'wall-broken', hidden: true });
  #turn = el('span', { class: 'wall-turn' });
  #sound = el('span', { class: 'wall-sound', hidden: true });
  #meter = el('span', { class: 'wall-meter', 'aria-hidden': 'true' });
  /** @type {Shown | null} */
  shown = null;

  connectedCallback() {
    if (this.firstChild) return;
    fill(this.#sound, icon('speaker', 16), el('span', { class: 'visually-hidden' }, t('Sound on')));
    this.append(
      this.#pictures,
      this.#cover,
      el('div', { class: 'wall-top' }, this.#alarm, this.#broken, this.#turn),
      el('div', { class: 'wall-plate' }, this.#meter, el('div', { class: 'wall-who' }, this.#what, this.#case), this.#sound, this.#stage),
    );
  }

  /** Whose pictures it shows now, by element. @returns {Map<Element, Picture>} @param {Shown} shown */
  show(shown) {
    this.shown = shown;
    const { source, told, observed, turn } = shown;
    const person = source?.participant ? told?.people.find(({ id }) => id === source.participant) : undefined;
    this.dataset.sitting = source?.sitting ?? '';
    this.dataset.trouble = told?.trouble ?? 'none';
    this.classList.toggle('wall-empty', source === null);
    const what = told === undefined ? '' : person ? `${person.name} · ${word(`role.${person.role}`)}` : told.room || told.title;
    say(this.#what, what);
    say(this.#case, told === undefined ? '' : person ? `${told.room} · ${told.case_number}` : told.case_number);
    say(this.#stage, told?.stage_text ?? '');
    this.#stage.dataset.status = told?.status ?? '';
    this.#alarm.hidden = !told?.alarm;
    if (told?.alarm) fill(this.#alarm, icon('alert', 16), el('span', { class: 'truncate' }, told.alarm));
    const officer = shown.plays ? (observed?.view?.break_in ?? null) : null;
    const broken = officer ? t('{name} has broken in', { name: officer.name }) : '';
    this.classList.toggle('wall-broken-in', officer !== null);
    this.#broken.hidden = officer === null;
    if (officer) fill(this.#broken, icon('mic', 16), el('span', { class: 'truncate' }, broken));
    this.#turn.hidden = turn === null;
    if (turn) fill(this.#turn, icon(turn.paused ? 'pause' : 'refresh', 14), el('span', {}, turn.paused ? t('Patrol paused') : t('Patrol {n}/{all}', { n: turn.at, all: turn.of })));
    this.#sound.hidden = !shown.heard;
    const why = this.#why(shown);
    const pictures = why === '' && observed?.view ? picturesOf(observed.view, source?.participant ?? '', observed.speaker, roomFor(this.clientHeight)) : [];
    const found = this.#frame(pictures, observed, source?.participant !== '');
    const text = why || (pictures.length === 0 && shown.plays ? this.#empty(observed, person !== undefined, told) : '');
    this.#cover.hidden = text === '' && source !== null;
    fill(this.#cover, el('span', { class: 'wall-number', 'aria-hidden': 'true' }, String(shown.number + 1)), icon(this.#sign(shown), 28), el('span', { class: 'wall-state' }, text));
    const label = source === null ? t('Window {n}: empty', { n: shown.number + 1 }) : t('Window {n}: {what}', { n: shown.number + 1, what: [what, told?.case_number, told?.stage_text, text, broken, told?.alarm].filter(Boolean).join(t(', ')) });
    if (this.getAttribute('aria-label') !== label) this.setAttribute('aria-label', label);
    return found;
  }

  /** Draw the level; call it some times a second. */
  listen() {
    const { source, observed } = this.shown ?? {};
    let level = 0;
    if (observed?.seen) {
      const endpoint = source?.participant ? endpointOf(observed, source.participant) : undefined;
      level = endpoint === null ? 0 : observed.level(endpoint);
    }
    this.#meter.style.setProperty('--level', level.toFixed(2));
  }

  close() {
    for (const frame of this.#frames) frame.close();
    this.#frames = [];
    this.remove();
  }

  /** @param {Picture[]} pictures @param {Observed | undefined} observed @param {boolean} one */
  #frame(pictures, observed, one) {
    while (this.#frames.length > pictures.length) this.#frames.pop()?.close();
    /** @type {Map<Element, Picture>} */
    const found = new Map();
    pictures.forEach((picture, n) => {
      const frame = this.#frames[n] ?? new Frame();
      if (!this.#frames[n]) {
        this.#frames.push(frame);
        this.#pictures.append(frame.element);
      }
      frame.show(observed?.track(picture) ?? null, picture, !one && pictures.length > 1, pictures.length > 1 && picture.endpoint === observed?.speaker);
      found.set(frame.video, picture);
    });
    this.#pictures.style.setProperty('--columns', String(columnsFor(pictures.length, this.clientWidth || 16, this.clientHeight || 9)));
    return found;
  }

  /** Why no picture may stand here, "" where one may. @param {Shown} shown */
  #why({ source, told, observed, plays }) {
    if (source === null) return t('Empty window');
    if (told === undefined) return ofField(source) ? t('Nobody sends a live video there now. The picture comes by itself when it begins again.') : t('This sitting is not among those of today.');
    if (told.status === 'closed') return t('This sitting is over.');
    if (told.status === 'cancelled') return t('This sitting was cancelled.');
    if (!told.going) return t('Not begun yet');
    if (!told.observable) return t('Closed to everybody outside: {stage}. The picture comes back by itself.', { stage: told.stage_text });
    if (!plays) return '';
    if (observed === undefined || (!observed.going && observed.ended === '')) return t('Connecting…');
    if (observed.ended !== '') return word(`farewell.${observed.ended}`, {}, t('The watch has ended.'));
    if (observed.broken) return t('The connection is broken. Trying again…');
    if (observed.view === null) return t('Connecting…');
    if (observed.view.media === 'away') return t('Picture and sound are interrupted. They come back by themselves.');
    if (!observed.seen) return t('This stage is closed to observers. The picture comes back by itself.');
    return '';
  }

  /** @param {Observed | undefined} observed @param {boolean} person @param {Told} [told] */
  #empty(observed, person, told) {
    if (person) return t('Camera off');
    const inside = observed?.view?.participants.some(({ presence }) => presence === 'present');
    if (told?.kind === FEED && !inside) return told.stage_text;
    return inside ? t('Camera off') : t('Nobody is inside yet.');
  }

  /** @param {Shown} shown */
  #sign({ source, told, plays }) {
    if (source === null) return 'plus';
    if (told?.going && !told.observable) return 'lock';
    return plays ? 'camera-off' : 'wall';
  }
}

/** At which endpoint somebody is, null where at none. @param {Observed} observed @param {string} participant */
export function endpointOf(observed, participant) {
  return observed.view?.participants.find(({ id }) => id === participant)?.endpoint ?? null;
}

customElements.define('wall-tile', WallTile);
