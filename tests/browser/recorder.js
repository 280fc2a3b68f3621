// Evaluated in a hearing's page by tests: the sound of a track as this browser has it, sample by sample.
//
// argument: {name, selector}   `selector`: whose picture element's sound; null: one's own microphone
// result: window.__heard[name] = {rate, from_ms, pieces}; `from_ms`: wall clock of the first sample; pieces of 16-bit samples, base64.
async ({ name, selector }) => {
  const track = selector === null ? window.__captured.audio : document.querySelector(selector).srcObject.getAudioTracks()[0];
  const heard = ((window.__heard ??= {})[name] = { rate: 0, from_ms: 0, pieces: [] });
  const reader = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard.from_ms ||= Date.now();
      heard.rate = value.sampleRate;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      value.close();
      const words = Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767);
      heard.pieces.push(btoa(String.fromCharCode(...new Uint8Array(words.buffer))));
    }
  };
  void read();
};
