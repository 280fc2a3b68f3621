"""A producer: one incoming stream of a publish transport, repaired and reported as a good receiver does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import packets, red, sdp
from .codecs import Codec
from .copies import Clock
from .inbox import Flow, Passed
from .layer import Layer
from .native.layout import KEPT
from .packets import HEADER, SenderReport
from .ring import PICTURE, Ring
from .sequence import LossList, Reception, ReceptionReport
from .track import Track

if TYPE_CHECKING:
    from .publish import PublishTransport

#: At most one PLI a producer in this time.
PLI_EVERY_S = 0.5
#: For a newcomer, who has nothing until one comes, it is asked again after this: Chromium takes no request within 0.3 s of
#: the last, and does not say so.
PLI_AGAIN_S = 0.32
#: Loss in 1/256 from which lost packets are asked for more often.
MUCH_LOST = 8


class Producer:
    """One incoming stream of a publish transport, `rid` its name where the track is sent in several layers (RFC 8851).

    `stream` is its identity and changes when the numbers begin anew. `layer` is where its packets go; the track sets it. `usual_bps` is
    its rate over some seconds, while it is silent that of before; 0 if it never came. `demanded`: somebody wants it. Of its last packets
    so many `octets` are kept.
    """

    layer: Layer
    #: Its packets on the way that needs no Python, once the first came.
    flow: Flow | None = None

    def __init__(
        self, transport: PublishTransport, track: Track, mid: str, described: sdp.Format, rid: str = "", octets: int = PICTURE
    ) -> None:
        self.transport = transport
        self.track = track
        self.mid = mid
        self.rid = rid
        self.described = described
        self.codec: Codec = described.codec
        self.payload_type = described.payload_type
        self.rtx_payload_type = described.rtx_payload_type
        self.red_payload_type = described.red_payload_type
        self.recovered = 0
        self.ssrc: int | None = None
        self.stream = object()
        self._octets = octets
        self.ring = Ring(octets)
        self.reception = Reception(self.codec.clock_hz)
        self.losses = LossList()
        self.packets = self.bytes = self.nacks = self.plis = self.dropped_not_permitted = 0
        self.fraction_lost = 0
        self.last_arrival_us = 0
        self.demanded = False
        self._gate = -1
        self._gated = not track.permitted
        self._last_pli = -PLI_EVERY_S
        self._key_frame_wanted = self._newcomer = False
        self._key_frame_at = b""
        self.clock: Clock | None = None
        self._reported_at = 0.0
        self.frames = 0
        self.bitrate_bps = self.usual_bps = self.frames_per_second = 0
        self._measured: tuple[float, int, int] | None = None

    # -- arriving packets

    def begin(self, ssrc: int) -> None:
        """Packets come from `ssrc` from now on."""
        self.hold()
        self.ssrc = ssrc
        self._renew()
        # A stream begins with a key frame; asked for now, the next request, for who watches first, would go unheard.
        self._key_frame_wanted = self._newcomer = self.codec.starts_key_frame is not None

    def _renew(self) -> None:
        self.stream = object()
        self.ring = Ring(self._octets)
        self.reception.restart()
        self.losses.clear()
        self.clock = None
        self._key_frame_at = b""
        self._gate = -1

    def hold(self) -> None:
        """Before anything changes in where its packets go: see :mod:`inbox`."""
        if self.flow is not None:
            self.flow.hold()

    def flows(self) -> bool:
        """Whether the next packet may pass without Python: it is only to be sent, unchanged, to those who got the last one."""
        return self.track.permitted and not self._gated and self.layer.flows(self.stream, self.reception.highest)

    def arrived(self, packet: bytes, retransmitted: bool) -> None:
        """Take one packet in its original form."""
        self._take(packet, retransmitted, time.time_ns() // 1000, self.transport.context.clock(), sent=False)

    def passed(self, came: Passed) -> None:
        """These packets, which followed one another, went to the consumers already."""
        now, following, layer, count = self.transport.context.clock(), self.reception.highest + 1, self.layer, came.count
        if self.track.voice is not None:
            for index in range(count):
                if (level := came.level(index)) is not None:
                    self.track.voice.heard(level, now - came.age_s(index))
        runs = came.first == following & 0xFFFF
        if not runs or self._gated or following <= self._gate or not self.track.permitted or not layer.runs(self.stream, following):
            came_packets = [came.packet(index) for index in range(count)]
            self.bytes += came.bytes - sum(map(len, came_packets))
            for index, packet in enumerate(came_packets):
                self._take(packet, False, came.arrival_us(index), now - came.age_s(index), sent=True)
            return
        # Nothing is missing, repaired or held back.
        newest, newest_at = came.packet(count - 1), now - came.age_s(count - 1)
        self.packets += count
        self.bytes += came.bytes
        self.frames += came.frames
        self.last_arrival_us = came.arrival_us(count - 1)
        self.reception.followed(count, int.from_bytes(newest[4:8], "big"), newest_at, came.jitter)
        if came.begins or self._newcomer or layer.feeding:
            starts = self.codec.starts_key_frame
            for index in range(count):
                packet = came.packet(index)
                begins = starts is not None and starts(packet, HEADER)
                self._hand_on(packet, following + index, came.arrival_us(index), now - came.age_s(index), begins, sent=True)
        else:
            layer.followed(count, came.octets, newest, following + count - 1, newest_at)

    def _take(self, packet: bytes, retransmitted: bool, arrival_us: int, now: float, sent: bool) -> None:
        self.packets += 1
        self.bytes += len(packet)
        self.frames += packet[1] >> 7
        self.last_arrival_us = arrival_us
        extended = self.reception.extend(packet[2] << 8 | packet[3])
        if self.reception.restarts(extended):
            if retransmitted:
                return
            self._renew()
            extended = self.reception.extend(packet[2] << 8 | packet[3])
        if self._counts(packet, extended, retransmitted, now) and self._passes(extended):
            self._forward(packet, extended, arrival_us, now, sent)

    def arrived_redundant(self, packet: bytes) -> None:
        """Take a packet with redundancy (RFC 2198): what was lost before it is in it, and need not be asked for. Raises ValueError."""
        plain, blocks = red.unpack(packet, self.payload_type)
        self.arrived(plain, retransmitted=False)
        if not self.track.permitted:
            return
        for index, block in enumerate(blocks):
            behind = len(blocks) - index
            number = self.reception.extend((packet[2] << 8 | packet[3]) - behind & 0xFFFF)
            missing = number >= self.reception.base and not self.ring.had(number & 0xFFFF)
            if missing and block.sound and block.payload_type == self.payload_type:
                self.recovered += 1
                self.arrived(red.earlier(plain, block, behind), retransmitted=True)

    def _counts(self, packet: bytes, extended: int, retransmitted: bool, now: float) -> bool:
        """Keep the books; False for what came already."""
        reception = self.reception
        highest = reception.highest
        if extended > highest:
            if retransmitted:
                return False
            if highest >= 0 and extended > highest + 1 and not self._gated and self.track.permitted:
                self._missed(highest + 1, extended, now)
            reception.arrived(extended, int.from_bytes(packet[4:8], "big"), now)
            return True
        if extended <= highest - KEPT or self.ring.had(extended & 0xFFFF):
            return False
        # Where retransmissions have a stream of their own, what comes late in this one was overtaken and never lost.
        overtaken = not retransmitted and self.rtx_payload_type is not None
        if self.losses.arrived(extended, now, original=overtaken) or retransmitted:
            # `retransmitted` alone: asked for, given up, and here at last; or a probe of the sender's bandwidth estimation.
            reception.repaired += 1
        else:
            reception.arrived(extended, int.from_bytes(packet[4:8], "big"), now)
        return True

    def came_again(self, packet: bytes) -> None:
        """A second copy of a packet: where it was taken for a retransmission the first time, it was overtaken and never lost."""
        if self.losses.came_twice(self.reception.extend(packet[2] << 8 | packet[3])):
            self.reception.overtaken()

    def _missed(self, first: int, after: int, now: float) -> None:
        if self.losses.gap(first, after, now):
            self.transport.lossy(self)
        else:
            self.request_key_frame(now)

    def _passes(self, extended: int) -> bool:
        """The gate: nothing that was sent while the source was not permitted passes, not even when it is repaired later."""
        if not self.track.permitted:
            self._gated = True
            self.dropped_not_permitted += 1
            return False
        if self._gated:
            self._gated = False
            self._gate = extended - 1
        if extended <= self._gate:
            self.dropped_not_permitted += 1
            return False
        return True

    def _forward(self, packet: bytes, extended: int, arrival_us: int, now: float, sent: bool) -> None:
        plain = packets.without_extension(packet)
        if self.track.voice is not None:
            self._hear(packet, now)
        payload = packets.HEADER + 4 * (plain[0] & 0x0F)
        self.ring.put(extended & 0xFFFF, plain)
        if packets.payload_end(plain) <= payload:
            self.layer.skip(extended)
            return
        detect = self.codec.starts_key_frame
        self._hand_on(plain, extended, arrival_us, now, detect is not None and detect(plain, payload), sent)

    def _hear(self, packet: bytes, now: float) -> None:
        level = self.transport.level_in(packet)
        if level is not None and self.track.voice is not None:
            self.track.voice.heard(level, now)

    def _hand_on(self, plain: bytes, extended: int, arrival_us: int, now: float, begins: bool, sent: bool) -> None:
        """`begins`: a key frame, or a part of one."""
        key_frame = False
        if begins:
            # H.264 has parameter sets and slices in packets of their own: a key frame begins with the first of its time.
            key_frame = plain[4:8] != self._key_frame_at
            self._key_frame_at = plain[4:8]
            self._key_frame_wanted = self._newcomer = False
        elif self._newcomer:
            self.request_key_frame(now)
        self.layer.forward(plain, extended, arrival_us, now, key_frame, sent)

    def gate_changed(self, now: float) -> None:
        """The track was permitted or no longer is."""
        self.losses.clear()
        if self.track.permitted:
            self._gated = True
            if self.layer.wanted_by_any():
                self.request_key_frame(now, force=True)

    # -- asking the sender

    def request_key_frame(self, now: float, force: bool = False) -> None:
        """Ask for a key frame, again and again until one comes: each :data:`PLI_EVERY_S`, with `force` (for somebody who has
        nothing yet) each :data:`PLI_AGAIN_S`."""
        if self.codec.starts_key_frame is None:
            return
        self._key_frame_wanted = True
        self._newcomer = self._newcomer or force
        if self.ssrc is None or not self.track.permitted or not self.transport.ready:
            return
        if now - self._last_pli >= (PLI_AGAIN_S if self._newcomer else PLI_EVERY_S):
            self._last_pli = now
            self.plis += 1
            self.transport.send_rtcp(packets.picture_loss(self.transport.own_ssrc, self.ssrc))

    def request_key_frame_now(self) -> None:
        """Ask from outside a batch of packets."""
        self.request_key_frame(self.transport.context.clock())
        self.transport.context.outbox.flush()

    def repair(self, now: float) -> bool:
        """Ask again for what is missing; True while something is."""
        lossy = self.fraction_lost >= MUCH_LOST
        if self.losses.give_up(now, lossy):
            self.request_key_frame(now)
        due = self.losses.due(now, lossy)
        if due and self.ssrc is not None:
            self.nacks += len(due)
            self.transport.send_rtcp(packets.generic_nack(self.transport.own_ssrc, self.ssrc, (n & 0xFFFF for n in due)))
        return len(self.losses) > 0

    def tick(self, now: float) -> None:
        """Several times a second: a request for a key frame that was lost is repeated while packets come."""
        if self._key_frame_wanted and time.time_ns() // 1000 - self.last_arrival_us < 2_000_000:
            self.request_key_frame(now)

    # -- reports

    def on_sender_report(self, report: SenderReport, now: float) -> None:
        """Pass the sender's clock on, to the recorder and to consumers."""
        self.clock, self._reported_at = Clock(report.ntp, report.timestamp, self.transport), now
        if self.layer.stream is self.stream:
            self.track.sender_report(self.layer, report, time.time_ns() // 1000)

    def report_block(self, now: float) -> tuple[int, ReceptionReport, int, int] | None:
        """The block about this stream for a receiver report."""
        if self.ssrc is None or self.reception.highest < 0:
            return None
        report = self.reception.report()
        self.fraction_lost = report.fraction_lost
        lsr, dlsr = 0, 0
        if self.clock is not None:
            lsr, dlsr = self.clock.ntp >> 16 & 0xFFFFFFFF, int((now - self._reported_at) * 65536) & 0xFFFFFFFF
        return self.ssrc, report, lsr, dlsr

    def measure(self, now: float) -> None:
        """Each second: bit rate and frame rate since the last time."""
        before, self._measured = self._measured, (now, self.bytes, self.frames)
        if before is not None and now > before[0]:
            elapsed = now - before[0]
            self.bitrate_bps = round((self.bytes - before[1]) * 8 / elapsed)
            if self.bitrate_bps:
                grown = self.bitrate_bps - (self.usual_bps or self.bitrate_bps)
                self.usual_bps = (self.usual_bps or self.bitrate_bps) + grown // (2 if grown > 0 else 4)
            self.frames_per_second = round((self.frames - before[2]) / elapsed) if self.codec.kind == "video" else 0

    def report(self) -> dict[str, Any]:
        """Counters of this stream for the engine's report."""
        width, height = self.layer.size or (0, 0)
        return {
            "packets": self.packets,
            "bytes": self.bytes,
            "lost": self.reception.unrepaired,
            "repaired": self.reception.repaired,
            "recovered": self.recovered,
            "fraction_lost": round(self.fraction_lost / 256, 4),
            "jitter_ms": round(self.reception.jitter_ms, 2),
            "nacks": self.nacks,
            "plis": self.plis,
            "dropped_not_permitted": self.dropped_not_permitted,
            "last_arrival_us": self.last_arrival_us,
            "bitrate_bps": self.bitrate_bps,
            "frames_per_second": self.frames_per_second,
            "width": width,
            "height": height,
            "key_frames": self.layer.key_frames,
        }
