"""Putting recordings away is work of the jobs process: ordered when the film of a sealed sitting is made, or could not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, select

from dispatch import audit
from dispatch.archive.catalogue import COMPOSITE
from dispatch.archive.jobs import Kind
from dispatch.store.archive_tables import Job, Recording
from dispatch.vault import stills
from rooms.vault import putting
from rooms.vault.vault import NotThere, Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

PUT_AWAY = "put_away"
AGAIN = timedelta(hours=1)
"""After so long it is tried again where it failed: the store may have been away, or an original is mended from a backup."""
SHOWN_S = 0.5
SYSTEM = "system"


async def order(db: Database, now: datetime) -> None:
    """Order it for every sealed recording that lies about in the plain and that nobody makes anything of."""
    busy = exists().where(Job.sitting_id == Recording.sitting_id, Job.kind == COMPOSITE, Job.state.in_(("queued", "running")))
    ordered = exists().where(Job.sitting_id == Recording.sitting_id, Job.kind == PUT_AWAY)
    plain = and_(Recording.sealed_at.is_not(None), Recording.stored_at.is_(None), Recording.destroyed_at.is_(None))
    due = select(Recording.sitting_id).where(plain, ~busy, ~ordered)
    failed = select(Job).join(Recording, Recording.sitting_id == Job.sitting_id)
    failed = failed.where(plain, Job.kind == PUT_AWAY, Job.state == "failed", Job.finished_at <= now - AGAIN)
    async with db.reader() as session:
        if await session.scalar(due.limit(1)) is None and await session.scalar(failed.limit(1)) is None:
            return
    async with db.writer() as session:
        session.add_all([Job(kind=PUT_AWAY, sitting_id=sitting) for sitting in await session.scalars(due)])
        for job in await session.scalars(failed):
            job.state, job.attempts, job.started_at, job.beat_at = "queued", 0, None, None


def kind(vault: Vault, plain_stills: Path) -> Kind:
    """What puts a recording away, and with it the stills of its hearing, which lie in `plain_stills`; the catalogue shows since when it
    is."""

    async def make(job: Job, folder: Path) -> AsyncIterator[float]:
        done = 0.0
        ended = False

        def progress(fraction: float) -> None:
            nonlocal done
            done = fraction
            if ended:
                raise _BrokenOff

        work = asyncio.create_task(asyncio.to_thread(putting.put_away, vault, folder.name, progress))
        try:
            while not (await asyncio.wait({work}, timeout=SHOWN_S))[0]:
                yield done
            if work.result() is None:
                raise NotThere(f"{folder}: it is neither there nor in the store")
            await asyncio.to_thread(stills.clear, vault, plain_stills, job.sitting_id, folder.name)
        finally:
            ended = True
            with suppress(_BrokenOff, Exception):
                await asyncio.shield(work)

    return Kind(make, _told, reads=False)


class _BrokenOff(Exception):
    """The process is told to stop: what is put away so far counts at the next try."""


async def _told(session: AsyncSession, job: Job) -> None:
    recording = await session.get(Recording, job.sitting_id)
    if recording is None or job.state not in ("done", "failed"):
        return
    if job.state == "done":
        recording.stored_at = job.finished_at
    result = "done" if job.state == "done" else "failed"
    about = {"sitting": recording.sitting_id} | ({"why": job.error[:500]} if job.error else {})
    await audit.write(session, SYSTEM, "recording_put_away", recording.sitting.case.number, "", result, about)
