// Evaluated in a hearing's page by tests: how long this person was without another's picture or sound.
//
// argument: the other's name   result: window.__flow[name] = {picture, sound}, each {count, longest_ms, last_ms, reset()}
// A picture counts as long as a new frame of it is presented and nothing covers it; sound as long as its packets arrive.
(name) => {
  const flows = (window.__flow ??= {});
  const tile = document.querySelector(`hearing-tile[aria-label*="${name}"]`);
  const video = tile.querySelector('video');
  const cover = tile.querySelector('.tile-cover');

  class Flow {
    count = 0;
    longest_ms = 0;
    last_ms = performance.now();
    reset() {
      this.count = this.longest_ms = 0;
    }
    // `items` more of it, the newest at `at_ms`.
    more(at_ms, items = 1) {
      this.longest_ms = Math.max(this.longest_ms, at_ms - this.last_ms);
      this.last_ms = at_ms;
      this.count += items;
    }
  }
  const picture = new Flow();
  const sound = new Flow();
  // Packets so far of each connection that has carried it: a new one counts from nothing, and its track may have the same id.
  const known = new Map();
  const track = () => video.srcObject?.getAudioTracks()[0]?.id;
  flows[name] = { picture, sound };

  const look = (now) => {
    if (cover.hidden) picture.more(now);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);

  // One look serves everybody's sound: the statistics of a page cost more than its media if each asks for them.
  const heard = (window.__heard ??= []);
  heard.push({ track, known, sound });
  if (heard.length > 1) return;
  const listen = async () => {
    for (const connection of window.__connections) {
      if (connection.connectionState === 'closed') continue;
      for (const report of (await connection.getStats()).values()) {
        if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue;
        for (const one of heard.filter((each) => each.track() === report.trackIdentifier)) {
          const news = report.packetsReceived - (one.known.get(connection) ?? 0);
          one.known.set(connection, report.packetsReceived);
          if (news > 0) one.sound.more(report.lastPacketReceivedTimestamp - performance.timeOrigin, news);
        }
      }
    }
    setTimeout(listen, 100);
  };
  void listen();
};
