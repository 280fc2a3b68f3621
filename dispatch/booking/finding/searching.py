"""Finding a time for a sitting: what a clerk or a program asks for, and the slots or what stands in their way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram
from sqlalchemy import select

from dispatch.booking.allowed import noticed_from
from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.hours import WeeklyHours, weekly_hours
from dispatch.booking.catalogue.rooms import KINDS, MOST_SEATS
from dispatch.booking.draft import LONGEST, MOST_EQUIPMENT, SHORTEST
from dispatch.booking.finding.finding import Finder
from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.finding.occupancy_store import Snapshot, store_of, travel_between
from dispatch.booking.finding.slots import Need, Search, Slot, suiting
from dispatch.booking.roles import PRESIDENTS, accounts_that_preside
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import day_span
from dispatch.errors import FieldError, ValidationFailed
from dispatch.store.resources import MEANS, TRAVELS
from dispatch.store.tables import User
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from dispatch.store.database import Database

LONGEST_WINDOW = 92
"""Days."""
FURTHEST = timedelta(days=730)
MOST_PEOPLE = 20
ANY = "any"
"""Instead of an id: any judge, clerk or prosecutor."""
STAFF = {"chair_id": PRESIDENTS, "clerk_id": ("clerk",), "prosecutor_id": ("prosecutor",)}
"""Field → roles of the accounts that can be named there in some kind of sitting."""
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTS: dict[str, WeeklyHours] = {
    "morning": weekly_hours({day: ["08:00-12:00"] for day in _WORKDAYS}),
    "afternoon": weekly_hours({day: ["12:00-18:00"] for day in _WORKDAYS}),
}
"""The hours of a preferred part of the day."""
SEARCHES = Counter("dispatch_slot_searches_total", "Searches for a time, by what they gave", ["result"])
SECONDS = Histogram("dispatch_slot_search_seconds", "Time of a search for a time", buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `chair_id`, `clerk_id` and `prosecutor_id` are ids, ANY, or empty; `people` and `equipment` are all needed.

    `room_kind` "" is any, `rooms` none any; `seats` at least; `part` of the day "", "morning" or "afternoon"; `first` to `last` local
    days, both included; `near` the day that would be best, else the first.
    """

    first: date
    last: date
    minutes: int = 60
    kind: str = "remote_court"
    chair_id: str = ""
    clerk_id: str = ""
    prosecutor_id: str = ""
    people: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    room_kind: str = ""
    rooms: tuple[str, ...] = ()
    seats: int = 0
    features: tuple[str, ...] = ()
    part: str = ""
    near: date | None = None
    outside_hours: bool = False
    most: int = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Slots, the best first, each with a resource for each of `needs` in order; where there is none, `obstacles` that cannot hold
    together. `needs`: "room", a field of STAFF, "people" or "equipment"."""

    slots: list[Slot]
    obstacles: list[Obstacle]
    needs: tuple[str, ...]
    snapshot: Snapshot


def problems(wanted: Wanted, today: date) -> Iterator[FieldError]:
    """Every bad field that shows without looking at the database."""
    least, most = (int(span.total_seconds() // 60) for span in (SHORTEST, LONGEST))
    if not least <= wanted.minutes <= most:
        yield ("minutes", "out_of_range", {"least": least, "most": most})
    if wanted.kind not in PROCEDURES:
        yield ("kind", "kind_unknown", {"kind": wanted.kind})
    if wanted.last < max(wanted.first, today):
        yield ("last", "window_over", {})
    elif (wanted.last - wanted.first).days >= LONGEST_WINDOW:
        yield ("last", "window_long", {"most": LONGEST_WINDOW})
    elif wanted.first > today + FURTHEST:
        yield ("first", "too_far", {})
    if wanted.room_kind and wanted.room_kind not in KINDS:
        yield ("room_kind", "room_kind_unknown", {"kind": wanted.room_kind})
    if not 0 <= wanted.seats <= MOST_SEATS:
        yield ("seats", "out_of_range", {"least": 0, "most": MOST_SEATS})
    if unknown := sorted(set(wanted.features) - set(FEATURES)):
        yield ("features", "feature_unknown", {"feature": unknown[0][:40]})
    if wanted.part and wanted.part not in PARTS:
        yield ("part", "part_unknown", {})
    if len(wanted.people) > MOST_PEOPLE:
        yield ("people", "participants_many", {"most": MOST_PEOPLE})
    if len(wanted.equipment) > MOST_EQUIPMENT:
        yield ("equipment", "equipment_many", {"most": MOST_EQUIPMENT})
    named = [each for each in (wanted.chair_id, wanted.clerk_id, wanted.prosecutor_id, *wanted.people) if each and each != ANY]
    if len(named) != len(set(named)):
        yield ("people", "person_twice", {})


async def search(db: Database, wanted: Wanted, now: datetime, travel_minutes: int = 0) -> Answer:
    """The best slots, or why there is none. `travel_minutes`: the way between any two sites.

    Raises ValidationFailed with every bad field.
    """
    began = time.perf_counter()
    zone = db.site.zone
    today = now.astimezone(zone).date()
    found = list(problems(wanted, today))
    if any(field in ("first", "last") for field, _, _ in found):
        raise ValidationFailed(found)
    window = Span(day_span(max(wanted.first, today), zone).start.astimezone(UTC), day_span(wanted.last, zone).end.astimezone(UTC))
    staff = await staff_of(db, wanted)
    snapshot = await store_of(db).over(window, now, {*(each for ids in staff.values() for each in ids), *wanted.people})
    needs, names = needs_of(wanted, staff, snapshot, found)
    if found:
        raise ValidationFailed(found)
    looked_for = Search(
        minutes=wanted.minutes,
        needs=needs,
        window=window,
        earliest=now,
        zone=zone,
        noticed_from=noticed_from(wanted.kind, now, zone),
        near=day_span(wanted.near, zone).start.astimezone(UTC) if wanted.near is not None else None,
        preferred=PARTS.get(wanted.part),
        outside_hours=wanted.outside_hours,
        travel=travel_between(snapshot.sites.keys(), travel_minutes),
        most=wanted.most,
    )

    def look() -> tuple[list[Slot], list[Obstacle]]:
        slots = Finder(snapshot.occupancy, looked_for).best() if needs[0].candidates else []
        return slots, [] if slots else Finder(snapshot.occupancy, looked_for).obstacles()

    slots, obstacles = await asyncio.to_thread(look)
    SEARCHES.labels("found" if slots else "none").inc()
    SECONDS.observe(time.perf_counter() - began)
    return Answer(slots, obstacles, names, snapshot)


async def staff_of(db: Database, wanted: Wanted) -> dict[str, list[str]]:
    """Who would do for each part of the court; nobody where the one named is not there or of another role."""
    asked = {field: getattr(wanted, field) for field in STAFF if getattr(wanted, field)}
    if not asked:
        return {}
    roles = {field: accounts_that_preside(wanted.kind) if field == "chair_id" else STAFF[field] for field in asked}
    wanted_roles = {role for several in roles.values() for role in several}
    async with db.reader() as session:
        users = list(await session.execute(select(User.id, User.role).where(User.active, User.role.in_(wanted_roles)).order_by(User.name)))
    return {field: [row.id for row in users if row.role in roles[field] and value in (ANY, row.id)] for field, value in asked.items()}


def needs_of(
    wanted: Wanted, staff: dict[str, list[str]], snapshot: Snapshot, found: list[FieldError]
) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """The needs of the search and what each is; what is unknown is added to `found`."""
    every = [each.candidate for each in snapshot.of_kind("room")]
    if unknown := set(wanted.rooms) - {each.id for each in every}:
        found.append(("rooms", "room_unknown", {"rooms": len(unknown)}))
    rooms = [each for each in every if not wanted.rooms or each.id in wanted.rooms]
    needs = [Need(suiting(rooms, [wanted.room_kind] if wanted.room_kind else (), wanted.seats, wanted.features), wanted.seats)]
    names = ["room"]
    for field, ids in staff.items():
        candidates = snapshot.candidates(ids)
        if not candidates and getattr(wanted, field) != ANY:
            found.append((field, "user_unknown", {}))
        needs.append(Need(candidates, travels=True))
        names.append(field)
    for field, kinds, named in (("people", ("person",), wanted.people), ("equipment", MEANS, wanted.equipment)):
        for each in dict.fromkeys(named):
            one = snapshot.bookables.get(each)
            if one is None or one.kind not in kinds:
                found.append((field, "user_unknown" if field == "people" else "equipment_unknown", {}))
                continue
            needs.append(Need((one.candidate,), travels=one.kind in TRAVELS))
            names.append(field)
    return tuple(needs), tuple(names)
