"""Browsers for tests: aiortc's RTCPeerConnection, which publishes and subscribes through an engine client."""

from __future__ import annotations

import asyncio
import fractions
import re
from collections.abc import Iterable
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from rooms.media.engine import Engine, EngineEvent, Offer, Source

ROOM = "room"
SAMPLES = 960
KEY_FRAME_PATIENCE_S = 2.0
ONE_TRANSPORT = RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


class Tone(MediaStreamTrack):
    """Silence in 20 ms frames, on time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._next = 0
        self._start: float | None = None
        self._going = asyncio.Event()
        self._going.set()
        self._halted_at = 0.0

    def halt(self) -> None:
        """Send nothing, and let the clock of what is sent stand still meanwhile, as a browser does."""
        self._going.clear()
        self._halted_at = asyncio.get_running_loop().time()

    def go_on(self) -> None:
        """After :meth:`halt`."""
        assert self._start is not None
        self._start += asyncio.get_running_loop().time() - self._halted_at
        self._going.set()

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await self._going.wait()
        await asyncio.sleep(max(0.0, self._start + self._next / 48000 - loop.time()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(bytes(2 * SAMPLES))
        frame.pts, frame.sample_rate, frame.time_base = self._next, 48000, fractions.Fraction(1, 48000)
        self._next += SAMPLES
        return frame


class Picture(MediaStreamTrack):
    """Grey pictures of 160 × 120, 20 a second, each a little different."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._start: float | None = None

    async def recv(self) -> av.VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await asyncio.sleep(max(0.0, self._start + self._count / 20 - loop.time()))
        frame = av.VideoFrame(160, 120, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([self._count * 7 % 256]) * plane.buffer_size)
        frame.pts, frame.time_base = self._count * 4500, fractions.Fraction(1, 90000)
        self._count += 1
        return frame


class Receiver:
    """Takes frames of a received track and counts them; asks for a key frame where packets come and no picture, as a browser does."""

    def __init__(self, track: MediaStreamTrack, receiver: RTCRtpReceiver) -> None:
        self.track = track
        self.frames = 0
        self.pts: list[int] = []
        self._receiver = receiver
        self.task = asyncio.create_task(self._run())
        self._asking = asyncio.create_task(self._ask()) if track.kind == "video" else None

    async def _ask(self) -> None:
        packets = frames = 0
        while not self.task.done():
            await asyncio.sleep(KEY_FRAME_PATIENCE_S)
            came = {s.ssrc: s.packetsReceived for s in (await self._receiver.getStats()).values() if s.type == "inbound-rtp"}
            if sum(came.values()) > packets and self.frames == frames:
                for ssrc in came:
                    await self._receiver._send_rtcp_pli(ssrc)
            packets, frames = sum(came.values()), self.frames

    async def _run(self) -> None:
        while True:
            try:
                frame = await self.track.recv()
            except MediaStreamError:
                return
            self.frames += 1
            self.pts.append(frame.pts or 0)


def understood(sdp: str, codecs: tuple[str, ...], first_alone: bool) -> str:
    """An offer as a browser reads it that knows these video codecs only, or takes just the first of those it knows."""
    head, *sections = sdp.split("m=")
    return "m=".join([head, *(_understood(s, codecs, first_alone) if s.startswith("video") else s for s in sections)])


def _understood(section: str, codecs: tuple[str, ...], first_alone: bool) -> str:
    numbers = [n for n, name in re.findall(r"a=rtpmap:(\d+) (\w+)/", section) if name in codecs][: 1 if first_alone else None]
    numbers += [n for n, apt in re.findall(r"a=fmtp:(\d+) apt=(\d+)", section) if apt in numbers]
    line, *rest = section.split("\r\n")
    kept = [r for r in rest if not (found := re.match(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+)", r)) or found[1] in numbers]
    return "\r\n".join([" ".join([*line.split(" ")[:3], *numbers]), *kept])


class Peer:
    """One endpoint. `port` is where its media goes if not straight to the engine (a relay's).

    `codecs` are the video codecs it decodes; with `first_alone` it answers with the first of them that is offered, as some browsers do.
    """

    codecs: tuple[str, ...] = ("VP8", "H264")
    first_alone = False

    def __init__(self, client: Engine, endpoint: str, router: str = ROOM, epoch: int = 1, port: int | None = None) -> None:
        self.client = client
        self.endpoint = endpoint
        self.router = router
        self.epoch = epoch
        self.port = port
        self.publishing: RTCPeerConnection | None = None
        self.receiving: RTCPeerConnection | None = None
        self.receivers: dict[str, Receiver] = {}
        self.offers: list[Offer] = []
        self.answered = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        client.on_event(self._on_event)

    def _on_event(self, event: EngineEvent) -> None:
        if event.name == "offer" and event.endpoint == self.endpoint and event.router == self.router and self.receiving is not None:
            task = asyncio.create_task(self.take(event.fields["offer"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _through(self, sdp: str) -> str:
        """The description with the relay's port in its candidate."""
        if self.port is None:
            return sdp
        lines = []
        for line in sdp.split("\r\n"):
            words = line.split(" ")
            if line.startswith("a=candidate:"):
                words[5] = str(self.port)
            lines.append(" ".join(words))
        return "\r\n".join(lines)

    async def publish(self, sources: Iterable[Source], codec: str = "") -> RTCPeerConnection:
        """Publish, video in `codec` alone if it is named; the earlier connection is left as it is."""
        connection = self.publishing = RTCPeerConnection(ONE_TRANSPORT)
        mids = {}
        for source in sources:
            transceiver = connection.addTransceiver(Tone() if source is Source.MICROPHONE else Picture(), direction="sendonly")
            if codec and transceiver.kind == "video":
                known = RTCRtpSender.getCapabilities("video").codecs
                transceiver.setCodecPreferences([c for c in known if c.mimeType in (f"video/{codec}", "video/rtx")])
        await connection.setLocalDescription(await connection.createOffer())
        for transceiver, source in zip(connection.getTransceivers(), sources, strict=True):
            mids[str(transceiver.mid)] = source
        published = await self.client.publish(self.router, self.epoch, self.endpoint, connection.localDescription.sdp, mids)
        await connection.setRemoteDescription(RTCSessionDescription(self._through(published.sdp), "answer"))
        return connection

    async def subscribe(self) -> Offer:
        """Subscribe and answer the first offer; later offers are answered as they come."""
        connection = self.receiving = RTCPeerConnection(ONE_TRANSPORT)

        @connection.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            transceiver = self._transceiver_of(track)
            self.receivers[str(transceiver.mid)] = Receiver(track, transceiver.receiver)

        offer = await self.client.subscribe(self.router, self.epoch, self.endpoint)
        await self.take(offer)
        return offer

    def _transceiver_of(self, track: MediaStreamTrack) -> RTCRtpTransceiver:
        assert self.receiving is not None
        return next(t for t in self.receiving.getTransceivers() if t.receiver.track is track)

    async def take(self, offer: Offer) -> None:
        """Answer an offer."""
        async with self._lock:
            connection = self.receiving
            assert connection is not None
            self.offers.append(offer)
            read = understood(self._through(offer.sdp), self.codecs, self.first_alone)
            await connection.setRemoteDescription(RTCSessionDescription(read, "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
            sdp = connection.localDescription.sdp
            await self.client.answer(self.router, self.epoch, self.endpoint, offer.transport, offer.revision, sdp)
            self.answered = offer.revision

    def frames(self, endpoint: str, source: Source) -> int:
        """Frames decoded of a track of the newest offer."""
        for track in self.offers[-1].tracks if self.offers else ():
            if track["endpoint"] == endpoint and track["source"] == source and track["mid"] in self.receivers:
                return self.receivers[track["mid"]].frames
        return 0

    def sender(self, kind: str) -> RTCRtpSender:
        assert self.publishing is not None
        return next(s for s in self.publishing.getSenders() if s.kind == kind)

    async def sent(self, kind: str) -> int:
        """Packets that the publishing side sent."""
        stats: Any = await self.sender(kind).getStats()
        return next(int(s.packetsSent) for s in stats.values() if s.type == "outbound-rtp")

    async def close(self) -> None:
        for connection in (self.publishing, self.receiving):
            if connection is not None:
                await connection.close()
