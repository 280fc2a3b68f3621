"""What becomes of a booking that is not firm: a tentative one is confirmed or lapses, a requested one is approved or declined."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.booking import holds
from dispatch.booking.approval import may_decide
from dispatch.booking.bookings import checked_reason, end, state_of, still_open, whole, write_down
from dispatch.errors import Forbidden, Refused
from dispatch.store.tables import Booking, Resource, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

SYSTEM = "system"
Seen = Callable[[Sitting], object]
"""Called with the sitting as it is inside the transaction; raises where that is not what the one who decides saw."""


async def confirm(db: Database, sitting_id: str, by: User, now: datetime, seen: Seen | None = None) -> Sitting:
    """Make a tentative booking firm, or ask for it where a resource asks for approval.

    Raises NotFound, Refused("sitting_live" …), Refused("booking_not_tentative") or Refused("booking_lapsed").
    """

    async def firm(session: AsyncSession) -> None:
        sitting = await still_open(session, sitting_id, now, seen)
        booking = sitting.booking
        if booking.state != "tentative":
            raise Refused("booking_not_tentative", title=sitting.title)
        resources = await _all_held(session, sitting)
        booking.state, booking.held_until = state_of(resources, by, tentative=False), None
        await write_down(session, db, by, "booking_confirmed", sitting, resources, now)

    await db.act(firm)
    return await whole(db, sitting_id)


async def approve(db: Database, sitting_id: str, by: User, now: datetime, seen: Seen | None = None) -> Sitting:
    """Approve a requested booking. Raises NotFound, Refused("sitting_live" …), Refused("booking_not_requested") or
    Forbidden("approval_not_yours")."""

    async def allow(session: AsyncSession) -> None:
        sitting = await _requested(session, sitting_id, by, now, seen)
        sitting.booking.state = "confirmed"
        await write_down(session, db, by, "booking_approved", sitting, None, now)

    await db.act(allow)
    return await whole(db, sitting_id)


async def decline(db: Database, sitting_id: str, reason: str, by: User, now: datetime, seen: Seen | None = None) -> Sitting:
    """Decline a requested booking: the sitting is cancelled, what it held is free. Raises as :func:`approve`, or ValidationFailed
    (field "reason")."""
    reason = checked_reason(reason)

    async def refuse(session: AsyncSession) -> None:
        sitting = await _requested(session, sitting_id, by, now, seen)
        await end(session, sitting, reason, now)
        await write_down(session, db, by, "booking_declined", sitting, None, now, reason=reason)

    await db.act(refuse)
    return await whole(db, sitting_id)


async def lapse(db: Database, now: datetime) -> list[str]:
    """Cancel the sittings whose tentative bookings nobody confirmed in time; their ids. Until this is called they are in nobody's
    way already."""
    due = (
        select(Booking.sitting_id)
        .join(Booking.sitting)
        .where(Booking.state == "tentative", Booking.held_until <= now, Sitting.status.in_(("planned", "open")))
    )
    async with db.reader() as session:
        found = list(await session.scalars(due))
    if not found:
        return []
    async with db.writer() as session:
        gone = list(await session.scalars(due))
        for sitting_id in gone:
            sitting = await holds.locked_sitting(session, sitting_id)
            await end(session, sitting, "", now)
            await write_down(session, db, SYSTEM, "booking_lapsed", sitting, None, now)
    return gone


async def _all_held(session: AsyncSession, sitting: Sitting) -> list[Resource]:
    """What the sitting holds, locked. Raises Refused("booking_lapsed") where something of it was given to somebody else meanwhile."""
    locked = await holds.locked(session, (hold.resource_id for hold in sitting.booking.holds))
    held = await holds.held(session, sitting.booking)
    if not all(hold.active for hold in held):
        raise Refused("booking_lapsed", title=sitting.title)
    return [locked[hold.resource_id] for hold in held]


async def _requested(session: AsyncSession, sitting_id: str, by: User, now: datetime, seen: Seen | None) -> Sitting:
    """The sitting, locked, on whose booking `by` may decide."""
    sitting = await still_open(session, sitting_id, now, seen)
    if sitting.booking.state != "requested":
        raise Refused("booking_not_requested", title=sitting.title)
    member = await session.get(User, by.id) is not None
    if not may_decide(by, sitting, [hold.resource for hold in sitting.booking.holds], member=member):
        raise Forbidden("approval_not_yours", title=sitting.title)
    await holds.locked(session, (hold.resource_id for hold in sitting.booking.holds))
    return sitting
