"""A track: one source of one endpoint as the others know it, whichever transport publishes it just now.

Here is the gate: what routing does not permit goes no further than :meth:`Track.forward`'s caller, and neither
consumers nor the recorder see it. Here too outgoing numbers are joined when a pause ends or another stream takes over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rooms.media.engine import TrackKey

from .feed import FedTrack, Feed
from .outbox import Outbox, Target
from .packets import SenderReport
from .sequence import Rewriter, missed_ticks

if TYPE_CHECKING:
    from .publish import Producer


@dataclass(frozen=True, slots=True)
class Position:
    """The newest packet of a stream: its numbers, and when it came (monotonic seconds)."""

    seq: int
    timestamp: int
    at: float


class Copy:
    """The renumbering of one consumer, and the target that the inner loop reads.

    `send_report` is given the sender's clock: NTP time and the timestamp in the consumer's numbers.
    """

    __slots__ = ("_left_at", "_stream", "rewriter", "send_report", "sent_before", "started_at", "target")

    def __init__(self, send_report: Callable[[int, int], None]) -> None:
        self.send_report = send_report
        self.rewriter = Rewriter()
        self.target: Target | None = None
        self.sent_before = 0
        self.started_at = 0
        self._left_at: Position | None = None
        self._stream: object | None = None

    def join(self, stream: object, position: Position, producer: Producer, now: float) -> None:
        """Number the packets behind `position` of `stream`: from anywhere, or on from where this copy left."""
        rewriter, left = self.rewriter, self._left_at
        first_out = secrets.randbits(15)
        if left is not None:
            first_out = (left.seq + 1) & 0xFFFF
            if self._stream is not stream:
                elapsed = int((now - left.at) * producer.codec.clock_hz)
                rewriter.ts_offset = (left.timestamp + max(1, elapsed) - position.timestamp) & 0xFFFFFFFF
        rewriter.start((position.seq + 1) & 0xFFFF, first_out, producer.ring)

    def leave(self, stream: object | None, position: Position) -> None:
        """Remember where the numbers stand."""
        self.target = None
        if self.rewriter.started:
            seq = (position.seq + self.rewriter.seq_offset) & 0xFFFF
            timestamp = (position.timestamp + self.rewriter.ts_offset) & 0xFFFFFFFF
            self._left_at, self._stream = Position(seq, timestamp, position.at), stream

    def take_offsets(self) -> None:
        """Show the inner loop the present offsets."""
        if self.target is not None:
            self.target.seq_offset = self.rewriter.seq_offset
            self.target.ts_offset = self.rewriter.ts_offset


class Track:
    """`permitted`: packets pass. `fed`: the recorder's side, or None. `producer`: who publishes it now, or None."""

    def __init__(self, key: TrackKey, outbox: Outbox, feed: Feed, sitting: str) -> None:
        self.key = key
        self.producer: Producer | None = None
        self.permitted = False
        self.fed: FedTrack | None = None
        self.targets: list[Target] = []
        self.packets = 0
        self.octets = 0
        self.forwarded = 0
        self.recorded = 0
        self._outbox = outbox
        self._feed = feed
        self._sitting = sitting
        self._record = False
        self._recorded_before = 0
        self._copies: list[Copy] = []
        self._stream: object | None = None
        self._paused = False
        self._first = 0
        self._last_extended = 0
        self._last = Position(0, 0, 0.0)

    # -- what routing says

    def permit(self, permitted: bool, now: float) -> None:
        """Open or close the gate."""
        if permitted == self.permitted:
            return
        self.permitted = permitted
        self._paused = True
        if self.producer is not None:
            self.producer.gate_changed(now)

    def record(self, wanted: bool, cause: str) -> None:
        """Feed the recorder from the next packet on, or end that for `cause`."""
        self._record = wanted
        if not wanted and self.fed is not None:
            self._feed.end(self.fed, cause)
            self.fed = None

    def set_producer(self, producer: Producer | None) -> None:
        """Another producer takes the track over, or nobody publishes it any more."""
        self.producer = producer
        if producer is None and self.fed is not None:
            self._feed.end(self.fed, "closed")
            self.fed = None

    # -- consumers

    def attach(self, copy: Copy, target: Target, now: float) -> None:
        """Send copies to `target` from now on; asks for a key frame."""
        copy.target = target
        copy.started_at = self.packets
        producer = self.producer
        if producer is not None and self._stream is not None:
            copy.join(self._stream, self._last, producer, now)
        copy.take_offsets()
        self._copies.append(copy)
        self._refresh()
        if producer is not None:
            producer.request_key_frame(now, force=True)

    def detach(self, copy: Copy) -> None:
        """Send no more copies; the numbers go on where they stopped if it is attached again."""
        if copy not in self._copies:
            return
        self._copies.remove(copy)
        copy.sent_before += self.packets - copy.started_at
        copy.leave(self._stream, self._last)
        self._refresh()

    def sent(self, copy: Copy) -> int:
        """Packets of the track that went to `copy`."""
        return copy.sent_before + (self.packets - copy.started_at if copy in self._copies else 0)

    def _refresh(self) -> None:
        self.targets = [copy.target for copy in self._copies if copy.target is not None]

    # -- packets

    def forward(self, producer: Producer, packet: bytes, extended: int, arrival_us: int, now: float, key_frame: bool) -> None:
        """Hand one permitted packet to the recorder first, then to every consumer."""
        timestamp = int.from_bytes(packet[4:8], "big")
        if producer.stream is not self._stream or self._paused:
            self._seam(producer, extended, timestamp, now)
        if extended < self._first:
            return
        if extended >= self._last_extended:
            self._last_extended, self._last = extended, Position(extended & 0xFFFF, timestamp, now)
        self.packets += 1
        self.octets += len(packet) - 12
        if self._record:
            self._to_recorder(producer, packet, arrival_us, key_frame)
        if self.targets:
            self._outbox.fan_out(packet, self.targets)
            self.forwarded += len(self.targets)

    def skip(self, producer: Producer, extended: int) -> None:
        """A packet that carries nothing: the numbers close over it."""
        if producer.stream is not self._stream or self._paused or extended != self._last_extended + 1:
            return
        for copy in self._copies:
            copy.rewriter.resume(extended - 1, extended + 1, producer.ring)
            copy.take_offsets()
        if self.fed is not None:
            self.fed.rewriter.resume(extended - 1, extended + 1, producer.ring)
        self._last_extended, self._last = extended, Position(extended & 0xFFFF, self._last.timestamp, self._last.at)
        self._first = extended + 1

    def _seam(self, producer: Producer, extended: int, timestamp: int, now: float) -> None:
        first = (extended & 0xFFFF, timestamp)
        same = producer.stream is self._stream
        last = self._last
        elapsed = int((now - last.at) * producer.codec.clock_hz)
        missed = missed_ticks(last.timestamp, timestamp, now - last.at, producer.codec.clock_hz) if same else 0
        for copy in self._copies:
            rewriter = copy.rewriter
            if not rewriter.started:
                rewriter.start(first[0], secrets.randbits(15), producer.ring)
            elif same:
                rewriter.resume(last.seq, first[0], producer.ring, missed)
            else:
                rewriter.switch((last.seq, last.timestamp), first, elapsed, producer.ring)
            copy.take_offsets()
        if self.fed is not None:
            if same:
                self.fed.rewriter.resume(last.seq, first[0], producer.ring)
            else:
                self._feed.end(self.fed, "replaced")
                self.fed = None
        self._stream, self._paused = producer.stream, False
        self._first = self._last_extended = extended

    def _to_recorder(self, producer: Producer, packet: bytes, arrival_us: int, key_frame: bool) -> None:
        if self.fed is None:
            self.fed = self._feed.begin(self._sitting, self.key, producer.codec, producer.payload_type, producer.ssrc or 0)
            self._recorded_before = self.recorded
            self.fed.request_key_frame = producer.request_key_frame_now
            if not key_frame:
                producer.request_key_frame_now()
        self._feed.packet(self.fed, packet, arrival_us, key_frame)
        self.recorded += 1

    def sender_report(self, report: SenderReport, arrival_us: int, raw: bytes) -> None:
        """Pass the sender's clock on: to the recorder as it is, to consumers in their own numbers."""
        if not self.permitted or self._paused:
            return
        if self.fed is not None:
            self._feed.sender_report(self.fed, raw, arrival_us)
        for copy in self._copies:
            copy.send_report(report.ntp, (report.timestamp + copy.rewriter.ts_offset) & 0xFFFFFFFF)

    @property
    def fed_packets(self) -> int | None:
        """Packets that the recorder was fed since it was last told of the track; None while it is not fed."""
        return None if self.fed is None else self.recorded - self._recorded_before

    @property
    def stream(self) -> object | None:
        """Identity of the incoming stream that is being sent on."""
        return self._stream
