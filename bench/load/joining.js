// Put into a page before its own scripts: notes when its button "enter" was clicked and when the first frame of somebody
// else was decoded after that, both in ms of the page's clock.
(() => {
  const noted = (window.__joining = { clicked: 0, decoded: 0 });
  addEventListener(
    'click',
    (event) => {
      if (event.target instanceof Element && event.target.closest('[data-part="enter"]')) noted.clicked = event.timeStamp;
    },
    true,
  );

  const watch = async (track) => {
    const frames = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const { value } = await frames.read();
    noted.decoded ||= performance.now();
    value?.close();
    await frames.cancel();
  };
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Native {
    constructor(...settings) {
      super(...settings);
      this.addEventListener('track', ({ track }) => track.kind === 'video' && void watch(track));
    }
  };
})();
