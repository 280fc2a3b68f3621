"""The load loop: sends RTP at a fixed rate and counts what comes back, without asyncio and without decryption."""

from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.load.peers import REPAIR_TYPES, VIDEO_TYPE

VIDEO_RATE, VIDEO_BYTES = 110.0, 1100
AUDIO_RATE, AUDIO_BYTES = 50.0, 80
FRAME_RATE = 30.0
#: Packets of one frame after another: 11 in three frames are :data:`VIDEO_RATE`.
FRAME_PACKETS = (4, 4, 3)
#: By how much packets of one frame are larger or smaller than those of another, bytes.
SPREAD = 80

#: The viewers' sockets are read so often, seconds.
READ_S = 0.005

#: A VP8 descriptor and the beginning of a key frame of 640 × 480; of any other frame.
KEY_FRAME = bytes((0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 2, 0xE0, 1))
OTHER_FRAME = bytes((0x10, 0x11, 0, 0))
#: A descriptor in the middle of a frame.
CONTINUED = bytes(4)


class Stream(Protocol):
    """What is sent over `socket` at a `rate` (1/s). The loop calls `send` when `next_at` (``time.perf_counter``) has come;
    it moves `next_at` on and returns how many RTP packets left."""

    socket: socket.socket
    rate: float
    next_at: float

    def send(self) -> int: ...


@dataclass(slots=True)
class Sender:
    """One stream of one publisher: packets of one size, evenly spaced. `sent_at` tells when each left, Unix time in ns."""

    socket: socket.socket
    address: tuple[str, int]
    session: Any
    ssrc: int
    payload_type: int
    size: int
    rate: float
    step: int
    count: int = 0
    next_at: float = 0.0
    sent_at: list[int] = field(default_factory=list)

    def send(self) -> int:
        payload = KEY_FRAME if self.count % 300 == 0 else OTHER_FRAME
        head = struct.pack("!BBHII", 0x80, 0x80 | self.payload_type, self.count & 0xFFFF, self.count * self.step & 0xFFFFFFFF, self.ssrc)
        datagram = self.session.protect(head + payload.ljust(self.size, b"Z"))
        self.sent_at.append(time.time_ns())
        self.socket.sendto(datagram, self.address)
        self.count += 1
        self.next_at += 1 / self.rate
        return 1


def split(payload: int, packets: int) -> list[int]:
    """Payload sizes of a frame's packets as Chromium divides them: equal, or the last of them one byte larger."""
    size, larger = divmod(payload, packets)
    return [size] * (packets - larger) + [size + 1] * larger


@dataclass(slots=True)
class Camera:
    """A picture as Chromium sends it: all packets of a frame at once (its pacer lets 40 ms of its rate through), nearly equal.

    They are of `size` bytes (payload) on average, those of one frame at most `spread` larger or smaller.
    """

    socket: socket.socket
    address: tuple[str, int]
    session: Any
    ssrc: int
    size: int = VIDEO_BYTES
    spread: int = SPREAD
    rate: float = FRAME_RATE
    frames: int = 0
    count: int = 0
    next_at: float = 0.0
    sent_at: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def send(self) -> int:
        packets = FRAME_PACKETS[self.frames % len(FRAME_PACKETS)]
        spread = packets * self.spread
        sizes = split(packets * self.size + self.chance.randint(-spread, spread), packets)
        timestamp = self.frames * int(90000 / FRAME_RATE) & 0xFFFFFFFF
        datagrams = []
        for index, size in enumerate(sizes):
            begin = KEY_FRAME if self.frames % 90 == 0 else OTHER_FRAME
            marker = 0x80 if index == packets - 1 else 0
            head = struct.pack("!BBHII", 0x80, marker | VIDEO_TYPE, self.count & 0xFFFF, timestamp, self.ssrc)
            datagrams.append(self.session.protect(head + (CONTINUED if index else begin).ljust(size, b"Z")))
            self.count += 1
        for datagram in datagrams:
            self.sent_at.append(time.time_ns())
            self.socket.sendto(datagram, self.address)
        self.frames += 1
        self.next_at += 1 / self.rate
        return packets


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened in the measured window: RTP packets sent and received, seconds of CPU the engine took."""

    sent: int
    received: int
    cpu_s: float
    wall_s: float

    @property
    def us_per_packet(self) -> float:
        return self.cpu_s * 1e6 / max(1, self.received)


def run(
    senders: Sequence[Stream],
    receivers: Sequence[socket.socket],
    cpu: Callable[[], float],
    warm_s: float,
    window_s: float,
    take: Callable[[socket.socket, bytearray, bool], int] | None = None,
    *,
    woken: bool = False,
) -> Counted:
    """Send for `warm_s`, then measure for `window_s`. `cpu` tells the engine's CPU time so far, in seconds.

    `take` reads all that waits at a socket and returns how many RTP packets that were, 0 if they are not to be counted. What comes to
    a viewer is read each :data:`READ_S`: were this process `woken` by it, the engine's process would do that, a call to another core
    in each send to a viewer who has nothing waiting, which no engine makes whose viewers sit elsewhere.
    """
    take = take or drain
    poll = select.epoll()
    by_descriptor = {s.fileno(): s for s in [*receivers, *{s.socket.fileno(): s.socket for s in senders}.values()]}
    counting = {s.fileno() for s in receivers}
    for descriptor in by_descriptor:
        if woken or descriptor not in counting:
            poll.register(descriptor, select.EPOLLIN)
    start = time.perf_counter()
    for index, sender in enumerate(senders):
        sender.next_at = start + index / len(senders) / sender.rate
    sent = received = 0
    begin = start + warm_s
    end = begin + window_s
    baseline = None
    read_at = end if woken else start
    buffer = bytearray(2048)
    while (now := time.perf_counter()) < end:
        if baseline is None and now >= begin:
            baseline = (sent, received, cpu(), now)
        if now >= read_at:
            read_at = now + READ_S
            received += sum(take(sock, buffer, True) for sock in receivers)
        soonest = min(end, read_at)
        for sender in senders:
            if sender.next_at <= now:
                sent += sender.send()
            soonest = min(soonest, sender.next_at)
        for descriptor, _ in poll.poll(max(0.0, soonest - time.perf_counter())):
            received += take(by_descriptor[descriptor], buffer, descriptor in counting)
    cpu_s = cpu()
    finished = time.perf_counter()
    # What is still under way belongs to the window.
    time.sleep(0.05)
    for descriptor in counting:
        received += take(by_descriptor[descriptor], buffer, True)
    poll.close()
    if baseline is None:
        raise ValueError("the window never began")
    return Counted(sent - baseline[0], received - baseline[1], cpu_s - baseline[2], finished - baseline[3])


def is_media(buffer: bytearray, size: int) -> bool:
    """Whether a datagram is an RTP packet of what was published. Padding and packets that are sent again, by which an engine tries how
    much a path carries, are none."""
    return size >= 12 and 127 < buffer[0] < 160 and not 192 <= buffer[1] <= 223 and buffer[1] & 0x7F not in REPAIR_TYPES


def drain(sock: socket.socket, buffer: bytearray, count: bool) -> int:
    """Take all that waits; packets of media among it."""
    packets = 0
    try:
        while True:
            size = sock.recv_into(buffer)
            if count and is_media(buffer, size):
                packets += 1
    except OSError:
        return packets
