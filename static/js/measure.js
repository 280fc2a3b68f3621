// What two RTCPeerConnections tell about the path between this page and the court: loss, delay, rates, pictures. Knows no DOM.

/**
 * @typedef {object} Counters of one direction, for the difference to the next
 * @property {number} bytes
 * @property {number} packets that came
 * @property {number} lost
 * @property {number} sound packets of sound that came
 * @property {number} sound_lost
 * @property {number} freezes
 * @property {number} frozen_ms
 */
/** @typedef {{at_ms: number, up: Counters, down: Counters}} Totals counters at one moment */
/** @typedef {'none' | 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'} PathState */
/**
 * @typedef {object} Sample
 * @property {number} rtt_ms
 * @property {number} lost_percent the worse of both directions
 * @property {PathState} publish
 * @property {PathState} subscribe
 * @property {Record<string, Outbound>} outbound by source; "" for what belongs to none
 * @property {Direction | null} up null while nothing is connected
 * @property {Direction | null} down
 */
/**
 * `height` and `layers`: lines of the largest picture that is sent now, and how many there are of it. `limited`: the browser sends less
 * than it was asked for, for want of "bandwidth" or "cpu", else "none".
 * @typedef {{packets: number, bytes: number, frames: number, height: number, layers: number, limited: string}} Outbound
 */
/** @typedef {{packets: number, bytes: number, lost: number, frames: number, height: number}} Inbound */
/** @typedef {import('./protocol.js').Direction} Direction */
/**
 * Whose the tracks are: m-line of the publish connection → source, and ids of the tracks that come in and are screens.
 * @typedef {{sources: Map<string, string>, screens: Set<string>}} Known
 */

/**
 * @param {RTCPeerConnection | null} publish
 * @param {RTCPeerConnection | null} subscribe
 * @param {Totals | null} former
 * @param {Known} [known]
 * @returns {Promise<{totals: Totals, sample: Sample}>}
 */
export async function measure(publish, subscribe, former, known = { sources: new Map(), screens: new Set() }) {
  /** @type {Totals} */
  const totals = { at_ms: performance.now(), up: zero(), down: zero() };
  /** @type {Record<string, Outbound>} */
  const outbound = {};
  const both = /** @type {const} */ ({ up: new Path(), down: new Path() });
  for (const [pc, way] of /** @type {const} */ ([[publish, 'up'], [subscribe, 'down']])) {
    if (pc === null || pc.connectionState === 'closed') continue;
    const stats = await pc.getStats();
    for (const report of stats.values()) {
      both[way].take(report, stats, totals[way], known);
      if (report.type === 'outbound-rtp') sent(outbound, known.sources.get(report.mid) ?? '', report);
    }
  }
  const up = since(both.up.now, totals, former, 'up');
  const down = since(both.down.now, totals, former, 'down');
  /** @type {Sample} */
  const sample = {
    rtt_ms: Math.max(up.rtt_ms ?? 0, down.rtt_ms ?? 0),
    lost_percent: Math.max(up.lost_percent, down.lost_percent),
    publish: publish?.connectionState ?? 'none',
    subscribe: subscribe?.connectionState ?? 'none',
    outbound,
    up: publish?.connectionState === 'connected' ? up : null,
    down: subscribe?.connectionState === 'connected' ? down : null,
  };
  return { totals, sample };
}

/** Of fewer packets no share is told: one lost in a pause of speech, in which hardly any are sent (DTX), would look like much. */
const FEW = 40;

/** @returns {Counters} */
function zero() {
  return { bytes: 0, packets: 0, lost: 0, sound: 0, sound_lost: 0, freezes: 0, frozen_ms: 0 };
}

/**
 * The direction as it is now, with what is counted reckoned from `former` on. Pure.
 * @param {Direction} now @param {Totals} totals @param {Totals | null} former @param {'up' | 'down'} way
 * @returns {Direction}
 */
export function since(now, totals, former, way) {
  if (!former || totals.at_ms <= former.at_ms) return now;
  const [counted, before] = [totals[way], former[way]];
  const passed = (/** @type {keyof Counters} */ name) => Math.max(0, counted[name] - before[name]);
  const found = { ...now, bps: (passed('bytes') * 8000) / (totals.at_ms - former.at_ms), freezes: passed('freezes'), frozen_ms: Math.min(60_000, passed('frozen_ms')) };
  if (way === 'up') return found; // what was lost on the way up only the court knows
  const sound = passed('sound') + passed('sound_lost');
  return { ...found, lost_percent: share(passed('lost'), passed('packets') + passed('lost')), sound_lost_percent: sound >= FEW ? share(passed('sound_lost'), sound) : null };
}

/** @param {number} part @param {number} whole */
function share(part, whole) {
  return whole >= FEW ? Math.min(100, (100 * part) / whole) : 0;
}

/** One direction, made of the entries of an RTCStatsReport. */
class Path {
  #camera = 0;
  /** @type {Direction} */
  now = {
    lost_percent: 0, sound_lost_percent: null, jitter_ms: 0, rtt_ms: null, bps: 0, width: 0, height: 0, frames_per_s: null,
    freezes: 0, frozen_ms: 0, limited: '', codec: '', candidate: '', protocol: '',
  };

  /** @param {any} report @param {RTCStatsReport} stats @param {Counters} counted @param {Known} known */
  take(report, stats, counted, { sources, screens }) {
    switch (report.type) {
      case 'inbound-rtp':
        this.#received(report, counted);
        this.#jitter(report);
        this.#shows(report, stats, screens.has(report.trackIdentifier));
        return;
      case 'outbound-rtp':
        counted.bytes += report.bytesSent ?? 0;
        if (report.active !== false) this.#shows(report, stats, sources.get(report.mid) === 'screen');
        return;
      case 'remote-inbound-rtp': {
        const lost_percent = Math.min(100, 100 * (report.fractionLost ?? 0));
        this.now.lost_percent = Math.max(this.now.lost_percent, lost_percent);
        if (report.kind === 'audio') this.now.sound_lost_percent = lost_percent;
        this.#jitter(report);
        return;
      }
      case 'candidate-pair': {
        if (!report.nominated || !report.currentRoundTripTime) return;
        const candidate = /** @type {any} */ (stats.get(report.localCandidateId));
        const protocol = candidate?.relayProtocol ?? candidate?.protocol ?? '';
        Object.assign(this.now, { rtt_ms: Math.min(60_000, report.currentRoundTripTime * 1000), candidate: candidate?.candidateType ?? '', protocol });
      }
    }
  }

  /** @param {any} report @param {Counters} counted */
  #received(report, counted) {
    const [packets, lost] = [report.packetsReceived ?? 0, Math.max(0, report.packetsLost ?? 0)];
    counted.bytes += report.bytesReceived ?? 0;
    counted.packets += packets;
    counted.lost += lost;
    counted.freezes += report.freezeCount ?? 0;
    counted.frozen_ms += 1000 * (report.totalFreezesDuration ?? 0);
    if (report.kind !== 'audio') return;
    counted.sound += packets;
    counted.sound_lost += lost;
  }

  /** @param {any} report */
  #jitter(report) {
    this.now.jitter_ms = Math.min(60_000, Math.max(this.now.jitter_ms, 1000 * (report.jitter ?? 0)));
  }

  /** The largest picture stands for all; the frame rate is a camera's, as a screen sends few by design. @param {any} report @param {RTCStatsReport} stats @param {boolean} screen */
  #shows(report, stats, screen) {
    const codec = (/** @type {any} */ (stats.get(report.codecId))?.mimeType ?? '').split('/')[1] ?? '';
    if (report.kind !== 'video') {
      this.now.codec ||= codec;
      return;
    }
    const height = report.frameHeight ?? 0;
    if (report.qualityLimitationReason && report.qualityLimitationReason !== 'none') this.now.limited = report.qualityLimitationReason;
    if (height > 0 && !screen && height >= this.#camera) {
      this.#camera = height;
      this.now.frames_per_s = report.framesPerSecond ?? 0;
    }
    if (height > this.now.height) Object.assign(this.now, { height, width: report.frameWidth ?? 0, codec });
  }
}

/** Layers of one picture are one source. @param {Record<string, Outbound>} outbound @param {string} source @param {any} report */
function sent(outbound, source, report) {
  const sum = (outbound[source] ??= { packets: 0, bytes: 0, frames: 0, height: 0, layers: 0, limited: 'none' });
  sum.packets += report.packetsSent ?? 0;
  sum.bytes += report.bytesSent ?? 0;
  sum.frames += report.framesEncoded ?? 0;
  if (report.kind !== 'video' || report.active === false) return;
  sum.height = Math.max(sum.height, report.frameHeight ?? 0);
  sum.layers += 1;
  if (report.qualityLimitationReason && report.qualityLimitationReason !== 'none') sum.limited = report.qualityLimitationReason;
}

/**
 * Counters of each track that comes in.
 * @param {RTCPeerConnection | null} pc
 * @param {Map<string, import('./media.js').RemoteTrack>} tracks
 * @returns {Promise<Record<string, Inbound>>}
 */
export async function inboundOf(pc, tracks) {
  /** @type {Record<string, Inbound>} */
  const found = {};
  if (pc === null || pc.connectionState === 'closed') return found;
  const names = new Map([...tracks].map(([name, { track }]) => [track.id, name]));
  for (const report of (await pc.getStats()).values()) {
    const name = report.type === 'inbound-rtp' ? names.get(report.trackIdentifier) : undefined;
    if (name === undefined) continue;
    found[name] = {
      packets: report.packetsReceived ?? 0,
      bytes: report.bytesReceived ?? 0,
      lost: report.packetsLost ?? 0,
      frames: report.framesDecoded ?? 0,
      height: report.frameHeight ?? 0,
    };
  }
  return found;
}

/** How many of four bars stand for a score; none while nothing was measured. @param {import('./protocol.js').Score | null | undefined} score @returns {0 | 1 | 2 | 3 | 4} */
export function barsOf(score) {
  return score ? /** @type {const} */ ({ good: 4, fair: 3, poor: 2, bad: 1 })[score] : 0;
}
