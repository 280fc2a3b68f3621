// How a connection is made: straight to the court, or through its relay (TURN). Knows no DOM.

/** @typedef {import('./protocol.js').Ice} Ice */

/**
 * @param {Ice | null} ice what the server told, null before it has
 * @returns {RTCConfiguration}
 */
export function configuration(ice) {
  return { bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers: ice?.servers ?? [], iceTransportPolicy: ice?.policy ?? 'all' };
}

/**
 * The way by which a connected RTCPeerConnection reaches the court.
 * @param {RTCPeerConnection} pc
 * @returns {Promise<'' | 'udp' | 'tcp' | 'tls'>} empty: straight; else through the relay, by that protocol
 */
export async function relayOf(pc) {
  const stats = await pc.getStats();
  for (const report of stats.values()) {
    if (report.type !== 'transport' || !report.selectedCandidatePairId) continue;
    const local = stats.get(stats.get(report.selectedCandidatePairId)?.localCandidateId);
    if (local?.candidateType === 'relay') return local.relayProtocol ?? 'udp';
  }
  return '';
}
