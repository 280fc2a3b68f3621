"""The hearing's page, its WebSocket, and its log for those who conduct it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aiohttp import web

from dispatch.archive import explanations, recordings
from dispatch.booking import extension
from dispatch.console.event_words import EventWords
from dispatch.errors import NotFound, UserError
from dispatch.identity.invitations import LinkRefused
from dispatch.sittings import sittings
from dispatch.sittings.nouns import nouns
from dispatch.store.tables import Participant, Sitting
from dispatch.web.access import CLERK, DEVICE, JUDGE, LINK, PROSECUTOR, PUBLIC, Route, roles
from dispatch.web.entrants import ENDED, Entrant, by_device, entrant, remember
from dispatch.web.joining import ended, has_consented, is_early, opens_at, refused
from dispatch.web.request import Request, Response, answer, ctx, error_text, gettext, me, problem, render, see_other, translate, visitor
from rooms.protocol import CloseCode, Farewell
from rooms.signalling import new_socket, refuse


def conducts(person: Participant) -> bool:
    """Whether somebody conducts the hearing, and so reads its log: who presides, and the clerk."""
    return person.presides or person.role == "clerk"


def leads(found: Entrant) -> bool:
    """Whether one of the people conducts the hearing."""
    return any(conducts(person) for person in found.participants)


async def show(request: Request) -> Response:
    """The hearing: waiting room first for those who have to be let in."""
    try:
        found = await entrant(request, make=True)
    except UserError as error:
        return refused(request, error)
    if found is None:
        raise web.HTTPForbidden
    sitting = found.sitting
    if sitting.status in ENDED:
        return ended(request, sitting)
    if found.via == "link" and not has_consented(found.participants[0]):
        return see_other(f"/join/sitting/{sitting.id}/")
    if is_early(request, sitting):
        return render(request, "join/early.html", sitting=sitting, person=found.participants[0], opens_at=opens_at(request, sitting))
    await ctx(request).live.ensure_open(sitting.id)
    room = f"/device/sittings/{sitting.id}" if found.via == "device" else ""
    if room and not (await by_device(request)).participants:
        return see_other(f"{room}/people")
    data: dict[str, Any] = {
        "sitting": sitting.id,
        "kind": sitting.kind,
        "socket": f"/ws/sittings/{sitting.id}?via={found.via}",
        "time_zone": ctx(request).settings.time_zone,
        "lobby": found.via == "staff",
        "room": room,
        "citizen": found.via == "link",
        "home": {"staff": "/", "device": "/device", "link": ""}[found.via],
        "extend_url": f"/hearing/{sitting.id}/extend" if found.via == "staff" and leads(found) else "",
        "seal_url": f"/hearing/{sitting.id}/seal?via={found.via}",
        "log_url": f"/hearing/{sitting.id}/log" if leads(found) else "",
    }
    noun = nouns(gettext(request), sitting.kind)
    response = render(request, "hearing/hearing.html", sitting=sitting, people=found.participants, data=data, noun=noun)
    remember(request, response, found)
    return response


async def serve_socket(request: Request) -> Response:
    """The conference's WebSocket. The middleware has checked the Origin; who it is says the same cookie as for the page.

    Whoever has no business here is told so by a close code: a refused handshake looks to a page like a broken network.
    """
    socket = new_socket()
    await socket.prepare(request)
    context = ctx(request)
    try:
        found = await entrant(request, make=False)
        sitting = found.sitting if found else await sittings.in_sight(context.db, request.match_info["sitting"])
        if sitting.status in ENDED:  # a cancellation voids the links, and who held one is to hear of it all the same
            await refuse(socket, Farewell(code=CloseCode.CLOSED, reason=sitting.status))
            return socket
        if found is None:
            await refuse(socket, Farewell(code=CloseCode.UNAUTHORISED, reason="unauthorised"))
            return socket
        if is_early(request, found.sitting):
            await refuse(socket, Farewell(code=CloseCode.NOT_FOUND, reason="not_open"))
            return socket
        if found.via == "link" and not has_consented(found.participants[0]):
            await refuse(socket, Farewell(code=CloseCode.FORBIDDEN, reason="consent_missing"))
            return socket
        await context.live.ensure_open(found.sitting.id)
    except UserError as error:
        await refuse(socket, _farewell(error))
        return socket
    user = visitor(request) if found.via == "staff" else None
    await context.hub.serve_socket(socket, found.ticket(user.id if user else ""))
    return socket


def _farewell(error: UserError) -> Farewell:
    if isinstance(error, LinkRefused) and error.code == "link_revoked":
        return Farewell(code=CloseCode.REMOVED, reason="revoked")
    if error.code == "log_unwritable":
        return Farewell(code=CloseCode.RESTARTING, reason=error.code)
    return Farewell(code=CloseCode.NOT_FOUND if error.status == 404 else CloseCode.UNAUTHORISED, reason=error.code)


async def log_lines(request: Request) -> Response:
    """The sitting's log in words, after ?after=, for chair and clerk."""
    found = await entrant(request, make=False)
    if found is None or not leads(found):
        return problem(request, 403, translate(request, "You may not open this"))
    after = request.query.get("after", "0")
    if not after.isdecimal():
        return problem(request, 422, translate(request, "The request was not understood"), code="malformed")
    lines = EventWords(gettext(request)).lines(await ctx(request).hub.rows(found.sitting.id))
    return answer({"lines": [line for line in lines if line["seq"] > int(after)]})


async def seal(request: Request) -> Response:
    """Whoever was in the hearing, after its end: whether the recording is sealed; and for those of the staff who conducted it and may see
    recordings where it is played, and whether a written explanation of faults is asked of the one who asks."""
    found = await entrant(request, make=False)
    if found is None or found.sitting.status != "closed":
        return problem(request, 403, translate(request, "You may not open this"))
    db, sitting = ctx(request).db, found.sitting.id
    said = {"sealed": await recordings.is_sealed(db, sitting), "playback": "", "explain": ""}
    user = visitor(request) if found.via == "staff" and leads(found) else None
    if said["sealed"] and user is not None:
        with suppress(NotFound):
            await recordings.get(db, user, sitting)
            said["playback"] = f"/archive/{sitting}"
            asked = (await explanations.of(db, [sitting])).get(sitting)
            if asked is not None and asked.signed_at is None and explanations.presides(user, found.sitting):
                said["explain"] = f"/archive/{sitting}/explanation"
    return answer(said)


async def _conducted(request: Request) -> Sitting | None:
    """The sitting, where the one who asks is its chair or clerk."""
    user = me(request)
    sitting = await sittings.in_sight(ctx(request).db, request.match_info["sitting"])
    return sitting if any(person.user_id == user.id and conducts(person) for person in sitting.participants) else None


async def extensible(request: Request) -> Response:
    """Chair or clerk of the sitting: by how much it can be extended now, and what is in the way of more."""
    context, sitting = ctx(request), await _conducted(request)
    if sitting is None:
        return problem(request, 403, translate(request, "You may not open this"))
    found = await extension.possible(context.db, sitting.id, context.clock())
    return answer({"steps": [{"minutes": minutes, "why": error_text(request, why) if why else ""} for minutes, why in found.items()]})


async def extend(request: Request) -> Response:
    """Chair or clerk of the sitting: more time, where room and people are free; else what is in the way."""
    context, user, sitting = ctx(request), me(request), await _conducted(request)
    if sitting is None:
        return problem(request, 403, translate(request, "You may not open this"))
    try:
        body = await request.json()
        minutes = int(body["minutes"])
    except (ValueError, KeyError, TypeError):
        return problem(request, 422, translate(request, "The request was not understood"), code="malformed")
    sitting = await extension.extend(context.db, sitting.id, minutes, user, context.clock())
    await context.live.revised(sitting.id)
    return answer({"ends_at_us": int(sitting.ends_at.timestamp() * 1_000_000)})


_ENTERS = LINK | DEVICE | roles(CLERK, JUDGE, PROSECUTOR)
ROUTES = (
    Route("GET", "/hearing/{sitting}", show, _ENTERS),
    Route("GET", "/hearing/{sitting}/log", log_lines, _ENTERS, answers="data"),
    Route("GET", "/hearing/{sitting}/seal", seal, _ENTERS, answers="data"),
    Route("GET", "/hearing/{sitting}/extend", extensible, roles(CLERK, JUDGE, PROSECUTOR), answers="data"),
    Route("POST", "/hearing/{sitting}/extend", extend, roles(CLERK, JUDGE, PROSECUTOR), answers="data"),
    Route("GET", "/ws/sittings/{sitting}", serve_socket, PUBLIC, answers="socket"),
)
