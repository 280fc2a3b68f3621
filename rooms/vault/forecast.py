"""How long the space for recordings will last: from what was free on the days before and from what is booked. Pure.

Growth is the slope of the line through the bytes used on each day that has the least squares of errors, never below nothing: what was once
destroyed or moved away says nothing of tomorrow, so days on which the use fell begin the reckoning anew. What is booked is reckoned by
what a recorded minute took so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FALL = 0.02
"""A use that falls by so much of the disk from one day to the next was cleared up."""
LONGEST_DAYS = 3650.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a disk: `day` counts days from any day, with fractions."""

    day: float
    total: int
    free: int

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        return self.total - self.free


@dataclass(frozen=True, slots=True)
class Forecast:
    """`daily`: bytes a day by which the use grows; `booked`: bytes that what is booked will take; `days`: how long the space lasts, None
    where it does not grow."""

    total: int
    free: int
    daily: float
    booked: int
    days: float | None

    @property
    def is_short(self) -> bool:
        """Whether what is booked alone will not fit."""
        return self.booked > self.free


def forecast(samples: Sequence[Sample], booked_minutes: float, bytes_per_minute: float, horizon_days: float) -> Forecast:
    """From samples in order of time, at least one; `booked_minutes` are those of the next `horizon_days`. The space lasts by whichever is
    the faster of the growth so far and what is booked. Raises ValueError without a sample."""
    if not samples:
        raise ValueError("no sample")
    last = samples[-1]
    booked = round(booked_minutes * bytes_per_minute)
    grown = growth(samples)
    fastest = max(grown, booked / horizon_days)
    days = min(last.free / fastest, LONGEST_DAYS) if fastest > 0 else None
    return Forecast(last.total, last.free, grown, booked, days)


def growth(samples: Sequence[Sample]) -> float:
    """Bytes a day since the disk was last cleared up or exchanged; 0 where too little is known."""
    run = [samples[-1]]
    for earlier, later in zip(reversed(samples[:-1]), reversed(samples[1:]), strict=True):
        if later.total != earlier.total or later.used < earlier.used - FALL * earlier.total:
            break
        run.append(earlier)
    if len(run) < 2 or math.isclose(run[0].day, run[-1].day):
        return 0.0
    mean_day, mean_used = sum(s.day for s in run) / len(run), sum(s.used for s in run) / len(run)
    spread = sum((s.day - mean_day) ** 2 for s in run)
    return max(0.0, sum((s.day - mean_day) * (s.used - mean_used) for s in run) / spread)
