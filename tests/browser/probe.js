// Evaluated in a page by tests: notes when the stream of a media element flashes white and when it beeps.
// Times are wall-clock milliseconds, comparable between the pages of one machine.
//
// argument: {selector: string, name: string, pitch: number}   result: window.__probes[name]
// The selector "captured" means the person's own camera and microphone, before anything is sent.
// Many of these run at once beside real media on few cores: one pixel of a frame is converted, and sound is looked at ten times a second.
({ selector, name, pitch }) => {
  const probes = (window.__probes ??= {});
  if (probes[name]) return;
  let video = document.querySelector(selector);
  if (selector === 'captured') {
    video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream(Object.values(window.__captured));
    void video.play();
  }
  if (!(video instanceof HTMLVideoElement)) throw new Error(`no video at ${selector}`);
  const stream = video.srcObject;
  const probe = (probes[name] = { flashes: [], beeps: [], frames: 0, shown: {}, colour: null, loudest: 0, stopped: false });
  const wall = (at) => performance.timeOrigin + at;

  const pixels = new Uint8Array(16);
  let white = true;
  const look = async (now, shown) => {
    if (probe.stopped) return;
    video.requestVideoFrameCallback(look);
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return; // the picture went before we came to look at it
    const frame = new VideoFrame(video);
    try {
      // Above the middle, where no bar moves; two by two, as a frame with halved colours can be cut.
      const rect = { x: 2 * Math.floor(frame.codedWidth / 4), y: 2 * Math.floor(frame.codedHeight / 6), width: 2, height: 2 };
      await frame.copyTo(pixels, { rect, format: 'RGBA' });
    } finally {
      frame.close();
    }
    const [r, g, b] = pixels;
    const isWhite = r > 225 && g > 225 && b > 225;
    if (isWhite && !white && probe.frames > 0) probe.flashes.push(wall(shown.presentationTime));
    if (!isWhite) probe.colour = [r, g, b];
    white = isWhite;
    probe.frames += 1;
    const second = Math.floor(wall(shown.presentationTime) / 1000);
    probe.shown[second] = (probe.shown[second] ?? 0) + 1;
  };
  video.requestVideoFrameCallback(look);

  const audio = stream.getAudioTracks()[0];
  if (!audio) return;
  const sound = (window.__sound ??= new AudioContext({ sampleRate: 48000 }));
  const source = new MediaStreamAudioSourceNode(sound, { mediaStream: new MediaStream([audio]) });
  const analyser = new AnalyserNode(sound, { fftSize: 32768, smoothingTimeConstant: 0 });
  source.connect(new BiquadFilterNode(sound, { type: 'bandpass', frequency: pitch, Q: 8 })).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const length = samples.length / 48000;
  let heardUntil = 0; // audio-clock seconds
  let quietFrom = 0; // one beep is noted once
  const listening = setInterval(() => {
    if (probe.stopped) {
      clearInterval(listening);
      return source.disconnect();
    }
    analyser.getFloatTimeDomainData(samples);
    const end = sound.currentTime;
    const offset = performance.now() - end * 1000;
    // What was not looked at in time is lost, and a beep may have begun in it: only a beginning that was heard counts.
    let whole = heardUntil >= end - length;
    for (let index = Math.max(0, Math.ceil((heardUntil - end + length) * 48000)); index < samples.length; index += 1) {
      const level = Math.abs(samples[index]);
      if (level > probe.loudest) probe.loudest = level;
      if (level < 0.05) continue;
      const at = end - length + index / 48000;
      if (at > quietFrom && whole) probe.beeps.push(wall(at * 1000 + offset));
      quietFrom = at + 0.2;
      whole = true;
    }
    heardUntil = end;
  }, 100);
};
