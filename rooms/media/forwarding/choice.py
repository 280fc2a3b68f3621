"""Which layer of each picture an endpoint gets: by how high it shows it, by what its connection carries, by importance. Pure.

Sound is no subject here: it is always sent, and its rate is taken off before. Of the pictures each first gets its lowest layer, the
most important one first; what is left raises them, in the same order. What a connection cannot carry even so is left out, from the
least important on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rooms.media.engine import Source, TrackKey

#: A layer that is this share of the shown height is high enough: the next one would cost three times as much.
HIGH_ENOUGH = 0.7
#: What is left of a stream without the frames that no other needs (two or three temporal layers).
SLOWER = 0.6
#: What a layer is expected to need that was not measured yet: 1.2 Mbit/s at 720 lines, less by the power 1.5 of the height.
ASSUMED_BPS, ASSUMED_HEIGHT = 1_200_000, 720
LOWEST_HEIGHT = 180


class Importance(IntEnum):
    """Who comes first where a connection cannot carry all."""

    SCREEN = 0
    FLOOR = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class Rung:
    """One layer of a picture: its height in lines and its rate in bit/s."""

    height: int
    bps: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that an endpoint may watch.

    `shown`: its height in device pixels, 0 if it is not seen, None if that is not known. `rungs`: the layers, lowest first; at least
    one. `held`: the layer that it gets at present, −1 for none. `thins`: frames can be left out of it. `measured`: what it needs is
    known, or will not be before it is sent.
    """

    key: TrackKey
    floor: bool
    shown: int | None
    rungs: tuple[Rung, ...]
    held: int = -1
    thins: bool = False
    measured: bool = True

    @property
    def ideal(self) -> int:
        """See :func:`ideal`."""
        return ideal(self.rungs, self.shown)

    @property
    def order(self) -> tuple[int, int, TrackKey]:
        """Smaller comes first."""
        screen = self.key.source is Source.SCREEN
        importance = Importance.SCREEN if screen else Importance.FLOOR if self.floor else Importance.OTHER
        return importance, -(self.rungs[-1].height if self.shown is None else self.shown), self.key


@dataclass(frozen=True, slots=True)
class Choice:
    """`level`: the layer to send, −1 for none. `slower`: with the frames left out that no other needs. `ideal`: see :class:`Picture`."""

    level: int
    slower: bool
    ideal: int


def ideal(rungs: Sequence[Rung], shown: int | None) -> int:
    """The layer that shows a picture as well as can be seen, which is so high on the screen; −1 if it is not seen."""
    if shown == 0:
        return -1
    if shown is not None:
        for level, rung in enumerate(rungs):
            if rung.height >= shown * HIGH_ENOUGH:
                return level
    return len(rungs) - 1


def choose(pictures: Iterable[Picture], budget_bps: int | None, steady_bps: int | None = None) -> dict[TrackKey, Choice]:
    """The layer of each picture.

    `budget_bps` is what the connection carries now, `steady_bps` what it has carried for a while: what a picture has already may use
    the first, what would be more than it has only the second. None: without limit.
    """
    chosen: dict[TrackKey, Choice] = {}
    spent = 0
    order = sorted(pictures, key=lambda picture: picture.order)

    def fits(bps: int, held: bool) -> bool:
        limit = budget_bps if held or steady_bps is None else steady_bps
        return limit is None or spent + bps <= limit

    for picture in order:
        level, slower, lowest = -1, False, picture.rungs[0].bps
        if picture.ideal >= 0:
            if fits(lowest, picture.held >= 0):
                level = 0
            elif picture.thins and fits(int(lowest * SLOWER), picture.held >= 0):
                level, slower, lowest = 0, True, int(lowest * SLOWER)
        spent += lowest if level == 0 else 0
        chosen[picture.key] = Choice(level, slower, picture.ideal)
    for picture in order:
        choice = chosen[picture.key]
        if choice.level < 0 or choice.slower:
            continue
        level = 0
        while level < choice.ideal:
            more = picture.rungs[level + 1].bps - picture.rungs[level].bps
            if not fits(more, picture.held > level):
                break
            spent += more
            level += 1
        chosen[picture.key] = Choice(level, False, choice.ideal)
    return chosen


def rungs(sizes: Sequence[int | None], rates: Sequence[int | None]) -> tuple[Rung, ...]:
    """The layers of a picture from the heights and rates that are known of them, lowest first.

    An unknown height follows from its neighbours, each half as high as the next; an unknown rate from the height, and from the next
    known one above it: none is cheaper than a lower one.
    """
    known = next(((i, height) for i, height in enumerate(sizes) if height), None)
    if known is None:
        known = (0, LOWEST_HEIGHT) if len(sizes) > 1 else (0, ASSUMED_HEIGHT)
    found: list[Rung] = []
    for i, (size, rate) in enumerate(zip(sizes, rates, strict=True)):
        height = size or max(1, round(known[1] * 2.0 ** (i - known[0])))
        above = [higher for higher in rates[i:] if higher]
        bps = rate or min([round(ASSUMED_BPS * (height / ASSUMED_HEIGHT) ** 1.5), *above])
        found.append(Rung(height, max(bps, found[-1].bps if found else 0)))
    return tuple(found)
