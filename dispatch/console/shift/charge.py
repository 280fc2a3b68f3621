"""Who has which sitting in charge: proposals, giving, and taking over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter
from sqlalchemy import select

from dispatch import audit
from dispatch.console.ranks import Rank, require
from dispatch.console.shift.duties import AHEAD, officers_on, on_shift
from dispatch.console.shift.log import check_text, enter
from dispatch.console.shift.proposal import OnShift, Span, proposed
from dispatch.errors import FieldError, NotFound, Refused
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.shift_tables import InCharge
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

GIVEN = Counter("dispatch_sittings_given_total", "Sittings that were given to an officer of the command centre", ["how"])


async def in_charge(db: Database, sittings: Iterable[str]) -> dict[str, User]:
    """The officers of these sittings; those that have none are not in it."""
    wanted = select(InCharge.sitting_id, User).join(User, User.id == InCharge.officer_id).where(InCharge.sitting_id.in_(list(sittings)))
    async with db.reader() as session:
        rows = (await session.execute(wanted)).all()
    return {row[0]: row[1] for row in rows}


async def proposals(db: Database, sittings: Sequence[Sitting]) -> dict[str, str]:
    """An officer's id for each of these sittings that needs one and has none who is on shift."""
    officers = [OnShift(user.id, duty.until) for user, duty in await on_shift(db)]
    on = {one.officer for one in officers}
    held = {sitting: user.id for sitting, user in (await in_charge(db, (one.id for one in sittings))).items() if user.id in on}
    spans = [Span(one.id, one.starts_at, one.ends_at) for one in sittings if one.status in AHEAD]
    return proposed(officers, spans, held)


async def give(db: Database, by: User, sitting_id: str, to: str, text: str, now: datetime) -> None:
    """Give a sitting to an officer on shift, or take it over (`to` is `by`).

    One that nobody on shift has, and one's own, any officer gives; taking it from a colleague who is on shift needs a note, giving a
    colleague's to somebody else a shift leader. Raises NotFound("sitting_unknown"), Refused("sitting_over"), Forbidden("rank_lead"),
    ValidationFailed (to, text).
    """
    async with db.writer() as session:
        sitting = await session.scalar(select(Sitting).where(Sitting.id == sitting_id, IN_SIGHT))
        if sitting is None:
            raise NotFound("sitting_unknown")
        if sitting.status not in AHEAD:
            raise Refused("sitting_over")
        on = {user.id: user for user, _duty in await officers_on(session)}
        row = await session.get(InCharge, sitting_id)
        holder = on.get(row.officer_id) if row else None
        found: list[FieldError] = []
        if to not in on:
            found.append(("to", "officer_off", {}))
        elif holder and holder.id not in (by.id, to):
            if to != by.id:
                require(by, Rank.LEAD)
            elif not text.strip():
                found.append(("text", "required", {}))
        check_text(found, text)
        if holder is None or holder.id != to:
            await _set(session, by, sitting_id, on[to], row, now, text)


async def take_proposals(db: Database, by: User, pairs: Mapping[str, str], now: datetime) -> int:
    """Give these sittings to these officers, as was proposed; how many. Who is off shift by now gets none, and a sitting that somebody on
    shift has by now, or that is over, is left alone."""
    given = 0
    async with db.writer() as session:
        on = {user.id: user for user, _duty in await officers_on(session)}
        wanted = select(Sitting.id).where(Sitting.id.in_(pairs), Sitting.status.in_(AHEAD), IN_SIGHT)
        for sitting_id in list(await session.scalars(wanted.order_by(Sitting.starts_at, Sitting.id))):
            row = await session.get(InCharge, sitting_id)
            if pairs[sitting_id] in on and (row is None or row.officer_id not in on):
                await _set(session, by, sitting_id, on[pairs[sitting_id]], row, now, "")
                given += 1
    return given


async def _set(session: AsyncSession, by: User, sitting: str, to: User, row: InCharge | None, now: datetime, text: str) -> None:
    before = await session.get(User, row.officer_id) if row else None
    former = before.name if before else ""
    act = "taken" if to.id == by.id else "handed" if before and before.id == by.id else "given"
    if row is None:
        row = InCharge(sitting_id=sitting)
        session.add(row)
    row.officer_id, row.since = to.id, now
    enter(session, act, by, now, to=to.name, before=former, sitting=sitting, text=text)
    await audit.write(session, by, "sitting_given", sitting, detail={"sitting": sitting, "to": to.name, "from": former}, now=now)
    GIVEN.labels(act).inc()
