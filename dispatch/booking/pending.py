"""What waits for somebody: bookings that were asked for, tentative ones that will lapse, and what became of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Select, func, or_, select

from dispatch.booking.approval import may_decide
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import AuditRow, Booking, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

SOON = timedelta(hours=24)
"""A tentative booking that lapses within so long is counted."""
RECENT = timedelta(days=7)
MOST = 200
AHEAD = ("planned", "open")
OUTCOMES = ("booking_approved", "booking_declined", "booking_lapsed")
"""Acts of the audit log that end the waiting."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a booking that somebody had asked for or kept tentatively. `action`: the act of the audit log; `by`: who decided."""

    sitting: Sitting
    action: str
    by: str
    at: datetime
    reason: str
    told: str
    """state of the e-mail that tells him of it, where he takes no part in the sitting himself; else empty"""


@dataclass(frozen=True, slots=True)
class Pending:
    """`requested` in the order of their time, `tentative` of that at which they lapse, `outcomes` the newest first. `asked_by`: user id →
    name."""

    requested: tuple[Sitting, ...]
    tentative: tuple[Sitting, ...]
    outcomes: tuple[Outcome, ...]
    asked_by: dict[str, str]
    decides: frozenset[str]
    """ids of those of `requested` that the one who looks may decide on"""


def _waiting(now: datetime) -> Select[Sitting]:
    return select(Sitting).join(Booking, Booking.sitting_id == Sitting.id).where(Sitting.status.in_(AHEAD), Sitting.ends_at > now)


async def pending(db: Database, user: User, now: datetime, *, everything: bool) -> Pending:
    """What `user` is to see: all that waits, or (not `everything`) what he may decide on; and what became of his own within a week."""
    async with db.reader() as session:
        asked = _waiting(now).where(Booking.state == "requested").order_by(Sitting.starts_at, Sitting.id).limit(MOST)
        requested = list(await session.scalars(asked))
        decides = {each.id for each in requested if may_decide(user, each, [hold.resource for hold in each.booking.holds])}
        kept = _waiting(now).where(Booking.state == "tentative", Booking.held_until > now).order_by(Booking.held_until).limit(MOST)
        tentative = list(await session.scalars(kept)) if everything else []
        shown = [each for each in requested if everything or each.id in decides]
        names = {each.created_by for each in (*shown, *tentative)} - {None}
        asked_by = {each.id: each.name for each in await session.scalars(select(User).where(User.id.in_(names)))}
        outcomes = await _outcomes(session, user, now)
    return Pending(tuple(shown), tuple(tentative), tuple(outcomes), asked_by, frozenset(decides))


async def _outcomes(session: AsyncSession, user: User, now: datetime) -> list[Outcome]:
    wanted = select(AuditRow).where(AuditRow.action.in_(OUTCOMES), AuditRow.at > now - RECENT).order_by(AuditRow.seq.desc()).limit(MOST)
    rows = list(await session.scalars(wanted))
    told_of = {str(row.detail.get("sitting", "")) for row in rows}
    own = select(Sitting).where(IN_SIGHT, Sitting.id.in_(told_of), Sitting.created_by == user.id)
    sittings = {each.id: each for each in await session.scalars(own)}
    mails = select(AskerMessage).where(AskerMessage.sitting_id.in_(sittings), AskerMessage.user_id == user.id)
    mails = mails.where(AskerMessage.channel == "mail")
    told = {(each.sitting_id, each.kind): each.state for each in await session.scalars(mails)}
    return [
        Outcome(sittings[row.detail["sitting"]], row.action, row.actor, row.at, str(row.detail.get("reason", "")),
                told.get((row.detail["sitting"], row.action.removeprefix("booking_")), ""))
        for row in rows
        if row.detail.get("sitting") in sittings
    ]


async def count(db: Database, now: datetime) -> int:
    """How many bookings wait for approval or lapse within a day."""
    due = or_(
        Booking.state == "requested", (Booking.state == "tentative") & (Booking.held_until > now) & (Booking.held_until <= now + SOON)
    )
    wanted = (
        select(func.count()).select_from(Booking).join(Sitting, Sitting.id == Booking.sitting_id)
        .where(due, Sitting.status.in_(AHEAD), Sitting.ends_at > now)
    )  # fmt: skip
    async with db.reader() as session:
        return int(await session.scalar(wanted) or 0)
