"""The subscribe transport and its consumers: what an endpoint receives, offered by us, m-lines used again.

An offer is made only when the answer to the last one is in; what changes meanwhile goes into the next. Losing a track
takes effect at once, before any offer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from rooms.media.engine import Offer, TrackKey

from . import packets, sdp
from .codecs import KIND, offered
from .consumer import Consumer
from .downlink import Downlink
from .packets import Estimate, KeyFrameRequest, Nack, ReportBlock
from .red import OFF
from .told import FULL
from .track import Track
from .transport import CLOSED, Context, Owner, Transport

#: Changes that come together make one offer.
COALESCE_S = 0.01
#: Retransmissions to one endpoint in a second.
RTX_LIMIT = 1000


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
        self.downlink = Downlink(context.clock())
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

    def settled(self, now: float) -> bool:
        """Whether it gets all that it shows and nothing tells of a path that carries less."""
        return self.downlink.state == FULL and self.downlink.estimator.settled(now)

    def decide(self, floor: frozenset[str], now: float) -> None:
        """Choose the layer of each picture, by size and importance; `floor` names who comes first."""
        self.downlink.decide(self.consumers, self._shown, floor, now)

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
        written, red = [], self.context.red != OFF
        for slot in self._slots:
            first = slot.consumer.codec if slot.consumer is not None else None
            formats = tuple(sdp.Format.ours(codec, red=red) for codec in offered(slot.kind, first))
            section = sdp.Written(slot.kind, slot.mid, "inactive", formats)
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
            known = tuple(section.known()) if section.receives else ()
            slot.consumer.accepted = tuple(described.codec for described in known)
            slot.consumer.takes_redundancy = any(described.red_payload_type is not None for described in known)
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
        if isinstance(item, Estimate):
            self.downlink.told(item.bps, self.context.clock())
        if not isinstance(item, Nack | KeyFrameRequest | ReportBlock):
            return
        consumer = self._by_ssrc.get(item.ssrc)
        if consumer is None:
            return
        now = self.context.clock()
        if not isinstance(item, ReportBlock):
            self.context.inbox.tell()  # what is asked for may have passed just now
        if isinstance(item, Nack):
            consumer.resend(item.numbers, now)
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
            "downlink": self.downlink.report(),
            "consumers": {f"{c.track.key.endpoint}/{c.track.key.source}": c.report() for c in self.consumers},
        }
