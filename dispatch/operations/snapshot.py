"""One moment of a site that goes on serving: consistent copies of its databases, and the files that belong to them.

Order is what makes the parts fit. The database of the control plane is copied first and the event log after it, so that
the log is never behind what SQL has taken from it; the next start brings SQL up to the log. Recordings are copied last:
those that either copy calls sealed. A sealed folder does not change any more, so nobody has to wait for the copy.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.engine import make_url

from rooms.vault.contents import finished

if TYPE_CHECKING:
    from dispatch.settings import Settings

DATABASE, LOG, RESERVE, SECRETS, RECORDINGS = "dispatch.db", "log.db", "reserve.log", "secrets", "recordings"
PHOTOS = "photos"
FIELD = "field"
STILLS = "stills"
CERTIFICATES = "certificates"
"""of destructions"""
STORE, KEYS = "store", "keys"
"""Recordings that were put away, and their wrapped keys."""
DUMP = "dispatch.dump"
"""In place of `DATABASE` in the backup of a site on PostgreSQL."""
PAGES = 2_000
"""Pages copied between two words of progress (4 KiB each)."""

Progress = Callable[[str, int], None]
"""Called with the name of what is worked on and the bytes done since the last call."""


class SnapshotFailed(Exception):
    """A database cannot be copied; the text is one line that names it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be kept: its name in the backup and where it lies. `may_vanish`: it can be made again, and sometimes is."""

    name: str
    path: Path
    may_vanish: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a sitting's event log."""

    seq: int
    hash: str


def database_path(settings: Settings) -> Path:
    """The file of the control plane's database."""
    return Path(str(make_url(settings.database).database))


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy an SQLite database that others write to, as it is at this moment. Raises SnapshotFailed, OSError."""
    try:
        with closing(connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
            size = reading.execute("PRAGMA page_size").fetchone()[0]
            # One read transaction holds the moment: without it every write of somebody else would start the copy over.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            done = 0

            def step(_status: int, remaining: int, total: int) -> None:
                nonlocal done
                now = (total - remaining) * size
                progress(target.name, now - done)
                done = now

            reading.backup(writing, pages=PAGES, progress=step)
            if (found := writing.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise SnapshotFailed(f"{source}: the database is damaged: {found}")
        target.chmod(stat.S_IMODE(source.stat().st_mode))  # who may read it is kept with it
        sync(target)
    except sqlite3.Error as error:
        raise SnapshotFailed(f"{source}: {error}") from None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Raises sqlite3.Error where there is no such database."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, timeout=15)
    connection.execute("PRAGMA query_only = ON")
    return connection


def revision(database: Path) -> str:
    """The schema's revision of a copied database."""
    with closing(connect(database)) as reading:
        return str(reading.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def heads(log: Path) -> dict[str, Head]:
    """The head of every sitting's log."""
    rows = "SELECT sitting, seq, hash FROM event e WHERE seq = (SELECT max(seq) FROM event WHERE sitting = e.sitting) ORDER BY sitting"
    with closing(connect(log)) as reading:
        return {sitting: Head(seq, digest) for sitting, seq, digest in reading.execute(rows)}


def sealed(log: Path) -> set[str]:
    """The folders of all recordings that a copy of the log calls sealed."""
    with closing(connect(log)) as reading:
        return {str(row[0]) for row in reading.execute("SELECT DISTINCT sitting FROM event WHERE type = 'sealed'")}


def files_of(recordings: Path, folder: str) -> Iterator[Source]:
    """The files of a sealed recording: originals, manifest, and what was derived and is finished."""
    root = recordings / folder
    for name in finished(root):
        yield Source(f"{RECORDINGS}/{folder}/{name}", root / name, may_vanish=name.startswith("derived/"))


def objects_of(store: Path, keys: Path, folder: str) -> Iterator[Source]:
    """What a store in a directory has of a recording, and its wrapped key; nothing where it was not put away."""
    if not (store / folder / "list").is_file():
        return
    for path in sorted((store / folder).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield Source(f"{STORE}/{path.relative_to(store).as_posix()}", path)
    yield from key_of(keys, folder)


def key_of(keys: Path, folder: str) -> Iterator[Source]:
    """The wrapped key of a recording, where it has one."""
    if (path := keys / f"{folder}.json").is_file():
        yield Source(f"{KEYS}/{path.name}", path)


def secrets(folder: Path) -> Iterator[Source]:
    """Keys and passwords of the installation."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Source(f"{SECRETS}/{path.name}", path)


def photos(folder: Path) -> Iterator[Source]:
    """Photos of rooms and equipment; one may be replaced meanwhile."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Source(f"{PHOTOS}/{path.name}", path, may_vanish=True)


def field_files(folder: Path) -> Iterator[Source]:
    """Files of teams' tasks, those that are whole; material of a draft may be taken away meanwhile."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Source(f"{FIELD}/{path.name}", path, may_vanish=True)


def stills(folder: Path) -> Iterator[Source]:
    """Stills of faces and documents: evidence, of which none goes."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Source(f"{STILLS}/{path.name}", path)


def certificates(folder: Path) -> Iterator[Source]:
    """Certificates of destructions: what a restore goes by, so that nothing comes back."""
    with suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Source(f"{CERTIFICATES}/{path.name}", path)


def reserve(path: Path) -> Iterator[Source]:
    """What was kept while the log could not be written, where it still waits to be taken over."""
    with suppress(FileNotFoundError):
        with path.open("rb") as file:
            begins = file.read(1)
        if begins not in (b"", b"\0"):
            yield Source(RESERVE, path)


def sealed_digests(manifest: Mapping[str, object]) -> dict[str, str]:
    """File below the recording's folder → SHA-256, as its manifest states."""
    files = manifest.get("files")
    return {str(row["file"]): str(row["sha256"]) for row in files} if isinstance(files, list) else {}


def sync(path: Path) -> None:
    """Have what was written to `path`, a file or a directory, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
