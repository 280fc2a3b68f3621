"""The reports of the command centre: a page with charts and tables, and the same tables as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from aiohttp import web
from babel.dates import format_date

from dispatch import audit
from dispatch.booking.catalogue.sites import list_sites
from dispatch.console.reports import period as periods
from dispatch.console.reports.figures import MOST_COLUMNS, Day, Step
from dispatch.console.reports.period import Period
from dispatch.console.reports.reading import Logs, Report, report
from dispatch.console.reports.tables import Table, tables
from dispatch.errors import UserError
from dispatch.exchange import exporting
from dispatch.web.access import ADMINISTRATOR, OFFICER, Route, roles
from dispatch.web.day_grid import room_name
from dispatch.web.days import today
from dispatch.web.formats import BABEL, day
from dispatch.web.request import Request, Response, ctx, gettext, language, me, render, zone
from dispatch.web.sitting_form import errors_of

if TYPE_CHECKING:
    from dispatch.store.tables import CourtSite
    from dispatch.web.context import Context
    from rooms.hub import Hub

WIDTHS = [30, *[14] * 10]


_logs: WeakKeyDictionary[Hub, Logs] = WeakKeyDictionary()


async def made(context: Context, period: Period, site_id: str) -> Report:
    """The report. What the logs of a hub tell of sittings is read once."""
    logs = _logs.setdefault(context.hub, Logs(context.hub.rows))
    return await report(context.db, logs, period, context.clock(), site_id=site_id)


def _words(request: Request, found: Report) -> list[Table]:
    tag = language(request)
    months = len(found.days) > MOST_COLUMNS

    def day_name(each: Day) -> str:
        if months:
            return format_date(each.first, "MMM y" if tag == "en" else "yyyy-MM", locale=BABEL[tag])
        return day(each.first, tag, zone(request))

    def team_name(task: Step) -> str:
        return (tag == "en" and task.team_en) or task.team

    return tables(found, gettext(request), lambda room: room_name(room, tag), day_name, team_name)


async def show(request: Request) -> Response:
    """The report of the chosen days and site."""
    query = request.query
    sites = await list_sites(ctx(request).db)
    data: dict[str, Any] = {
        "unit": query.get("unit", "week"),
        "typed": {name: query.get(name, "") for name in ("day", "from", "until")},
        "sites": [(site.id, _site_name(request, site)) for site in sites],
        "site": next((site.id for site in sites if site.id == query.get("site", "")), ""),
        "tables": [],
        "period": None,
        "errors": {},
    }
    try:
        period = periods.chosen(query, today(request))
    except UserError as error:
        return render(request, "console/reports.html", status=error.status, **data | {"errors": errors_of(request, error)})
    found = await made(ctx(request), period, data["site"])
    typed = {"day": str(period.first if period.unit != "span" else today(request)), "from": str(period.first), "until": str(period.last)}
    ends = [day(each, language(request), zone(request)) for each in dict.fromkeys((period.first, period.last))]
    return render(
        request,
        "console/reports.html",
        **data | {"unit": period.unit, "typed": typed, "period": period, "days": " – ".join(ends), "tables": _words(request, found)},
    )


def _site_name(request: Request, site: CourtSite) -> str:
    return (language(request) == "en" and site.name_en) or site.name


async def file(request: Request) -> Response:
    """The tables below each other, as CSV or XLSX."""
    kind = request.query.get("format", "")
    if kind not in ("csv", "xlsx"):
        raise web.HTTPNotFound
    period, site = periods.chosen(request.query, today(request)), request.query.get("site", "")
    lines: list[list[str]] = []
    for table in _words(request, await made(ctx(request), period, site)):
        lines += [[table.title], list(table.heading), *map(list, table.lines), []]
    detail = {"kind": kind, "from": str(period.first), "until": str(period.last), "site": site}
    await audit.record(ctx(request).db, me(request), "report_exported", kind, detail=detail, now=ctx(request).clock())
    body = exporting.written_table(cast("exporting.Kind", kind), lines, WIDTHS)
    name = f"report-{period.first}-{period.last}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=exporting.MEDIA_TYPES[kind], charset=None if kind == "xlsx" else "utf-8", headers=headers)


SEES = roles(OFFICER, ADMINISTRATOR)

ROUTES = (
    Route("GET", "/console/reports", show, SEES),
    Route("GET", "/console/reports/file", file, SEES, answers="data"),
)
