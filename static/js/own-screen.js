// One's own shared screen: what the person wants, what the server says is on, what the browser captures. Knows no DOM.
//
// As with microphone and camera the server's word decides, with one difference: a browser shows a screen only after an act of its owner
// and his choice of a window, so that a share that this page does not hold any more is ended and never opened again by itself.

import { SCREEN_FRAMES } from './publisher.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./own-sources.js').Condition} Condition */
/** Why nothing was captured (troubles.js). @typedef {'denied_by_system' | 'not_found' | 'failed'} ScreenTrouble */
/** Who ended a share that its owner did not end. @typedef {'browser' | 'court' | 'page'} Ended */

/** Larger pictures cost the processors of all and show nothing more: letters are legible at this size. */
const LARGEST = { width: { max: 1920 }, height: { max: 1080 } };

export class OwnScreen {
  /** @type {Condition} */
  condition = 'unavailable';
  /** Whether there is a button at all: the browser can, and the person's role has the right in some stage that he was in. */
  offered = false;
  /** @type {MediaStreamTrack | null} */
  track = null;
  #choosing = false;
  /** Sent to the server, not yet seen in a state. @type {number | null} */
  #asked = null;
  /** The WebSocket broke before the server had said anything to it. */
  #unheard = false;
  /** The newest state said that it is on. */
  #was_on = false;
  /** @type {View | null} */
  #view = null;

  /**
   * @param {import('./protocol.js').Connection} connection
   * @param {import('./media.js').Media} media
   * @param {{onchange: () => void, ontrouble: (code: ScreenTrouble) => void, onended: (by: Ended) => void}} listeners
   */
  constructor(connection, media, { onchange, ontrouble, onended }) {
    this.connection = connection;
    this.media = media;
    this.onchange = onchange;
    this.ontrouble = ontrouble;
    this.onended = onended;
    connection.on('state', ({ view }) => this.#follow(view));
    connection.on('error', ({ ref }) => {
      if (ref === null || ref !== this.#asked) return;
      this.#asked = null;
      this.#release();
      this.#show();
    });
    connection.on('link', (link) => {
      if (link === 'open' || this.#asked === null) return;
      this.#asked = null;
      this.#unheard = true;
    });
    connection.on('farewell', () => this.#release());
  }

  /** Share, or end it; by its owner's hand, since the browser asks him what to show. @param {boolean} [on] */
  async switch(on = this.track === null) {
    if (!on) return this.stop();
    if (this.condition !== 'off') return;
    this.#choosing = true;
    this.#show();
    const track = await this.#capture();
    this.#choosing = false;
    if (track && this.#may()) this.#begin(track);
    else track?.stop();
    this.#show();
  }

  /** End the share at once, whatever the server says: closing needs nobody's leave. */
  stop() {
    if (!this.track) return;
    this.#release();
    this.connection.send({ type: 'source', source: 'screen', on: false });
    this.#show();
  }

  /** Another window was not chosen, or none may be shown: nothing. @returns {Promise<MediaStreamTrack | null>} */
  async #capture() {
    const video = { ...LARGEST, frameRate: { ideal: SCREEN_FRAMES, max: SCREEN_FRAMES } };
    /** @type {DisplayMediaStreamOptions & Record<string, unknown>} */
    const wish = { video, audio: false, selfBrowserSurface: 'exclude', surfaceSwitching: 'include', systemAudio: 'exclude' };
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(wish);
      return stream.getVideoTracks()[0] ?? null;
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: '', message: '' };
      if (name === 'NotAllowedError' && /system/i.test(message)) this.ontrouble('denied_by_system');
      else if (name === 'NotFoundError') this.ontrouble('not_found');
      else if (name !== 'NotAllowedError') this.ontrouble('failed'); // not allowed: the person closed the choice
      return null;
    }
  }

  /** @param {MediaStreamTrack} track */
  #begin(track) {
    track.contentHint = 'detail';
    track.onended = () => {
      this.stop();
      this.onended('browser');
    };
    this.track = track;
    this.#asked = this.connection.send({ type: 'source', source: 'screen', on: true });
    if (this.#asked === 0) [this.#asked, this.#unheard] = [null, true];
  }

  #release() {
    this.#asked = null;
    this.#unheard = false;
    void this.media.set('screen', null);
    const { track } = this;
    this.track = null;
    if (!track) return;
    track.onended = null;
    track.stop();
  }

  /** @param {View} view */
  #follow(view) {
    this.#view = view;
    const inside = view.place === 'inside';
    this.offered = inside && typeof navigator.mediaDevices?.getDisplayMedia === 'function' && (this.offered || view.rights.publish);
    const on = inside && this.#serverOn();
    const { track } = this;
    if (on && track) {
      this.#asked = null;
      this.#unheard = false;
      void this.media.set('screen', track);
    } else if (on && !this.#choosing) {
      this.connection.send({ type: 'source', source: 'screen', on: false });
      if (!this.#was_on) this.onended('page');
    } else if (track && this.#unheard && this.#may()) this.#begin(track);
    else if (track && this.#asked === null) {
      this.#release();
      // A recess and a new place are told to everybody; that the court has closed this screen is not.
      if (this.#mine().some((source) => source.muted_by_chair)) this.onended('court');
    }
    this.#was_on = on;
    this.#show();
  }

  #mine() {
    const mine = this.#view?.participants.filter((participant) => participant.you) ?? [];
    return mine.map((participant) => participant.sources['screen']).filter((source) => source !== undefined);
  }

  /** Whether the server would let it begin now. */
  #may() {
    const mine = this.#mine();
    return this.#view?.place === 'inside' && mine.length > 0 && mine.every((source) => source.allowed);
  }

  #serverOn() {
    return this.#may() && this.#mine().every((source) => source.on);
  }

  #show() {
    this.condition = this.#conditionNow();
    this.onchange();
  }

  /** @returns {Condition} */
  #conditionNow() {
    if (this.#mine().some((source) => source.muted_by_chair)) return 'muted';
    if (this.track && this.#serverOn()) return 'on';
    if (!this.#may()) return 'unavailable';
    return this.#choosing || this.track ? 'opening' : 'off';
  }
}
