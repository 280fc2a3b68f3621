"""The downlink of one viewer behind Janus: what its path carries, which layers that lets through, and what the viewer is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rooms.media.engine import TrackKey
from rooms.media.forwarding.choice import Choice, Picture, choose
from rooms.media.forwarding.told import Told, state_of

from .carried import HEADROOM, Carried

#: More is looked for in steps of this, and rates tremble: so much more than is wanted at most.
STEP, MARGIN = 1.2, 1.2
SLOWEST_STEP_BPS = 5_000
#: Two looks that are closer say nothing of a rate: the second is left to the next one.
CLOSEST_S = 0.01


@dataclass(frozen=True, slots=True)
class Stream:
    """What Janus counts of one stream to the viewer since its beginning. `lost`: by the viewer's reports, less what never came up, so
    that only its growth says something. `report`: its last report, to tell a new one; `rtt_ms`: what that told."""

    packets: int
    octets: int
    lost: int
    picture: bool
    report: object = None
    rtt_ms: float | None = None


class Downlink:
    """One for each subscription."""

    def __init__(self) -> None:
        self.carried = Carried()
        self._told = Told()
        self._before: Mapping[str, Stream] = {}
        self._looked_at: float | None = None
        self._media_bps = self._sent_bps = 0

    @property
    def state(self) -> str:
        """How much of what the viewer shows gets through."""
        return self._told.state

    @property
    def estimate_bps(self) -> int:
        """What the path carries of pictures as far as is known: where no limit was seen, what is sent."""
        return self._media_bps if self.carried.bps is None else self.carried.bps

    def look(self, streams: Mapping[str, Stream], now: float) -> None:
        """Each second or so: what Janus has counted of each stream, by its name."""
        before, former_at = self._before, self._looked_at
        if former_at is not None and now - former_at < CLOSEST_S:
            return
        self._before, self._looked_at = streams, now
        if former_at is None:
            return
        pairs = [(before[name], stream) for name, stream in streams.items() if name in before and stream.packets >= before[name].packets]
        sent = sum(after.packets - former.packets for former, after in pairs)
        lost = sum(max(0, after.lost - former.lost) for former, after in pairs)
        octets = sum(after.octets - former.octets for former, after in pairs if after.picture)
        self._sent_bps = int(octets * 8 / (now - former_at))
        told = [after.rtt_ms for former, after in pairs if after.rtt_ms is not None and after.report != former.report]
        self.carried.look(
            self._media_bps,
            self._sent_bps,
            min(1.0, lost / max(sent, lost)) if sent or lost else None,
            max(told) / 1000 if told else None,
            now,
        )

    def choose(self, pictures: Sequence[Picture], now: float) -> Mapping[TrackKey, Choice]:
        """The layer of each picture, by size, importance and what the path carries."""
        carried = self.carried
        seen = [picture for picture in pictures if picture.ideal >= 0]
        if carried.bps is not None:
            wanted = int(sum(picture.rungs[picture.ideal].bps for picture in seen) * MARGIN)
            carried.want(int(wanted * HEADROOM), _next(pictures, carried.bps, wanted), now)
        choices = choose(pictures, carried.bps, carried.steady_bps)
        levels = {key: choice.level for key, choice in choices.items()}
        self._media_bps = sum(p.rungs[levels[p.key]].bps for p in seen if levels[p.key] >= 0)
        self._told.take(state_of(choices.values(), limited=carried.bps is not None), now)
        return choices

    def report(self) -> dict[str, Any]:
        """For the engine's report, in the shape of the embedded engine's."""
        return {
            "state": self.state,
            "estimate_bps": self.estimate_bps,
            "sent_bps": self._sent_bps,
            "limited": self.carried.bps is not None,
            "probes": self.carried.trials,
            "failed_probes": self.carried.failed_trials,
            "padding_octets": 0,
        }


def _next(pictures: Sequence[Picture], bps: int, wanted_bps: int) -> int:
    """The least budget, in steps, with which more is shown than with `bps`."""

    def shown(budget: int) -> list[tuple[int, bool]]:
        return [(choice.level, not choice.slower) for choice in choose(pictures, budget, int(budget * HEADROOM)).values()]

    now, budget = shown(bps), bps
    while budget < wanted_bps:
        budget = min(wanted_bps, int(budget * STEP) + SLOWEST_STEP_BPS)
        if shown(budget) > now:
            break
    return budget
