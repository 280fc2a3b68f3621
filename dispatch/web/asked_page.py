"""The clerk's page of times that he waits for, and what became of them."""

from __future__ import annotations

from dispatch.booking import asked_for
from dispatch.web import lookups
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.day_grid import room_name
from dispatch.web.request import Request, Response, ctx, language, me, render, see_other


async def show(request: Request) -> Response:
    """His own, the newest first."""
    db = ctx(request).db
    rooms = {room.id: room_name(room, language(request)) for room in await lookups.rooms(db)}
    rows = await asked_for.listed(db, me(request))
    return render(request, "staff/asked.html", rows=rows, rooms=rooms, saved="saved" in request.query)


async def withdraw(request: Request) -> Response:
    """He waits for it no longer."""
    await asked_for.withdraw(ctx(request).db, request.match_info["asked"], me(request), ctx(request).clock())
    return see_other("/booking/asked")


ROUTES = (
    Route("GET", "/booking/asked", show, roles(CLERK)),
    Route("POST", "/booking/asked/{asked}/withdraw", withdraw, roles(CLERK)),
)
