"""A picture in Janus as the choice of layers takes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rooms.media.engine import TrackKey
from rooms.media.forwarding.choice import Picture, Rung, rungs

from .counts import Counts

LINES = 720
"""Of the highest layer, as the pages send it (static/js/layers.js); each below it has half as many. Janus tells no size."""


class Rates:
    """What each simulcast layer of one picture needs, lowest first, by what Janus counts of it on its way up."""

    def __init__(self, layers: int) -> None:
        self._counts = [Counts() for _ in range(max(1, layers))]
        self._bps = [0] * max(1, layers)

    def received(self, media: Mapping[str, Any], now_s: float) -> None:
        """Take what the handle that publishes has of it. A layer that is not sent just now needs what it did."""
        stats = media["stats"]["in"]
        for level, counts in enumerate(self._counts):
            counts.streamed(stats.get(f"video-simulcast-{level}", {}) if level else stats, now_s)
            self._bps[level] = counts.bitrate_bps or self._bps[level]

    @property
    def bps(self) -> Sequence[int | None]:
        """Of each layer, None where it is not known."""
        return [bps or None for bps in self._bps]


def picture(key: TrackKey, rates: Rates, *, flows: bool, floor: bool, shown: int | None, held: int, thins: bool) -> Picture:
    """What the choice has to know. One that does not flow (muted) needs nothing; one of a single size is as high as can be."""
    known = rates.bps
    found = rungs([LINES >> (len(known) - 1 - level) for level in range(len(known))], known)
    return Picture(key, floor, shown, found if flows else tuple(Rung(rung.height, 0) for rung in found), held, thins)
