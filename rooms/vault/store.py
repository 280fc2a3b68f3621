"""Where encrypted objects lie: one interface, and the store that is a folder. :mod:`rooms.vault.s3` has the other one.

Objects are small, one part of a file at most (:data:`rooms.vault.vault.PART_BYTES`), and are written whole: what broke off is put once
more, and what is there already needs no second way. A name is words of letters, digits, ``-``, ``_`` and ``.``, separated by ``/``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rooms.vault.durable import forget, sync, write

_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*", re.ASCII)


class StoreUnavailable(OSError):
    """The store cannot be asked, or refuses; the text is one line that names it."""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes that the disk under a store has, and how many of them are free. `device`: the same for what lies on the same disk."""

    total: int
    free: int
    device: int = 0

    @classmethod
    def of(cls, folder: Path) -> Space:
        """Of the disk of a directory. Raises OSError."""
        usage = shutil.disk_usage(folder)
        return cls(usage.total, usage.free, folder.stat().st_dev)


class Store(Protocol):
    """Calls block: make them on a thread. Each raises StoreUnavailable; FileNotFoundError where there is no such object."""

    def put(self, name: str, content: bytes) -> None:
        """Write an object, in place of one that has the name: wholly and for good, or not at all."""

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """So many bytes from `start` on, all by default; fewer at its end."""

    def size(self, name: str) -> int:
        """In bytes."""

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Name and size of each object whose name begins so; `prefix` is empty or ends in ``/``."""

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""

    def space(self) -> Space | None:
        """What the disk has; None where nobody knows."""

    def __str__(self) -> str:
        """Where it is, for people; without what must be kept secret."""


def checked(name: str) -> str:
    """A name that is none never reaches a store. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an object")
    return name


class FolderStore:
    """Objects as files below a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        try:
            write(path, content)
            for above in path.parents:  # a directory that is new has to be in its own one as well
                if not above.is_relative_to(self._root):
                    break
                sync(above)
        except OSError as error:
            raise self._unavailable(error) from error

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        try:
            with self._path(name).open("rb") as file:
                file.seek(start)
                return file.read(-1 if length is None else length)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unavailable(error) from error

    def size(self, name: str) -> int:
        try:
            return self._path(name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(name) from None
        except OSError as error:
            raise self._unavailable(error) from error

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        top = self._root / checked(prefix.removesuffix("/")) if prefix else self._root
        for at, folders, names in os.walk(top, onerror=self._walked):
            folders.sort()
            for name in sorted(names):
                path = Path(at) / name
                if not name.startswith("."):
                    with suppress(FileNotFoundError):
                        yield path.relative_to(self._root).as_posix(), path.stat().st_size

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            forget(path)
            for above in path.parents:  # directories go with the last of what was in them
                if above == self._root or not above.is_relative_to(self._root):
                    break
                above.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if not path.exists():  # a directory that is not empty
                return
            raise self._unavailable(error) from error

    def space(self) -> Space | None:
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Space.of(self._root)
        except OSError as error:
            raise self._unavailable(error) from error

    def __str__(self) -> str:
        return str(self._root)

    def _path(self, name: str) -> Path:
        return self._root / checked(name)

    def _walked(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(f"store {self._root}: {error.strerror or error}")
