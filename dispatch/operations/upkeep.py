"""What a serving site does for itself once an hour: renew its certificate and the key of its seals in time, say how old its last
backup is, and forget the files that programs sent to be imported a day ago."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select

from dispatch import audit
from dispatch.exchange import drafts
from dispatch.operations import seal_key
from dispatch.operations.certificate import CertificateRefused, Served
from dispatch.operations.metrics import CERTIFICATE_EXPIRES, DISK_FREE, LAST_BACKUP, PARTS_CPU
from dispatch.store.tables import AuditRow, utc_now
from rooms.recording.signer import SignerUnusable

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.database import Database

log = structlog.get_logger("upkeep")

EVERY_S = 3600.0
BACKUP = "backup"
"""The word of the audit log for a backup that was made."""
SYSTEM = "system"
MADE = {"authority": "authority_made", "certificate": "certificate_made"}


async def run(settings: Settings, db: Database, served: Served | None, clock: Callable[[], datetime] = utc_now) -> None:
    """Until cancelled; begins at once. What fails is logged and tried again an hour later."""
    PARTS_CPU.run = settings.run.resolve()
    DISK_FREE.labels("data").set_function(lambda: shutil.disk_usage(settings.data).free)
    while True:
        try:
            if served is not None:
                await certificate(db, served, clock())
            await seal(settings, db, clock())
            await last_backup(db)
            await drafts.forget(db, clock())
        except Exception:  # a database that is busy or a disk that is full must not end the upkeep
            log.exception("upkeep_failed")
        await asyncio.sleep(EVERY_S)


async def certificate(db: Database, served: Served, now: datetime) -> None:
    """Renew, and put into the audit log what was made since the last time."""
    try:
        if await asyncio.to_thread(served.renew, now):
            log.info("certificate_renewed", expires=served.expires_at.isoformat())
    except CertificateRefused as error:
        log.error("certificate_refused", error=str(error), expires=served.expires_at.isoformat())
    while served.made:
        await audit.record(db, SYSTEM, MADE[served.made[0]], served.host, detail={"expires": served.expires_at.isoformat()})
        del served.made[0]
    CERTIFICATE_EXPIRES.set(served.expires_at.timestamp())


async def seal(settings: Settings, db: Database, now: datetime) -> None:
    """Renew our own key of the seals, and put into the audit log the certificate that is new."""
    try:
        await asyncio.to_thread(seal_key.ensure, settings, now)
        signer = await asyncio.to_thread(seal_key.of(settings).load)
    except SignerUnusable as error:
        log.error("seal_key_refused", error=str(error))
        return
    if signer is None or not seal_key.is_own(settings):
        return
    fingerprint = hashlib.sha256(signer.chain[0]).hexdigest()
    async with db.reader() as session:
        known = await session.scalar(select(AuditRow.seq).where(AuditRow.action == "seal_key_made", AuditRow.subject == fingerprint))
    if known is None:
        await audit.record(db, SYSTEM, "seal_key_made", fingerprint)


async def last_backup(db: Database) -> None:
    """Say when the last backup was made."""
    async with db.reader() as session:
        at = await session.scalar(select(func.max(AuditRow.at)).where(AuditRow.action == BACKUP, AuditRow.result == "done"))
    LAST_BACKUP.set(at.timestamp() if at is not None else 0)
