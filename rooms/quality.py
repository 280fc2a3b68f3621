"""How well the participants of one conference are connected: measured each second, told each five, kept for fifteen minutes, and
summed up by the hour for whoever stores it. Seen and never logged; in memory, bounded. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rooms.figures import SPAN_US, STEP_US, WAYS, Figures, Pictures, Point, Score, Way, worst
from rooms.hours import Hour, hour_of
from rooms.meter import Meter
from rooms.metrics import LOSS, STEPS
from rooms.protocol import NetworkView, Quality
from rooms.scores import score

POINTS = SPAN_US // STEP_US
History = dict[Way, tuple[Point, ...]]
"""By direction, oldest first."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A device that is inside: who sits there, what the engine reports of it, whether frames are expected of its camera, and what
    the way down carries of the pictures that it shows."""

    people: tuple[str, ...]
    sides: Mapping[str, Any]
    camera: bool = False
    pictures: Pictures = ""


@dataclass(frozen=True, slots=True, order=True)
class HourKey:
    """Which hour of whom: the hour begins at `at_us`."""

    participant: str
    way: Way
    at_us: int


class QualityOfConference:
    """By participant, so that it goes on when he comes back with another device."""

    def __init__(self) -> None:
        self.networks: dict[str, NetworkView] = {}
        """by device, newest"""
        self._meters: dict[str, Meter] = {}
        self._dead: set[str] = set()
        self._step = 0
        self._points: dict[tuple[str, Way], deque[Point]] = {}
        self._hours: dict[HourKey, Hour] = {}

    def page(self, endpoint: str, said: Quality, now_us: int) -> None:
        """What a page measured of its own connections; of a device that is not inside it is not taken."""
        if endpoint in self._meters:
            self._meters[endpoint].page(said, now_us)

    def second(self, inside: Mapping[str, Inside], now_us: int) -> None:
        """Each second: the devices that are inside."""
        for gone in list(self._meters.keys() - inside.keys()):
            self.forget(gone)
        step = now_us // STEP_US
        if step != self._step:
            self._close(inside, (step - 1) * STEP_US, now_us)
            self._step = step
        for endpoint, measured in inside.items():
            meter = self._meters.setdefault(endpoint, Meter(now_us))
            meter.second(measured.sides, now_us, camera=measured.camera)
            self._cut(endpoint, meter, now_us)

    def forget(self, endpoint: str | None = None) -> None:
        """The device is gone; or None: the engine is away, and nothing that was measured still holds."""
        if endpoint is None:
            self._meters.clear()
            self._dead.clear()
            self.networks.clear()
        else:
            self._meters.pop(endpoint, None)
            self._dead.discard(endpoint)
            self.networks.pop(endpoint, None)

    def of(self, now_us: int, after_us: int = 0) -> dict[str, History]:
        """The points of the last :data:`SPAN_US` by participant; only those later than `after_us`."""
        since_us = max(after_us + 1, now_us - SPAN_US)
        found: dict[str, History] = {}
        for (participant, way), points in self._points.items():
            if recent := tuple(point for point in points if point.at_us >= since_us):
                found.setdefault(participant, {})[way] = recent
        return found

    def take_hours(self) -> dict[HourKey, Hour]:
        """What has come together since the last time, of this hour and of those before; the caller stores it."""
        found, self._hours = self._hours, {}
        return found

    def _cut(self, endpoint: str, meter: Meter, now_us: int) -> None:
        """A path on which nothing gets through is told of at once; when it carries again, the next step says how well."""
        dead = {way for way in WAYS if meter.carries(way, now_us) is False}
        if dead:
            known = self.networks.get(endpoint, NetworkView())
            self.networks[endpoint] = _view(
                {way: Score.BAD if way in dead else _graded(getattr(known, way)) for way in WAYS}, {}, blocked=True
            )
            self._dead.add(endpoint)
        elif endpoint in self._dead:
            self._dead.discard(endpoint)
            self.networks.pop(endpoint, None)

    def _close(self, inside: Mapping[str, Inside], at_us: int, now_us: int) -> None:
        for endpoint, meter in self._meters.items():
            measured = inside[endpoint]
            both = dict(zip(WAYS, meter.step(now_us, measured.pictures), strict=True))
            points = {way: Point(at_us, figures, score(figures)) for way, figures in both.items()}
            self.networks[endpoint] = _view(
                {way: point.score for way, point in points.items()}, both, blocked=any(f.carries is False for f in both.values())
            )
            for way, point in points.items():
                if point.figures == Figures():
                    continue
                STEPS.labels(way, point.score or "unknown").inc()
                if point.figures.lost_percent is not None:
                    LOSS.labels(way).observe(point.figures.lost_percent / 100)
                self.keep(measured.people, way, point)

    def keep(self, people: Iterable[str], way: Way, point: Point) -> None:
        """Remember a point of everybody who sits at one device, and add it to the hour."""
        for person in people:
            points = self._points.setdefault((person, way), deque(maxlen=POINTS))
            if not points or points[-1].at_us < point.at_us:
                points.append(point)
            elif points[-1].at_us == point.at_us:  # he changed his device within the step
                points[-1] = replace(point, score=worst(points[-1].score, point.score))
            key = HourKey(person, way, hour_of(point.at_us))
            if key not in self._hours:
                self._hours[key] = Hour()
            self._hours[key].take(point)


def _graded(word: str | None) -> Score | None:
    return Score(word) if word is not None else None


def _view(ways: Mapping[Way, Score | None], figures: Mapping[Way, Figures], *, blocked: bool) -> NetworkView:
    up, down = figures.get("up", Figures()), figures.get("down", Figures())
    lost = [each.lost_percent for each in (up, down) if each.lost_percent is not None]
    rtts = [each.rtt_ms for each in (up, down) if each.rtt_ms is not None]
    words = {way: each.value if each is not None else None for way, each in ways.items()}
    both = worst(*ways.values())
    return NetworkView.model_validate(
        {
            **words,
            "score": both.value if both is not None else None,
            "blocked": blocked,
            "lost_percent": round(max(lost), 1) if lost else None,
            "rtt_ms": float(round(max(rtts))) if rtts else None,
            "received_bps": float(round(down.bps, -3)) if down.bps is not None else None,
            "sent_bps": float(round(up.bps, -3)) if up.bps is not None else None,
        }
    )
