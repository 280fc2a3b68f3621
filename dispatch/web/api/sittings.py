"""Sittings: listing, booking, changing, moving, cancelling. The acts and their rules are those of the booking page."""

from __future__ import annotations

from dispatch.booking import bookings
from dispatch.booking.days import bounds
from dispatch.booking.draft import SittingDraft
from dispatch.sittings import listing
from dispatch.store.tables import Sitting
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import cursor_of, place
from dispatch.web.api.sitting_shapes import (
    CancelOrder,
    MoveOrder,
    NewSitting,
    Once,
    SittingChange,
    SittingList,
    SittingQuery,
    SittingView,
)
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

SEES = programs(CLERK, OFFICER, JUDGE, PROSECUTOR)
BOOKS = programs(CLERK)


def view(request: Request, sitting: Sitting) -> SittingView:
    """What a sitting is now, all of it: its version too."""
    return SittingView.of(sitting, ctx(request).clock(), zone(request))


def shown(request: Request, sitting: Sitting) -> SittingView:
    """The same for the one who asks."""
    return view(request, sitting).shown_to(me(request).role)


def _wanted(query: SittingQuery, request: Request) -> listing.Wanted:
    tz = zone(request)
    begins = [bounds(day, tz)[0] for day in (query.day, query.from_day) if day is not None]
    ends = [bounds(day, tz)[1] for day in (query.day, query.until_day) if day is not None]
    return listing.Wanted(
        begin=max(begins, default=None),
        end=min(ends, default=None),
        room_id=query.room,
        statuses=tuple(query.status),
        case_number=query.case_number,
    )


async def search(request: Request, query: SittingQuery) -> SittingList:
    """List sittings.

    In order of their start, a page at a time. Judges and prosecutors see those they take part in.
    """
    after = place(query.cursor)
    rows, goes_on = await listing.page(
        ctx(request).db, me(request), _wanted(query, request), listing.Place(*after) if after else None, query.limit
    )
    return SittingList(items=[shown(request, row) for row in rows], next=cursor_of(goes_on.starts_at, goes_on.id) if goes_on else None)


async def show(request: Request) -> SittingView:
    """Show one sitting."""
    return shown(request, await listing.visible(ctx(request).db, me(request), request.match_info["sitting"]))


async def book(request: Request, body: NewSitting, headers: Once) -> SittingView:
    """Book a sitting.

    The room and every member of the staff must be free; a refusal names what is in the way and the nearest free time.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "", body)
    made = await bookings.create_sitting(context.db, body.draft(), user, context.clock(), order, held_until=body.held_until)
    return shown(request, made)


async def change(request: Request, body: SittingChange, headers: IfMatch) -> SittingView:
    """Change a sitting.

    Only what is given becomes different.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]

    def changed(sitting: Sitting) -> SittingDraft:
        headers.check(view(request, sitting))
        return body.draft(sitting)

    sitting = await bookings.update_sitting(context.db, sitting_id, changed, me(request), context.clock())
    await context.live.revised(sitting_id)
    return shown(request, sitting)


async def move(request: Request, body: MoveOrder, headers: IfMatch) -> SittingView:
    """Move a sitting to another room or time.

    All personal links are issued anew; the old ones stop working. A sitting that has begun is not moved.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]
    sitting = await bookings.move(
        context.db,
        sitting_id,
        body.room_id,
        body.starts_at,
        body.ends_at,
        me(request),
        context.clock(),
        lambda sitting: headers.check(view(request, sitting)),
        override_reason=body.override_reason,
    )
    await context.live.revised(sitting_id)
    return shown(request, sitting)


async def cancel(request: Request, body: CancelOrder, headers: IfMatch) -> SittingView:
    """Cancel a sitting.

    The room is free, all personal links stop working, whoever waits is told. A sitting that has begun is not cancelled.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]
    sitting = await bookings.cancel(
        context.db, sitting_id, body.reason, me(request), context.clock(), lambda sitting: headers.check(view(request, sitting))
    )
    await context.live.cancelled(sitting_id, body.reason)
    return shown(request, sitting)


ROUTES = (
    operation("GET", "/sittings", search, SEES),
    operation("POST", "/sittings", book, BOOKS, status=201, refuses=(409,)),
    operation("GET", "/sittings/{sitting}", show, SEES),
    operation("PATCH", "/sittings/{sitting}", change, BOOKS, refuses=(409,)),
    operation("POST", "/sittings/{sitting}/move", move, BOOKS, refuses=(409,)),
    operation("POST", "/sittings/{sitting}/cancel", cancel, BOOKS, refuses=(409,)),
)
