"""The page that finds a time: what is needed, then the best free times with why each is good or what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from dispatch.booking import in_force
from dispatch.booking.catalogue.features import FEATURES, known
from dispatch.booking.catalogue.resources import MOVABLE, list_resources
from dispatch.booking.catalogue.rooms import KINDS
from dispatch.booking.finding.occupancy_store import names_of
from dispatch.booking.finding.searching import ANY, PARTS, STAFF, Answer, Wanted, search
from dispatch.booking.finding.slots import Slot
from dispatch.errors import UserError
from dispatch.store.tables import Resource
from dispatch.web import form_kinds, form_means, lookups
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.days import today
from dispatch.web.formats import duration
from dispatch.web.request import Request, Response, ctx, language, me, render, zone
from dispatch.web.sitting_form import LENGTHS, errors_of
from dispatch.web.slot_words import obstacle_words, reason_words

WINDOW = timedelta(days=13)
"""How far is looked where nobody says."""
SHOWN = 12
CARRIED = ("case_number", "case_title", "title", "template")
"""Fields of the sitting's form that are handed on to it as they were typed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A slot as the page shows it. `good` and `costs`: its reasons in words; `book`: the address of the form with all of it."""

    slot: Slot
    room: str
    others: list[str]
    good: list[str]
    costs: list[str]
    book: str


def address(fields: Mapping[str, str]) -> str:
    """The page with what was typed into the form of a sitting."""
    names = (*CARRIED, *STAFF, "minutes")
    filled = [(name, fields[name]) for name in names if fields.get(name)]
    return "/booking/find?" + urlencode(
        [*filled, ("first", fields.get("day", "")), *(("equipment", each) for each in form_means.typed(fields))]
    )


def _typed(request: Request) -> dict[str, Any]:
    """The fields as typed, lists as lists; what is not typed is what is likely wanted."""
    query, day = request.query, today(request)
    plain = {name: query.get(name, "").strip() for name in (*STAFF, *CARRIED, "room_kind", "seats", "part", "near", "outside_hours")}
    plain["template"] = plain["template"] or form_kinds.FIRST
    clerk = me(request).id if not query else ""
    first = query.get("first") or query.get("day") or day.isoformat()
    return plain | {
        "clerk_id": plain["clerk_id"] or clerk,
        "first": first,
        "last": query.get("last") or _later(first, day),
        "minutes": query.get("minutes", "60"),
        "people": query.getall("people", []),
        "features": query.getall("features", []),
        "equipment": query.getall("equipment", []),
    }


def _later(first: str, day: date) -> str:
    try:
        return (max(date.fromisoformat(first), day) + WINDOW).isoformat()
    except (ValueError, OverflowError):
        return (day + WINDOW).isoformat()


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0 if not text else -1


def _wanted(form: Mapping[str, Any], day: date) -> Wanted:
    """What the fields ask for. A day that is none is before all others, which the search refuses at its field."""
    return Wanted(
        first=_day(form["first"], day),
        last=_day(form["last"], date.min),
        minutes=_number(form["minutes"]),
        kind=form_kinds.kind_of(form["template"]),
        chair_id=form["chair_id"],
        clerk_id=form["clerk_id"],
        prosecutor_id=form["prosecutor_id"],
        people=tuple(form["people"]),
        equipment=tuple(form["equipment"]),
        room_kind=form["room_kind"],
        seats=_number(form["seats"]),
        features=tuple(known(form["features"])),
        part=form["part"],
        near=_day(form["near"], day) if form["near"] else None,
        outside_hours=bool(form["outside_hours"]),
        most=SHOWN,
    )


def _found(request: Request, form: Mapping[str, Any], answer: Answer) -> list[Found]:
    name, tz = names_of(answer.snapshot, english=language(request) == "en"), zone(request)
    found = []
    for slot in answer.slots:
        start = slot.span.start.astimezone(tz)
        fields: list[tuple[str, str]] = [
            ("day", start.date().isoformat()),
            ("start", f"{start:%H:%M}"),
            ("minutes", form["minutes"]),
            ("room", slot.resource_ids[0]),
            *((need, chosen) for need, chosen in zip(answer.needs[1:], slot.resource_ids[1:], strict=True)),
            *((field, form[field]) for field in CARRIED if form[field]),
        ]
        words = [(reason.cost, reason_words(request, answer.snapshot, reason, near=bool(form["near"]))) for reason in slot.reasons]
        found.append(
            Found(
                slot,
                name(slot.resource_ids[0]),
                [name(each) for each in slot.resource_ids[1:]],
                [said for cost, said in words if not cost],
                [said for cost, said in words if cost],
                "/sittings/new?" + urlencode(fields),
            )
        )
    return found


async def _choices(request: Request, form: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields offer."""
    db, tag = ctx(request).db, language(request)
    parts = form_kinds.staff_parts(request, form_kinds.kind_of(form["template"]), form, await in_force.held(db))
    staff = {part.name: await lookups.staff(db, *part.accounts) for part in parts}
    named = {user.id for users in staff.values() for user in users}
    lengths: Iterable[int] = LENGTHS
    if (own := _number(str(form["minutes"]))) > 0:
        lengths = sorted({*LENGTHS, own})
    people = [each for each in await list_resources(db, "person") if each.id not in named]
    return {
        "staff_parts": [{"name": each.name, "label": each.label, "any": each.some, "users": staff[each.name]} for each in parts],
        "kinds_of_sittings": await form_kinds.choices(request),
        "lengths": [{"minutes": n, "words": duration(timedelta(minutes=n), tag)} for n in lengths],
        "kinds": KINDS,
        "features": FEATURES,
        "day_parts": tuple(PARTS),
        "any": ANY,
        "people": _named(people, tag),
        "equipment": _named(await list_resources(db, *MOVABLE), tag),
    }


def _named(resources: Sequence[Resource], tag: str) -> list[tuple[str, str]]:
    return [(each.id, (each.name_en or each.name) if tag == "en" else each.name) for each in resources]


async def show(request: Request) -> Response:
    """The form; with fields in the address what was found, so that a search can be kept and sent. For clerks."""
    context, form = ctx(request), _typed(request)
    if request.query.get("fill") or ("template" in request.query and "minutes" not in request.query):
        begin = await form_kinds.start(context.db, form["template"])
        form |= {"minutes": str(begin.minutes), "room_kind": begin.room_kind}
    data: dict[str, Any] = {"form": form, "errors": {}, "found": None, "obstacles": [], **await _choices(request, form)}
    form["equipment"] = [each for each in form["equipment"] if each in dict(data["equipment"])]
    status = 200
    if request.query.get("search") and not request.query.get("fill"):
        try:
            answer = await search(context.db, _wanted(form, today(request)), context.clock(), context.settings.travel_minutes)
        except UserError as error:
            data["errors"], status = errors_of(request, error), error.status
        else:
            data["found"] = _found(request, form, answer)
            data["obstacles"] = [obstacle_words(request, answer.snapshot, each) for each in answer.obstacles]
    return render(request, "staff/find_time.html", status=status, **data)


ROUTES = (Route("GET", "/booking/find", show, roles(CLERK)),)
