"""What is in a file that somebody brought, by the file itself and not by its name, and a small picture of it.

The file stays as it came, byte for byte, with what the camera wrote into it: it may become evidence. Only the small picture is turned
upright and has nothing but the picture.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from dispatch.console.field import first_frame
from dispatch.console.field.thumbnail import SIDE_PIXELS, small
from dispatch.errors import UserError
from dispatch.pictures import UNREADABLE

PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
VIDEOS = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
PDF = "application/pdf"
MOST_BYTES = {"image": 30_000_000, "video": 500_000_000, "application": 50_000_000}
LARGEST_PIXELS = 120_000_000
KINDS = "JPEG, PNG, WebP, MP4, MOV, WebM"
_EBML = b"\x1aE\xdf\xa3"


def looked_at(path: Path, *, material: bool) -> tuple[str, bytes]:
    """The media type of the file at `path`, and a small picture of it as WebP (empty of a PDF, which is taken as `material` alone).

    Raises UserError at "file": file_kind, file_large.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"%PDF-") and material:
        return _sized(path, PDF), b""
    if head[4:8] == b"ftyp" or head.startswith(_EBML):
        return _video(path, head)
    return _picture(path)


def _sized(path: Path, kind: str) -> str:
    most = MOST_BYTES[kind.partition("/")[0]]
    if path.stat().st_size > most:
        raise UserError("file_large", "file", most=most // 1_000_000)
    return kind


def _picture(path: Path) -> tuple[str, bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=tuple(PICTURES)) as found:
                kind = _sized(path, PICTURES[str(found.format)])
                if found.width * found.height > LARGEST_PIXELS:
                    raise UserError("file_large", "file", most=MOST_BYTES["image"] // 1_000_000)
                found.draft("RGB", (2 * SIDE_PIXELS, 2 * SIDE_PIXELS))
                return kind, small(found)
    except UNREADABLE as error:
        raise UserError("file_kind", "file", kinds=KINDS) from error


def _video(path: Path, head: bytes) -> tuple[str, bytes]:
    kind = "webm" if head.startswith(_EBML) else "mov" if head[8:12] == b"qt  " else "mp4"
    picture = first_frame.of(path, "matroska" if kind == "webm" else "mp4")
    if picture is None:
        raise UserError("file_kind", "file", kinds=KINDS)
    return _sized(path, VIDEOS[kind]), picture
