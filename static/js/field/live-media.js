// The camera and the microphone of a phone, on their way to the command centre. Loaded when somebody begins: the page itself opens without
// a connection, and this needs one.

import { Media } from '../media.js';
import { Connection } from '../protocol.js';
import { onNetworkChange } from '../rescue.js';

/** @typedef {import('../protocol.js').View} View */
/** @typedef {'user' | 'environment'} Facing */
/** @typedef {{onview: (view: View) => void, onlink: (link: import('../protocol.js').Link) => void, onend: (reason: string) => void}} Listeners */

const MEASURE_EVERY_MS = 5_000;

/** What goes out of this phone. */
export class LiveMedia {
  #tracks = /** @type {Map<'microphone' | 'camera', MediaStreamTrack>} */ (new Map());
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Media | null} */
  #media = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {any} */
  #awake = null;
  /** @type {Facing} */
  facing = 'environment';
  sound = true;
  /** A name for this window of the browser. */
  view = crypto.getRandomValues(new Uint32Array(4)).join('-');

  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    onNetworkChange(() => {
      this.#connection?.retry();
      this.#media?.moved();
    });
    document.addEventListener('visibilitychange', () => void this.#keepAwake());
  }

  /** The own picture. */
  get picture() {
    const track = this.#tracks.get('camera');
    return track ? new MediaStream([track]) : null;
  }

  /** Open camera and microphone. Raises what getUserMedia does. */
  async open() {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video: this.#wanted() });
    for (const track of stream.getTracks()) this.#tracks.set(track.kind === 'audio' ? 'microphone' : 'camera', track);
  }

  /** Send, after the server was told that it begins. */
  connect() {
    const url = new URL('/ws/field/live', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('view', this.view);
    /** @type {Connection} */
    const connection = new Connection(url.href, () => media.held());
    const media = new Media(connection);
    this.#connection = connection;
    this.#media = media;
    connection.on('state', ({ view }) => this.listeners.onview(view));
    connection.on('link', (link) => this.listeners.onlink(link));
    connection.on('farewell', ({ reason }) => this.listeners.onend(reason));
    for (const source of /** @type {const} */ (['microphone', 'camera'])) this.#send(source);
    this.#timer = setInterval(() => void media.poll(), MEASURE_EVERY_MS);
    connection.open();
    void this.#keepAwake();
  }

  /** @param {boolean} on */
  hear(on) {
    this.sound = on;
    this.#send('microphone');
    this.#connection?.send({ type: 'source', source: 'microphone', on });
  }

  /** The other camera of the phone; the one that was is used on where there is no other. */
  async turn() {
    const [before, former] = [this.facing, this.#tracks.get('camera')];
    this.facing = before === 'user' ? 'environment' : 'user';
    former?.stop(); // most phones open one camera at a time
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: this.#wanted() });
      const track = stream.getVideoTracks()[0];
      if (track) this.#tracks.set('camera', track);
    } catch (error) {
      this.facing = before;
      const stream = await navigator.mediaDevices.getUserMedia({ video: this.#wanted() });
      const track = stream.getVideoTracks()[0];
      if (track) this.#tracks.set('camera', track);
      throw error;
    } finally {
      this.#send('camera');
    }
  }

  /** Camera and microphone are closed, and who watched is told. Idempotent. */
  close() {
    this.#connection?.send({ type: 'leave' });
    clearInterval(this.#timer);
    this.#media?.close();
    this.#connection?.close();
    this.#connection = this.#media = null;
    for (const track of this.#tracks.values()) track.stop();
    this.#tracks.clear();
    void this.#awake?.release?.();
    this.#awake = null;
  }

  /** @returns {MediaTrackConstraints} */
  #wanted() {
    return { facingMode: { ideal: this.facing }, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
  }

  /** @param {'microphone' | 'camera'} source */
  #send(source) {
    const track = source === 'microphone' && !this.sound ? null : this.#tracks.get(source) ?? null;
    void this.#media?.set(source, track);
  }

  /** A phone that darkens its screen closes its camera. */
  async #keepAwake() {
    if (document.hidden || this.#connection === null || !('wakeLock' in navigator)) return;
    this.#awake = await navigator.wakeLock.request('screen').catch(() => null);
  }
}
