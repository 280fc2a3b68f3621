"""What waits in keeping, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from sqlalchemy import func, select

from dispatch.counting import again_and_again
from dispatch.keeping import juvenile, reading
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import Destruction
from dispatch.store.tables import Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database

EVERY_S = 60.0
KEEPING = Gauge("dispatch_keeping", "What waits or is so in keeping: recordings, and destructions that are not done", ["state"])


async def run(db: Database, clock: Callable[[], datetime]) -> None:
    """Keep the figures until cancelled."""
    await again_and_again(lambda: read(db, clock()), EVERY_S)


async def read(db: Database, now: datetime) -> None:
    """Read them once."""
    waiting = select(Destruction.state, func.count()).where(Destruction.state.in_(("proposed", "approved"))).group_by(Destruction.state)
    proposed = select(func.count()).select_from(juvenile.proposed().order_by(None).with_only_columns(Sitting.id).subquery())
    async with db.reader() as session:
        by_state = {str(row[0]): int(row[1]) for row in await session.execute(waiting)}
        figures = {
            "due": await session.scalar(select(func.count()).select_from(reading.due_ids(db, now).subquery())),
            "held": await session.scalar(select(func.count()).select_from(reading.held_ids().subquery())),
            "juvenile_sealed": await session.scalar(select(func.count()).where(Sitting.withheld_at.is_not(None))),
            "juvenile_proposed": await session.scalar(proposed),
            "destroyed": await session.scalar(select(func.count()).where(Recording.destroyed_at.is_not(None))),
            "destruction_proposed": by_state.get("proposed", 0),
            "destruction_approved": by_state.get("approved", 0),
            "destruction_troubled": await session.scalar(
                select(func.count()).where(Destruction.trouble != "", Destruction.state.in_(("approved", "under_way")))
            ),
        }
    for state, number in figures.items():
        KEEPING.labels(state).set(number or 0)
