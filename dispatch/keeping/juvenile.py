"""Sealing and opening juvenile records, and looking at one that is sealed.

What is sealed is given to nobody, except to judicial organs for a case, or to a unit that a provision of the state lets ask
(Criminal Procedure Law, article 286): hence the ground that is stated and kept with each look.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import exists, select, update

from dispatch import audit
from dispatch.errors import NotFound, Refused
from dispatch.keeping import powers, rules, standing
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import JuvenileLook, JuvenileSeal, Keeping
from dispatch.store.tables import Booking, Hold, Participant, Resource, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def seal(db: Database, sitting_id: str, ground: str, by: User, now: datetime, *, whole_case: bool = False) -> int:
    """Seal the record of a closed sitting, with `whole_case` those of all closed sittings of its case; how many were sealed.

    Raises UserError at "ground"; Refused "juvenile_not_closed", "juvenile_sealed".
    """
    why = rules.stated(ground, "ground")
    async with db.writer() as session:
        sitting = await session.get_one(Sitting, sitting_id)
        if sitting.withheld_at is not None:
            raise Refused("juvenile_sealed")
        if sitting.status != "closed":
            raise Refused("juvenile_not_closed")
        wanted = Sitting.case_id == sitting.case_id if whole_case else Sitting.id == sitting_id
        together = list(await session.scalars(select(Sitting).where(wanted, Sitting.status == "closed", IN_SIGHT).order_by(Sitting.id)))
        for each in together:
            each.withheld_at = now
            session.add(JuvenileSeal(sitting_id=each.id, ground=why, sealed_by=by.name, sealed_at=now))
        await _shown_anew(session, [each.id for each in together])
        for each in together:
            await audit.write(session, by, "juvenile_sealed", each.case.number, detail={"sitting": each.id, "ground": why}, now=now)
    return len(together)


async def open_again(db: Database, sitting_id: str, ground: str, by: User, now: datetime) -> None:
    """Take the seal away: everybody sees it as before. Needs the power. Raises Forbidden("power_missing"), NotFound, UserError."""
    async with db.writer() as session:
        await powers.must_hold(session, by, rules.SEALED)
        sitting = await _sealed(session, sitting_id)
        why = rules.stated(ground, "ground")
        sitting.withheld_at = None
        wanted = select(JuvenileSeal).where(JuvenileSeal.sitting_id == sitting_id, JuvenileSeal.opened_at.is_(None))
        for row in await session.scalars(wanted):
            row.opened_by, row.opened_at, row.open_ground = by.name, now, why
        await _shown_anew(session, [sitting_id])
        await audit.write(session, by, "juvenile_opened", sitting.case.number, detail={"sitting": sitting_id, "ground": why}, now=now)


async def look(db: Database, sitting_id: str, ground: str, by: User, now: datetime) -> JuvenileLook:
    """Open a sealed record for oneself, for :data:`rules.LOOK`. Needs the power. Raises as :func:`open_again`."""
    async with db.writer() as session:
        await powers.must_hold(session, by, rules.SEALED)
        sitting = await _sealed(session, sitting_id)
        why = rules.stated(ground, "ground")
        made = JuvenileLook(sitting_id=sitting_id, user_id=by.id, ground=why, at=now, until=now + rules.LOOK)
        session.add(made)
        await audit.write(session, by, "juvenile_looked_at", sitting.case.number, detail={"sitting": sitting_id, "ground": why}, now=now)
    return made


async def leave_open(db: Database, sitting_id: str, reason: str, by: User, now: datetime) -> None:
    """A minor took part, and yet the record is not sealed (the conditions of article 286 are not met): it is proposed no more."""
    why = rules.stated(reason, "reason")
    async with db.writer() as session:
        recording = await session.get(Recording, sitting_id)
        if recording is None:
            raise NotFound("recording_unknown")
        row = await session.get(Keeping, sitting_id)
        if row is None:
            (found,) = await standing.of(session, [recording], db.site.zone)
            row = Keeping(sitting_id=sitting_id, retention=found.kept.retention)
            session.add(row)
        row.minor_left_open = why
        detail = {"sitting": sitting_id, "reason": why}
        await audit.write(session, by, "juvenile_left_open", recording.sitting.case.number, detail=detail, now=now)


def proposed() -> Select[Sitting]:
    """Closed sittings in which a minor took part, whose record is not sealed, and of which nobody said that it stays open."""
    minor = exists().where(Participant.sitting_id == Sitting.id, Participant.minor, Participant.removed_at.is_(None))
    said = exists().where(Keeping.sitting_id == Sitting.id, Keeping.minor_left_open != "")
    return select(Sitting).where(Sitting.status == "closed", IN_SIGHT, minor, ~said).order_by(Sitting.closed_at.desc(), Sitting.id)


async def _sealed(session: AsyncSession, sitting_id: str) -> Sitting:
    sitting = await session.get(Sitting, sitting_id)
    if sitting is None or sitting.withheld_at is None:
        raise NotFound("recording_unknown")
    return sitting


async def _shown_anew(session: AsyncSession, sittings: Sequence[str]) -> None:
    """What the calendars keep of their rooms is old from here on."""
    held = select(Hold.resource_id).join(Booking, Booking.id == Hold.booking_id).where(Booking.sitting_id.in_(sittings))
    ids = sorted(set(await session.scalars(held)))
    await session.execute(
        update(Resource).where(Resource.id.in_(ids)).values(revision=Resource.revision + 1).execution_options(synchronize_session=False)
    )
