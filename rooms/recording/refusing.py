"""A disk that refuses: what it is called, and whether it takes a write now."""

from __future__ import annotations

import errno
import os
from pathlib import Path

PROBE_BYTES = 256 << 10
FREE_BYTES_MIN = 2 << 20


class FolderError(Exception):
    """The folder cannot do it. `code` is one of :class:`rooms.recording.control.RecorderError`'s."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def of(cls, error: OSError) -> FolderError:
        """The disk refused."""
        return cls(cause_of(error), str(error))


def cause_of(error: OSError) -> str:
    """The alarm's cause for an error of the disk: "disk_full", "folder_lost" or "write_failed"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full"
    if error.errno in (errno.ENOENT, errno.ESTALE, errno.ENOTDIR):
        return "folder_lost"
    return "write_failed"


def probe(root: Path) -> None:
    """Raises OSError unless the disk takes a file of some size: the last bytes of a full disk still take a short row."""
    free = os.statvfs(root)
    if free.f_bavail * free.f_frsize < FREE_BYTES_MIN:
        raise OSError(errno.ENOSPC, "less than 2 MiB are free")
    path = root / ".probe"
    try:
        with open(path, "wb") as file:
            file.write(b"\0" * PROBE_BYTES)
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)
