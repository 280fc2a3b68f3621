"""The downlink of one endpoint: what its path carries, which layers that lets through, and what the endpoint is told of it.

Sound is always sent, and the estimate counts pictures alone: they get what sound leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rooms.media.engine import TrackKey

from .bandwidth import Estimator, Rate
from .choice import Choice, choose, ideal
from .told import Told, state_of

if TYPE_CHECKING:
    from .consumer import Consumer

#: Padding is sent in steps of this; what a late step left out is not made up for beyond the other.
PAD_S, LATEST_PAD_S = 0.02, 0.06
#: Repairs of pictures may take this share of what is sent, and what of it was not used for a moment at once.
REPAIR_SHARE, REPAIR_BURST_S, LEAST_REPAIR_BPS = 0.3, 1.0, 16_000
#: The round trip is measured so often while it matters, and while a limit is known.
ASK_S, NOW_AND_THEN_S = 0.15, 0.5
#: So long after packets were seen to queue what is too much is not sent any more at all.
URGENT_S = 1.0
#: A stream that stands still counts for so much where losses are weighed.
LEAST_WEIGHT_BPS = 8_000


class Downlink:
    """One for each subscribe transport."""

    def __init__(self, now: float) -> None:
        self.estimator = Estimator(now)
        self._told = Told()
        self.padding_octets = 0
        self._rate, self._media_rate = Rate(), Rate()
        self._octets = self._media = 0
        self._sent_bps = self._media_bps = 0
        self._consumers: Sequence[Consumer] = ()
        self._padded_at: float | None = None
        self._repairs = 0.0
        self._repaired_at = now
        self._owed = 0.0

    @property
    def state(self) -> str:
        """How much of what the endpoint shows gets through."""
        return self._told.state

    # -- what the endpoint says

    def told(self, bps: int, now: float) -> None:
        """Its estimate came (REMB)."""
        self.estimator.told(bps, self._sent_bps, now)

    def delayed(self, rtt_s: float, fraction: float, now: float) -> None:
        """A report told how long the way there and back takes, and what share (0 to 1) of the last packets was lost."""
        self.estimator.delayed(rtt_s, fraction, self._sent_bps, now)

    def measure(self, consumers: Sequence[Consumer], now: float) -> None:
        """Each second: the loss that its new reports tell, each weighed by what was sent."""
        found = [(consumer.bitrate_bps, consumer.new_loss()) for consumer in consumers]
        reported = [(max(bps, LEAST_WEIGHT_BPS), loss) for bps, loss in found if loss is not None]
        if reported:
            lost = sum(bps * loss for bps, loss in reported) / sum(bps for bps, _ in reported)
            self.estimator.lost(lost, self._sent_bps, now)

    def may_repair(self, octets: int, now: float) -> bool:
        """Whether so many octets of a picture may be sent again: what repairs may take has a bound, a narrow one where packets queue.
        Elsewhere they are lost on the air, or late, and asked for all the same."""
        queues = self.estimator.queues(now)
        most = max(LEAST_REPAIR_BPS, self._media_bps * (REPAIR_SHARE if queues else 1.0)) / 8
        self._repairs = max(0.0, self._repairs - (now - self._repaired_at) * most)
        self._repaired_at = now
        if (queues and now - self.estimator.congested_at < URGENT_S) or self._repairs > most * REPAIR_BURST_S:
            return False
        self._repairs += octets
        return True

    # -- what it gets

    def decide(self, consumers: Sequence[Consumer], shown: Mapping[TrackKey, int], floor: frozenset[str], now: float) -> None:
        """Choose the layer of each picture, by size, importance and what the path carries; `floor` names who comes first."""
        estimator = self.estimator
        self._consumers = [consumer for consumer in consumers if consumer.shows]
        for consumer in self._consumers:
            media, repeated = consumer.new_octets()
            self._media += media
            self._octets += media + repeated
        self._media_bps = self._media_rate.at(self._media, now)
        self._sent_bps = self._rate.at(self._octets, now)
        pictures = [consumer for consumer in self._consumers if consumer.allowed and consumer.track.layers]
        ideals = [ideal(consumer.track.rungs, shown.get(consumer.track.key) if shown else None) for consumer in pictures]
        seen = [(consumer.track, level) for consumer, level in zip(pictures, ideals, strict=True) if level >= 0]
        if sum(track.rungs[level].bps for track, level in seen) <= min(estimator.bps, estimator.steady_bps(now)):
            # There is room for all, as for almost everybody almost always: nothing to weigh.
            choices = [Choice(level, False, level) for level in ideals]
        else:
            choices = self._weighed(pictures, shown, floor, now)
        urgent = now - estimator.congested_at < URGENT_S
        for consumer, choice in zip(pictures, choices, strict=True):
            consumer.choose(choice, now, urgent)
        if any(consumer.active for consumer in pictures):
            # What a picture that has just begun needs is known in a moment: it is sent anyway where no limit is known.
            wanted = sum(track.rungs[level].bps for track, level in seen if estimator.limited or track.measured)
            estimator.want(wanted, self._media_bps, now)
        if estimator.limited or estimator.suspects(now):
            self._ask(now, ASK_S if urgent or estimator.suspects(now) else NOW_AND_THEN_S)
        self._told.take(state_of(choices, limited=estimator.limited), now)

    def _weighed(self, consumers: Sequence[Consumer], shown: Mapping[TrackKey, int], floor: frozenset[str], now: float) -> list[Choice]:
        """The choice for each where not everything may fit."""
        estimator = self.estimator
        found = [consumer.picture(consumer.track.key.endpoint in floor, shown.get(consumer.track.key)) for consumer in consumers]
        seen = [picture for picture in found if picture.ideal >= 0]
        # A path that is only not known yet carries everybody's smallest picture, and what it carries already.
        least = 0 if estimator.limited else sum(picture.rungs[max(0, min(picture.held, picture.ideal))].bps for picture in seen)
        choices = choose(found, max(least, estimator.bps), max(least, estimator.steady_bps(now)))
        return [choices[picture.key] for picture in found]

    # -- trying for more

    def pad(self, now: float) -> bool:
        """Each :data:`PAD_S` while a probe is on: send its padding. False if none is."""
        probe = self.estimator.probe
        if probe is None:
            self._padded_at, self._owed = None, 0.0
            return False
        elapsed = PAD_S if self._padded_at is None else min(LATEST_PAD_S, now - self._padded_at)
        self._padded_at = now
        self._owed += self.estimator.padding_bps(self._media_bps, now) / 8 * elapsed
        self._ask(now, ASK_S)
        for consumer in self._consumers:
            if self._owed > 0 and consumer.active:
                sent = consumer.pad(self._owed, now)
                self._owed -= sent
                self.padding_octets += sent
        return True

    def _ask(self, now: float, every_s: float) -> None:
        for consumer in self._consumers:
            consumer.ask(now, every_s)

    def report(self) -> dict[str, Any]:
        """For the engine's report."""
        estimator = self.estimator
        return {
            "state": self.state,
            "estimate_bps": estimator.bps,
            "sent_bps": self._sent_bps,
            "limited": estimator.limited,
            "probes": estimator.probes,
            "failed_probes": estimator.failed_probes,
            "padding_octets": self.padding_octets,
        }
