"""Stills of faces and documents lie in the plain while a sitting goes on; sealing copies them among the originals, and when these are put
away, encrypted, the plain ones go."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from dispatch.store.archive_tables import Recording
from rooms.recording.stills import FOLDER
from rooms.vault import putting
from rooms.vault.durable import sync
from rooms.vault.vault import MANIFEST, NotThere, Vault

if TYPE_CHECKING:
    from dispatch.store.database import Database

log = structlog.get_logger("vault")


def clear(vault: Vault, folder: Path, sitting: str, recording: str) -> list[str]:
    """Remove from `folder` the stills of a sitting whose `recording` (its folder's name) lies in the store; the names of the files. Blocks.

    Each that was sealed goes if the store has that very file. What the log never stated was never kept as evidence and goes too; what
    the manifest says is missing stays, since it may be all there is. Raises Spoilt, KeyMissing, StoreUnavailable, OSError.
    """
    paths = sorted(folder.glob(f"{sitting}.*.jpg"))
    if not paths or vault.plain(recording) is not None:
        return []
    try:
        stored, manifest = vault.contents(recording).files, json.loads(vault.read(recording, MANIFEST))
    except NotThere:
        return []
    sealed = {str(row["file"]) for row in manifest["files"]}
    gone = []
    with putting.changing(vault):
        for path in paths:
            digest = path.name.split(".")[-2]
            name = f"{FOLDER}/{digest}.jpg"
            if name in manifest["missing"] or (name in sealed and (name not in stored or stored[name].sha256 != digest)):
                log.warning("still_left_in_the_plain", sitting=sitting, file=path.name)
                continue
            path.unlink(missing_ok=True)
            gone.append(path.name)
        sync(folder)
    return gone


async def clear_all(db: Database, vault: Vault, folder: Path) -> list[str]:
    """The same of every recording that is put away already: whoever was killed in between goes on here."""
    sittings = sorted({path.name.partition(".")[0] for path in folder.glob("*.jpg")}) if folder.is_dir() else []
    gone: list[str] = []
    for first in range(0, len(sittings), 500):
        stored = select(Recording).where(
            Recording.sitting_id.in_(sittings[first : first + 500]), Recording.stored_at.is_not(None), Recording.destroyed_at.is_(None)
        )
        async with db.reader() as session:
            rows = [(each.sitting_id, each.folder) for each in (await session.scalars(stored)).unique()]
        for sitting, recording in rows:
            try:
                gone += await asyncio.to_thread(clear, vault, folder, sitting, recording)
            except OSError as error:  # a store that is away, a key that is gone: at the next start again
                log.warning("stills_not_cleared", sitting=sitting, why=str(error))
    return gone
