"""The end of the booked time. A live sitting never ends by the clock; but in its last ten minutes, and beyond its end, chair
and clerk see what the room is booked for next. Tentative bookings lapse by it, and times that are free again are offered to who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from dispatch.booking import decisions
from dispatch.booking.asked_for import Line
from dispatch.booking.upcoming import next_in_rooms
from dispatch.sittings import sittings
from dispatch.sittings.moments import microseconds

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from rooms.hub import Hub

log = structlog.get_logger("clock")

EVERY_S = 20.0
BEFORE_END = timedelta(minutes=10)
HORIZON = timedelta(hours=4)
"""A booking that begins later than this after the planned end is not in the way."""


@dataclass(frozen=True, slots=True)
class Following:
    """The next booking of the room."""

    title: str
    room: str
    starts_at: datetime


def notice(now: datetime, ends_at: datetime, following: Following | None) -> dict[str, Any] | None:
    """What chair and clerk of a live sitting are to see at `now`: {"title", "room", "starts_at_us"}, or nothing. Pure."""
    if following is None or now < ends_at - BEFORE_END or following.starts_at > ends_at + HORIZON:
        return None
    return {"title": following.title, "room": following.room, "starts_at_us": microseconds(following.starts_at)}


async def tell(db: Database, hub: Hub, now: datetime, told: dict[str, dict[str, Any] | None]) -> None:
    """Tell each live sitting what it is to see, where that is not what it was `told` last."""
    live = await sittings.under_way(db)
    for gone in told.keys() - {sitting.id for sitting in live}:
        del told[gone]
    for sitting in live:
        found = await next_in_rooms(db, [room.id for room in sitting.rooms], sitting.ends_at, but=sitting.id)
        following = Following(found[0].sitting.title, found[1].name, found[0].starts_at) if found is not None else None
        info = notice(now, sitting.ends_at, following)
        if sitting.id not in told or told[sitting.id] != info:
            await hub.set_next_booking(sitting.id, info)
            told[sitting.id] = info


async def lapse(db: Database, hub: Hub, now: datetime) -> None:
    """Cancel what was booked tentatively and not confirmed in time; who waits in its waiting room is told."""
    for sitting_id in await decisions.lapse(db, now):
        await hub.cancel(sitting_id, "")


async def run(db: Database, hub: Hub, clock: Callable[[], datetime]) -> None:
    """Each 20 s, until cancelled."""
    told: dict[str, dict[str, Any] | None] = {}
    line = Line()
    while True:
        try:
            await tell(db, hub, clock(), told)
            await lapse(db, hub, clock())
            await line.serve(db, clock())
        except Exception:  # the next round may well succeed; a sitting must not lose its clock for good
            log.exception("clock_failed")
        await asyncio.sleep(EVERY_S)
