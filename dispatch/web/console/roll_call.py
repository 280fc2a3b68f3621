"""Roll-call: whom to call, how it goes, its record; and the answer of those who are called, at a room's device or on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy import select

from dispatch.console.field import teams
from dispatch.console.roll_call import calls, rules
from dispatch.console.roll_call.rules import How, Line, RollCall
from dispatch.errors import NotFound, Refused, UserError
from dispatch.exchange.exporting import MEDIA_TYPES, written_table
from dispatch.sittings import sittings
from dispatch.store.roll_call_tables import RollCallRow
from dispatch.store.tables import Resource
from dispatch.web.access import CLERK, DEVICE, FIELD, OFFICER, Route, roles
from dispatch.web.days import today
from dispatch.web.request import (
    Request,
    Response,
    answer,
    csrf,
    ctx,
    error_text,
    gettext,
    language,
    me,
    problem,
    render,
    room_device,
    see_other,
    zone,
)
from dispatch.web.sitting_form import errors_of

Json = dict[str, Any]

SEES = roles(OFFICER, CLERK)
CALLS = roles(OFFICER)
WIDTHS = (6, 30, 10, 8, 12, 12, 14, 24)


# ------------------------------------------------------------------------------------------------ begin


async def overview(request: Request) -> Response:
    """Whom to call, and the roll-calls of before."""
    return await _overview(request, {}, None)


async def _overview(request: Request, given: Json, error: UserError | None) -> Response:
    rows = await calls.newest(ctx(request).db)
    return render(
        request,
        "console/roll_calls.html",
        status=error.status if error else 200,
        rows=[(row, calls.roll_of(row)) for row in rows],
        choices=await _choices(request),
        chosen=given.get("who", await _of_today(request)),
        name=given.get("name", ""),
        limit=given.get("limit", rules.LIMIT_S),
        errors=errors_of(request, error) if error else {},
    )


async def _choices(request: Request) -> list[tuple[str, str, str]]:
    """Everybody who can be called: key, kind ("room", "team"), name in the page's language."""
    db, english = ctx(request).db, language(request) == "en"
    async with db.reader() as session:
        wanted = select(Resource).where(Resource.kind == "room", Resource.active).order_by(Resource.position, Resource.name)
        rooms = list(await session.scalars(wanted))
    found = [(f"room/{room.id}", "room", (english and room.name_en) or room.name) for room in rooms]
    return found + [(f"team/{team.id}", "team", (english and team.name_en) or team.name) for team in await teams.listed(db)]


async def _of_today(request: Request) -> list[str]:
    """The rooms in which something is held today."""
    found = await sittings.of_day(ctx(request).db, today(request), zone(request))
    held = [room.id for sitting in found if sitting.status not in {"closed", "cancelled"} for room in sitting.rooms]
    return [f"room/{room}" for room in dict.fromkeys(held)]


async def begin(request: Request) -> Response:
    """Begin a roll-call of those who are ticked; a refusal keeps what was typed."""
    posted = await request.post()
    who = [str(each) for each in posted.getall("who", ())]
    name, limit = str(posted.get("name", "")), str(posted.get("limit", ""))
    lines = [Line(key, words) for key, _kind, words in await _choices(request) if key in who]
    try:
        number = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else 0
        if not rules.LEAST_LIMIT_S <= number <= rules.MOST_LIMIT_S:
            raise UserError("out_of_range", "limit", least=rules.LEAST_LIMIT_S, most=rules.MOST_LIMIT_S)
        row = await calls.begin(ctx(request).db, name, lines, number, me(request), ctx(request).clock())
    except UserError as error:
        return await _overview(request, {"who": who, "name": name, "limit": limit}, error)
    return see_other(f"/console/roll-call/{row.id}")


# ------------------------------------------------------------------------------------------------ how it goes


async def show(request: Request) -> Response:
    """One roll-call, live; printed it is its record."""
    row = await calls.look(ctx(request).db, request.match_info["call"], ctx(request).clock())
    return render(request, "console/roll_call.html", row=row, data=_told(request, row), may_call=me(request).role == OFFICER)


async def state(request: Request) -> Response:
    """The same as data."""
    return answer(_told(request, await calls.look(ctx(request).db, request.match_info["call"], ctx(request).clock())))


def _told(request: Request, row: RollCallRow) -> Json:
    _, roll, now = gettext(request), calls.roll_of(row), ctx(request).clock()
    called = roll.ringing
    left = None
    if called is not None and called.called_at is not None:
        left = max(0, round(roll.limit_s - (now - called.called_at).total_seconds()))
    return {
        "id": row.id,
        "state": roll.state,
        "state_text": _(f"roll_call.{roll.state}"),
        "left_s": left,
        "counts": {each: roll.count(each) for each in ("present", "late", "absent")},
        "done": roll.count("present", "late", "absent"),
        "of": len(roll.lines),
        "lines": [_line(request, line) for line in roll.lines],
    }


def _line(request: Request, line: Line) -> Json:
    _, tz = gettext(request), zone(request)
    how = _(f"roll_call.by_{line.how}", name=line.by) if line.how else ""
    return {
        "key": line.key,
        "name": line.name,
        "standing": line.standing,
        "standing_text": _(f"roll_call.{line.standing}"),
        "tries": line.tries,
        "called": f"{line.called_at.astimezone(tz):%H:%M:%S}" if line.called_at else "",
        "answered": f"{line.answered_at.astimezone(tz):%H:%M:%S}" if line.answered_at else "",
        "how": how,
    }


async def act(request: Request) -> Response:
    """{"act": present | absent | again | pause | resume | end, "key"}: what is so then."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    what, key, user, now = str(body.get("act")), str(body.get("key", "")), me(request), ctx(request).clock()
    acts: dict[str, Callable[[RollCall], RollCall]] = {
        "present": lambda roll: rules.answer(roll, key, "voice", user.name, now),
        "absent": lambda roll: rules.absent(roll, key, user.name, now),
        "again": lambda roll: rules.again(roll, now),
        "pause": rules.pause,
        "resume": lambda roll: rules.resume(roll, now),
        "end": rules.end,
    }
    if what not in acts:
        raise web.HTTPBadRequest
    try:
        row = await calls.change(ctx(request).db, request.match_info["call"], acts[what], now, user, what)
    except UserError as error:
        return problem(request, error.status, error_text(request, error), code=error.code)
    return answer(_told(request, row))


async def export(request: Request) -> Response:
    """The record as a file: ?kind=csv or xlsx."""
    row, _ = await calls.look(ctx(request).db, request.match_info["call"], ctx(request).clock()), gettext(request)
    kind = "xlsx" if request.query.get("kind") == "xlsx" else "csv"
    heading = (_("No."), _("Called"), _("Result"), _("Calls"), _("Called at"), _("Answered at"), _("Day"), _("How"))
    day = f"{row.started_at.astimezone(zone(request)):%Y-%m-%d}"
    lines = [list(heading)]
    for number, line in enumerate(_told(request, row)["lines"], 1):
        shown = (line["name"], line["standing_text"], str(line["tries"]), line["called"], line["answered"], day, line["how"])
        lines.append([str(number), *shown])
    headers = {"Content-Disposition": f'attachment; filename="roll-call-{day}.{kind}"', "Cache-Control": "no-store"}
    body = written_table("xlsx" if kind == "xlsx" else "csv", lines, WIDTHS)
    return web.Response(body=body, content_type=MEDIA_TYPES[kind], charset="utf-8" if kind == "csv" else None, headers=headers)


# ------------------------------------------------------------------------------------------------ those who are called


async def _own_keys(request: Request) -> tuple[list[str], How, str]:
    """For whom the one who asks answers, how, and by what name."""
    device = room_device(request)
    if device is not None:
        return [f"room/{device.room_id}"], "device", device.name
    member = await teams.member_of(ctx(request).db, me(request).id)
    return [f"team/{member.team_id}"] if member is not None else [], "phone", me(request).name


async def called(request: Request) -> Response:
    """Whether the one who asks is called just now, or may still answer, with the token for doing so."""
    keys, _how, _name = await _own_keys(request)
    found = await calls.waiting_for(ctx(request).db, keys, ctx(request).clock())
    told = {"id": found[0].id, "name": found[0].name, "late": found[1].standing == "absent"} if found else None
    return answer({"call": told, "csrf": csrf(request)})


async def present(request: Request) -> Response:
    """Whoever is called says that he is here (到), from a room's device or a phone."""
    keys, how, name = await _own_keys(request)
    now = ctx(request).clock()

    def answered(roll: RollCall) -> RollCall:
        own = next((line for line in roll.lines if line.key in keys), None)
        if own is None:
            raise NotFound("roll_call_other")
        return rules.answer(roll, own.key, how, name, now)

    try:
        await calls.change(ctx(request).db, request.match_info["call"], answered, now)
    except (NotFound, Refused) as error:
        return problem(request, error.status, error_text(request, error), code=error.code)
    return answer({"answered": True})


ANSWERS_ROOM, ANSWERS_PHONE = DEVICE, roles(FIELD)

ROUTES = (
    Route("GET", "/console/roll-call", overview, SEES),
    Route("POST", "/console/roll-call", begin, CALLS),
    Route("GET", "/console/roll-call/{call}", show, SEES),
    Route("GET", "/console/roll-call/{call}/state", state, SEES, answers="data"),
    Route("POST", "/console/roll-call/{call}/acts", act, CALLS, answers="data"),
    Route("GET", "/console/roll-call/{call}/export", export, SEES, answers="data"),
    Route("GET", "/device/roll-call", called, ANSWERS_ROOM, answers="data"),
    Route("POST", "/device/roll-call/{call}", present, ANSWERS_ROOM, answers="data"),
    Route("GET", "/field/roll-call", called, ANSWERS_PHONE, answers="data"),
    Route("POST", "/field/roll-call/{call}", present, ANSWERS_PHONE, answers="data"),
)
