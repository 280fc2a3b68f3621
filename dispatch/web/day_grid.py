"""The booking page's grid: which hours a day shows and where each sitting lies in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.timeline import Slot
from dispatch.store.tables import Room

DAY_MINUTES = 24 * 60
FIRST_HOUR = 8
LAST_HOUR = 19
"""Hours shown on every day; earlier and later ones are added where something lies in them."""

MOVABLE = frozenset({"planned", "open"})
"""Statuses in which a sitting may still be moved or cancelled; the operation decides."""

ENTERABLE = frozenset({"planned", "open", "live", "recess"})
"""Statuses in which people may come in, be added and be given links."""


@dataclass(frozen=True)
class Item:
    """A sitting in a row. `first` and `last` in minutes of the local day; `before`/`after`: it goes on beyond midnight."""

    sitting: Slot
    first: int
    last: int
    before: bool
    after: bool
    chair: str

    @property
    def movable(self) -> bool:
        """Whether the page offers to move it: not begun, and whole within the day."""
        return self.sitting.status in MOVABLE and not (self.before or self.after)


@dataclass(frozen=True)
class Row:
    """A room and what is held in it that day."""

    room: Room
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Grid:
    """The whole day. `first`, `last` and `now` in minutes of the local day; `now` only on the day it is."""

    rows: tuple[Row, ...]
    first: int
    last: int
    now: int | None

    @property
    def hours(self) -> range:
        """The hours marked at the top."""
        return range(self.first // 60, self.last // 60)


def room_name(room: Room, language: str) -> str:
    """The room's name in the page's language, the Chinese one where there is no other."""
    return room.name_en if language == "en" and room.name_en else room.name


def minute_of(moment: datetime, day: date, zone: ZoneInfo) -> int:
    """Wall-clock minutes from the day's midnight; below 0 the day before, above 1440 the day after."""
    local = moment.astimezone(zone)
    return (local.date() - day).days * DAY_MINUTES + local.hour * 60 + local.minute


def moment_at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Inverse of `minute_of`: the moment at which the wall clock of `day` shows `minutes` after midnight."""
    return datetime.combine(day + timedelta(days=minutes // DAY_MINUTES), time(minutes % DAY_MINUTES // 60, minutes % 60), zone)


def item_of(slot: Slot, day: date, zone: ZoneInfo) -> Item:
    """What a sitting is on a local day."""
    first, last = minute_of(slot.starts_at, day, zone), minute_of(slot.ends_at, day, zone)
    return Item(slot, max(first, 0), min(last, DAY_MINUTES), first < 0, last > DAY_MINUTES, slot.chair or "")


def day_grid(rows: Iterable[tuple[Room, Sequence[Slot]]], day: date, zone: ZoneInfo, now: datetime, language: str) -> Grid:
    """The grid of `day` as the court's clock has it."""
    made = tuple(
        Row(room, room_name(room, language), tuple(sorted((item_of(slot, day, zone) for slot in held), key=lambda item: item.first)))
        for room, held in rows
    )
    items = [item for row in made for item in row.items]
    first = min([FIRST_HOUR * 60, *(item.first // 60 * 60 for item in items)])
    last = max([LAST_HOUR * 60, *(-(-item.last // 60) * 60 for item in items)])
    at = minute_of(now, day, zone)
    if 0 <= at < DAY_MINUTES:
        first, last = min(first, at // 60 * 60), max(last, (at // 60 + 1) * 60)
    return Grid(made, first, last, at if 0 <= at < DAY_MINUTES else None)
