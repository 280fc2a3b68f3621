"""The reserve: a small preallocated file that takes acts which restrict while the event log cannot be written.

The file is as long as it will ever be from the first day, so a full disk does not hinder it. One line is one JSON object
``{"key", "sitting", "at_us", "type", "data"}``; the rest of the file is zeros. When the log is writable again the lines are
appended there, each with `reserve` = its key in `data`, and the file is cleared.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rooms.log import Event, canonical

SIZE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Reserved:
    """An event in the reserve. `key` is unique, so that nothing is taken over into the log twice."""

    key: str
    sitting: str
    event: Event

    def marked(self) -> Event:
        """The event as it goes into the log."""
        return Event(self.event.type, self.event.at_us, {**self.event.data, "reserve": self.key})


class ReserveFull(Exception):
    """The reserve takes no more: it is full, or its own disk fails."""


class Reserve:
    """The file. Blocking, a few hundred microseconds a call; used only while the log fails."""

    def __init__(self, path: Path, size: int = SIZE_BYTES) -> None:
        """Opens or makes the file at its full size; raises OSError if that is impossible."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = size
        if os.fstat(self._file).st_size < size:
            os.posix_fallocate(self._file, 0, size)
            self._zero(os.fstat(self._file).st_size)
        self._lines = list(self._read())
        self._end = sum(len(_line(one)) for one in self._lines)

    @property
    def pending(self) -> Sequence[Reserved]:
        """What is kept and not yet in the log, in order."""
        return tuple(self._lines)

    def keep(self, sitting: str, events: Sequence[Event]) -> Sequence[Reserved]:
        """Write all of `events` to disk, or none; raises :class:`ReserveFull`."""
        kept = [Reserved(secrets.token_hex(8), sitting, event) for event in events]
        data = b"".join(_line(one) for one in kept)
        if self._end + len(data) > self._size:
            raise ReserveFull(f"{self._size} bytes are used up")
        try:
            os.pwrite(self._file, data, self._end)
            os.fdatasync(self._file)
        except OSError as error:
            raise ReserveFull(str(error)) from error
        self._end += len(data)
        self._lines += kept
        return kept

    def taken_over(self, sitting: str) -> None:
        """The log holds what was kept for `sitting`: forget it, and clear the file when nothing is left."""
        self._lines = [one for one in self._lines if one.sitting != sitting]
        if not self._lines and self._end:
            with contextlib.suppress(OSError):  # what stays behind is recognised by its keys at the next start
                self._zero(self._end)
            self._end = 0

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _zero(self, length: int) -> None:
        os.pwrite(self._file, bytes(length), 0)
        os.fdatasync(self._file)

    def _read(self) -> Sequence[Reserved]:
        found: list[Reserved] = []
        used = os.pread(self._file, self._size, 0).split(b"\0", 1)[0]
        for line in used.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a line cut off by a crash was never acted upon
                fields = json.loads(line)
                found.append(Reserved(fields["key"], fields["sitting"], Event(fields["type"], fields["at_us"], fields["data"])))
        return found


def _line(one: Reserved) -> bytes:
    fields = {"key": one.key, "sitting": one.sitting, "at_us": one.event.at_us, "type": one.event.type, "data": dict(one.event.data)}
    return canonical(fields).encode() + b"\n"
