"""Patrol (轮巡): a group of sources that take turns in some windows, each for some seconds; what is off line is passed over. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.errors import UserError

SHORTEST_S, LONGEST_S = 5, 600
"""How long one may stand, seconds: shorter is seen by nobody."""
MOST_SOURCES = 64


@dataclass(frozen=True, slots=True)
class Source:
    """What a window shows: a sitting, or one `participant` of it."""

    sitting: str
    participant: str = ""

    def to_json(self) -> dict[str, str]:
        """Plain JSON values."""
        return {"sitting": self.sitting, "participant": self.participant}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        """Inverse of :meth:`to_json`."""
        return cls(str(data["sitting"]), str(data.get("participant", "")))


IsOn = Callable[[Source], bool]
"""whether there is something to see of it now"""


@dataclass(frozen=True, slots=True)
class Patrol:
    """`sources` take turns in the windows of these numbers, `dwell_s` seconds each."""

    sources: tuple[Source, ...]
    windows: tuple[int, ...]
    dwell_s: int = 15
    paused: bool = False

    def __post_init__(self) -> None:
        """Raises UserError for a group, windows or a time that no patrol can have."""
        if not 0 < len(self.sources) <= MOST_SOURCES:
            raise UserError("patrol_sources", "sources", most=MOST_SOURCES)
        if len(set(self.sources)) != len(self.sources):
            raise UserError("patrol_twice", "sources")
        if not self.windows or len(set(self.windows)) != len(self.windows) or min(self.windows) < 0:
            raise UserError("window_unknown", "windows")
        if not SHORTEST_S <= self.dwell_s <= LONGEST_S:
            raise UserError("patrol_dwell", "dwell_s", least=SHORTEST_S, most=LONGEST_S)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        sources = [source.to_json() for source in self.sources]
        return {"sources": sources, "windows": list(self.windows), "dwell_s": self.dwell_s, "paused": self.paused}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Patrol:
        """Inverse of :meth:`to_json`."""
        sources = tuple(Source.from_json(source) for source in data["sources"])
        return cls(sources, tuple(map(int, data["windows"])), int(data["dwell_s"]), bool(data["paused"]))


def shown(patrol: Patrol, at: int, is_on: IsOn) -> tuple[Source | None, ...]:
    """What its windows show, in their order, when the turn is at source number `at`: those that are on from there, each once."""
    found = [patrol.sources[number] for number in _on(patrol, at, is_on)][: len(patrol.windows)]
    return (*found, *[None] * (len(patrol.windows) - len(found)))


def following(patrol: Patrol, at: int, is_on: IsOn) -> int:
    """Where the turn goes from `at`: behind all that is shown now. It stays where nothing else is on."""
    order = list(_on(patrol, at, is_on))
    count = len(patrol.windows)
    return order[count] if len(order) > count else order[0] if order else at


def preceding(patrol: Patrol, at: int, is_on: IsOn) -> int:
    """Where the turn was before `at`, as many back as there are windows: the inverse of :func:`following`."""
    order = list(_on(patrol, at, is_on))
    count = len(patrol.windows)
    return order[-count] if len(order) > count else order[0] if order else at


def _on(patrol: Patrol, at: int, is_on: IsOn) -> Iterator[int]:
    """Numbers of the sources that are on, once around from `at`."""
    count = len(patrol.sources)
    return (number % count for number in range(at, at + count) if is_on(patrol.sources[number % count]))


def is_on(source: Source, overview: Mapping[str, Any] | None) -> bool:
    """Whether there is something to see of a source, by the overview of its sitting: one that is held, may be watched, and has somebody
    inside; of a participant, his camera or his screen."""
    if overview is None or not overview["observable"] or overview["status"] not in ("open", "live", "recess"):
        return False
    inside: Sequence[Mapping[str, Any]] = [person for person in overview["participants"] if person["presence"] == "present"]
    if not source.participant:
        return bool(inside)
    return any(person["id"] == source.participant and _gives_a_picture(person) for person in inside)


def _gives_a_picture(person: Mapping[str, Any]) -> bool:
    return any(person["sources"].get(name, {}).get("live") for name in ("camera", "screen"))
