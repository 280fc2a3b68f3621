"""The subscribe transport and its consumers: what an endpoint receives, offered by us, m-lines used again.

An offer is made only when the answer to the last one is in; what changes meanwhile goes into the next. Losing a track
takes effect at once, before any offer.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

from rooms.media.engine import Offer, TrackKey

from . import packets, sdp
from .choice import Choice, Picture, choose, rungs
from .codecs import KIND, Codec, offered
from .copies import Copy
from .layer import Layer
from .outbox import Target
from .packets import KeyFrameRequest, Nack, ReportBlock
from .track import Track
from .transport import CLOSED, Context, Owner, Transport

#: Changes that come together make one offer.
COALESCE_S = 0.01
#: Retransmissions to one endpoint in a second.
RTX_LIMIT = 1000
#: Sender reports remembered for the round trip.
REPORTS = 16


class Consumer:
    """One track on its way to one endpoint, in the codec that its producer has just now.

    `asked` is the codec that the last offer named first, `answered` the one of the last offer that was answered, `accepted`
    what that answer takes. Both codecs are in every offer, so a producer that comes back in the other one needs no new offer.
    """

    def __init__(self, transport: SubscribeTransport, track: Track) -> None:
        self.transport = transport
        self.track = track
        self.codec = track.codec or offered(KIND[track.key.source])[0]
        self.accepted: tuple[Codec, ...] = ()
        self.asked: Codec | None = None
        self.answered: Codec | None = None
        self.ssrc = secrets.randbits(32) or 1
        self.rtx_ssrc = secrets.randbits(32) or 1
        self.copy = Copy(self._send_report)
        self.allowed = True
        self.active = False
        self.choice = Choice(0, False, 0)
        self.nacks = self.rtx = self.fraction_lost = 0
        self.rtt_ms: float | None = None
        self.bitrate_bps = 0
        self._measured: tuple[float, int] | None = None
        self._rtx_seq = secrets.randbits(15)
        self._reports: dict[int, float] = {}

    @property
    def undecodable(self) -> bool:
        """The endpoint was asked for this codec before any other, and left it out."""
        return self.answered is self.codec and self.codec not in self.accepted

    def update(self) -> None:
        """Start or stop, as answer, right, codec and transport have it."""
        transport, target = self.transport, self.copy.target
        codec = self.track.codec
        if codec is not None and codec is not self.codec:
            self.codec = codec
            self.copy.rewriter.forget()
            if target is not None:
                target.payload_type = codec.payload_type
        active = self.codec in self.accepted and self.allowed and transport.ready and transport.may_start(self)
        now = transport.context.clock()
        if active and not self.active and transport.destination is not None:
            target = Target(transport.context.outbox, transport.dtls.outbound, transport.destination, self.ssrc, self.codec.payload_type)
            self.active = True
            self.track.attach(self.copy, target, now)
            self.place(now)
        elif self.active and not active:
            self.active = False
            self.track.detach(self.copy)

    @property
    def shows(self) -> bool:
        """Whether this is a picture."""
        return self.codec.kind == "video"

    def picture(self, floor: bool, shown: int | None, now: float) -> Picture:
        """The picture, for the choice of its layer."""
        layers = self.track.layers
        flowing = self.track.flowing(now)
        # What does not come now may have another size when it comes again: the browser's own adaptation changes all of them.
        sizes = [layer.size[1] if layer.size and i in flowing else None for i, layer in enumerate(layers)]
        rates = [layer.producer.bitrate_bps if i in flowing else None for i, layer in enumerate(layers)]
        held = self.track.level(self.copy) if self.active else -1
        return Picture(self.track.key, floor, shown, rungs(sizes, rates), held)

    def choose(self, choice: Choice, now: float) -> None:
        """Take the layer that was chosen."""
        self.choice = choice
        if self.active:
            self.place(now)

    def place(self, now: float) -> None:
        """Go to the layer that was chosen. Until it comes: what is there already goes on, or else the best that is not higher."""
        layers, level = self.track.layers, self.choice.level
        if level < 0 or not layers:
            self.track.direct(self.copy, (), now)
            return
        level = min(level, len(layers) - 1)
        chosen, flowing = layers[level], self.track.flowing(now)
        if len(layers) == 1 or not flowing or level in flowing:
            wanted: tuple[Layer, ...] = (chosen,)
        else:
            present = self.track.level(self.copy)
            instead = max((i for i in flowing if i < level), default=flowing[0])
            if present == level:
                wanted = (layers[instead],)
            elif present in flowing and (present > level or present == instead):
                wanted = (chosen,)
            else:
                wanted = (chosen, layers[instead])
        self.track.direct(self.copy, wanted, now)

    def moved(self) -> None:
        """The endpoint's address changed."""
        target, destination = self.copy.target, self.transport.destination
        if target is not None and destination is not None:
            target.destination, target.pointer = destination, destination.pointer

    def close(self) -> None:
        self.allowed = False
        self.update()

    def resend(self, numbers: tuple[int, ...]) -> None:
        """Answer a NACK from the ring: as RTX where there is one, else the packet itself again."""
        self.nacks += len(numbers)
        transport = self.transport
        for number in numbers:
            found = self.copy.find(number) if self.active else None
            if found is None or transport.destination is None or not transport.may_resend():
                continue
            packet, ts_offset = found
            timestamp = (int.from_bytes(packet[4:8], "big") + ts_offset) & 0xFFFFFFFF
            if self.codec.rtx_payload_type is not None:
                self._rtx_seq = (self._rtx_seq + 1) & 0xFFFF
                again = packets.rtx_wrap(packet, self.codec.rtx_payload_type, self.rtx_ssrc, self._rtx_seq, number, timestamp)
            else:
                again = packets.renumbered(packet, self.codec.payload_type, self.ssrc, number, timestamp)
            transport.context.outbox.put(again, transport.dtls.outbound, transport.destination, rtcp=False)
            self.rtx += 1

    def measure(self, now: float) -> None:
        """Each second: the bit rate since the last time."""
        before, self._measured = self._measured, (now, self.copy.octets)
        if before is not None and now > before[0]:
            self.bitrate_bps = round((self.copy.octets - before[1]) * 8 / (now - before[0]))

    def _send_report(self, ntp: int, timestamp: int) -> None:
        self._reports[ntp >> 16 & 0xFFFFFFFF] = self.transport.context.clock()
        if len(self._reports) > REPORTS:
            del self._reports[next(iter(self._reports))]
        self.transport.send_rtcp(packets.sender_report(self.ssrc, ntp, timestamp, self.copy.sent, self.copy.octets))

    def on_report(self, block: ReportBlock, now: float) -> None:
        """What the endpoint says it received."""
        self.fraction_lost = block.fraction_lost
        sent_at = self._reports.get(block.lsr)
        if sent_at is not None:
            self.rtt_ms = round(max(0.0, now - sent_at - block.dlsr / 65536) * 1000, 1)

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        layer, layers, level = self.copy.layer, self.track.layers, self.choice.level
        return {
            "undecodable": self.undecodable,
            "packets": self.copy.sent,
            "bytes": self.copy.octets,
            "nacks": self.nacks,
            "rtx": self.rtx,
            "fraction_lost": round(self.fraction_lost / 256, 4),
            "rtt_ms": self.rtt_ms,
            "bitrate_bps": self.bitrate_bps,
            "layer": layer.rid if layer is not None else None,
            "wanted": layers[min(level, len(layers) - 1)].rid if level >= 0 and layers else None,
            "waits": bool(self.copy.wanted),
        }


class _Slot:
    """One m-line. It is used for another track only after an answer to an offer in which it was inactive."""

    __slots__ = ("consumer", "kind", "mid", "reusable")

    def __init__(self, mid: str, kind: str) -> None:
        self.mid = mid
        self.kind = kind
        self.consumer: Consumer | None = None
        self.reusable = False


class SubscribeTransport(Transport):
    """Offers an endpoint what it may watch. `on_offer` is called with each offer that is not the answer to a request."""

    direction = "subscribe"

    def __init__(
        self,
        context: Context,
        owner: Owner,
        endpoint: str,
        on_offer: Callable[[SubscribeTransport, Offer], None],
        may_start: Callable[[Consumer], bool],
    ) -> None:
        super().__init__(context, owner, endpoint)
        self.may_start = may_start
        self.pending: Offer | None = None
        self._on_offer = on_offer
        self._slots: list[_Slot] = []
        self._by_ssrc: dict[int, Consumer] = {}
        self._wanted: dict[TrackKey, Track] = {}
        self._shown: dict[TrackKey, int] = {}
        self._revision = 0
        self._timer: asyncio.TimerHandle | None = None
        self._resent = 0
        self._resent_since = 0.0

    @property
    def consumers(self) -> list[Consumer]:
        return [s.consumer for s in self._slots if s.consumer is not None]

    # -- what shall be received

    def want(self, tracks: dict[TrackKey, Track]) -> None:
        """The tracks that this endpoint may watch and that are published. Rights lost take effect before this returns."""
        self._wanted = tracks
        for consumer in self.consumers:
            consumer.allowed = tracks.get(consumer.track.key) is consumer.track
            consumer.update()
        if self._revision and self._differs():
            self._schedule()

    def _differs(self) -> bool:
        consumers = self.consumers
        if {c.track.key for c in consumers} != self._wanted.keys():
            return True
        return any(c.codec not in c.accepted and c.codec is not c.asked for c in consumers)

    def _schedule(self) -> None:
        if self.pending is None and self._timer is None and self.state != CLOSED:
            self._timer = asyncio.get_running_loop().call_later(COALESCE_S, self._offer_changes)

    def _offer_changes(self) -> None:
        self._timer = None
        if self.pending is None and self.state != CLOSED and self._differs():
            self._on_offer(self, self.offer())

    # -- which layer of each

    def show(self, heights: dict[TrackKey, int]) -> None:
        """How high the endpoint shows each picture, in device pixels; 0: not at all. What is not named is shown as it is."""
        self._shown = heights

    def decide(self, floor: frozenset[str], now: float) -> None:
        """Choose the layer of each picture, by size and importance; `floor` names who comes first."""
        shown = self._shown
        pictures = {c.track.key: c for c in self.consumers if c.shows and c.allowed and c.track.layers}
        choices = choose((c.picture(key.endpoint in floor, shown.get(key), now) for key, c in pictures.items()), None)
        for key, choice in choices.items():
            pictures[key].choose(choice, now)

    # -- descriptions

    def offer(self) -> Offer:
        """The next offer, with all that is wanted now."""
        for slot in self._slots:
            consumer = slot.consumer
            if consumer is not None and consumer.track.key not in self._wanted:
                consumer.close()
                self._by_ssrc.pop(consumer.ssrc, None)
                slot.consumer, slot.reusable = None, False
        present = {c.track.key for c in self.consumers}
        for key in sorted(self._wanted.keys() - present):
            self._place(self._wanted[key])
        if not self._slots:
            # Something has to carry the transport, so that ICE and DTLS are done when the first track comes.
            self._slots.append(_Slot("0", "audio"))
        self._revision += 1
        self.pending = Offer(self.id, self._revision, self._write(), self._tracks())
        return self.pending

    def _place(self, track: Track) -> None:
        kind = KIND[track.key.source]
        slot = next((s for s in self._slots if s.reusable and s.kind == kind and s.consumer is None), None)
        if slot is None:
            slot = _Slot(str(len(self._slots)), kind)
            self._slots.append(slot)
        slot.consumer, slot.reusable = Consumer(self, track), False
        self._by_ssrc[slot.consumer.ssrc] = slot.consumer

    def _write(self) -> str:
        written = []
        for slot in self._slots:
            first = slot.consumer.codec if slot.consumer is not None else None
            section = sdp.Written(slot.kind, slot.mid, "inactive", tuple(map(sdp.Format.ours, offered(slot.kind, first))))
            if slot.consumer is not None:
                slot.consumer.asked = first
                key = slot.consumer.track.key
                section.direction = "sendonly"
                section.stream, section.track = key.endpoint, f"{key.endpoint}.{key.source}"
                section.ssrc, section.rtx_ssrc = slot.consumer.ssrc, slot.consumer.rtx_ssrc
            written.append(section)
        return sdp.write(self.local("actpass"), written, self.session_id, self._revision)

    def _tracks(self) -> tuple[dict[str, str], ...]:
        return tuple(
            {"mid": s.mid, "endpoint": s.consumer.track.key.endpoint, "source": str(s.consumer.track.key.source)}
            for s in self._slots
            if s.consumer is not None
        )

    def answer(self, answer: sdp.Description) -> None:
        """Take the answer to the pending offer; raises :class:`sdp.SdpError` and changes nothing if it cannot be taken."""
        if [s.mid for s in answer.sections] != [s.mid for s in self._slots]:
            raise sdp.SdpError("the answer's sections are not those of the offer")
        if not answer.fingerprints or not answer.ufrag:
            raise sdp.SdpError("the answer has no ICE user fragment or no fingerprint")
        if answer.setup != "active":
            raise sdp.SdpError(f"the browser has to be the DTLS client, the answer says setup:{answer.setup or 'nothing'}")
        self.pending = None
        for slot, section in zip(self._slots, answer.sections, strict=True):
            if slot.consumer is None:
                slot.reusable = True
                continue
            slot.consumer.answered = slot.consumer.asked
            slot.consumer.accepted = tuple(described.codec for described in section.known()) if section.receives else ()
            slot.consumer.update()
        self.start(answer.ufrag, answer.fingerprints)
        if self._differs():
            self._schedule()
        self.context.outbox.flush()

    # -- transport

    def refresh(self) -> None:
        """Rights or state changed: start and stop consumers."""
        for consumer in self.consumers:
            consumer.update()

    changed = refresh

    def moved(self) -> None:
        for consumer in self.consumers:
            consumer.moved()

    def closing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for consumer in self.consumers:
            consumer.close()

    # -- feedback

    def on_feedback(self, item: packets.Feedback) -> None:
        if not isinstance(item, Nack | KeyFrameRequest | ReportBlock):
            return
        consumer = self._by_ssrc.get(item.ssrc)
        if consumer is None:
            return
        now = self.context.clock()
        if isinstance(item, Nack):
            consumer.resend(item.numbers)
        elif isinstance(item, ReportBlock):
            consumer.on_report(item, now)
        elif consumer.active and consumer.copy.layer is not None:
            consumer.copy.layer.producer.request_key_frame(now)

    def may_resend(self) -> bool:
        """Bounds what one endpoint may make us send again."""
        now = time.monotonic()
        if now - self._resent_since >= 1:
            self._resent, self._resent_since = 0, now
        self._resent += 1
        return self._resent <= RTX_LIMIT

    def report(self) -> dict[str, Any]:
        """Counters for the engine's report."""
        return {
            "transport": self.id,
            "state": self.state,
            "consumers": {f"{c.track.key.endpoint}/{c.track.key.source}": c.report() for c in self.consumers},
        }
