"""What is booked, as the situation list needs it: columns alone. A day of a hundred sittings with all that hangs on them are thousands of
objects, and an open console asks every few seconds."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, select

from dispatch.booking.days import bounds
from dispatch.console.situation import Booked
from dispatch.sittings.moments import microseconds
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store import direct
from dispatch.store.resources import Booking, Hold, Room
from dispatch.store.shift_tables import InCharge
from dispatch.store.tables import Case, Participant, Sitting, User
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

Person = tuple[str, str, str, bool]


async def of_day(db: Database, day: date, tz: ZoneInfo) -> list[Booked]:
    """Those that lie, wholly or in part, on a local day, in order of their start, without those that are withheld."""
    begin, end = bounds(day, tz)
    async with db.reader() as session:
        return await _booked(session, IN_SIGHT & (Sitting.starts_at < end) & (Sitting.ends_at > begin))


async def one(db: Database, sitting: str) -> Booked | None:
    """None if there is none of that id, or it is withheld."""
    async with db.reader() as session:
        return next(iter(await _booked(session, IN_SIGHT & (Sitting.id == sitting))), None)


async def _booked(session: AsyncSession, which: ColumnElement[bool]) -> list[Booked]:
    ids = select(Sitting.id).where(which)
    wanted = select(
        Sitting.id,
        Sitting.kind,
        Sitting.title,
        Sitting.status,
        Sitting.starts_at,
        Sitting.ends_at,
        Sitting.watcher_ids,
        Case.number,
        User.name.label("officer"),
        User.id.label("officer_id"),
    )
    wanted = wanted.join(Case, Case.id == Sitting.case_id).outerjoin(InCharge, InCharge.sitting_id == Sitting.id)
    wanted = wanted.outerjoin(User, User.id == InCharge.officer_id).where(which).order_by(Sitting.starts_at, Sitting.title)
    found = await direct.rows(session, wanted)
    people, rooms = await _people(session, ids), await _rooms(session, ids)
    return [
        Booked(
            id=row.id,
            kind=row.kind,
            title=row.title,
            case_number=row.number,
            room=rooms[row.id][1],
            room_en=rooms[row.id][2],
            room_id=rooms[row.id][0],
            officer=row.officer or "",
            officer_id=row.officer_id or "",
            starts_at_us=microseconds(row.starts_at),
            ends_at_us=microseconds(row.ends_at),
            status=row.status,
            people=tuple(people[row.id]),
            named=tuple(row.watcher_ids.split()) if "named" in PROCEDURES[row.kind].centre else None,
        )
        for row in found
    ]


async def _people(session: AsyncSession, sittings: Select[str]) -> dict[str, list[Person]]:
    """By sitting, in their order."""
    wanted = select(Participant.sitting_id, Participant.id, Participant.name, Participant.role, Participant.presides)
    wanted = wanted.where(Participant.sitting_id.in_(sittings), Participant.removed_at.is_(None)).order_by(Participant.position)
    people: dict[str, list[Person]] = defaultdict(list)
    for sitting, person, name, role, presides in await direct.rows(session, wanted):
        people[sitting].append((person, name, role, presides))
    return people


async def _rooms(session: AsyncSession, sittings: Select[str]) -> dict[str, tuple[str, str, str]]:
    """By sitting the id, name and English name of the first room: where the bench sits."""
    wanted = select(Booking.sitting_id, Room.id, Room.name, Room.name_en)
    wanted = wanted.join(Hold, Hold.booking_id == Booking.id).join(Room, Room.id == Hold.resource_id)
    wanted = wanted.where(Booking.sitting_id.in_(sittings)).order_by(Hold.position, Hold.resource_id)
    rooms: dict[str, tuple[str, str, str]] = defaultdict(lambda: ("", "", ""))
    for sitting, room, name, name_en in await direct.rows(session, wanted):
        rooms.setdefault(sitting, (room, name, name_en))
    return rooms
