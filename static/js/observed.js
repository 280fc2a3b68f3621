// The silent watch of one sitting for one window of a browser: one connection, however many tiles of the wall show something of it. What
// no tile shows is not sent: its pictures are told to stand nowhere, and with the last tile the connection ends.

import { Media } from './media.js';
import { remoteLevel } from './levels.js';
import { Connection } from './protocol.js';
import { Showing } from './showing.js';

/** @typedef {import('./protocol.js').View} View */
/** @typedef {import('./wall-pictures.js').Picture} Picture */

/** A name for this browser window: after a broken connection the server knows that it is the same one. */
const VIEW = crypto.getRandomValues(new Uint32Array(4)).join('-');
const MEASURE_EVERY_MS = 5_000;
/** How long the server is left alone after it refused. */
const AGAIN_MS = 2_000;

export class Observed {
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Media | null} */
  #media = null;
  /** @type {Showing | null} */
  #showing = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #again_ms = 0;
  /** One element plays each microphone. @type {Map<string, HTMLAudioElement>} */
  #sounds = new Map();
  /** @type {View | null} */
  view = null;
  /** Who speaks as the court hears it; undefined: it has not said. @type {string | null | undefined} */
  speaker = undefined;
  broken = false;
  /** Why the server ended it, "" while it goes. */
  ended = '';

  /**
   * @param {string} path of the WebSocket
   * @param {() => void} onchange
   */
  constructor(path, onchange) {
    this.path = path;
    this.onchange = onchange;
  }

  get going() {
    return this.#connection !== null;
  }

  /** Whether pictures may be seen now: never what was seen before. */
  get seen() {
    const view = this.view;
    return view !== null && !this.broken && view.place === 'observing' && view.rights.see && view.media === 'up';
  }

  /** Begin, unless it goes or the server has just refused. */
  open() {
    if (this.#connection !== null || performance.now() < this.#again_ms) return;
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('view', VIEW);
    /** @type {Connection} */
    const connection = new Connection(url.href, () => media.held());
    const media = new Media(connection, { publishes: false });
    this.#connection = connection;
    this.#media = media;
    this.#showing = new Showing(connection, media);
    this.ended = '';
    connection.on('speaker', ({ endpoint }) => {
      this.speaker = endpoint;
      this.onchange();
    });
    connection.on('media_reset', () => {
      this.speaker = undefined;
    });
    connection.on('state', ({ view }) => {
      this.view = view;
      this.onchange();
    });
    connection.on('link', (link) => {
      this.broken = link === 'broken' || (this.broken && link === 'connecting');
      this.onchange();
    });
    connection.on('farewell', ({ reason }) => {
      this.#end();
      this.ended = reason || 'failed';
      this.#again_ms = performance.now() + AGAIN_MS;
      this.onchange();
    });
    media.onchange = () => {
      this.#play();
      this.onchange();
    };
    this.#timer = setInterval(() => void media.poll(), MEASURE_EVERY_MS);
    connection.open();
  }

  /** This computer's network changed. */
  moved() {
    this.#connection?.retry();
    this.#media?.moved();
  }

  /** Take leave. Idempotent. */
  close() {
    this.#connection?.send({ type: 'leave' });
    this.#end();
  }

  /** The track of a picture, while it comes in. @param {Picture} picture */
  track(picture) {
    return this.#media?.remote.get(`${picture.endpoint}/${picture.source}`)?.track ?? null;
  }

  /** These elements show these pictures of it, and no others do. @param {Map<Element, Picture>} pictures */
  show(pictures) {
    this.#showing?.show(new Map([...pictures].map(([element, { endpoint, source }]) => [element, { endpoint, source }])));
  }

  /** How loud it is, 0 to 1: whoever is loudest, or one endpoint. @param {string} [endpoint] */
  level(endpoint) {
    let loudest = 0;
    for (const { endpoint: from, source, receiver } of this.#media?.remote.values() ?? []) {
      if (source === 'microphone' && (endpoint === undefined || from === endpoint)) loudest = Math.max(loudest, remoteLevel(receiver));
    }
    return loudest;
  }

  /** Whose sound is heard. @param {(endpoint: string) => boolean} heard */
  hear(heard) {
    for (const [endpoint, element] of this.#sounds) element.muted = !heard(endpoint);
  }

  /** What arrives, for tests: counters by "endpoint/source". */
  async inbound() {
    return (await this.#media?.inbound()) ?? {};
  }

  #play() {
    const tracks = new Map([...(this.#media?.remote.values() ?? [])].flatMap(({ endpoint, source, track }) => (source === 'microphone' ? [[endpoint, track]] : [])));
    for (const [endpoint, element] of this.#sounds) {
      if (tracks.has(endpoint)) continue;
      element.srcObject = null;
      this.#sounds.delete(endpoint);
    }
    for (const [endpoint, track] of tracks) {
      const element = this.#sounds.get(endpoint) ?? new Audio();
      const stream = element.srcObject;
      if (!(stream instanceof MediaStream) || !stream.getTracks().includes(track)) {
        element.muted = true;
        element.srcObject = new MediaStream([track]);
        void element.play().catch(() => {});
      }
      this.#sounds.set(endpoint, element);
    }
  }

  #end() {
    clearInterval(this.#timer);
    for (const element of this.#sounds.values()) element.srcObject = null;
    this.#sounds.clear();
    this.#showing?.close();
    this.#media?.close();
    this.#connection?.close();
    this.#connection = this.#media = this.#showing = null;
    this.view = null;
    this.speaker = undefined;
    this.broken = false;
  }
}
