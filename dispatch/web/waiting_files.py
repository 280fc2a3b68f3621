"""The clerk's page of waiting sittings as files: in, with a preview that names each bad row, and out (CSV, XLSX)."""

from __future__ import annotations

import asyncio
from typing import Any, cast, get_args

from aiohttp import web

from dispatch.errors import UserError
from dispatch.exchange import exporting, reading, waiting_files
from dispatch.exchange.reading import Row
from dispatch.exchange.waiting_files import COLUMNS, NEEDED, Take
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.exchange import Line, packed_rows, unpacked_rows
from dispatch.web.request import Request, Response, ctx, error_text, gettext, language, me, render, translate
from dispatch.web.translations import LANGUAGES, catalogue

SHOWN = ("case_number", "title", "minutes", "chair", "deadline", "priority")
FORMATS = ("csv", "xlsx")


def words() -> waiting_files.Words:
    """What a file may call things, in either language or by their codes."""
    return waiting_files.words([catalogue(tag).gettext for tag in LANGUAGES])


def _column(request: Request, name: str) -> str:
    heading = COLUMNS.get(name)
    return "" if heading is None else heading[1 if language(request) == "en" else 0]


async def _page(request: Request, *, status: int = 200, error: str = "", **more: Any) -> Response:
    data: dict[str, Any] = {
        "columns": [(_column(request, name), name in NEEDED) for name in COLUMNS],
        "shown": SHOWN,
        "heads": [_column(request, name) for name in SHOWN],
        "most": reading.MOST_ROWS,
        "error": error,
        "lines": None,
        "counts": {},
        "packed": "",
        "done": False,
    }
    return render(request, "staff/waiting_files.html", status=status, **(data | more))


async def show(request: Request) -> Response:
    """The page. For clerks."""
    return await _page(request)


async def preview(request: Request) -> Response:
    """Read a file and say what each of its rows would do; nothing is added."""
    posted = await request.post()
    file = posted.get("file")
    if not isinstance(file, web.FileField) or not file.filename:
        return await _page(request, status=422, error=translate(request, "error.file_missing"))
    try:
        rows = await asyncio.to_thread(lambda: reading.read_list(file.file.read(), file.filename, COLUMNS, NEEDED))
    except UserError as error:
        return await _page(request, status=error.status, error=error_text(request, error))
    return await _judged(request, rows, "preview")


async def add(request: Request) -> Response:
    """Add the rows of a preview: all that are good, or all or none. They are judged again: time has passed."""
    posted = await request.post()
    try:
        rows = unpacked_rows(str(posted.get("rows", "")))
    except ValueError:
        return await _page(request, status=422, error=translate(request, "error.file_missing"))
    return await _judged(request, rows, "all" if posted.get("take") == "all" else "good")


async def _judged(request: Request, rows: list[Row], how: Take) -> Response:
    context = ctx(request)
    try:
        judged = await waiting_files.take(context.db, rows, me(request), context.clock(), how, words())
    except UserError as error:
        return await _page(request, status=error.status, error=error_text(request, error))
    counts = {state: sum(each.state == state for each in judged) for state in get_args(waiting_files.State)}
    done = how != "preview" and (how == "good" or not counts["bad"])
    lines = [
        Line(
            each.row.number,
            each.state,
            [each.row.fields.get(name, "")[:120] for name in SHOWN],
            [(_column(request, field), translate(request, f"error.{code}", **data)) for field, code, data in each.errors],
            each.waiting_id,
        )
        for each in judged
    ]
    status = 200 if how == "preview" or done else 409
    return await _page(request, status=status, lines=lines, counts=counts, packed="" if done else packed_rows(rows), done=done)


async def export(request: Request) -> Response:
    """All that wait, as a file."""
    context, kind = ctx(request), request.query.get("format", "")
    if kind not in FORMATS:
        return await _page(request, status=422, error=translate(request, "error.file_kind", kinds=".csv, .xlsx"))
    made = await waiting_files.export(
        context.db, cast("exporting.Kind", kind), me(request), context.clock(), gettext(request), language(request)
    )
    headers = {"Content-Disposition": f'attachment; filename="waiting.{kind}"', "Cache-Control": "no-store"}
    charset = None if kind == "xlsx" else "utf-8"
    return web.Response(body=made.body, content_type=exporting.MEDIA_TYPES[kind], charset=charset, headers=headers)


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/booking/waiting/files", show, CLERKS),
    Route("POST", "/booking/waiting/files", preview, CLERKS),
    Route("POST", "/booking/waiting/files/add", add, CLERKS),
    Route("GET", "/booking/waiting/files/list", export, CLERKS),
)
