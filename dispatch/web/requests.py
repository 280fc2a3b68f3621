"""Bookings that are not firm: confirming, approving, declining them, and the page of what waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from dispatch.booking import decisions, holds, pending
from dispatch.booking.approval import may_decide
from dispatch.booking.bookings import LONGEST_TENTATIVE
from dispatch.sittings import sittings
from dispatch.store.tables import Sitting
from dispatch.web.access import ADMINISTRATOR, CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.day_grid import room_name
from dispatch.web.request import Request, Response, ctx, form, language, me, render, see_other, zone

UNDECIDED = ("tentative", "requested")


def decision_of(request: Request, sitting: Sitting, back: str) -> dict[str, Any] | None:
    """What pages say of a booking that is not firm, and what the one who looks may do; None for a firm one. `back`: where an act leads
    to, see :func:`_aim`."""
    booking, user, now = sitting.booking, me(request), ctx(request).clock()
    if booking.state not in UNDECIDED or sitting.status not in ("planned", "open"):
        return None
    lapsed = holds.lapsed(booking.state, booking.held_until, sitting.status, now)
    return {
        "state": booking.state,
        "until": booking.held_until,
        "lapsed": lapsed,
        "confirms": user.role == CLERK and booking.state == "tentative" and not lapsed,
        "decides": booking.state == "requested" and may_decide(user, sitting, [hold.resource for hold in booking.holds]),
        "back": back,
    }


async def show(request: Request) -> Response:
    """What waits: for a clerk all of it, for others what they may decide on."""
    context, tag = ctx(request), language(request)
    found = await pending.pending(context.db, me(request), context.clock(), everything=me(request).role == CLERK)
    listed = (*found.requested, *found.tentative)
    return render(
        request,
        "staff/requests.html",
        pending=found,
        clerk=me(request).role == CLERK,
        days=LONGEST_TENTATIVE.days,
        rooms={each.id: ", ".join(room_name(room, tag) for room in each.rooms) for each in listed},
        chairs={each.id: next((person.name for person in each.participants if person.presides), "") for each in listed},
        decisions={each.id: decision_of(request, each, "requests") for each in listed},
    )


def _aim(request: Request, sitting: Sitting, back: str) -> str:
    """The page that an act was begun on."""
    if back == "requests" or me(request).role != CLERK:
        return "/booking/requests"
    if back == "booking":
        return f"/booking?day={sitting.starts_at.astimezone(zone(request)).date()}&sitting={sitting.id}"
    return f"/sittings/{sitting.id}"


async def _decided(request: Request, act: Callable[[str, dict[str, str]], Awaitable[Sitting]]) -> Response:
    fields, sitting_id = await form(request), request.match_info["sitting"]
    sitting = await act(sitting_id, fields)
    await ctx(request).live.revised(sitting_id)
    return see_other(_aim(request, sitting, fields.get("back", "")))


async def confirm(request: Request) -> Response:
    """A tentative booking becomes firm, or is asked for where a room asks; participants are told."""
    context = ctx(request)
    return await _decided(request, lambda sitting, _fields: decisions.confirm(context.db, sitting, me(request), context.clock()))


async def approve(request: Request) -> Response:
    """A booking that was asked for becomes firm; participants are told."""
    context = ctx(request)
    return await _decided(request, lambda sitting, _fields: decisions.approve(context.db, sitting, me(request), context.clock()))


async def decline(request: Request) -> Response:
    """A booking that was asked for is declined for a reason; its time is free."""
    context, fields = ctx(request), await form(request)
    sitting = await sittings.in_sight(context.db, request.match_info["sitting"])
    declined = await decisions.decline(context.db, sitting.id, fields.get("reason", ""), me(request), context.clock())
    await context.live.cancelled(declined.id, declined.cancel_reason)
    return see_other(_aim(request, declined, fields.get("back", "")))


DECIDERS = roles(CLERK, JUDGE, PROSECUTOR, ADMINISTRATOR)

ROUTES = (
    Route("GET", "/booking/requests", show, DECIDERS),
    Route("POST", "/sittings/{sitting}/confirm", confirm, roles(CLERK)),
    Route("POST", "/sittings/{sitting}/approve", approve, DECIDERS),
    Route("POST", "/sittings/{sitting}/decline", decline, DECIDERS),
)
