"""What a page or a program is told of the recordings at rest: how many are put away, how far the looking has come, what is spoilt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from dispatch.store.archive_tables import Job, Recording
from dispatch.vault.away import PUT_AWAY
from dispatch.vault.looking import due, kept

if TYPE_CHECKING:
    from dispatch.store.database import Database

LISTED = 50


@dataclass(frozen=True, slots=True)
class State:
    """`recordings` in all, of which `stored` are put away and `failing` could not be; `since`: when the one that was looked at longest ago
    was, None while there is one that never was; `waiting`: how many are to be looked at by now; `spoilt`: those with spoilt files, the
    newest finding first, of `spoilt_count` in all."""

    recordings: int
    stored: int
    failing: int
    looked_at: int
    since: datetime | None
    waiting: int
    spoilt: tuple[Recording, ...]
    spoilt_count: int


async def state_of(db: Database, now: datetime) -> State:
    """At this moment."""
    counted = select(
        func.count(),
        func.count().filter(Recording.stored_at.is_not(None)),
        func.count().filter(Recording.looked_at.is_not(None)),
        func.min(Recording.looked_at),
        func.count().filter(due(now)),
        func.count().filter(Recording.spoilt_at.is_not(None)),
    ).where(kept())
    spoilt = select(Recording).where(kept(), Recording.spoilt_at.is_not(None)).order_by(Recording.spoilt_at.desc()).limit(LISTED)
    failing = select(func.count()).select_from(Job).where(and_(Job.kind == PUT_AWAY, Job.state == "failed"))
    async with db.reader() as session:
        count, stored, looked_at, oldest, waiting, bad = (await session.execute(counted)).one()
        rows = tuple((await session.scalars(spoilt)).unique())
        failed = await session.scalar(failing) or 0
    return State(count, stored, failed, looked_at, oldest if looked_at == count else None, waiting, rows, bad)
