// What two RTCPeerConnections tell about the path between this page and the court: loss, delay, rates. Knows no DOM.

/**
 * @typedef {object} Totals counters at one moment, for the difference to the next
 * @property {number} at_ms
 * @property {number} received_bytes
 * @property {number} sent_bytes
 * @property {number} received
 * @property {number} lost
 */
/**
 * @typedef {object} Sample
 * @property {number} rtt_ms
 * @property {number} lost_percent the worse of both directions
 * @property {number} received_bps
 * @property {number} sent_bps
 * @property {'none' | 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'} publish
 * @property {'none' | 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'} subscribe
 * @property {Record<string, Outbound>} outbound by kind, "audio" and "video"
 */
/** @typedef {{packets: number, bytes: number, frames: number, height: number}} Outbound */
/** @typedef {{packets: number, bytes: number, lost: number, frames: number, height: number}} Inbound */

/**
 * @param {RTCPeerConnection | null} publish
 * @param {RTCPeerConnection | null} subscribe
 * @param {Totals | null} former
 * @returns {Promise<{totals: Totals, sample: Sample}>}
 */
export async function measure(publish, subscribe, former) {
  const totals = { at_ms: performance.now(), received_bytes: 0, sent_bytes: 0, received: 0, lost: 0 };
  /** @type {Sample} */
  const sample = {
    rtt_ms: 0,
    lost_percent: 0,
    received_bps: 0,
    sent_bps: 0,
    publish: publish?.connectionState ?? 'none',
    subscribe: subscribe?.connectionState ?? 'none',
    outbound: {},
  };
  for (const pc of [publish, subscribe]) {
    if (pc === null || pc.connectionState === 'closed') continue;
    for (const report of (await pc.getStats()).values()) take(report, totals, sample);
  }
  if (former && totals.at_ms > former.at_ms) {
    const seconds = (totals.at_ms - former.at_ms) / 1000;
    const lost = Math.max(0, totals.lost - former.lost);
    const received = Math.max(0, totals.received - former.received);
    if (lost + received > 0) sample.lost_percent = Math.max(sample.lost_percent, (100 * lost) / (lost + received));
    sample.received_bps = Math.max(0, ((totals.received_bytes - former.received_bytes) * 8) / seconds);
    sample.sent_bps = Math.max(0, ((totals.sent_bytes - former.sent_bytes) * 8) / seconds);
  }
  return { totals, sample };
}

/**
 * @param {any} report one entry of an RTCStatsReport
 * @param {Totals} totals
 * @param {Sample} sample
 */
function take(report, totals, sample) {
  switch (report.type) {
    case 'inbound-rtp':
      totals.received += report.packetsReceived ?? 0;
      totals.received_bytes += report.bytesReceived ?? 0;
      totals.lost += Math.max(0, report.packetsLost ?? 0);
      return;
    case 'outbound-rtp':
      totals.sent_bytes += report.bytesSent ?? 0;
      sample.outbound[report.kind] = {
        packets: report.packetsSent ?? 0,
        bytes: report.bytesSent ?? 0,
        frames: report.framesEncoded ?? 0,
        height: report.frameHeight ?? 0,
      };
      return;
    case 'remote-inbound-rtp':
      sample.lost_percent = Math.max(sample.lost_percent, 100 * (report.fractionLost ?? 0));
      return;
    case 'candidate-pair':
      if (report.nominated && report.currentRoundTripTime) sample.rtt_ms = Math.max(sample.rtt_ms, report.currentRoundTripTime * 1000);
  }
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
