"""The clerk's page for prolonging a series: how far, and what is in the way of which new sitting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime

from dispatch.booking.draft import LONGEST_REASON
from dispatch.booking.series import prolonging, series
from dispatch.booking.series.prolonging import Further
from dispatch.booking.series.recurrence import occurrence_ids
from dispatch.booking.series.rule_words import words_of
from dispatch.booking.series.rules import MOST_OCCURRENCES
from dispatch.booking.series.series import read, written
from dispatch.errors import SeriesConflict, UserError, ValidationFailed
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.form_repeat import meeting
from dispatch.web.request import Request, Response, ctx, error_text, gettext, me, render, see_other
from dispatch.web.request import form as posted_form
from dispatch.web.sitting_form import errors_of

BLANK = {"count": "", "until": "", "override_reason": ""}


async def _page(request: Request, fields: Mapping[str, str], error: UserError | None = None) -> Response:
    row, plan, sittings = await series.get(ctx(request).db, request.match_info["series"])
    dates = occurrence_ids(plan)
    clashes = []
    if isinstance(error, SeriesConflict):
        lines = meeting(request, error, frozenset())
        clashes = [(written(clash.occurrence), line) for clash, line in zip(error.clashes, lines, strict=True)]
    return render(
        request,
        "staff/series_prolong.html",
        status=error.status if error else 200,
        series_id=row.id,
        last_sitting=sittings[-1] if sittings else None,
        words=words_of(plan, gettext(request)),
        dates=len(dates),
        last=dates[-1].date() if dates else None,
        most=MOST_OCCURRENCES,
        longest_reason=LONGEST_REASON,
        form=fields,
        left_out=[name.removeprefix("out-") for name in fields if name.startswith("out-")],
        clashes=clashes,
        errors=errors_of(request, error) if isinstance(error, ValidationFailed) else {},
        error=error_text(request, error) if error else "",
    )


async def show(request: Request) -> Response:
    """The form. For clerks."""
    return await _page(request, BLANK)


async def prolong(request: Request) -> Response:
    """Book what is to come; a refusal keeps what was typed and names every sitting that cannot be."""
    context, fields = ctx(request), {**BLANK, **await posted_form(request)}
    try:
        made = await prolonging.prolong(context.db, request.match_info["series"], _further(fields), me(request), context.clock())
    except UserError as error:
        if error.status == 404:
            raise
        return await _page(request, fields, error)
    return see_other(f"/sittings/{made[0]}")


def _further(fields: Mapping[str, str]) -> Further:
    """What was typed. Raises ValidationFailed."""
    count, until = fields["count"].strip(), fields["until"].strip()
    number, day = None, None
    if count:
        if not (count.isascii() and count.isdigit() and len(count) < 5):
            raise ValidationFailed([("count", "number_wanted", {})])
        number = int(count)
    if until:
        try:
            day = date.fromisoformat(until)
        except ValueError:
            raise ValidationFailed([("until", "day_shape", {})]) from None
    return Further(number, day, tuple(_left_out(fields)), fields["override_reason"].strip())


def _left_out(fields: Mapping[str, str]) -> list[datetime]:
    found = []
    for name in fields:
        if name.startswith("out-"):
            with suppress(ValueError):
                found.append(read(name.removeprefix("out-")))
    return found


ROUTES = (
    Route("GET", "/series/{series}/prolong", show, roles(CLERK)),
    Route("POST", "/series/{series}/prolong", prolong, roles(CLERK)),
)
