"""Copies that can be fetched no longer: their files are removed, their rows stay."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import or_, select

from dispatch import audit
from dispatch.copies import rules
from dispatch.store.archive_tables import Recording
from dispatch.store.copy_tables import Copy
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import utc_now
from rooms.packaging.package import remove

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("copies")

SYSTEM = "system"
EVERY_S = 60.0
_OURS = re.compile(r"\d{4}-\d{4,}-([0-9a-f]{16})(\.zip|\.iso)?")


async def run(settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
    """Look once a minute until cancelled. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    try:
        while True:
            try:
                await remove_due(db, settings.copies, clock())
            except OSError as error:
                log.warning("copy_not_removed", error=str(error))
            await asyncio.sleep(EVERY_S)
    finally:
        await db.close()


async def remove_due(db: Database, directory: Path, now: datetime) -> list[str]:
    """Remove the files of copies whose time is over, whose recording was destroyed, or that were taken back; the numbers of those that
    could be fetched until now. Raises OSError."""
    gone = select(Recording.sitting_id).where(Recording.destroyed_at.is_not(None))
    due = select(Copy).where(Copy.state == "ready", or_(Copy.expires_at <= now, Copy.sitting_id.in_(gone)))
    async with db.reader() as session:
        waiting = await session.scalar(due.limit(1)) is not None
    over: list[str] = []
    if waiting:
        async with db.writer() as session:
            for copy in await session.scalars(due.with_for_update(of=Copy)):
                copy.state, copy.ended_at = rules.after(copy.state, "expire"), now
                over.append(copy.number)
                detail = {"sitting": copy.sitting_id, "copy": copy.id, "number": copy.number, "fetches": copy.fetches}
                await audit.write(session, SYSTEM, "copy_removed", f"{copy.sitting.case.number} {copy.number}", detail=detail, now=now)
    await _clear(db, directory)
    return over


async def _clear(db: Database, directory: Path) -> None:
    """Whatever lies there and belongs to no copy that can be fetched or is being made."""
    there = await asyncio.to_thread(lambda: sorted(directory.iterdir()) if directory.is_dir() else [])
    named = {match[1]: path for path in there if (match := _OURS.fullmatch(path.name))}
    if not named:
        return
    async with db.reader() as session:
        kept = set(await session.scalars(select(Copy.id).where(Copy.id.in_(named), Copy.state.in_(("ready", "approved")))))
    for copy_id, path in named.items():
        if copy_id not in kept:
            await asyncio.to_thread(remove, path)
            log.info("copy_removed", file=path.name)
