"""A sitting that broke off because somebody was lost waits for another time: with its case, its people and the day of receipt.

Source: DOMAIN.md section 3.2; the clocks of the replies to a petition run from the day on which it was received, however often it has to be
booked anew. The chair's word that it broke off comes with the log (event `rebooked`); the booking itself is the clerk's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import draft as forms
from dispatch.booking.finding.searching import search
from dispatch.booking.listing import confirming, waiting
from dispatch.errors import Refused
from dispatch.store.tables import Sitting, User, new_id
from dispatch.store.waiting_tables import WaitingSitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

SYSTEM = "system"
LOOKED_AHEAD = timedelta(days=30)
"""So far the next free time is looked for."""


async def keep(session: AsyncSession, sitting: Sitting, received_at: datetime, now: datetime) -> None:
    """Inside a transaction: have what `sitting` was about wait for a time, once, whatever is asked again. Audited."""
    if await session.scalar(select(WaitingSitting.id).where(WaitingSitting.former_id == sitting.id)) is not None:
        return
    form = forms.draft_of(sitting)
    people = tuple(replace(row, key=row.key or row.id, id="") for row in form.participants)
    draft = waiting.WaitingDraft(
        case_number=form.case_number,
        case_title=form.case_title,
        title=form.title,
        kind=form.kind,
        minutes=round((sitting.booking.ends_at - sitting.starts_at) / timedelta(minutes=1)),
        chair_id=form.chair_id,
        clerk_id=form.clerk_id,
        prosecutor_id=form.prosecutor_id,
        participants=people,
        room_kind=sitting.room.kind,
        equipment=form.equipment,
        priority=waiting.HIGHEST,
        apart=form.apart,
    )
    row = WaitingSitting(id=new_id(), former_id=sitting.id, received_at=received_at, created_by=sitting.created_by, created_at=now)
    waiting.write(row, draft)
    session.add(row)
    await session.flush()
    detail = {"waiting": row.id, "sitting": sitting.id, "received": received_at.astimezone(UTC).isoformat()}
    subject = f"{sitting.case.number} {sitting.title}"
    await audit.write(session, SYSTEM, "sitting_to_rebook", subject, address="", detail=detail, now=now)


async def book_soonest(db: Database, waiting_id: str, by: User, now: datetime, travel_minutes: int = 0) -> str:
    """Book one that waits at the next free time of everybody and everything that it needs; the sitting's id, the same for whoever asks
    again. Raises NotFound, ValidationFailed, Conflict, or Refused("no_free_time") where there is none within :data:`LOOKED_AHEAD`."""
    row = await waiting.get(db, waiting_id)
    if row.sitting_id is not None:
        return row.sitting_id
    today = now.astimezone(db.site.zone).date()
    first = max(today, row.not_before or today)
    last = min(first + LOOKED_AHEAD, row.deadline or first + LOOKED_AHEAD)
    found = await search(db, waiting.wanted_of(row, first, last), now, travel_minutes)
    if not found.slots:
        raise Refused("no_free_time", days=LOOKED_AHEAD.days)
    slot = min(found.slots, key=lambda each: each.span.start)
    place = {"start": slot.span.start.isoformat(), "resource_ids": list(slot.resource_ids)}

    async def once(session: AsyncSession) -> str:
        each = await waiting.locked(session, waiting_id)
        return each.sitting_id or await confirming.book_at(session, db, each, place, found.needs, by, now)

    return await db.act(once)
