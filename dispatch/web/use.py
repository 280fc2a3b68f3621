"""How the rooms are used: hours held against hours open, cancellations, the busiest hours; as a page and as a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from aiohttp import web

from dispatch import audit
from dispatch.booking import use
from dispatch.booking.use import Statistics, Use
from dispatch.errors import UserError, ValidationFailed
from dispatch.exchange import exporting
from dispatch.web.access import ADMINISTRATOR, CLERK, Route, roles
from dispatch.web.calendar_cells import month_after
from dispatch.web.day_grid import room_name
from dispatch.web.days import today
from dispatch.web.request import Request, Response, ctx, gettext, language, me, render
from dispatch.web.sitting_form import errors_of

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
FIRST_HOUR, LAST_HOUR = 7, 21
"""Hours that the picture of the busiest ones shows at least; others where something is held in them."""
MONTHS = 3
"""Months that are shown when none is chosen, the present one the last."""


@dataclass(frozen=True)
class Chosen:
    """The months as typed, and the days that they mean."""

    begin: str
    until: str
    first: date
    last: date


@dataclass(frozen=True)
class HeatCell:
    """An hour of a weekday: hours held in it, and how dark it is drawn, 0 to 5."""

    hours: float
    level: int


def month_of(text: str, field: str) -> date:
    """The first day of a month as typed. Raises ValidationFailed."""
    found = _MONTH.fullmatch(text)
    if found is None or not 1970 <= int(found[1]) <= 2200 or not 1 <= int(found[2]) <= 12:
        raise ValidationFailed([(field, "month_shape", {})])
    return date(int(found[1]), int(found[2]), 1)


def _defaults(request: Request) -> tuple[str, str]:
    last = first = today(request).replace(day=1)
    for _ in range(MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return f"{first:%Y-%m}", f"{last:%Y-%m}"


def _chosen(request: Request) -> Chosen:
    begin, until = _defaults(request)
    begin, until = request.query.get("from", begin), request.query.get("until", until)
    first, last = month_of(begin, "from"), month_of(until, "until")
    return Chosen(begin, until, first, month_after(last) - timedelta(days=1))


def heat(found: Statistics) -> tuple[range, list[list[HeatCell]]]:
    """The hours that are drawn, and the cells of each weekday."""
    used = [hour for day in found.busiest for hour, minutes in enumerate(day) if minutes]
    hours = range(min([FIRST_HOUR, *used]), max([LAST_HOUR, *(hour + 1 for hour in used)]))
    most = max((minutes for day in found.busiest for minutes in day), default=0)
    cells = [
        [HeatCell(round(day[hour] / 60, 1), -(-day[hour] * 5 // most) if most and day[hour] else 0) for hour in hours]
        for day in found.busiest
    ]
    return hours, cells


async def show(request: Request) -> Response:
    """The figures of the chosen months."""
    context, _ = ctx(request), gettext(request)
    begin, until = _defaults(request)
    begin, until = request.query.get("from", begin), request.query.get("until", until)
    data: dict[str, Any] = {"begin": begin, "until": until, "found": None, "errors": {}}
    try:
        chosen = _chosen(request)
        found = await use.statistics(context.db, chosen.first, chosen.last, context.clock())
    except UserError as error:
        return render(request, "staff/use.html", status=error.status, **(data | {"errors": errors_of(request, error)}))
    hours, cells = heat(found)
    weekdays = [_("weekday." + name) for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    return render(
        request,
        "staff/use.html",
        **data
        | {
            "found": found,
            "rooms": [(room_name(room, language(request)), room, figures) for room, figures in found.rooms],
            "hours": hours,
            "heat": list(zip(weekdays, cells, strict=True)),
            "query": f"from={chosen.begin}&until={chosen.until}",
        },
    )


def _line(name: str, kind: str, figures: Use) -> list[str]:
    def shown(value: float | None) -> str:
        return "" if value is None else str(value)

    return [
        *(name, kind, str(figures.held), f"{figures.held_minutes / 60:.1f}"),
        "" if figures.open_minutes is None else f"{figures.open_minutes / 60:.1f}",
        "" if figures.share is None else f"{figures.share * 100:.0f}",
        *(str(figures.cancelled), str(figures.missed), shown(figures.average_booked), shown(figures.average_lasted)),
    ]


async def file(request: Request) -> Response:
    """The same figures as a file: a line for each room, then for each kind of sitting."""
    context, _ = ctx(request), gettext(request)
    kind = request.query.get("format", "")
    if kind not in ("csv", "xlsx"):
        raise web.HTTPNotFound
    chosen = _chosen(request)
    found = await use.statistics(context.db, chosen.first, chosen.last, context.clock())
    heading = [
        *(_("Room or kind"), _("Kind"), _("Sittings"), _("Hours held"), _("Open hours"), _("Used, %")),
        *(_("Cancelled"), _("Never begun"), _("Booked on average, min"), _("Took on average, min")),
    ]
    lines = [heading]
    lines += [_line(room_name(room, language(request)), _("room_kind." + room.kind), figures) for room, figures in found.rooms]
    lines += [_line(_("kind." + name), _("Kind of sitting"), figures) for name, figures in found.kinds.items()]
    detail = {"kind": kind, "from": chosen.begin, "until": chosen.until}
    await audit.record(context.db, me(request), "use_exported", kind, detail=detail, now=context.clock())
    body = exporting.written_table(cast("exporting.Kind", kind), lines, [28, 16, *[14] * 8])
    name = f"use-{chosen.begin}-{chosen.until}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=exporting.MEDIA_TYPES[kind], charset=None if kind == "xlsx" else "utf-8", headers=headers)


SEES = roles(CLERK, ADMINISTRATOR)

ROUTES = (
    Route("GET", "/booking/use", show, SEES),
    Route("GET", "/booking/use/file", file, SEES, answers="data"),
)
