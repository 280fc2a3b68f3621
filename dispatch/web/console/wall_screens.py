"""The screens of the room: shift leaders add them and take their sign-in away; a screen's own computer signs in by a code."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from dispatch.console.ranks import Rank, require
from dispatch.console.wall import screens
from dispatch.console.wall.walls import Place
from dispatch.errors import NotFound, UserError
from dispatch.store.wall_tables import Wall
from dispatch.web.access import OFFICER, PUBLIC, Route, roles
from dispatch.web.assets import FOLDER
from dispatch.web.attempts import ENROL_ATTEMPTS
from dispatch.web.console.wall_lines import MOST_SCREEN, walls_of
from dispatch.web.formats import clock
from dispatch.web.middleware import SCREEN_COOKIE, YEAR
from dispatch.web.request import (
    Request,
    Response,
    address,
    answer,
    ctx,
    error_text,
    form,
    gettext,
    me,
    render,
    see_other,
    set_cookie,
    zone,
)

OFFICERS = roles(OFFICER)


async def add(request: Request) -> Response:
    """A new screen: the code by which its computer signs in is in this answer and in no other."""
    require(me(request), Rank.LEAD)
    context = ctx(request)
    code, screen = await screens.add(context.db, (await form(request)).get("name", ""), me(request), context.clock())
    walls_of(context).forget(Place(number=screen.number))
    return answer(_code(request, code, screen))


async def renew(request: Request) -> Response:
    """Another code; the computer that is signed in for the screen is signed out."""
    require(me(request), Rank.LEAD)
    context = ctx(request)
    code, screen = await screens.renew(context.db, _number(request), me(request), context.clock())
    walls_of(context).wake(Place(number=screen.number))
    return answer(_code(request, code, screen))


async def revoke(request: Request) -> Response:
    """Take a screen's sign-in away: it shows nothing from then on."""
    require(me(request), Rank.LEAD)
    context = ctx(request)
    await screens.revoke(context.db, _number(request), me(request), context.clock())
    walls_of(context).wake(Place(number=_number(request)))
    return answer({"revoked": True})


async def remove(request: Request) -> Response:
    """Delete a screen."""
    require(me(request), Rank.LEAD)
    context = ctx(request)
    await screens.remove(context.db, _number(request), me(request), context.clock())
    walls_of(context).forget(Place(number=_number(request)))
    return answer({"removed": True})


def _number(request: Request) -> int:
    named = request.match_info["screen"]
    if not (named.isascii() and named.isdigit() and len(named) <= MOST_SCREEN):
        raise NotFound("screen_unknown")
    return int(named)


def _code(request: Request, code: str, screen: Wall) -> dict[str, Any]:
    return {
        "number": screen.number,
        "name": screen.name,
        "code": code,
        "address": f"{ctx(request).settings.public_url}/wall-screen",
        "until": clock(screen.code_expires_at, zone(request)) if screen.code_expires_at else "",
    }


async def show(request: Request) -> Response:
    """Where a screen's computer begins: the field for the code, or at once what it shows."""
    screen = await screens.screen(ctx(request).db, request.cookies.get(SCREEN_COOKIE, ""))
    if screen is not None:
        return see_other(f"/console/wall/screens/{screen.number}")
    return render(request, "console/wall_enrol.html", code="", error="")


async def enrol(request: Request) -> Response:
    """Exchange the code for the screen's cookie."""
    context, code, _ = ctx(request), (await form(request)).get("code", ""), gettext(request)
    if not request.app[ENROL_ATTEMPTS].allowed(address(request), context.clock().timestamp()):
        text = _("Too many tries. Wait ten minutes and ask an officer for a new code.")
        return render(request, "console/wall_enrol.html", status=429, code="", error=text)
    try:
        token, screen = await screens.enrol(context.db, code, context.clock())
    except UserError as error:
        return render(request, "console/wall_enrol.html", status=error.status, code=code, error=error_text(request, error))
    walls_of(context).wake(Place(number=screen.number))
    response = see_other(f"/console/wall/screens/{screen.number}")
    set_cookie(request, response, SCREEN_COOKIE, token, max_age=YEAR)
    return response


async def waiting_page(request: Request) -> Response:
    """What a screen shows while the server is away: its browser keeps it, and it tries again by itself."""
    return render(request, "console/wall_waiting.html")


async def waiting_script(request: Request) -> Response:
    """The worker that shows it. It is served here, as a worker stands before the addresses beside its own."""
    return web.FileResponse(FOLDER / "js/wall-waiting.js", headers={"Cache-Control": "no-cache"})


ROUTES = (
    Route("GET", "/console/wall/screens/waiting", waiting_page, PUBLIC),
    Route("GET", "/console/wall/screens/waiting.js", waiting_script, PUBLIC),
    Route("POST", "/console/wall-screens", add, OFFICERS, answers="data"),
    Route("POST", "/console/wall-screens/{screen}/code", renew, OFFICERS, answers="data"),
    Route("POST", "/console/wall-screens/{screen}/revoke", revoke, OFFICERS, answers="data"),
    Route("POST", "/console/wall-screens/{screen}/remove", remove, OFFICERS, answers="data"),
    Route("GET", "/wall-screen", show, PUBLIC),
    Route("POST", "/wall-screen", enrol, PUBLIC),
)
