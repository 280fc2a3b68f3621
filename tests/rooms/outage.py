"""A log that really takes no more: its disk is full, or (where no disk can be mounted) its file has reached its last page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rooms.log import Event, LogUnwritable
from rooms.sqlite_log import SqliteLog
from tests.disks import fill
from tests.rooms.making import make_plan

FILLER = "filler"
"""A sitting that is over, whose rows take what room there is."""


async def _use_up(log: SqliteLog, epoch: int) -> None:
    seq = len(await log.read(FILLER))
    for size in (3000, 300, 30, 0):
        with suppress(LogUnwritable):
            while True:
                await log.append(FILLER, epoch, seq + 1, [Event("gap", 0, {"x": "y" * size})])
                seq += 1


async def _filler(log: SqliteLog) -> int:
    epoch = await log.lease(FILLER, "filler")
    over = Event("stage_changed", 0, {"from": "waiting", "to": "closed", "by": {}, "reason": ""})
    await log.append(FILLER, epoch, 1, [Event("conference_opened", 0, {"plan": make_plan(FILLER).to_json()}), over])
    return epoch


@asynccontextmanager
async def unwritable(log: SqliteLog, disk: Path | None = None) -> AsyncIterator[None]:
    """Inside, `log` takes nothing. `disk` is the small disk on which it lies; without one, its file may not grow."""
    epoch = await _filler(log)
    ballast = fill(disk) if disk else None
    if ballast is None:
        await _limit(log, 1)
    await _use_up(log, epoch)
    try:
        yield
    finally:
        if ballast is None:
            await _limit(log, 1 << 30)
        else:
            ballast.unlink()


async def _limit(log: SqliteLog, pages: int) -> None:
    if not log._closed:
        await log._run(lambda: log._db.execute(f"PRAGMA max_page_count={pages}").fetchone())
