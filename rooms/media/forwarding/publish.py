"""The publish transport: takes a browser's offers and answers them, and gives each packet to the producer it is for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rooms.media.engine import Source, TrackKey

from . import packets, sdp, uplink
from .codecs import DTX, H264, KIND, VP8
from .native.layout import H264_KEYS, NO_KEYS, VP8_KEYS
from .packets import ReferenceAnswer, SenderReport
from .producer import Producer
from .red import ALWAYS, OFF
from .ring import PICTURE, SMALLER, SOUND
from .track import Track
from .transport import CLOSED, Context, Owner, Transport
from .uplink import Uplink

#: Sources of unknown packets that are remembered for one transport.
MAX_SSRCS = 64
KEYS = {VP8.name: VP8_KEYS, H264.name: H264_KEYS}
HELD_EXTENSIONS = (sdp.MID_EXTENSION, sdp.LEVEL_EXTENSION, sdp.RID_EXTENSION, sdp.REPAIRED_RID_EXTENSION)


class PublishTransport(Transport):
    """Takes a browser's offers and answers them."""

    direction = "publish"

    def __init__(self, context: Context, owner: Owner, endpoint: str, lossy: Callable[[Producer], None]) -> None:
        super().__init__(context, owner, endpoint)
        self.lossy = lossy
        self._sections: dict[str, tuple[Producer, ...]] = {}
        self.rtt_ms: float | None = None
        self.uplink = Uplink(context.clock())
        self._by_ssrc: dict[int, tuple[Producer, bool] | None] = {}
        self._extensions: dict[str, int] = {}
        self._version = 0
        self._offer: sdp.Description | None = None

    @property
    def producers(self) -> list[Producer]:
        """All of them, the layers of one track together, lowest first."""
        return [producer for section in self._sections.values() for producer in section]

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

    def accept(
        self, offer: sdp.Description, sources: Mapping[str, Source], track_of: Callable[[TrackKey], Track], *, pauses: bool = False
    ) -> str:
        """Take a checked offer: make and close producers. Returns the answer. `pauses`: the microphone may send next to nothing in them."""
        self.hold()
        written: list[sdp.Written] = []
        wanted: dict[str, tuple[Producer, ...]] = {}
        for section in offer.sections:
            source = sources.get(section.mid) if section.sends else None
            if source is not None:
                wanted[section.mid] = self._producers(section, track_of(TrackKey(self.endpoint, source)))
            written.append(_answer_section(section, source is not None, pauses and source is Source.MICROPHONE, self.context.red))
            self._extensions |= section.extmap
        for mid in self._sections.keys() - wanted.keys():
            self._close_producers(self._sections[mid])
        self._sections = wanted
        self._version += 1
        if self._offer is not None and self._offer.ufrag != offer.ufrag:
            self.restart()
        self._offer = offer
        self.start(offer.ufrag, offer.fingerprints)
        return sdp.write(self.local("passive"), written, self.session_id, self._version)

    def _producers(self, section: sdp.Section, track: Track) -> tuple[Producer, ...]:
        described, rids = _redundant(section.chosen(), self.context.red), section.layers or ("",)
        producers = self._sections.get(section.mid, ())
        same = [p.rid for p in producers] == list(rids) and all(p.track is track and p.described == described for p in producers)
        if not same:
            self._close_producers(producers)
            kept = SOUND if section.kind == "audio" else PICTURE
            sizes = [SMALLER] * (len(rids) - 1) + [kept]
            producers = tuple(Producer(self, track, section.mid, described, *one) for one in zip(rids, sizes, strict=True))
        track.set_producers(producers, self.context.clock())
        if not section.layers:
            repairs = {rtx for _, rtx in section.fid}
            for ssrc in section.ssrcs[:MAX_SSRCS]:
                self._by_ssrc[ssrc] = (producers[0], ssrc in repairs)
        return producers

    def _close_producers(self, producers: tuple[Producer, ...]) -> None:
        for producer in producers:
            producer.hold()
        for ssrc in [s for s, entry in self._by_ssrc.items() if entry is not None and entry[0] in producers]:
            del self._by_ssrc[ssrc]
        for producer in producers[:1]:
            if producer.layer in producer.track.layers:
                producer.track.set_producers((), self.context.clock())

    # -- packets

    def on_rtp(self, packet: bytes) -> None:
        self._inbox.tell()
        ssrc = int.from_bytes(packet[8:12], "big")
        entry = self._by_ssrc.get(ssrc) or self._learn(ssrc, packet)
        if entry is None:
            self.context.port.dropped["media_unknown_source"] += 1
            return
        producer, repair = entry
        payload_type = packet[1] & 0x7F
        if repair or payload_type == producer.rtx_payload_type:
            if payload_type != producer.rtx_payload_type:
                self.context.port.dropped["media_unknown_payload_type"] += 1
            elif producer.ssrc is not None:
                original = packets.rtx_unwrap(packet, producer.payload_type, producer.ssrc)
                if original is not None:
                    producer.arrived(original, retransmitted=True)
        elif payload_type == producer.payload_type:
            if producer.ssrc != ssrc:
                producer.begin(ssrc)
            producer.arrived(packet, retransmitted=False)
            if producer.flows():
                self._open(producer, ssrc)
        elif payload_type == producer.red_payload_type:
            if producer.ssrc != ssrc:
                producer.begin(ssrc)
            producer.arrived_redundant(packet)
        else:
            self.context.port.dropped["media_unknown_payload_type"] += 1

    def _open(self, producer: Producer, ssrc: int) -> None:
        """What comes next in this stream, from where the packet in hand came from, may pass without Python."""
        if producer.flow is None:
            codec = producer.codec
            producer.flow = self._inbox.flow(producer, codec.clock_hz, frames=codec.kind == "video", keys=KEYS.get(codec.name, NO_KEYS))
        stream = self.unprotection.streams.get(ssrc) if self.unprotection is not None else None
        if stream is not None:
            following, layer = producer.reception.highest + 1, producer.layer
            # What is recorded is not to wait where a process may be killed; all else is for the worker's next look.
            soon, jitter, level = layer.feeding, producer.reception.jitter, self._extensions.get(sdp.LEVEL_EXTENSION, 0)
            producer.flow.open(
                ssrc,
                producer.payload_type,
                following,
                layer.targets,
                producer.ring,
                stream,
                self._slot,
                soon=soon,
                jitter=jitter,
                level=level,
            )

    def hold(self) -> None:
        for producer in self.producers:
            producer.hold()

    def level_in(self, packet: bytes) -> int | None:
        """The audio level of a packet (RFC 6464), 0 to 127 -dBov; None where the browser tells none."""
        number = self._extensions.get(sdp.LEVEL_EXTENSION)
        told = packets.extension(packet, number) if number else None
        return told[0] & 0x7F if told else None

    def on_replayed(self, packet: bytes) -> None:
        self._inbox.tell()
        entry = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        if entry is not None and not entry[1]:
            entry[0].came_again(packet)

    def _learn(self, ssrc: int, packet: bytes) -> tuple[Producer, bool] | None:
        """Find the producer of a new source: by its mid (RFC 9143 section 9.2) and rid (RFC 8852), or by a payload type that only
        one has. A repair stream says whose it is by the repaired rid."""
        if ssrc in self._by_ssrc or len(self._by_ssrc) >= MAX_SSRCS:
            return None
        payload_type = packet[1] & 0x7F
        fitting = [p for p in self.producers if payload_type in (p.payload_type, p.rtx_payload_type, p.red_payload_type)]
        told = packets.extensions(packet)
        mid = told.get(self._extensions.get(sdp.MID_EXTENSION, 0))
        rid = told.get(self._extensions.get(sdp.REPAIRED_RID_EXTENSION, 0)) or told.get(self._extensions.get(sdp.RID_EXTENSION, 0))
        if mid is not None:
            fitting = [p for p in fitting if p.mid == mid.decode("ascii", "replace")]
        if rid is not None:
            fitting = [p for p in fitting if p.rid == rid.decode("ascii", "replace")]
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
            self._inbox.tell()  # it goes on with the counts of what was sent
            entry = self._by_ssrc.get(item.ssrc)
            if entry is not None and entry[0].ssrc == item.ssrc:
                # Two clocks, but of one and the same pair: what grows is the way.
                self.uplink.delayed(time.time() + packets.NTP_OFFSET - item.ntp / packets.NTP_SECOND, now)
                entry[0].on_sender_report(item, now)
        elif isinstance(item, ReferenceAnswer):
            rtt = ((packets.ntp_time(time.time()) >> 16) - item.lrr - item.dlrr) & 0xFFFFFFFF
            if item.lrr and rtt < 10 * 65536:
                self.rtt_ms = round(rtt * 1000 / 65536, 1)
                for producer in self.producers:
                    producer.losses.rtt_s = max(0.005, rtt / 65536)

    def report_reception(self, now: float, ceiling_bps: int) -> None:
        """Each second: receiver report, what it is to send at most, and our reference time."""
        if not self.ready:
            return
        blocks = [b for p in self.producers if (b := p.report_block(now)) is not None]
        video = [p.ssrc for p in self.producers if p.codec.kind == "video" and p.ssrc is not None]
        compound = packets.receiver_report(self.own_ssrc, blocks)
        if video:
            lost = sum(p.fraction_lost / 256 * p.bitrate_bps for p in self.producers)
            arrived = sum(p.bitrate_bps for p in self.producers)
            most = self.uplink.allowed(self._most(ceiling_bps), arrived, lost / arrived if arrived else 0.0, now)
            compound += packets.bitrate_ceiling(self.own_ssrc, most, video)
        compound += packets.reference_time(self.own_ssrc, packets.ntp_time(time.time()))
        self.send_rtcp(compound)

    def _most(self, ceiling_bps: int) -> int:
        """What is wanted of this publisher."""
        most = uplink.AUDIO_BPS
        for section in self._sections.values():
            source = section[0].track.key.source
            if source is Source.SCREEN:
                most += uplink.SCREEN_BPS
            elif source is Source.CAMERA:
                wanted = [p.layer.size[1] if p.layer.size else None for p in section if p.demanded]
                most += uplink.ceiling(wanted, ceiling_bps)
        return most

    def changed(self) -> None:
        if self.ready:
            now = self.context.clock()
            for producer in self.producers:
                if producer.layer.wanted_by_any():
                    producer.request_key_frame(now)

    def closing(self) -> None:
        for producers in self._sections.values():
            self._close_producers(producers)

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        return {
            "transport": self.id,
            "state": self.state,
            "rtt_ms": self.rtt_ms,
            "limit_bps": self.uplink.limit_bps,
            "producers": {str(section[0].track.key.source): _section_report(section) for section in self._sections.values()},
        }


SUMMED = ("packets", "bytes", "lost", "repaired", "recovered", "nacks", "plis", "dropped_not_permitted", "bitrate_bps", "key_frames")
HIGHEST = ("fraction_lost", "jitter_ms", "last_arrival_us")


def _section_report(producers: tuple[Producer, ...]) -> dict[str, Any]:
    """The counters of a track: those of its layers together, and of each layer of a simulcast by its rid."""
    layers = {producer.rid: producer.report() for producer in producers}
    track = producers[0].track
    best = max(layers.values(), key=lambda layer: (layer["bitrate_bps"] > 0, layer["height"]))
    return {
        "codec": producers[0].codec.name,
        **best,
        **{name: sum(layer[name] for layer in layers.values()) for name in SUMMED},
        **{name: max(layer[name] for layer in layers.values()) for name in HIGHEST},
        "forwarded": track.forwarded,
        "recorded": track.recorded,
        "fed": track.fed_packets,
        "layers": layers if len(layers) > 1 else {},
    }


def _redundant(described: sdp.Format, red: str) -> sdp.Format:
    """Who offers redundancy sends it if it stands first, or if all are asked for it."""
    if red == OFF:
        return replace(described, red_payload_type=None, red_first=False)
    return replace(described, red_first=described.red_first or (red == ALWAYS and described.red_payload_type is not None))


def _answer_section(section: sdp.Section, wanted: bool, pauses: bool, red: str) -> sdp.Written:
    chosen = section.choose() if section.port != 0 and section.kind in ("audio", "video") else None
    if chosen is None:
        return sdp.Written(section.kind, section.mid, profile=section.profile, formats=section.formats)
    chosen = _redundant(chosen, red)
    if pauses:
        chosen = replace(chosen, parameters=";".join(filter(None, (chosen.parameters, DTX))))
    held = {uri: number for uri, number in section.extmap.items() if uri in HELD_EXTENSIONS}
    direction = "recvonly" if wanted else "inactive"
    return sdp.Written(section.kind, section.mid, direction, (chosen,), extmap=held, layers=section.layers)
