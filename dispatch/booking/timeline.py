"""What many resources are held for over days or weeks, as a page draws it: rows, and no more of a sitting than it shows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, select

from dispatch.booking.holds import LONGEST
from dispatch.store.tables import Booking, Case, Hold, Participant, Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database


class Slot(NamedTuple):
    """A sitting in the row of a resource. The hold is the booking with set-up and clear-up."""

    resource_id: str
    id: str
    """of the sitting"""
    kind: str
    title: str
    case_number: str
    status: str
    state: str
    """of the booking"""
    starts_at: datetime
    ends_at: datetime
    held_from: datetime
    held_until: datetime
    closed_at: datetime | None
    chair: str | None
    """who presides"""


async def timeline(db: Database, resource_ids: Collection[str], begin: datetime, end: datetime) -> dict[str, list[Slot]]:
    """What these resources are held for in [begin, end), by resource, in order of time; what was cancelled is not in it, what has
    closed is."""
    rows = (
        select(
            Hold.resource_id,
            Sitting.id,
            Sitting.kind,
            Sitting.title,
            Case.number,
            Sitting.status,
            Booking.state,
            Booking.starts_at,
            Booking.ends_at,
            Hold.starts_at.label("held_from"),
            Hold.ends_at.label("held_until"),
            Sitting.closed_at,
            Participant.name,
        )
        .join(Booking, Booking.id == Hold.booking_id)
        .join(Sitting, Sitting.id == Booking.sitting_id)
        .join(Case, Case.id == Sitting.case_id)
        .outerjoin(Participant, and_(Participant.sitting_id == Sitting.id, Participant.role == "judge", Participant.removed_at.is_(None)))
        .where(
            Hold.resource_id.in_(sorted(resource_ids)),
            Hold.starts_at < end,
            Hold.starts_at > _before(begin),
            Hold.ends_at > begin,
            Booking.state != "cancelled",
        )
        .order_by(Hold.resource_id, Hold.starts_at)
    )
    found: dict[str, list[Slot]] = {resource_id: [] for resource_id in resource_ids}
    async with db.reader() as session:
        # By the connection: the session would look at each value for what else is to be loaded with it.
        for row in await (await session.connection()).execute(rows):
            found[row[0]].append(Slot._make(row))
    return found


def _before(begin: datetime) -> datetime:
    try:
        return begin - LONGEST
    except OverflowError:  # the first days there are
        return begin
