"""The jobs process: takes what is to be made from sealed recordings, one after the other. It never touches originals.

What is made, and by what, is a table of kinds (:mod:`dispatch.archive.work`). A job is claimed inside a write transaction, so that two
processes never make the same. Who works on one says each few seconds that he is alive; a job whose worker fell silent is given to
another. After three attempts it has failed and waits for the clerk to order it again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.store.archive_tables import Job, Recording
from dispatch.store.database import Database
from dispatch.store.tables import utc_now
from rooms.vault.checkout import checked_out
from rooms.vault.vault import Vault

log = structlog.get_logger("jobs")

ATTEMPTS = 3
IDLE_S = 2.0
"""How often an idle process looks for work."""
BEAT_S = 5.0
STALE = timedelta(seconds=30)
"""A worker that has not been heard of for so long is gone."""
PAUSE = timedelta(seconds=10)
"""Between two attempts, so that a full disk has a moment to be emptied."""
PROGRESS_S = 0.5
SURE_S = 3.0
"""Before that nothing is said of how long a job still takes."""

Clock = Callable[[], datetime]
Make = Callable[[Job, Path], AsyncIterator[float]]
"""Makes what the job asks for from the sitting's folder, yielding how much is done, 0 to 1."""
Told = Callable[[AsyncSession, Job], Awaitable[None]]
"""Inside the transaction in which a job's state changed: writes what else of the database shows that state."""


async def _nobody(_session: AsyncSession, _job: Job) -> None:
    """Nothing else shows the state of such a job."""


@dataclass(frozen=True)
class Kind:
    """One kind of work: what makes it, and who is told of each state that the job comes into."""

    make: Make
    told: Told = _nobody
    reads: bool = True
    """whether it works on the recording's folder; where not, it is given where a plain one would lie"""


class Worker:
    """Does one job at a time, of the `kinds` that it knows; others wait for a worker that knows theirs. `vault` has the recordings."""

    def __init__(self, db: Database, vault: Vault, kinds: Mapping[str, Kind], clock: Clock = utc_now) -> None:
        self._db = db
        self._vault = vault
        self._kinds = kinds
        self._clock = clock
        self._owner = secrets.token_hex(8)
        self._progress = 0.0

    async def work(self) -> bool:
        """Do the next job, if there is one; whether there was."""
        job = await self._claim()
        if job is None:
            return False
        log.info("job_begun", job=job.id, kind=job.kind, sitting=job.sitting_id, attempt=job.attempts)
        try:
            await self._do(job)
        except asyncio.CancelledError:
            await self._give_back(job)
            raise
        except Exception as error:  # whatever went wrong is the job's outcome, shown to the clerk; the process goes on
            log.exception("job_failed", job=job.id, sitting=job.sitting_id)
            await self._failed(job, f"{type(error).__name__}: {error}")
        else:
            await self._done(job)
        return True

    async def _do(self, job: Job) -> None:
        self._progress = 0.0
        working = asyncio.create_task(self._steps(job))
        beating = asyncio.create_task(self._beat(job))
        try:
            done, _ = await asyncio.wait((working, beating), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (working, beating):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _steps(self, job: Job) -> None:
        kind, name = self._kinds[job.kind], await self._folder(job)
        if not kind.reads:
            await self._made(job, kind.make(job, self._vault.recordings / name))
            return
        async with checked_out(self._vault, name) as folder:
            await self._made(job, kind.make(job, folder))

    async def _made(self, job: Job, making: AsyncIterator[float]) -> None:
        shown = 0.0
        loop = asyncio.get_running_loop()
        async with aclosing(making) as steps:  # type: ignore[type-var]
            async for fraction in steps:
                self._progress = fraction
                if loop.time() - shown >= PROGRESS_S:
                    shown = loop.time()
                    await self._note(job)

    async def _beat(self, job: Job) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._note(job)

    async def _folder(self, job: Job) -> str:
        async with self._db.reader() as session:
            return (await session.get_one(Recording, job.sitting_id)).folder

    # -- the queue ------------------------------------------------------------------------------------------------

    def _waiting(self, now: datetime) -> ColumnElement[bool]:
        rested = or_(Job.beat_at.is_(None), Job.beat_at <= now - PAUSE)
        silent = and_(Job.state == "running", Job.beat_at <= now - STALE)
        return and_(Job.kind.in_(self._kinds), or_(and_(Job.state == "queued", rested), silent))

    async def _claim(self) -> Job | None:
        """The oldest job that waits, or whose worker fell silent; ours from now on."""
        now = self._clock()
        async with self._db.reader() as session:
            # Looking first keeps an idle process from taking the write lock every two seconds.
            if await session.scalar(select(Job.id).where(self._waiting(now)).limit(1)) is None:
                return None
        async with self._db.writer() as session:
            for job in await session.scalars(select(Job).where(self._waiting(now)).order_by(Job.created_at, Job.id)):
                if job.attempts >= ATTEMPTS:
                    await self._end(session, job, "failed", job.error or "the jobs process ended while it was being made")
                    continue
                job.state, job.owner, job.progress, job.went_on_from = "running", self._owner, 0.0, None
                job.attempts += 1
                job.started_at = job.beat_at = now
                await self._kinds[job.kind].told(session, job)
                return job
        return None

    async def _note(self, job: Job) -> None:
        """Say that we are alive and how far we are. Raises LostClaim when somebody else has taken the job."""
        async with self._db.writer() as session:
            own = await self._own(session, job)
            own.progress, own.beat_at = self._progress, self._clock()
            if own.went_on_from is None and self._progress > 0:
                own.went_on_from, own.started_at = self._progress, own.beat_at

    async def _done(self, job: Job) -> None:
        with suppress(LostClaim):
            async with self._db.writer() as session:
                own = await self._own(session, job)
                own.progress, own.error = 1.0, ""
                await self._end(session, own, "done", "")
        log.info("job_done", job=job.id, sitting=job.sitting_id)

    async def _failed(self, job: Job, error: str) -> None:
        with suppress(LostClaim):
            async with self._db.writer() as session:
                own = await self._own(session, job)
                if own.attempts >= ATTEMPTS:
                    await self._end(session, own, "failed", error[:2000])
                else:
                    await self._back(session, own, error[:2000])
                    own.beat_at = self._clock()

    async def _give_back(self, job: Job) -> None:
        """The process is told to stop: that is no fault of the job, and why an earlier attempt failed stays told."""
        with suppress(LostClaim):
            async with self._db.writer() as session:
                own = await self._own(session, job)
                await self._back(session, own, own.error)
                own.attempts, own.beat_at = own.attempts - 1, None

    async def _own(self, session: AsyncSession, job: Job) -> Job:
        own = await session.get(Job, job.id)
        if own is None or own.owner != self._owner or own.state != "running":
            raise LostClaim(job.id)
        return own


    async def _end(self, session: AsyncSession, job: Job, state: str, error: str) -> None:
        job.state, job.error, job.finished_at, job.owner = state, error, self._clock(), ""
        await self._kinds[job.kind].told(session, job)

    async def _back(self, session: AsyncSession, job: Job, error: str) -> None:
        job.state, job.error, job.owner = "queued", error, ""
        await self._kinds[job.kind].told(session, job)


def remaining_s(job: Job) -> float | None:
    """How long a job under way still takes, s, if it goes on as fast as since it was begun; None where that cannot be said yet."""
    if job.state != "running" or job.started_at is None or job.beat_at is None or job.went_on_from is None:
        return None
    spent_s, made = (job.beat_at - job.started_at).total_seconds(), job.progress - job.went_on_from
    return (1 - job.progress) * spent_s / made if spent_s >= SURE_S and made > 0 else None


class LostClaim(Exception):
    """Another worker has the job: we were silent for too long."""
