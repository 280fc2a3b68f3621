"""Roll-call: whom to call, how it goes, its record; and the answer of those who are called, at a room's device or on a phone."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web

from dispatch.console.field import teams
from dispatch.console.ranks import Rank, rank_of, require
from dispatch.console.roll_call import calls, groups, record, rules
from dispatch.console.roll_call.groups import GroupDraft
from dispatch.console.roll_call.rules import How, Line, RollCall
from dispatch.errors import NotFound, Refused, UserError, ValidationFailed
from dispatch.exchange.exporting import MEDIA_TYPES
from dispatch.sittings import sittings
from dispatch.store.roll_call_tables import RollCallRow
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
    json_of,
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


# ------------------------------------------------------------------------------------------------ begin


async def overview(request: Request) -> Response:
    """Whom to call, and earlier roll-calls; ?group= ticks those of a group."""
    return await _overview(request, {}, None)


async def _overview(request: Request, given: Json, error: UserError | None) -> Response:
    context, own = ctx(request), rank_of(me(request))
    kept = await groups.list_groups(context.db)
    picked = str(given.get("group", request.query.get("group", "")))
    group = next((each for each in kept if each.id == picked), None)
    return render(
        request,
        "console/roll_calls.html",
        status=error.status if error else 200,
        rows=[(row, calls.roll_of(row)) for row in await calls.newest(context.db)],
        choices=await groups.callable_now(context.db, english=language(request) == "en"),
        chosen=given.get("who") or (group.members if group else await _of_today(request)),
        groups=kept,
        group=group,
        keeps=own is not None and own >= Rank.LEAD,
        name=given.get("name", group.name if group else ""),
        group_name=given.get("group_name", group.name if group else ""),
        limit=given.get("limit", rules.LIMIT_S),
        errors=errors_of(request, error) if error else {},
    )


async def _of_today(request: Request) -> list[str]:
    """The rooms in which something is held today."""
    found = await sittings.of_day(ctx(request).db, today(request), zone(request))
    held = [room.id for sitting in found if sitting.status not in {"closed", "cancelled"} for room in sitting.rooms]
    return [f"room/{room}" for room in dict.fromkeys(held)]


async def begin(request: Request) -> Response:
    """Begin a roll-call of those who are ticked; a refusal keeps what was typed. Those of a group are called in its order."""
    given, context = await _given(request), ctx(request)
    kept = next((each.members for each in await groups.list_groups(context.db) if each.id == given["group"]), [])
    ticked = [key for key in kept if key in given["who"]] + given["who"]
    lines = groups.lines_of(await groups.callable_now(context.db, english=language(request) == "en"), ticked)
    limit = given["limit"]
    try:
        number = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else 0
        if not rules.LEAST_LIMIT_S <= number <= rules.MOST_LIMIT_S:
            raise UserError("out_of_range", "limit", least=rules.LEAST_LIMIT_S, most=rules.MOST_LIMIT_S)
        row = await calls.begin(context.db, given["name"], lines, number, me(request), context.clock())
    except UserError as error:
        return await _overview(request, given, error)
    return see_other(f"/console/roll-call/{row.id}")


async def _given(request: Request) -> Json:
    """What the form has, whatever is done with it."""
    posted = await request.post()
    text = {name: str(posted.get(name, "")) for name in ("name", "limit", "group", "group_name")}
    return text | {"who": [str(each) for each in posted.getall("who", ())]}


# ------------------------------------------------------------------------------------------------ groups


async def keep_group(request: Request) -> Response:
    """Keep those who are ticked as a group, or have a group be of these. Takes a shift leader."""
    given, context, chosen = await _given(request), ctx(request), request.match_info.get("group", "")
    require(me(request), Rank.LEAD)
    draft = GroupDraft(given["group_name"], tuple(given["who"]))
    try:
        if chosen:
            group = await groups.change(context.db, chosen, lambda _: draft, me(request), context.clock())
        else:
            group = await groups.add(context.db, draft, me(request), context.clock())
    except ValidationFailed as error:
        return await _overview(request, given, error)
    return see_other(f"/console/roll-call?group={group.id}")


async def remove_group(request: Request) -> Response:
    """Delete a group; roll-calls that were made with it stay. Takes a shift leader."""
    require(me(request), Rank.LEAD)
    await groups.remove(ctx(request).db, request.match_info["group"], me(request), ctx(request).clock())
    return see_other("/console/roll-call")


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
    return {
        "key": line.key,
        "name": line.name,
        "standing": line.standing,
        "standing_text": _(f"roll_call.{line.standing}"),
        "tries": line.tries,
        "called": record.clock(line.called_at, tz),
        "answered": record.clock(line.answered_at, tz),
        "how": record.how(line, _),
    }


async def act(request: Request) -> Response:
    """{"act": present | absent | again | pause | resume | end, "key"}: what is so then."""
    body = await json_of(request)
    what = next((each for each in rules.ACTS if each == body.get("act")), None)
    if what is None:
        raise web.HTTPBadRequest
    user, now = me(request), ctx(request).clock()
    change = rules.by_officer(what, str(body.get("key", "")), user.name, now)
    try:
        row = await calls.change(ctx(request).db, request.match_info["call"], change, now, user, what)
    except UserError as error:
        return problem(request, error.status, error_text(request, error), code=error.code)
    return answer(_told(request, row))


async def export(request: Request) -> Response:
    """The record as a file: ?kind=csv or xlsx."""
    context, tz = ctx(request), zone(request)
    kind: Literal["csv", "xlsx"] = "xlsx" if request.query.get("kind") == "xlsx" else "csv"
    row = await calls.look(context.db, request.match_info["call"], context.clock())
    body = await record.taken_out(context.db, row, kind, me(request), context.clock(), tz, gettext(request))
    headers = {"Content-Disposition": f'attachment; filename="{record.file_name(row, kind, tz)}"', "Cache-Control": "no-store"}
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
    Route("POST", "/console/roll-call/groups", keep_group, CALLS),
    Route("POST", "/console/roll-call/groups/{group}", keep_group, CALLS),
    Route("POST", "/console/roll-call/groups/{group}/remove", remove_group, CALLS),
    Route("GET", "/console/roll-call/{call}", show, SEES),
    Route("GET", "/console/roll-call/{call}/state", state, SEES, answers="data"),
    Route("POST", "/console/roll-call/{call}/acts", act, CALLS, answers="data"),
    Route("GET", "/console/roll-call/{call}/export", export, SEES, answers="data"),
    Route("GET", "/device/roll-call", called, ANSWERS_ROOM, answers="data"),
    Route("POST", "/device/roll-call/{call}", present, ANSWERS_ROOM, answers="data"),
    Route("GET", "/field/roll-call", called, ANSWERS_PHONE, answers="data"),
    Route("POST", "/field/roll-call/{call}", present, ANSWERS_PHONE, answers="data"),
)
