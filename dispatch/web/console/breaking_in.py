"""An officer who watches a live sitting breaks in, and ends it."""

from __future__ import annotations

from dispatch.console.stepping import breaking_in
from dispatch.console.stepping.breaking_in import Wish
from dispatch.web.access import OFFICER, Route, roles
from dispatch.web.console.board import observer_endpoint
from dispatch.web.request import Request, Response, answer, ctx, json_of, me


async def break_in(request: Request) -> Response:
    """Be seen and heard where one watches; ?view= names the watch, as it does for its line. By rank and with a reason."""
    body, context, sitting = await json_of(request), ctx(request), request.match_info["sitting"]
    wanted = Wish(str(body.get("reason", "")), observer_endpoint(request, sitting), body.get("camera") is not False)
    await breaking_in.carry_out(context.db, context.hub, sitting, wanted, me(request), context.clock())
    return answer({"broken_in": True})


async def end(request: Request) -> Response:
    """End one's own break-in, or with a reason that of an officer of lower rank."""
    body, context = await json_of(request), ctx(request)
    wanted = Wish(str(body.get("reason", "")))
    await breaking_in.carry_out(context.db, context.hub, request.match_info["sitting"], wanted, me(request), context.clock())
    return answer({"broken_in": False})


ROUTES = (
    Route("POST", "/console/sittings/{sitting}/break-in", break_in, roles(OFFICER), answers="data"),
    Route("POST", "/console/sittings/{sitting}/break-in/end", end, roles(OFFICER), answers="data"),
)
