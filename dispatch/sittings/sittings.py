"""Reading sittings, and what the live plane is told of one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch.booking.days import bounds
from dispatch.errors import NotFound
from dispatch.sittings.moments import microseconds
from dispatch.sittings.statuses import ALLOWED, project
from dispatch.sittings.withheld import IN_SIGHT, seen
from dispatch.store.tables import Participant, Sitting
from rooms.plan import PlanParticipant, SittingPlan
from rooms.procedure import PROCEDURES, Procedure

if TYPE_CHECKING:
    from dispatch.store.database import Database

__all__ = ["ALLOWED", "find", "for_user", "get", "in_sight", "of_day", "plan", "project", "under_way"]


async def find(db: Database, sitting_id: str) -> Sitting | None:
    """A sitting with its case, bookings, participants and their links; None if there is none."""
    async with db.reader() as session:
        return await session.get(Sitting, sitting_id)


async def get(db: Database, sitting_id: str) -> Sitting:
    """As :func:`find`; raises NotFound("sitting_unknown")."""
    found = await find(db, sitting_id)
    if found is None:
        raise NotFound("sitting_unknown")
    return found


async def in_sight(db: Database, sitting_id: str) -> Sitting:
    """As :func:`get`, for whatever is shown to people: one whose juvenile record is sealed is not there either."""
    return seen(await find(db, sitting_id))


async def of_day(db: Database, day: date, tz: ZoneInfo, *, cancelled: bool = True) -> list[Sitting]:
    """Sittings that lie, wholly or in part, on a local day, in order of their start, without those that are withheld."""
    begin, end = bounds(day, tz)
    wanted = select(Sitting).where(IN_SIGHT, Sitting.starts_at < end, Sitting.ends_at > begin).order_by(Sitting.starts_at, Sitting.title)
    if not cancelled:
        wanted = wanted.where(Sitting.status != "cancelled")
    async with db.reader() as session:
        return list(await session.scalars(wanted))


async def for_user(db: Database, user_id: str, day: date, tz: ZoneInfo | None = None) -> list[Sitting]:
    """A user's own sittings of a local day, in order of their start, without cancelled ones."""
    begin, end = bounds(day, tz or db.site.zone)
    own = select(Participant.sitting_id).where(Participant.user_id == user_id, Participant.removed_at.is_(None))
    async with db.reader() as session:
        found = await session.scalars(
            select(Sitting)
            .where(IN_SIGHT, Sitting.id.in_(own), Sitting.starts_at < end, Sitting.ends_at > begin, Sitting.status != "cancelled")
            .order_by(Sitting.starts_at)
        )
        return list(found)


async def under_way(db: Database) -> list[Sitting]:
    """Sittings that are live or in recess, whatever their day."""
    async with db.reader() as session:
        return list(await session.scalars(select(Sitting).where(Sitting.status.in_(("live", "recess"))).order_by(Sitting.starts_at)))


def takes_part(sitting: Sitting, user_id: str) -> bool:
    """Whether a user is among the participants."""
    return any(participant.user_id == user_id for participant in sitting.participants)


def plan(sitting: Sitting, db: Database, procedure: Procedure | None = None) -> SittingPlan:
    """What the live plane is told of a sitting, in the installation's words. `procedure`: the version by which it is opened; of one that
    is open already nothing is said: it keeps its own."""
    return SittingPlan(
        id=sitting.id,
        kind=sitting.kind,
        title=sitting.title,
        case_number=sitting.case.number,
        court=db.site.court,
        room=sitting.room.name,
        starts_at_us=microseconds(sitting.starts_at),
        ends_at_us=microseconds(sitting.ends_at),
        time_zone=db.site.zone.key,
        participants=tuple(PlanParticipant(p.id, p.name, p.role, chair=p.presides, guards=p.guards_id) for p in sitting.participants),
        procedure=(procedure or PROCEDURES[sitting.kind]).text,
        received_at_us=microseconds(sitting.received_at) if sitting.received_at is not None else None,
        watchers=tuple(sitting.watcher_ids.split()),
        apart=tuple((pair.one_id, pair.other_id) for pair in sitting.apart),
    )
