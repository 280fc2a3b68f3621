"""The jobs process carries out what two people decided, when the time to think again is over.

Whether a recording may go is decided once more for each, alone in the database, in the transaction after which its files are touched:
a hold that was placed before is found there and the recording is kept; one that comes later finds it `begun` and is refused. What
was taken down of its files before they went stands in the row, so that whoever was killed in between goes on where he stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import and_, or_, select, update

from dispatch import audit
from dispatch.console.alerts.raising import end_alert
from dispatch.keeping import certificate, removal, rules, standing
from dispatch.keeping.destructions import as_proposed
from dispatch.keeping.removal import Places
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.database import Database
from dispatch.store.keeping_tables import Destruction, DestructionItem
from dispatch.store.site import Site
from dispatch.store.tables import utc_now
from dispatch.vault import site
from dispatch.vault.looking import SPOILT
from rooms.recording.signer import Signer, SignerUnusable
from rooms.vault.store import StoreUnavailable

if TYPE_CHECKING:
    from dispatch.settings import Settings

log = structlog.get_logger("keeping")

IDLE_S = 5.0
TROUBLED_S = 60.0
SYSTEM = "system"
DESTROYED = "the recording is destroyed"
Clock = Callable[[], datetime]


class Busy(Exception):
    """Something is being made of the recording right now; it goes on when that is done."""


def places(settings: Settings) -> Places:
    """By the settings. Raises SettingsError, KeyMissing."""
    return Places(site.of(settings), settings.stills.resolve(), (settings.certificates.resolve(),))


class Destroyer:
    """Carries out one destruction at a time. `signer` is asked anew for each certificate; `unit`: its name in Chinese and English."""

    def __init__(
        self, db: Database, where: Places, signer: Callable[[], Signer | None], unit: tuple[str, str], clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._places = where
        self._signer = signer
        self._unit = unit
        self._clock = clock

    async def work(self) -> bool:
        """Carry out the next one that is ready, or go on with one that was interrupted; whether there was one and it went well."""
        found = await self._next()
        if found is None:
            return False
        try:
            await self._begin(found)
            while (item := await self._item(found)) is not None:
                await self._destroy(item)
            await self._finish(found)
        except (OSError, SignerUnusable, StoreUnavailable, Busy) as error:
            log.warning("destruction_waits", destruction=found, why=str(error))
            await self._trouble(found, str(error))
            return False
        return True

    async def _next(self) -> str | None:
        ready = and_(Destruction.state == "approved", Destruction.due_at <= self._clock())
        wanted = select(Destruction.id).where(or_(Destruction.state == "under_way", ready)).order_by(Destruction.due_at, Destruction.id)
        async with self._db.reader() as session:
            found: str | None = await session.scalar(wanted.limit(1))
            return found

    async def _begin(self, destruction_id: str) -> None:
        async with self._db.writer() as session:
            row = await session.get_one(Destruction, destruction_id)
            if row.state == "under_way":
                return
            row.state = rules.begin(as_proposed(row), self._clock()).state
            await audit.write(session, SYSTEM, "destruction_begun", row.number, "", detail={"destruction": row.id}, now=self._clock())

    async def _item(self, destruction_id: str) -> DestructionItem | None:
        """The next that is neither destroyed nor kept; one that was begun comes first."""
        open_ = DestructionItem.state.in_(("listed", "begun"))
        wanted = select(DestructionItem).where(DestructionItem.destruction_id == destruction_id, open_)
        async with self._db.reader() as session:
            found: DestructionItem | None = await session.scalar(wanted.order_by(DestructionItem.state, DestructionItem.position).limit(1))
            return found

    async def _destroy(self, item: DestructionItem) -> None:
        folder, sitting = item.recording.folder, item.sitting_id
        if item.state == "listed":
            files = await asyncio.to_thread(removal.inventory, self._places, folder, sitting)
            if not await self._settle(item, files):
                return
        await asyncio.to_thread(removal.remove, self._places, folder, sitting)
        now = self._clock()
        async with self._db.writer() as session:
            own = await session.get_one(DestructionItem, item.id)
            own.state, own.destroyed_at = "destroyed", now
            recording = await session.get_one(Recording, sitting)
            recording.destroyed_at, recording.composite = now, "none"
            detail = {"sitting": sitting, "destruction": own.destruction_id, "files": len(own.files), "manifest": recording.manifest_sha256}
            await audit.write(session, SYSTEM, "recording_destroyed", recording.sitting.case.number, "", detail=detail, now=now)
        await end_alert(self._db, SPOILT, subject=sitting, now=now)  # what is gone is spoilt no longer
        log.info("destroyed", sitting=sitting, destruction=item.destruction_id)

    async def _settle(self, item: DestructionItem, files: list[dict[str, object]]) -> bool:
        """Alone in the database: whether it may go at this very moment. If so it has begun. Raises Busy."""
        now = self._clock()
        async with self._db.writer() as session:
            own = await session.get_one(DestructionItem, item.id)
            (found,) = await standing.of(session, [own.recording], self._db.site.zone)
            order = bool((await session.get_one(Destruction, own.destruction_id)).order_reference)
            if why := rules.why_not(found.kept, now.astimezone(self._db.site.zone).date(), order=order):
                own.state, own.kept_why = "kept", why
                detail = {"sitting": own.sitting_id, "destruction": own.destruction_id, "why": why}
                number = own.recording.sitting.case.number
                await audit.write(session, SYSTEM, "recording_kept", number, "", "refused", detail, now=now)
                return False
            running = select(Job.kind).where(Job.sitting_id == own.sitting_id, Job.state == "running").limit(1)
            if (kind := await session.scalar(running)) is not None:
                raise Busy(f"{own.sitting_id}: {kind} is being made")
            # Nothing is to be made of it any more; another process that claims one of them now waits for this transaction.
            queued = update(Job).where(Job.sitting_id == own.sitting_id, Job.state == "queued")
            await session.execute(queued.values(state="failed", error=DESTROYED, finished_at=now))
            own.state, own.files = "begun", files
            own.bytes = sum(int(str(row["bytes"])) for row in files)
        return True

    async def _finish(self, destruction_id: str) -> None:
        """All is destroyed or kept: the certificate is made, kept and signed, and then it is done."""
        now = self._clock()
        async with self._db.reader() as session:
            row = await session.get_one(Destruction, destruction_id)
        content = b""
        if any(item.state == "destroyed" for item in row.items):
            content = await asyncio.to_thread(lambda: certificate.made(row, self._unit, now, self._signer()))
            await asyncio.to_thread(certificate.keep, self._places.certificates, row.id, content)
        async with self._db.writer() as session:
            own = await session.get_one(Destruction, destruction_id)
            own.state, own.done_at, own.trouble = rules.finish(as_proposed(own)).state, now, ""
            own.certificate = content.decode()
            counts = {state: sum(item.state == state for item in own.items) for state in ("destroyed", "kept")}
            await audit.write(session, SYSTEM, "destruction_done", own.number, "", detail={"destruction": own.id, **counts}, now=now)

    async def _trouble(self, destruction_id: str, why: str) -> None:
        async with self._db.writer() as session:
            row = await session.get_one(Destruction, destruction_id)
            if row.trouble != why[: rules.LONGEST_TEXT]:
                row.trouble = why[: rules.LONGEST_TEXT]
                detail = {"destruction": row.id, "why": why}
                await audit.write(session, SYSTEM, "destruction_waits", row.number, "", "failed", detail, now=self._clock())


async def run(settings: Settings) -> None:
    """Work until cancelled. Raises DatabaseUnavailable."""
    from dispatch.keeping import destroyed_before
    from dispatch.operations import seal_key

    db = await Database.connect(settings.database, Site.of(settings))
    where = places(settings)
    seal = seal_key.of(settings)
    destroyer = Destroyer(db, where, seal.load, (settings.court, settings.court_en))
    try:
        await destroyed_before.apply(db, where, settings.seal_roots, utc_now())
        while True:
            try:
                went = await destroyer.work()
                await asyncio.sleep(0 if went else IDLE_S)
            except Exception:  # a database that is busy must not end it
                log.exception("destruction_failed")
                await asyncio.sleep(TROUBLED_S)
    finally:
        await db.close()
