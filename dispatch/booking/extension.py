"""A sitting gets more time, while it is held or before: only where its room and its people are free."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.booking.conflicts import ENDED, refuse_conflicts
from dispatch.booking.spans import Span
from dispatch.errors import NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import outbox, webhooks
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from dispatch.store.database import Database

STEPS_MINUTES = (15, 30, 60)
"""By how much a sitting is extended at once."""
LONGEST = timedelta(hours=24)


async def extend(db: Database, sitting_id: str, minutes: int, by: User, now: datetime) -> Sitting:
    """Move the planned end by `minutes`, counted from now where it has passed. Links keep working, and live as much longer.

    Raises NotFound, Refused("sitting_closed" …), ValidationFailed (field "minutes"), or Conflict naming what is in the way.
    """
    if minutes not in STEPS_MINUTES:
        raise ValidationFailed([("minutes", "extension_unknown", {"choices": ", ".join(map(str, STEPS_MINUTES))})])
    async with db.writer() as session:
        sitting = await session.get(Sitting, sitting_id)
        if sitting is None:
            raise NotFound("sitting_unknown")
        if sitting.status in ENDED:
            raise Refused(f"sitting_{sitting.status}", title=sitting.title)
        begin = max(sitting.ends_at, now)
        span = Span(begin, begin + timedelta(minutes=minutes))
        if span.end - sitting.starts_at > LONGEST:
            raise ValidationFailed([("minutes", "too_much_time", {"most": int(LONGEST.total_seconds() // 3600)})])
        users = {person.user_id for person in sitting.participants if person.user_id is not None}
        await refuse_conflicts(session, db.site, room_id=sitting.room.id, user_ids=users, span=span, now=now, own=sitting.id)
        sitting.ends_at = span.end
        sitting.revise(now)
        for booking in sitting.bookings:
            booking.ends_at = span.end
        for person in sitting.participants:
            for invitation in person.invitations:
                if invitation.revoked_at is None:
                    invitation.expires_at = invitations.expiry(db, sitting)
        await outbox.settle(session, db, sitting, now)
        await webhooks.note(session, "sitting.extended", sitting, now)
        await audit.write(
            session,
            by,
            "sitting_extended",
            f"{sitting.case.number} {sitting.title}",
            detail={"sitting": sitting.id, "minutes": minutes, "ends": db.site.clock(span.end, sitting.starts_at)},
            now=now,
        )
    async with db.reader() as session:
        return await session.get_one(Sitting, sitting_id)
