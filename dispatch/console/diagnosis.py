"""What is wrong with somebody's connection, and what he is told on the telephone. Rules over the points of the last minutes; pure.

A rule looks at the last :data:`LATELY_US` and holds where it holds in at least half of the steps that were measured there: one bad step
is no diagnosis. The first rule that fits a direction explains it; what explains more (the line of a whole site, a firewall) is asked
before what explains less. Nothing here is certain: a diagnosis says what usually lies behind such figures, the remedy what to try first.
Limits: loss and round trip are those at which sound is no longer good by :mod:`rooms.scores` (ITU-T G.107, G.109).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.console.situation import Words
from rooms.figures import STEP_US, Figures, Point, Score
from rooms.quality import History

Json = dict[str, Any]

LATELY_US = 60_000_000
LEAST_STEPS = 2
"""Of fewer measured steps nothing is said."""
LOSS = 3.0
"""Percent from which loss is heard."""
NO_LOSS = 1.0
FAR_MS = 300.0
UNSTEADY_MS = 50.0
FROZEN_MS = 250.0
"""Of a step of five seconds: one part in twenty, from which a picture is poor."""
FLUENT = 12.0
"""Frames a second (see :mod:`rooms.scores`)."""
TALKS = 60
"""Packets of a microphone in a step: a silent one sends about 13, somebody who talks 250."""
SILENT_US = 120_000_000
"""So long a microphone that is open may carry silence before it is mentioned."""
ROUGH_US = 30_000_000
"""So long it was poor or bad within the last minutes before that is mentioned when it is over."""

_POOR = frozenset({Score.POOR, Score.BAD})
_ORDER = {"danger": 0, "warning": 1, "info": 2, "well": 3}

SEVERITIES: Mapping[str, str] = {
    "cut": "danger",
    "cut_up": "danger",
    "cut_down": "danger",
    "site_line": "danger",
    "busy_computer": "warning",
    "firewall": "warning",
    "loss_up": "warning",
    "loss_both": "warning",
    "loss_down": "warning",
    "frozen_down": "warning",
    "narrow_up": "warning",
    "narrow_down": "warning",
    "far": "warning",
    "unsteady": "warning",
    "still_camera": "warning",
    "silent": "info",
    "relayed": "info",
    "was_rough": "info",
    "unmeasured": "info",
    "well": "well",
}
"""Every diagnosis, and how grave it is. Its text is "diagnosis.<code>", what to read to the party "diagnosis.<code>.remedy"."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnosis; `since_us`: the first step of the run that is still going on, None where that says nothing."""

    code: str
    since_us: int | None = None
    data: tuple[tuple[str, str], ...] = ()

    @property
    def severity(self) -> str:
        """danger, warning, info or well."""
        return SEVERITIES[self.code]


@dataclass(frozen=True, slots=True)
class Line:
    """A device at a site of the court's: which site, and how it is connected. Several people may sit there; it counts once."""

    site: str
    device: str
    history: History


def is_rough(history: History, now_us: int) -> bool:
    """Whether either direction is poor or bad now."""
    return any(_holds(_Way(points, now_us), lambda point: point.score in _POOR) for points in history.values())


def rough_sites(lines: Sequence[Line], now_us: int) -> frozenset[str]:
    """Sites of which all devices are connected badly, and at least two are: that is not the devices."""
    by_site: dict[str, dict[str, bool]] = {}
    for line in lines:
        by_site.setdefault(line.site, {})[line.device] = is_rough(line.history, now_us)
    return frozenset(site for site, rough in by_site.items() if site and len(rough) >= 2 and all(rough.values()))


def diagnose(
    history: History, now_us: int, *, site: str = "", rough: frozenset[str] = frozenset(), microphone: bool = False
) -> list[Finding]:
    """What is wrong, the gravest first; never empty: "well" where nothing was found, "unmeasured" where nothing is known.

    `site`: where the device stands, "" for one's own; `rough`: see :func:`rough_sites`; `microphone`: it is open and may be heard.
    """
    up, down = (_Way(history.get(way, ()), now_us) for way in ("up", "down"))
    if len(up.lately) < LEAST_STEPS and len(down.lately) < LEAST_STEPS:
        return [Finding("unmeasured")]
    if site and site in rough and is_rough(history, now_us):
        return [Finding("site_line", data=(("site", site),))]
    if cut := _cut(up, down):
        return [cut]
    found = [*_path(up, down), *_loss(up, down)]
    found += _size(up, down) if not found else []
    found += _delay(up, down) if not any(each.severity == "warning" for each in found) else []
    found += _computer(up, down, explained=any(each.code != "relayed" for each in found))
    found += _silent(history.get("up", ()), now_us) if microphone else []
    if not any(each.severity in ("danger", "warning") for each in found):
        found += _over(history, now_us)
    return sorted(found, key=lambda each: _ORDER[each.severity]) or [Finding("well")]


def told(findings: Sequence[Finding], _: Words, clock: Callable[[int], str]) -> list[Json]:
    """For the page: ``{"code", "severity", "text", "remedy"}``; `clock` writes a time of day."""
    return [
        {
            "code": each.code,
            "severity": each.severity,
            "text": _(f"diagnosis.{each.code}", **dict(each.data)),
            "since": clock(each.since_us) if each.since_us is not None else "",
            "remedy": _(f"diagnosis.{each.code}.remedy", **dict(each.data)),
        }
        for each in findings
    ]


# ------------------------------------------------------------------------------------------------ steps


class _Way:
    """One direction: the last quarter of an hour, and of it what counts for a diagnosis."""

    def __init__(self, points: Sequence[Point], now_us: int) -> None:
        self.points = points
        self.lately = [point for point in points if point.at_us > now_us - LATELY_US - STEP_US]


Rule = Callable[[Point], bool]


def _holds(way: _Way, rule: Rule) -> bool:
    """In at least half of the steps, and in the newest or the one before it: what is over is not diagnosed."""
    points = way.lately
    return len(points) >= LEAST_STEPS and 2 * sum(map(rule, points)) >= len(points) and any(map(rule, points[-2:]))


def _measured(read: Callable[[Figures], float | None], least: float) -> Rule:
    def rule(point: Point) -> bool:
        value = read(point.figures)
        return value is not None and value >= least

    return rule


_LOSES = _measured(lambda figures: figures.lost_percent, LOSS)
_LOSES_A_LITTLE = _measured(lambda figures: figures.lost_percent, NO_LOSS)


def _since(points: Sequence[Point], rule: Rule) -> int | None:
    """The first step of the newest run of the rule; a single step without it does not end the run."""
    since, missed = None, 0
    for point in reversed(points):
        if rule(point):
            since, missed = point.at_us, 0
        else:
            missed += 1
            if missed > 1:
                break
    return since


def _finding(code: str, way: _Way, rule: Rule) -> Finding:
    return Finding(code, _since(way.points, rule))


# ------------------------------------------------------------------------------------------------ rules


def _cut(up: _Way, down: _Way) -> Finding | None:
    """Nothing gets through, right now: the newest step decides."""

    def dead(point: Point) -> bool:
        return point.figures.carries is False

    found = {name: way for name, way in (("up", up), ("down", down)) if way.lately and dead(way.lately[-1])}
    for name, way in found.items():
        return _finding("cut" if len(found) == 2 else f"cut_{name}", way, dead)
    return None


def _path(up: _Way, down: _Way) -> list[Finding]:
    """Over a relay: where it goes over TCP, or badly, a firewall is in the way of UDP (RFC 8656 section 3.1)."""

    def relayed(point: Point) -> bool:
        return point.figures.candidate == "relay"

    def over_tcp(point: Point) -> bool:
        return relayed(point) and point.figures.protocol in ("tcp", "tls")

    for way in (up, down):
        if _holds(way, relayed):
            rough = any(_holds(each, lambda point: point.score in _POOR) for each in (up, down))
            return [_finding("firewall" if rough and _holds(way, over_tcp) else "relayed", way, relayed)]
    return []


def _loss(up: _Way, down: _Way) -> list[Finding]:
    lossy_up, lossy_down = _holds(up, _LOSES), _holds(down, _LOSES)
    if lossy_up and lossy_down:
        return [_finding("loss_both", up, _LOSES)]
    if lossy_up and not _holds(down, _LOSES_A_LITTLE):
        return [_finding("loss_up", up, _LOSES)]
    if lossy_down and not _holds(up, _LOSES_A_LITTLE):
        return [_finding("loss_down", down, _LOSES)]
    if lossy_up or lossy_down:  # the other one loses too, only less
        return [_finding("loss_both", up if lossy_up else down, _LOSES)]
    return []


def _size(up: _Way, down: _Way) -> list[Finding]:
    """The path carries less than is wanted though it loses nothing."""

    def smaller(point: Point) -> bool:
        return point.figures.pictures in ("smaller", "slower", "audio")

    found = [_finding("narrow_down", down, smaller)] if _holds(down, smaller) else []
    return found + ([_finding("narrow_up", up, smaller)] if _holds(up, smaller) else [])


def _delay(up: _Way, down: _Way) -> list[Finding]:
    far, unsteady = _measured(lambda figures: figures.rtt_ms, FAR_MS), _measured(lambda figures: figures.jitter_ms, UNSTEADY_MS)
    for code, rule in (("far", far), ("unsteady", unsteady)):
        for way in (up, down):
            if _holds(way, rule):
                return [_finding(code, way, rule)]
    return []


def _computer(up: _Way, down: _Way, *, explained: bool) -> list[Finding]:
    """The device and not the path: it encodes or decodes too slowly, or its camera gives no pictures."""

    def slow(point: Point) -> bool:
        return point.figures.limited == "cpu"

    def stands(point: Point) -> bool:
        return point.figures.frozen_ms >= FROZEN_MS

    def halts(point: Point) -> bool:
        rate = point.figures.frames_per_s
        return stands(point) or (rate is not None and rate < FLUENT)

    if _holds(up, slow):
        return [_finding("busy_computer", up, slow)]
    found = [_finding("still_camera", up, stands)] if _holds(up, stands) and not explained else []
    return found + ([_finding("frozen_down", down, halts)] if _holds(down, halts) and not explained else [])


def _silent(up: Sequence[Point], now_us: int) -> list[Finding]:
    """An open microphone from which nothing but silence has come all the time: switched off by the system or by a key, or nobody
    has spoken yet, which is why it is only mentioned."""
    heard = [point for point in up if point.at_us > now_us - SILENT_US - STEP_US and point.figures.sound_packets is not None]
    if len(heard) * STEP_US < SILENT_US or any((point.figures.sound_packets or 0) >= TALKS for point in heard):
        return []
    return [Finding("silent", heard[0].at_us)]


def _over(history: History, now_us: int) -> list[Finding]:
    """It was bad within the last minutes and is not any more."""
    rough = sorted({point.at_us for points in history.values() for point in points if point.score in _POOR})
    if len(rough) * STEP_US < ROUGH_US or rough[-1] > now_us - 2 * STEP_US:
        return []
    return [Finding("was_rough", rough[0])]
