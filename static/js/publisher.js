// What one endpoint sends: a connection that the browser offers, with an m-line for each source. Knows no DOM.
//
// Microphone and camera have their m-lines from the first offer on; that of a screen is offered when its first picture comes, as few
// ever share one. From then on every switch, device or picture is a replaceTrack on the same transceiver: nothing is negotiated.

import { Backoff } from './backoff.js';
import { beginsWith, layered, RIDS, single, takesLayers } from './layers.js';
import { configuration } from './ice.js';
import { Rescue } from './rescue.js';

/** @typedef {import('./protocol.js').Connection} Connection */
/** @typedef {import('./protocol.js').Source} Source */

const KINDS = /** @type {const} */ ({ microphone: 'audio', camera: 'video', screen: 'video' });
/** The sources that every hearing publishes; m-lines in this order. */
const ALWAYS = /** @type {const} */ (['microphone', 'camera']);
/**
 * What is sent, best first, of what the engine forwards. Every browser decodes VP8; H.264 is for one that cannot encode it, in
 * the profile that RFC 7742 asks of all.
 */
const CODECS = /** @type {const} */ ({
  // What stands first in the answer is sent: the engine may ask for redundancy (RFC 2198) by its order.
  audio: [
    { mime: 'audio/opus', parameters: /^/ },
    { mime: 'audio/red', parameters: /^/ },
  ],
  video: [
    { mime: 'video/vp8', parameters: /^/ },
    { mime: 'video/h264', parameters: /^(?=.*packetization-mode=1)(?=.*profile-level-id=42e0)/i },
  ],
});
const SPEECH_BPS = 40_000;
/** Two temporal layers: the engine can halve the frames for who has little. */
const TEMPORAL = 'L1T2';
/** Sound before a screen, a screen before a face, where the way up is narrow. */
const PRIORITY = /** @type {const} */ ({ microphone: 'high', screen: 'medium', camera: 'low' });
/** For a screen letters count, not motion: the engine's ceiling (SCREEN_BPS of rooms/media) on few frames. */
const SCREEN_BPS = 1_500_000;
export const SCREEN_FRAMES = 15;
/** Longest wait for the server's half of a negotiation before it is tried again. */
export const ANSWER_LIMIT_MS = 6_000;

/** What this endpoint sends. A source that is off sends nothing at all: its sender has no track. */
export class Publisher {
  /** The server's name of the transport, once it has answered. @type {string | null} */
  transport = null;
  /** @type {RTCPeerConnection | null} */
  pc = null;
  /** In the order of the m-lines. @type {Map<Source, RTCRtpTransceiver>} */
  lines = new Map();
  /** @type {Map<Source, MediaStreamTrack>} */
  tracks = new Map();
  /** Offers on their way, oldest first; the server answers in order. @type {{ref: number, pc: RTCPeerConnection}[]} */
  #asked = [];
  /** The connection whose offer is being written just now. @type {RTCPeerConnection | null} */
  #writing = null;
  #backoff = new Backoff();
  #rescue = new Rescue({ restart: (pc) => this.#restart(pc), give_up: () => this.#retry(), connected: () => this.#backoff.succeeded() });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #limit;
  #ceiling = { max_height: 720, max_video_bps: 1_500_000 };
  /** What somebody wants of each picture; nothing is known of a new connection's. @type {Map<Source, import('./protocol.js').Demand>} */
  #demands = new Map();
  /** Whether the camera is offered in layers. */
  #layers = canLayer();
  /** Encodings are being set, and once more after that. */
  #tuning = false;
  #again = false;
  #wanted = false;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
    connection.on('published', (message) => void this.#answered(message));
    connection.on('error', (message) => this.#refused(message.ref));
    connection.on('demand', (message) => {
      this.#demands.set(message.source, message);
      void this.#tune();
    });
  }

  /** Whether somebody sees one's own picture; true before it is known. @param {Source} source */
  wanted(source) {
    return this.#demands.get(source)?.wanted ?? true;
  }

  /** Have a publish connection in which everything is offered; does nothing while there is one. */
  start() {
    this.#wanted = true;
    if (this.pc === null) return void this.#begin();
    if (this.#behind(this.pc)) void this.#offer(this.pc);
    this.#rescue.look();
  }

  /** This computer's network changed. */
  moved() {
    this.#rescue.hurry();
  }

  /** Give the connection up. Tracks are kept for the next one. */
  drop() {
    clearTimeout(this.#limit);
    this.#backoff.cancel();
    this.#asked = this.#asked.filter((asked) => asked.pc !== this.pc);
    this.#rescue.forget();
    if (this.pc) end(this.pc);
    this.pc = null;
    this.#writing = null;
    this.transport = null;
    this.lines.clear();
    this.#demands.clear();
  }

  stop() {
    this.#wanted = false;
    this.drop();
  }

  /** The WebSocket is new: what was asked through the old one gets no answer. */
  forget() {
    this.#asked = [];
  }

  /**
   * Send this track as `source`, or nothing.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async set(source, track) {
    if (track) this.tracks.set(source, track);
    else this.tracks.delete(source);
    if (track && this.pc && !this.lines.has(source)) {
      this.#line(this.pc, source);
      this.start();
    }
    const sender = this.lines.get(source)?.sender;
    if (!sender || sender.track === track) return;
    await sender.replaceTrack(track);
    await this.#tune();
  }

  /**
   * Ceiling of the camera.
   * @param {number} max_height
   * @param {number} max_video_bps
   */
  limits(max_height, max_video_bps) {
    if (this.#ceiling.max_height === max_height && this.#ceiling.max_video_bps === max_video_bps) return;
    this.#ceiling = { max_height, max_video_bps };
    void this.#tune();
  }

  #retry() {
    this.drop();
    if (this.#wanted) this.#backoff.later(() => this.#wanted && this.pc === null && void this.#begin());
  }

  async #begin() {
    if (this.connection.link !== 'open') return; // the next welcome starts it
    const pc = new RTCPeerConnection(configuration(this.connection.ice));
    this.pc = pc;
    this.#writing = pc;
    this.#rescue.watch(pc);
    for (const source of new Set([...ALWAYS, ...this.tracks.keys()])) {
      if (!this.lines.has(source)) this.#line(pc, source);
      await this.lines.get(source)?.sender.replaceTrack(this.tracks.get(source) ?? null);
      if (this.pc !== pc) return;
    }
    await this.#offer(pc);
  }

  /** @param {RTCPeerConnection} pc @param {Source} source */
  #line(pc, source) {
    const kind = KINDS[source];
    const transceiver = this.#transceiver(pc, source);
    prefer(transceiver, kind);
    this.lines.set(source, transceiver);
  }

  /** @param {RTCPeerConnection} pc @param {Source} source */
  #transceiver(pc, source) {
    const own = { microphone: { maxBitrate: SPEECH_BPS }, camera: { maxBitrate: this.#ceiling.max_video_bps }, screen: { maxBitrate: SCREEN_BPS, maxFramerate: SCREEN_FRAMES } }[source];
    const rank = { priority: PRIORITY[source], networkPriority: PRIORITY[source] };
    if (source === 'camera' && this.#layers) {
      try {
        const sendEncodings = layered(sizeOf(this.tracks.get(source)), null, this.#ceiling).map((layer) => ({ ...layer, ...rank, scalabilityMode: TEMPORAL }));
        return pc.addTransceiver('video', { direction: 'sendonly', sendEncodings });
      } catch (error) {
        console.warn('this browser sends no layers', error);
        this.#layers = false;
      }
    }
    return pc.addTransceiver(KINDS[source], { direction: 'sendonly', sendEncodings: [{ ...own, ...rank }] });
  }

  /** Whether something has not been offered yet, or an offer got lost with its WebSocket. @param {RTCPeerConnection} pc */
  #behind(pc) {
    if (this.#writing === pc || this.#asked.some((asked) => asked.pc === pc)) return false;
    return pc.signalingState === 'have-local-offer' || pc.getTransceivers().some((transceiver) => transceiver.mid === null);
  }

  /** @param {RTCPeerConnection} pc */
  #restart(pc) {
    if (this.connection.link !== 'open' || this.#writing === pc || this.#asked.some((asked) => asked.pc === pc)) return false;
    pc.setConfiguration(configuration(this.connection.ice)); // the relay's credentials of before may have expired
    pc.restartIce();
    void this.#offer(pc);
    return true;
  }

  /** @param {RTCPeerConnection} pc */
  async #offer(pc) {
    this.#writing = pc;
    await pc.setLocalDescription();
    if (this.pc !== pc) return;
    this.#writing = null;
    const tracks = [...this.lines].flatMap(([source, { mid }]) => (mid === null ? [] : [{ mid, source }]));
    const ref = this.connection.send({ type: 'publish', sdp: pc.localDescription?.sdp ?? '', tracks });
    // What did not leave: a new connection is begun by the next welcome, one that flows is offered again by the next state.
    if (ref === 0) return this.transport === null ? this.drop() : undefined;
    this.#asked.push({ ref, pc });
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#overdue(pc) && this.#retry(), ANSWER_LIMIT_MS);
  }

  /** Without a WebSocket no answer can come: media flow on, and the next welcome has it asked again. @param {RTCPeerConnection} pc */
  #overdue(pc) {
    return this.pc === pc && this.connection.link === 'open' && this.#asked.some((asked) => asked.pc === pc);
  }

  /** @param {import('./protocol.js').PublishedAnswer} message */
  async #answered(message) {
    const asked = this.#asked.shift();
    if (!asked || asked.pc !== this.pc) return;
    clearTimeout(this.#limit);
    if (this.#layers && !takesLayers(message.sdp)) return this.#withoutLayers();
    try {
      await asked.pc.setRemoteDescription({ type: 'answer', sdp: beginsWith(message.sdp, this.#activeLayers()) });
      if (asked.pc !== this.pc) return;
      this.transport = message.transport;
      await this.#tune();
      if (this.pc === asked.pc) this.start(); // what was added meanwhile
    } catch (error) {
      console.error('the answer to our offer was not understood', error);
      if (asked.pc === this.pc) this.#retry();
    }
  }

  /** @param {number | null} ref */
  #refused(ref) {
    const asked = this.#asked.find((one) => one.ref === ref);
    if (!asked) return;
    this.#asked = this.#asked.filter((one) => one !== asked);
    if (asked.pc === this.pc) this.#retry();
  }

  /** An engine that takes no layers would get the smallest alone: offer one picture instead, from now on. */
  #withoutLayers() {
    this.#layers = false;
    this.drop();
    this.start();
  }

  #activeLayers() {
    const layers = layered(sizeOf(this.tracks.get('camera')), this.#demands.get('camera') ?? null, this.#ceiling);
    return new Set(layers.filter(({ active }) => active).map(({ rid }) => rid));
  }

  /** Encode each picture as it is wanted; a call while that is being done has it done once more. */
  async #tune() {
    this.#again = true;
    if (this.#tuning) return;
    this.#tuning = true;
    while (this.#again) {
      this.#again = false;
      for (const source of /** @type {const} */ (['camera', 'screen'])) await this.#encode(source);
    }
    this.#tuning = false;
  }

  /** @param {'camera' | 'screen'} source */
  async #encode(source) {
    const sender = this.lines.get(source)?.sender;
    if (!sender?.track) return;
    const parameters = sender.getParameters();
    const demand = this.#demands.get(source) ?? null;
    const [first] = parameters.encodings ?? [];
    if (!first) return;
    if (source === 'screen') first.active = demand?.wanted ?? true;
    else if (parameters.encodings.length === RIDS.length) {
      const layers = layered(sizeOf(sender.track), demand, this.#ceiling);
      for (const encoding of parameters.encodings) Object.assign(encoding, layers.find(({ rid }) => rid === encoding.rid));
    } else Object.assign(first, single(sizeOf(sender.track), demand, this.#ceiling));
    try {
      await sender.setParameters(parameters);
    } catch {
      // A negotiation is going on; its end sets them again.
    }
  }
}

/** What a camera gives; before there is one, what it is asked for. @param {MediaStreamTrack | undefined} track */
function sizeOf(track) {
  const { width = 1280, height = 720 } = track?.getSettings() ?? {};
  return { width, height };
}

/** Layers are for VP8: every browser decodes it, and Chromium and Safari encode several at once. Firefox sends one. */
function canLayer() {
  if (navigator.userAgent.includes('Firefox/')) return false;
  return (RTCRtpSender.getCapabilities('video')?.codecs ?? []).some((codec) => codec.mimeType.toLowerCase() === 'video/vp8');
}

/** Close for good, without an event. @param {RTCPeerConnection} pc */
export function end(pc) {
  pc.onconnectionstatechange = null;
  pc.close();
}

/**
 * Offer our codecs and their retransmission only: in a third of the bytes.
 * @param {RTCRtpTransceiver} transceiver
 * @param {'audio' | 'video'} kind
 */
function prefer(transceiver, kind) {
  const known = RTCRtpSender.getCapabilities(kind)?.codecs ?? [];
  const found = CODECS[kind].flatMap(({ mime, parameters }) =>
    known.filter((codec) => codec.mimeType.toLowerCase() === mime && parameters.test(codec.sdpFmtpLine ?? '')),
  );
  const repair = known.filter((codec) => codec.mimeType.toLowerCase() === 'video/rtx');
  if (found.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences([...found, ...repair]);
}
