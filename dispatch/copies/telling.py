"""Who is told by e-mail of a copy that is asked for, decided on, ready or taken back: written in the transaction of the act."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from dispatch.copies.rules import ADMINISTRATOR
from dispatch.store.copy_tables import Copy
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import Participant, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

GOOD_FOR = timedelta(days=3)
"""For so long it is tried to send it."""


async def asked(session: AsyncSession, db: Database, copy: Copy, now: datetime) -> None:
    """Tell those who may decide on it: whoever presides at the sitting, and the administrators."""
    presides = select(Participant.user_id).where(
        Participant.sitting_id == copy.sitting_id, Participant.presides, Participant.removed_at.is_(None)
    )
    may = select(User).where(or_(User.role == ADMINISTRATOR, User.id.in_(presides)), User.id != copy.requested_by)
    for user in await session.scalars(may):
        _tell(session, db, copy, "copy_asked", user, now)


async def to_asker(session: AsyncSession, db: Database, copy: Copy, kind: str, now: datetime) -> None:
    """Tell whoever asked for it; a program asks by itself."""
    user = await session.get(User, copy.requested_by)
    if user is not None:
        _tell(session, db, copy, kind, user, now)


async def ready(session: AsyncSession, db: Database, copy: Copy, now: datetime, kind: str = "copy_ready") -> None:
    """Tell those who may fetch it that it is there, or that it could not be made."""
    for user in await session.scalars(select(User).where(User.id.in_((copy.requested_by, copy.decided_by)))):
        _tell(session, db, copy, kind, user, now)


def _tell(session: AsyncSession, db: Database, copy: Copy, kind: str, user: User, now: datetime) -> None:
    if not db.site.mail or not user.active or not user.email:
        return
    sitting, rooms = copy.sitting, copy.sitting.rooms
    detail = {
        "starts": sitting.starts_at.isoformat(),
        "ends": sitting.ends_at.isoformat(),
        "room": "、".join(room.name for room in rooms),
        "room_en": ", ".join(room.name_en or room.name for room in rooms),
        "copy": copy.id,
        "number": copy.number,
        "receiver": f"{copy.receiver}\n{copy.unit}",
        "reason": copy.reason,
    }
    session.add(AskerMessage.queued(user, kind, sitting.id, detail, now, until=now + GOOD_FOR))
