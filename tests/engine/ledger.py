"""Who got whose media: every payload that somebody sent is known again by its bytes, wherever it comes out.

Sound and pictures are of noise, so that no payload is like another; engines renumber packets and the pictures in them (the payload
descriptor of VP8, RFC 7741), and leave the rest as it is. Now and then the end of a picture is a payload of its own, so short that its last
bytes would be in part its number: it is known by what follows the descriptor. One with too little behind that is nobody's.
"""

from __future__ import annotations

import asyncio
import fractions
import os
import socket
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import av
from aiortc.rtp import RtpPacket

from rooms.participant.connections import Receiving, Sending
from rooms.participant.tracks import RATE_HZ, SAMPLES, Paced
from rooms.recording import feed

KNOWN_BY, LEAST = 16, 6
"""So many bytes at the end of a payload; of a short one, what there is behind the descriptor, at least so many."""
DESCRIPTOR = 6
"""Bytes at its beginning that an engine may write anew, at most."""
LIMIT_S = 60.0


class Hiss(Paced):
    """A microphone of noise."""

    kind = "audio"

    async def recv(self) -> av.AudioFrame:
        first = await self.due() * SAMPLES
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(os.urandom(2 * SAMPLES))
        frame.pts, frame.sample_rate, frame.time_base = first, RATE_HZ, fractions.Fraction(1, RATE_HZ)
        return frame


class Snow(Paced):
    """A camera of noise: 96 × 64, ten a second."""

    kind = "video"
    period_s = 0.1

    async def recv(self) -> av.VideoFrame:
        number = await self.due()
        frame = av.VideoFrame(96, 64, "yuv420p")
        for plane in frame.planes:
            plane.update(os.urandom(plane.buffer_size))
        frame.pts, frame.time_base = number * 9000, fractions.Fraction(1, 90_000)
        return frame


@dataclass(slots=True)
class Got:
    """What came to one receiver: bytes of payload by who sent them ("" where it is not known), each with the moment of its sending."""

    payloads: list[tuple[str, float, int]] = field(default_factory=list)

    def octets(self, *senders: str, sent_after_s: float = 0.0) -> int:
        """Bytes of these senders, of all without, that were sent after a moment of the loop's clock."""
        return sum(size for who, at_s, size in self.payloads if (not senders or who in senders) and at_s >= sent_after_s)


class Ledger:
    """Everything that was sent, and everything that came. What earlier sittings sent is known too: an engine that goes on feeds the last
    seconds that it retained to a recorder that comes anew."""

    _known: ClassVar[dict[bytes, tuple[str, float]]] = {}

    def __init__(self) -> None:
        self.sent: dict[str, int] = {}
        self.got: dict[str, Got] = {}
        self._noted: set[object] = set()

    def sends(self, who: str, connection: Sending) -> None:
        """Note what leaves this connection, which is connected."""
        for transport in {sender.transport for sender in connection.pc.getSenders()}:
            send = transport._send_rtp

            async def noted(data: bytes, send=send) -> None:  # type: ignore[no-untyped-def]
                if not 192 <= data[1] <= 223:  # RTCP, RFC 5761
                    self._leaves(who, RtpPacket.parse(data).payload)
                await send(data)

            setattr(transport, "_send_rtp", noted)  # noqa: B010  a method of the connection's own

    def receives(self, who: str, connection: Receiving) -> None:
        """Note whatever media comes in on this connection, wanted or not."""
        for transport in {each.receiver.transport for each in connection.pc.getTransceivers()}:
            if transport in self._noted:
                continue
            self._noted.add(transport)
            handle = transport._handle_rtp_data

            async def noted(data: bytes, arrival_time_ms: int, handle=handle) -> None:  # type: ignore[no-untyped-def]
                self.comes(who, RtpPacket.parse(data).payload)
                await handle(data, arrival_time_ms=arrival_time_ms)

            setattr(transport, "_handle_rtp_data", noted)  # noqa: B010

    def _leaves(self, who: str, payload: bytes) -> None:
        self.sent[who] = self.sent.get(who, 0) + 1
        if len(payload) >= LEAST + DESCRIPTOR:
            self._known.setdefault(payload[DESCRIPTOR:][-KNOWN_BY:], (who, asyncio.get_running_loop().time()))

    def comes(self, who: str, payload: bytes) -> None:
        """A payload came to `who`."""
        sender, at_s = self._known.get(payload[DESCRIPTOR:][-KNOWN_BY:], ("", 0.0))
        if len(payload) >= LEAST + DESCRIPTOR:
            self.got.setdefault(who, Got()).payloads.append((sender, at_s, len(payload)))

    def of(self, who: str) -> Got:
        return self.got.setdefault(who, Got())

    async def goes_on(self, *senders: str, packets: int = 60) -> None:
        """Wait until each of them has sent so many packets more."""
        wanted = {who: self.sent.get(who, 0) + packets for who in senders}
        async with asyncio.timeout(LIMIT_S):
            while any(self.sent.get(who, 0) < count for who, count in wanted.items()):
                await asyncio.sleep(0.02)


class Tap:
    """Between engine and recorder: what the engine feeds is entered and handed on, datagram by datagram."""

    NAME = "recorder's feed"

    def __init__(self, engines_end: Path, recorders_end: Path, ledger: Ledger) -> None:
        self._target = str(recorders_end)
        self._ledger = ledger
        self._path = engines_end
        self._waiting: deque[bytes] = deque()
        engines_end.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(engines_end))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._again: asyncio.TimerHandle | None = None

    def _readable(self) -> None:
        try:
            while True:
                datagram = self._socket.recv(65536)
                if datagram[0] == feed.RTP:
                    self._ledger.comes(self.NAME, RtpPacket.parse(datagram[feed.HEADER.size :]).payload)
                self._waiting.append(datagram)
        except BlockingIOError:
            if self._again is None:
                self._hand_on()

    def _hand_on(self) -> None:
        self._again = None
        while self._waiting:
            try:
                self._socket.sendto(self._waiting[0], self._target)
            except (BlockingIOError, FileNotFoundError, ConnectionRefusedError):  # its queue is full, or it has not come back
                self._again = self._loop.call_later(0.002, self._hand_on)
                return
            self._waiting.popleft()

    def close(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)
