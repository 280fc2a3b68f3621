"""Coming on shift and going off it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.console.shift.log import check_text, enter
from dispatch.errors import FieldError, Refused
from dispatch.store.shift_tables import Duty, InCharge
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

OFFICER = "officer"
LONGEST = timedelta(hours=16)
"""A shift is not meant to be longer."""
AHEAD = frozenset({"planned", "open", "live", "recess"})
"""A sitting in one of these needs an officer."""


async def on_shift(db: Database) -> list[tuple[User, Duty]]:
    """Who is on, in the order in which they came. Whose account is no longer an active officer's is not."""
    async with db.reader() as session:
        return await officers_on(session)


async def officers_on(session: AsyncSession) -> list[tuple[User, Duty]]:
    """The same, within a transaction."""
    wanted = select(User, Duty).join(Duty, Duty.officer_id == User.id).where(Duty.left_at.is_(None), User.active, User.role == OFFICER)
    return [(user, duty) for user, duty in (await session.execute(wanted.order_by(Duty.came_at, User.name))).all()]


async def come(db: Database, by: User, until: datetime, text: str, now: datetime) -> None:
    """Come on shift until then. Raises ValidationFailed (until, text), Refused("on_shift")."""
    found: list[FieldError] = []
    if not now < until <= now + LONGEST:
        found.append(("until", "shift_until", {"most": LONGEST // timedelta(hours=1)}))
    check_text(found, text)
    async with db.writer() as session:
        if await _duty(session, by.id) is not None:
            raise Refused("on_shift")
        session.add(Duty(officer_id=by.id, came_at=now, until=until))
        enter(session, "came", by, now, text=text)
        await audit.write(session, by, "shift_begun", detail={"until": until.isoformat()}, now=now)


async def leave(db: Database, by: User, to: str, text: str, now: datetime) -> int:
    """Go off shift and hand what one has in charge to a colleague on shift, `to`, with a note; how many sittings went over.

    Who has sittings in charge that are not over must name a colleague and write what he has to know. Raises ValidationFailed (to, text),
    Refused("not_on_shift").
    """
    found: list[FieldError] = []
    async with db.writer() as session:
        duty = await _duty(session, by.id)
        if duty is None:
            raise Refused("not_on_shift")
        held = await _held(session, by.id)
        heir = next((user for user, _duty in await officers_on(session) if user.id == to and to != by.id), None)
        if held and heir is None:
            found.append(("to", "hand_over_to" if not to else "officer_off", {}))
        if held and not text.strip():
            found.append(("text", "required", {}))
        check_text(found, text)
        duty.left_at = now
        if heir is not None:
            for row in held:
                row.officer_id, row.since = heir.id, now
                enter(session, "handed", by, now, to=heir.name, before=by.name, sitting=row.sitting_id)
                detail = {"sitting": row.sitting_id, "to": heir.name, "from": by.name}
                await audit.write(session, by, "sitting_given", row.sitting_id, detail=detail, now=now)
        enter(session, "left", by, now, to=heir.name if held and heir else "", text=text)
        await audit.write(session, by, "shift_ended", detail={"handed": len(held)}, now=now)
    return len(held)


async def note(db: Database, by: User, text: str, now: datetime) -> None:
    """Write into the shift log. Raises ValidationFailed (note)."""
    found: list[FieldError] = [] if text.strip() else [("note", "required", {})]
    check_text(found, text, "note")
    async with db.writer() as session:
        enter(session, "noted", by, now, text=text)
        await audit.write(session, by, "shift_noted", now=now)


async def _duty(session: AsyncSession, officer: str) -> Duty | None:
    found: Duty | None = await session.scalar(select(Duty).where(Duty.officer_id == officer, Duty.left_at.is_(None)))
    return found


async def _held(session: AsyncSession, officer: str) -> list[InCharge]:
    wanted = select(InCharge).join(Sitting, Sitting.id == InCharge.sitting_id).where(InCharge.officer_id == officer)
    return list(await session.scalars(wanted.where(Sitting.status.in_(AHEAD)).order_by(Sitting.starts_at)))
