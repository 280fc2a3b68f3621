"""What a backup is kept on: a directory, or one tar file. Both are written aside and get their name only when complete."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from dispatch.operations.snapshot import sync

CHUNK_BYTES = 1 << 20
SPOILT = (tarfile.TarError, EOFError)
"""What reading a tar file that was cut off or changed raises."""


class MediumRefused(Exception):
    """It cannot be written or read as a backup; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a backup: name, permissions, size and SHA-256."""

    file: str
    mode: int
    bytes: int
    sha256: str


class Hashed(io.RawIOBase):
    """Reads another file and digests what passes. `tell_bytes` is called with the number of bytes of each read."""

    def __init__(self, file: IO[bytes], tell_bytes: Callable[[int], None]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._tell = tell_bytes
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._digest.update(chunk)
        self.bytes += len(chunk)
        self._tell(len(chunk))
        return chunk

    @property
    def sha256(self) -> str:
        """Of all that was read."""
        return self._digest.hexdigest()


class Target(Protocol):
    """Where a backup is written."""

    def add(self, name: str, file: Hashed, size: int, mode: int) -> None:
        """Write `size` bytes of `file`. Raises OSError."""


@contextmanager
def writing(path: Path) -> Iterator[Target]:
    """A new backup at `path`: a tar file if the name ends in .tar, else a directory. It has its name at the end of the block;
    an exception in it leaves nothing behind. Raises MediumRefused where something is there already, and OSError."""
    takes_its_place = path.is_dir() and not path.is_symlink() and path.suffix != ".tar" and not any(path.iterdir())
    if os.path.lexists(path) and not takes_its_place:
        raise MediumRefused(f"{path} is there already; a backup takes a new name")
    if not path.absolute().parent.is_dir():
        raise MediumRefused(f"{path.absolute().parent}: no such directory")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.suffix == ".tar":
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                    yield _TarTarget(archive)
                file.flush()
                os.fsync(file.fileno())
        else:
            part.mkdir(mode=0o700)
            yield _FolderTarget(part)
            for folder, _, _ in os.walk(part):
                sync(Path(folder))
        os.rename(part, path)
        sync(path.absolute().parent)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
        raise


class _FolderTarget:
    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, name: str, file: Hashed, size: int, mode: int) -> None:
        write_file(self._root / name, file, size, 0o600)


class _TarTarget:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, file: Hashed, size: int, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, mode
        self._archive.addfile(entry, file)


def write_file(path: Path, file: Hashed, size: int, mode: int) -> None:
    """Write `size` bytes of `file` to a new file, directories made as needed (0700), and have it on the disk. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        while file.bytes < size:
            chunk = file.read(min(CHUNK_BYTES, size - file.bytes))
            if not chunk:
                raise OSError(f"{path.name}: it became shorter while it was read")
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())


def entries(path: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Every file of the backup at `path`, once: name, size, content. Raises MediumRefused for what is none or is spoilt."""
    if path.is_dir():
        yield from _of_folder(path)
        return
    try:
        with tarfile.open(path, "r:") as archive:
            yield from _of_tar(archive, path)
    except FileNotFoundError:
        raise MediumRefused(f"{path}: no such file or directory") from None
    except SPOILT as error:
        raise MediumRefused(f"{path}: this is no complete tar file: {error}") from None


def _of_folder(root: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    for at, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(at) / name
            about = path.lstat()
            if not stat.S_ISREG(about.st_mode):
                raise MediumRefused(f"{path}: this is no regular file")
            with path.open("rb") as file:
                yield path.relative_to(root).as_posix(), about.st_size, file


def _of_tar(archive: tarfile.TarFile, path: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    for entry in archive:
        if entry.isdir():
            continue
        file = archive.extractfile(entry) if entry.isreg() else None
        if file is None:
            raise MediumRefused(f"{path}: {entry.name} is no regular file")
        with file:
            yield entry.name, entry.size, file


def is_safe(name: str) -> bool:
    """Whether a name stays below the directory that it is written to."""
    pure = PurePosixPath(name)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and pure.as_posix() == name and "\0" not in name
