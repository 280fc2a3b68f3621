"""Files and names that are still there after a power cut, or are gone for good. What root makes belongs to whom its directory belongs:
commands are given by root, and the server is another user."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes, mode: int = 0o600, *, fresh: bool = False) -> None:
    """Aside, on the disk, and only then into place; directories are made (0700). Raises OSError; FileExistsError where it shall be
    `fresh` and is there."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            give(part)
            file.flush()
            os.fsync(file.fileno())
            # What is read back afterwards, to see whether it is there, shall come from the disk.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if fresh:
            os.link(part, path)
        else:
            os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    sync(path.parent)


def make_folder(folder: Path) -> None:
    """With those above it, each for its owner alone (0700)."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        give(folder)


def give(path: Path) -> None:
    """To the owner of its directory."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def forget(path: Path) -> None:
    """Remove a file; nothing happens where it is not there."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync(path.parent)


def sync(folder: Path) -> None:
    """Have the names in a directory on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
