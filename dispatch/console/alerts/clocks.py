"""Whether the server's clock can be trusted, told by what can be measured at a site without internet: whether it was set while the server
ran, whether the database's clock says the same, and whether the kernel holds it to a source of time.

Media workers, recorder and jobs stand on the server's machine and read the same clock; pages go by the server's clock, whatever the
computer they are shown on believes (``static/js/court-clock.js``). So nothing else of the site can drift against it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from dispatch.kernel_clock import discipline
from dispatch.store.database import is_postgresql

if TYPE_CHECKING:
    from dispatch.store.database import Database

STEPPED_FOR_S = 600.0
"""So long it is told that the clock was set."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The clocks at one moment, seconds. `wall`: since the epoch; `running`: of a clock that nobody can set; `ahead`: by how much the
    database's clock is ahead of the server's, None where it is the same one; `held`: the kernel holds the clock to a source of time,
    None where it does not say."""

    wall: float
    running: float
    ahead: float | None = None
    held: bool | None = None


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something is wrong with a clock. `code`: clock_stepped, clock_differs, clock_unsynchronised; `seconds`: by how much, forwards."""

    code: str
    seconds: float = 0.0


class Judge:
    """Tells what is wrong, from one reading after the other. Pure. `limit_s`: how far clocks may be apart; `wants_source`: the site has a
    source of time, so that a clock which none holds is wrong."""

    def __init__(self, limit_s: float, *, wants_source: bool = False) -> None:
        self._limit_s, self._wants_source = limit_s, wants_source
        self._offset: float | None = None
        self._stepped = (0.0, -STEPPED_FOR_S)

    def judge(self, reading: Reading) -> Iterator[Wrong]:
        """What is wrong now."""
        offset = reading.wall - reading.running
        if self._offset is not None and abs(offset - self._offset) > self._limit_s:
            self._stepped = (offset - self._offset, reading.running)
        self._offset = offset
        by, at = self._stepped
        if reading.running - at < STEPPED_FOR_S:
            yield Wrong("clock_stepped", by)
        if reading.ahead is not None and abs(reading.ahead) > self._limit_s:
            yield Wrong("clock_differs", reading.ahead)
        if self._wants_source and reading.held is False:
            yield Wrong("clock_unsynchronised")


async def read(db: Database, wall: Callable[[], float] = time.time) -> Reading:
    """Read them all; `wall` is the server's. A kernel's slow correction of the clock moves both of the server's alike and is no step."""
    ahead = await _ahead(db, wall) if is_postgresql(db.url) else None
    kernel = discipline()
    return Reading(wall(), time.clock_gettime(time.CLOCK_BOOTTIME), ahead, None if kernel is None else kernel.synchronised)


async def _ahead(db: Database, wall: Callable[[], float]) -> float:
    """By how much the clock of the database's machine is ahead: as it was asked, in the middle of question and answer."""
    async with db.reader() as session:
        await session.execute(text("SELECT 1"))  # the connection is there before time counts
        before = wall()
        told: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        after = wall()
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() - (before + after) / 2
