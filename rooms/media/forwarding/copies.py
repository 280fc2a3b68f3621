"""The numbering of one outgoing stream, whichever layer of a track it is made from just now.

A :class:`Line` is on one layer (or on none) and may wait for others, the one it wants most first. It moves at a key frame, and
its sequence numbers, timestamps and VP8 picture ids go on there as if nothing had been.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import packets, vp8
from .feed import FedTrack
from .outbox import Target
from .ring import Ring
from .sequence import Rewriter

if TYPE_CHECKING:
    from .layer import Layer

#: Two layers' clocks that differ from their arrivals by more are not believed.
MOST_SKEW_S = 1.0
NTP_SECOND = 1 << 32


@dataclass(frozen=True, slots=True)
class Clock:
    """What a sender report said: NTP time (64 bits) and the timestamp then. `sender` tells whose clock it is."""

    ntp: int
    timestamp: int
    sender: object


@dataclass(frozen=True, slots=True)
class _Left:
    """Where an outgoing stream stands: numbers as they went out, when the last packet came, and of which stream it was."""

    seq: int
    timestamp: int
    at: float
    stream: object | None
    descriptor: vp8.Descriptor | None
    clock: Clock | None


def difference(a: int, b: int) -> int:
    """`a` − `b` of two 32-bit timestamps, the short way round."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Line:
    """`layer`: where it is made from. `wanted`: where it waits. `first`: nothing before this packet of the layer belongs to it.
    `since`: when it was let in to the track (monotonic seconds)."""

    __slots__ = ("_left", "_pushed", "first", "layer", "rewriter", "shift", "since", "wanted")

    def __init__(self, rewriter: Rewriter) -> None:
        self.rewriter = rewriter
        self.layer: Layer | None = None
        self.wanted: tuple[Layer, ...] = ()
        self.first = 0
        self.since = 0.0
        self.shift: vp8.Shift | None = None
        self._left: _Left | None = None
        self._pushed = 0

    def enter(self, layer: Layer, extended: int, packet: bytes, now: float) -> None:
        """Number `packet` of `layer` next: as it pleases at the very beginning, else on from where this line left."""
        seq, timestamp = packet[2] << 8 | packet[3], int.from_bytes(packet[4:8], "big")
        left = self._left
        first_out = self.beginning(seq)
        if left is not None:
            first_out = left.seq + 1
            if left.stream is not layer.stream:
                self.rewriter.ts_offset = self._carried(left, layer, timestamp, now)
                self.shift = vp8.going_on(left.descriptor, self.shift, layer.describe(packet))
        self.rewriter.mark = self.shift
        self.rewriter.start(seq, first_out & 0xFFFF, layer.producer.ring)
        self.layer, self.first = layer, extended
        self.moved()

    def _carried(self, left: _Left, layer: Layer, timestamp: int, now: float) -> int:
        """The timestamp offset: by the clocks in the sender's reports where both layers have one, else by arrival."""
        hz = layer.producer.codec.clock_hz
        elapsed = max(1, int((now - left.at) * hz))
        offset = left.timestamp + elapsed - timestamp
        clock, former = layer.producer.clock, left.clock
        self._pushed = 0
        if clock is not None and former is not None and clock.sender is former.sender:
            reported = former.timestamp + ((clock.ntp - former.ntp) * hz // NTP_SECOND) - clock.timestamp
            if abs(difference(reported & 0xFFFFFFFF, offset & 0xFFFFFFFF)) < MOST_SKEW_S * hz:
                # A key frame is large and comes late: what was made after it may have gone out before.
                ahead = difference((timestamp + reported) & 0xFFFFFFFF, left.timestamp)
                self._pushed = max(0, 1 - ahead)
                offset = reported + self._pushed
        return offset & 0xFFFFFFFF

    def leave(self) -> None:
        """Remember where the numbers stand."""
        layer, self.layer = self.layer, None
        if layer is None or layer.newest is None:
            return
        rewriter, newest, clock = self.rewriter, layer.newest, layer.producer.clock
        if clock is not None:
            clock = Clock(clock.ntp, clock.timestamp + rewriter.ts_offset - self._pushed, clock.sender)
        seq = (layer.last + rewriter.seq_offset) & 0xFFFF
        timestamp = (int.from_bytes(newest[4:8], "big") + rewriter.ts_offset) & 0xFFFFFFFF
        self._left = _Left(seq, timestamp, layer.newest_at, layer.stream, layer.describe(newest), clock)

    def beginning(self, seq: int) -> int:
        """The number of the very first packet, which came as `seq`."""
        return secrets.randbits(15)

    def moved(self) -> None:
        """The offsets changed."""


class Copy(Line):
    """What one consumer gets. `target` is what the inner loop reads, None while the consumer takes nothing.

    `send_report` is given the sender's clock: NTP time and the timestamp in the consumer's numbers. `thinned`: frames of higher
    temporal layers are left out; `whole`: they are to be sent again from the next key frame on. `redundant`: each packet carries the
    sound of the one before it too (RFC 2198).
    """

    __slots__ = (
        "octets_before", "octets_then", "packets_then", "padded", "redundant", "send_report", "sent_before", "target", "thinned", "whole",
    )  # fmt: skip

    def __init__(self, send_report: Callable[[int, int], None]) -> None:
        super().__init__(Rewriter())
        self.send_report = send_report
        self.target: Target | None = None
        self.thinned = False
        self.whole = True
        self.redundant = False
        self.padded: int | None = None
        self.sent_before = self.packets_then = self.octets_before = self.octets_then = 0

    def moved(self) -> None:
        if self.target is not None:
            self.target.renumber(self.rewriter.seq_offset, self.rewriter.ts_offset)

    def enter(self, layer: Layer, extended: int, packet: bytes, now: float) -> None:
        super().enter(layer, extended, packet, now)
        self.thinned = not self.whole  # it begins with a key frame
        self.packets_then, self.octets_then = layer.packets, layer.octets

    def leave(self) -> None:
        self.sent_before, self.octets_before = self.sent, self.octets
        super().leave()

    @property
    def sent(self) -> int:
        """Packets that went to the consumer, those sent again aside."""
        return self.sent_before + (self.layer.packets - self.packets_then if self.layer is not None else 0)

    @property
    def octets(self) -> int:
        """Bytes of payload in them."""
        return self.octets_before + (self.layer.octets - self.octets_then if self.layer is not None else 0)

    def thin(self, on: bool) -> None:
        """Leave out the frames that no other needs, from now on; or send all again, as soon as a key frame makes that safe."""
        if on == (not self.whole):
            return
        self.whole = not on
        self.thinned = self.thinned or on
        if self.layer is not None:
            self.layer.thinning_changed()

    def repeat(self, on: bool, payload_type: int) -> None:
        """Send each packet with the sound of the one before it, or alone, under this payload type, from the next packet on."""
        if on != self.redundant and self.target is not None:
            self.redundant = on
            self.target.retype(payload_type)
            if self.layer is not None:
                self.layer.redundancy_changed()

    def pass_over(self, packet: bytes, extended: int, ring: Ring, begins: bool) -> None:
        """Leave this packet out: the numbers close over it, and with its first one those of its frame."""
        if begins and self.shift is None:
            self.shift = vp8.Shift(0, 0)
        if begins and self.shift is not None:
            self.shift = vp8.Shift(self.shift.picture - 1, self.shift.base)
        self.rewriter.mark = self.shift
        self.rewriter.resume(extended - 1, extended + 1, ring)
        self.uncount(packet)
        self.moved()

    def uncount(self, packet: bytes) -> None:
        """This packet of the layer did not go out."""
        self.sent_before -= 1
        self.octets_before -= len(packet) - packets.HEADER

    def catch_up(self, packet: bytes, extended: int, ring: Ring) -> None:
        """A packet of a frame that is not left out came late: it goes out under the numbers that were kept for it."""
        place = self.rewriter.place(extended & 0xFFFF, ring)
        if self.target is None or place is None or self.layer is None:
            return
        seq_offset, ts_offset, shift = place
        self.target.renumber(seq_offset, ts_offset)
        self.layer.send(packet, self.target, shift)
        self.moved()

    def pad(self, now: float, clock_hz: int) -> tuple[int, int] | None:
        """The number and timestamp of a packet that carries nothing, while nothing else is sent; None if nothing was ever sent."""
        left = self._left
        if self.layer is not None or left is None:
            return None
        number, timestamp = (left.seq + 1) & 0xFFFF, self.timestamp_at(now, clock_hz)
        if self.padded != left.seq:
            self.rewriter.pad(number)
        self.padded = number
        self._left = replace(left, seq=number)
        return number, timestamp

    def newest(self) -> int:
        """The number of the newest packet as it went out."""
        if self.layer is None:
            return self._left.seq if self._left is not None else 0
        return (self.layer.last + self.rewriter.seq_offset) & 0xFFFF

    def timestamp_at(self, now: float, clock_hz: int) -> int:
        """What a timestamp of the outgoing stream would be now."""
        last, at = 0, 0.0
        if self.layer is not None and self.layer.newest is not None:
            last, at = int.from_bytes(self.layer.newest[4:8], "big") + self.rewriter.ts_offset, self.layer.newest_at
        elif self._left is not None:
            last, at = self._left.timestamp, self._left.at
        return (last + int((now - at) * clock_hz)) & 0xFFFFFFFF

    def find(self, seq_out: int) -> tuple[bytes, int] | None:
        """The packet that went out as `seq_out` and its timestamp offset; None if it is no longer kept."""
        found = self.rewriter.find(seq_out)
        if found is None:
            return None
        packet, ts_offset, shift = found
        if shift is not None:
            packet = vp8.shifted(packet, packets.HEADER + 4 * (packet[0] & 0x0F), shift)
        return packet, ts_offset


class Recording(Line):
    """What the recorder gets: as it came, until another layer takes over."""

    __slots__ = ("fed",)

    def __init__(self, fed: FedTrack) -> None:
        super().__init__(fed.rewriter)
        self.fed = fed

    def beginning(self, seq: int) -> int:
        return seq
