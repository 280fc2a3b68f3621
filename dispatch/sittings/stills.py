"""Stills of a face and of a document, kept as evidence that somebody's identity was looked at (rules of online litigation of the people's
courts, 2021, article 7). No machine compares them.

They lie below the data directory (:attr:`dispatch.settings.Settings.stills`), each under its sitting and its own SHA-256, which the log of
the sitting states: one that is there does not change, and a byte that was changed is found out.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import warnings
from pathlib import Path

from PIL import Image

from dispatch.errors import NotFound, UserError
from dispatch.pictures import UNREADABLE
from rooms.recording.stills import name

MOST_BYTES = 1_000_000
LARGEST_PIXELS = 12_000_000
"""More than any camera of a hearing sends; a small file can hold a picture that takes gigabytes to unfold."""
MEDIA_TYPE = "image/jpeg"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SITTING = re.compile(r"[0-9A-Za-z_-]{1,64}")


async def keep(folder: Path, sitting: str, data: bytes) -> str:
    """Put a still on disk, durably and unchanged, since it is evidence; its SHA-256. Idempotent.

    Raises UserError at "still": still_large, still_kind.
    """
    await asyncio.to_thread(_check, data)
    digest = hashlib.sha256(data).hexdigest()
    await asyncio.to_thread(_write, folder / name(sitting, digest), data)
    return digest


async def path_of(folder: Path, sitting: str, digest: str) -> Path:
    """The file of a still of this sitting. Raises NotFound("still_unknown")."""
    if not _DIGEST.fullmatch(digest) or not _SITTING.fullmatch(sitting):
        raise NotFound("still_unknown")
    path = folder / name(sitting, digest)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("still_unknown")
    return path


def _check(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise UserError("still_large", "still", most=MOST_BYTES // 1_000_000)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as found:
                if found.width * found.height > LARGEST_PIXELS:
                    raise UserError("still_large", "still", most=MOST_BYTES // 1_000_000)
                found.load()
    except UNREADABLE as error:
        raise UserError("still_kind", "still") from error


def _write(path: Path, data: bytes) -> None:
    """Written aside, on the disk, and only then put into place: what the log names is there after a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
