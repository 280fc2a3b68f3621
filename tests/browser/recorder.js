// Evaluated in a hearing's page by tests: the sound of a track as this browser has it, sample by sample.
//
// argument: {name, selector}   `selector`: whose picture element's sound; null: one's own microphone
// result: window.__heard[name] = {rate, from_ms, pieces}; `from_ms`: wall clock of the first sample; pieces of samples (32-bit floats).
// Nothing is made of them while they come, and many may wait: what a busy page does not fetch in time would be left out.
async ({ name, selector }) => {
  const WAITING = 5000; // of 10 ms each
  const track = selector === null ? window.__captured.audio : document.querySelector(selector).srcObject.getAudioTracks()[0];
  const heard = ((window.__heard ??= {})[name] = { rate: 0, from_ms: 0, pieces: [] });
  const reader = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: WAITING }).readable.getReader();
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard.from_ms ||= Date.now();
      heard.rate = value.sampleRate;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      value.close();
      heard.pieces.push(samples);
    }
  };
  void read();
};
