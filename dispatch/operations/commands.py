"""``server.py backup`` and ``restore``: the work, its progress, its row in the audit log, and what is said at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.operations import acts, backup, restore
from dispatch.operations.backup import BackupRefused
from dispatch.operations.progress import ProgressLine
from dispatch.store.database import DatabaseUnavailable
from rooms.vault.keys import KeyMissing
from rooms.vault.store import StoreUnavailable

if TYPE_CHECKING:
    from dispatch.settings import Settings

Say = Callable[[str], None]


def back_up(settings: Settings, path: Path, say: Say) -> None:
    """Make a backup at `path`. Raises BackupRefused: nothing was made, or what was made is not whole, and why."""
    line = ProgressLine(sys.stdout)
    try:
        made = backup.make(settings, path, line)
    finally:
        line.end()
    noted = asyncio.run(acts.backed_up(settings, made))
    say(f"{path}: {len(made.files)} files, {made.bytes / 1e6:.1f} MB, {made.recordings} recordings, SHA-256 of the manifest {made.digest}")
    if made.elsewhere:
        say(f"{made.elsewhere} recordings are in {settings.s3_url}, which is backed up by itself; their wrapped keys are in this backup.")
    if not noted:
        say("The audit log has no row of it: the database is of another version of the program.")
    if made.missing:
        raise BackupRefused(f"{path} is made, but recordings that the catalogue lists are not on the disk: {_listed(made.missing)}")
    if made.damaged:
        raise BackupRefused(f"{path} is made, but originals are not what was sealed: {_listed(made.damaged)}")


def put_back(settings: Settings, path: Path, say: Say) -> None:
    """Restore the backup at `path`. Raises BackupRefused: the data directory is as it was, or the database cannot be brought
    to this version."""
    line = ProgressLine(sys.stdout)
    try:
        contents = restore.restore(settings, path, line)
    finally:
        line.end()
    try:
        again = asyncio.run(acts.restored(settings, path, contents))
    except (DatabaseUnavailable, StoreUnavailable, KeyMissing, OSError) as error:
        raise BackupRefused(f"{settings.data} is restored, but {error}") from None
    size = f"{len(contents.files)} files, {contents.bytes / 1e6:.1f} MB, {contents.recordings} recordings"
    say(f"{settings.data}: {size}, as they were at {contents.made_at}")
    if again:
        say(f"Certificates say that these recordings were destroyed; they are destroyed again: {_listed(again)}")
    say(f"What was destroyed after {contents.made_at} is known by its certificate alone: put those you have into {settings.certificates}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
