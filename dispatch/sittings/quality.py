"""Keeps how well people were connected, by the hour: what the live plane has summed up is added to the database once a minute, when a
sitting closes, and when the server ends. What a server that is killed had not written yet is lost: a minute at most.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select

from dispatch.sittings.moments import moment
from dispatch.store.tables import Participant, QualityHour
from rooms.hours import Hour

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from rooms.hub import Hub
    from rooms.quality import HourKey

log = structlog.get_logger("quality")

EVERY_S = 60.0
SCORES = ("good", "fair", "poor", "bad")


@dataclass(frozen=True, slots=True)
class KeptHour:
    """One row, read."""

    participant_id: str
    direction: str
    begins_at: datetime
    hour: Hour


class QualityKeeper:
    """`run()` it as a task; :meth:`keep` writes at once. Nothing is dropped that could not be written: it is added to what comes next."""

    def __init__(self, db: Database, hub: Hub) -> None:
        self._db = db
        self._hub = hub
        self._pending: dict[tuple[str, HourKey], Hour] = {}
        self._woken = asyncio.Event()
        self._writing = asyncio.Lock()

    def wake(self) -> None:
        """A sitting has closed: do not wait for the minute."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._woken.wait()
            self._woken.clear()
            await self.keep()

    async def keep(self) -> None:
        """Add what has come together to the rows. What cannot be written is logged and tried again."""
        async with self._writing:
            for sitting, hours in self._hub.take_hours().items():
                for key, hour in hours.items():
                    self._pending.setdefault((sitting, key), Hour()).add(hour)
            if not self._pending:
                return
            try:
                async with self._db.writer() as session:
                    for (sitting, key), hour in sorted(self._pending.items(), key=lambda each: each[0]):
                        await _add(session, sitting, key, hour)
            except Exception:  # a disk that is full must not end the keeping
                log.exception("quality_not_kept", hours=len(self._pending))
            else:
                self._pending.clear()


async def of_sitting(db: Database, sitting_id: str) -> list[KeptHour]:
    """All hours of a sitting: by hour, then in the order of its participants, up before down."""
    rows = (
        select(QualityHour)
        .join(Participant, Participant.id == QualityHour.participant_id)
        .where(QualityHour.sitting_id == sitting_id)
        .order_by(QualityHour.begins_at, Participant.position, Participant.id, QualityHour.direction.desc())
    )
    async with db.reader() as session:
        return [KeptHour(row.participant_id, row.direction, row.begins_at, _hour_of(row)) for row in await session.scalars(rows)]


async def _add(session: AsyncSession, sitting: str, key: HourKey, hour: Hour) -> None:
    begins_at = moment(key.at_us)
    row = await session.get(QualityHour, (sitting, key.participant, key.way, begins_at))
    if row is None:
        person = await session.get(Participant, key.participant)
        if person is None or person.sitting_id != sitting:  # the sitting was deleted meanwhile
            return
        whole = hour
        row = QualityHour(sitting_id=sitting, participant_id=key.participant, direction=key.way, begins_at=begins_at)
        session.add(row)
    else:
        whole = _hour_of(row)
        whole.add(hour)
    for name, value in _columns(whole).items():
        setattr(row, name, value)


def _columns(hour: Hour) -> dict[str, Any]:
    kept = hour.to_json()
    scores = {score: hour.scores[score] for score in SCORES}
    spread = {name: kept[name] for name in ("buckets", "paths", "codecs")}
    return {"steps": hour.steps, "freezes": hour.freezes, "frozen_ms": kept["frozen_ms"], "spread": spread, **scores}


def _hour_of(row: QualityHour) -> Hour:
    scores = {score: getattr(row, score) for score in SCORES}
    unknown = {"": row.steps - sum(scores.values())}
    return Hour.of_json({"steps": row.steps, "scores": scores | unknown, "freezes": row.freezes, "frozen_ms": row.frozen_ms, **row.spread})
