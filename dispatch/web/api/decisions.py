"""Bookings that are not firm: confirming tentative ones, approving and declining those that were asked for."""

from __future__ import annotations

from dispatch.booking import decisions
from dispatch.web.access import ADMINISTRATOR, CLERK, JUDGE, PROSECUTOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.sitting_shapes import CancelOrder, SittingView
from dispatch.web.api.sittings import BOOKS, shown, view
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me

DECIDES = programs(CLERK, ADMINISTRATOR, JUDGE, PROSECUTOR)


async def confirm(request: Request, headers: IfMatch) -> SittingView:
    """Confirm a tentative booking.

    It is firm then, or asked for where a room or equipment asks for approval.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]
    sitting = await decisions.confirm(
        context.db, sitting_id, me(request), context.clock(), lambda found: headers.check(view(request, found))
    )
    await context.live.revised(sitting_id)
    return shown(request, sitting)


async def approve(request: Request, headers: IfMatch) -> SittingView:
    """Approve a booking that was asked for.

    Administrators may, and whoever has a role that every room and equipment which asks names among those that book it; nobody decides
    on what he asked for himself. Participants are told.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]
    sitting = await decisions.approve(
        context.db, sitting_id, me(request), context.clock(), lambda found: headers.check(view(request, found))
    )
    await context.live.revised(sitting_id)
    return shown(request, sitting)


async def decline(request: Request, body: CancelOrder, headers: IfMatch) -> SittingView:
    """Decline a booking that was asked for.

    The sitting is cancelled and its time is free. Who may is as with approval.
    """
    context, sitting_id = ctx(request), request.match_info["sitting"]
    sitting = await decisions.decline(
        context.db, sitting_id, body.reason, me(request), context.clock(), lambda found: headers.check(view(request, found))
    )
    await context.live.cancelled(sitting_id, body.reason)
    return shown(request, sitting)


ROUTES = (
    operation("POST", "/sittings/{sitting}/confirm", confirm, BOOKS, refuses=(409,)),
    operation("POST", "/sittings/{sitting}/approve", approve, DECIDES, refuses=(409,)),
    operation("POST", "/sittings/{sitting}/decline", decline, DECIDES, refuses=(409,)),
)
