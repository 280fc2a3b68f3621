"""A backup that is restored knows nothing of what was destroyed after it was made: the certificates do, and are gone by at each start.

Only one counts that somebody signed whom the site's own seals lead to: a file that was put there by hand destroys nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from dispatch import audit
from dispatch.keeping import removal
from dispatch.keeping.destructions import next_running
from dispatch.keeping.removal import Places
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import Destruction, DestructionItem
from rooms.verification import destruction
from rooms.verification.destruction import Certificate

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

log = structlog.get_logger("keeping")

SYSTEM = "system"


def trusted(folder: Path, roots: Path | None) -> Iterator[Certificate]:
    """The certificates in a folder that are whole and signed by this site, by name; of others a line goes to the log."""
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        known = roots if roots is not None and roots.is_file() else None
        found = destruction.verify(path, known)
        if found.ok and found.complete and known is not None and found.content["id"] == path.stem:
            yield found
        else:
            log.warning("certificate_not_trusted", file=path.name, problems=[each.code for each in found.problems])


async def apply(db: Database, where: Places, roots: Path | None, now: datetime) -> list[str]:
    """Destroy again what certificates name and a restored database has; the sittings. Idempotent. Raises OSError."""
    again: list[str] = []
    for folder in where.certificates:
        for found in await asyncio.to_thread(lambda at=folder: list(trusted(at, roots))):  # type: ignore[misc]
            again += await _apply(db, where, found, now)
    return again


async def _apply(db: Database, where: Places, found: Certificate, now: datetime) -> list[str]:
    due = []
    async with db.reader() as session:
        for row in found.content["recordings"]:
            recording = await session.get(Recording, row["sitting"])
            if recording is not None and recording.destroyed_at is None and recording.manifest_sha256 == row["manifest_sha256"]:
                due.append((recording.folder, recording.sitting_id))
        known = await session.get(Destruction, found.content["id"])
        if not due and known is not None and known.state == "done":
            return []
    for folder, sitting in due:
        await asyncio.to_thread(removal.remove, where, folder, sitting)
    async with db.writer() as session:
        await _record(session, found, now)
        for _folder, sitting in due:
            recording = await session.get_one(Recording, sitting)
            recording.destroyed_at, recording.composite = now, "none"
            detail = {"sitting": sitting, "destruction": found.content["id"]}
            await audit.write(session, SYSTEM, "recording_destroyed_again", recording.sitting.case.number, "", detail=detail, now=now)
    for _folder, sitting in due:
        log.warning("destroyed_again", sitting=sitting, destruction=found.content["id"])
    return [sitting for _folder, sitting in due]


async def _record(session: AsyncSession, found: Certificate, now: datetime) -> None:
    """The destruction as it was, where the restored database has none of it, or has it as it was before."""
    content = found.content
    row = await session.get(Destruction, content["id"])
    if row is None:
        proposed_at = _moment(content["proposed"]["at"], now)
        row = Destruction(id=content["id"], proposed_by=content["proposed"]["by"], proposed_by_id="", proposed_at=proposed_at)
        row.reason, row.order_reference, row.items = content["reason"], content["order"], []
        row.year, row.running = _numbered(content.get("number")) or (proposed_at.year, await next_running(session, proposed_at.year))
        session.add(row)
    listed = {item.sitting_id: item for item in row.items}
    for position, each in enumerate(content["recordings"]):
        item = listed.get(each["sitting"])
        if item is None:
            if await session.get(Recording, each["sitting"]) is None:
                continue
            item = DestructionItem(sitting_id=each["sitting"], position=position, retention=each["retention"])
            row.items.append(item)
        item.state, item.files, item.bytes = "destroyed", each["files"], each["bytes"]
        item.destroyed_at = _moment(each["destroyed_at"], now)
    row.state, row.approved_by, row.approved_at = "done", content["approved"]["by"], _moment(content["approved"]["at"], now)
    row.due_at, row.done_at, row.trouble = _moment(content["due_at"], now), _moment(content["done_at"], now), ""
    row.certificate = Path(found.path).read_text(encoding="utf-8")


def _numbered(number: Any) -> tuple[int, int] | None:
    """Year and running number; None of a certificate from before there were any."""
    year, _, running = str(number).partition("-")
    return (int(year), int(running)) if year.isdecimal() and running.isdecimal() else None


def _moment(text: Any, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise
