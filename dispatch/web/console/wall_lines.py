"""The lines of the wall: what a wall shows, pushed to each of its windows; and the silent watch of what stands on it, always in somebody's
name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from dispatch import audit
from dispatch.console.ranks import Rank, rank_of
from dispatch.console.wall import presets, screens
from dispatch.console.wall.told import told, told_of_feed
from dispatch.console.wall.walls import Answering, Going, Looking, Place, Walls
from dispatch.errors import NotFound
from dispatch.identity import people, sign_in
from dispatch.store.tables import User
from dispatch.web.access import OFFICER, SCREEN, Route, roles
from dispatch.web.assets import ASSETS
from dispatch.web.console.feed import feed_of
from dispatch.web.console.lines import only_tells
from dispatch.web.console.parts import dumped
from dispatch.web.context import Context
from dispatch.web.middleware import SCREEN_COOKIE, SESSION_COOKIE
from dispatch.web.request import Request, Response, ctx, gettext, language, session, wall_screen
from rooms.hub import Hub
from rooms.plan import Ticket
from rooms.protocol import CloseCode, Farewell
from rooms.signalling import new_socket, refuse

COALESCE_S = 0.2
"""Changes within this time go out as one message."""
SOURCES_EVERY_S = 2.0
"""The list that windows are filled from is told at most so often: with a hundred sittings it is large."""
ALIVE_S = 4.0
SEND_LIMIT_S = 10.0
MOST_SCREEN = 4
"""digits of a screen's number"""

OWN = "own"
MAY_SHOW = roles(OFFICER) | SCREEN


def leads(user: User) -> bool:
    """Whether an officer's rank lets him change what all have: the screens of the room, and presets."""
    return (rank_of(user) or 0) >= Rank.LEAD


_walls: WeakKeyDictionary[Hub, Walls] = WeakKeyDictionary()


def walls_of(context: Context) -> Walls:
    """The walls of this site."""
    found = _walls.get(context.hub)
    if found is None:

        def overview(sitting: str) -> Mapping[str, Any] | None:
            known = context.hub.overview(sitting)
            return known.to_json() if known else context.hub.feeds.overview(sitting)

        found = _walls[context.hub] = Walls(context.db, overview)
        context.hub.feeds.on_change(found.changed)
    return found


def officer_at(request: Request) -> User | None:
    """The officer who is signed in; whoever else is signed in at a screen's own computer is not asked for here."""
    found = session(request)
    return found.user if found is not None and found.user.role == OFFICER else None


def place_of(request: Request) -> Place:
    """The wall that the address names: an officer's own, or a screen; of screens that ask, each its own alone. Raises NotFound."""
    named, screen = request.match_info["wall"], wall_screen(request)
    number = int(named) if named.isascii() and named.isdigit() and len(named) <= MOST_SCREEN else None
    user = officer_at(request)
    if user is None:
        if screen is None or number != screen.number:
            raise web.HTTPForbidden
        return Place(number=number)
    if named == OWN:
        return Place(owner=user.id)
    if number is None:
        raise NotFound("screen_unknown")
    return Place(number=number)


# ------------------------------------------------------------------------------------------------ what a wall shows


async def wall_socket(request: Request) -> Response:
    """What a wall shows, complete on every change; with ?console=1, for an officer, the screens, the presets and what there is to be put as
    well. The browser says nothing. The line ends when the session does, or the screen's sign-in."""
    walls, place = walls_of(ctx(request)), place_of(request)
    going = await walls.wall(place)
    console = officer_at(request) is not None and request.query.get("console") == "1"
    return await only_tells(request, lambda socket: _Line(request, socket, going, console=console).tell())


class _Line:
    """One window's line. Each kind of message is sent when it differs from the last one of its kind."""

    def __init__(self, request: Request, socket: web.WebSocketResponse, going: Going, *, console: bool) -> None:
        self._request, self._socket, self._going, self._console = request, socket, going, console
        self._walls = walls_of(ctx(request))
        self._told: dict[str, str] = {}
        self._sources_at = 0.0
        self._room_version = -1

    async def tell(self) -> None:
        """Until the browser does not take it any more or may not have it."""
        feed, loop = feed_of(ctx(self._request)), asyncio.get_running_loop()
        with ExitStack() as stack:
            looking = stack.enter_context(self._walls.look(self._going))
            live = stack.enter_context(feed.listen())
            woken = asyncio.create_task(_pass_on(live, looking))
            stack.callback(woken.cancel)
            if self._console:
                stack.enter_context(self._walls.look_at_room(looking))
            while not self._socket.closed:
                due_s = self._walls.turn(self._going)
                board = await feed.message(language(self._request))
                sent = await self._say("wall", self._wall(board["sittings"]))
                if self._console:
                    if self._room_version != self._walls.room_version:
                        self._room_version = self._walls.room_version
                        sent |= await self._say("room", await self._room())
                    if loop.time() - self._sources_at >= SOURCES_EVERY_S:
                        self._sources_at = loop.time()
                        sent |= await self._say("sources", self._sources(board["sittings"]))
                if not sent:
                    await self._send(dumped({"type": "alive"}))
                await asyncio.sleep(COALESCE_S)
                await looking.wait(max(0.0, min(ALIVE_S, due_s)))
                if live.over:
                    await self._socket.close(code=CloseCode.RESTARTING)
                elif self._going.gone:
                    await self._socket.close(code=CloseCode.NOT_FOUND)
                elif not await may_look(self._request, self._going.place):
                    await self._socket.close(code=CloseCode.UNAUTHORISED)

    async def _say(self, kind: str, body: dict[str, Any]) -> bool:
        text = dumped({"type": kind} | body)
        if self._told.get(kind) == text:
            return False
        self._told[kind] = text
        await self._send(text)
        return True

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(SEND_LIMIT_S):
            await self._socket.send_str(text)

    def _wall(self, board: list[dict[str, Any]]) -> dict[str, Any]:
        going = self._going
        shown = going.shown(self._walls.is_on)
        wanted = {source.sitting for source in shown if source} | going.arrangement.sittings()
        turning = going.arrangement.patrol
        return {
            "build": self._request.app[ASSETS].build,
            "number": going.place.number,
            "name": going.name,
            "arrangement": going.arrangement.to_json(),
            "shown": [source.to_json() if source else None for source in shown],
            "on": [self._walls.is_on(source) for source in turning.sources] if turning else [],
            "answers": {sitting: each.name for sitting, each in going.answers.items()},
            "sittings": [*(self._told_of(each) for each in board if each["id"] in wanted), *self._feeds(wanted)],
        }

    async def _room(self) -> dict[str, Any]:
        db = ctx(self._request).db
        listed = [
            {
                "number": screen.number,
                "name": screen.name,
                "lit": self._walls.lit(Place(number=screen.number)),
                "signed_in": screen.token_hash is not None,
                "waits": screen.code_hash is not None,
            }
            for screen in await screens.list_screens(db)
        ]
        kept = [{"id": each.id, "name": each.name, "key": each.key} for each in await presets.list_presets(db)]
        return {"screens": listed, "presets": kept}

    def _sources(self, board: list[dict[str, Any]]) -> dict[str, Any]:
        held = (self._told_of(each) for each in board if each["status"] in ("planned", "open", "live", "recess"))
        return {"sources": [*held, *self._feeds()]}

    def _feeds(self, wanted: Collection[str] | None = None) -> list[dict[str, Any]]:
        """The live videos of the field, all or those of these ids."""
        words, tag, feeds = gettext(self._request), language(self._request), ctx(self._request).hub.feeds.overviews()
        return [told_of_feed(feed, words, tag) for feed in feeds if wanted is None or feed["id"] in wanted]

    def _told_of(self, situation: dict[str, Any]) -> dict[str, Any]:
        overview = ctx(self._request).hub.overview(situation["id"])
        return told(situation, overview.to_json() if overview else None)


async def _pass_on(live: Any, looking: Looking) -> None:
    """What wakes the console wakes the wall: sittings change."""
    while True:
        if await live.wait(ALIVE_S):
            looking.wake()


async def may_look(request: Request, place: Place) -> bool:
    """Whether the session, or the screen's own sign-in, by which a window was opened is still good for this wall."""
    context = ctx(request)
    if officer_at(request) is not None:
        found = await sign_in.session(context.db, request.cookies.get(SESSION_COOKIE, ""), context.clock())
        return found is not None and found.user.role == OFFICER and place.owner in ("", found.user.id)
    screen = await screens.screen(context.db, request.cookies.get(SCREEN_COOKIE, ""))
    return screen is not None and screen.number == place.number


# ------------------------------------------------------------------------------------------------ the watch


async def watch_socket(request: Request) -> Response:
    """Watch silently what stands on this wall: the chair's list, the log and the audit show in whose name. ?view= names the window, so
    that a connection that broke comes back as the same observer."""
    context, sitting = ctx(request), request.match_info["sitting"]
    walls, place = walls_of(context), place_of(request)
    going = await walls.wall(place)
    officer = await _in_whose_name(request, going, sitting)
    socket = new_socket()
    await socket.prepare(request)
    if officer is None or not _shows(walls, going, sitting):
        await refuse(socket, Farewell(code=CloseCode.FORBIDDEN, reason="off_wall"))
        return socket
    endpoint = _endpoint(request, place, sitting, officer)
    subject = _subject(context.hub, sitting)
    if subject:
        await _note(request, "watch", subject, sitting, endpoint, going, officer)
    guard = asyncio.create_task(_close_when_taken_off(request, socket, going, sitting, officer))
    try:
        await context.hub.serve_socket(socket, Ticket(sitting, endpoint, "observer", (), officer.name, user=officer.id))
    finally:
        guard.cancel()
        if subject:  # the end is kept although the request may be cancelled with its connection
            await asyncio.shield(asyncio.create_task(_note(request, "watch_ended", subject, sitting, endpoint, going, officer)))
    return socket


def _shows(walls: Walls, going: Going, sitting: str) -> bool:
    return any(source is not None and source.sitting == sitting for source in going.shown(walls.is_on))


async def _in_whose_name(request: Request, going: Going, sitting: str) -> User | None:
    """Whoever is signed in at a window watches himself. At a screen by its own sign-in nobody is: there it is the officer who put the
    sitting on it, as long as he has the rank to; None where there is none."""
    if (signed_in := officer_at(request)) is not None:
        return signed_in
    found: Answering | None = going.answers.get(sitting)
    if found is None:
        return None
    try:
        user = await people.get_user(ctx(request).db, found.user)
    except NotFound:
        return None
    return user if user.active and leads(user) else None


async def _close_when_taken_off(request: Request, socket: web.WebSocketResponse, going: Going, sitting: str, officer: User) -> None:
    """End the watch when the sitting stands there no more, nobody answers for it, or the window may not look any more. A window takes
    leave by itself; this is for one that does not."""
    walls = walls_of(ctx(request))
    while not socket.closed:
        await asyncio.sleep(ALIVE_S)
        answers = await _in_whose_name(request, going, sitting)
        if not await may_look(request, going.place):
            await socket.close(code=CloseCode.UNAUTHORISED)
        elif going.gone or not _shows(walls, going, sitting) or answers is None or answers.id != officer.id:
            await socket.close(code=CloseCode.FORBIDDEN)


def _subject(hub: Hub, sitting: str) -> str:
    """What the audit calls it: the case's number, or who sends a live video; "" for what does not go on."""
    overview, feed = hub.overview(sitting), hub.feeds.overview(sitting)
    return overview.case_number or sitting if overview else str(feed["name"]) if feed else ""


async def _note(request: Request, action: str, subject: str, sitting: str, endpoint: str, going: Going, officer: User) -> None:
    detail: dict[str, Any] = {"sitting": sitting, "endpoint": endpoint, "wall": going.place.number or OWN}
    await audit.record(ctx(request).db, officer, action, subject, detail=detail)


def _endpoint(request: Request, place: Place, sitting: str, officer: User) -> str:
    """The same for the same window, sitting and officer; nobody else can name it."""
    found, screen = session(request), wall_screen(request)
    secret = found.token_hash if found and officer_at(request) else (screen.token_hash if screen else "")
    named = f"{secret}/{place.number or place.owner}/{sitting}/{officer.id}/{request.query.get('view', '')[:100]}"
    return "wall-" + hashlib.sha256(named.encode()).hexdigest()[:24]


ROUTES = (
    Route("GET", "/ws/console/wall/{wall}", wall_socket, MAY_SHOW, answers="socket"),
    Route("GET", "/ws/console/wall/{wall}/sittings/{sitting}", watch_socket, MAY_SHOW, answers="socket"),
)
