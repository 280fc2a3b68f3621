"""Live video from phones in the field: begun and sent by the phone, listed for the command centre, watched on the wall."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from aiohttp import web

from dispatch.console.field import live
from dispatch.identity import sign_in
from dispatch.web.access import CLERK, FIELD, OFFICER, Route, roles
from dispatch.web.middleware import SESSION_COOKIE
from dispatch.web.request import Request, Response, answer, ctx, json_of, me, session
from rooms.feeds.feeds import id_of
from rooms.plan import Ticket
from rooms.protocol import CloseCode
from rooms.signalling import new_socket

ALIVE_S = 4.0
IN_THE_FIELD, SEES = roles(FIELD), roles(OFFICER, CLERK)


async def begin(request: Request) -> Response:
    """{"task"}: of one's tasks, or "" for none. The phone then connects to /ws/field/live and sends."""
    body, context = await json_of(request), ctx(request)
    return answer({"feed": await live.begin(context.db, context.hub, me(request), str(body.get("task") or ""), context.clock)})


async def phone_socket(request: Request) -> web.WebSocketResponse:
    """The phone's line, after it has begun: 4404 before that, and when its feed has ended. ?view= names the window of the browser, so that
    one that comes back is known."""
    context, user = ctx(request), me(request)
    socket = new_socket()
    await socket.prepare(request)
    guard = asyncio.create_task(_close_when_signed_out(request, socket))
    try:
        ticket = Ticket(id_of(user.id), _endpoint(request), "participant", (user.id,), user.name, user=user.id)
        await context.hub.serve_socket(socket, ticket)
    finally:
        guard.cancel()
    return socket


async def listed(request: Request) -> Response:
    """The feeds that go on: {"feeds": [{"id", "name", "team", "task", "number", "title", "since_us", "connected", "watchers"}]}."""
    return answer({"feeds": [shown(feed) for feed in ctx(request).hub.feeds.overviews()]})


def shown(feed: dict[str, Any]) -> dict[str, Any]:
    """What lists say of a feed."""
    return {name: feed[name] for name in ("id", "name", "team", "task", "number", "title", "since_us", "connected", "watchers")}


def _endpoint(request: Request) -> str:
    """The same for the same session and window; nobody else can name it."""
    found = session(request)
    named = f"{found.token_hash if found else ''}/live/{request.query.get('view', '')[:100]}"
    return "phone-" + hashlib.sha256(named.encode()).hexdigest()[:24]


async def _close_when_signed_out(request: Request, socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        await asyncio.sleep(ALIVE_S)
        found = await sign_in.session(ctx(request).db, request.cookies.get(SESSION_COOKIE, ""), ctx(request).clock())
        if found is None or found.user.role != FIELD or not found.user.active:
            await ctx(request).hub.feeds.end(id_of(me(request).id), "account")
            await socket.close(code=CloseCode.UNAUTHORISED)


ROUTES = (
    Route("POST", "/field/live", begin, IN_THE_FIELD, answers="data"),
    Route("GET", "/ws/field/live", phone_socket, IN_THE_FIELD, answers="socket"),
    Route("GET", "/console/feeds", listed, SEES, answers="data"),
)
