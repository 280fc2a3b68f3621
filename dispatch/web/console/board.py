"""The command centre: the board of today's sittings, one sitting live, and the silent watch."""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from dispatch import audit
from dispatch.console.quality import history
from dispatch.console.ranks import Rank, rank_of
from dispatch.console.stepping import acts
from dispatch.errors import NotFound
from dispatch.identity import people, sign_in
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.console import views
from dispatch.web.console.feed import LogLines, feed_of
from dispatch.web.console.lines import only_tells
from dispatch.web.console.parts import Told, dumped
from dispatch.web.formats import clock
from dispatch.web.middleware import SESSION_COOKIE
from dispatch.web.request import Request, Response, answer, ctx, gettext, json_of, language, me, problem, render, session, translate, zone
from rooms.plan import Ticket
from rooms.protocol import CloseCode, UserError
from rooms.signalling import new_socket

COALESCE_S = 0.2
"""Changes within this time go out as one message."""
ALIVE_S = 4.0
"""A line on which nothing changes says so this often: the browser takes a silent one for dead, and a session that was
revoked is noticed."""
CHECK_EVERY_S = 1.0
"""A line on which much changes need not ask the database about its session with each message."""
SEND_LIMIT_S = 10.0

LONGEST_TIME = 18
"""Digits of a time in microseconds."""

READS = roles(OFFICER, CLERK)
WATCHES = roles(OFFICER)


async def board_page(request: Request) -> Response:
    """All sittings of today."""
    message = await feed_of(ctx(request)).message(language(request))
    own = {"me": me(request).id, "views": await views.told(request)}
    return render(request, "console/board.html", data=_with_zone(request, message) | own)


async def sitting_page(request: Request) -> Response:
    """One sitting live."""
    message = await feed_of(ctx(request)).message(language(request), request.match_info["sitting"])
    if not message["sittings"]:
        raise NotFound("sitting_unknown")
    sitting = message["sittings"][0]
    starts, ends = (clock(_moment(us), zone(request)) for us in (sitting["starts_at_us"], sitting["ends_at_us"]))
    user = me(request)
    rank = rank_of(user)
    data = _with_zone(request, message) | {
        "may_watch": user.role in WATCHES.roles,
        "back": "/console",
        "me": user.id,
        "may_break_in": rank is not None and rank >= Rank.LEAD,
        "acts": {act: rank is not None and rank >= needed for act, needed in acts.RANK_OF.items()},
    }
    officers = await people.list_users(ctx(request).db, (OFFICER,), active=True) if rank is Rank.COMMAND else []
    return render(request, "console/sitting.html", data=data, sitting=sitting, span=f"{starts}–{ends}", officers=officers)


def _with_zone(request: Request, message: dict[str, Any]) -> dict[str, Any]:
    return message | {"time_zone": ctx(request).settings.time_zone}


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)


# ------------------------------------------------------------------------------------------------ the console's line


async def console_socket(request: Request) -> Response:
    """The board: whole at first, then what changed, at most each 0.2 s. Or with ?sitting= one sitting, whole on every change, and its log.

    The browser says nothing. The line ends when the session does.
    """
    sitting, after = request.query.get("sitting", ""), request.query.get("after", "0")
    return await only_tells(request, lambda socket: _tell(request, socket, sitting, int(after) if after.isdecimal() else 0))


async def _tell(request: Request, socket: web.WebSocketResponse, sitting: str, after: int) -> None:
    """Send what is new until the browser does not take it any more or its session ends."""
    feed, news = feed_of(ctx(request)), _OfOne(request, sitting, after) if sitting else _OfAll(request)
    checked_s = time.monotonic()
    with feed.listen(sitting) as listener:
        while not socket.closed:
            new = await news.new() or [dumped({"type": "alive", "now_us": feed.now_us()})]
            for text in new:
                await _send(socket, text)
            await asyncio.sleep(COALESCE_S)
            await listener.wait(ALIVE_S)
            if listener.over:
                await socket.close(code=CloseCode.RESTARTING)
            elif time.monotonic() - checked_s >= CHECK_EVERY_S:
                checked_s = time.monotonic()
                if not await _still_signed_in(request, READS.roles):
                    await socket.close(code=CloseCode.UNAUTHORISED)


class _OfAll:
    """What a board has yet to be told."""

    def __init__(self, request: Request) -> None:
        self._feed, self._language, self._told = feed_of(ctx(request)), language(request), Told()

    async def new(self) -> list[str]:
        """Frames, none where nothing changed."""
        parts, rest = await self._feed.parts(self._language)
        text = self._told.next(parts, rest, self._feed.now_us())
        return [text] if text else []


class _OfOne:
    """What the page of one sitting has yet to be told."""

    def __init__(self, request: Request, sitting: str, after: int) -> None:
        self._feed, self._language, self._sitting, self._told = feed_of(ctx(request)), language(request), sitting, ""
        self._lines = LogLines(ctx(request).hub, sitting, self._language, after)

    async def new(self) -> list[str]:
        """Frames, none where nothing changed."""
        message, found = await self._feed.message(self._language, self._sitting), []
        if self._told != (now := dumped(message["sittings"])):
            self._told = now
            found.append(dumped(message))
        if lines := await self._lines.new():
            found.append(dumped({"type": "log", "lines": lines}))
        return found


async def _send(socket: web.WebSocketResponse, text: str) -> None:
    async with asyncio.timeout(SEND_LIMIT_S):
        await socket.send_str(text)


async def _still_signed_in(request: Request, allowed: frozenset[str]) -> bool:
    """Whether the session that opened the line still lives and still has a role that may."""
    context = ctx(request)
    found = await sign_in.session(context.db, request.cookies.get(SESSION_COOKIE, ""), context.clock())
    return found is not None and found.user.role in allowed


async def quality(request: Request) -> Response:
    """How well each participant is connected and was in the last quarter of an hour; with ?after= (microseconds) only what is later."""
    after = request.query.get("after", "0")
    after_us = int(after) if after.isdecimal() and len(after) <= LONGEST_TIME else 0
    found = ctx(request).hub.quality(request.match_info["sitting"], after_us)
    return answer(history(found, feed_of(ctx(request)).now_us(), gettext(request)))


# ------------------------------------------------------------------------------------------------ acts


async def acknowledge(request: Request) -> Response:
    """An alert was seen; the alert stays until what it is about is over."""
    body = await json_of(request)
    sitting, alert = request.match_info["sitting"], str(body.get("alert", ""))
    try:
        await ctx(request).hub.acknowledge(sitting, alert, me(request).name)
    except UserError as error:
        return problem(request, 409, translate(request, f"error.{error.code}"), code=error.code)
    return answer({"acknowledged": alert})


LONGEST_MESSAGE = 1000


async def message(request: Request) -> Response:
    """Write to the people named, or to everybody who is there. They see it above everything else; log and audit keep it."""
    body, sitting, _ = await json_of(request), request.match_info["sitting"], gettext(request)
    text, people = body.get("text"), body.get("participants", [])
    if not isinstance(text, str) or not isinstance(people, list) or not all(isinstance(each, str) for each in people):
        raise web.HTTPBadRequest
    if len(text) > LONGEST_MESSAGE:
        return problem(request, 422, _("error.too_long", most=LONGEST_MESSAGE), code="too_long")
    user = me(request)
    try:
        await ctx(request).hub.notify(sitting, text, tuple(dict.fromkeys(people)), user=user.id, name=user.name)
    except UserError as error:
        return problem(request, 409, translate(request, f"error.{error.code}"), code=error.code)
    detail = {"sitting": sitting, "participants": people}
    await audit.record(ctx(request).db, user, "message_sent", _name(request, sitting), detail=detail)
    return answer({"sent": True})


async def watch_socket(request: Request) -> Response:
    """Watch silently: an observer's connection to the conference. The chair's list, the log and the audit show it.

    ?view= names this watch, so that a connection that broke comes back as the same observer.
    """
    context, user, sitting = ctx(request), me(request), request.match_info["sitting"]
    socket = new_socket()
    await socket.prepare(request)
    endpoint = observer_endpoint(request, sitting)
    is_open = context.hub.overview(sitting) is not None
    if is_open:
        await _note(request, "watch", sitting, endpoint)
    guard = asyncio.create_task(_close_when_signed_out(request, socket))
    try:
        await context.hub.serve_socket(socket, Ticket(sitting, endpoint, "observer", (), user.name, user=user.id))
    finally:
        guard.cancel()
        if is_open:  # the end is kept although the request may be cancelled with its connection
            await asyncio.shield(asyncio.create_task(_note(request, "watch_ended", sitting, endpoint)))
    return socket


async def _note(request: Request, action: str, sitting: str, endpoint: str) -> None:
    await audit.record(ctx(request).db, me(request), action, _name(request, sitting), detail={"sitting": sitting, "endpoint": endpoint})


def _name(request: Request, sitting: str) -> str:
    """The case number, as the audit names a sitting."""
    overview = ctx(request).hub.overview(sitting)
    return overview.case_number if overview else sitting


def observer_endpoint(request: Request, sitting: str) -> str:
    """The same for the same session, sitting and view; nobody else can name it."""
    found = session(request)
    secret = found.token_hash if found else ""
    view = request.query.get("view", "")[:100]
    return "watch-" + hashlib.sha256(f"{secret}/{sitting}/{view}".encode()).hexdigest()[:24]


async def _close_when_signed_out(request: Request, socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        await asyncio.sleep(ALIVE_S)
        if not await _still_signed_in(request, WATCHES.roles):
            await socket.close(code=CloseCode.UNAUTHORISED)


ROUTES = (
    Route("GET", "/console", board_page, READS),
    Route("GET", "/console/sittings/{sitting}", sitting_page, READS),
    Route("GET", "/console/sittings/{sitting}/quality", quality, READS, answers="data"),
    Route("GET", "/ws/console", console_socket, READS, answers="socket"),
    Route("GET", "/ws/console/sittings/{sitting}", watch_socket, WATCHES, answers="socket"),
    Route("POST", "/console/sittings/{sitting}/message", message, READS, answers="data"),
    Route("POST", "/console/sittings/{sitting}/acknowledge", acknowledge, READS, answers="data"),
)
