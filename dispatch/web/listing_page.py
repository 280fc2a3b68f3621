"""The week's list (排期): asking for one, its proposal as a picture and a table, changing it, and booking all or some of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dispatch.booking.finding.occupancy_store import Snapshot, names_of
from dispatch.booking.listing import adjusting, confirming, waiting, week
from dispatch.booking.listing.adjusting import Adjustment, Pin, may_change
from dispatch.errors import UserError
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.web import lookups
from dispatch.web.access import ADMINISTRATOR, CLERK, Route, roles
from dispatch.web.day_grid import moment_at, room_name
from dispatch.web.days import today
from dispatch.web.formats import duration
from dispatch.web.listing_words import askers, rows_of, snapshot_of
from dispatch.web.request import Request, Response, ctx, error_text, language, me, render, see_other, translate, zone
from dispatch.web.request import form as posted_form
from dispatch.web.runs import runs
from dispatch.web.sitting_form import clock_of, errors_of
from dispatch.web.slot_words import obstacle_words

A_WEEK = 5
"""Days that a list has where nobody says otherwise: Monday to Friday."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sitting of a list. `state`: placed, unplaced, left_out, booked. `said`: why it has no place, or what refused its booking."""

    id: str
    case_number: str
    title: str
    length: str
    state: str
    start: datetime | None = None
    end: datetime | None = None
    day: str = ""
    room_id: str = ""
    room: str = ""
    others: str = ""
    said: tuple[str, ...] = ()
    pinned: bool = False
    sitting_id: str = ""


def _next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


async def show_all(request: Request, *, error: UserError | None = None, form: Mapping[str, str] | None = None) -> Response:
    """Lists there are, and for clerks the form that asks for another."""
    db, tag = ctx(request).db, language(request)
    first = _next_monday(today(request))
    listed = await week.listed(db, 20)
    shown = form or {"first": first.isoformat(), "last": (first + timedelta(days=A_WEEK - 1)).isoformat()}
    return render(
        request,
        "staff/listings.html",
        status=error.status if error else 200,
        rows=listed,
        waiting=len(await waiting.listed(db)),
        rooms=[(room.id, room_name(room, tag)) for room in await lookups.rooms(db)],
        names=await askers(db, listed),
        clerk=me(request).role == CLERK,
        longest_note=week.LONGEST_NOTE,
        form=shown,
        errors=errors_of(request, error) if error else {},
    )


async def ask(request: Request) -> Response:
    """Have a list made."""
    context, fields = ctx(request), await posted_form(request)
    rooms = tuple(name.removeprefix("room-") for name in fields if name.startswith("room-"))
    try:
        first, last = (_day(fields.get(name, "")) for name in ("first", "last"))
        order = week.Order(first, last, rooms, fields.get("note", ""))
        row, _ = await week.make(context.db, order, me(request), context.clock())
    except UserError as error:
        return await show_all(request, error=error, form=fields)
    runs(request).start(row.id)
    return see_other(f"/booking/listing/{row.id}")


def _day(text: str) -> date:
    """A day; one that is none is before all others, which is refused at its field."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _entry(request: Request, row: Listing, each: WaitingSitting, snapshot: Snapshot, titles: Mapping[str, str]) -> Entry:
    name = names_of(snapshot, english=language(request) == "en")
    place = row.proposal.get("placements", {}).get(each.id)
    plain: dict[str, Any] = {
        "id": each.id,
        "case_number": each.case_number,
        "title": each.title or each.case_title,
        "length": duration(timedelta(minutes=each.minutes), language(request)),
        "pinned": each.id in row.wishes.get("pinned", {}),
        "sitting_id": each.sitting_id or "",
    }
    if place is not None:
        start = datetime.fromisoformat(place["start"])
        ids = place["resource_ids"]
        others = " · ".join(found for key in ids[1:] if (found := name(key)))
        end = start + timedelta(minutes=each.minutes)
        day = start.astimezone(zone(request)).date().isoformat()
        state = "booked" if each.sitting_id else "placed"
        return Entry(**plain, state=state, start=start, end=end, day=day, room_id=ids[0], room=name(ids[0]), others=others)
    if each.id in row.wishes.get("left_out", ()):
        return Entry(**plain, state="left_out")
    found = row.proposal.get("unplaced", {}).get(each.id, [])
    said = tuple(obstacle_words(request, snapshot, week.obstacle_of(one), titles) for one in found)
    return Entry(**plain, state="unplaced", said=said)


async def _page(request: Request, row: Listing, refused: Mapping[str, str] | None = None, *, error: UserError | None = None) -> Response:
    tag, tz, refused = language(request), zone(request), refused or {}
    rows = await rows_of(ctx(request).db, row)
    snapshot, titles = await snapshot_of(request, row), week.titles(rows)
    entries = [_entry(request, row, each, snapshot, titles) for each in rows]
    placed = sorted((each for each in entries if each.start is not None), key=lambda each: (each.start, each.room, each.id))
    days = [row.first + timedelta(days=number) for number in range((row.last - row.first).days + 1)]
    rooms = [(room.id, room_name(room, tag)) for room in await lookups.rooms(ctx(request).db) if not row.rooms or room.id in row.rooms]
    cells: dict[tuple[str, date], list[Entry]] = {}
    for each in placed:
        if each.start is not None:
            cells.setdefault((each.room_id, each.start.astimezone(tz).date()), []).append(each)
    data: dict[str, Any] = {
        "row": row,
        "running": row.state in week.UNDER_WAY,
        "placed": placed,
        "others": [each for each in entries if each.start is None],
        "open": sum(each.state == "placed" for each in placed),
        "days": [day for day in days if day.weekday() < A_WEEK or any(key[1] == day for key in cells)],
        "rooms": rooms,
        "cells": cells,
        "refused": refused,
        "impossible": [obstacle_words(request, snapshot, week.obstacle_of(one), titles) for one in row.proposal.get("impossible", [])],
        "failed": translate(request, f"error.{row.progress['error']}") if row.progress.get("error") else "",
        "mine": may_change(row, me(request)),
        "asker": (await askers(ctx(request).db, [row])).get(row.asked_by, ""),
        "longest_note": week.LONGEST_NOTE,
        "error": error_text(request, error) if error else "",
    }
    template = "staff/listing_state.html" if request.headers.get("X-Fragment") == "state" else "staff/listing.html"
    return render(request, template, status=error.status if error else 409 if refused else 200, **data)


async def show(request: Request) -> Response:
    """One list: how far it is, or what is proposed."""
    return await _page(request, await week.get(ctx(request).db, request.match_info["listing"]))


async def act(request: Request) -> Response:
    """Book what is ticked ("book"), have it made again with the changes that were typed ("again"), or keep the note ("note"). Whoever asked
    for it may, and administrators."""
    context, fields = ctx(request), await posted_form(request)
    row, user, now = await week.get(context.db, request.match_info["listing"]), me(request), context.clock()
    try:
        if fields.get("act") == "book":
            ticked = [name.removeprefix("take-") for name in fields if name.startswith("take-")]
            outcomes = await confirming.book(context.db, row.id, ticked, user, now)
            refused = {each.waiting_id: translate(request, f"error.{each.code}", **each.data) for each in outcomes if each.code}
            return await _page(request, row, refused) if refused else see_other(f"/booking/listing/{row.id}")
        if fields.get("act") == "note":
            await adjusting.set_note(context.db, row.id, fields.get("note", ""), user, now)
            return see_other(f"/booking/listing/{row.id}")
        await adjusting.ask_again(context.db, row.id, _wanted(request, row, fields), user, now)
    except UserError as error:
        return await _page(request, row, error=error)
    runs(request).start(row.id)
    return see_other(f"/booking/listing/{row.id}")


def _wanted(request: Request, row: Listing, fields: Mapping[str, str]) -> Adjustment:
    """What the clerk wants otherwise: a sitting whose day, time or room was changed is pinned there. Raises UserError for a place that is
    none."""
    tz, placements = zone(request), row.proposal.get("placements", {})
    left_out = tuple(name.removeprefix("out-") for name in fields if name.startswith("out-"))
    pins: list[Pin] = []
    for waiting_id in (name.removeprefix("room-") for name in fields if name.startswith("room-")):
        room, day, clock = fields[f"room-{waiting_id}"], fields.get(f"day-{waiting_id}", ""), fields.get(f"start-{waiting_id}", "")
        if waiting_id in left_out or not (room and day and clock):
            continue
        minutes, place = clock_of(clock), placements.get(waiting_id)
        if minutes is None or not row.first <= _day(day) <= row.last:
            raise UserError("listing_place")
        start = moment_at(_day(day), minutes, tz)
        same = place is not None and (start, room) == (datetime.fromisoformat(place["start"]), place["resource_ids"][0])
        if not same or fields.get(f"pin-{waiting_id}"):
            pins.append(Pin(waiting_id, start, room))
    return Adjustment(tuple(pins), left_out=left_out)


async def stop(request: Request) -> Response:
    """What is found by now is the proposal. Whoever asked for it may, and administrators."""
    row = await adjusting.stop(ctx(request).db, request.match_info["listing"], me(request), ctx(request).clock())
    runs(request).stop(row.id)
    await runs(request).wait(row.id)
    return see_other(f"/booking/listing/{row.id}")


CLERKS = roles(CLERK)
LOOKS = roles(CLERK, ADMINISTRATOR)

ROUTES = (
    Route("GET", "/booking/listing", show_all, LOOKS),
    Route("POST", "/booking/listing", ask, CLERKS),
    Route("GET", "/booking/listing/{listing}", show, LOOKS),
    Route("POST", "/booking/listing/{listing}", act, LOOKS),
    Route("POST", "/booking/listing/{listing}/stop", stop, LOOKS),
)
