"""The week's list: having one made of all that waits, following it, adjusting it, and booking all or some of it.

Clerks ask for lists and see all of them. A list is changed and booked by whoever asked for it, and by administrators.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from dispatch.booking.listing import adjusting, confirming, week
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.web.access import ADMINISTRATOR, CLERK
from dispatch.web.api.listing_shapes import (
    AdjustOrder,
    ConfirmOrder,
    ListingChange,
    ListingList,
    ListingSummary,
    ListingView,
    NewListing,
    OutcomeList,
    OutcomeView,
)
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Paging, slice_of
from dispatch.web.api.sitting_shapes import Once, OnceIfMatch
from dispatch.web.api.values import local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.listing_words import rows_of, snapshot_of
from dispatch.web.request import Request, ctx, me, translate, zone
from dispatch.web.runs import runs
from dispatch.web.slot_words import obstacle_words

PATIENCE_S = 5.0
"""So long a request to stop waits for the end; a list that another server makes is over a little later."""


def _plain(request: Request, row: Listing, rows: list[WaitingSitting]) -> ListingView:
    """Without words: what its version is made of."""
    return ListingView.of(row, rows, zone(request), lambda _obstacle: "", lambda _code: "")


async def _shown(request: Request, row: Listing) -> ListingView:
    rows, snapshot = await rows_of(ctx(request).db, row), await snapshot_of(request, row)
    titles = week.titles(rows)
    worded = ListingView.of(
        row,
        rows,
        zone(request),
        lambda obstacle: obstacle_words(request, snapshot, obstacle, titles),
        lambda code: translate(request, f"error.{code}"),
    )
    return _plain(request, row, rows).only(proposal=worded.proposal, failure=worded.failure)


async def search(request: Request, query: Paging) -> ListingList:
    """List week's lists."""
    rows, goes_on = slice_of(await week.listed(ctx(request).db), query)
    return ListingList(items=[ListingSummary.of(row, zone(request)) for row in rows], next=goes_on)


async def make(request: Request, body: NewListing, headers: Once) -> ListingView:
    """Have a week's list made.

    All sittings that wait are placed at once, in about ten seconds: ask for it again until its state is neither queued nor running.
    Nothing is booked by that.
    """
    context, user = ctx(request), me(request)
    once = headers.order(user, "listing", body)
    order = week.Order(body.first, body.last, tuple(body.rooms), body.note)
    row, new = await week.make(context.db, order, user, context.clock(), once)
    if new:
        runs(request).start(row.id)
    return await _shown(request, row)


async def show(request: Request) -> ListingView:
    """Show a week's list."""
    return await _shown(request, await week.get(ctx(request).db, request.match_info["listing"]))


async def change(request: Request, body: ListingChange, headers: IfMatch) -> ListingView:
    """Note something on a week's list."""
    context, listing_id = ctx(request), request.match_info["listing"]
    row = await week.get(context.db, listing_id)
    rows = await rows_of(context.db, row)
    note = body.given().get("note", row.note)
    row = await adjusting.set_note(
        context.db, listing_id, note, me(request), context.clock(), lambda found: headers.check(_plain(request, found, rows))
    )
    return await _shown(request, row)


async def adjust(request: Request, body: AdjustOrder, headers: IfMatch) -> ListingView:
    """Have a week's list made again with changes.

    Some sittings are put where they are to be, some are held where they are, some are left out; the others are placed around them.
    """
    context, listing_id = ctx(request), request.match_info["listing"]
    rows = await rows_of(context.db, await week.get(context.db, listing_id))
    row = await adjusting.ask_again(
        context.db, listing_id, body.wanted(), me(request), context.clock(), lambda found: headers.check(_plain(request, found, rows))
    )
    runs(request).start(row.id)
    return await _shown(request, row)


async def stop(request: Request) -> ListingView:
    """Stop making a week's list.

    What is found by now is the proposal.
    """
    context, listing_id = ctx(request), request.match_info["listing"]
    await adjusting.stop(context.db, listing_id, me(request), context.clock())
    runs(request).stop(listing_id)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await runs(request).wait(listing_id)
    return await _shown(request, await week.get(context.db, listing_id))


async def confirm(request: Request, body: ConfirmOrder, headers: OnceIfMatch) -> OutcomeList:
    """Book all or some of a week's list.

    Each sitting is booked by the rules of all bookings, by itself: what is in the way of one is in nobody else's. One that is booked
    already gives its sitting.
    """
    context, user = ctx(request), me(request)
    listing_id = request.match_info["listing"]
    once = headers.order(user, f"confirm {listing_id}", body)
    rows = await rows_of(context.db, await week.get(context.db, listing_id))
    outcomes = await confirming.book(
        context.db, listing_id, body.waiting, user, context.clock(), once, lambda found: headers.check(_plain(request, found, rows))
    )
    return OutcomeList(
        outcomes=[
            OutcomeView(
                waiting_id=each.waiting_id,
                sitting_id=each.sitting_id or None,
                code=each.code or None,
                detail=translate(request, f"error.{each.code}", **each.data) if each.code else None,
                nearest_free=local_or_none(each.nearest_free, zone(request)),
            )
            for each in outcomes
        ]
    )


ASKS = programs(CLERK)
LOOKS = programs(CLERK, ADMINISTRATOR)

ROUTES = (
    operation("GET", "/listings", search, LOOKS),
    operation("POST", "/listings", make, ASKS, status=201, refuses=(409,)),
    operation("GET", "/listings/{listing}", show, LOOKS),
    operation("PATCH", "/listings/{listing}", change, LOOKS),
    operation("POST", "/listings/{listing}/adjust", adjust, LOOKS, refuses=(409,)),
    operation("POST", "/listings/{listing}/stop", stop, LOOKS),
    operation("POST", "/listings/{listing}/confirm", confirm, LOOKS, refuses=(409,)),
)
