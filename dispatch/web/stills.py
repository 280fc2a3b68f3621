"""Stills of a face and of a document: sent by chair or clerk from the hearing's page, and looked at by them."""

from __future__ import annotations

from aiohttp import web

from dispatch import audit
from dispatch.sittings import stills
from dispatch.web.access import CLERK, JUDGE, PROSECUTOR, Route, roles
from dispatch.web.entrants import entrant
from dispatch.web.request import Request, Response, answer, ctx, me, problem, translate


async def _member_of_the_desk(request: Request) -> str:
    """The participant, inside with a right of the desk, as whom the user asks; "" for everybody else. The live plane says who."""
    found = await entrant(request, make=False)
    if found is None or found.via != "staff":
        return ""
    hub = ctx(request).hub
    return next((p.id for p in found.participants if hub.keeps_the_desk(found.sitting.id, p.id)), "")


async def keep(request: Request) -> Response:
    """Keep the JPEG of the body, at most 1 MB: ``{"id": its SHA-256}``. The log of the sitting names it."""
    participant = await _member_of_the_desk(request)
    if not participant:
        return problem(request, 403, translate(request, "You may not open this"))
    context, sitting = ctx(request), request.match_info["sitting"]
    still = await stills.keep(context.settings.stills, sitting, await request.read())
    size = (await stills.path_of(context.settings.stills, sitting, still)).stat().st_size
    await context.live.still_kept(sitting, participant, still, size)
    await audit.record(context.db, me(request), "still_kept", sitting, detail={"sitting": sitting, "still": still})
    return answer({"id": still})


async def show(request: Request) -> web.StreamResponse:
    """A still of this sitting; each look is audited."""
    if not await _member_of_the_desk(request):
        return problem(request, 403, translate(request, "You may not open this"))
    context, sitting, still = ctx(request), request.match_info["sitting"], request.match_info["still"]
    path = await stills.path_of(context.settings.stills, sitting, still)
    await audit.record(context.db, me(request), "still_viewed", sitting, detail={"sitting": sitting, "still": still})
    return web.FileResponse(path, headers={"Content-Type": stills.MEDIA_TYPE, "Cache-Control": "private, no-store"})


_DESK = roles(CLERK, JUDGE, PROSECUTOR)
ROUTES = (
    Route("POST", "/sittings/{sitting}/stills", keep, _DESK, answers="data"),
    Route("GET", "/sittings/{sitting}/stills/{still}", show, _DESK, answers="data"),
)
