"""What a wall shows: its layout, a source in each window, a patrol over some of them; and what an officer changes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatch.console.wall.layouts import Layout, spanned, split
from dispatch.console.wall.patrol import Patrol, Source
from dispatch.errors import UserError


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`sources`: one for each window of the layout, None where it is empty. `heard`: the window whose sound is played, None: none."""

    layout: Layout
    sources: tuple[Source | None, ...]
    patrol: Patrol | None = None
    heard: int | None = None

    def __post_init__(self) -> None:
        """Raises UserError where sources, patrol or sound name windows that are not there."""
        count = len(self.layout.windows)
        if len(self.sources) != count or (self.heard is not None and not 0 <= self.heard < count):
            raise UserError("window_unknown", "window")
        if self.patrol is not None and max(self.patrol.windows) >= count:
            raise UserError("window_unknown", "windows")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as presets and screens are kept."""
        return {
            "layout": self.layout.to_json(),
            "sources": [source.to_json() if source else None for source in self.sources],
            "patrol": self.patrol.to_json() if self.patrol else None,
            "heard": self.heard,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Arrangement:
        """Inverse of :meth:`to_json`."""
        return cls(
            Layout.from_json(data["layout"]),
            tuple(Source.from_json(source) if source else None for source in data["sources"]),
            Patrol.from_json(data["patrol"]) if data["patrol"] else None,
            data["heard"],
        )

    def standing(self) -> tuple[Source | None, ...]:
        """What stands in each window without the patrol, which has its windows for itself."""
        turning = set(self.patrol.windows) if self.patrol else set()
        return tuple(None if number in turning else source for number, source in enumerate(self.sources))

    def sittings(self) -> frozenset[str]:
        """Every sitting that it names."""
        named = [*self.sources, *(self.patrol.sources if self.patrol else ())]
        return frozenset(source.sitting for source in named if source)


EMPTY = Arrangement(split(4), (None,) * 4)
"""What a wall begins with."""


def divided(former: Arrangement, layout: Layout) -> Arrangement:
    """The same sources in another layout, in their order; what has no window any more goes, and the patrol goes on in those windows of its
    own that are left."""
    standing = [source for source in former.standing() if source]
    turning = tuple(number for number in former.patrol.windows if number < len(layout.windows)) if former.patrol else ()
    sources: list[Source | None] = [None] * len(layout.windows)
    places = [number for number in range(len(sources)) if number not in turning]
    for number, source in zip(places, standing, strict=False):
        sources[number] = source
    patrol = replace(former.patrol, windows=turning) if former.patrol and turning else None
    return Arrangement(layout, tuple(sources), patrol)


def spread(former: Arrangement, window: int, width: int, height: int) -> Arrangement:
    """One window over so many cells; see :func:`dispatch.console.wall.layouts.spanned`."""
    layout, was = spanned(former.layout, window, width, height)
    now = {before: number for number, before in enumerate(was) if before is not None}
    turning = tuple(now[number] for number in former.patrol.windows if number in now) if former.patrol else ()
    patrol = replace(former.patrol, windows=turning) if former.patrol and turning else None
    sources = tuple(None if before is None else former.sources[before] for before in was)
    return Arrangement(layout, sources, patrol, now.get(former.heard) if former.heard is not None else None)


def placed(former: Arrangement, window: int, source: Source | None) -> Arrangement:
    """A source in a window, or nothing in it. A window that took turns does so no more. A source that stands elsewhere moves, so that
    nothing is shown twice."""
    _check(former, window)
    sources = [None if each == source else each for each in former.sources]
    sources[window] = source
    return replace(_without(former, window), sources=tuple(sources), heard=_heard(former, window, source))


def exchanged(former: Arrangement, window: int, other: int) -> Arrangement:
    """Two windows show what the other one showed."""
    _check(former, window)
    _check(former, other)
    sources = list(former.sources)
    sources[window], sources[other] = sources[other], sources[window]
    swapped = {window: other, other: window}
    patrol = former.patrol
    if patrol is not None:
        patrol = replace(patrol, windows=tuple(swapped.get(number, number) for number in patrol.windows))
    heard = former.heard if former.heard is None else swapped.get(former.heard, former.heard)
    return replace(former, sources=tuple(sources), patrol=patrol, heard=heard)


def patrolled(former: Arrangement, sources: Sequence[Source], windows: Sequence[int], dwell_s: int) -> Arrangement:
    """These sources take turns in these windows from now on; what stood there goes."""
    patrol = Patrol(tuple(sources), tuple(windows), dwell_s)
    standing = tuple(None if number in windows else source for number, source in enumerate(former.sources))
    return replace(former, sources=standing, patrol=patrol)


def paused(former: Arrangement, pause: bool) -> Arrangement:
    """The patrol stands still, or goes on."""
    if former.patrol is None:
        raise UserError("no_patrol")
    return replace(former, patrol=replace(former.patrol, paused=pause))


def heard(former: Arrangement, window: int | None) -> Arrangement:
    """The sound of one window is played, or of none."""
    if window is not None:
        _check(former, window)
    return replace(former, heard=window)


def _check(former: Arrangement, window: int) -> None:
    if not 0 <= window < len(former.layout.windows):
        raise UserError("window_unknown", "window")


def _without(former: Arrangement, window: int) -> Arrangement:
    if former.patrol is None or window not in former.patrol.windows:
        return former
    left = tuple(number for number in former.patrol.windows if number != window)
    return replace(former, patrol=replace(former.patrol, windows=left) if left else None)


def _heard(former: Arrangement, window: int, source: Source | None) -> int | None:
    return None if former.heard == window and source is None else former.heard
