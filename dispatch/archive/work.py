"""What the jobs process makes: the table of kinds, each with what makes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.archive.catalogue import COMPOSITE
from dispatch.archive.jobs import IDLE_S, Kind, Worker
from dispatch.copies import making
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import utc_now
from dispatch.vault import away, keys, stills
from dispatch.vault import site as site_vault
from rooms.recording.composite import compose
from rooms.recording.fonts import find_font
from rooms.vault.checkout import tidy
from rooms.vault.vault import Vault

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("jobs")


async def run(settings: Settings) -> None:
    """Work until cancelled. A job under way is then given back. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    vault = site_vault.of(settings)
    await asyncio.to_thread(tidy, vault)
    if settings.put_away and not settings.store_keys:
        await keys.ensure(db, site_vault.ring_of(settings))
    await stills.clear_all(db, vault, settings.stills.resolve())
    worker = Worker(db, vault, await kinds(settings, db, vault))
    try:
        while True:
            if settings.put_away:
                await away.order(db, utc_now())
            if not await worker.work():
                await asyncio.sleep(IDLE_S)
    finally:
        await db.close()


async def kinds(settings: Settings, db: Database, vault: Vault) -> Mapping[str, Kind]:
    """Everything that is made here, by `Job.kind`."""
    font = await asyncio.to_thread(find_font, settings.font or None)
    if font is None:
        log.warning("no_chinese_font", hint="names in composites are left out: install fonts-noto-cjk or set DISPATCH_FONT")
    made = {COMPOSITE: composite(settings, font), making.KIND: making.copies(settings, db, font)}
    return {**made, away.PUT_AWAY: away.kind(vault, settings.stills.resolve())}


def composite(settings: Settings, font: Path | None) -> Kind:
    """The film of a whole sitting; the catalogue shows how far it is."""

    async def make(_job: Job, folder: Path) -> AsyncIterator[float]:
        async with aclosing(compose(folder, font=font, tz=settings.time_zone, ffmpeg=settings.ffmpeg)) as steps:
            async for step in steps:
                yield step.fraction

    return Kind(make, composite_told)


async def composite_told(session: AsyncSession, job: Job) -> None:
    """The catalogue shows what became of the film."""
    recording = await session.get(Recording, job.sitting_id)
    if recording is not None:
        recording.composite = job.state
