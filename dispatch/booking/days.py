"""What is held in the rooms on a day of the court."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.rooms import list_rooms
from dispatch.booking.timeline import Slot, timeline
from dispatch.store.tables import Room

if TYPE_CHECKING:
    from dispatch.store.database import Database


def bounds(day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments (UTC) at which a local day begins and ends; it has 23 or 25 hours where the clock is put."""
    return _midnight(day, tz), _midnight(day + timedelta(days=1), tz) if day < date.max else datetime.max.replace(tzinfo=UTC)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    try:
        return datetime.combine(day, time(0), tz).astimezone(UTC)
    except OverflowError:  # the first and the last day there are, where UTC has none left
        return datetime.min.replace(tzinfo=UTC) if day == date.min else datetime.max.replace(tzinfo=UTC)


async def day(db: Database, day: date, tz: ZoneInfo) -> list[tuple[Room, list[Slot]]]:
    """:func:`between` of one day."""
    return await between(db, day, day, tz)


async def between(db: Database, first: date, last: date, tz: ZoneInfo) -> list[tuple[Room, list[Slot]]]:
    """Each active room with what is held in it from a local day to another, both included, in order. A sitting over midnight is on
    both days, one that ends at midnight on the first only; one of several rooms is in each. Cancelled ones are not listed."""
    begin, end = bounds(first, tz)[0], bounds(last, tz)[1]
    rooms = await list_rooms(db)
    held = await timeline(db, [room.id for room in rooms], begin, end)
    return [(room, [slot for slot in held[room.id] if slot.starts_at < end and slot.ends_at > begin]) for room in rooms]
