"""What a publisher is told to send at most (REMB, draft-alvestrand-rmcat-remb): what is wanted of it, and what its path carries. Pure;
times are passed in.

A browser that gets no transport-wide feedback heeds losses by itself, and nothing else: it would fill any queue on its way. So it is told
less where packets are seen to queue, by its sender reports: how much later they come than the quickest did. It takes what it is told from
its pictures, from the largest on, and from sound last.
"""

from __future__ import annotations

from collections.abc import Iterable

from .bandwidth import HALF_LOSS, HEAVY_LOSS, LOSS_GAIN, QUEUED_S, Quickest

#: What sound may add to the pictures, and what a screen may have in place of a camera's: letters have to stay legible.
AUDIO_BPS = 64_000
SCREEN_BPS = 1_500_000
#: From so many lines on a layer is worth so much, bit/s, as static/js/layers.js has it.
RATES = ((500, 1_500_000), (250, 500_000), (0, 150_000))
#: Of what arrives while packets queue, so much is asked for.
DRAIN = 0.85
#: Without trouble a limit rises by this share in a second.
RISE = 0.08
LEAST_BPS = AUDIO_BPS + 30_000


def worth(lines: int | None, ceiling_bps: int) -> int:
    """What a layer of so many lines may take, bit/s; None: its height is not known."""
    if lines is None:
        return ceiling_bps
    return min(ceiling_bps, next(bps for least, bps in RATES if lines >= least))


def ceiling(wanted: Iterable[int | None], video_ceiling_bps: int) -> int:
    """What all wanted layers of a camera may take together, by their heights. One large one is always allowed: a browser that was told
    less takes half a minute to send more, and what is not wanted it does not send anyway."""
    return max(video_ceiling_bps, sum(worth(lines, video_ceiling_bps) for lines in wanted))


class Uplink:
    """`limit_bps` is what the path carries, None where no limit is known."""

    def __init__(self, now: float) -> None:
        self.limit_bps: int | None = None
        self._quickest = Quickest(now)
        self._waited = self._lost = 0.0
        self._at = now

    def delayed(self, way_s: float, now: float) -> None:
        """How long a packet took, by any two clocks that do not drift much."""
        self._waited = max(self._waited, self._quickest.waited(way_s, now))

    def allowed(self, most_bps: int, arrived_bps: int, lost: float, now: float) -> int:
        """Each second: what the publisher is to be told. `most_bps`: what it may send; `arrived_bps`: what came in the last second; `lost`:
        the share (0 to 1) of it that did not, before repair."""
        elapsed, self._at = now - self._at, now
        waited, self._waited = self._waited, 0.0
        self._lost += (lost - self._lost) * LOSS_GAIN
        if lost > HALF_LOSS or self._lost > HEAVY_LOSS:
            self._limit(arrived_bps * (1 - lost / 2))
        elif waited > QUEUED_S:
            self._limit(arrived_bps * DRAIN)
        elif self.limit_bps is not None:
            self.limit_bps = int(self.limit_bps * (1 + RISE * elapsed)) + 1000
            if self.limit_bps >= most_bps:
                self.limit_bps = None
        return most_bps if self.limit_bps is None else min(most_bps, self.limit_bps)

    def _limit(self, bps: float) -> None:
        self.limit_bps = max(LEAST_BPS, min(int(bps), self.limit_bps or int(bps)))
