"""What is wanted of a publisher's picture: told when it grows at once, when it shrinks after a while. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rooms.media.engine import TrackKey

#: A layer that nobody wants any more may be wanted again by whoever turns a page back: so long its sender is not told.
RELEASE_S = 2.0


@dataclass(slots=True)
class _Told:
    of: object
    levels: frozenset[int] | None = None
    wanted: frozenset[int] = frozenset()
    wanted_at: dict[int, float] = field(default_factory=dict)


class Demand:
    """Of each track the layers that are wanted, by number, lowest first."""

    def __init__(self) -> None:
        self._told: dict[TrackKey, _Told] = {}

    def changed(self, key: TrackKey, of: object, wanted: Iterable[int], now: float) -> bool:
        """True if the publisher is to be told; then :meth:`levels` says what. `of` is its present stream: another has to be told anew."""
        told = self._told.get(key)
        if told is None or told.of is not of:
            told = self._told[key] = _Told(of)
        former, told.wanted = told.wanted, frozenset(wanted)
        for level in former | told.wanted:
            told.wanted_at[level] = now
        levels = frozenset(level for level, at in told.wanted_at.items() if now - at < RELEASE_S)
        changed, told.levels = levels != told.levels, levels
        return changed

    @property
    def shrinking(self) -> bool:
        """Whether anybody was told of more than is wanted by now: time alone will change that."""
        return any(told.levels != told.wanted for told in self._told.values())

    def levels(self, key: TrackKey) -> frozenset[int]:
        """What was told last."""
        told = self._told.get(key)
        return told.levels if told is not None and told.levels is not None else frozenset()

    def forget(self, key: TrackKey | None = None) -> None:
        """Tell it again, of this track or of all."""
        if key is None:
            self._told.clear()
        else:
            self._told.pop(key, None)
