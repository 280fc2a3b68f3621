// Put into every page before its own scripts: what a test must see that a page rightly keeps to itself.
(() => {
  const connections = (window.__connections = []);
  const Native = window.RTCPeerConnection;
  if (!Native) return;
  window.RTCPeerConnection = class RTCPeerConnection extends Native {
    constructor(...settings) {
      super(...settings);
      connections.push(this);
    }
  };

  // The known sound must arrive as it is: no echo cancellation, noise suppression or gain.
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const open = devices.getUserMedia.bind(devices);
  // The newest tracks of the devices, by kind: what a probe of the person's own picture and sound looks at.
  const captured = (window.__captured = {});
  devices.getUserMedia = async (wanted = {}) => {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const audio = wanted.audio ? { ...(wanted.audio === true ? {} : wanted.audio), ...plain } : wanted.audio;
    const stream = await open({ ...wanted, audio });
    for (const track of stream.getTracks()) captured[track.kind] = track;
    return stream;
  };

  const live = () => connections.filter((one) => one.connectionState !== 'closed');

  // Counters of all connections: {outbound: {audio: {packetsSent, bytesSent}, video}, inbound: [{...RTCInboundRtpStreamStats}]}
  window.__counters = async () => {
    const counters = { outbound: {}, inbound: [] };
    for (const connection of live()) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === 'outbound-rtp') {
          const sum = (counters.outbound[report.kind] ??= { packetsSent: 0, bytesSent: 0 });
          sum.packetsSent += report.packetsSent;
          sum.bytesSent += report.bytesSent;
        } else if (report.type === 'inbound-rtp') {
          const { kind, packetsReceived = 0, packetsLost = 0, framesDecoded = 0, bytesReceived = 0, trackIdentifier, mid, ssrc } = report;
          counters.inbound.push({ kind, packetsReceived, packetsLost, framesDecoded, bytesReceived, trackIdentifier, mid, ssrc });
        }
      }
    }
    return counters;
  };

  // How much sound the microphone has given to a connection: [wall clock ms, which microphone, seconds so far]. A browser that is kept
  // from running makes less than the time that passes.
  const sounded = (window.__sounded = []);
  setInterval(async () => {
    for (const connection of live()) {
      const sender = connection.getSenders().find(({ track }) => track?.kind === 'audio');
      for (const report of sender ? (await sender.getStats()).values() : []) {
        if (report.type === 'media-source') sounded.push([report.timestamp, report.id, report.totalSamplesDuration]);
      }
    }
  }, 500);

  // What a modified browser does that was muted: it goes on sending, whatever the page decided.
  window.__sendAnyway = async (kind) => {
    const track = (await open({ [kind]: kind === 'audio' ? { echoCancellation: false, noiseSuppression: false } : true })).getTracks()[0];
    let sending = 0;
    for (const connection of live()) {
      for (const transceiver of connection.getTransceivers()) {
        const isOurs = transceiver.receiver.track.kind === kind && transceiver.currentDirection === 'sendonly';
        if (!isOurs) continue;
        await transceiver.sender.replaceTrack(track);
        // The page takes the track away again with each state that it gets; a modified one does not.
        transceiver.sender.replaceTrack = async () => {};
        sending += 1;
      }
    }
    return sending;
  };

  // The page decides again.
  window.__sendAsTold = async (kind) => {
    for (const connection of live()) {
      for (const { sender } of connection.getTransceivers()) {
        if (!Object.hasOwn(sender, 'replaceTrack') || sender.track?.kind !== kind) continue;
        delete sender.replaceTrack;
        sender.track.stop();
        await sender.replaceTrack(null);
      }
    }
  };
})();
