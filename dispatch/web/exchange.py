"""The clerk's page of files: sittings out (CSV, XLSX, calendar), and in, with a preview that names each bad row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast, get_args

from aiohttp import web

from dispatch.booking.days import bounds
from dispatch.booking.roles import PRESIDENTS
from dispatch.errors import UserError
from dispatch.exchange import exporting, importing, reading
from dispatch.exchange.columns import COLUMNS, NEEDED
from dispatch.exchange.reading import Row
from dispatch.web import lookups
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.day_grid import room_name
from dispatch.web.days import today
from dispatch.web.request import Request, Response, ctx, error_text, gettext, language, me, render, translate, zone
from dispatch.web.translations import LANGUAGES, catalogue
from rooms.procedure import PROCEDURES

LONGEST_SPAN = timedelta(days=366)
SHOWN = ("case_number", "title", "day", "start", "end", "room")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a preview. `faults`: column and words; `id`: of what it is by now, "" for nothing."""

    number: int
    state: str
    cells: list[str]
    faults: list[tuple[str, str]]
    id: str


def _column(request: Request, name: str) -> str:
    words = COLUMNS.get(name)
    return "" if words is None else words[1 if language(request) == "en" else 0]


def _line(request: Request, judged: importing.Judged) -> Line:
    faults = [(_column(request, field), translate(request, f"error.{code}", **data)) for field, code, data in judged.errors]
    cells = [judged.row.fields.get(name, "")[:120] for name in SHOWN]
    return Line(judged.row.number, judged.state, cells, faults, judged.sitting_id)


def role_words() -> dict[str, str]:
    """What a file may call a role, in either language or by its code."""
    found = {}
    for role in importing.roles():
        for word in (role, *(catalogue(tag).gettext(f"role.{role}") for tag in LANGUAGES)):
            found[word.casefold()] = role
    return found


def kind_words() -> dict[str, str]:
    """What a file may call a kind of sitting, likewise."""
    return {word.casefold(): kind for kind in PROCEDURES for word in (kind, *(catalogue(tag).gettext(f"kind.{kind}") for tag in LANGUAGES))}


async def _page(request: Request, *, status: int = 200, error: str = "", **more: Any) -> Response:
    context, tag = ctx(request), language(request)
    day = today(request)
    data: dict[str, Any] = {
        "rooms": [(room.id, room_name(room, tag)) for room in await lookups.rooms(context.db)],
        "presidents": await lookups.staff(context.db, *PRESIDENTS),
        "kinds_of_sittings": tuple(PROCEDURES),
        "clerks": await lookups.staff(context.db, CLERK),
        "columns": [(_column(request, name), name in NEEDED) for name in COLUMNS if name != "status"],
        "shown": SHOWN,
        "heads": [_column(request, name) for name in SHOWN],
        "from_day": day,
        "until_day": day + timedelta(days=30),
        "most": reading.MOST_ROWS,
        "error": error,
        "lines": None,
        "counts": {},
        "packed": "",
        "done": False,
        "chair_id": "",
        "clerk_id": me(request).id,
        "override_reason": "",
    }
    return render(request, "staff/exchange.html", status=status, **(data | more))


async def show(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def preview(request: Request) -> Response:
    """Read a file and say what each of its rows would do; nothing is booked."""
    context, posted = ctx(request), await request.post()
    file = posted.get("file")
    if not isinstance(file, web.FileField) or not file.filename:
        return await _page(request, status=422, error=translate(request, "error.file_missing"))
    try:
        rows = await asyncio.to_thread(lambda: reading.read(file.file.read(), file.filename, context.settings.zone))
    except UserError as error:
        return await _page(request, status=error.status, error=error_text(request, error))
    kind = str(posted.get("kind", ""))
    rows = importing.of_kind(rows, kind if kind in PROCEDURES else "")
    return await _judged(request, rows, "preview", _given(posted))


async def book(request: Request) -> Response:
    """Book the rows of a preview: all that are good, or all or none. They are judged again: time has passed."""
    posted = await request.post()
    take = posted.get("take")
    try:
        rows = unpacked_rows(str(posted.get("rows", "")))
    except ValueError:
        return await _page(request, status=422, error=translate(request, "error.file_missing"))
    how: importing.Take = "all" if take == "all" else "good"
    return await _judged(request, rows, how, _given(posted))


def _given(posted: Mapping[str, Any]) -> importing.Given:
    chair_id, clerk_id, reason = (str(posted.get(name, "")).strip() for name in ("chair_id", "clerk_id", "override_reason"))
    return importing.Given(role_words(), kind_words(), chair_id, clerk_id, reason)


async def _judged(request: Request, rows: list[Row], how: importing.Take, given: importing.Given) -> Response:
    context = ctx(request)
    judged = await importing.take(context.db, rows, me(request), context.clock(), how, given)
    counts = {state: sum(each.state == state for each in judged) for state in get_args(importing.State)}
    done = how != "preview" and (how == "good" or not counts["bad"])
    return await _page(
        request,
        status=200 if how == "preview" or done else 409,
        lines=[_line(request, each) for each in judged],
        counts=counts,
        packed="" if done else packed_rows(rows),
        done=done,
        chair_id=given.chair_id,
        clerk_id=given.clerk_id,
        override_reason=given.override_reason,
    )


def packed_rows(rows: list[Row]) -> str:
    """Rows as a field of the form that books them."""
    return json.dumps([[row.number, row.fields] for row in rows], ensure_ascii=False)


def unpacked_rows(text: str) -> list[Row]:
    """Inverse of :func:`packed_rows`, of what a browser sends: it is judged as any file is. Raises ValueError."""
    found = json.loads(text)
    if not isinstance(found, list) or not 0 < len(found) <= reading.MOST_ROWS:
        raise ValueError("not the rows of a preview")
    rows = []
    for each in found:
        match each:
            case [int(number), dict(fields)] if all(isinstance(value, str) for value in fields.values()):
                rows.append(Row(number, {str(name): value[: reading.LONGEST_CELL] for name, value in fields.items()}))
            case _:
                raise ValueError("not a row of a preview")
    return rows


async def export(request: Request) -> Response:
    """The sittings of some days as a file."""
    context, query, tag = ctx(request), request.query, language(request)
    kind = query.get("format", "")
    try:
        first, last = date.fromisoformat(query.get("from", "")), date.fromisoformat(query.get("until", ""))
    except ValueError:
        return await _page(request, status=422, error=translate(request, "error.export_days"))
    if kind not in exporting.MEDIA_TYPES or not timedelta() <= last - first <= LONGEST_SPAN:
        return await _page(request, status=422, error=translate(request, "error.export_days"))
    wanted = exporting.Wanted(bounds(first, zone(request))[0], bounds(last, zone(request))[1], query.get("room", ""))
    made = await exporting.export(
        context.db,
        cast("exporting.Kind", kind),
        wanted,
        me(request),
        context.clock(),
        gettext(request),
        tag,
        context.settings.public_url,
    )
    name = f"sittings-{first}-{last}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(
        body=made.body, content_type=exporting.MEDIA_TYPES[kind], charset=None if kind == "xlsx" else "utf-8", headers=headers
    )


ROUTES = (
    Route("GET", "/exchange", show, roles(CLERK)),
    Route("POST", "/exchange", preview, roles(CLERK)),
    Route("POST", "/exchange/book", book, roles(CLERK)),
    Route("GET", "/exchange/sittings", export, roles(CLERK)),
)
