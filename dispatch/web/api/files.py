"""Answers of the API that are files."""

from __future__ import annotations

import hashlib

from aiohttp import web

from dispatch.web.api.versions import IfNoneMatch, names


def file_answer(body: bytes, media_type: str, headers: IfNoneMatch, *, name: str = "", charset: str | None = None) -> web.Response:
    """The file with its version (ETag), or 304 where the one who asks has that one already. `name`: it is to be kept under that."""
    given = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"', "Cache-Control": "no-store"}
    if headers.if_none_match is not None and names([headers.if_none_match], given["ETag"], weak=True):
        return web.Response(status=304, headers=given)
    if name:
        given["Content-Disposition"] = f'attachment; filename="{name}"'
    return web.Response(body=body, content_type=media_type, charset=charset, headers=given)
