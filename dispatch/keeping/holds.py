"""Legal holds: what is held is neither due nor destroyed, whatever its class says, until the last of its holds is lifted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import Forbidden, NotFound, Refused
from dispatch.keeping import powers, rules, standing
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import LegalHold
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


def _unchecked(_: object) -> None:
    """Nobody asked for a certain version."""


async def place(
    db: Database,
    sitting_id: str,
    reference: str,
    reason: str,
    by: User,
    now: datetime,
    *,
    whole_case: bool = False,
    sent: orders.Order | None = None,
) -> LegalHold:
    """Hold a recording, or with `whole_case` all of its case, those that are still to come too.

    Raises UserError "reason_missing", "too_long"; Refused "already_destroyed", "being_destroyed" (of one that was to be held by itself),
    "hold_there" (the same reference holds it already).
    """
    named = rules.stated(reference, "reference", rules.LONGEST_REFERENCE)
    why = rules.stated(reason, "reason")
    async with db.writer() as session:
        if (made := await orders.made_before(session, sent, now)) and (there := await session.get(LegalHold, made)) is not None:
            return there
        recording = await session.get_one(Recording, sitting_id)
        sitting = recording.sitting
        if not whole_case:
            (found,) = await standing.of(session, [recording], db.site.zone)
            rules.must_be_holdable(found.kept)
        target = LegalHold.case_id == sitting.case_id if whole_case else LegalHold.sitting_id == sitting_id
        same = select(LegalHold.id).where(target, LegalHold.reference == named, LegalHold.lifted_at.is_(None))
        if await session.scalar(same) is not None:
            raise Refused("hold_there", "reference")
        hold = LegalHold(
            sitting_id=None if whole_case else sitting_id,
            case_id=sitting.case_id if whole_case else None,
            reference=named,
            reason=why,
            placed_by=by.name,
            placed_by_id=by.id,
            placed_at=now,
        )
        session.add(hold)
        await session.flush()
        await orders.keep_made(session, sent, hold.id, now)
        detail = {"sitting": sitting_id, "reference": named, "reason": why, "whole_case": whole_case}
        await audit.write(session, by, "hold_placed", sitting.case.number, detail=detail, now=now)
    return hold


async def lift(
    db: Database, sitting_id: str, hold_id: str, reason: str, by: User, now: datetime, check: Callable[[LegalHold], None] = _unchecked
) -> LegalHold:
    """End a hold that is in force on this recording. Raises NotFound("hold_unknown"), Refused("hold_lifted"),
    Forbidden("hold_of_another"), or UserError at "lift_reason"."""
    why = rules.stated(reason, "lift_reason")
    async with db.writer() as session:
        hold = await session.get(LegalHold, hold_id)
        sitting = await session.get_one(Sitting, sitting_id)
        if hold is None or (hold.sitting_id != sitting_id and hold.case_id != sitting.case_id):
            raise NotFound("hold_unknown")
        check(hold)
        if hold.lifted_at is not None:
            raise Refused("hold_lifted")
        if not rules.may_lift(hold.placed_by_id, by.id, await powers.of(session, by)):
            raise Forbidden("hold_of_another")
        hold.lifted_by, hold.lifted_at, hold.lift_reason = by.name, now, why
        detail = {"sitting": sitting_id, "reference": hold.reference, "reason": why, "whole_case": hold.case_id is not None}
        await audit.write(session, by, "hold_lifted", sitting.case.number, detail=detail, now=now)
    return hold


async def on(session: AsyncSession, sitting: Sitting) -> list[LegalHold]:
    """Every hold that there was on a recording, those in force first, the newest first."""
    wanted = select(LegalHold).where(or_(LegalHold.sitting_id == sitting.id, LegalHold.case_id == sitting.case_id))
    return list(await session.scalars(wanted.order_by(LegalHold.lifted_at.is_not(None), LegalHold.placed_at.desc(), LegalHold.id)))



