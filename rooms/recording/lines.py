"""A file of JSON lines that is only ever appended to, and survives a full disk, a kill and a vanished folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rooms.log import canonical
from rooms.recording.rolling import Rolling


class Lines:
    """Rows wait in memory until :meth:`flush` has them on the disk, whole or not at all.

    With `keep` the rows of this process and before are remembered, so that :meth:`reopen` can write them again into a
    folder that lost them. `rolling` are the digests of what is on the disk. Everything but :meth:`add` may raise OSError.
    """

    def __init__(self, path: Path, keep: bool) -> None:
        self.path = path
        self.size = 0
        self.rolling = Rolling()
        self._keep = keep
        self._fd = -1
        self._waiting: list[bytes] = []
        self._kept: list[bytes] = []

    @property
    def is_open(self) -> bool:
        """Between :meth:`open` and :meth:`close`."""
        return self._fd >= 0

    def open(self) -> list[bytes]:
        """Open or make the file and return its lines; a last line that a kill cut off is taken away."""
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        content = self.path.read_bytes()
        self.size = content.rfind(b"\n") + 1
        if self.size < len(content):
            os.ftruncate(self._fd, self.size)
        self.rolling = Rolling()
        self.rolling.add(content[: self.size])
        lines = content[: self.size].splitlines(keepends=True)
        if self._keep:
            self._kept = list(lines)
        return lines

    def add(self, row: Mapping[str, Any] | str) -> None:
        """Queue a row; a string is a canonical line already."""
        self._waiting.append((row if isinstance(row, str) else canonical(row)).encode() + b"\n")

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def flush(self) -> None:
        """Append what waits and have it on the disk. If that fails the file is as before and the rows go on waiting."""
        if self._fd < 0:
            raise FileNotFoundError(self.path)
        rows = list(self._waiting)
        if rows:
            content = b"".join(rows)
            self._append(content)
            self.size += len(content)
            self.rolling.add(content)
            del self._waiting[: len(rows)]
            if self._keep:
                self._kept += rows

    def _append(self, content: bytes) -> None:
        done = 0
        try:
            while done < len(content):
                done += os.pwrite(self._fd, content[done:], self.size + done)
            os.fdatasync(self._fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.size)
            raise

    def known(self) -> list[bytes]:
        """All rows, with those that wait, from memory; needs `keep`."""
        return [*self._kept, *self._waiting]

    def in_place(self) -> bool:
        """Whether the open file is still the one that its name leads to."""
        try:
            there, here = os.stat(self.path), os.fstat(self._fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def reopen(self) -> None:
        """Make the file anew where it vanished and queue what it held."""
        self.close()
        self._waiting = self._kept + self._waiting
        self._kept = []
        self.open()

    def close(self) -> None:
        """Close the file. What waits is kept in memory."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
