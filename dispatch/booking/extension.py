"""A sitting gets more time, while it is held or before: only where its rooms, equipment and people are free."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.booking import holds
from dispatch.booking.bookings import refuse_lapsed, whole
from dispatch.booking.conflicts import ENDED, Want, refuse_conflicts
from dispatch.booking.holds import Buffers
from dispatch.booking.spans import Span
from dispatch.errors import Conflict, Refused, UserError, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import outbox, webhooks
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

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

    async def lengthen(session: AsyncSession) -> None:
        sitting, span = await _hold_longer(session, db, sitting_id, minutes, now)
        former = db.site.clock(sitting.ends_at, sitting.starts_at)
        sitting.ends_at = sitting.booking.ends_at = span.end
        sitting.revise(now)
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
            detail={
                "sitting": sitting.id,
                "minutes": minutes,
                "ends": (ends := db.site.clock(span.end, sitting.starts_at)),
                "changed": {"ends": [former, ends]},
            },
            now=now,
        )

    await db.act(lengthen)
    return await whole(db, sitting_id)


async def possible(db: Database, sitting_id: str, now: datetime) -> dict[int, UserError | None]:
    """For each of :data:`STEPS_MINUTES` what would be in the way of :func:`extend` now, None where nothing is: tried out and taken
    back. Raises NotFound. It may have changed by the time that somebody asks for it: that decides."""
    found: dict[int, UserError | None] = {}
    for minutes in STEPS_MINUTES:
        try:
            await db.act(partial(_try_longer, db, sitting_id, minutes, now))
        except _TakenBack:
            found[minutes] = None
        except (Conflict, Refused, ValidationFailed) as refused:  # more time is not freer than less
            return found | dict.fromkeys(STEPS_MINUTES[len(found) :], refused)
    return found


class _TakenBack(Exception):
    """The transaction was a trial."""


async def _try_longer(db: Database, sitting_id: str, minutes: int, now: datetime, session: AsyncSession) -> None:
    await _hold_longer(session, db, sitting_id, minutes, now)
    raise _TakenBack


async def _hold_longer(session: AsyncSession, db: Database, sitting_id: str, minutes: int, now: datetime) -> tuple[Sitting, Span]:
    """Hold everything so much longer, clear-up behind it: the sitting, and the span that it got. What was booked for the time that has
    passed meanwhile, and never began, gives way: that time is gone."""
    sitting = await holds.locked_sitting(session, sitting_id)
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)
    refuse_lapsed(sitting, now)
    begin = max(sitting.ends_at, now)
    span = Span(begin, begin + timedelta(minutes=minutes))
    if span.end - sitting.starts_at > LONGEST:
        raise ValidationFailed([("minutes", "too_much_time", {"most": int(LONGEST.total_seconds() // 3600)})])
    locked = await holds.locked(session, (hold.resource_id for hold in sitting.booking.holds))
    held = await holds.held(session, sitting.booking)
    ends = {hold.id: span.end + Buffers.of(locked[hold.resource_id]).after for hold in held}
    new = {hold.resource_id: Span(hold.ends_at if hold.active else span.start, ends[hold.id]) for hold in held}
    longer = {resource_id: until for resource_id, until in new.items() if until.start < until.end}
    resources = [locked[hold.resource_id] for hold in held]
    await refuse_conflicts(session, db.site, Want(span, resources, longer, sitting.id), now, past_gives_way=True)
    for hold in held:
        if hold.resource_id in longer:
            hold.starts_at = hold.starts_at if hold.active else span.start
            hold.ends_at, hold.active = ends[hold.id], True
    await session.flush()
    await holds.changed(session, longer.keys())
    return sitting, span
