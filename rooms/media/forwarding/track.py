"""A track: one source of one endpoint as the others know it, whichever transport publishes it just now, in one layer or several.

Here is the gate: what routing does not permit goes no further than the producer, and neither consumers nor the recorder see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rooms.media.engine import Source, TrackKey

from .choice import Rung, rungs
from .codecs import Codec
from .copies import Copy, Line, Recording
from .feed import Feed
from .layer import LONG_AGO, Layer
from .outbox import Outbox, Target
from .packets import SenderReport, sender_report
from .speaker import Voice

if TYPE_CHECKING:
    from .producer import Producer

#: A layer that is silent so much longer than another of its track does not flow.
STALLED_S = 0.5


class Track:
    """`permitted`: packets pass. `layers`: who publishes it now, lowest first; none: nobody does. `recording`: the recorder's side.

    `stirred` is called when a layer begins or changes its size: what each consumer gets is to be thought over. `voice`: of a microphone,
    how loud it is. `rungs`: the heights and rates of its layers, as they were surveyed last.
    """

    def __init__(self, key: TrackKey, outbox: Outbox, feed: Feed, sitting: str, stirred: Callable[[], None] = lambda: None) -> None:
        self.key = key
        self.permitted = False
        self.layers: tuple[Layer, ...] = ()
        self.recording: Recording | None = None
        self.recorded = 0
        self.voice = Voice() if key.source is Source.MICROPHONE else None
        self.stir = stirred
        self._forwarded_before = 0
        self.rungs: tuple[Rung, ...] = ()
        self._outbox = outbox
        self._feed = feed
        self._sitting = sitting
        self._record = False
        self._recorded_before = 0
        self._copies: list[Copy] = []
        self._flowed: list[int] = []

    @property
    def codec(self) -> Codec | None:
        """The codec of what is published; None: nobody publishes."""
        return self.layers[0].producer.codec if self.layers else None

    @property
    def forwarded(self) -> int:
        """Copies that went to consumers."""
        return self._forwarded_before + sum(layer.forwarded for layer in self.layers)

    @property
    def records(self) -> bool:
        """Whether it is to be recorded."""
        return self._record

    # -- what routing says

    def permit(self, permitted: bool, now: float) -> None:
        """Open or close the gate."""
        if permitted == self.permitted:
            return
        self._hold()
        self.permitted = permitted
        for layer in self.layers:
            layer.pause()
            layer.producer.gate_changed(now)

    def record(self, wanted: bool, cause: str) -> None:
        """Feed the recorder from the next packet on, or end that for `cause`."""
        self._hold()
        self._record = wanted
        if not wanted:
            self._end_recording(cause)
        self._feeding()

    def set_producers(self, producers: Sequence[Producer], now: float) -> None:
        """Others take the track over (one for each layer, lowest first), or nobody publishes it any more."""
        if [layer.producer for layer in self.layers] == list(producers):
            return
        self._hold()
        for layer in self.layers:
            layer.retired = True
            self._forwarded_before += layer.forwarded
        levels = {copy: self.level(copy) for copy in self._copies}
        self.layers = tuple(Layer(self, producer, self._outbox) for producer in producers)
        for producer, layer in zip(producers, self.layers, strict=True):
            producer.layer = layer
        if not producers:
            self._end_recording("closed")
        for copy, level in levels.items():
            self.direct(copy, (self.layers[min(level, len(self.layers) - 1)],) if self.layers and level >= 0 else (), now)
        self._feeding()
        self.stir()

    def _hold(self) -> None:
        for layer in self.layers:
            layer.hold()

    # -- consumers

    def attach(self, copy: Copy, target: Target, now: float) -> None:
        """`target` is there to be sent copies; :meth:`direct` says of which layer."""
        copy.target, copy.since = target, now
        self._copies.append(copy)

    def detach(self, copy: Copy) -> None:
        """Send no more copies; the numbers go on where they stopped if it is attached again."""
        if copy in self._copies:
            self._copies.remove(copy)
            self._withdraw(copy)
            if copy.target is not None:
                copy.target.end()
            copy.target = None

    def direct(self, line: Line, wanted: tuple[Layer, ...], now: float) -> None:
        """Make the line from one of these layers, the first of them soonest; from none if there are none.

        It goes on from the layer it is made from until another's key frame comes.
        """
        if not wanted:
            self._withdraw(line)
            return
        if line.layer in wanted:
            wanted = wanted[: wanted.index(line.layer)]
        new = [layer for layer in wanted if line not in layer.waiting]
        for layer in line.wanted:
            if layer not in wanted:
                layer.waiting.pop(line, None)
        line.wanted = wanted
        for layer in new:
            layer.hold()
            layer.waiting[line] = None
            layer.producer.request_key_frame(now, force=True)
            layer.admit(now)

    def _withdraw(self, line: Line) -> None:
        for layer in line.wanted:
            layer.waiting.pop(line, None)
        line.wanted = ()
        if line.layer is not None:
            line.layer.remove(line)

    def level(self, line: Line) -> int:
        """The number of the layer that the line is made from, or waits for if from none; −1 if neither."""
        for layer in (line.layer, *line.wanted):
            if layer in self.layers:
                return self.layers.index(layer)
        return -1

    # -- layers

    def flowing(self, now: float) -> list[int]:
        """The numbers of the layers that come, lowest first. Where all are silent, those that came until then."""
        freshest = max((layer.newest_at for layer in self.layers), default=LONG_AGO)
        if freshest == LONG_AGO:
            return []
        return [i for i, layer in enumerate(self.layers) if freshest - layer.newest_at < STALLED_S]

    def survey(self, now: float) -> None:
        """Before it is chosen from for one or many: see what there is."""
        flowing = self.flowing(now)
        # What does not come now may have another size when it comes again: the browser's own adaptation changes all of them.
        sizes = [layer.size[1] if layer.size and i in flowing else None for i, layer in enumerate(self.layers)]
        self.rungs = rungs(sizes, [layer.producer.usual_bps or None for layer in self.layers])

    @property
    def measured(self) -> bool:
        """Whether what it needs is known, or will not be before it is sent."""
        return len(self.layers) > 1 or self.layers[0].producer.usual_bps > 0

    def tick(self, now: float) -> bool:
        """Several times a second: the recorder gets the best layer that comes; who waits is let in or asks again. Whether other layers
        come than before."""
        flowed, self._flowed = self._flowed, self.flowing(now) if len(self.layers) > 1 else []
        if self.recording is not None and self._flowed:
            self.direct(self.recording, (self.layers[self._flowed[-1]],), now)
        for layer in self.layers:
            if layer.waiting:
                layer.admit(now)
                if layer.waiting and layer.newest_at > now - STALLED_S:
                    layer.producer.request_key_frame(now)
        return flowed != self._flowed

    def line_moved(self, line: Line, former: Layer | None) -> None:
        """A line went from one layer to another."""
        if line is self.recording:
            self._feeding()

    def stream_changed(self, layer: Layer) -> None:
        """Packets of another stream come from `layer`."""
        recording = self.recording
        if recording is not None and recording.layer is None:
            self._end_recording("replaced")
            self._feeding()

    # -- the recorder

    def _feeding(self) -> None:
        recording = self.recording
        here = recording.layer if recording is not None else None
        for layer in self.layers:
            layer.feeding = self._record and (here is layer or here is None or here.retired)

    def _end_recording(self, cause: str) -> None:
        if self.recording is not None:
            self._withdraw(self.recording)
            self._feed.end(self.recording.fed, cause)
            self.recording = None

    def to_recorder(self, layer: Layer, packet: bytes, extended: int, arrival_us: int, now: float, key_frame: bool) -> None:
        """Feed one packet; the first of a track announces it."""
        recording = self.recording
        if recording is not None and recording.layer is not layer:
            self._end_recording("replaced")
            recording = None
        if recording is None:
            producer = layer.producer
            fed = self._feed.begin(self._sitting, self.key, producer.codec, producer.payload_type, producer.ssrc or 0)
            recording = self.recording = Recording(fed)
            recording.since = now
            recording.enter(layer, extended, packet, now)
            self._recorded_before = self.recorded
            fed.request_key_frame = self._recorder_asks
            self._feeding()
            if not key_frame:
                producer.request_key_frame_now()
        if extended >= recording.first:
            self._feed.packet(recording.fed, packet, arrival_us, key_frame)
            self.recorded += 1

    def feed_late(self, recording: Recording, packet: bytes, key_frame: bool) -> None:
        """A packet that was kept until the recorder could go on with it."""
        self._feed.packet(recording.fed, packet, time.time_ns() // 1000, key_frame)
        self.recorded += 1

    def _recorder_asks(self) -> None:
        if self.recording is not None and self.recording.layer is not None:
            self.recording.layer.producer.request_key_frame_now()

    def sender_report(self, layer: Layer, report: SenderReport, arrival_us: int) -> None:
        """Pass the sender's clock on, to each in its own numbers."""
        if not self.permitted or layer.paused:
            return
        recording = self.recording
        if recording is not None and recording.layer is layer:
            timestamp = report.timestamp + recording.rewriter.ts_offset
            raw = sender_report(recording.fed.announcement.ssrc, report.ntp, timestamp, 0, 0)
            self._feed.sender_report(recording.fed, raw, arrival_us)
        for copy in layer.copies:
            copy.send_report(report.ntp, (report.timestamp + copy.rewriter.ts_offset) & 0xFFFFFFFF)

    @property
    def fed_packets(self) -> int | None:
        """Packets that the recorder was fed since it was last told of the track; None while it is not fed."""
        return None if self.recording is None else self.recorded - self._recorded_before
