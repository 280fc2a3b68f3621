"""A backup of a site, made while it serves: databases, recordings of closed sittings, secrets, and a manifest of it all.

``backup.json`` is canonical JSON like a recording's manifest: every file with size and SHA-256, the head of every sitting's
log, and its own SHA-256 as `digest`. Settings that differ from the defaults are written down for whoever has to build
the machine again; nothing reads them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch.operations import medium, originals, snapshot
from dispatch.operations.dump import DumpFailed
from dispatch.operations.medium import Hashed, Kept
from dispatch.operations.originals import Original
from dispatch.operations.snapshot import LOG, RECORDINGS, Source
from dispatch.store.database import is_postgresql, place
from dispatch.vault import site as site_vault
from rooms.log import canonical
from rooms.vault import locks, putting

if TYPE_CHECKING:
    from dispatch.settings import Settings

MANIFEST = "backup.json"
FORMAT = 1
WAIT_S = 300.0
"""For what is just being removed from the disk or added to the store."""
SPARE_BYTES = 64 << 20
"""Must stay free where the backup is written, beside what it takes."""


class BackupRefused(Exception):
    """No backup was made, or none can be read; the text is the one line that says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far the work is: bytes done of `total`, and the file under way."""

    done: int
    total: int
    file: str


Tell = Callable[[Step], None]


@dataclass(slots=True)
class Made:
    """What is in the backup. `elsewhere`: recordings in a store that speaks S3, of which it has the keys alone; `missing`: recordings that
    the catalogue calls sealed and the disk does not have; `damaged`: originals that are not what was sealed (they are in the backup as
    they are)."""

    path: Path
    files: list[Kept] = field(default_factory=list)
    recordings: int = 0
    elsewhere: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(kept.bytes for kept in self.files)


@dataclass(slots=True)
class _Progress:
    tell: Tell
    total: int = 0
    done: int = 0

    def __call__(self, name: str, count: int) -> None:
        self.done += count
        self.tell(Step(min(self.done, self.total), self.total, name))


def make(settings: Settings, path: Path, tell: Tell) -> Made:
    """Write a backup to `path`, a new directory or ``.tar`` file. Raises BackupRefused; nothing of it is left then."""
    log = settings.data / LOG
    files = [log] if is_postgresql(settings.database) else [snapshot.database_path(settings), log]
    if path.resolve().is_relative_to(settings.data.resolve()):
        raise BackupRefused(f"{path} is inside the data directory {settings.data}; a backup belongs on another disk")
    for needed in files:
        if not needed.is_file():
            raise BackupRefused(f"{needed}: there is no such database; is DISPATCH_DATA right?")
    try:
        with (
            putting.unchanged(site_vault.of(settings), WAIT_S),
            originals.original(settings) as database,
            medium.writing(path) as target,
            tempfile.TemporaryDirectory(prefix=".backup-", dir=path.absolute().parent) as work,
        ):
            return _Backup(settings, path, target, Path(work), _Progress(tell)).make(database, log)
    except locks.InUse:
        raise BackupRefused("recordings are just being destroyed or put away; try again in a few minutes") from None
    except (medium.MediumRefused, snapshot.SnapshotFailed, DumpFailed) as error:
        raise BackupRefused(str(error)) from None
    except OSError as error:
        raise BackupRefused(f"{error.filename or path}: {error.strerror or error}") from None


class _Backup:
    def __init__(self, settings: Settings, path: Path, target: medium.Target, work: Path, progress: _Progress) -> None:
        self._settings = settings
        self._target = target
        self._work = work
        self._progress = progress
        self._made = Made(path)
        self._put_away: list[Source] = []

    def make(self, database: Original, log: Path) -> Made:
        copy = self._work / LOG
        self._progress.total = 2 * (database.bytes + log.stat().st_size)
        self._room_for(self._progress.total)
        database.copy(self._work / database.name, self._progress)
        snapshot.copy_database(log, copy, self._progress)
        sources = [Source(name, self._work / name) for name in (database.name, LOG)]
        sources += snapshot.secrets(self._settings.secrets)
        sources += snapshot.photos(self._settings.photos)
        sources += snapshot.field_files(self._settings.field_files)
        sources += snapshot.stills(self._settings.stills)
        sources += snapshot.certificates(self._settings.certificates)
        sources += snapshot.reserve(self._settings.data / snapshot.RESERVE)
        folders = list(self._folders((database.sealed() | snapshot.sealed(copy)) - database.destroyed()))
        sources += [source for folder in folders for source in snapshot.files_of(self._settings.recordings, folder)]
        sources += self._put_away
        sizes = sum(source.path.stat().st_size for source in sources if source.path.exists())
        self._room_for(sizes)
        self._progress.total = self._progress.done + sizes
        sealed = self._sealed(folders)
        for source in sources:
            kept = self._keep(source)
            if kept is not None and sealed.get(kept.file, kept.sha256) != kept.sha256:
                self._made.damaged.append(kept.file)
        self._finish(database, copy)
        return self._made

    def _room_for(self, size: int) -> None:
        free = shutil.disk_usage(self._work).free
        if free < size + SPARE_BYTES:
            raise BackupRefused(f"{self._made.path}: the backup takes {size / 1e6:.0f} MB, only {free / 1e6:.0f} MB are free there")

    def _folders(self, sealed: set[str]) -> Iterator[str]:
        for folder in sorted(sealed):
            keys = self._settings.data / snapshot.KEYS
            if (self._settings.recordings / folder / "manifest.json").is_file():
                self._made.recordings += 1
                yield folder
            elif self._settings.s3_url and (key := list(snapshot.key_of(keys, folder))):
                self._made.elsewhere += 1
                self._put_away += key
            elif found := list(snapshot.objects_of(self._settings.store_folder, keys, folder)):
                self._made.recordings += 1
                self._put_away += found
            else:
                self._made.missing.append(folder)

    def _sealed(self, folders: list[str]) -> dict[str, str]:
        """Name in the backup → SHA-256 that the recording's own manifest states."""
        stated: dict[str, str] = {}
        for folder in folders:
            try:
                manifest = json.loads((self._settings.recordings / folder / "manifest.json").read_bytes())
                digests = snapshot.sealed_digests(manifest)
            except (ValueError, KeyError, TypeError, AttributeError):
                self._made.damaged.append(f"{RECORDINGS}/{folder}/manifest.json")
                continue
            stated |= {f"{RECORDINGS}/{folder}/{name}": digest for name, digest in digests.items()}
            self._made.damaged += [f"{RECORDINGS}/{folder}/{n}" for n in digests if not (self._settings.recordings / folder / n).is_file()]
        return stated

    def _keep(self, source: Source) -> Kept | None:
        try:
            file = source.path.open("rb")
        except FileNotFoundError:
            if source.may_vanish:
                return None
            raise
        with file:
            about = os.fstat(file.fileno())
            reading = Hashed(file, lambda count: self._progress(source.name, count))
            mode = stat.S_IMODE(about.st_mode)
            self._target.add(source.name, reading, about.st_size, mode)
        kept = Kept(source.name, mode, reading.bytes, reading.sha256)
        self._made.files.append(kept)
        return kept

    def _finish(self, database: Original, log: Path) -> None:
        made = self._made
        settings = {f"DISPATCH_{name.upper()}": str(getattr(self._settings, name)) for name in sorted(self._settings.model_fields_set)}
        if "DISPATCH_DATABASE_URL" in settings:
            settings["DISPATCH_DATABASE_URL"] = place(self._settings.database)  # without its password
        body: dict[str, Any] = {
            "format": FORMAT,
            "software": _software(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "revision": database.revision(),
            **({"postgresql": database.postgresql} if database.postgresql else {}),
            "heads": {sitting: {"seq": head.seq, "hash": head.hash} for sitting, head in snapshot.heads(log).items()},
            "recordings": made.recordings,
            "elsewhere": made.elsewhere,
            "missing": made.missing,
            "damaged": made.damaged,
            "settings": settings,
            "files": [{"file": k.file, "mode": k.mode, "bytes": k.bytes, "sha256": k.sha256} for k in made.files],
        }
        made.digest = hashlib.sha256(canonical(body).encode()).hexdigest()
        content = canonical({**body, "digest": made.digest}).encode()
        self._target.add(MANIFEST, Hashed(io.BytesIO(content), lambda _count: None), len(content), 0o600)


def _software() -> str:
    try:
        return f"dispatch {version('dispatch')}"
    except PackageNotFoundError:
        return "dispatch"
