"""A browser of a hearing as the engine meets it: a camera in layers (RFC 8853), and what its viewer's side says each second."""

from __future__ import annotations

import random
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from bench.load.peers import VIDEO_TYPE, LoadPeer
from bench.load.traffic import CONTINUED, FRAME_RATE, OTHER_FRAME, split
from rooms.media.forwarding import packets
from rooms.media.forwarding.sdp import MID_EXTENSION, RID_EXTENSION

MID_ID, RID_ID = 4, 10
#: Lowest first: width and height, and bit/s: somewhat below what the page lets each layer have (`static/js/layers.js`).
LAYERS = {"q": ((320, 180), 130_000), "h": ((640, 360), 430_000), "f": ((1280, 720), 1_300_000)}
PACKET_BYTES = 1100
#: A key frame so often, in frames, and how many times as large as others it is: nobody answers requests here.
KEY_EVERY, KEY_TIMES = 60, 4
#: Packets that say whose they are: Chromium stops once a report has come.
NAMED = 50
#: Bytes of Opus at 32 kbit/s in 20 ms.
SPEECH_BYTES = 80
#: What a viewer's browser says that its path carries, bit/s.
CARRIES_BPS = 20_000_000
SOCKET_BYTES = 4 << 20


class SimulcastPeer(LoadPeer):
    """Offers its camera in three layers."""

    def video_lines(self) -> list[str]:
        """What makes the section a simulcast, in place of a source."""
        named = [f"a=extmap:{MID_ID} {MID_EXTENSION}", f"a=extmap:{RID_ID} {RID_EXTENSION}"]
        return [*named, *(f"a=rid:{rid} send" for rid in LAYERS), f"a=simulcast:send {';'.join(LAYERS)}"]


def key_frame(size: tuple[int, int]) -> bytes:
    """A VP8 descriptor and the beginning of a key frame of this size (RFC 7741, RFC 6386 section 9.1)."""
    return bytes((0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A)) + struct.pack("<HH", *size) + b"\1"


@dataclass(slots=True)
class LayerSender:
    """One layer, while somebody wants it (`wanted`): all packets of a frame at once. It begins with a key frame each time."""

    socket: socket.socket
    address: tuple[str, int]
    session: Any
    rid: str
    wanted: Callable[[], Collection[str]]
    mid: str = "1"
    rate: float = FRAME_RATE
    next_at: float = 0.0
    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    turns: int = 0
    since_begun: int = 0
    count: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def send(self) -> int:
        self.turns += 1
        self.next_at += 1 / self.rate
        if self.rid not in self.wanted():
            self.since_begun = 0
            return 0
        size, bps = LAYERS[self.rid]
        key = self.since_begun % KEY_EVERY == 0
        octets = int(bps / 8 / FRAME_RATE * self.chance.uniform(0.8, 1.2)) * (KEY_TIMES if key else 1)
        sizes = split(octets, -(-octets // PACKET_BYTES))
        timestamp = self.turns * int(90000 / FRAME_RATE) & 0xFFFFFFFF
        datagrams = []
        for index, length in enumerate(sizes):
            begin = CONTINUED if index else key_frame(size) if key else OTHER_FRAME
            marker = 0x80 if index == len(sizes) - 1 else 0
            named = self.count < NAMED
            head = struct.pack("!BBHII", 0x90 if named else 0x80, marker | VIDEO_TYPE, self.count & 0xFFFF, timestamp, self.ssrc)
            head += self._name() if named else b""
            datagrams.append(self.session.protect(head + begin.ljust(length, b"Z")))
            self.count += 1
        for datagram in datagrams:
            self.socket.sendto(datagram, self.address)
        self.since_begun += 1
        return len(datagrams)

    def _name(self) -> bytes:
        """The header extension (RFC 8285) with section and layer."""
        elements = b"".join(
            bytes((number << 4 | len(text) - 1,)) + text.encode() for number, text in ((MID_ID, self.mid), (RID_ID, self.rid))
        )
        padded = elements + bytes(-len(elements) % 4)
        return struct.pack("!HH", 0xBEDE, len(padded) // 4) + padded


@dataclass(slots=True)
class Browser:
    """What a browser sends besides media over `socket`: checks of consent (RFC 7675) and, as a viewer, what its path carries."""

    socket: socket.socket
    address: tuple[str, int]
    session: Any
    peer: LoadPeer
    estimates: bool
    rate: float = 1.0
    next_at: float = 0.0
    count: int = 0

    def send(self) -> int:
        if self.count % 4 == 0:
            self.check()
        if self.estimates:
            said = packets.receiver_report(1, []) + packets.bitrate_ceiling(1, CARRIES_BPS, [1])
            self.socket.sendto(self.session.protect_rtcp(said), self.address)
        self.count += 1
        self.next_at += 1 / self.rate
        return 0

    def check(self) -> None:
        """Renew consent (RFC 7675)."""
        self.socket.sendto(self.peer.check(), self.address)


async def browser(peer: LoadPeer, connect: Callable[[LoadPeer], Awaitable[LoadPeer]], *, viewer: bool) -> Browser:
    """One connection of a browser, connected, with nothing of it left on the loop."""
    sock, address, session = (await connect(peer)).take()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
    return Browser(sock, address, session, peer, viewer)
