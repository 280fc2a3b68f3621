// The path to the court, proven: what this browser sends comes back over UDP and is decoded. Knows no DOM.

import { configuration, relayOf } from './ice.js';

/** @typedef {{ok: boolean, code: import('./troubles.js').PathTrouble | '', rtt_ms: number, lost_percent: number, frames: number, relay: '' | 'udp' | 'tcp' | 'tls'}} PathResult */
/** @typedef {{ok: boolean, status: number, data: any}} Reply */

const ICE_LIMIT_MS = 10_000;
const PICTURE_LIMIT_MS = 8_000;
/** Decoded frames that prove the picture. */
const FRAMES = 15;
const SLOW_RTT_MS = 500;
const SLOW_LOST_PERCENT = 5;

/**
 * @param {MediaStreamTrack[]} tracks what is sent: the camera's and the microphone's own
 * @param {(what: 'begin' | 'publish' | 'subscribe' | 'answer' | 'end', body: unknown) => Promise<Reply>} post
 * @returns {Promise<PathResult>}
 */
export async function loopBack(tracks, post) {
  const begun = await post('begin', {});
  if (!begun.ok) return failed('no_answer');
  /** @type {import('./ice.js').Ice} */
  const ice = begun.data.ice;
  const publish = new RTCPeerConnection(configuration(ice));
  const subscribe = new RTCPeerConnection(configuration(ice));
  try {
    const result = await prove(tracks, publish, subscribe, post);
    return result.code === 'udp_blocked' && ice.servers.length > 0 ? { ...result, code: 'relay_blocked' } : result;
  } finally {
    publish.close();
    subscribe.close();
    void post('end', {});
  }
}

/**
 * @param {MediaStreamTrack[]} tracks
 * @param {RTCPeerConnection} publish
 * @param {RTCPeerConnection} subscribe
 * @param {(what: 'publish' | 'subscribe' | 'answer' | 'end', body: unknown) => Promise<Reply>} post
 * @returns {Promise<PathResult>}
 */
async function prove(tracks, publish, subscribe, post) {
  for (const track of tracks) publish.addTransceiver(track, { direction: 'sendonly', sendEncodings: track.kind === 'video' ? [{ maxBitrate: 600_000, scaleResolutionDownBy: 2 }] : [{}] });
  await publish.setLocalDescription();
  const named = publish.getTransceivers().map(({ mid, sender }) => ({ mid: mid ?? '0', source: sender.track?.kind === 'audio' ? 'microphone' : 'camera' }));
  const published = await post('publish', { sdp: publish.localDescription?.sdp ?? '', tracks: named });
  if (!published.ok) return failed(published.data?.code === 'too_many_checks' ? 'busy' : 'no_answer');
  await publish.setRemoteDescription({ type: 'answer', sdp: published.data.sdp });
  const offered = await post('subscribe', {});
  if (!offered.ok) return failed('no_answer');
  await take(subscribe, offered.data, post);
  if (!(await connected(publish)) || !(await connected(subscribe))) return failed('udp_blocked');
  return look(publish, subscribe, tracks.some((track) => track.kind === 'video'));
}

/**
 * Answer an offer, and those that came after it.
 * @param {RTCPeerConnection} pc
 * @param {any} offer
 * @param {(what: 'answer', body: unknown) => Promise<Reply>} post
 */
async function take(pc, offer, post) {
  for (let next = offer; next; ) {
    await pc.setRemoteDescription({ type: 'offer', sdp: next.sdp });
    await pc.setLocalDescription();
    const reply = await post('answer', { transport: next.transport, revision: next.revision, sdp: pc.localDescription?.sdp ?? '' });
    next = reply.ok ? reply.data.offer : null;
  }
}

/** @param {RTCPeerConnection} pc @returns {Promise<boolean>} */
function connected(pc) {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve(false), ICE_LIMIT_MS);
    const look = () => {
      if (pc.connectionState !== 'connected' && pc.connectionState !== 'failed') return;
      clearTimeout(limit);
      resolve(pc.connectionState === 'connected');
    };
    pc.onconnectionstatechange = look;
    look();
  });
}

/**
 * @param {RTCPeerConnection} publish
 * @param {RTCPeerConnection} subscribe
 * @param {boolean} picture
 * @returns {Promise<PathResult>}
 */
async function look(publish, subscribe, picture) {
  const limit = performance.now() + PICTURE_LIMIT_MS;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const figures = await read(publish, subscribe);
    const proven = picture ? figures.frames >= FRAMES : figures.packets >= 50;
    if (proven) {
      const slow = figures.rtt_ms > SLOW_RTT_MS || figures.lost_percent > SLOW_LOST_PERCENT;
      const relay = (await relayOf(publish)) || (await relayOf(subscribe));
      return { ok: true, code: slow ? 'slow' : '', rtt_ms: figures.rtt_ms, lost_percent: figures.lost_percent, frames: figures.frames, relay };
    }
    if (performance.now() > limit) return { ...failed('no_picture'), rtt_ms: figures.rtt_ms, lost_percent: figures.lost_percent, frames: figures.frames };
  }
}

/**
 * @param {RTCPeerConnection} publish
 * @param {RTCPeerConnection} subscribe
 */
async function read(publish, subscribe) {
  const figures = { frames: 0, packets: 0, lost: 0, rtt_ms: 0, lost_percent: 0 };
  for (const pc of [publish, subscribe]) {
    for (const report of (await pc.getStats()).values()) {
      if (report.type === 'inbound-rtp') {
        figures.frames += report.framesDecoded ?? 0;
        figures.packets += report.packetsReceived ?? 0;
        figures.lost += Math.max(0, report.packetsLost ?? 0);
      } else if (report.type === 'candidate-pair' && report.nominated) {
        figures.rtt_ms = Math.max(figures.rtt_ms, (report.currentRoundTripTime ?? 0) * 1000);
      }
    }
  }
  figures.lost_percent = (100 * figures.lost) / Math.max(1, figures.lost + figures.packets);
  return figures;
}

/** @param {import('./troubles.js').PathTrouble} code @returns {PathResult} */
function failed(code) {
  return { ok: false, code, rtt_ms: 0, lost_percent: 0, frames: 0, relay: '' };
}
