"""Who sees which sitting, and lists of them a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from dispatch.booking.draft import normal_case_number
from dispatch.errors import NotFound
from dispatch.sittings import sittings
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.tables import Booking, Case, Hold, Participant, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import Select

    from dispatch.store.database import Database

SEES_ALL = frozenset({"clerk", "officer"})
"""Roles that see every sitting; everybody else sees those he takes part in."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sittings: those that lie, wholly or in part, in [`begin`, `end`), in a room, in one of the statuses, of a case.
    What is None or empty asks for nothing."""

    begin: datetime | None = None
    end: datetime | None = None
    room_id: str = ""
    statuses: Collection[str] = ()
    case_number: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The last sitting of a page: the next page begins behind it, whatever was booked or cancelled meanwhile."""

    starts_at: datetime
    id: str


async def visible(db: Database, user: User, sitting_id: str) -> Sitting:
    """The sitting, if `user` may see it: for everybody else it does not exist. Raises NotFound("sitting_unknown")."""
    sitting = await sittings.in_sight(db, sitting_id)
    if user.role not in SEES_ALL and not sittings.takes_part(sitting, user.id):
        raise NotFound("sitting_unknown")
    return sitting


async def page(db: Database, user: User, wanted: Wanted, after: Place | None, size: int) -> tuple[list[Sitting], Place | None]:
    """At most `size` sittings that `user` may see, in order of their start, and where the next page begins (None: there is none)."""
    rows = _rows(user, wanted)
    if after is not None:
        rows = rows.where(or_(Sitting.starts_at > after.starts_at, and_(Sitting.starts_at == after.starts_at, Sitting.id > after.id)))
    async with db.reader() as session:
        found = list(await session.scalars(rows.order_by(Sitting.starts_at, Sitting.id).limit(size + 1)))
    shown = found[:size]
    return shown, Place(shown[-1].starts_at, shown[-1].id) if len(found) > size else None


def _rows(user: User, wanted: Wanted) -> Select[Sitting]:
    rows = select(Sitting).where(IN_SIGHT)
    if user.role not in SEES_ALL:
        rows = rows.where(
            Sitting.id.in_(select(Participant.sitting_id).where(Participant.user_id == user.id, Participant.removed_at.is_(None)))
        )
    if wanted.begin is not None:
        rows = rows.where(Sitting.ends_at > wanted.begin)
    if wanted.end is not None:
        rows = rows.where(Sitting.starts_at < wanted.end)
    if wanted.room_id:
        rows = rows.where(Sitting.id.in_(_in_room(wanted.room_id)))
    if wanted.statuses:
        rows = rows.where(Sitting.status.in_(wanted.statuses))
    if wanted.case_number:
        rows = rows.where(Sitting.case_id.in_(select(Case.id).where(Case.number == normal_case_number(wanted.case_number))))
    return rows


def _in_room(room_id: str) -> Select[str]:
    """Ids of the sittings that were ever booked into a room, and not moved out of it."""
    return select(Booking.sitting_id).join(Booking.holds).where(Hold.resource_id == room_id)
