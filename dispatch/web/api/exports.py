"""Sittings as files that other programs read: lists and a calendar. The page *Files* has the same."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web
from pydantic import Field

from dispatch.booking.days import bounds
from dispatch.booking.draft import LONGEST_NUMBER
from dispatch.exchange import exporting, waiting_files
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.problems import Invalid
from dispatch.web.api.sitting_shapes import Status
from dispatch.web.api.values import Asked, Day
from dispatch.web.api.versions import IfNoneMatch, names
from dispatch.web.request import Request, ctx, gettext, language, me, zone

LONGEST_SPAN = timedelta(days=366)


class ExportQuery(Asked):
    """Which sittings."""

    from_day: Day = Field(alias="from", description="Those that begin on this day of the court or later.")
    until_day: Day = Field(alias="until", description="Those that begin on this day or earlier; a year after `from` at most.")
    room: str = Field("", max_length=16, description="Id of the room.")
    status: list[Status] = Field([], max_length=6, description="One or more statuses: the parameter may be repeated.")
    case_number: str = Field("", max_length=LONGEST_NUMBER, description="The whole number of the case.")


async def csv(request: Request, query: ExportQuery, headers: IfNoneMatch) -> web.Response:
    """Take out a list as CSV.

    In UTF-8, with the columns of an import and the status, 5000 sittings at most; Accept-Language chooses the language of headings and
    roles. Audited.
    """
    return await _export(request, "csv", query, headers)


async def xlsx(request: Request, query: ExportQuery, headers: IfNoneMatch) -> web.Response:
    """Take out a list as XLSX.

    As CSV, for spreadsheets. Audited.
    """
    return await _export(request, "xlsx", query, headers)


async def ics(request: Request, query: ExportQuery, headers: IfNoneMatch) -> web.Response:
    """Take out a calendar.

    iCalendar (RFC 5545), METHOD:PUBLISH: entries name the staff and the case and none of the parties. Audited.
    """
    return await _export(request, "ics", query, headers)


async def _export(request: Request, kind: exporting.Kind, query: ExportQuery, headers: IfNoneMatch) -> web.Response:
    context, tz = ctx(request), zone(request)
    if not timedelta() <= query.until_day - query.from_day <= LONGEST_SPAN:
        raise Invalid("parameter", [("until", "export_days", {})])
    wanted = exporting.Wanted(
        bounds(query.from_day, tz)[0], bounds(query.until_day, tz)[1], query.room, tuple(query.status), query.case_number
    )
    made = await exporting.export(
        context.db, kind, wanted, me(request), context.clock(), gettext(request), language(request), context.settings.public_url
    )
    return _file(made, kind, f"sittings-{query.from_day}-{query.until_day}", headers)


async def waiting_csv(request: Request, headers: IfNoneMatch) -> web.Response:
    """Take out what waits as CSV.

    All sittings that wait for a time, with the columns of an import. Audited.
    """
    return await _waiting(request, "csv", headers)


async def waiting_xlsx(request: Request, headers: IfNoneMatch) -> web.Response:
    """Take out what waits as XLSX.

    As CSV, for spreadsheets. Audited.
    """
    return await _waiting(request, "xlsx", headers)


async def _waiting(request: Request, kind: exporting.Kind, headers: IfNoneMatch) -> web.Response:
    context = ctx(request)
    made = await waiting_files.export(context.db, kind, me(request), context.clock(), gettext(request), language(request))
    return _file(made, kind, "waiting", headers)


def _file(made: exporting.Exported, kind: exporting.Kind, name: str, headers: IfNoneMatch) -> web.Response:
    given = {"ETag": f'"{made.digest[:32]}"', "Cache-Control": "no-store"}
    if headers.if_none_match is not None and names([headers.if_none_match], given["ETag"], weak=True):
        return web.Response(status=304, headers=given)
    given["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    charset = None if kind == "xlsx" else "utf-8"
    return web.Response(body=made.body, content_type=exporting.MEDIA_TYPES[kind], charset=charset, headers=given)


TAKES_OUT = programs(CLERK)

ROUTES = tuple(
    operation("GET", f"/exports/sittings.{kind}", act, TAKES_OUT, file=exporting.MEDIA_TYPES[kind])
    for kind, act in (("csv", csv), ("xlsx", xlsx), ("ics", ics))
) + tuple(
    operation("GET", f"/exports/waiting.{kind}", act, TAKES_OUT, file=exporting.MEDIA_TYPES[kind])
    for kind, act in (("csv", waiting_csv), ("xlsx", waiting_xlsx))
)
