"""The shift: who is on, who looks after which sitting, taking over, handing over, and the shift log with its file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta

from aiohttp import web

from dispatch import audit
from dispatch.booking.days import bounds
from dispatch.console.shift import charge, duties, log
from dispatch.errors import FieldError, UserError, ValidationFailed
from dispatch.exchange import exporting
from dispatch.sittings import sittings
from dispatch.store.shift_tables import ShiftEntry
from dispatch.store.tables import Sitting
from dispatch.web.access import OFFICER, Route, roles
from dispatch.web.console.feed import feed_of
from dispatch.web.request import Request, Response, ctx, form, gettext, language, me, render, see_other, zone
from dispatch.web.sitting_form import errors_of

PATH = "/console/shift"
SEES = roles(OFFICER)
BLANK: Mapping[str, str] = {"until": "", "to": "", "text": "", "note": ""}
USUAL = timedelta(hours=8)
"""The end that is offered to who comes on."""


async def show(request: Request) -> Response:
    """The whole page."""
    return await _page(request, {}, {})


async def come(request: Request) -> Response:
    """Come on shift until a time of day: the next such time."""

    async def act(fields: Mapping[str, str]) -> None:
        await duties.come(ctx(request).db, me(request), _until(request, fields), fields.get("text", ""), _now(request))

    return await _done(request, act)


async def leave(request: Request) -> Response:
    """Go off shift and hand over."""

    async def act(fields: Mapping[str, str]) -> None:
        await duties.leave(ctx(request).db, me(request), fields.get("to", ""), fields.get("text", ""), _now(request))

    return await _done(request, act)


async def note(request: Request) -> Response:
    """Write into the log."""

    async def act(fields: Mapping[str, str]) -> None:
        await duties.note(ctx(request).db, me(request), fields.get("note", ""), _now(request))

    return await _done(request, act)


async def give(request: Request) -> Response:
    """Give a sitting to an officer, or take it over."""
    sitting = request.match_info["sitting"]

    async def act(fields: Mapping[str, str]) -> None:
        await charge.give(ctx(request).db, me(request), sitting, fields.get("to", ""), fields.get("text", ""), _now(request))

    return await _done(request, act, sitting)


async def take_proposals(request: Request) -> Response:
    """Give all sittings as was proposed on the page that was seen: what changed meanwhile stays as it is."""

    async def act(fields: Mapping[str, str]) -> None:
        pairs = {name.removeprefix("officer-"): to for name, to in fields.items() if name.startswith("officer-")}
        await charge.take_proposals(ctx(request).db, me(request), pairs, _now(request))

    return await _done(request, act)


async def _done(request: Request, act: Callable[[Mapping[str, str]], Awaitable[None]], sitting: str = "") -> Response:
    """Do it and show the page anew; a refusal keeps what was typed."""
    fields = await form(request)
    try:
        await act(fields)
    except UserError as error:
        if error.status == 404:
            raise
        return await _page(request, errors_of(request, error), fields, sitting, error.status)
    feed_of(ctx(request)).booked_anew()
    return see_other(PATH)


async def _page(
    request: Request, errors: Mapping[str, list[str]], fields: Mapping[str, str], failed: str = "", status: int = 200
) -> Response:
    context = ctx(request)
    own, now, tz = me(request), _now(request), zone(request)
    on = await duties.on_shift(context.db)
    today = await sittings.of_day(context.db, now.astimezone(tz).date(), tz, cancelled=False)
    known = {one.id for one in today}
    beyond = [one for one in await sittings.under_way(context.db) if one.id not in known and one.withheld_at is None]
    shown = [*beyond, *today]
    holders = await charge.in_charge(context.db, (one.id for one in shown))
    proposals = await charge.proposals(context.db, shown)
    on_ids = {user.id for user, _duty in on}
    ahead = [one for one in shown if one.status in duties.AHEAD]
    load = {user: [one for one in ahead if holders.get(one.id) and holders[one.id].id == user] for user in on_ids}
    return render(
        request,
        "console/shift.html",
        status=status,
        on=on,
        own=next((duty for user, duty in on if user.id == own.id), None),
        held=len(load.get(own.id, ())),
        load={user: (sum(one.status in ("live", "recess") for one in held), len(held)) for user, held in load.items()},
        names={user.id: user.name for user, _duty in on},
        sittings=shown,
        ahead=duties.AHEAD,
        holders=holders,
        on_ids=on_ids,
        proposals=proposals,
        room=lambda one: _room(one, language(request)),
        lines=list(reversed(await _lines(request, now.astimezone(tz).date()))),
        day=now.astimezone(tz).date().isoformat(),
        offered=(now + USUAL).astimezone(tz).strftime("%H:00"),
        late=[user.id for user, duty in on if duty.until < now],
        errors=errors,
        fields={**BLANK, **fields},
        failed=failed,
        longest=log.LONGEST_TEXT,
    )


def _room(sitting: Sitting, tag: str) -> str:
    room = next(iter(sitting.rooms), None)
    return "" if room is None else (tag == "en" and room.name_en) or room.name


async def _lines(request: Request, day: date) -> list[tuple[ShiftEntry, Sitting | None, str]]:
    begin, end = bounds(day, zone(request))
    return [(row, sitting, _words(request, row, sitting)) for row, sitting in await log.log_of(ctx(request).db, begin, end)]


def _words(request: Request, row: ShiftEntry, sitting: Sitting | None) -> str:
    _ = gettext(request)
    name = sitting.title if sitting else _("a sitting whose record is sealed") if row.sitting else ""
    values = {"who": row.by_name, "to": row.to_name, "former": row.from_name, "sitting": name}
    if row.act == "left" and row.to_name:
        return _("shift.left_to", **values)
    if row.act in ("taken", "given") and row.from_name:
        return _(f"shift.{row.act}_from", **values)
    return _(f"shift.{row.act}", **values)


async def file(request: Request) -> Response:
    """The log of a local day (?day=, today without it) as CSV. An act of the audit."""
    context, _, tz = ctx(request), gettext(request), zone(request)
    try:
        day = date.fromisoformat(request.query.get("day") or _now(request).astimezone(tz).date().isoformat())
    except ValueError:
        raise web.HTTPBadRequest from None
    table = [[_("Time"), _("Officer"), _("What happened on the shift"), _("Case"), _("Note")]]
    for row, sitting, words in await _lines(request, day):
        at = row.at.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S")
        table.append([at, row.by_name, words, sitting.case.number if sitting else "", row.text])
    await audit.record(context.db, me(request), "shift_log_exported", day.isoformat(), now=context.clock())
    headers = {"Content-Disposition": f'attachment; filename="shift-{day.isoformat()}.csv"', "Cache-Control": "no-store"}
    body = exporting.written_table("csv", table, [])
    return web.Response(body=body, content_type=exporting.MEDIA_TYPES["csv"], charset="utf-8", headers=headers)


def _now(request: Request) -> datetime:
    return ctx(request).clock()


def _until(request: Request, fields: Mapping[str, str]) -> datetime:
    errors: list[FieldError] = []
    try:
        wanted = time.fromisoformat(fields.get("until", "").strip())
    except ValueError:
        errors.append(("until", "required", {}))
        raise ValidationFailed(errors) from None
    now, tz = _now(request), zone(request)
    found = datetime.combine(now.astimezone(tz).date(), wanted.replace(tzinfo=None), tz)
    return found if found > now else found + timedelta(days=1)


ROUTES = (
    Route("GET", PATH, show, SEES),
    Route("POST", f"{PATH}/come", come, SEES),
    Route("POST", f"{PATH}/leave", leave, SEES),
    Route("POST", f"{PATH}/notes", note, SEES),
    Route("POST", f"{PATH}/proposals", take_proposals, SEES),
    Route("GET", f"{PATH}/log.csv", file, SEES, answers="data"),
    Route("POST", f"{PATH}/sittings/{{sitting}}", give, SEES),
)
