"""Files of a task: announced with size and digest, sent in parts, taken up where a connection broke, looked at when whole.

The order is that of tus 1.0 (https://tus.io): what is announced has a size, each part names its offset and its own digest, and whoever is
at odds with the offset is told the present one. Beside that the whole has a SHA-256, without which nothing is taken for whole.
Files lie below :attr:`dispatch.settings.Settings.field_files` under their ids, never under a name that somebody gave them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import CursorResult, func, select, update

from dispatch import audit
from dispatch.console.field import listing, media, tasks
from dispatch.console.field.orders import KEY
from dispatch.errors import FieldError, Forbidden, NotFound, Refused, UserError, ValidationFailed
from dispatch.store.field_tables import FieldFile, FieldTask, TeamMember
from dispatch.store.tables import User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

MOST_BYTES = max(media.MOST_BYTES.values())
LARGEST_PART = 2_000_000
LONGEST_NAME = 120
MOST_OF_A_TASK = 100
"""files, whole or not"""
UNFINISHED = timedelta(days=30)
"""So long a phone may be without a connection in the midst of a report."""
DIGEST = re.compile(r"[0-9a-f]{64}")


class WrongOffset(UserError):
    """A part does not begin where the file ends; `offset` is where that is."""

    status = 409

    def __init__(self, offset: int) -> None:
        super().__init__("upload_offset", "file", offset=offset)
        self.offset = offset


class WrongDigest(UserError):
    """A part, or the whole, is not what its digest says: nothing of it was kept."""

    status = 460
    """as tus has it"""


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that is to be sent: `purpose` "material" or "report", its name on the phone, size, SHA-256 in hex, and a key by which
    its sender knows it again."""

    purpose: str
    name: str
    bytes: int
    sha256: str
    key: str


async def announce(db: Database, task_id: str, what: Announced, by: User, now: datetime) -> FieldFile:
    """Make room for a file; announced again under its key it is the same file, however much of it is there.

    Raises NotFound("task_unknown"), Forbidden("task_not_yours"), Refused("task_state"), ValidationFailed, UserError("key_reused").
    """
    async with db.writer() as session:
        known = await session.scalar(select(FieldFile).where(FieldFile.by_id == by.id, FieldFile.key == what.key))
        if known is not None:
            if (known.task_id, known.bytes, known.sha256, known.purpose) != (task_id, what.bytes, what.sha256, what.purpose):
                raise UserError("key_reused", "key")
            return known
        await _check(session, task_id, what, by)
        name = " ".join(what.name.split())[:LONGEST_NAME]
        file = FieldFile(
            task_id=task_id, purpose=what.purpose, name=name, bytes=what.bytes, sha256=what.sha256, received=0,
            by_id=by.id, by_name=by.name, key=what.key, created_at=now,
        )  # fmt: skip
        session.add(file)
        await session.flush()
    return file


async def _check(session: AsyncSession, task_id: str, what: Announced, by: User) -> None:
    task = await session.get(FieldTask, task_id)
    asking = listing.asking(by, await session.get(TeamMember, by.id), task) if task is not None else None
    if task is None or asking is None or not tasks.sees(asking, cast("tasks.State", task.state)):
        raise NotFound("task_unknown")
    act: tasks.Act = "report" if what.purpose == "report" else "send"
    if not tasks.may(act, asking, for_one=task.user_id is not None, for_him=task.user_id == by.id):
        raise Forbidden("task_not_yours")
    # A phone sends its photos while the task is under way, also before it is on site; material goes along with what is not reported yet.
    if task.state not in (("signed", "on_site") if what.purpose == "report" else ("drafted", *tasks.OUT)):
        raise Refused("task_state")
    found: list[FieldError] = []
    if what.purpose not in ("material", "report"):
        found.append(("purpose", "invalid", {}))
    if not 0 < what.bytes <= MOST_BYTES:
        found.append(("bytes", "file_large", {"most": MOST_BYTES // 1_000_000}))
    if not DIGEST.fullmatch(what.sha256):
        found.append(("sha256", "upload_digest", {}))
    if not what.name.strip():
        found.append(("name", "required", {}))
    if not KEY.fullmatch(what.key):
        found.append(("key", "key_shape", {}))
    count = await session.scalar(select(func.count()).where(FieldFile.task_id == task_id))
    if (count or 0) >= MOST_OF_A_TASK:
        found.append(("file", "task_files_many", {"most": MOST_OF_A_TASK}))
    if found:
        raise ValidationFailed(found)


async def own(db: Database, file_id: str, by: User) -> FieldFile:
    """A file that `by` sends. Raises NotFound("file_unknown")."""
    async with db.reader() as session:
        file = await session.get(FieldFile, file_id)
    if file is None or file.by_id != by.id:
        raise NotFound("file_unknown")
    return file


async def part(db: Database, folder: Path, file_id: str, offset: int, data: bytes, sha256: str, by: User, now: datetime) -> FieldFile:
    """Take a part of a file that begins at `offset`, `sha256` its digest; with the last one the whole is looked at.

    Raises NotFound("file_unknown"), :class:`WrongOffset`, :class:`WrongDigest` (of a part "upload_part", of the whole
    "upload_digest": it is to be sent again from the start), UserError at "file": file_kind, file_large (it is no longer wanted).
    """
    file = await own(db, file_id, by)
    if file.whole_at is not None or offset != file.received:
        raise WrongOffset(file.received)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WrongDigest("upload_part", "file")
    if not data or offset + len(data) > file.bytes or len(data) > LARGEST_PART:
        raise UserError("upload_size", "file", most=LARGEST_PART)
    # Written before it counts: whatever a crash leaves behind the end that is known is written over.
    await asyncio.to_thread(_write, _partial(folder, file_id), offset, data)
    end = offset + len(data)
    await _advance(db, file_id, offset, end)
    if end < file.bytes:
        return await own(db, file_id, by)
    return await _finish(db, folder, file, by, now)


async def _advance(db: Database, file_id: str, offset: int, end: int) -> None:
    async with db.writer() as session:
        moved = await session.execute(update(FieldFile).where(FieldFile.id == file_id, FieldFile.received == offset).values(received=end))
        if cast("CursorResult[object]", moved).rowcount == 0:
            now_at = await session.scalar(select(FieldFile.received).where(FieldFile.id == file_id))
            raise WrongOffset(now_at or 0)


async def _finish(db: Database, folder: Path, file: FieldFile, by: User, now: datetime) -> FieldFile:
    partial = _partial(folder, file.id)
    if await asyncio.to_thread(_digest, partial) != file.sha256:
        await _advance(db, file.id, file.bytes, 0)
        raise WrongDigest("upload_digest", "file")
    try:
        kind, small = await asyncio.to_thread(media.looked_at, partial, material=file.purpose == "material")
    except UserError:
        async with db.writer() as session:
            await session.delete(await session.get_one(FieldFile, file.id))
        await asyncio.to_thread(partial.unlink, missing_ok=True)
        raise
    await asyncio.to_thread(_settle, folder, file.id, small)
    async with db.writer() as session:
        row = await session.get_one(FieldFile, file.id)
        if row.whole_at is None:
            row.whole_at, row.media_type = now, kind
            detail = {"task": file.task_id, "file": file.id, "sha256": file.sha256, "bytes": file.bytes, "type": kind}
            await audit.write(session, by, "task_file_kept", file.name, detail=detail, now=now)
    return row


async def seen_file(db: Database, user: User, file_id: str) -> FieldFile:
    """A whole file of a task that `user` sees. Raises NotFound("file_unknown")."""
    async with db.reader() as session:
        file = await session.get(FieldFile, file_id)
        task = await session.get(FieldTask, file.task_id) if file is not None else None
        member = await session.get(TeamMember, user.id)
    if file is None or task is None or file.whole_at is None:
        raise NotFound("file_unknown")
    if not tasks.sees(listing.asking(user, member, task), cast("tasks.State", task.state)):
        raise NotFound("file_unknown")
    return file


async def remove_material(db: Database, folder: Path, file_id: str, by: User, now: datetime) -> None:
    """Take material away from a draft again. Raises NotFound("file_unknown"), Refused("task_state")."""
    async with db.writer() as session:
        file = await session.get(FieldFile, file_id)
        if file is None or file.purpose != "material":
            raise NotFound("file_unknown")
        task = await session.get_one(FieldTask, file.task_id)
        if task.state != "drafted":
            raise Refused("task_state")
        await session.delete(file)
        await audit.write(session, by, "task_file_removed", file.name, detail={"task": task.id, "sha256": file.sha256}, now=now)
    for path in (location(folder, file_id), small_picture(folder, file_id), _partial(folder, file_id)):
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def forget_unfinished(db: Database, folder: Path, now: datetime) -> int:
    """Remove what was announced or sent for a report :data:`UNFINISHED` ago and never became part of one; how many there were."""
    old = (FieldFile.purpose == "report", FieldFile.step.is_(None), FieldFile.created_at < now - UNFINISHED)
    async with db.writer() as session:
        found = list(await session.scalars(select(FieldFile).where(*old)))
        for file in found:
            await session.delete(file)
    for file in found:
        for path in (location(folder, file.id), small_picture(folder, file.id), _partial(folder, file.id)):
            await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(found)


def location(folder: Path, file_id: str) -> Path:
    """Where a whole file lies."""
    return folder / file_id


def small_picture(folder: Path, file_id: str) -> Path:
    """Where its small picture lies; of a PDF there is none."""
    return folder / f"{file_id}.webp"


def _partial(folder: Path, file_id: str) -> Path:
    return folder / f".{file_id}.part"


def _write(path: Path, offset: int, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, data, offset)
        os.ftruncate(descriptor, offset + len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(folder: Path, file_id: str, small: bytes) -> None:
    if small:
        fresh = folder / f".{file_id}.webp"
        fresh.write_bytes(small)
        fresh.replace(small_picture(folder, file_id))
    _partial(folder, file_id).replace(location(folder, file_id))
