"""The phone page of people in the field: a page that opens without a connection, what there is to do as data, and what was done."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from aiohttp import web

from dispatch.console.field import listing, orders, positions, teams
from dispatch.console.field.listing import Whole
from dispatch.console.field.orders import Doing
from dispatch.console.field.tasks import TEAM, Act, is_overdue
from dispatch.errors import UserError
from dispatch.store.field_tables import TeamMember
from dispatch.web.access import FIELD, Route, roles
from dispatch.web.assets import ASSETS, FOLDER
from dispatch.web.console.field_files import body_of
from dispatch.web.request import Request, Response, answer, csrf, ctx, me, render, translate

IN_THE_FIELD = roles(FIELD)
GEOLOCATION = "camera=(self), microphone=(self), geolocation=(self), usb=()"
"""The only page that may ask where it is."""
FIRST_MS, LAST_MS = 1_500_000_000_000, 7_000_000_000_000


async def show(request: Request) -> Response:
    """The page; it holds nothing of any task, so that a phone may keep it."""
    response = render(request, "field/page.html")
    response.headers["Permissions-Policy"] = GEOLOCATION
    return response


async def state(request: Request) -> Response:
    """What the phone shows: who he is, his tasks, and the token for what he does."""
    return answer(await _state(request))


async def act(request: Request) -> Response:
    """{"act", "key", "text", "done_at_ms", "position", "files"}: what is so then. Under the same key it is done once."""
    given, context = await body_of(request), ctx(request)
    what = given.get("act")
    if what not in TEAM:
        raise UserError("task_act_unknown", "act")
    named = given.get("files", [])
    doing = Doing(
        text=str(given.get("text") or ""),
        fix=positions.fix_of(given["position"]) if isinstance(given.get("position"), dict) else None,
        done_at=_moment(given.get("done_at_ms")),
        key=str(given.get("key") or ""),
        files=tuple(str(each) for each in named) if isinstance(named, list) else (),
    )
    await orders.act(context.db, request.match_info["task"], cast("Act", what), me(request), context.clock(), doing)
    return answer(await _state(request))


async def position(request: Request) -> Response:
    """Where the phone is now: {"latitude", "longitude", "accuracy_m", "system", "at_ms"}; {"kept"}: whether it is wanted at all."""
    given, context = await body_of(request), ctx(request)
    now = context.clock()
    fix = positions.fix_of(given)
    return answer({"kept": await positions.note(context.db, me(request), fix, _moment(given.get("at_ms")) or now, now)})


async def agree(request: Request) -> Response:
    """{"agrees": true or false}: that his position is sent while a task is under way."""
    given, context = await body_of(request), ctx(request)
    await positions.agree(context.db, me(request), given.get("agrees") is True, context.clock())
    return answer(await _state(request))


async def manifest(request: Request) -> Response:
    """What a phone needs to put the page among its own programs (W3C Web Application Manifest)."""
    name = translate(request, "Tasks in the field")
    made = {
        "id": "/field",
        "name": name,
        "short_name": translate(request, "My tasks"),
        "start_url": "/field",
        "scope": "/field",
        "display": "standalone",
        "background_color": "#f7f8fa",
        "theme_color": "#17365d",
        "icons": [{"src": request.app[ASSETS].url("emblem.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    response = web.Response(text=json.dumps(made, ensure_ascii=False), content_type="application/manifest+json", charset="utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


async def worker(request: Request) -> Response:
    """The page's service worker, of this build: with another build the browser takes the new one."""
    source = (FOLDER / "js" / "field" / "worker.js").read_text(encoding="utf-8")
    text = f"self.BUILD = {json.dumps(request.app[ASSETS].build)};\n{source}"
    response = web.Response(text=text, content_type="text/javascript", charset="utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/field"
    return response


async def _state(request: Request) -> dict[str, Any]:
    context, user = ctx(request), me(request)
    now = context.clock()
    member = await teams.member_of(context.db, user.id)
    team = await teams.get(context.db, member.team_id) if member is not None else None
    return {
        "csrf": csrf(request),
        "me": {"id": user.id, "name": user.name, "agrees": member is not None and member.agreed_at is not None},
        "team": {"name": team.name, "name_en": team.name_en, "phone": team.phone} if team is not None else None,
        "time_zone": context.settings.time_zone,
        "now_ms": _ms(now),
        "tasks": [_task(request, whole, member, now) for whole in await listing.mine(context.db, user, now)],
    }


def _task(request: Request, whole: Whole, member: TeamMember | None, now: datetime) -> dict[str, Any]:
    task, user = whole.task, me(request)
    return {
        "id": task.id,
        "number": task.number,
        "title": task.title,
        "text": task.text,
        "place": task.place,
        "latitude": task.latitude,
        "longitude": task.longitude,
        "case": task.case.number if task.case is not None else "",
        "for": task.user.name if task.user is not None else "",
        "mine": task.user_id == user.id,
        "state": task.state,
        "deadline_ms": _ms(task.deadline),
        "overdue": is_overdue(cast("Any", task.state), task.deadline, now),
        "urged": task.urged_at is not None,
        "acts": [act for act in listing.offered(user, member, task) if act in TEAM],
        "steps": [
            {"number": step.number, "at_ms": _ms(step.done_at), "by": step.by_name, "act": step.act, "text": step.text}
            for step in whole.steps
            if step.act != "draft"
        ],
        "files": [
            {"id": file.id, "name": file.name, "type": file.media_type, "bytes": file.bytes, "step": file.step} for file in whole.files
        ],
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(given: object) -> datetime | None:
    """A moment as a phone says it, in milliseconds since 1970; None for what is none."""
    if not isinstance(given, int) or isinstance(given, bool) or not FIRST_MS < given < LAST_MS:
        return None
    return datetime.fromtimestamp(given / 1000, UTC)


ROUTES = (
    Route("GET", "/field", show, IN_THE_FIELD),
    Route("GET", "/field/manifest.webmanifest", manifest, IN_THE_FIELD, answers="data"),
    Route("GET", "/field/worker.js", worker, IN_THE_FIELD, answers="data"),
    Route("GET", "/field/state", state, IN_THE_FIELD, answers="data"),
    Route("POST", "/field/tasks/{task}/acts", act, IN_THE_FIELD, answers="data"),
    Route("POST", "/field/position", position, IN_THE_FIELD, answers="data"),
    Route("POST", "/field/agree", agree, IN_THE_FIELD, answers="data"),
)
