"""The media of a robot: ICE and DTLS by aiortc, and RTP of its own above them, so that nine robots fit into a part of one core.

What is sent is real: a film of VP8 or H.264 in the robot's own grey, encoded once, and Opus. What comes is put together by the
recorder's depacketisers and decoded. aiortc's RTCPeerConnection would keep a thread for each of the 22 tracks that one of
twelve receives.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

import aioice.ice
import av
import av.error
import numpy as np
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription, candidate_to_sdp

from rooms.media.forwarding.packets import KeyFrameRequest, Nack, parse_rtcp, picture_loss
from rooms.recording import rtp as recorded
from rooms.recording.opus import OpusDepacketiser
from rooms.recording.track import CODECS as DEPACKETISERS
from rooms.recording.track import Depacketiser
from tests.rooms.recording.streams import h264_payloads, nal_units, rtp, sender_report, split_at_start_codes, vp8_payloads

VideoCodec = Literal["VP8", "H264"]
CODECS: tuple[VideoCodec, ...] = ("VP8", "H264")
SIZE, FPS, LOOP_S = (160, 90), 5, 2
SOUND_MS = 60
"""Opus packets as long as they may be: a third of the packets of a browser."""
OPUS_TYPE, VIDEO_TYPES = 111, {"VP8": 96, "H264": 98}
CONSTRAINED_BASELINE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
KEPT = 128
"""Packets of a stream that can be sent again."""
ASK_EVERY_S = 0.5
SETUP_LIMIT_S = 30.0

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # all media of the tests; aioice passes over it


@lru_cache(maxsize=1)
def _certificate() -> RTCCertificate:
    return RTCCertificate.generateCertificate()


@lru_cache(maxsize=32)
def film(codec: VideoCodec, grey: int) -> tuple[tuple[bytes, ...], ...]:
    """RTP payloads of each picture of a loop that begins with a key frame: plain grey above, a bar that moves below."""
    encoder = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.bit_rate = 60_000
    if codec == "VP8":
        encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "1000"}
    else:
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1", "g": "1000", "level": "31"}
        encoder.profile = "Baseline"
    width, height = SIZE
    encoded: list[bytes] = []
    for index in range(LOOP_S * FPS):
        luma = np.full((height, width), grey, np.uint8)
        left = index * (width - 24) // (LOOP_S * FPS)
        luma[height * 3 // 4 :, left : left + 24] = 255 - grey
        frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full((height // 2, width), 128, np.uint8)]), format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        encoded += [bytes(packet) for packet in encoder.encode(frame)]
    encoded += [bytes(packet) for packet in encoder.encode(None)]
    if codec == "VP8":
        return tuple(tuple(vp8_payloads(frame, index)) for index, frame in enumerate(encoded))
    return tuple(tuple(h264_payloads(split_at_start_codes(frame))) for frame in encoded)


@lru_cache(maxsize=4)
def sound(pitch_hz: int) -> tuple[bytes, ...]:
    """Opus packets of a loop of two seconds: a quiet tone."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48_000, "mono", "s16", 16_000
    encoder.options = {"frame_duration": str(SOUND_MS)}
    size = 48 * SOUND_MS
    count = 2000 // SOUND_MS
    wave = (2000 * np.sin(2 * np.pi * pitch_hz * np.arange(count * size) / 48_000)).astype(np.int16)
    packets: list[bytes] = []
    for index in range(count):
        frame = av.AudioFrame.from_ndarray(wave[None, index * size : (index + 1) * size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, index * size
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


class Stream:
    """One outgoing stream: numbers its packets and keeps the last of them."""

    def __init__(self, payload_type: int, hz: int) -> None:
        self.ssrc = secrets.randbits(31) + 1
        self.sent = 0
        self._type = payload_type
        self._hz = hz
        self._sequence = secrets.randbits(15)
        self._offset = secrets.randbits(31)
        self._kept: dict[int, bytes] = {}

    def _stamp(self, at_s: float) -> int:
        return self._offset + int(at_s * self._hz) & 0xFFFFFFFF

    def packets(self, payloads: Iterable[bytes], at_s: float, *, marked: bool) -> list[bytes]:
        """The packets of what was made at `at_s`; the last one is `marked`."""
        out: list[bytes] = []
        bodies = list(payloads)
        for number, payload in enumerate(bodies, 1):
            self._sequence = (self._sequence + 1) & 0xFFFF
            out.append(rtp(payload, self._sequence, self._stamp(at_s), self.ssrc, self._type, marked and number == len(bodies)))
            self._kept[self._sequence] = out[-1]
            self._kept.pop((self._sequence - KEPT) & 0xFFFF, None)
        self.sent += len(out)
        return out

    def again(self, numbers: Iterable[int]) -> list[bytes]:
        """Those packets that are still kept."""
        return [self._kept[number] for number in numbers if number in self._kept]

    def report(self, at_s: float) -> bytes:
        """A sender report of now."""
        return sender_report(self.ssrc, time.time_ns() // 1000, self._stamp(at_s))


class _Dtls(RTCDtlsTransport):
    """Hands on what came as it is, in place of aiortc's own receivers."""

    def __init__(self, ice: RTCIceTransport, on_rtp: Callable[[bytes], None], on_rtcp: Callable[[bytes], Awaitable[None]]) -> None:
        super().__init__(ice, [_certificate()])
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._on_rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        await self._on_rtcp(data)


class Transport:
    """One peer connection of a robot: an ICE agent that controls and a DTLS client, as every browser is towards the engine."""

    def __init__(self) -> None:
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = _Dtls(self._ice, self.on_rtp, self.on_rtcp)
        self._tasks: list[asyncio.Task[None]] = []

    def on_rtp(self, packet: bytes) -> None:
        """Take a packet."""

    async def on_rtcp(self, data: bytes) -> None:
        """Take a compound packet."""

    async def _lines(self, setup: str) -> list[str]:
        await self._gatherer.gather()
        own = self._gatherer.getLocalParameters()
        fingerprint = next(f for f in _certificate().getFingerprints() if f.algorithm == "sha-256")
        return [
            f"a=ice-ufrag:{own.usernameFragment}",
            f"a=ice-pwd:{own.password}",
            f"a=fingerprint:sha-256 {fingerprint.value}",
            f"a=setup:{setup}",
            *(f"a=candidate:{candidate_to_sdp(candidate)}" for candidate in self._gatherer.getLocalCandidates()),
        ]

    async def _connect(self, media: MediaDescription) -> None:
        if media.ice is None or media.dtls is None:
            raise ConnectionError("the description has no transport")
        media.ice.iceLite = True
        self._ice._connection.ice_controlling = True
        for candidate in media.ice_candidates:
            await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        async with asyncio.timeout(SETUP_LIMIT_S):
            await self._ice.start(media.ice)
            self._dtls._set_role("client")
            await self._dtls.start(media.dtls)

    async def send(self, packets: Iterable[bytes]) -> None:
        """Protect and send."""
        for packet in packets:
            await self._dtls._send_rtp(packet)

    async def close(self) -> None:
        """End it, and tell the engine. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._dtls.stop()
        await self._ice.stop()


class Publishing(Transport):
    """Sends a camera in `codec`, in this `grey`, and a microphone."""

    def __init__(self, codec: VideoCodec, grey: int) -> None:
        super().__init__()
        self.camera = Stream(VIDEO_TYPES[codec], 90_000)
        self.microphone = Stream(OPUS_TYPE, 48_000)
        self.key_frames_asked = 0
        self._codec: VideoCodec = codec
        self._film = film(codec, grey)
        self._sound = sound(300)
        self._next = 0

    async def offer(self) -> str:
        """The description for `publish`: mid 0 is the microphone, mid 1 the camera."""
        lines = await self._lines("actpass")
        number = VIDEO_TYPES[self._codec]
        video = [f"a=rtpmap:{number} {self._codec}/90000", *(f"a=rtcp-fb:{number} {f}" for f in ("nack", "nack pli", "ccm fir"))]
        if self._codec == "H264":
            video.append(f"a=fmtp:{number} {CONSTRAINED_BASELINE}")
        sections = _section("audio", "0", [OPUS_TYPE], "sendonly", [f"a=rtpmap:{OPUS_TYPE} opus/48000/2"], lines, self.microphone.ssrc)
        return _description(["0", "1"], sections + _section("video", "1", [number], "sendonly", video, lines, self.camera.ssrc))

    async def start(self, answer: str) -> None:
        """Connect as answered, and begin to send."""
        await self._connect(SessionDescription.parse(answer).media[0])
        self._tasks.append(asyncio.create_task(self._run()))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began, packets, pictures, reports = loop.time(), 0, 0, 0
        with contextlib.suppress(ConnectionError):
            while True:
                at_s = loop.time() - began
                if at_s * 1000 >= packets * SOUND_MS:
                    payload = self._sound[packets % len(self._sound)]
                    await self.send(self.microphone.packets([payload], packets * SOUND_MS / 1000, marked=False))
                    packets += 1
                if at_s * FPS >= pictures:
                    payloads = self._film[self._next]
                    self._next = (self._next + 1) % len(self._film)
                    await self.send(self.camera.packets(payloads, pictures / FPS, marked=True))
                    pictures += 1
                if at_s >= reports:
                    await self.send(stream.report(at_s) for stream in (self.microphone, self.camera))
                    reports += 1
                due_s = min(packets * SOUND_MS / 1000, pictures / FPS, reports)
                await asyncio.sleep(max(0.0, began + due_s - loop.time()))

    async def on_rtcp(self, data: bytes) -> None:
        for item in parse_rtcp(data):
            if isinstance(item, KeyFrameRequest) and item.ssrc == self.camera.ssrc:
                self.key_frames_asked += 1
                self._next = 0
            elif isinstance(item, Nack):
                await self.send(p for s in (self.camera, self.microphone) if s.ssrc == item.ssrc for p in s.again(item.numbers))


class Received:
    """What came of one track: `packets`, how often some were `lost`, decoded `frames` (of sound: packets decoded), the `codec`, and
    the brightness of the upper half of a picture."""

    def __init__(self) -> None:
        self.packets = self.lost = self.frames = self.broken = 0
        self.codec = ""
        self.luma: float | None = None
        self._decoder: Any = None
        self._depacketiser: Depacketiser = OpusDepacketiser()
        self._last: int | None = None
        self._asked_s = 0.0

    def take(self, data: bytes, codec: str) -> bool:
        """Take a packet; True if a key frame has to be asked for."""
        if codec != self.codec:
            self.codec = codec
            self._decoder = av.CodecContext.create(codec.lower(), "r")
            self._depacketiser = DEPACKETISERS[codec]()
            self._last = None
        packet = recorded.parse(data, 0)
        self.packets += 1
        if self._last is not None and packet.sequence != (self._last + 1) & 0xFFFF:
            if (packet.sequence - self._last) & 0xFFFF > 0x8000:
                return False  # sent again, and too late for us
            self.lost += 1
            self._depacketiser.lose()
        self._last = packet.sequence
        frame = self._depacketiser.push(packet)
        if frame is not None:
            self._decode(frame.data)
        now_s = time.monotonic()
        asks = self._depacketiser.wants_key_frame and now_s - self._asked_s > ASK_EVERY_S
        if asks:
            self._asked_s = now_s
        return asks

    def _decode(self, data: bytes) -> None:
        if self.codec == "H264":
            data = b"".join(b"\0\0\0\1" + unit for unit in nal_units(data))
        try:
            for frame in self._decoder.decode(av.Packet(data)):
                self.frames += 1
                if isinstance(frame, av.VideoFrame):
                    plane = frame.planes[0]
                    grey = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
                    self.luma = float(grey[: frame.height // 2, : frame.width].mean())
        except av.error.InvalidDataError:
            self.broken += 1


class Watching(Transport):
    """Receives what is offered, in the codecs that it `decodes`. `received` is by (endpoint, source); `strays`: packets of nothing that
    is offered now."""

    def __init__(self, decodes: tuple[VideoCodec, ...] = CODECS) -> None:
        super().__init__()
        self.received: dict[tuple[str, str], Received] = {}
        self.strays = 0
        self._decodes = decodes
        self._own_ssrc = secrets.randbits(31) + 1
        self._by_ssrc: dict[int, Received] = {}
        self._codecs: dict[int, str] = {}
        self._started = False
        self._wishes: set[int] = set()

    async def answer(self, offer: str, tracks: Iterable[Mapping[str, str]]) -> str:
        """The answer to an offer; what it names is received from now on."""
        names = {track["mid"]: (track["endpoint"], track["source"]) for track in tracks}
        lines = await self._lines("active")
        media = SessionDescription.parse(offer).media
        sections: list[str] = []
        by_ssrc: dict[int, Received] = {}
        for section in media:
            codecs = [c for c in section.rtp.codecs if self._knows(c)]
            self._codecs |= {int(c.payloadType or 0): c.name for c in codecs if c.name != "rtx"}
            types = [int(c.payloadType or 0) for c in codecs]
            direction = "recvonly" if section.direction == "sendonly" else "inactive"
            described = [line for c in codecs for line in _codec_lines(c)]
            sections += _section(section.kind, section.rtp.muxId, types, direction, described, lines, None)
            name = names.get(section.rtp.muxId)
            if name is not None and section.ssrc:
                by_ssrc[section.ssrc[0].ssrc] = self.received.setdefault(name, Received())
        self._by_ssrc = by_ssrc
        return _description([section.rtp.muxId for section in media], sections)

    def _knows(self, codec: RTCRtpCodecParameters) -> bool:
        return codec.name in ("opus", *self._decodes)

    async def start(self, offer: str) -> None:
        """Connect to whoever made the first offer; later ones change nothing."""
        if not self._started:
            self._started = True
            await self._connect(SessionDescription.parse(offer).media[0])
            self._tasks.append(asyncio.create_task(self._ask()))

    def on_rtp(self, packet: bytes) -> None:
        ssrc = int.from_bytes(packet[8:12], "big")
        received, codec = self._by_ssrc.get(ssrc), self._codecs.get(packet[1] & 0x7F)
        if received is None:
            self.strays += 1
        if received is not None and codec is not None and received.take(packet, codec):
            self._wishes.add(ssrc)

    async def _ask(self) -> None:
        """Ask for the key frames that are missing."""
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.1)
                wishes, self._wishes = self._wishes, set()
                await self.send(picture_loss(self._own_ssrc, ssrc) for ssrc in wishes)


def _codec_lines(codec: RTCRtpCodecParameters) -> list[str]:
    number = codec.payloadType
    channels = f"/{codec.channels}" if codec.channels == 2 else ""
    parameters = ";".join(f"{name}={value}" for name, value in codec.parameters.items())
    return [f"a=rtpmap:{number} {codec.name}/{codec.clockRate}{channels}", *([f"a=fmtp:{number} {parameters}"] if parameters else [])]


def _section(kind: str, mid: str, types: list[int], direction: str, codecs: list[str], transport: list[str], ssrc: int | None) -> list[str]:
    head = f"m={kind} {9 if types else 0} UDP/TLS/RTP/SAVPF {' '.join(map(str, types or [0]))}"
    source = [f"a=ssrc:{ssrc} cname:robot"] if ssrc is not None else []
    return [head, "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}", "a=rtcp-mux", *codecs, *source, *transport]


def _description(mids: list[str], sections: list[str]) -> str:
    head = ["v=0", f"o=- {secrets.randbits(40)} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
    return "\r\n".join(head + sections) + "\r\n"
