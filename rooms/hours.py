"""What is kept of an hour of one direction: how many steps there were, how good they were, and how each figure was distributed. Pure.

An hour is a sum: two parts of it (before and after a restart) are added up, and its size does not depend on its length. Figures are
counted in buckets, from which median and 95th percentile are read with the bucket's width as their error.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms.figures import STEP_US, Figures, Point, Score

HOUR_US = 3_600_000_000
STEP_S = STEP_US // 1_000_000

_TIMES_MS = (
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    50.0,
    75.0,
    100.0,
    150.0,
    200.0,
    300.0,
    400.0,
    600.0,
    800.0,
    1200.0,
    2000.0,
    5000.0,
    60_000.0,
)
EDGES: Mapping[str, tuple[float, ...]] = {
    "lost_percent": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0),
    "jitter_ms": _TIMES_MS,
    "rtt_ms": _TIMES_MS,
    "bps": (0.0, *(1000.0 * 2**power for power in range(3, 10)), 1e6, 1.5e6, 2e6, 3e6, 4e6, 6e6, 8e6, 16e6, 1e10),
    "frames_per_s": (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 20.0, 22.0, 24.0, 26.0, 28.0, 30.0, 60.0, 1000.0),
    "height": (0.0, 90.0, 120.0, 144.0, 180.0, 240.0, 288.0, 360.0, 480.0, 540.0, 720.0, 1080.0, 2160.0, 8192.0),
}
"""Upper edges of the buckets, both in the unit of the figure. A bucket holds what is above the edge before it and not above its own."""
STEPPED = frozenset({"height"})
"""Figures that take few values, mostly those of the edges: nothing is read between them."""
MOST_WORDS = 8
"""Different codecs, and different paths, that are told apart; a browser that makes some up fills no memory."""
OTHER = "other"


@dataclass(slots=True)
class Hour:
    """`scores`: steps by score, "" for those that had none. `paths`: steps by "candidate/protocol"."""

    steps: int = 0
    scores: Counter[str] = field(default_factory=Counter)
    freezes: int = 0
    frozen_ms: float = 0.0
    buckets: dict[str, list[int]] = field(default_factory=dict)
    paths: Counter[str] = field(default_factory=Counter)
    codecs: Counter[str] = field(default_factory=Counter)

    def take(self, point: Point) -> None:
        """One step more."""
        figures = point.figures
        self.steps += 1
        self.scores[point.score or ""] += 1
        self.freezes += figures.freezes
        self.frozen_ms += figures.frozen_ms
        for name, value in _values(figures):
            self.buckets.setdefault(name, [0] * len(EDGES[name]))[min(bisect_left(EDGES[name], value), len(EDGES[name]) - 1)] += 1
        if figures.candidate:
            _count(self.paths, f"{figures.candidate}/{figures.protocol}")
        if figures.codec:
            _count(self.codecs, figures.codec)

    def add(self, other: Hour) -> None:
        """Another part of the same hour."""
        self.steps += other.steps
        self.scores.update(other.scores)
        self.freezes += other.freezes
        self.frozen_ms += other.frozen_ms
        for name, counts in other.buckets.items():
            mine = self.buckets.setdefault(name, [0] * len(EDGES[name]))
            self.buckets[name] = [a + b for a, b in zip(mine, counts, strict=True)]
        for word, steps in other.paths.items():
            _count(self.paths, word, steps)
        for word, steps in other.codecs.items():
            _count(self.codecs, word, steps)

    def seconds(self, score: Score | None) -> int:
        """Seconds with this score; None: without any."""
        return self.scores[score or ""] * STEP_S

    @property
    def all_seconds(self) -> int:
        """Seconds that were measured."""
        return self.steps * STEP_S

    def seconds_by_path(self) -> list[tuple[str, str, int]]:
        """Candidate, protocol and seconds over that path, the longest first."""
        found = [(*word.partition("/")[::2], steps * STEP_S) for word, steps in self.paths.most_common()]
        return [(candidate, protocol, seconds) for candidate, protocol, seconds in found]

    def quantile(self, name: str, share: float) -> float | None:
        """The value of the figure below which this share of the steps lies, 0 to 1; None where it was never measured."""
        counts = self.buckets.get(name, [])
        total = sum(counts)
        if total == 0:
            return None
        below, wanted = 0, share * total
        for number, count in enumerate(counts):
            if count and below + count >= wanted:
                lower, upper = EDGES[name][number - 1] if number else 0.0, EDGES[name][number]
                if name in STEPPED:
                    return upper
                return min(upper, lower + (upper - lower) * max(0.0, wanted - below) / count)
            below += count
        return EDGES[name][-1]

    def to_json(self) -> dict[str, Any]:
        """For the database; :meth:`of_json` takes it back."""
        return {
            "steps": self.steps,
            "scores": dict(self.scores),
            "freezes": self.freezes,
            "frozen_ms": round(self.frozen_ms),
            "buckets": {name: list(counts) for name, counts in self.buckets.items()},
            "paths": dict(self.paths),
            "codecs": dict(self.codecs),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Hour:
        """Buckets of another number of edges (of another version) are left out: they say nothing by these."""
        buckets = {name: list(counts) for name, counts in kept["buckets"].items() if len(counts) == len(EDGES.get(name, ()))}
        return cls(
            kept["steps"],
            Counter(kept["scores"]),
            kept["freezes"],
            kept["frozen_ms"],
            buckets,
            Counter(kept["paths"]),
            Counter(kept["codecs"]),
        )


def hour_of(at_us: int) -> int:
    """When the hour began, UTC."""
    return at_us // HOUR_US * HOUR_US


def _values(figures: Figures) -> Iterator[tuple[str, float]]:
    for name in EDGES:
        value = getattr(figures, name)
        if value is not None and (name != "height" or value):
            yield name, float(value)


def _count(counter: Counter[str], word: str, steps: int = 1) -> None:
    counter[word if word in counter or len(counter) < MOST_WORDS else OTHER] += steps
