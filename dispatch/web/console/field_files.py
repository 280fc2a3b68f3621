"""Files of tasks: announced, sent in parts (the order of tus 1.0), looked at by those who see the task. From phones below /field, from the
centre below /console; what each may is said in :mod:`dispatch.console.field.files`."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any
from urllib.parse import quote

from aiohttp import web

from dispatch.console.field import files, media
from dispatch.console.field.files import Announced, WrongOffset
from dispatch.errors import NotFound, UserError
from dispatch.store.field_tables import FieldFile
from dispatch.web.access import CLERK, FIELD, OFFICER, Route, roles
from dispatch.web.request import Request, Response, answer, ctx, me

OFFSET = "Upload-Offset"
LENGTH = "Upload-Length"
CHECKSUM = "Upload-Checksum"


async def announce(request: Request) -> Response:
    """{"name", "bytes", "sha256", "key"}: {"id", "offset", "bytes"}; from a phone what is brought, from the centre material."""
    given = await body_of(request)
    size = given.get("bytes")
    what = Announced(
        purpose="report" if me(request).role == FIELD else "material",
        name=str(given.get("name", "")),
        bytes=size if isinstance(size, int) and not isinstance(size, bool) else 0,
        sha256=str(given.get("sha256", "")),
        key=str(given.get("key", "")),
    )
    file = await files.announce(ctx(request).db, request.match_info["task"], what, me(request), ctx(request).clock())
    return _where(file, {"id": file.id, "offset": file.received, "bytes": file.bytes}, 201)


async def where(request: Request) -> Response:
    """How much of a file is there: {"offset"}, and as header."""
    file = await files.own(ctx(request).db, request.match_info["file"], me(request))
    return _where(file, {"offset": file.received, "whole": file.whole_at is not None})


async def part(request: Request) -> Response:
    """A part: its bytes, with Upload-Offset and Upload-Checksum ("sha256 " and Base64, RFC 4648). 409 says the present offset."""
    context, given, digest = ctx(request), request.headers.get(OFFSET, ""), _digest(request)
    if not given.isascii() or not given.isdecimal() or len(given) > 12:
        raise UserError("upload_size", "file", most=files.LARGEST_PART)
    data = await request.read()
    try:
        folder, file_id = context.settings.field_files, request.match_info["file"]
        file = await files.part(context.db, folder, file_id, int(given), data, digest, me(request), context.clock())
    except WrongOffset as error:
        response = answer({"code": error.code, "offset": error.offset, "title": "offset"}, status=error.status)
        response.headers[OFFSET] = str(error.offset)
        return response
    return _where(file, {"offset": file.received, "whole": file.whole_at is not None})


def _digest(request: Request) -> str:
    algorithm, _, value = request.headers.get(CHECKSUM, "").partition(" ")
    try:
        return base64.b64decode(value, validate=True).hex() if algorithm == "sha256" else ""
    except (binascii.Error, ValueError):
        return ""


def _where(file: FieldFile, body: dict[str, Any], status: int = 200) -> Response:
    response = answer(body, status=status)
    response.headers[OFFSET] = str(file.received)
    response.headers[LENGTH] = str(file.bytes)
    return response


async def show(request: Request) -> web.StreamResponse:
    """The file as it came: pictures and videos in the page, a PDF to be kept."""
    file = await files.seen_file(ctx(request).db, me(request), request.match_info["file"])
    path = files.location(ctx(request).settings.field_files, file.id)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("file_unknown")
    way = "attachment" if file.media_type == media.PDF else "inline"
    headers = {
        "Content-Type": file.media_type,
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(file.name, safe='')}",
    }
    return web.FileResponse(path, headers=headers)


async def small(request: Request) -> web.StreamResponse:
    """Its small picture."""
    file = await files.seen_file(ctx(request).db, me(request), request.match_info["file"])
    path = files.small_picture(ctx(request).settings.field_files, file.id)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("file_unknown")
    return web.FileResponse(path, headers={"Content-Type": "image/webp", "Cache-Control": "private, max-age=3600"})


async def remove(request: Request) -> Response:
    """Take material away from a draft again."""
    context = ctx(request)
    await files.remove_material(context.db, context.settings.field_files, request.match_info["file"], me(request), context.clock())
    return answer({})


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; {} where there is none."""
    try:
        given = await request.json()
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


_PHONE, _SENDS, _SEES = roles(FIELD), roles(OFFICER), roles(OFFICER, CLERK)
ROUTES = (
    Route("POST", "/field/tasks/{task}/files", announce, _PHONE, answers="data"),
    Route("GET", "/field/files/{file}/offset", where, _PHONE, answers="data"),
    Route("PATCH", "/field/files/{file}", part, _PHONE, answers="data"),
    Route("GET", "/field/files/{file}", show, _PHONE, answers="data"),
    Route("GET", "/field/files/{file}/small", small, _PHONE, answers="data"),
    Route("POST", "/console/tasks/{task}/files", announce, _SENDS, answers="data"),
    Route("GET", "/console/files/{file}/offset", where, _SENDS, answers="data"),
    Route("PATCH", "/console/files/{file}", part, _SENDS, answers="data"),
    Route("POST", "/console/files/{file}/remove", remove, _SENDS, answers="data"),
    Route("GET", "/console/files/{file}", show, _SEES, answers="data"),
    Route("GET", "/console/files/{file}/small", small, _SEES, answers="data"),
)
