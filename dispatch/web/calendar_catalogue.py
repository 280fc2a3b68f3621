"""The administrator's page of the calendars, the court's and that of each site: holidays and make-up working days, a year at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from dispatch.booking.catalogue import loaded_days, sites
from dispatch.booking.catalogue.calendar_days import KINDS, CalendarDay, published_years
from dispatch.booking.catalogue.calendar_files import FIRST_YEAR, LAST_YEAR, read_calendar
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.errors import NotFound, UserError, ValidationFailed
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import choices, file_of, page_errors, posted, text_of
from dispatch.web.days import today
from dispatch.web.request import Request, Response, ctx, gettext, me, render, see_other, translate

BLANK = {"day": "", "kind": "holiday", "name": "", "like": ""}
MOST_FAULTS = 50


def _year(request: Request) -> int:
    asked = request.query.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else today(request).year
    return min(max(year, FIRST_YEAR), LAST_YEAR)


def _site(request: Request) -> str:
    """The site whose days are meant, "" for the court's."""
    return request.query.get("site", "")[:16]


def _shown(request: Request, year: int) -> Response:
    site = _site(request)
    return see_other(f"/catalogue/calendar?year={year}&saved" + (f"&site={quote(site)}" if site else ""))


async def _page(
    request: Request,
    fields: Mapping[str, Any],
    error: UserError | None = None,
    *,
    faults: list[str] | None = None,
    loaded: int | None = None,
    year: int | None = None,
) -> Response:
    _ = gettext(request)
    shown = year or _year(request)
    return render(
        request,
        "admin/calendar.html",
        status=error.status if error else 200,
        tab="calendar",
        year=shown,
        site=_site(request),
        sites=await sites.list_sites(ctx(request).db),
        days=await loaded_days.list_days(ctx(request).db, shown, _site(request)),
        published=shown in published_years(),
        form=fields,
        errors=page_errors(request, error),
        faults=faults or [],
        loaded=loaded,
        saved="saved" in request.query,
        kinds=[(kind, _(f"day_kind.{kind}")) for kind in KINDS],
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        **choices(request),
    )


async def show(request: Request) -> Response:
    """The days of a year that are not what their weekday says."""
    return await _page(request, BLANK)


async def add(request: Request) -> Response:
    """Add a day, or change what it is."""
    context, fields = ctx(request), await posted(request)
    typed = {name: text_of(fields, name) for name in BLANK}
    try:
        day = _day(typed["day"])
        like = WEEKDAYS.index(typed["like"]) if typed["like"] in WEEKDAYS else None
        kind = next((kind for kind in KINDS if kind == typed["kind"]), None)
        if day is None or kind is None:
            raise ValidationFailed([("day", "required", {})] if day is None else [("kind", "required", {})])
        await loaded_days.put_day(context.db, CalendarDay(day, kind, typed["name"], like), me(request), context.clock(), _site(request))
    except UserError as error:
        return await _page(request, typed, error)
    return _shown(request, day.year)


async def prefill(request: Request) -> Response:
    """Load the published days of a year."""
    context, year = ctx(request), _year(request)
    try:
        await loaded_days.prefill(context.db, year, me(request), context.clock())
    except UserError as error:
        return await _page(request, BLANK, error)
    return _shown(request, year)


async def load(request: Request) -> Response:
    """Load days from a file; the good rows are kept, each bad one is named."""
    context, fields = ctx(request), await posted(request)
    data, name = await file_of(fields, "file"), getattr(fields.get("file"), "filename", "")
    try:
        if not data:
            raise UserError("file_missing", "file")
        found = read_calendar(data, name)
        count = await loaded_days.put_days(context.db, found.days, me(request), context.clock(), _site(request))
    except UserError as error:
        return await _page(request, BLANK, error)
    faults = [translate(request, f"error.{code}", **data) for _field, code, data in found.errors]
    rows = [str(data.get("row", "")) for _field, _code, data in found.errors]
    told = [translate(request, "Row {row}: {fault}", row=row, fault=fault) for row, fault in zip(rows, faults, strict=True)]
    year = found.days[0].day.year if found.days else None
    return await _page(request, BLANK, faults=told[:MOST_FAULTS], loaded=count, year=year)


async def remove(request: Request) -> Response:
    """The day is what its weekday says again."""
    day = _day(request.match_info["day"])
    if day is None:
        raise NotFound("calendar_day_unknown")
    await loaded_days.remove_day(ctx(request).db, day, me(request), ctx(request).clock(), _site(request))
    return _shown(request, day.year)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", "/catalogue/calendar", show, KEEPS),
    Route("POST", "/catalogue/calendar", add, KEEPS),
    Route("POST", "/catalogue/calendar/prefill", prefill, KEEPS),
    Route("POST", "/catalogue/calendar/load", load, KEEPS),
    Route("POST", "/catalogue/calendar/{day}/remove", remove, KEEPS),
)
