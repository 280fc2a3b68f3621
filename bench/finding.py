"""Finding a time over 200 rooms and 90 days: ``slot_search_ms`` with the occupancy of all resources at hand, ``slot_search_cold_ms``
when each one is loaded first, ``slot_search_changed_ms`` when one in a hundred has changed since the last search.
``slot_search_ms_sqlite`` and ``slot_search_ms_postgresql``: a whole search as the page asks for it, in a database of 1,000,000 bookings,
with the revisions of everything that can be booked; a booking is made before each search, so that its room and judge are loaded anew.
``slot_search_cold_ms_*``: the first search, which loads everybody.

Rooms are booked to about four fifths of their hours. Each search needs a room with enough seats and a camera, two named people and any
one of three interpreters, at three sites with travel between them, and asks for the best twenty slots. The peer tries every start of
every room with a sorted list of what is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from bisect import bisect_right
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench import booking
from dispatch.booking import bookings
from dispatch.booking.catalogue.calendar_days import WorkingCalendar, published
from dispatch.booking.catalogue.hours import COURT_HOURS, open_spans
from dispatch.booking.draft import SittingDraft
from dispatch.booking.finding import searching
from dispatch.booking.finding.finding import find
from dispatch.booking.finding.occupancy import Held, Occupancy, Times
from dispatch.booking.finding.searching import Wanted
from dispatch.booking.finding.slots import Candidate, Need, Search
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.spans import STEP, Span, merged
from dispatch.store.database import Database
from dispatch.store.tables import User
from tests.dispatch import cluster

ROOMS, PEOPLE, DAYS, SITES = 200, 40, 90, ("east", "west", "cells")
ROUNDS = 60
FULL = 0.8
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 11, 24, tzinfo=UTC)
CALENDAR = WorkingCalendar.of(published(2026))
TRAVEL = {("east", "west"): 30, ("east", "cells"): 45, ("west", "cells"): 40}


def taken(chance: random.Random, site_id: str, share: float) -> list[Held]:
    """Bookings of half an hour to three hours that fill about that share of the court's hours."""
    found = []
    for hours in open_spans(Span(FIRST, FIRST + timedelta(days=DAYS)), COURT_HOURS, ZONE, CALENDAR):
        at = hours.start
        while at < hours.end:
            length = chance.randrange(6, 37) * STEP
            if chance.random() < share:
                found.append(Held(Span(at, min(at + length, hours.end)), site_id))
            at += length
    return found


def make(seed: int) -> tuple[dict[str, Times], tuple[Candidate, ...]]:
    """The rows of all resources, and the rooms."""
    chance = random.Random(seed)
    rows: dict[str, Times] = {}
    rooms = []
    for number in range(ROOMS):
        site = SITES[number % 3]
        features = frozenset({"camera"} if chance.random() < 0.7 else ())
        rooms.append(Candidate(f"room{number}", "room", site, chance.choice((4, 8, 12, 20, 40)), features, 10, 10, chance.random() < 0.2))
        rows[f"room{number}"] = Times(COURT_HOURS, ZONE, taken(chance, site, FULL))
    for number in range(PEOPLE):
        rows[f"person{number}"] = Times(COURT_HOURS, ZONE, taken(chance, chance.choice(SITES), 0.4))
    return rows, tuple(rooms)


def search_of(chance: random.Random, rooms: tuple[Candidate, ...]) -> Search:
    """One search over all 90 days. All rooms are asked, also those that are too small or lack the camera: a page may want to say so."""
    people = chance.sample(range(PEOPLE), 5)
    named = [Need((Candidate(f"person{number}", "person"),), travels=True) for number in people[:2]]
    any_of = Need(tuple(Candidate(f"person{number}", "person") for number in people[2:]), travels=True)
    return Search(
        minutes=chance.choice((30, 60, 90, 120, 180)),
        needs=(Need(rooms, seats=8), *named, any_of),
        window=Span(FIRST, FIRST + timedelta(days=DAYS)),
        earliest=FIRST,
        zone=ZONE,
        noticed_from=FIRST + timedelta(days=4),
        near=FIRST + timedelta(days=chance.randrange(5, 60), hours=2),
        preferred=COURT_HOURS,
        site_id="east",
        travel=TRAVEL,
    )


def one_by_one(rows: Mapping[str, Times], opened: Collection[Span], search: Search) -> int:
    """The peer: how many starts are possible, each tried against sorted lists (rooms with both named people, without travel)."""
    length = timedelta(minutes=search.minutes)

    def busy(resource_id: str, before: int, after: int) -> tuple[list[datetime], list[Span]]:
        wide = merged(
            Span(held.span.start - timedelta(minutes=after), held.span.end + timedelta(minutes=before)) for held in rows[resource_id].held
        )
        return [span.start for span in wide], wide

    people = [busy(need.candidates[0].id, 0, 0) for need in search.needs[1:3]]
    found = 0
    for room in search.needs[0].candidates:
        lists = [busy(room.id, room.before, room.after), *people]
        for hours in opened:
            at = hours.start
            while at + length <= hours.end:
                for starts, spans in lists:
                    place = bisect_right(starts, at + length - timedelta.resolution)
                    if place and spans[place - 1].end > at:
                        break
                else:
                    found += 1
                at += STEP
    return found


def report(figure: str, values: list[float], peer: float | None, what: str) -> None:
    """One line of standard output; the value is the median."""
    value = statistics.median(values)
    conditions = (
        f"{what}; best {min(values):.1f}, worst {max(values):.1f} of {len(values)}; load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    )
    ratio = None if peer is None else round(value / peer, 5)
    line = {"figure": figure, "value": round(value, 2), "unit": "ms", "peer": None if peer is None else "each start tried by itself"}
    print(json.dumps({**line, "peer_value": peer and round(peer, 1), "ratio": ratio, "conditions": conditions}), flush=True)


async def in_database(url: str) -> tuple[list[float], float, int]:
    """Times of searches in a filled database, that of the first, and how many slots the last one gave."""
    db, chance, times, slots = await Database.connect(url), random.Random(3), [], 0
    async with db.reader() as session:
        clerk = await session.get_one(User, "k0")
    first = booking.NOW.date() + timedelta(days=1)
    for number in range(ROUNDS + 1):
        judge, other = (f"{kind}{chance.randrange(booking.ROOMS)}" for kind in "jk")
        wanted = Wanted(
            first, first + timedelta(days=DAYS - 1), chance.choice((30, 60, 90, 120)), chair_id=judge, clerk_id=other, part="afternoon",
            near=first + timedelta(days=chance.randrange(5, 60)),
        )  # fmt: skip
        began = time.perf_counter()
        found = await searching.search(db, wanted, booking.NOW, 30)
        times.append((time.perf_counter() - began) * 1000)
        slots = len(found.slots)
        span = found.slots[0].span
        draft = SittingDraft(
            case_number=f"（2026）京0105民初{number + 5000}号", case_title="案", title="", room_id=found.slots[0].resource_ids[0],
            starts_at=span.start, ends_at=span.end, chair_id=judge, participants=(ParticipantDraft("刘芳", "party"),),
            override_reason="测量",
        )  # fmt: skip
        await bookings.create(db, draft, clerk, booking.NOW)
    await db.close()
    return times[1:], times[0], slots


def databases(names: list[str], count: int, data: Path | None) -> None:
    """The figures of both databases. `data`: as of :func:`bench.booking.filled`."""
    for name in names:
        if name == "postgresql" and not cluster.is_possible():
            print(f"  not measured on PostgreSQL: {cluster.MISSING}", file=sys.stderr)
            continue
        with booking.filled(name, count, data) as url:
            warm, cold, slots = asyncio.run(in_database(url))
        what = f"{booking.ROOMS} rooms × {DAYS} days among {count:,} bookings, two named people, best {slots} slots"
        report(f"slot_search_ms_{name}", warm, None, f"{what}, a booking made before each")
        report(f"slot_search_cold_ms_{name}", [cold], None, f"{what}, everybody loaded first")


def main() -> None:
    """The figures in memory, then those of the databases."""
    rows, rooms = make(1)
    chance = random.Random(2)
    searches = [search_of(chance, rooms) for _ in range(ROUNDS)]
    revisions = dict.fromkeys(rows, 1)

    def load(ids: Collection[str]) -> dict[str, Times]:
        return {each: rows[each] for each in ids}

    def fresh() -> Occupancy:
        return Occupancy(FIRST - timedelta(days=1), DAYS + 2, CALENDAR)

    def timed(occupancy: Occupancy, search: Search) -> float:
        began = time.perf_counter()
        occupancy.refresh(revisions, load)
        found = find(occupancy, search)
        took = (time.perf_counter() - began) * 1000
        if len(found) < search.most:
            print(f"  only {len(found)} slots for {search.minutes} min", file=sys.stderr)
        return took

    bookings = sum(len(times.held) for times in rows.values())
    what = f"{ROOMS} rooms × {DAYS} days, {PEOPLE} people, {bookings} bookings, best 20 slots"
    occupancy = fresh()
    timed(occupancy, searches[0])
    warm = [timed(occupancy, search) for search in searches]
    changed = []
    for number, search in enumerate(searches):
        for each in chance.sample(sorted(rows), len(rows) // 100):
            revisions[each] = number + 2
        changed.append(timed(occupancy, search))
    cold = [timed(fresh(), search) for search in searches[:7]]
    opened = open_spans(Span(FIRST, FIRST + timedelta(days=DAYS)), COURT_HOURS, ZONE, CALENDAR)
    began = time.perf_counter()
    one_by_one(rows, opened, searches[0])
    peer = (time.perf_counter() - began) * 1000
    report("slot_search_ms", warm, peer, f"{what}, all at hand")
    report("slot_search_changed_ms", changed, None, f"{what}, {len(rows) // 100} resources changed since the last search")
    report("slot_search_cold_ms", cold, None, f"{what}, every resource loaded from rows in memory")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bookings", type=int, default=1_000_000, help="number of bookings in the databases")
    parser.add_argument("--databases", nargs="*", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path, help=booking.DATA)
    options = parser.parse_args()
    main()
    databases(options.databases, options.bookings, options.data)
