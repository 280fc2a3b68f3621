"""Trusted time-stamps for sealed recordings: the jobs process asks the authority that is set, one recording after the other.

Sealing never waits for it and never fails because of it. Where the authority cannot be asked, or its answer is none, it is asked
again, at first after a minute, then after twice as long each time, at most an hour; why is kept beside the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import structlog
from sqlalchemy import or_, select

from dispatch import audit
from dispatch.store.archive_tables import Recording
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import utc_now
from dispatch.vault import site as site_vault
from rooms.recording import stamp
from rooms.recording.signature import SIGNATURE
from rooms.vault.checkout import checked_out
from rooms.vault.vault import Vault

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("stamping")

IDLE_S = 5.0
LIMIT_S = 30.0
ANSWER_BYTES = 1 << 20
FIRST_PAUSE = timedelta(minutes=1)
LAST_PAUSE = timedelta(hours=1)
SYSTEM = "system"
NEEDED = frozenset({"manifest.json", SIGNATURE})
"""What is stamped of a recording."""
Clock = Callable[[], datetime]


class Unanswered(Exception):
    """The authority gave no answer that can be looked at; the text is one line."""


async def run(settings: Settings) -> None:
    """Work until cancelled; without an authority there is nothing to do. Raises DatabaseUnavailable."""
    if not settings.tsa_url or settings.tsa_ca is None:
        await asyncio.Event().wait()
        return
    db = await Database.connect(settings.database, Site.of(settings))
    stamper = Stamper(db, site_vault.of(settings), settings.tsa_url, settings.tsa_ca)
    try:
        while True:
            try:
                if not await stamper.work():
                    await asyncio.sleep(IDLE_S)
            except Exception:  # a database that is busy must not end the time-stamps
                log.exception("stamping_failed")
                await asyncio.sleep(IDLE_S)
    finally:
        await db.close()


class Stamper:
    """Has one recording stamped at a time. `roots`: PEM, what vouches for the authority at `url`."""

    def __init__(self, db: Database, vault: Vault, url: str, roots: Path, clock: Clock = utc_now) -> None:
        self._db = db
        self._vault = vault
        self._url = url
        self._roots = roots
        self._clock = clock

    async def work(self) -> bool:
        """Do the next that is due, if there is one; whether there was."""
        recording = await self._next()
        if recording is None:
            return False
        try:
            async with checked_out(self._vault, recording.folder, only=NEEDED.__contains__) as folder:
                asked = await asyncio.to_thread(stamp.request, folder)
                answer = await ask(self._url, asked.content)
                kept = await asyncio.to_thread(stamp.keep, folder, asked, answer, self._roots)
        except (Unanswered, stamp.StampRefused, OSError) as error:
            await self._again(recording, str(error))
        else:
            await self._done(recording, kept)
        return True

    async def _next(self) -> Recording | None:
        due = or_(Recording.stamp_next_at.is_(None), Recording.stamp_next_at <= self._clock())
        unstamped = (Recording.sealed_at.is_not(None), Recording.destroyed_at.is_(None), Recording.stamped_at.is_(None))
        wanted = select(Recording).where(*unstamped, due)
        async with self._db.reader() as session:
            return (await session.scalars(wanted.order_by(Recording.sealed_at).limit(1))).unique().one_or_none()

    async def _again(self, recording: Recording, error: str) -> None:
        now = self._clock()
        async with self._db.writer() as session:
            own = await session.get_one(Recording, recording.sitting_id)
            own.stamp_next_at = now + min(FIRST_PAUSE * 2 ** min(own.stamp_attempts, 10), LAST_PAUSE)
            own.stamp_attempts, own.stamp_error = own.stamp_attempts + 1, error[:500]
            if own.stamp_attempts == 1:
                about = {"sitting": own.sitting_id, "why": error[:500]}
                await audit.write(session, SYSTEM, "recording_stamped", own.sitting.case.number, "", "failed", about, now=now)
        log.warning("not_stamped", sitting=recording.sitting_id, why=error)

    async def _done(self, recording: Recording, kept: stamp.Kept) -> None:
        async with self._db.writer() as session:
            own = await session.get_one(Recording, recording.sitting_id)
            own.stamped_at, own.stamp_by, own.stamp_next_at, own.stamp_error = kept.at, kept.by[:200], None, ""
            about = {"sitting": own.sitting_id, "at": kept.at.isoformat(), "by": kept.by}
            await audit.write(session, SYSTEM, "recording_stamped", own.sitting.case.number, "", detail=about, now=self._clock())
        log.info("stamped", sitting=recording.sitting_id, at=kept.at.isoformat())


async def ask(url: str, request: bytes, limit_s: float = LIMIT_S) -> bytes:
    """Send a request by HTTP (RFC 3161 section 3.4); the answer. Raises Unanswered."""
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session,
            session.post(url, data=request, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Unanswered(f"{url} answers {response.status}")
            answer = await response.content.read(ANSWER_BYTES)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unanswered(f"{url}: {error or type(error).__name__}") from error
    return answer
