"""An officer who watches a live sitting talks with some of it, or with all, and ends it."""

from __future__ import annotations

from dispatch.console.stepping import talking
from dispatch.console.stepping.talking import Wish
from dispatch.web.access import OFFICER, Route, roles
from dispatch.web.console.board import observer_endpoint
from dispatch.web.request import Request, Response, answer, ctx, json_of, me


async def talk(request: Request) -> Response:
    """Be heard by these participants, or by all, where one watches; ?view= names the watch. By rank and with a reason."""
    body, context, sitting = await json_of(request), ctx(request), request.match_info["sitting"]
    given = body.get("participants", [])
    people = tuple(str(one) for one in given) if isinstance(given, list) else ()
    wanted = Wish(str(body.get("reason", "")), observer_endpoint(request, sitting), people, body.get("to_all") is True)
    await talking.carry_out(context.db, context.hub, sitting, wanted, me(request), context.clock())
    return answer({"talks": True})


async def end(request: Request) -> Response:
    """End one's own talk, or with a reason that of an officer of lower rank."""
    body, context = await json_of(request), ctx(request)
    wanted = Wish(str(body.get("reason", "")))
    await talking.carry_out(context.db, context.hub, request.match_info["sitting"], wanted, me(request), context.clock())
    return answer({"talks": False})


ROUTES = (
    Route("POST", "/console/sittings/{sitting}/talk", talk, roles(OFFICER), answers="data"),
    Route("POST", "/console/sittings/{sitting}/talk/end", end, roles(OFFICER), answers="data"),
)
