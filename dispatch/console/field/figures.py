"""How many tasks are in each state and positions are known, for Prometheus, and what falls due meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from dispatch.console.field import positions
from dispatch.console.field.files import forget_unfinished
from dispatch.console.field.listing import counts
from dispatch.console.field.overdue import escalate
from dispatch.console.map.scene import STALE
from dispatch.counting import again_and_again

if TYPE_CHECKING:
    from dispatch.store.database import Database

EVERY_S = 15.0
TASKS = Gauge("dispatch_field_tasks", "Tasks of teams in the field by their state; overdue ones are counted once more", ["state"])

POSITIONS = Gauge("dispatch_field_positions", "People in the field whose last position is known: fresh, or older than ten minutes", ["age"])


async def run(db: Database, folder: Path, clock: Callable[[], datetime]) -> None:
    """Look until cancelled. `folder`: where the files of tasks lie."""

    async def look() -> None:
        await escalate(db, clock())
        await forget_unfinished(db, folder, clock())
        await read(db, clock())

    await again_and_again(look, EVERY_S)


async def read(db: Database, now: datetime) -> None:
    """Count them once."""
    for state, number in (await counts(db, now)).items():
        TASKS.labels(state).set(number)
    known = await positions.latest(db)
    stale = sum(now - each.at > STALE for each in known)
    for age, number in (("fresh", len(known) - stale), ("stale", stale)):
        POSITIONS.labels(age).set(number)
