// The media of one endpoint: what it publishes and what it receives. Knows no DOM; tracks go in and come out.
//
// Two RTCPeerConnections (docs/protocol.md): the browser offers the publish connection, the server the subscribe
// connection. Both live on while the WebSocket is away and are given up when the server says that it lost them.

import { Backoff } from './backoff.js';
import { configuration } from './ice.js';
import { inboundOf, measure, since } from './measure.js';
import { Patient } from './patience.js';
import { ANSWER_LIMIT_MS, end, Publisher } from './publisher.js';
import { Rescue } from './rescue.js';

/** @typedef {import('./protocol.js').Connection} Connection */
/** @typedef {import('./protocol.js').Source} Source */
/** @typedef {import('./protocol.js').View} View */
/** @typedef {{endpoint: string, source: string, track: MediaStreamTrack, receiver: RTCRtpReceiver}} RemoteTrack */
/** @typedef {import('./measure.js').Sample} Sample */

/** What this endpoint receives. */
class Subscriber {
  /** @type {string | null} */
  transport = null;
  /** @type {RTCPeerConnection | null} */
  pc = null;
  /** By "endpoint/source". @type {Map<string, RemoteTrack>} */
  tracks = new Map();
  /** Called when the set of tracks has changed. */
  onchange = () => {};
  #backoff = new Backoff();
  #rescue = new Rescue({ restart: () => this.#restart(), give_up: () => this.#retry(), connected: () => this.#backoff.succeeded() });
  /** Offers are taken one after another. */
  #turn = Promise.resolve();
  #wanted = false;
  /** A request is on its way. */
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #limit;

  /** @param {Connection} connection */
  constructor(connection) {
    this.connection = connection;
    connection.on('offer', (message) => {
      this.#asked = 0;
      clearTimeout(this.#limit);
      this.#turn = this.#turn.then(() => this.#take(message)).catch((error) => {
        console.error('the offer was not understood', error);
        this.#retry();
      });
    });
    connection.on('error', (message) => {
      if (message.ref !== null && message.ref === this.#asked) this.#retry();
    });
  }

  start() {
    this.#wanted = true;
    if (this.pc === null && this.#asked === 0) this.#ask();
    this.#rescue.look();
  }

  /** This computer's network changed. */
  moved() {
    this.#rescue.hurry();
  }

  drop() {
    clearTimeout(this.#limit);
    this.#backoff.cancel();
    this.#asked = 0;
    this.#rescue.forget();
    if (this.pc) end(this.pc);
    this.pc = null;
    this.transport = null;
    if (this.tracks.size === 0) return;
    this.tracks = new Map();
    this.onchange();
  }

  stop() {
    this.#wanted = false;
    this.drop();
  }

  /** The WebSocket is new: what was asked through the old one gets no answer. */
  forget() {
    this.#asked = 0;
  }

  #retry() {
    this.drop();
    if (this.#wanted) this.#backoff.later(() => this.#wanted && this.pc === null && this.#asked === 0 && this.#ask());
  }

  /** @returns {boolean} */
  #restart() {
    if (this.connection.link !== 'open' || this.transport === null || this.#asked !== 0) return false;
    this.pc?.setConfiguration(configuration(this.connection.ice)); // the relay's credentials of before may have expired
    this.#ask(this.transport);
    return this.#asked !== 0;
  }

  /** @param {string} [restart] the transport whose ICE shall begin anew; otherwise a fresh one is asked for */
  #ask(restart) {
    this.#asked = this.connection.send({ type: 'subscribe', ...(restart && { restart }) });
    if (this.#asked === 0) return; // the next welcome starts it
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#asked !== 0 && this.#retry(), ANSWER_LIMIT_MS);
  }

  /** @param {import('./protocol.js').SubscribeOffer} offer */
  async #take(offer) {
    if (!this.#wanted) return;
    const pc = this.pc !== null && this.transport === offer.transport ? this.pc : this.#fresh(offer.transport);
    await pc.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    await pc.setLocalDescription();
    if (this.pc !== pc) return;
    this.#name(pc, offer);
    const answer = { transport: offer.transport, revision: offer.revision, sdp: pc.localDescription?.sdp ?? '' };
    // An answer that did not leave leaves the server waiting: claim nothing at the next hello, so that both begin anew.
    if (this.connection.send({ type: 'answer', ...answer }) === 0) this.transport = null;
  }

  /** @param {string} transport */
  #fresh(transport) {
    if (this.pc) end(this.pc);
    const pc = new RTCPeerConnection(configuration(this.connection.ice));
    this.pc = pc;
    this.transport = transport;
    this.#rescue.watch(pc);
    return pc;
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {import('./protocol.js').SubscribeOffer} offer
   */
  #name(pc, offer) {
    const receivers = new Map(pc.getTransceivers().map((transceiver) => [transceiver.mid, transceiver.receiver]));
    /** @type {Map<string, RemoteTrack>} */
    const tracks = new Map();
    for (const { mid, endpoint, source } of offer.tracks) {
      const receiver = receivers.get(mid);
      if (receiver) tracks.set(keyOf(endpoint, source), { endpoint, source, track: receiver.track, receiver });
    }
    this.tracks = tracks;
    this.onchange();
  }
}

/** Both directions of one endpoint, kept in step with the connection and with the place the server gives. */
export class Media {
  #active = false;
  /** Without a media worker nothing can be asked for. */
  #up = true;
  /** @type {import('./measure.js').Totals | null} */
  #totals = null;
  /** What the server knows already. @type {import('./measure.js').Totals | null} */
  #reported = null;
  /** The newest measurement. @type {Sample | null} */
  sample = null;
  #patient = new Patient();
  /** How the others are connected, by endpoint. @type {Map<string, import('./protocol.js').NetworkView | null>} */
  #networks = new Map();

  /**
   * @param {Connection} connection
   * @param {{publishes?: boolean}} [options] an observer only receives
   */
  constructor(connection, { publishes = true } = {}) {
    this.connection = connection;
    this.publishes = publishes;
    this.publisher = new Publisher(connection);
    this.subscriber = new Subscriber(connection);
    connection.on('welcome', (message) => {
      this.publisher.forget();
      this.subscriber.forget();
      if (!message.keep_publish) this.publisher.drop();
      if (!message.keep_subscribe) this.subscriber.drop();
    });
    connection.on('state', (message) => this.#follow(message.view));
    connection.on('media_reset', () => {
      this.publisher.drop();
      this.subscriber.drop();
      this.#up = true; // the state that says so comes a little later
      this.#run();
    });
    connection.on('farewell', () => this.close());
  }

  /** What the next `hello` names as still held. */
  held() {
    return { publish: alive(this.publisher), subscribe: alive(this.subscriber) };
  }

  /** Tracks that come in, by "endpoint/source". */
  get remote() {
    return this.subscriber.tracks;
  }

  /** @param {() => void} listener */
  set onchange(listener) {
    this.subscriber.onchange = listener;
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  set(source, track) {
    return this.publisher.set(source, track);
  }

  /** This computer has another network: both connections are told at once instead of finding out. */
  moved() {
    this.publisher.moved();
    this.subscriber.moved();
  }

  /** Measure both connections; call it once a second. */
  async poll() {
    const sources = new Map([...this.publisher.lines].flatMap(([source, { mid }]) => (mid === null ? [] : [[mid, source]])));
    const screens = new Set([...this.subscriber.tracks.values()].filter(({ source }) => source === 'screen').map(({ track }) => track.id));
    const found = await measure(this.publisher.pc, this.subscriber.pc, this.#totals, { sources, screens });
    this.#totals = found.totals;
    this.sample = found.sample;
    this.#patient.wait(this.subscriber.tracks.values(), this.#networks, found.sample);
    return found.sample;
  }

  /** Tell the server what was measured since the last time; call it every five seconds after :meth:`poll`. */
  report() {
    const [sample, totals, former] = [this.sample, this.#totals, this.#reported];
    if (sample === null || totals === null) return;
    const of = (/** @type {'up' | 'down'} */ way) => sample[way] && since(sample[way], totals, former, way);
    this.connection.send({ type: 'quality', up: of('up'), down: of('down') });
    this.#reported = totals;
  }

  /**
   * What arrives of each remote track, for pages and for tests: counters of RTCInboundRtpStreamStats.
   * @returns {Promise<Record<string, import('./measure.js').Inbound>>}
   */
  async inbound() {
    return inboundOf(this.subscriber.pc, this.subscriber.tracks);
  }

  close() {
    this.#active = false;
    this.publisher.stop();
    this.subscriber.stop();
  }

  /** @param {View} view */
  #follow(view) {
    this.#active = view.place === 'inside' || view.place === 'observing';
    this.#up = view.media === 'up';
    this.#networks = new Map(view.participants.flatMap(({ endpoint, network }) => (endpoint ? [[endpoint, network]] : [])));
    this.publisher.limits(view.max_height, view.max_video_bps);
    this.#run();
  }

  #run() {
    if (!this.#active) {
      this.publisher.stop();
      this.subscriber.stop();
    } else if (this.#up) {
      if (this.publishes) this.publisher.start();
      this.subscriber.start();
    }
  }
}

/** The name of a track among those that come in. @param {string} endpoint @param {string} source */
export function keyOf(endpoint, source) {
  return `${endpoint}/${source}`;
}

/**
 * @param {Publisher | Subscriber} half
 * @returns {string | null}
 */
function alive(half) {
  const state = half.pc?.connectionState;
  return state && state !== 'closed' ? half.transport : null;
}
