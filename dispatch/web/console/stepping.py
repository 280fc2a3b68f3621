"""What officers do in a live sitting, from its page in the command centre."""

from __future__ import annotations

from dispatch.console.stepping import acts
from dispatch.console.stepping.acts import Act
from dispatch.web.access import OFFICER, Route, roles
from dispatch.web.request import Request, Response, answer, ctx, gettext, json_of, me
from dispatch.web.translations import LANGUAGES, catalogue


async def step_in(request: Request) -> Response:
    """Mute, let in, send out, have the recording begin anew, give more time, end by force: by rank and with a reason."""
    body, context = await json_of(request), ctx(request)
    minutes = body.get("minutes", 0)
    wanted = Act(
        act=str(body.get("act", "")),
        reason=str(body.get("reason", "")),
        participant=str(body.get("participant", "")),
        source=str(body.get("source", "microphone")),
        minutes=minutes if isinstance(minutes, int) else 0,
    )
    words = [catalogue(language).gettext for language in LANGUAGES]
    sitting = request.match_info["sitting"]
    await acts.step_in(context.db, context.hub, sitting, wanted, me(request), context.clock(), words)
    if wanted.act == "time":
        await context.live.revised(sitting)
    return answer({"done": wanted.act, "text": gettext(request)("centre.done." + wanted.act)})


async def watchers(request: Request) -> Response:
    """Name the officers who may watch a sitting that not every officer may."""
    body, context = await json_of(request), ctx(request)
    users = body.get("users", [])
    named = [str(user) for user in users] if isinstance(users, list) else []
    await acts.name_watchers(context.db, request.match_info["sitting"], named, me(request), context.clock())
    await context.live.revised(request.match_info["sitting"])
    return answer({"named": len(named)})


ROUTES = (
    Route("POST", "/console/sittings/{sitting}/step-in", step_in, roles(OFFICER), answers="data"),
    Route("POST", "/console/sittings/{sitting}/watchers", watchers, roles(OFFICER), answers="data"),
)
