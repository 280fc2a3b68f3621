"""The booking page's week and month: which days are shown and what lies on each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.days import bounds
from dispatch.booking.timeline import Slot
from dispatch.store.tables import Room
from dispatch.web.day_grid import Item, item_of, room_name

DAYS = 7
MOST_IN_A_CELL = 4
"""Sittings that a day of the month names; of the others it says how many they are."""


@dataclass(frozen=True)
class Placed:
    """A sitting in a cell, and the room that it is in."""

    item: Item
    room: Room
    room_name: str


@dataclass(frozen=True)
class Cell:
    """One day, of one room or (`room` is None) of all. `outside`: of another month than the one that is shown."""

    day: date
    placed: tuple[Placed, ...]
    room: Room | None = None
    outside: bool = False

    @property
    def more(self) -> int:
        """How many sittings a cell of the month does not name."""
        return max(0, len(self.placed) - MOST_IN_A_CELL) if len(self.placed) > MOST_IN_A_CELL + 1 else 0

    @property
    def named(self) -> tuple[Placed, ...]:
        """The sittings that a cell of the month names."""
        return self.placed[:MOST_IN_A_CELL] if self.more else self.placed


@dataclass(frozen=True)
class Row:
    """A row of cells: of a room, or (`room` is None) a week of a month."""

    cells: tuple[Cell, ...]
    room: Room | None = None
    name: str = ""


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the day's week (ISO 8601, GB/T 7408); at the calendar's ends what there is of it."""
    before, after = day.weekday(), DAYS - 1 - day.weekday()
    first = day - timedelta(days=before) if (day - date.min).days >= before else date.min
    last = day + timedelta(days=after) if (date.max - day).days >= after else date.max
    return first, last


def month_of(day: date) -> tuple[date, date]:
    """The first and last day that the month's whole weeks cover."""
    first = day.replace(day=1)
    return week_of(first)[0], week_of(_last_of_month(day))[1]


def month_before(day: date) -> date:
    """The first day of the month before; the calendar's end stays where it is."""
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1) if first > date.min else first


def month_after(day: date) -> date:
    """The first day of the month after; the calendar's end stays where it is."""
    last = _last_of_month(day)
    return last + timedelta(days=1) if last < date.max else day.replace(day=1)


def _last_of_month(day: date) -> date:
    if (day.year, day.month) == (date.max.year, date.max.month):
        return date.max
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def days_between(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def week(rows: Iterable[tuple[Room, Sequence[Slot]]], days: Sequence[date], zone: ZoneInfo, language: str) -> list[Row]:
    """A row for each room, with a cell for each day."""
    return [
        Row(tuple(Cell(day, _on(day, [(room, held)], zone, language), room) for day in days), room, room_name(room, language))
        for room, held in rows
    ]


def month(rows: Sequence[tuple[Room, Sequence[Slot]]], days: Sequence[date], shown: date, zone: ZoneInfo, language: str) -> list[Row]:
    """A row for each week, with a cell for each day, in which all rooms are."""
    cells = [Cell(day, _on(day, rows, zone, language), outside=day.month != shown.month) for day in days]
    return [Row(tuple(cells[n : n + DAYS])) for n in range(0, len(cells), DAYS)]


def _on(day: date, rows: Iterable[tuple[Room, Sequence[Slot]]], zone: ZoneInfo, language: str) -> tuple[Placed, ...]:
    begin, end = bounds(day, zone)
    placed = [
        Placed(item_of(slot, day, zone), room, room_name(room, language))
        for room, held in rows
        for slot in held
        if slot.starts_at < end and slot.ends_at > begin
    ]
    return tuple(sorted(placed, key=lambda each: (each.item.first, each.room.position, each.room_name)))
