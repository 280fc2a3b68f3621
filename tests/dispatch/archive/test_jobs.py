"""The jobs process: each composite is made once, whoever dies; what fails is tried again and then waits for the clerk."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import av
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.archive import recordings, work
from dispatch.archive.catalogue import COMPOSITE
from dispatch.archive.jobs import ATTEMPTS, PAUSE, STALE, Kind, Worker
from dispatch.settings import Settings
from dispatch.sittings.statuses import project_rows
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import Sitting, utc_now
from rooms.verification.folder import verify
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.archive.vaults import plain_vault
from tests.dispatch.making import INTO, NOW, Court, make_rows, make_sitting

TOP = Path(__file__).resolve().parents[3]
SECOND = timedelta(seconds=1)


class Clock:
    """The court's clock, put forward by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def sealed(court: Court, start: str = "14:00", title: str = "") -> Sitting:
    """A sitting in the catalogue, its composite ordered; its folder lies where the recorder leaves it."""
    sitting = await make_sitting(court, start, title=title)
    made = await asyncio.to_thread(make_sealed, court.file.parent / "recordings", sitting.id)
    rows = make_rows(sitting.id, *INTO["closed"], ("sealed", {"manifest_sha256": made["manifest_sha256"]}))
    await project_rows(court.db, sitting.id, rows)
    return sitting


async def job_of(court: Court, sitting: Sitting) -> tuple[Job, str]:
    """The job, and what the catalogue says of the composite."""
    async with court.db.reader() as session:
        job = (await session.scalars(select(Job).where(Job.sitting_id == sitting.id))).one()
        return job, (await session.get_one(Recording, sitting.id)).composite


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become true; the limit only ends a test that would hang."""
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.01)


def state_is(court: Court, sitting: Sitting, state: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await job_of(court, sitting))[0].state == state

    return holds


class Making:
    """What makes: writes down which folders it was given, and does with each what the test says."""

    def __init__(self, *fractions: float, error: Exception | None = None) -> None:
        self.fractions = fractions or (0.5, 1.0)
        self.error = error
        self.folders: list[str] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, _job: Job, folder: Path) -> AsyncIterator[float]:
        self.folders.append(folder.name)
        for fraction in self.fractions:
            yield fraction
            await self.goes_on.wait()
        if self.error is not None:
            raise self.error


def worker(court: Court, make: Making, clock: Clock | None = None) -> Worker:
    return Worker(court.db, plain_vault(court), {COMPOSITE: Kind(make, work.composite_told)}, clock or Clock())


# ------------------------------------------------------------------------------------------------ the real thing


async def test_a_sealed_sitting_gets_its_film_and_its_originals_stay_as_they_are(court: Court) -> None:
    """Before it comes one whose folder is lost: that one tells its reason and holds up nobody."""
    lost = await make_sitting(court, "10:00", title="前")
    await project_rows(court.db, lost.id, make_rows(lost.id, *INTO["closed"], ("sealed", {"manifest_sha256": "a" * 64})))
    sitting = await sealed(court)
    folder = court.file.parent / "recordings" / sitting.id
    working = asyncio.create_task(work.run(Settings(data=court.file.parent, put_away=False)))
    await until(state_is(court, sitting, "done"))
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    job, composite = await job_of(court, sitting)
    assert (composite, job.progress, job.error, job.attempts) == ("done", 1.0, "", 1)
    with av.open(str(folder / "derived" / "composite.mp4")) as film:
        assert film.duration is not None
        assert film.duration / 1e6 == pytest.approx(10, abs=0.5)
    assert verify(folder).ok
    failed, _ = await job_of(court, lost)
    assert failed.state in ("queued", "running", "failed")  # a film that takes long is overtaken by the next attempt
    assert lost.id in failed.error


async def test_a_jobs_process_that_is_killed_leaves_its_work_to_the_next(court: Court) -> None:
    sitting = await sealed(court)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
    own = {"DISPATCH_DATA": str(court.file.parent), "DISPATCH_PUT_AWAY": "no"}
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "server.py", "serve", "--only", "jobs", cwd=TOP, env=environment | own
    )
    await until(state_is(court, sitting, "running"))
    killed.send_signal(signal.SIGKILL)
    assert await killed.wait() == -signal.SIGKILL
    making = Making()

    clock = Clock()
    clock.now = utc_now()
    assert not await worker(court, making, clock).work()  # he may only be slow
    clock.now += STALE + SECOND
    assert await worker(court, making, clock).work()
    job, composite = await job_of(court, sitting)
    assert (job.state, job.attempts, composite, making.folders) == ("done", 2, "done", [sitting.id])


# ------------------------------------------------------------------------------------------------ the queue


async def test_jobs_are_done_one_after_the_other_the_oldest_first(court: Court) -> None:
    ordered = [await sealed(court, f"{hour}:00", f"{hour}") for hour in (14, 15, 16)]
    making = Making()
    alone = worker(court, making)
    assert [await alone.work() for _ in range(4)] == [True, True, True, False]
    assert making.folders == [sitting.id for sitting in ordered]


async def test_two_processes_never_make_the_same(court: Court) -> None:
    ordered = [await sealed(court, f"{hour}:00", f"{hour}") for hour in (14, 15, 16, 17)]
    making = Making()
    workers = [worker(court, making) for _ in range(3)]

    async def all_of(one: Worker) -> None:
        while await one.work():
            pass

    await asyncio.gather(*(all_of(one) for one in workers))
    assert sorted(making.folders) == sorted(sitting.id for sitting in ordered)


async def test_a_sitting_may_have_several_jobs_of_a_kind_and_each_kind_is_made_by_what_makes_it(court: Court) -> None:
    sitting = await sealed(court)
    async with court.db.writer() as session:
        for second, subject in enumerate(("one", "two")):
            session.add(Job(kind="other", sitting_id=sitting.id, subject=subject, created_at=utc_now() + (second + 1) * SECOND))
        session.add(Job(kind="of tomorrow", sitting_id=sitting.id))
    made: list[tuple[str, str]] = []
    states: list[tuple[str, str]] = []

    async def making(job: Job, _folder: Path) -> AsyncIterator[float]:
        made.append((job.kind, job.subject))
        yield 1.0

    async def told(_session: AsyncSession, job: Job) -> None:
        states.append((job.subject, job.state))

    kinds = {COMPOSITE: Kind(making, work.composite_told), "other": Kind(making, told)}
    alone = Worker(court.db, plain_vault(court), kinds, Clock())
    assert [await alone.work() for _ in range(4)] == [True, True, True, False]
    assert made == [(COMPOSITE, ""), ("other", "one"), ("other", "two")]
    assert states == [("one", "running"), ("one", "done"), ("two", "running"), ("two", "done")]
    async with court.db.reader() as session:
        assert (await session.scalars(select(Job.state).where(Job.kind == "of tomorrow"))).one() == "queued"


async def test_progress_and_state_are_shown_while_it_is_made(court: Court) -> None:
    sitting = await sealed(court)
    making = Making(0.25, 1.0)
    making.goes_on.clear()
    working = asyncio.create_task(worker(court, making).work())

    async def shown() -> bool:
        job, composite = await job_of(court, sitting)
        return (job.state, composite, job.progress) == ("running", "running", 0.25)

    await until(shown)
    making.goes_on.set()
    assert await working


# ------------------------------------------------------------------------------------------------ what goes wrong


async def test_what_fails_is_tried_again_after_a_pause_and_after_three_attempts_waits_for_the_clerk(court: Court) -> None:
    sitting = await sealed(court)
    making, clock = Making(0.3, error=OSError(errno.ENOSPC, "No space left on device")), Clock()
    alone = worker(court, making, clock)
    for attempt in range(1, ATTEMPTS):
        assert await alone.work()
        job, composite = await job_of(court, sitting)
        assert (job.state, composite, job.attempts) == ("queued", "queued", attempt)
        assert "No space left" in job.error
        assert not await alone.work()
        clock.now += PAUSE
    assert await alone.work()
    job, composite = await job_of(court, sitting)
    assert (job.state, composite, job.attempts) == ("failed", "failed", ATTEMPTS)
    clock.now += timedelta(days=1)
    assert not await alone.work()

    await recordings.compose_again(court.db, court.clerk, sitting.id)
    making.error = None
    assert await alone.work()
    job, composite = await job_of(court, sitting)
    assert (job.state, composite, job.attempts, job.error) == ("done", "done", 1, "")


async def test_a_process_that_is_told_to_stop_gives_its_job_back_without_blame(court: Court) -> None:
    sitting = await sealed(court)
    making = Making()
    making.goes_on.clear()
    working = asyncio.create_task(worker(court, making).work())
    await until(state_is(court, sitting, "running"))
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    job, composite = await job_of(court, sitting)
    assert (job.state, composite, job.attempts, job.owner) == ("queued", "queued", 0, "")
    making.goes_on.set()
    assert await worker(court, making).work()


async def test_who_was_silent_for_too_long_loses_his_job_and_what_the_other_made_stands(court: Court) -> None:
    sitting = await sealed(court)
    slow, quick, later = Making(0.1, 0.2, error=RuntimeError("too late")), Making(), Clock()
    slow.goes_on.clear()
    silent = asyncio.create_task(worker(court, slow).work())
    await until(state_is(court, sitting, "running"))
    later.now += STALE + SECOND
    assert await worker(court, quick, later).work()
    slow.goes_on.set()
    assert await silent
    job, composite = await job_of(court, sitting)
    assert (job.state, composite, job.error, job.attempts) == ("done", "done", "", 2)


async def test_a_job_whose_workers_all_died_fails_instead_of_killing_another(court: Court) -> None:
    sitting = await sealed(court)
    async with court.db.writer() as session:
        job = (await session.scalars(select(Job))).one()
        job.state, job.owner, job.attempts, job.beat_at = "running", "dead", ATTEMPTS, NOW
    clock, making = Clock(), Making()
    clock.now += STALE + SECOND
    assert not await worker(court, making, clock).work()
    job, composite = await job_of(court, sitting)
    assert (job.state, composite, making.folders) == ("failed", "failed", [])
    assert job.error == "the jobs process ended while it was being made"
