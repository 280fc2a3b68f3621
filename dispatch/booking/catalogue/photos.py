"""Photos of rooms and equipment: checked by what is in the file, made small, stripped of everything but the picture.

They lie below the data directory (:attr:`dispatch.settings.Settings.photos`), each under the digest of its bytes: one that is there
does not change.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from sqlalchemy import select

from dispatch import audit
from dispatch.errors import NotFound, UserError
from dispatch.pictures import UNREADABLE, bare
from dispatch.store.tables import Resource, User

if TYPE_CHECKING:
    from dispatch.store.database import Database

MOST_BYTES = 2_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST_PIXELS = 40_000_000
"""A file of two megabytes can hold a picture that takes gigabytes to unfold."""
SIDE_PIXELS = 1600
QUALITY = 82
MEDIA_TYPE = "image/webp"
_NAME = re.compile(r"[0-9a-f]{40}\.webp")


def redrawn(data: bytes) -> bytes:
    """The picture in `data` (JPEG, PNG or WebP) as WebP, upright, at most 1600 pixels wide or high, without metadata: no place, no
    device, no time. Raises UserError at "photo": photo_large, photo_kind."""
    if len(data) > MOST_BYTES:
        raise UserError("photo_large", "photo", most=MOST_BYTES // 1_000_000)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as found:
                if found.width * found.height > LARGEST_PIXELS:
                    raise UserError("photo_large", "photo", most=MOST_BYTES // 1_000_000)
                return bare(found, SIDE_PIXELS, QUALITY)
    except UNREADABLE as error:
        raise UserError("photo_kind", "photo", kinds="JPEG, PNG, WebP") from error


async def set_photo(db: Database, folder: Path, resource_id: str, data: bytes, by: User, now: datetime) -> Resource:
    """Give a resource a photo, in place of one that it has; with no `data` take it away.

    Raises NotFound("resource_unknown") or UserError at "photo".
    """
    picture = await asyncio.to_thread(redrawn, data) if data else b""
    name = f"{hashlib.sha256(picture).hexdigest()[:40]}.webp" if picture else ""
    if name:
        await asyncio.to_thread(_keep, folder / name, picture)
    async with db.writer() as session:
        resource = await session.scalar(select(Resource).where(Resource.id == resource_id))
        if resource is None:
            raise NotFound("resource_unknown")
        former, resource.photo = resource.photo, name
        await session.flush()
        unused = former and former != name and not await session.scalar(select(Resource.id).where(Resource.photo == former).limit(1))
        await audit.write(session, by, "photo_changed", resource.name, detail={"resource": resource.id, "photo": name}, now=now)
    if unused:
        (folder / former).unlink(missing_ok=True)
    return resource


async def photo_of(db: Database, folder: Path, resource_id: str) -> Path:
    """The file of a resource's photo. Raises NotFound("photo_unknown")."""
    async with db.reader() as session:
        name = await session.scalar(select(Resource.photo).where(Resource.id == resource_id))
    if not name or not _NAME.fullmatch(name) or not await asyncio.to_thread((folder / name).is_file):
        raise NotFound("photo_unknown")
    return folder / name


def _keep(path: Path, picture: bytes) -> None:
    """Written aside and put into place whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(picture)
    fresh.replace(path)
