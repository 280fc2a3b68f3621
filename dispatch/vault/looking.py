"""Looking at what is kept, night after night: each recording is digested again and compared with its manifest, the one that was looked at
longest ago first, slowly and in hours in which nobody needs the disk.

A file that is not as it was sealed, or gone, is named at once: in the audit log, in the archive, in the metrics, and as an alert in the
command centre; once, until it is mended.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, and_, or_, select

from dispatch import audit
from dispatch.archive import seals
from dispatch.console.alerts.raising import end_alert, raise_alert
from dispatch.store.archive_tables import Recording
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import utc_now
from dispatch.vault import site as site_vault
from rooms.vault import locks, putting
from rooms.vault.cipher import Spoilt
from rooms.vault.keys import KeyMissing
from rooms.vault.store import StoreUnavailable
from rooms.vault.vault import MANIFEST, NotThere, Vault
from rooms.verification import signature, stamp

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("vault")

IDLE_S = 30.0
TROUBLED_S = 300.0
ONCE_IN = timedelta(hours=20)
"""Nothing is looked at twice in one night."""
SYSTEM = "system"
SPOILT = "recording_spoilt"
"""The alert; its subject is the sitting. Its words do not say whose: all of the centre read them, and it may be a juvenile record."""
MOST_NAMED = 50
Clock = Callable[[], datetime]


class Stopped(Exception):
    """The process is told to stop."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From when until when, by the court's clock; over midnight where the end is the smaller one, always where both are the same."""

    begin: int
    end: int
    zone: ZoneInfo

    def hold(self, now: datetime) -> bool:
        """Whether `now` (aware) lies in them."""
        hour = now.astimezone(self.zone).hour
        if self.begin == self.end:
            return True
        return self.begin <= hour < self.end if self.begin < self.end else hour >= self.begin or hour < self.end


class Pace:
    """Keeps reading at `bytes_s` on average; 0: as fast as it goes. Call it with each amount, on the thread that reads."""

    def __init__(self, bytes_s: float) -> None:
        self.stopped = False
        self._bytes_s = bytes_s
        self._began = time.monotonic()
        self._bytes = 0

    def __call__(self, count: int) -> None:
        """Raises Stopped."""
        self._bytes += count
        while True:
            if self.stopped:
                raise Stopped
            ahead_s = self._bytes / self._bytes_s - (time.monotonic() - self._began) if self._bytes_s else 0.0
            if ahead_s <= 0:
                return
            time.sleep(min(ahead_s, 0.5))


def look(
    vault: Vault, folder: str, manifest_sha256: str, pace: Callable[[int], None] = lambda _: None, beside: Collection[str] = ()
) -> list[str]:
    """Which files of a recording are not as they were sealed, or cannot be read; of a stored one also films and voices. `beside`: signature
    and time-stamp, as far as it had them. Blocks. Raises StoreUnavailable; what `pace` raises."""
    try:
        manifest = vault.read(folder, MANIFEST)
        stated = vault.sealed_digests(folder)
    except (NotThere, Spoilt, KeyMissing, ValueError, KeyError, TypeError):
        return [MANIFEST]
    wrong = [MANIFEST] if manifest_sha256 and hashlib.sha256(manifest).hexdigest() != manifest_sha256 else []
    plain = vault.plain(folder)
    if plain is None:
        stated = {name: entry.sha256 for name, entry in vault.contents(folder).files.items()} | stated
        wrong += [name for name in beside if name not in stated]
    else:
        wrong += _of_the_seals(plain, manifest, beside)
    return wrong + [name for name, digest in sorted(stated.items()) if _digest(vault, folder, name, pace) != digest]


def _of_the_seals(folder: Path, manifest: bytes, beside: Collection[str]) -> list[str]:
    """Signature and time-stamp of a plain folder have no digest in the manifest, but each has one of its own."""
    wrong = [name for name in beside if not (folder / name).is_file()]

    def add(_code: str, name: str, _detail: object) -> None:
        if name not in wrong:
            wrong.append(name)

    signature.read(folder, json.loads(manifest), manifest, add)
    stamp.check(folder, None, add)
    return wrong


def _digest(vault: Vault, folder: str, name: str, pace: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    try:
        for chunk in vault.stream(folder, name):
            digest.update(chunk)
            pace(len(chunk))
    except StoreUnavailable:
        raise
    except OSError:  # gone, spoilt, or the disk cannot read it
        return ""
    return digest.hexdigest()


class Looker:
    """Looks at one recording at a time. `bytes_s`: how fast at most, 0: as fast as it goes."""

    def __init__(self, db: Database, vault: Vault, hours: Hours, bytes_s: float, clock: Clock = utc_now) -> None:
        self._db = db
        self._vault = vault
        self._hours = hours
        self._bytes_s = bytes_s
        self._clock = clock

    async def work(self) -> bool:
        """Look at the next that is due; whether there was one. Raises StoreUnavailable."""
        now = self._clock()
        if not self._hours.hold(now):
            return False
        wanted = select(Recording).where(due(now)).order_by(Recording.looked_at.is_not(None), Recording.looked_at, Recording.sitting_id)
        async with self._db.reader() as session:
            recording = (await session.scalars(wanted.limit(1))).unique().one_or_none()
        if recording is None:
            return False
        pace = Pace(self._bytes_s)
        looking = asyncio.create_task(asyncio.to_thread(self._look, recording, pace))
        try:
            wrong = await asyncio.shield(looking)
        except asyncio.CancelledError:
            pace.stopped = True
            with suppress(Stopped, Exception):
                await looking
            raise
        await self._note(recording.sitting_id, wrong)
        return True

    def _look(self, recording: Recording, pace: Pace) -> list[str]:
        """While nobody puts it away or destroys it."""
        with locks.locked(self._vault.run, f"{recording.folder}.use", shared=True):
            wrong = look(self._vault, recording.folder, recording.manifest_sha256, pace, seals.beside(recording))
        with suppress(KeyMissing):
            putting.mend_key(self._vault, recording.folder)
        return wrong

    async def _note(self, sitting: str, wrong: list[str]) -> None:
        now = self._clock()
        async with self._db.writer() as session:
            own = await session.get_one(Recording, sitting)
            if own.destroyed_at is not None:
                return
            fresh = [name for name in wrong if name not in own.spoilt]
            mended = [name for name in own.spoilt if name not in wrong]
            own.looked_at, own.spoilt = now, wrong
            own.spoilt_at = (own.spoilt_at or now) if wrong else None
            for action, names, result in (("recording_spoilt", fresh, "failed"), ("recording_mended", mended, "done")):
                if names:
                    about = {"sitting": sitting, "files": names[:MOST_NAMED], "count": len(names)}
                    await audit.write(session, SYSTEM, action, own.sitting.case.number, "", result, about, now=now)
        if fresh:
            log.error("recording_spoilt", sitting=sitting, files=fresh[:MOST_NAMED])
        if wrong:
            await raise_alert(self._db, SPOILT, "critical", subject=sitting, data={"count": len(wrong)}, now=now)
        else:
            await end_alert(self._db, SPOILT, subject=sitting, now=now)


def kept() -> ColumnElement[bool]:
    """What there is to look at."""
    return and_(Recording.sealed_at.is_not(None), Recording.destroyed_at.is_(None))


def due(now: datetime) -> ColumnElement[bool]:
    """What is to be looked at by now."""
    return and_(kept(), or_(Recording.looked_at.is_(None), Recording.looked_at <= now - ONCE_IN))


async def run(settings: Settings) -> None:
    """Work until cancelled. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    begin, end = settings.look_again
    looker = Looker(db, site_vault.of(settings), Hours(begin, end, settings.zone), settings.look_again_mb_s * 1e6)
    try:
        while True:
            try:
                await asyncio.sleep(0 if await looker.work() else IDLE_S)
            except Exception:  # a store that is away, a database that is busy: later again
                log.exception("looking_failed")
                await asyncio.sleep(TROUBLED_S)
    finally:
        await db.close()
