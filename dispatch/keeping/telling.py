"""Who is told by e-mail that a destruction waits for his approval: written in the transaction in which it is proposed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dispatch.keeping import powers, rules
from dispatch.store.notice_tables import AskerMessage

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.archive_tables import Recording
    from dispatch.store.database import Database
    from dispatch.store.keeping_tables import Destruction

ASKED = "destroy_ask"
GOOD_FOR = timedelta(days=7)
"""For so long it is tried to send it."""


async def asked(session: AsyncSession, db: Database, row: Destruction, recordings: Sequence[Recording], now: datetime) -> None:
    """Tell everybody who may approve it, but never whoever proposed it. The letter names the first recording and how many there are; of a
    list with a sealed juvenile record none is written, since it would name it where it is open to others."""
    if not db.site.mail or any(each.sitting.withheld_at is not None for each in recordings):
        return
    sitting = recordings[0].sitting
    detail = {
        "starts": sitting.starts_at.isoformat(),
        "ends": sitting.ends_at.isoformat(),
        "room": "、".join(room.name for room in sitting.rooms),
        "room_en": ", ".join(room.name_en or room.name for room in sitting.rooms),
        "destruction": row.id,
        "number": row.number,
        "recordings": str(len(recordings)),
        "proposed_by": row.proposed_by,
        "reason": row.reason,
    }
    for user in await powers.approvers(session, rules.APPROVE):
        if user.id != row.proposed_by_id and user.email:
            session.add(AskerMessage.queued(user, ASKED, sitting.id, detail, now, until=now + GOOD_FOR))
