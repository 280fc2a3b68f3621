"""Known picture and sound as RTP, and an engine that feeds them: what the recorder's tests are made of."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal

import av
import numpy as np

from rooms.recording import feed

FPS = 25
OPUS_MS = 20
VIDEO_PT, AUDIO_PT, H264_PT = 96, 111, 98
MTU_PAYLOAD = 1100


@lru_cache(maxsize=8)
def vp8_frames(
    seconds: float, flashes: tuple[float, ...] = (), size: tuple[int, int] = (320, 180), key_every: int = 100
) -> tuple[bytes, ...]:
    """Encoded frames: a moving grey gradient; white for 0.2 s from each time in `flashes`."""
    options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": str(key_every), "keyint_min": str(key_every)}
    return _encoded("libvpx", options, seconds, flashes, size)


@lru_cache(maxsize=8)
def h264_frames(
    seconds: float, flashes: tuple[float, ...] = (), size: tuple[int, int] = (320, 180), key_every: int = 100
) -> tuple[bytes, ...]:
    """The same picture in constrained baseline: access units whose NAL units are each behind their length."""
    options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "threads": "1",
        "g": str(key_every),
        "keyint_min": str(key_every),
        "level": "31",
    }
    frames = _encoded("libx264", options, seconds, flashes, size)
    return tuple(split_at_start_codes(frame) for frame in frames)


def split_at_start_codes(frame: bytes) -> bytes:
    """An access unit of a byte stream (ITU-T H.264 annex B) with its NAL units behind their lengths."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in re.split(rb"\x00*\x00\x00\x01", frame)[1:])


def _encoded(
    name: Literal["libvpx", "libx264"], options: dict[str, str], seconds: float, flashes: tuple[float, ...], size: tuple[int, int]
) -> tuple[bytes, ...]:
    codec = av.CodecContext.create(name, "w")
    codec.width, codec.height = size
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, FPS)
    codec.bit_rate = 600_000
    codec.options = options
    if name == "libx264":
        codec.profile = "Baseline"
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    out: list[bytes] = []
    for index in range(round(seconds * FPS)):
        at = index / FPS
        grey = ((x + y + 7 * index) % 96 + 16).astype(np.uint8)
        if any(start <= at < start + 0.2 for start in flashes):
            grey = np.full_like(grey, 235)
        frame = av.VideoFrame.from_ndarray(np.vstack([grey, np.full((size[1] // 2, size[0]), 128, np.uint8)]), format="yuv420p")
        frame.pts = index
        frame.time_base = Fraction(1, FPS)
        out += [bytes(packet) for packet in codec.encode(frame)]
    out += [bytes(packet) for packet in codec.encode(None)]
    return tuple(out)


@lru_cache(maxsize=8)
def opus_packets(seconds: float, beeps: tuple[float, ...] = ()) -> tuple[bytes, ...]:
    """Encoded packets of 20 ms: silence; 1 kHz for 0.2 s from each time in `beeps`."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate = 48_000
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = 48_000
    time = np.arange(round(seconds * 48_000)) / 48_000
    wave = np.zeros_like(time)
    for start in beeps:
        on = (time >= start) & (time < start + 0.2)
        wave[on] = 0.5 * np.sin(2 * np.pi * 1000 * time[on])
    samples = (wave * 32767).astype(np.int16)
    out: list[bytes] = []
    for at in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 960], format="s16", layout="mono")
        frame.sample_rate = 48_000
        frame.pts = at
        out += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(out)


def rtp(payload: bytes, sequence: int, timestamp: int, ssrc: int, payload_type: int, marker: bool = False) -> bytes:
    """An RTP packet."""
    return struct.pack("!BBHII", 0x80, payload_type | (0x80 if marker else 0), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def vp8_payloads(frame: bytes, picture: int) -> list[bytes]:
    """A frame in RTP payloads, each with a 15-bit picture id as Chromium sends it (RFC 7741 section 4.2)."""
    pieces = [frame[at : at + MTU_PAYLOAD] for at in range(0, len(frame), MTU_PAYLOAD)]
    tail = bytes([0x80, 0x80 | (picture >> 8 & 0x7F), picture & 0xFF])
    return [bytes([0x90 if index == 0 else 0x80]) + tail + piece for index, piece in enumerate(pieces)]


def nal_units(frame: bytes) -> list[bytes]:
    """The NAL units of an access unit of :func:`h264_frames`."""
    units, at = [], 0
    while at < len(frame):
        size = int.from_bytes(frame[at : at + 4], "big")
        units.append(frame[at + 4 : at + 4 + size])
        at += 4 + size
    return units


def h264_key(frame: bytes) -> bool:
    """Whether an access unit holds an IDR picture."""
    return any(unit[0] & 0x1F == 5 for unit in nal_units(frame))


def h264_payloads(frame: bytes) -> list[bytes]:
    """An access unit in RTP payloads as Chromium packs it: small units together (STAP-A), large ones in fragments (FU-A)."""
    out: list[bytes] = []
    together: list[bytes] = []

    def pack() -> None:
        if len(together) > 1:
            out.append(bytes([0x78]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in together))
        else:
            out.extend(together)
        together.clear()

    for unit in nal_units(frame):
        if len(unit) > MTU_PAYLOAD:
            pack()
            pieces = [unit[at : at + MTU_PAYLOAD] for at in range(1, len(unit), MTU_PAYLOAD)]
            for index, piece in enumerate(pieces):
                mark = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
                out.append(bytes([unit[0] & 0xE0 | 28, mark | unit[0] & 0x1F]) + piece)
        else:
            if sum(2 + len(u) for u in together) + len(unit) > MTU_PAYLOAD:
                pack()
            together.append(unit)
    pack()
    return out


def sender_report(ssrc: int, ntp_us: int, timestamp: int) -> bytes:
    """An RTCP sender report."""
    ntp = ((ntp_us + 2_208_988_800_000_000) << 32) // 1_000_000
    return struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp & 0xFFFFFFFF, 0, 0)


@dataclass
class Sent:
    """One packet on its way to the recorder."""

    arrival_us: int
    handle: int
    data: bytes
    kind: int = feed.RTP


@dataclass
class Sender:
    """A track of an endpoint: turns frames into packets with arrival times. `made_us` is when its time 0 was; `codec` that of a picture."""

    handle: int
    endpoint: str
    source: str
    made_us: int
    sitting: str = "s1"
    delay_us: int = 20_000
    sequence: int = 65_500
    timestamp: int = 0xFFFF0000
    ssrc: int = 0
    codec: str = "VP8"
    _picture: int = 0
    _base: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.ssrc = self.ssrc or 1000 + self.handle
        self._base = self.timestamp

    @property
    def video(self) -> bool:
        return self.source != "microphone"

    @property
    def announcement(self) -> feed.Announcement:
        codec, hz = (self.codec, 90_000) if self.video else ("opus", 48_000)
        return feed.Announcement(self.handle, self.sitting, self.endpoint, self.source, codec, hz, self.payload_type, self.ssrc)

    @property
    def payload_type(self) -> int:
        if not self.video:
            return AUDIO_PT
        return H264_PT if self.codec == "H264" else VIDEO_PT

    def _payloads(self, frame: bytes) -> list[bytes]:
        if not self.video:
            return [frame]
        return h264_payloads(frame) if self.codec == "H264" else vp8_payloads(frame, self._picture)

    def send(self, frames: Sequence[bytes], from_s: float = 0.0) -> list[Sent]:
        """The packets of `frames`, the first of which was made at `from_s`."""
        out: list[Sent] = []
        for index, frame in enumerate(frames):
            at_s = from_s + index * (1 / FPS if self.video else OPUS_MS / 1000)
            arrival = self.made_us + round(at_s * 1e6) + self.delay_us
            stamp = self._base + round(at_s * (90_000 if self.video else 48_000))
            payloads = self._payloads(frame)
            self._picture = (self._picture + 1) & 0x7FFF
            for number, payload in enumerate(payloads):
                marker = self.video and number == len(payloads) - 1
                data = rtp(payload, self.sequence, stamp, self.ssrc, self.payload_type, marker)
                out.append(Sent(arrival, self.handle, data))
                self.sequence = (self.sequence + 1) & 0xFFFF
        return out

    def report(self, at_s: float, ntp_us: int) -> Sent:
        """A sender report made at `at_s`, when the sender's clock showed `ntp_us`."""
        stamp = self._base + round(at_s * (90_000 if self.video else 48_000))
        arrival_us = self.made_us + round(at_s * 1e6) + self.delay_us
        return Sent(arrival_us, self.handle, sender_report(self.ssrc, ntp_us, stamp), feed.SENDER_REPORT)


def merged(*streams: Iterable[Sent]) -> list[Sent]:
    """All packets in order of arrival."""
    return sorted((packet for stream in streams for packet in stream), key=lambda packet: packet.arrival_us)


class FakeEngine:
    """The engine's end of the feed. Remembers the packets it sent, to send them again to a new recorder."""

    def __init__(self, own: Path, recorder: Path) -> None:
        self._recorder = str(recorder)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(str(own))

    async def send(self, datagram: bytes) -> None:
        """Send one datagram, waiting while the recorder's queue is full."""
        while True:
            try:
                self.socket.sendto(datagram, self._recorder)
                return
            except BlockingIOError:
                await asyncio.sleep(0.0005)

    async def announce(self, *senders: Sender) -> None:
        """Announce tracks."""
        for sender in senders:
            await self.send(feed.pack_announcement(sender.announcement))

    async def end(self, sender: Sender, cause: str) -> None:
        """End a track."""
        await self.send(feed.pack_json(feed.ENDED, {"handle": sender.handle, "sitting": sender.sitting, "cause": cause}))

    async def play(self, packets: Iterable[Sent]) -> None:
        """Send packets at once, whatever their arrival times say."""
        for packet in packets:
            await self.send(feed.pack_packet(packet.kind, packet.handle, packet.arrival_us, packet.data))

    def heard(self) -> Iterator[tuple[int, dict[str, object]]]:
        """What the recorder said since the last call: type byte and fields."""
        while True:
            try:
                datagram = self.socket.recv(65_536)
            except BlockingIOError:
                return
            yield datagram[0], feed.unpack_json(datagram)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def flashes_of(path: Path) -> list[float]:
    """Times (s) in a file at which the picture turns white."""
    found: list[float] = []
    white = False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            bright = float(frame.to_ndarray(format="gray").mean()) > 180
            if bright and not white and frame.time is not None:
                found.append(frame.time)
            white = bright
    return found


def beeps_of(path: Path) -> list[float]:
    """Times (s) in a file at which a tone begins after at least 0.3 s without one."""
    found: list[float] = []
    last = -1.0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(np.float64))
            if not frame.format.name.startswith("flt"):
                samples /= 32768
            loud = np.nonzero(samples.max(axis=0) > 0.1)[0]
            if len(loud) and frame.time is not None:
                at = frame.time + float(loud[0]) / frame.sample_rate
                if last < 0 or at - last > 0.3:
                    found.append(at)
                last = frame.time + float(loud[-1]) / frame.sample_rate
    return found


def frames_of(path: Path) -> int:
    """Number of packets in a file."""
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux() if packet.size)
