"""The catalogue of sealed recordings: how a sealed sitting gets into it. Pages read it through dispatch/web/recordings.py."""

from __future__ import annotations

import json
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.keeping import classes
from dispatch.sittings.moments import moment
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import Sitting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from rooms.log import Row

COMPOSITE = "composite"


async def add(session: AsyncSession, sitting: Sitting, row: Row) -> None:
    """Inside a transaction: a `sealed` row puts the sitting into the catalogue and orders its composite. Idempotent."""
    recording = await session.get(Recording, sitting.id)
    if recording is None:
        recording = Recording(sitting_id=sitting.id, folder=sitting.id)
        session.add(recording)
    await classes.assign(session, sitting.id, sitting.kind)
    recording.sealed_at, recording.manifest_sha256 = moment(row.at_us), row.data["manifest_sha256"]
    if await session.scalar(select(Job.id).where(Job.kind == COMPOSITE, Job.sitting_id == sitting.id)) is None:
        session.add(Job(kind=COMPOSITE, sitting_id=sitting.id))
        recording.composite = "queued"


async def is_unmeasured(db: Database, sitting_id: str) -> bool:
    """Whether the sitting is in the catalogue, but not yet how long was recorded and how much: that is read from the disk afterwards."""
    async with db.reader() as session:
        wanted = select(Recording.sitting_id).where(
            Recording.sitting_id == sitting_id, Recording.sealed_at.is_not(None), Recording.bytes == 0
        )
        return await session.scalar(wanted) is not None


async def measured(db: Database, sitting_id: str, seconds: float, size: int, signed_by: str) -> None:
    """Note how long was recorded, how many bytes the originals have, and who signed, "" where nobody did."""
    async with db.writer() as session:
        recording = await session.get(Recording, sitting_id)
        if recording is not None:
            recording.seconds, recording.bytes, recording.signed_by = seconds, size, signed_by


def recorded_seconds(rows: Iterable[Row]) -> float:
    """How long was recorded, by the log: from each start to its stop. One that never stopped counts to the last row."""
    total, since, last = 0, 0, 0
    for row in rows:
        last = row.at_us
        if row.type == "recording_started":
            since = since or row.at_us
        elif row.type == "recording_stopped" and since:
            total, since = total + row.at_us - since, 0
    return (total + (last - since if since else 0)) / 1_000_000


def originals_bytes(folder: Traversable) -> int:
    """Size of the originals by the manifest of a sealed folder; 0 where it cannot be read, which verification will name."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return sum(int(file["bytes"]) for file in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
