"""Real picture and sound as a browser sends them: encoded once, packetised and protected while they are sent."""

from __future__ import annotations

import socket
import time
from collections import deque
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np

from bench.load.peers import AUDIO_TYPE, VIDEO_TYPE, LoadPeer
from bench.load.traffic import Stream
from tests.rooms.recording.streams import FPS, OPUS_MS, opus_packets, rtp, sender_report, vp8_payloads

LOOP_S = 4
#: Size of a key frame, percent of a frame's share of the bit rate: browsers keep it low, since a burst is lost on a narrow link.
MAX_INTRA = 400
#: Pacing, as browsers do it: so many packets at once, then a pause (s).
AT_ONCE, PAUSE_S = 8, 0.005
#: How often a sender tells its clock and a peer confirms that it still wants media (RFC 7675 has 5 s), seconds.
REPORT_EVERY_S = 1.0
CHECK_EVERY_S = 4.0


@lru_cache(maxsize=4)
def picture(width: int, height: int, bit_rate: int) -> tuple[bytes, ...]:
    """A loop of encoded frames that begins with a key frame: a slow pan over noise, so that the encoder needs its whole bit rate."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = Fraction(1, FPS)
    codec.bit_rate = bit_rate
    codec.options = {"deadline": "realtime", "cpu-used": "10", "lag-in-frames": "0", "g": "10000", "max-intra-rate": str(MAX_INTRA)}
    noise = np.random.default_rng(1).integers(0, 80, (height, width + LOOP_S * FPS * 4), dtype=np.uint8)
    frames: list[bytes] = []
    for index in range(LOOP_S * FPS):
        grey = noise[:, index * 4 : index * 4 + width] + 80
        frame = av.VideoFrame.from_ndarray(np.vstack([grey, np.full((height // 2, width), 128, np.uint8)]), format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        frames += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(frames)


class Film:
    """One stream of one publisher, frame by frame and paced, with a sender report each second."""

    def __init__(self, sock: socket.socket, address: tuple[str, int], session: Any, ssrc: int, frames: tuple[bytes, ...], hz: int) -> None:
        self.socket = sock
        self.rate = float(FPS) if hz == 90_000 else 1000 / OPUS_MS
        self.next_at = 0.0
        self._address = address
        self._session = session
        self._ssrc = ssrc
        self._frames = frames
        self._video = hz == 90_000
        self._step = round(hz / self.rate)
        self._report_every = round(self.rate * REPORT_EVERY_S)
        self._next_frame_at = 0.0
        self._count = self._sequence = 0
        self._queue: deque[bytes] = deque()

    def send(self) -> int:
        """Send the next packets; how many."""
        if not self._queue:
            self._take_frame()
        size = min(AT_ONCE, len(self._queue))
        for _ in range(size):
            self.socket.sendto(self._session.protect(self._queue.popleft()), self._address)
        self.next_at = self.next_at + PAUSE_S if self._queue else max(self.next_at, self._next_frame_at)
        return size

    def _take_frame(self) -> None:
        frame, stamp = self._frames[self._count % len(self._frames)], self._count * self._step
        payloads = vp8_payloads(frame, self._count & 0x7FFF) if self._video else [frame]
        for payload in payloads:
            marker = self._video and payload is payloads[-1]
            self._queue.append(rtp(payload, self._sequence, stamp, self._ssrc, VIDEO_TYPE if self._video else AUDIO_TYPE, marker))
            self._sequence += 1
        if self._count % self._report_every == 0:
            report = sender_report(self._ssrc, time.time_ns() // 1000, stamp)
            self.socket.sendto(self._session.protect_rtcp(report), self._address)
        self._count += 1
        self._next_frame_at = (self._next_frame_at or self.next_at) + 1 / self.rate


class Consent:
    """A peer's connectivity checks: an engine sends nothing to whom it has not heard of for long (RFC 7675)."""

    rate = 1 / CHECK_EVERY_S

    def __init__(self, sock: socket.socket, address: tuple[str, int], peer: LoadPeer) -> None:
        self.socket = sock
        self.next_at = 0.0
        self._address = address
        self._peer = peer

    def send(self) -> int:
        """Send a check; no RTP."""
        self.socket.sendto(self._peer.check(), self._address)
        self.next_at += CHECK_EVERY_S
        return 0


def camera_and_microphone(peer: LoadPeer, size: tuple[int, int], bit_rate: int) -> list[Stream]:
    """What a publishing peer sends: picture at `bit_rate` (bit/s), sound, checks."""
    sock, address, session = peer.take()
    return [
        Film(sock, address, session, peer.video_ssrc, picture(*size, bit_rate), 90_000),
        Film(sock, address, session, peer.audio_ssrc, opus_packets(float(LOOP_S), (1.0,)), 48_000),
        Consent(sock, address, peer),
    ]


def viewer(peer: LoadPeer) -> tuple[socket.socket, Stream]:
    """A subscribing peer's socket, and the checks that keep it supplied."""
    sock, address, _ = peer.take()
    return sock, Consent(sock, address, peer)
