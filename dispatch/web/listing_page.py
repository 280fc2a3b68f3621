"""The week's list (排期): asking for one, its proposal as a picture and a table, changing it, and booking all or some of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dispatch.booking.days import bounds
from dispatch.booking.finding.occupancy_store import Snapshot, names_of, store_of
from dispatch.booking.listing import waiting, week
from dispatch.booking.spans import Span
from dispatch.errors import UserError
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.web import lookups
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.day_grid import moment_at, room_name
from dispatch.web.days import today
from dispatch.web.formats import duration
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
    """Lists there are, and the form that asks for another. For clerks."""
    db, tag = ctx(request).db, language(request)
    first = _next_monday(today(request))
    shown = form or {"first": first.isoformat(), "last": (first + timedelta(days=A_WEEK - 1)).isoformat()}
    return render(
        request,
        "staff/listings.html",
        status=error.status if error else 200,
        rows=await week.listed(db, 20),
        waiting=len(await waiting.listed(db)),
        rooms=[(room.id, room_name(room, tag)) for room in await lookups.rooms(db)],
        form=shown,
        errors=errors_of(request, error) if error else {},
    )


async def ask(request: Request) -> Response:
    """Have a list made."""
    context, fields = ctx(request), await posted_form(request)
    rooms = tuple(name.removeprefix("room-") for name in fields if name.startswith("room-"))
    try:
        first, last = (_day(fields.get(name, "")) for name in ("first", "last"))
        row = await week.make(context.db, week.Order(first, last, rooms), me(request), context.clock())
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


async def _snapshot(request: Request, row: Listing, people: Sequence[str]) -> Snapshot:
    tz = zone(request)
    window = Span(bounds(row.first, tz)[0].astimezone(UTC), bounds(row.last, tz)[1].astimezone(UTC))
    return await store_of(ctx(request).db).over(window, ctx(request).clock(), people)


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
    rows = await waiting.listed(ctx(request).db, everything=True)
    placements: Mapping[str, Any] = row.proposal.get("placements", {})
    rows = [each for each in rows if each.sitting_id is None or each.id in placements]
    people = {key for place in placements.values() for key in place["resource_ids"]}
    people |= {key for found in row.proposal.get("unplaced", {}).values() for one in found for key in one["data"].get("resource_ids", ())}
    people |= {key for one in row.proposal.get("impossible", []) for key in _ids(one["data"])}
    snapshot, titles = await _snapshot(request, row, sorted(people)), week.titles(rows)
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
        "error": error_text(request, error) if error else "",
    }
    template = "staff/listing_state.html" if request.headers.get("X-Fragment") == "state" else "staff/listing.html"
    return render(request, template, status=error.status if error else 409 if refused else 200, **data)


def _ids(data: Mapping[str, Any]) -> list[str]:
    return [*data.get("resource_ids", ()), *([data["resource_id"]] if "resource_id" in data else [])]


async def show(request: Request) -> Response:
    """One list: how far it is, or what is proposed."""
    return await _page(request, await week.get(ctx(request).db, request.match_info["listing"]))


async def act(request: Request) -> Response:
    """Book what is ticked ("book"), or have it made again with the changes that were typed ("again")."""
    context, fields = ctx(request), await posted_form(request)
    row = await week.get(context.db, request.match_info["listing"])
    try:
        if fields.get("act") == "book":
            ticked = [name.removeprefix("take-") for name in fields if name.startswith("take-")]
            if not ticked:
                raise UserError("listing_none_ticked")
            outcomes = await week.book(context.db, row.id, ticked, me(request), context.clock())
            refused = {each.waiting_id: error_text(request, each.error) for each in outcomes if each.error is not None}
            if refused:
                return await _page(request, row, refused)
            return see_other(f"/booking/listing/{row.id}")
        await week.ask_again(context.db, row.id, _wishes(request, row, fields), me(request), context.clock())
    except UserError as error:
        return await _page(request, row, error=error)
    runs(request).start(row.id)
    return see_other(f"/booking/listing/{row.id}")


def _wishes(request: Request, row: Listing, fields: Mapping[str, str]) -> dict[str, Any]:
    """What the clerk wants otherwise: a sitting whose day, time or room was changed is pinned there. Raises UserError for a place that is
    none."""
    tz, placements = zone(request), row.proposal.get("placements", {})
    pinned: dict[str, Any] = {}
    for waiting_id in (name.removeprefix("room-") for name in fields if name.startswith("room-")):
        room, day, clock = fields[f"room-{waiting_id}"], fields.get(f"day-{waiting_id}", ""), fields.get(f"start-{waiting_id}", "")
        place = placements.get(waiting_id)
        if not (room and day and clock):
            continue
        minutes = clock_of(clock)
        if minutes is None or not row.first <= _day(day) <= row.last:
            raise UserError("listing_place")
        start = moment_at(_day(day), minutes, tz)
        same = place is not None and (start, room) == (datetime.fromisoformat(place["start"]), place["resource_ids"][0])
        if not same or fields.get(f"pin-{waiting_id}"):
            others = place["resource_ids"][1:] if place is not None else []
            pinned[waiting_id] = {"start": start.isoformat(), "resource_ids": [room, *others]}
    left_out = [name.removeprefix("out-") for name in fields if name.startswith("out-")]
    return {"pinned": {key: place for key, place in pinned.items() if key not in left_out}, "left_out": left_out}


async def stop(request: Request) -> Response:
    """What is found by now is the proposal."""
    row = await week.get(ctx(request).db, request.match_info["listing"])
    runs(request).stop(row.id)
    await runs(request).wait(row.id)
    return see_other(f"/booking/listing/{row.id}")


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/booking/listing", show_all, CLERKS),
    Route("POST", "/booking/listing", ask, CLERKS),
    Route("GET", "/booking/listing/{listing}", show, CLERKS),
    Route("POST", "/booking/listing/{listing}", act, CLERKS),
    Route("POST", "/booking/listing/{listing}/stop", stop, CLERKS),
)
