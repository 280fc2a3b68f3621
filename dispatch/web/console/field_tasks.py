"""Tasks of teams in the command centre: what is overdue on top, a new task, one task with its steps and what was brought."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from dispatch.booking.wall_clock import moment, wall_time
from dispatch.console.field import listing, orders, tasks, teams
from dispatch.console.field.listing import Filter
from dispatch.console.field.orders import Doing, TaskDraft
from dispatch.console.field.tasks import CENTRE, STATES
from dispatch.errors import UserError, ValidationFailed
from dispatch.store.field_tables import FieldTask
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.request import Request, Response, ctx, form, me, render, see_other, zone
from dispatch.web.sitting_form import errors_of

SEES, SENDS = roles(OFFICER, CLERK), roles(OFFICER)
BADGES = {
    "drafted": ("hollow", "pencil"),
    "sent": ("note", "bell"),
    "signed": ("note", "check"),
    "on_site": ("well", "pin"),
    "reported": ("warning", "upload"),
    "closed": ("well", "check-circle"),
    "cancelled": ("hollow", "cross-circle"),
}
"""State → how its badge looks."""
BLANK = dict.fromkeys(("title", "text", "place", "coordinates", "case_number", "to", "deadline"), "")
HOURS_TO_BEGIN_WITH = 4
NOWHERE = 999.0
"""Degrees that there are not: what was typed and is no place is refused with everything else that is wrong."""
Json = dict[str, Any]


async def overview(request: Request) -> Response:
    """The list, with its filters; ?part=rows gives the list alone, for the page that follows it."""
    context, now = ctx(request), ctx(request).clock()
    query = {name: request.query.get(name, "").strip() for name in ("team", "state", "text")}
    states = (query["state"],) if query["state"] in STATES else ()
    only = Filter(team_id=query["team"], states=states, overdue=query["state"] == "overdue", text=query["text"][:80])
    found, more = await listing.by_urgency(context.db, me(request), only, now)
    shown: Json = {
        "tasks": found,
        "more": more,
        "late": {task.id for task in found if _late(task, now)},
        "badges": BADGES,
        "counts": await listing.counts(context.db, now),
        "query": query,
    }
    if request.query.get("part") == "rows":
        return _followed(render(request, "console/field/rows.html", **shown))
    every = await teams.listed(context.db, everything=True)
    return render(request, "console/field/tasks.html", teams=every, states=STATES, sends=_sends(request), **shown)


async def show(request: Request) -> Response:
    """One task; ?part=task gives what changes of it alone."""
    data = await _told(request)
    if request.query.get("part") == "task":
        return _followed(render(request, "console/field/task_state.html", **data))
    return await _page(request, data, {})


async def _told(request: Request) -> Json:
    """What is said of a task, on its page and in the part of it that follows."""
    context, now = ctx(request), ctx(request).clock()
    whole = await listing.get(context.db, me(request), request.match_info["task"])
    return {
        "task": whole.task,
        "steps": list(reversed(whole.steps)),
        "files": {step: [file for file in whole.files if file.step == step] for step in {file.step for file in whole.files}},
        "late": _late(whole.task, now),
        "badge": BADGES[whole.task.state],
        "offered": listing.offered(me(request), None, whole.task),
        "sends": _sends(request),
        "feeds": [feed for feed in context.hub.feeds.overviews() if feed["task"] == whole.task.id],
    }


async def _page(request: Request, data: Json, refused: dict[str, str], error: ValidationFailed | None = None) -> Response:
    """The page; after a refused act with its dialog open, what was chosen and typed in it, and what is wrong."""
    return render(
        request,
        "console/field/task.html",
        status=error.status if error else 200,
        teams=await teams.listed(ctx(request).db),
        refused=refused,
        errors=_errors(request, error) if error else {},
        reasoned=tasks.REASONED,
        **data,
    )


def _followed(response: Response) -> Response:
    """A part that a page asks for again and again: with a digest, so that the page knows whether it has changed."""
    body = getattr(response, "body", b"")
    response.headers["ETag"] = f'"{hashlib.sha256(bytes(body)).hexdigest()[:20]}"'
    return response


async def new(request: Request) -> Response:
    """The form of a task; ?latitude= and ?longitude= (WGS-84) come from the map."""
    begin = wall_time(ctx(request).clock() + timedelta(hours=HOURS_TO_BEGIN_WITH), zone(request)).replace(minute=0)
    pair = [request.query.get(name, "").strip() for name in ("latitude", "longitude")]
    chosen = ", ".join(pair) if _degrees(", ".join(pair)) is not None else ""
    fields = {**BLANK, "deadline": f"{begin:%Y-%m-%dT%H:%M}", "coordinates": chosen, "to": request.query.get("team", "")}
    return await _form(request, fields)


async def create(request: Request) -> Response:
    """Draft a task, or with `act` "send" send it at once; a refusal keeps what was typed."""
    fields, context = BLANK | await form(request), ctx(request)
    place = _degrees(fields["coordinates"])
    team, _, person = fields["to"].partition("/")
    wanted = TaskDraft(
        title=fields["title"],
        text=fields["text"],
        place=fields["place"],
        team_id=team,
        user_id=person,
        deadline=_deadline(request, fields["deadline"]),
        case_number=fields["case_number"],
        latitude=place[0] if place is not None else None,
        longitude=place[1] if place is not None else None,
    )
    if fields["coordinates"] and place is None:
        wanted = replace(wanted, latitude=NOWHERE, longitude=NOWHERE)
    try:
        task = await orders.draft(context.db, wanted, me(request), context.clock())
    except ValidationFailed as error:
        return await _form(request, fields, error)
    if fields.get("act") == "send":
        await orders.act(context.db, task.id, "send", me(request), context.clock())
    return see_other(f"/console/tasks/{task.id}")


async def act(request: Request) -> Response:
    """{act, text, to, deadline}: what the centre does to a task; a refusal is said on its page."""
    fields, context = await form(request), ctx(request)
    what, task_id = fields.get("act", ""), request.match_info["task"]
    if what not in CENTRE:
        raise UserError("task_act_unknown", "act")
    team, _, person = fields.get("to", "").partition("/")
    deadline = _deadline(request, fields.get("deadline", ""))
    doing = Doing(text=fields.get("text", ""), team_id=team, user_id=person, deadline=deadline)
    try:
        await orders.act(context.db, task_id, what, me(request), context.clock(), doing)
    except ValidationFailed as error:
        return await _page(request, await _told(request), fields, error)
    return see_other(f"/console/tasks/{task_id}")


async def _form(request: Request, fields: dict[str, str], error: ValidationFailed | None = None) -> Response:
    return render(
        request,
        "console/field/new.html",
        status=error.status if error else 200,
        fields=fields,
        errors=_errors(request, error) if error else {},
        teams=await teams.listed(ctx(request).db),
        longest=orders.LONGEST,
    )


def _errors(request: Request, error: ValidationFailed) -> dict[str, list[str]]:
    found = errors_of(request, error)
    for field in ("team_id", "user_id"):
        if field in found:
            found.setdefault("to", []).extend(found.pop(field))
    return found


def _degrees(text: str) -> tuple[float, float] | None:
    """Latitude and longitude as people write them, with a comma between; None for what is none."""
    parts = text.replace("，", ",").split(",")
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        return None
    return (latitude, longitude) if orders.is_place(latitude, longitude) else None


def _deadline(request: Request, text: str) -> datetime | None:
    try:
        return moment(datetime.fromisoformat(text).replace(tzinfo=None), zone(request)) if text else None
    except (ValueError, OverflowError):
        return None


def _late(task: FieldTask, now: datetime) -> bool:
    return tasks.is_overdue(cast("tasks.State", task.state), task.deadline, now)


def _sends(request: Request) -> bool:
    return me(request).role in SENDS.roles


ROUTES = (
    Route("GET", "/console/tasks", overview, SEES),
    Route("GET", "/console/tasks/new", new, SENDS),
    Route("POST", "/console/tasks/new", create, SENDS),
    Route("GET", "/console/tasks/{task}", show, SEES),
    Route("POST", "/console/tasks/{task}/acts", act, SENDS),
)
