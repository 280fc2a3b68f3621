"""Sittings that repeat: booking, showing, changing, cancelling a series."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.booking.draft import SittingDraft
from dispatch.booking.series import changes as series_changes
from dispatch.booking.series import prolonging, series
from dispatch.booking.series.recurrence import Series
from dispatch.errors import NotFound, ValidationFailed
from dispatch.store.tables import SeriesRow, Sitting
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.series_shapes import NewSeries, ProlongOrder, SeriesCancelOrder, SeriesChange, SeriesView, as_given
from dispatch.web.api.sitting_shapes import Once, OnceIfMatch
from dispatch.web.api.sittings import BOOKS
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

SEES = programs(CLERK, OFFICER)


async def _shown(request: Request, series_id: str) -> SeriesView:
    return SeriesView.of(*await series.get(ctx(request).db, series_id), zone(request))


async def show(request: Request) -> SeriesView:
    """Show a series."""
    return await _shown(request, request.match_info["series"])


async def book(request: Request, body: NewSeries, headers: Once) -> SeriesView:
    """Book a series.

    All of its sittings or none. A refusal names in `clashes` every one that cannot be, what is in its way and the nearest free time; name
    those in `left_out` to book the others. At most 200 sittings within two years.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "", body)
    try:
        plan = body.plan(zone(request))
        made = await series.create(context.db, body.drafted(None, None), plan, user, context.clock(), order, held_until=body.held_until)
    except ValidationFailed as failed:
        raise ValidationFailed(as_given(failed.errors)) from None
    return await _shown(request, made)


def _seen(request: Request, headers: IfMatch, sitting_id: str) -> Callable[[SeriesRow, Series, list[Sitting]], object]:
    """Holds the series, as it is inside the transaction, against its address and the version that was named."""

    def check(row: SeriesRow, plan: Series, sittings: list[Sitting]) -> None:
        if row.id != request.match_info["series"] or sitting_id not in {each.id for each in sittings}:
            raise NotFound("sitting_unknown", "sitting_id")
        headers.check(SeriesView.of(row, plan, sittings, zone(request)))

    return check


async def change(request: Request, body: SeriesChange, headers: IfMatch) -> SeriesView:
    """Change sittings of a series.

    From one on, or all that have not begun. Where times change and others stay behind, those that are changed become a series of their own,
    which is the answer.
    """
    context, series_id = ctx(request), request.match_info["series"]
    await series.get(context.db, series_id)

    def changed(sitting: Sitting) -> SittingDraft:
        return body.draft(sitting)

    done = await series_changes.change(
        context.db, body.sitting_id, body.scope, changed, me(request), context.clock(), body.leave, _seen(request, headers, body.sitting_id)
    )
    for each in done:
        await context.live.revised(each)
    async with context.db.reader() as session:
        now_in = (await session.get_one(Sitting, body.sitting_id)).series_id
    return await _shown(request, now_in or series_id)


async def prolong(request: Request, body: ProlongOrder, headers: OnceIfMatch) -> SeriesView:
    """Prolong a series.

    The rule goes on: new sittings are booked as the last one is, all or none. A refusal names in `clashes` every one that cannot be; name
    those in `left_out` to book the others.
    """
    context, user = ctx(request), me(request)
    series_id = request.match_info["series"]
    order = headers.order(user, f"prolong {series_id}", body)

    def seen(row: SeriesRow, plan: Series, sittings: list[Sitting]) -> None:
        headers.check(SeriesView.of(row, plan, sittings, zone(request)))

    await prolonging.prolong(context.db, series_id, body.wanted(), user, context.clock(), seen, order)
    return await _shown(request, series_id)


async def cancel(request: Request, body: SeriesCancelOrder, headers: IfMatch) -> SeriesView:
    """Cancel sittings of a series.

    From one on, or all that have not begun. Their rooms are free, their personal links stop working.
    """
    context, series_id = ctx(request), request.match_info["series"]
    await series.get(context.db, series_id)
    gone = await series_changes.cancel(
        context.db, body.sitting_id, body.scope, body.reason, me(request), context.clock(), _seen(request, headers, body.sitting_id)
    )
    for each in gone:
        await context.live.cancelled(each, body.reason)
    return await _shown(request, series_id)


ROUTES = (
    operation("POST", "/series", book, BOOKS, status=201, refuses=(409,)),
    operation("GET", "/series/{series}", show, SEES),
    operation("PATCH", "/series/{series}", change, BOOKS, refuses=(409,)),
    operation("POST", "/series/{series}/prolong", prolong, BOOKS, refuses=(409,)),
    operation("POST", "/series/{series}/cancel", cancel, BOOKS, refuses=(409,)),
)
