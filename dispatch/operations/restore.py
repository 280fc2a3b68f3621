"""Restoring a backup into an empty data directory: all of it, checked before and after, or nothing.

Everything is written to ``.restoring`` inside the data directory first (which may be a disk of its own, so that nothing
beside it can be renamed into it), checked there, and moved into place with the control plane's database last: on PostgreSQL
in one transaction of its own. While ``.restoring`` exists no server starts on the directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch.operations import dump, medium, snapshot
from dispatch.operations.backup import FORMAT, MANIFEST, SPARE_BYTES, BackupRefused, Step, Tell
from dispatch.operations.medium import Hashed, Kept
from dispatch.operations.snapshot import (
    CERTIFICATES,
    DATABASE,
    DUMP,
    FIELD,
    KEYS,
    LOG,
    PHOTOS,
    RECORDINGS,
    RESERVE,
    SECRETS,
    STILLS,
    STORE,
    Head,
)
from dispatch.store.database import RESTORING, is_postgresql
from dispatch.store.migrate import is_known
from rooms.log import canonical

if TYPE_CHECKING:
    from dispatch.settings import Settings

IN_ORDER = (SECRETS, PHOTOS, FIELD, STILLS, CERTIFICATES, KEYS, STORE, RECORDINGS, RESERVE, LOG, DATABASE, DUMP)
"""The database comes last: without it nothing takes the directory for a site."""
_IGNORED = frozenset({"lost+found", CERTIFICATES})
"""Certificates of destructions that are there already stay: what was destroyed after the backup was made is known by them alone."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds, as its manifest says."""

    made_at: str
    software: str
    digest: str
    revision: str
    recordings: int
    files: Mapping[str, Kept]
    heads: Mapping[str, Head]
    postgresql: int
    """major version of the server whose database it holds, 0 where that is SQLite's file"""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(kept.bytes for kept in self.files.values())


def restore(settings: Settings, path: Path, tell: Tell) -> Contents:
    """Put the backup at `path` in place of nothing. Raises BackupRefused; the data directory is as it was then."""
    try:
        _must_be_empty(settings)
        progress = _Progress(tell, path)
        contents = read(path, progress)
        _must_fit(settings, contents)
        if contents.postgresql:
            dump.refuse_full(settings.database, contents.postgresql)
        _Restore(settings, contents, progress).run(path)
    except (medium.MediumRefused, dump.DumpFailed) as error:
        raise BackupRefused(str(error)) from None
    except medium.SPOILT as error:
        raise BackupRefused(f"{path}: this is no complete tar file: {error}") from None
    except OSError as error:
        raise BackupRefused(f"{error.filename or settings.data}: {error.strerror or error}") from None
    return contents


def read(path: Path, progress: _Progress) -> Contents:
    """Check every file of the backup against its manifest. Raises BackupRefused naming the first that is wrong."""
    found: dict[str, Kept] = {}
    content = b""
    for name, size, file in medium.entries(path):
        if not medium.is_safe(name):
            raise BackupRefused(f"{path}: {name!r} is no name of a file in a backup")
        if name in found or (name == MANIFEST and content):
            raise BackupRefused(f"{path}: {name} is in it twice")
        if name == MANIFEST:
            content = file.read()
            continue
        reading = Hashed(file, lambda count, name=name: progress(name, count))  # type: ignore[misc]
        while reading.read(medium.CHUNK_BYTES):
            pass
        found[name] = Kept(name, 0, reading.bytes, reading.sha256)
        if reading.bytes != size:
            raise BackupRefused(f"{path}: {name} is cut off")
    contents = _contents(path, content)
    for name in sorted(contents.files.keys() | found.keys()):
        stated, present = contents.files.get(name), found.get(name)
        if present is None:
            raise BackupRefused(f"{path}: {name} is missing")
        if stated is None:
            raise BackupRefused(f"{path}: {name} does not belong to the backup")
        if (stated.bytes, stated.sha256) != (present.bytes, present.sha256):
            raise BackupRefused(f"{path}: {name} was changed")
    return contents


def _contents(path: Path, content: bytes) -> Contents:
    if not content:
        raise BackupRefused(f"{path}: this is no backup, or no complete one: {MANIFEST} is missing")
    try:
        manifest: dict[str, Any] = json.loads(content)
        body = {key: value for key, value in manifest.items() if key != "digest"}
        if manifest["digest"] != hashlib.sha256(canonical(body).encode()).hexdigest() or canonical(manifest).encode() != content:
            raise BackupRefused(f"{path}: {MANIFEST} was changed")
        if manifest["format"] != FORMAT:
            raise BackupRefused(f"{path}: backups of format {manifest['format']} cannot be read by this version")
        contents = Contents(
            made_at=str(manifest["made_at"]),
            software=str(manifest["software"]),
            digest=str(manifest["digest"]),
            revision=str(manifest["revision"]),
            recordings=int(manifest["recordings"]),
            files={row["file"]: Kept(row["file"], int(row["mode"]) & 0o777, int(row["bytes"]), row["sha256"]) for row in manifest["files"]},
            heads={sitting: Head(int(head["seq"]), str(head["hash"])) for sitting, head in manifest["heads"].items()},
            postgresql=int(manifest.get("postgresql", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupRefused(f"{path}: {MANIFEST} cannot be read") from None
    if not is_known(contents.revision):
        raise BackupRefused(f"{path}: it was made by a later version of the program ({contents.software})")
    database, other = (DUMP, DATABASE) if contents.postgresql else (DATABASE, DUMP)
    if {database, LOG} - contents.files.keys() or other in contents.files:
        raise BackupRefused(f"{path}: the databases are not in it")
    strange = [name for name in contents.files if name.split("/")[0] not in IN_ORDER]
    if strange:
        raise BackupRefused(f"{path}: {strange[0]} is nothing of a site")
    return contents


def _must_be_empty(settings: Settings) -> None:
    data = settings.data
    if (data / RESTORING).exists():
        raise BackupRefused(f"a restore into {data} was interrupted; empty the directory and restore again")
    present = sorted(set(os.listdir(data)) - _IGNORED) if data.exists() else []
    if present:
        raise BackupRefused(f"{data} is not empty ({present[0]}); a backup is restored into an empty data directory only")
    if not is_postgresql(settings.database) and (database := snapshot.database_path(settings)).exists():
        raise BackupRefused(f"{database} is there already; a backup takes the place of nothing")


def _must_fit(settings: Settings, contents: Contents) -> None:
    if bool(contents.postgresql) != is_postgresql(settings.database):
        kinds = ("PostgreSQL", "SQLite") if contents.postgresql else ("SQLite", "PostgreSQL")
        raise BackupRefused(f"the backup holds a database of {kinds[0]}, and DISPATCH_DATABASE_URL names one on {kinds[1]}")
    if settings.store is not None and any(name.startswith(f"{STORE}/") for name in contents.files):
        raise BackupRefused(
            f"the backup holds a store, which is restored to {settings.data / STORE}; restore without DISPATCH_STORE, move it, then set it"
        )
    at = settings.data.absolute()
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free
    if free < contents.bytes + SPARE_BYTES:
        raise BackupRefused(f"{settings.data}: the backup takes {contents.bytes / 1e6:.0f} MB, only {free / 1e6:.0f} MB are free")


class _Progress:
    """All bytes are read three times: checked, copied, checked again. A dump is read once more, into the database."""

    def __init__(self, tell: Tell, path: Path) -> None:
        self._tell = tell
        self._done = 0
        try:
            self._total = 3 * (path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file()))
        except OSError:
            self._total = 0  # what cannot be read will be said by whoever reads it

    def __call__(self, name: str, count: int) -> None:
        self._done += count
        self._tell(Step(min(self._done, self._total), self._total, name))


class _Restore:
    def __init__(self, settings: Settings, contents: Contents, progress: _Progress) -> None:
        self._data = settings.data
        self._url = settings.database
        self._database = snapshot.database_path(settings)
        self._staging = settings.data / RESTORING
        self._contents = contents
        self._progress = progress
        self._placed: list[Path] = []
        self._made_data = not settings.data.exists()

    def run(self, path: Path) -> None:
        """Copy, check, move into place; undo everything if any of it fails."""
        self._staging.mkdir(parents=True)
        try:
            self._copy(path)
            self._check()
            self._permissions()
            self._place()
        except BaseException:
            self._undo()
            raise

    def _copy(self, path: Path) -> None:
        for name, size, file in medium.entries(path):
            if name != MANIFEST:
                reading = Hashed(file, lambda count, name=name: self._progress(name, count))  # type: ignore[misc]
                medium.write_file(self._staging / name, reading, size, 0o600)

    def _check(self) -> None:
        """Digest what is on the disk now, and look whether the logs end where the backup says."""
        for kept in self._contents.files.values():
            with (self._staging / kept.file).open("rb") as file:
                reading = Hashed(file, lambda count, name=kept.file: self._progress(name, count))  # type: ignore[misc]
                while reading.read(medium.CHUNK_BYTES):
                    pass
            if reading.sha256 != kept.sha256:
                raise BackupRefused(f"{self._staging / kept.file}: the disk did not keep what was written")
        if snapshot.heads(self._staging / LOG) != self._contents.heads:
            raise BackupRefused(f"{LOG} does not end where the backup says")

    def _permissions(self) -> None:
        """As they were; owned by whoever owns the data directory, where root restores for the server's user."""
        for kept in self._contents.files.values():
            os.chmod(self._staging / kept.file, kept.mode)
        owner = self._data.stat()
        for at, folders, names in os.walk(self._staging):
            parts = Path(at).relative_to(self._staging).parts
            for name in (*folders, *names):
                if os.geteuid() == 0:
                    os.chown(Path(at) / name, owner.st_uid, owner.st_gid)
            if parts[:1] == (RECORDINGS,):
                sealed = len(parts) == 3 and parts[2] in ("tracks", "stills")
                os.chmod(at, 0o555 if sealed else 0o755)
            elif parts[:1] in ((STORE,), (KEYS,)):
                os.chmod(at, 0o700)
            snapshot.sync(Path(at))

    def _place(self) -> None:
        for name in IN_ORDER:
            staged, target = self._staging / name, self._database if name == DATABASE else self._data / name
            if name == DUMP and staged.exists():
                dump.read_back(self._url, staged, self._contents.postgresql, self._progress)
                staged.unlink()
            elif name == CERTIFICATES and target.is_dir():
                self._join(staged, target)
            elif staged.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _move(staged, target)
                self._placed.append(target)
        self._staging.rmdir()
        snapshot.sync(self._data)

    def _join(self, staged: Path, target: Path) -> None:
        """Certificates of the backup beside those that are there; of one that both have, the one that is there stays."""
        for path in sorted(staged.iterdir()) if staged.is_dir() else ():
            if (target / path.name).exists():
                path.unlink()
                continue
            os.rename(path, target / path.name)
            self._placed.append(target / path.name)
        if staged.is_dir():
            staged.rmdir()
        snapshot.sync(target)

    def _undo(self) -> None:
        for target in (*self._placed, self._staging):
            for folder in _folders(target):
                with suppress(OSError):
                    os.chmod(folder, 0o700)  # sealed folders let nothing be removed
            with suppress(OSError):
                shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        if self._made_data:
            with suppress(OSError):
                self._data.rmdir()


def _move(staged: Path, target: Path) -> None:
    """Rename; where the database lies on a disk of its own, copy and then rename there."""
    try:
        os.rename(staged, target)
    except OSError:
        if staged.is_dir():
            raise
        part = target.with_name(f".{target.name}.restoring")
        try:
            shutil.copy2(staged, part)
            snapshot.sync(part)
            os.rename(part, target)
        finally:
            part.unlink(missing_ok=True)
        staged.unlink()
    snapshot.sync(target.parent)


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path
        yield from (Path(at) for at, _, _ in os.walk(path))
