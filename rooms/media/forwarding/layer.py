"""A layer: one incoming stream of a track and the outgoing ones that are made from it. A track that is no simulcast has one.

Outgoing lines move to another layer at a key frame: it is handed to them once the layer they leave stands at the end of a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import red, vp8
from .codecs import VP8
from .copies import Copy, Line, Recording
from .native.layout import KEPT
from .outbox import Group, Outbox, Target
from .packets import HEADER
from .sequence import missed_ticks

if TYPE_CHECKING:
    from .producer import Producer
    from .track import Track

#: A key frame that is older than this is no longer where a line moves.
FRESH_S = 0.3
#: The end of a frame is not waited for longer than this.
FRAME_END_S = 0.1
#: Packets in which temporal layers are looked for.
LOOK_BACK = 30
#: Bytes of a packet in which its header, with any sources, and its VP8 descriptor end.
BEGINNING = HEADER + 4 * 15 + 6
LONG_AGO = float("-inf")


class Layer:
    """`last`, `newest` and `newest_at`: the newest packet that was handed on, its extended number, and when it came.

    `targets` get packets as they are, `groups` with VP8 numbers moved on; `waiting` gets them from the next key frame on.
    """

    def __init__(self, track: Track, producer: Producer, outbox: Outbox) -> None:
        self.track = track
        self.producer = producer
        self.copies: list[Copy] = []
        self.targets = Group()
        self.waiting: dict[Line, None] = {}
        self.leaving: dict[Line, None] = {}
        self.packets = self.octets = self.forwarded = 0
        self.last = 0
        self.newest: bytes | None = None
        self.newest_at = LONG_AGO
        self.stream: object | None = None
        self.paused = False
        self.retired = False
        self.feeding = False
        self.key_frames = 0
        self.size: tuple[int, int] | None = None
        self.thins = False
        self._thinned: list[Copy] = []
        self._redundant = Group()
        self._groups: list[tuple[vp8.Shift, Group]] = []
        self._each = False
        self._outbox = outbox
        self._first = 0
        self._guard = 0
        self._key_frame: int | None = None
        self._key_frame_at = LONG_AGO
        self._waits_for_key_frame = producer.codec.starts_key_frame is not None

    @property
    def rid(self) -> str:
        """The name of the layer (RFC 8851), empty where there is only one."""
        return self.producer.rid

    def describe(self, packet: bytes) -> vp8.Descriptor | None:
        """The VP8 numbers in a packet of this layer; None for other codecs."""
        return vp8.describe(packet, HEADER + 4 * (packet[0] & 0x0F)) if self.producer.codec is VP8 else None

    # -- packets

    def flows(self, stream: object, highest: int) -> bool:
        """Whether the packet after `highest` of this stream is only to be sent to :attr:`targets`, as it is."""
        plain = not (self.paused or self.retired or self.waiting or self.leaving or self._each)
        return plain and stream is self.stream and highest == self.last and highest + 1 >= self._guard

    def runs(self, stream: object, following: int) -> bool:
        """Whether `following` is the packet after the last one that was handed on, and nobody waits for anything."""
        return stream is self.stream and following == self.last + 1 and not (self.paused or self.waiting or self.leaving)

    def followed(self, count: int, octets: int, newest: bytes, extended: int, now: float) -> None:
        """So many packets, `newest` the last of them, with so many octets behind their headers, were sent to :attr:`targets`; there was
        nothing else to do with them."""
        self.last, self.newest, self.newest_at = extended, newest, now
        self.packets += count
        self.octets += octets
        self.forwarded += count * len(self.targets)

    def hold(self) -> None:
        """Before anything changes in who gets its packets: see :mod:`inbox`."""
        self.producer.hold()

    def forward(self, packet: bytes, extended: int, arrival_us: int, now: float, key_frame: bool, sent: bool) -> None:
        """Hand one permitted packet to the recorder first, then to every consumer, or count it if it was `sent` to them already."""
        if self.producer.stream is not self.stream or self.paused:
            self._seam(packet, extended, now)
        if extended > self.last:
            self.last, self.newest, self.newest_at = extended, packet, now
        elif extended < self._first:
            return
        self.packets += 1
        self.octets += len(packet) - HEADER
        if self.feeding:
            self.track.to_recorder(self, packet, extended, arrival_us, now, key_frame)
        if sent:
            self.forwarded += len(self.targets)
        elif self._each or extended < self._guard:
            self._fan_out_each(packet, extended)
        elif self.targets:
            self._outbox.fan_out(packet, self.targets)
            self.forwarded += len(self.targets)
        if key_frame:
            self._began(packet, extended, now)
        elif self.waiting and not self._waits_for_key_frame:
            self._key_frame, self._key_frame_at = extended, now
            self.admit(now)
        if self.leaving and packet[1] & 0x80:
            self._let_go(now)

    def _fan_out_each(self, packet: bytes, extended: int) -> None:
        targets, redundant, groups = self.targets, self._redundant, self._groups
        if extended < self._guard:
            # A late packet: not for those who came to this layer after it.
            present = [c for c in self.copies if c.first <= extended and c.target is not None and not c.thinned]
            redundant = Group(c.target for c in present if c.redundant and c.target is not None)
            present = [c for c in present if not c.redundant]
            targets = Group(c.target for c in present if c.shift is None and c.target is not None)
            groups = [(c.shift, c.target.alone) for c in present if c.shift is not None and c.target is not None]
        if targets:
            self._outbox.fan_out(packet, targets)
            self.forwarded += len(targets)
        if redundant:
            self._outbox.fan_out(self._repeating(packet, extended), redundant)
            self.forwarded += len(redundant)
        for shift, group in groups:
            self._outbox.fan_out(vp8.shifted(packet, HEADER + 4 * (packet[0] & 0x0F), shift), group)
            self.forwarded += len(group)
        if self._thinned:
            self._fan_out_thinned(packet, extended)

    def _repeating(self, packet: bytes, extended: int) -> bytes:
        """The packet with the sound of the one before it."""
        before = self.producer.ring.get(extended - 1 & 0xFFFF)
        return red.pack(packet, before, self.producer.codec.payload_type)

    def redundancy_changed(self) -> None:
        """A copy is to repeat what was sent before, or not any more."""
        self._refresh()

    def _fan_out_thinned(self, packet: bytes, extended: int) -> None:
        """Copies without the frames that no other needs (temporal layers above the lowest)."""
        told, ring = self.describe(packet), self.producer.ring
        for copy in self._thinned:
            if extended < copy.first or copy.target is None:
                continue
            if extended < self.last:
                # What came late and would have been left out is given only to who asks for it.
                if told is None or told.temporal == 0:
                    copy.catch_up(packet, extended, ring)
                else:
                    copy.uncount(packet)
            elif told is None or told.temporal == 0:
                self.send(packet, copy.target, copy.shift)
            else:
                copy.pass_over(packet, extended, ring, told.begins)

    def send(self, packet: bytes, target: Target, shift: vp8.Shift | None) -> None:
        """One packet to one consumer."""
        if shift is not None:
            packet = vp8.shifted(packet, HEADER + 4 * (packet[0] & 0x0F), shift)
        self._outbox.fan_out(packet, target.alone)
        self.forwarded += 1

    def thinning_changed(self) -> None:
        """A copy is to be thinned, or to be whole again, which it is from a key frame on."""
        if any(copy.thinned and copy.whole for copy in self.copies):
            self.producer.request_key_frame(self.newest_at, force=True)
        self._refresh()

    def look(self) -> None:
        """Each second: whether there are frames that can be left out."""
        if self.producer.codec is not VP8:
            self.thins = False
            return
        ring, last = self.producer.ring, self.last
        recent = (ring.get(number & 0xFFFF, BEGINNING) for number in range(last - LOOK_BACK, last + 1))
        self.thins = any(vp8.temporal(packet, HEADER + 4 * (packet[0] & 0x0F)) for packet in recent if packet is not None)

    def _began(self, packet: bytes, extended: int, now: float) -> None:
        """A key frame begins."""
        self.key_frames += 1
        if self._thinned and any(copy.whole for copy in self._thinned):
            if extended < self.last:
                # It came late: what came since went out under numbers that were closed over, so another one has to come.
                self.producer.request_key_frame(now, force=True)
            for copy in self._thinned if extended == self.last else ():
                if copy.whole:
                    # What comes late of before has other numbers: it is given to who asks for it.
                    copy.thinned, copy.first = False, extended
            self._refresh()
        measure = self.producer.codec.picture_size
        size = measure(packet, HEADER + 4 * (packet[0] & 0x0F)) if measure is not None else None
        if size is not None and size != self.size:
            self.size = size
            self.track.stir()
        self._key_frame, self._key_frame_at = extended, now
        if self.waiting:
            self.admit(now)

    def skip(self, extended: int) -> None:
        """A packet that carries nothing: the numbers close over it."""
        if self.producer.stream is not self.stream or self.paused or extended != self.last + 1:
            return
        for line in self.lines():
            line.rewriter.resume(extended - 1, extended + 1, self.producer.ring)
            line.moved()
        self.last = extended
        self._first = extended + 1

    def _seam(self, packet: bytes, extended: int, now: float) -> None:
        """The first packet after a pause, or of another stream."""
        producer, former = self.producer, self.newest
        same = producer.stream is self.stream
        if not same:
            self._key_frame = None
            for line in self.lines():
                line.leave()
            self.stream = producer.stream
            for copy in self.copies:
                copy.enter(self, extended, packet, now)
            self.track.stream_changed(self)
        elif former is not None:
            last, timestamp = int.from_bytes(former[4:8], "big"), int.from_bytes(packet[4:8], "big")
            missed = missed_ticks(last, timestamp, now - self.newest_at, producer.codec.clock_hz)
            for line in self.lines():
                line.rewriter.resume(self.last & 0xFFFF, extended & 0xFFFF, producer.ring, 0 if isinstance(line, Recording) else missed)
                line.moved()
        self.paused = False
        self._first = self._guard = extended
        self.last = extended - 1
        self._refresh()
        self.track.stir()

    # -- who is on it

    def lines(self) -> list[Line]:
        """All that is made from this layer."""
        recording = self.track.recording
        return [*self.copies, recording] if recording is not None and recording.layer is self else [*self.copies]

    def admit(self, now: float) -> None:
        """Let in who waits for the key frame that began last, as soon as the layer it comes from ends a frame."""
        if self._key_frame is None or self.producer.stream is not self.stream:
            return
        for line in list(self.waiting):
            if self._key_frame_fits(line, now):
                former = line.layer
                if former is None or former.rests(now):
                    self._admit(line, now)
                else:
                    former.hold()
                    former.leaving[line] = None

    def _key_frame_fits(self, line: Line, now: float) -> bool:
        """Whether the line may begin with the newest key frame, all of which the ring has."""
        key_frame = self._key_frame
        if key_frame is None or self.last - key_frame >= KEPT // 2:
            return False
        # What was sent before somebody had the right to it is not theirs.
        return line.since <= self._key_frame_at and now - self._key_frame_at <= FRESH_S

    def rests(self, now: float) -> bool:
        """True where a frame ended, or where none goes on."""
        newest = self.newest
        return newest is None or self.paused or self.retired or newest[1] & 0x80 != 0 or now - self.newest_at > FRAME_END_S

    def _let_go(self, now: float) -> None:
        leaving, self.leaving = self.leaving, {}
        for line in leaving:
            for layer in line.wanted:
                layer.admit(now)

    def _admit(self, line: Line, now: float) -> None:
        key_frame, ring = self._key_frame, self.producer.ring
        first = ring.get(key_frame & 0xFFFF) if key_frame is not None else None
        if key_frame is None or first is None:
            return
        former = line.layer
        if former is not None:
            former.remove(line)
        line.enter(self, key_frame, first, now)
        preferred = line.wanted.index(self)
        for layer in line.wanted[preferred:]:
            layer.waiting.pop(line, None)
        line.wanted = line.wanted[:preferred]
        for number in range(key_frame, self.last + 1):
            packet = ring.get(number & 0xFFFF)
            if packet is not None:
                self._hand(line, packet, number == key_frame)
        if isinstance(line, Copy):
            self.copies.append(line)
        self._refresh()
        self.track.line_moved(line, former)

    def _hand(self, line: Line, packet: bytes, key_frame: bool) -> None:
        """One packet that was kept, to a line that begins with it or behind it."""
        if isinstance(line, Recording):
            self.track.feed_late(line, packet, key_frame)
        elif isinstance(line, Copy) and line.target is not None:
            extended = self.producer.reception.extend(packet[2] << 8 | packet[3])
            self.send(self._repeating(packet, extended) if line.redundant else packet, line.target, line.shift)
            line.sent_before += 1
            line.octets_before += len(packet) - HEADER

    def remove(self, line: Line) -> None:
        """The line is made from this layer no longer; its numbers go on elsewhere or later."""
        self.hold()
        self.leaving.pop(line, None)
        line.leave()
        if isinstance(line, Copy):
            self.copies.remove(line)
            self._refresh()

    def _refresh(self) -> None:
        self.hold()
        groups: dict[vp8.Shift, list[Target]] = {}
        targets: list[Target] = []
        redundant = [copy.target for copy in self.copies if copy.redundant and copy.target is not None]
        self._guard = max((c.first for c in self.copies), default=0)
        self._thinned = [copy for copy in self.copies if copy.thinned and copy.target is not None]
        for copy in self.copies:
            if copy.target is not None and not copy.thinned and not copy.redundant:
                (targets if copy.shift is None else groups.setdefault(copy.shift, [])).append(copy.target)
        self.targets, self._groups = Group(targets), [(shift, Group(group)) for shift, group in groups.items()]
        self._redundant = Group(redundant)
        self._each = bool(groups or self._thinned or redundant)

    def pause(self) -> None:
        """Nothing passes for a while; what comes then is no hole."""
        self.hold()
        self.paused = True
        self._key_frame = None

    def wanted_by_any(self) -> bool:
        """Whether something is made from it or waits for it."""
        return bool(self.copies or self.waiting) or self.feeding
