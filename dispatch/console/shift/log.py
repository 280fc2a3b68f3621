"""The shift log: who came and went, which sitting went to whom, and what officers wrote down. Lines are added and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.errors import FieldError, ValidationFailed
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.shift_tables import ShiftEntry
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_TEXT = 1000


def enter(
    session: AsyncSession, act: str, by: User, now: datetime, *, to: str = "", before: str = "", sitting: str = "", text: str = ""
) -> None:
    """Write a line, in the transaction of the act."""
    session.add(
        ShiftEntry(at=now, act=act, by_id=by.id, by_name=by.name, to_name=to, from_name=before, sitting=sitting, text=text.strip())
    )


def check_text(found: list[FieldError], text: str, field: str = "text") -> None:
    """Raises ValidationFailed with what was found already, and with a text that is too long."""
    if len(text.strip()) > LONGEST_TEXT:
        found.append((field, "too_long", {"most": LONGEST_TEXT}))
    if found:
        raise ValidationFailed(found)


async def log_of(db: Database, begin: datetime, end: datetime) -> list[tuple[ShiftEntry, Sitting | None]]:
    """The lines of a time, the oldest first, each with its sitting; without it where its record is sealed by now."""
    wanted = select(ShiftEntry).where(ShiftEntry.at >= begin, ShiftEntry.at < end).order_by(ShiftEntry.at, ShiftEntry.act, ShiftEntry.id)
    async with db.reader() as session:
        rows = list(await session.scalars(wanted))
        ids = {row.sitting for row in rows if row.sitting}
        known = {one.id: one for one in await session.scalars(select(Sitting).where(Sitting.id.in_(ids), IN_SIGHT))}
    return [(row, known.get(row.sitting)) for row in rows]
