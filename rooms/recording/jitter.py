"""The jitter buffer: packets in as they come, packets out in order. No I/O and no clock of its own.

The engine asks the sender for what is lost (NACK), so a packet may come a second time or long after its successors.
The buffer waits for a missing packet until the oldest packet behind the hole has waited `limit_us`; then the hole is
given up and reported as lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rooms.recording.rtp import Packet

START_HOLD_US = 100_000
LIMIT_US = 1_000_000
JUMP = 3000
"""A sequence number further away than this (RFC 3550 appendix A.1, MAX_DROPOUT) is another stream, not a hole."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`packets` in a row never came."""

    packets: int


class JitterBuffer:
    """`push` each packet, then take what `pop` yields; call `pop` again every 0.1 s so that holes are given up.

    Counters: `accepted` packets taken in, `duplicates`, `late` (came after their place was given up), `lost`.
    """

    def __init__(self, limit_us: int = LIMIT_US, start_hold_us: int = START_HOLD_US) -> None:
        self.accepted = self.duplicates = self.late = self.lost = 0
        self._limit_us = limit_us
        self._start_hold_us = start_hold_us
        self._buffer: dict[int, Packet] = {}
        self._begun = False
        self._next = 0
        self._started = False
        self._start_us = 0
        self._highest = 0
        self._elsewhere: int | None = None
        self._given_up: dict[int, None] = {}

    def push(self, packet: Packet) -> bool:
        """Take a packet in; False if it was a duplicate, too late, or lonely far away from its stream."""
        if not self._begun:
            self._begin(packet)
            return True
        step = ((packet.sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
        if step > JUMP or step < -JUMP:
            return self._far(packet)
        self._elsewhere = None
        number = self._highest + step
        if number < self._next and self._started:
            if number in self._given_up:
                del self._given_up[number]
                self.late += 1
            else:
                self.duplicates += 1
            return False
        if number in self._buffer:
            self.duplicates += 1
            return False
        self._buffer[number] = packet
        self._highest = max(self._highest, number)
        self._next = min(self._next, number)
        self.accepted += 1
        return True

    def _begin(self, packet: Packet) -> None:
        self._begun = True
        self._next = self._highest = packet.sequence + 0x10000  # room below for packets that were overtaken
        self._buffer = {self._next: packet}
        self._started = False
        self._start_us = packet.arrival_us
        self._elsewhere = None
        self._given_up.clear()
        self.accepted += 1

    def _far(self, packet: Packet) -> bool:
        """Two packets in a row far from the stream, one behind the other: the sender began anew."""
        if self._elsewhere != packet.sequence:
            self._elsewhere = (packet.sequence + 1) & 0xFFFF
            return False
        self._begin(packet)
        return True

    def pop(self, now_us: int) -> Iterator[Packet | Loss]:
        """What is due at `now_us` (the engine's clock): packets in order, and a :class:`Loss` for each hole given up."""
        if not self._started:
            if not self._begun or now_us - self._start_us < self._start_hold_us:
                return
            self._started = True
        yield from self._drain(now_us, self._limit_us)

    def flush(self) -> Iterator[Packet | Loss]:
        """All that is left, without waiting; holes are reported as lost."""
        if self._begun:
            self._started = True
            yield from self._drain(0, None)

    def _drain(self, now_us: int, limit_us: int | None) -> Iterator[Packet | Loss]:
        buffer = self._buffer
        while buffer:
            packet = buffer.pop(self._next, None)
            if packet is not None:
                self._next += 1
                yield packet
                continue
            if limit_us is not None and now_us - next(iter(buffer.values())).arrival_us < limit_us:
                return
            yield self._give_up(min(buffer) - self._next)

    def _give_up(self, packets: int) -> Loss:
        for number in range(self._next, self._next + packets):
            self._given_up[number] = None
        while len(self._given_up) > JUMP:
            del self._given_up[next(iter(self._given_up))]
        self._next += packets
        self.lost += packets
        return Loss(packets)
