// How loud a sound is, 0 to 1 as the ear takes it. Knows no DOM.

/** @type {AudioContext | null} */
let shared = null;

/** The page's one AudioContext. Browsers let it run only after an act of the person. */
export function audioContext() {
  shared ??= new AudioContext();
  if (shared.state === 'suspended') void shared.resume().catch(() => {});
  return shared;
}

/**
 * Linear amplitude (0 to 1) on a scale from -60 dB to -6 dB.
 * @param {number} amplitude
 */
function loudness(amplitude) {
  if (amplitude <= 0.001) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(amplitude) + 60) / 54));
}

/** Level of a local track. */
export class LevelMeter {
  /** @param {MediaStreamTrack} track */
  constructor(track) {
    const context = audioContext();
    this.track = track;
    this.source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
    this.analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** 0 to 1. */
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return loudness(Math.sqrt(sum / this.samples.length) * 1.4);
  }

  close() {
    this.source.disconnect();
  }
}

/** When each receiver's newest sound was noticed: browsers disagree on the zero of its timestamp. @type {WeakMap<RTCRtpReceiver, {timestamp: number, seen_ms: number}>} */
const noticed = new WeakMap();

/**
 * Level of a remote track, from the header extension or the decoder; 0 when nothing has come for half a second.
 * @param {RTCRtpReceiver} receiver
 */
export function remoteLevel(receiver) {
  const newest = receiver.getSynchronizationSources()[0];
  if (!newest) return 0;
  const now_ms = performance.now();
  const former = noticed.get(receiver);
  if (former?.timestamp === newest.timestamp) return now_ms - former.seen_ms > 500 ? 0 : loudness(newest.audioLevel ?? 0);
  noticed.set(receiver, { timestamp: newest.timestamp, seen_ms: now_ms });
  return loudness(newest.audioLevel ?? 0);
}
