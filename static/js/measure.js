// What two RTCPeerConnections tell about the path between this page and the court: loss, delay, rates, pictures. Knows no DOM.

/**
 * @typedef {object} Totals counters at one moment, for the difference to the next
 * @property {number} at_ms
 * @property {number} received_bytes
 * @property {number} sent_bytes
 * @property {number} received
 * @property {number} lost
 * @property {number} freezes
 */
/** @typedef {'none' | 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'} PathState */
/**
 * @typedef {object} Sample
 * @property {number} rtt_ms
 * @property {number} lost_percent the worse of both directions
 * @property {number} received_bps
 * @property {number} sent_bps
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
 * @param {RTCPeerConnection | null} publish
 * @param {RTCPeerConnection | null} subscribe
 * @param {Totals | null} former
 * @param {Map<string, string>} [sources] m-line of the publish connection → source
 * @returns {Promise<{totals: Totals, sample: Sample}>}
 */
export async function measure(publish, subscribe, former, sources = new Map()) {
  /** @type {Totals} */
  const totals = { at_ms: performance.now(), received_bytes: 0, sent_bytes: 0, received: 0, lost: 0, freezes: 0 };
  /** @type {Sample} */
  const sample = {
    rtt_ms: 0,
    lost_percent: 0,
    received_bps: 0,
    sent_bps: 0,
    publish: publish?.connectionState ?? 'none',
    subscribe: subscribe?.connectionState ?? 'none',
    outbound: {},
    up: publish?.connectionState === 'connected' ? nothing() : null,
    down: subscribe?.connectionState === 'connected' ? nothing() : null,
  };
  for (const [pc, direction] of /** @type {const} */ ([[publish, 'up'], [subscribe, 'down']])) {
    if (pc === null || pc.connectionState === 'closed') continue;
    const stats = await pc.getStats();
    const path = sample[direction] ?? nothing();
    for (const report of stats.values()) take(report, stats, totals, sample, path, sources);
  }
  if (former && totals.at_ms > former.at_ms) {
    const seconds = (totals.at_ms - former.at_ms) / 1000;
    const lost = Math.max(0, totals.lost - former.lost);
    const received = Math.max(0, totals.received - former.received);
    const percent = lost + received > 0 ? (100 * lost) / (lost + received) : 0;
    sample.lost_percent = Math.max(sample.lost_percent, percent);
    sample.received_bps = Math.max(0, ((totals.received_bytes - former.received_bytes) * 8) / seconds);
    sample.sent_bps = Math.max(0, ((totals.sent_bytes - former.sent_bytes) * 8) / seconds);
    if (sample.up) sample.up.bps = sample.sent_bps;
    if (sample.down) Object.assign(sample.down, { bps: sample.received_bps, lost_percent: percent, freezes: Math.max(0, totals.freezes - former.freezes) });
  }
  return { totals, sample };
}

/** @returns {Direction} */
function nothing() {
  return { lost_percent: 0, jitter_ms: 0, rtt_ms: null, bps: 0, height: 0, frames_per_s: 0, freezes: 0, codec: '', candidate: '', protocol: '' };
}

/**
 * @param {any} report one entry of an RTCStatsReport
 * @param {RTCStatsReport} stats
 * @param {Totals} totals
 * @param {Sample} sample
 * @param {Direction} path of the connection that the report is of
 * @param {Map<string, string>} sources
 */
function take(report, stats, totals, sample, path, sources) {
  switch (report.type) {
    case 'inbound-rtp':
      totals.received += report.packetsReceived ?? 0;
      totals.received_bytes += report.bytesReceived ?? 0;
      totals.lost += Math.max(0, report.packetsLost ?? 0);
      totals.freezes += report.freezeCount ?? 0;
      path.jitter_ms = Math.max(path.jitter_ms, 1000 * (report.jitter ?? 0));
      if (report.kind === 'video') picture(path, report, stats);
      return;
    case 'outbound-rtp':
      totals.sent_bytes += report.bytesSent ?? 0;
      sent(sample, sources.get(report.mid) ?? '', report);
      if (report.kind === 'video' && report.active !== false) picture(path, report, stats);
      return;
    case 'remote-inbound-rtp':
      sample.lost_percent = Math.max(sample.lost_percent, 100 * (report.fractionLost ?? 0));
      path.lost_percent = Math.max(path.lost_percent, Math.min(100, 100 * (report.fractionLost ?? 0)));
      path.jitter_ms = Math.max(path.jitter_ms, 1000 * (report.jitter ?? 0));
      return;
    case 'candidate-pair': {
      if (!report.nominated || !report.currentRoundTripTime) return;
      const rtt_ms = report.currentRoundTripTime * 1000;
      sample.rtt_ms = Math.max(sample.rtt_ms, rtt_ms);
      const candidate = /** @type {any} */ (stats.get(report.localCandidateId));
      Object.assign(path, { rtt_ms, candidate: candidate?.candidateType ?? '', protocol: candidate?.relayProtocol ?? candidate?.protocol ?? '' });
    }
  }
}

/** The largest picture of a direction stands for it. @param {Direction} path @param {any} report @param {RTCStatsReport} stats */
function picture(path, report, stats) {
  if ((report.frameHeight ?? 0) < path.height) return;
  path.height = report.frameHeight ?? 0;
  path.frames_per_s = report.framesPerSecond ?? 0;
  const codec = /** @type {any} */ (stats.get(report.codecId));
  path.codec = codec?.mimeType?.split('/')[1] ?? path.codec;
}

/** Layers of one picture are one source. @param {Sample} sample @param {string} source @param {any} report */
function sent(sample, source, report) {
  const sum = (sample.outbound[source] ??= { packets: 0, bytes: 0, frames: 0, height: 0, layers: 0, limited: 'none' });
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

/**
 * How good a path is, in bars and in a word of the catalogue.
 * @param {{rtt_ms?: number, lost_percent?: number} | null | undefined} network
 * @returns {{bars: 0 | 1 | 2 | 3 | 4, code: 'unknown' | 'bad' | 'poor' | 'fair' | 'good'}}
 */
export function grade(network) {
  if (!network) return { bars: 0, code: 'unknown' };
  const lost = network.lost_percent ?? 0;
  const rtt = network.rtt_ms ?? 0;
  if (lost > 10 || rtt > 800) return { bars: 1, code: 'bad' };
  if (lost > 3 || rtt > 400) return { bars: 2, code: 'poor' };
  if (lost > 1 || rtt > 200) return { bars: 3, code: 'fair' };
  return { bars: 4, code: 'good' };
}
