"""The publish transport and its producers: what a browser sends, repaired and reported as a good receiver does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rooms.media.engine import Source, TrackKey

from . import packets, sdp
from .codecs import KIND, Codec
from .packets import ReferenceAnswer, SenderReport
from .sequence import RING, LossList, Reception, ReceptionReport, Ring, ring_get
from .track import Track
from .transport import CLOSED, Context, Owner, Transport

#: At most one PLI a producer in this time.
PLI_EVERY_S = 0.5
#: For a newcomer, who has nothing until one comes, it is asked again after this: Chromium takes no request within 0.3 s of
#: the last, and does not say so.
PLI_AGAIN_S = 0.32
#: Sources of unknown packets that are remembered for one transport.
MAX_SSRCS = 64
#: What audio may add to the video ceiling, and what a screen may have in place of a camera's: letters have to stay legible.
AUDIO_BPS = 64_000
SCREEN_BPS = 1_500_000
HELD_EXTENSIONS = (sdp.MID_EXTENSION, sdp.LEVEL_EXTENSION)


class Producer:
    """One incoming stream of a publish transport. `stream` is its identity and changes when the numbers begin anew."""

    def __init__(self, transport: PublishTransport, track: Track, mid: str, described: sdp.Format) -> None:
        self.transport = transport
        self.track = track
        self.mid = mid
        self.described = described
        self.codec: Codec = described.codec
        self.payload_type = described.payload_type
        self.rtx_payload_type = described.rtx_payload_type
        self.ssrc: int | None = None
        self.stream = object()
        self.ring: Ring = [None] * RING
        self.reception = Reception(self.codec.clock_hz)
        self.losses = LossList()
        self.packets = self.bytes = self.nacks = self.plis = self.dropped_not_permitted = 0
        self.fraction_lost = 0
        self.last_arrival_us = 0
        self._gate = -1
        self._gated = not track.permitted
        self._last_pli = -PLI_EVERY_S
        self._key_frame_wanted = self._newcomer = False
        self._key_frame_at = b""
        self._sender_report: tuple[int, float] | None = None

    # -- arriving packets

    def begin(self, ssrc: int) -> None:
        """Packets come from `ssrc` from now on."""
        self.ssrc = ssrc
        self._renew()
        # A stream begins with a key frame; asked for now, the next request, for who watches first, would go unheard.
        self._key_frame_wanted = self._newcomer = self.codec.starts_key_frame is not None

    def _renew(self) -> None:
        self.stream = object()
        self.ring = [None] * RING
        self.reception.restart()
        self.losses.clear()
        self._sender_report = None
        self._key_frame_at = b""
        self._gate = -1

    def arrived(self, packet: bytes, retransmitted: bool) -> None:
        """Take one packet in its original form."""
        arrival_us = time.time_ns() // 1000
        now = self.transport.context.clock()
        self.packets += 1
        self.bytes += len(packet)
        self.last_arrival_us = arrival_us
        extended = self.reception.extend(packet[2] << 8 | packet[3])
        if self.reception.restarts(extended):
            if retransmitted:
                return
            self._renew()
            extended = self.reception.extend(packet[2] << 8 | packet[3])
        if self._counts(packet, extended, retransmitted, now) and self._passes(extended):
            self._forward(packet, extended, arrival_us, now)

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
        if extended <= highest - RING or ring_get(self.ring, extended & 0xFFFF) is not None:
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

    def _forward(self, packet: bytes, extended: int, arrival_us: int, now: float) -> None:
        plain = packets.without_extension(packet)
        payload = packets.HEADER + 4 * (plain[0] & 0x0F)
        self.ring[extended & (RING - 1)] = plain
        if packets.payload_end(plain) <= payload:
            self.track.skip(self, extended)
            return
        detect = self.codec.starts_key_frame
        key_frame = False
        if detect is not None and detect(plain, payload):
            # H.264 has parameter sets and slices in packets of their own: a key frame begins with the first of its time.
            key_frame = plain[4:8] != self._key_frame_at
            self._key_frame_at = plain[4:8]
            self._key_frame_wanted = self._newcomer = False
        elif self._newcomer:
            self.request_key_frame(now)
        self.track.forward(self, plain, extended, arrival_us, now, key_frame)

    def gate_changed(self, now: float) -> None:
        """The track was permitted or no longer is."""
        self.losses.clear()
        if self.track.permitted:
            self._gated = True
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
        if self.losses.give_up(now):
            self.request_key_frame(now)
        due = self.losses.due(now)
        if due and self.ssrc is not None:
            self.nacks += len(due)
            self.transport.send_rtcp(packets.generic_nack(self.transport.own_ssrc, self.ssrc, (n & 0xFFFF for n in due)))
        return len(self.losses) > 0

    def tick(self, now: float) -> None:
        """Several times a second: a request for a key frame that was lost is repeated while packets come."""
        if self._key_frame_wanted and time.time_ns() // 1000 - self.last_arrival_us < 2_000_000:
            self.request_key_frame(now)

    # -- reports

    def on_sender_report(self, report: SenderReport, raw: bytes, now: float) -> None:
        """Pass the sender's clock on: recorder as it is, consumers with their numbers."""
        self._sender_report = (report.ntp >> 16 & 0xFFFFFFFF, now)
        if self.track.stream is self.stream:
            self.track.sender_report(report, time.time_ns() // 1000, raw)

    def report_block(self, now: float) -> tuple[int, ReceptionReport, int, int] | None:
        """The block about this stream for a receiver report."""
        if self.ssrc is None or self.reception.highest < 0:
            return None
        report = self.reception.report()
        self.fraction_lost = report.fraction_lost
        lsr, dlsr = 0, 0
        if self._sender_report is not None:
            lsr, dlsr = self._sender_report[0], int((now - self._sender_report[1]) * 65536) & 0xFFFFFFFF
        return self.ssrc, report, lsr, dlsr

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        return {
            "codec": self.codec.name,
            "packets": self.packets,
            "bytes": self.bytes,
            "lost": self.reception.unrepaired,
            "repaired": self.reception.repaired,
            "fraction_lost": round(self.fraction_lost / 256, 4),
            "jitter_ms": round(self.reception.jitter_ms, 2),
            "nacks": self.nacks,
            "plis": self.plis,
            "forwarded": self.track.forwarded,
            "recorded": self.track.recorded,
            "fed": self.track.fed_packets,
            "dropped_not_permitted": self.dropped_not_permitted,
            "last_arrival_us": self.last_arrival_us,
        }


class PublishTransport(Transport):
    """Takes a browser's offers and answers them."""

    direction = "publish"

    def __init__(self, context: Context, owner: Owner, endpoint: str, lossy: Callable[[Producer], None]) -> None:
        super().__init__(context, owner, endpoint)
        self.lossy = lossy
        self.producers: dict[str, Producer] = {}
        self.rtt_ms: float | None = None
        self._by_ssrc: dict[int, tuple[Producer, bool] | None] = {}
        self._mid_extension = 0
        self._version = 0
        self._offer: sdp.Description | None = None

    # -- descriptions

    def continues(self, offer: sdp.Description) -> bool:
        """Whether `offer` is of the connection that this transport has already: the same ICE session, or a restart of it in the
        same JSEP session (RFC 8829 section 5.2.2) under the same certificate."""
        former = self._offer
        if former is None or self.state == CLOSED:
            return False
        same = former.session_id == offer.session_id and former.fingerprints == offer.fingerprints
        return former.ufrag == offer.ufrag or same

    def check(self, offer: sdp.Description, sources: Mapping[str, Source]) -> None:
        """Refuse an offer that cannot be taken, before anything is changed."""
        if not offer.fingerprints or not offer.ufrag:
            raise sdp.SdpError("the offer has no ICE user fragment or no fingerprint")
        if offer.setup not in ("actpass", "active"):
            raise sdp.SdpError("the browser has to be the DTLS client")
        mids = {s.mid: s for s in offer.sections}
        if len(set(sources.values())) != len(sources):
            raise sdp.SdpError("one source on two sections")
        for mid, source in sources.items():
            section = mids.get(mid)
            if section is None or section.kind != KIND[source]:
                raise sdp.SdpError(f"mid {mid!r} is no {KIND[source]} section of the offer")
            if section.sends and section.choose() is None:
                raise sdp.SdpError(f"no codec for the {source} that is known here", "unsupported_codec")

    def accept(self, offer: sdp.Description, sources: Mapping[str, Source], track_of: Callable[[TrackKey], Track]) -> str:
        """Take a checked offer: make and close producers. Returns the answer."""
        written: list[sdp.Written] = []
        wanted: dict[str, Producer] = {}
        for section in offer.sections:
            source = sources.get(section.mid) if section.sends else None
            if source is not None:
                wanted[section.mid] = self._producer(section, track_of(TrackKey(self.endpoint, source)))
            written.append(_answer_section(section, source is not None))
            self._mid_extension = section.extmap.get(sdp.MID_EXTENSION, self._mid_extension)
        for mid in self.producers.keys() - wanted.keys():
            self._close_producer(self.producers[mid])
        self.producers = wanted
        self._version += 1
        if self._offer is not None and self._offer.ufrag != offer.ufrag:
            self.restart()
        self._offer = offer
        self.start(offer.ufrag, offer.fingerprints)
        return sdp.write(self.local("passive"), written, self.session_id, self._version)

    def _producer(self, section: sdp.Section, track: Track) -> Producer:
        described = section.chosen()
        producer = self.producers.get(section.mid)
        if producer is None or producer.track is not track or producer.described != described:
            if producer is not None:
                self._close_producer(producer)
            producer = Producer(self, track, section.mid, described)
        track.set_producer(producer)
        repairs = {rtx for _, rtx in section.fid}
        for ssrc in section.ssrcs[:MAX_SSRCS]:
            self._by_ssrc[ssrc] = (producer, ssrc in repairs)
        return producer

    def _close_producer(self, producer: Producer) -> None:
        for ssrc in [s for s, entry in self._by_ssrc.items() if entry is not None and entry[0] is producer]:
            del self._by_ssrc[ssrc]
        if producer.track.producer is producer:
            producer.track.set_producer(None)

    # -- packets

    def on_rtp(self, packet: bytes) -> None:
        ssrc = int.from_bytes(packet[8:12], "big")
        entry = self._by_ssrc.get(ssrc) or self._learn(ssrc, packet)
        if entry is None:
            self.context.port.dropped["media_unknown_source"] += 1
            return
        producer, repair = entry
        payload_type = packet[1] & 0x7F
        if repair or payload_type == producer.rtx_payload_type:
            if producer.ssrc is not None and payload_type == producer.rtx_payload_type:
                original = packets.rtx_unwrap(packet, producer.payload_type, producer.ssrc)
                if original is not None:
                    producer.arrived(original, retransmitted=True)
        elif payload_type == producer.payload_type:
            if producer.ssrc != ssrc:
                producer.begin(ssrc)
            producer.arrived(packet, retransmitted=False)
        else:
            self.context.port.dropped["media_unknown_payload_type"] += 1

    def on_replayed(self, packet: bytes) -> None:
        entry = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        if entry is not None and not entry[1]:
            entry[0].came_again(packet)

    def _learn(self, ssrc: int, packet: bytes) -> tuple[Producer, bool] | None:
        """Find the producer of a new source: by its mid (RFC 9143 section 9.2), or by a payload type that only one has."""
        if ssrc in self._by_ssrc or len(self._by_ssrc) >= MAX_SSRCS:
            return None
        payload_type = packet[1] & 0x7F
        fitting = [p for p in self.producers.values() if payload_type in (p.payload_type, p.rtx_payload_type)]
        mid = packets.extensions(packet).get(self._mid_extension) if self._mid_extension else None
        if mid is not None:
            fitting = [p for p in fitting if p.mid == mid.decode("ascii", "replace")]
        if len(fitting) != 1:
            return None
        entry = (fitting[0], payload_type == fitting[0].rtx_payload_type)
        if not entry[1] and fitting[0].ssrc is not None:
            # The section got a new source: what the old one still sends is dropped.
            self._by_ssrc[fitting[0].ssrc] = None
        self._by_ssrc[ssrc] = entry
        return entry

    def on_feedback(self, item: packets.Feedback) -> None:
        now = self.context.clock()
        if isinstance(item, SenderReport):
            entry = self._by_ssrc.get(item.ssrc)
            if entry is not None and entry[0].ssrc == item.ssrc:
                entry[0].on_sender_report(item, packets.sender_report(item.ssrc, item.ntp, item.timestamp, 0, 0), now)
        elif isinstance(item, ReferenceAnswer):
            rtt = ((packets.ntp_time(time.time()) >> 16) - item.lrr - item.dlrr) & 0xFFFFFFFF
            if item.lrr and rtt < 10 * 65536:
                self.rtt_ms = round(rtt * 1000 / 65536, 1)
                for producer in self.producers.values():
                    producer.losses.rtt_s = max(0.005, rtt / 65536)

    def report_reception(self, now: float, ceiling_bps: int) -> None:
        """Each second: receiver report, bit rate ceiling, and our reference time."""
        if not self.ready:
            return
        blocks = [b for p in self.producers.values() if (b := p.report_block(now)) is not None]
        video = {p.ssrc: p.track.key.source for p in self.producers.values() if p.codec.kind == "video" and p.ssrc is not None}
        compound = packets.receiver_report(self.own_ssrc, blocks)
        if video:
            ceiling = AUDIO_BPS + sum(SCREEN_BPS if source is Source.SCREEN else ceiling_bps for source in video.values())
            compound += packets.bitrate_ceiling(self.own_ssrc, ceiling, list(video))
        compound += packets.reference_time(self.own_ssrc, packets.ntp_time(time.time()))
        self.send_rtcp(compound)

    def changed(self) -> None:
        if self.ready:
            now = self.context.clock()
            for producer in self.producers.values():
                producer.request_key_frame(now)

    def closing(self) -> None:
        for producer in self.producers.values():
            self._close_producer(producer)

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        return {
            "transport": self.id,
            "state": self.state,
            "rtt_ms": self.rtt_ms,
            "producers": {str(p.track.key.source): p.report() for p in self.producers.values()},
        }


def _answer_section(section: sdp.Section, wanted: bool) -> sdp.Written:
    chosen = section.choose() if section.port != 0 and section.kind in ("audio", "video") else None
    if chosen is None:
        return sdp.Written(section.kind, section.mid, profile=section.profile, formats=section.formats)
    held = {uri: number for uri, number in section.extmap.items() if uri in HELD_EXTENSIONS}
    direction = "recvonly" if wanted else "inactive"
    return sdp.Written(section.kind, section.mid, direction, (chosen,), extmap=held)
