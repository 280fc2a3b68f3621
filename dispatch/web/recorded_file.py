"""A file of a recording as an answer, in parts where a Range is asked for (RFC 9110 section 14), wherever the recording lies."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from dispatch.errors import NotFound, UserError
from dispatch.web.request import Request, ctx
from rooms.vault.cipher import CHUNK_BYTES, Spoilt
from rooms.vault.keys import KeyMissing
from rooms.vault.store import StoreUnavailable

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest

    from dispatch.store.archive_tables import Recording
    from rooms.vault.vault import Vault

log = structlog.get_logger("archive")


class Unreadable(UserError):
    """The store cannot be asked just now, or what it has cannot be read; the log says which."""

    status = 503


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One that is there. `plain`: its path, where the recording lies in the plain."""

    vault: Vault
    folder: str
    name: str
    bytes: int
    modified_ns: int
    plain: Path | None

    @property
    def version(self) -> str:
        """Its entity tag, without quotes: the same wherever it lies."""
        return f"{self.modified_ns:x}-{self.bytes:x}"

    async def part(self, kind: str, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
        """The answer. Raises Unreadable."""
        named = {"Cache-Control": "private, no-cache", "Content-Type": kind, **(headers or {})}
        if self.plain is not None:
            return web.FileResponse(self.plain, headers=named)
        return _Stored(self, named)


async def recorded(request: Request, recording: Recording, name: str, missing: str) -> RecordedFile:
    """Raises NotFound with the code `missing`; Unreadable."""
    vault = ctx(request).vault

    def look() -> RecordedFile | None:
        folder = vault.plain(recording.folder)
        about = vault.find(recording.folder, name)
        if about is None:
            return None
        plain = folder / name if folder is not None else None
        return RecordedFile(vault, recording.folder, name, about.bytes, about.modified_ns, plain)

    try:
        found = await asyncio.to_thread(look)
    except (StoreUnavailable, KeyMissing, Spoilt) as error:
        log.error("recording_unreadable", sitting=recording.sitting_id, file=name, why=str(error))
        raise Unreadable("recording_unreadable") from error
    if found is None:
        raise NotFound(missing)
    return found


class _Stored(web.StreamResponse):
    """Decrypts while it sends, a chunk at a time: nothing of it touches the disk."""

    def __init__(self, file: RecordedFile, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._file = file

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        if self.prepared:
            return await super().prepare(request)
        file = self._file
        self.headers["ETag"] = f'"{file.version}"'
        self.headers["Last-Modified"] = formatdate(file.modified_ns // 1_000_000_000, usegmt=True)
        self.headers["Accept-Ranges"] = "bytes"
        start, end = 0, file.bytes
        if _matches(request.headers.get("If-Match"), file.version) is False:
            self.set_status(412)
            start = end
        elif _matches(request.headers.get("If-None-Match"), file.version):
            self.set_status(304)
            start = end
        elif "Range" in request.headers and _matches(request.headers.get("If-Range"), file.version) is not False:
            found = _range(request, file.bytes)
            if found is None:
                self.set_status(416)
                self.headers["Content-Range"] = f"bytes */{file.bytes}"
                start = end
            else:
                start, end = found
                self.set_status(206)
                self.headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.bytes}"
        if self.status != 304:
            self.content_length = end - start
        writer = await super().prepare(request)
        if request.method != "HEAD" and end > start:
            await self._send(start, end)
        return writer

    async def _send(self, start: int, end: int) -> None:
        """What is found spoilt on the way cuts the answer off: half a file is better seen as one than taken for a whole one."""
        file = await asyncio.to_thread(self._file.vault.open, self._file.folder, self._file.name)
        try:
            await asyncio.to_thread(file.seek, start)
            while start < end:
                chunk = await asyncio.to_thread(file.read, min(CHUNK_BYTES, end - start))
                if not chunk:
                    raise Spoilt(f"{self._file.name}: it ends before its end")
                await self.write(chunk)
                start += len(chunk)
        finally:
            file.close()


def _matches(wanted: str | None, version: str) -> bool | None:
    """Whether a condition names this version; None where there is none."""
    if wanted is None:
        return None
    return wanted.strip() == "*" or any(tag.strip().removeprefix("W/") == f'"{version}"' for tag in wanted.split(","))


def _range(request: BaseRequest, size: int) -> tuple[int, int] | None:
    """From where up to where; None where nothing lies there."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    start, stop = asked.start, asked.stop
    if start is None:
        return (0, size)
    if start < 0:
        start, stop = max(0, size + start), size
    end = min(size, size if stop is None else stop)
    return (start, end) if start < end else None
