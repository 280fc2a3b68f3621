"""The week's list: ``list_100_s``, 100 waiting sittings into 12 rooms × 5 days by the solver, with the bound on how far from the best
possible the listing is; ``list_100_cost``, what it costs in points, beside the same docket placed earliest first; both again for a
crowded docket, in which some people are asked for longer than they work.

Rooms of three sites are booked to a quarter already. Each sitting needs a room of a kind and size, one of ten judges, one of eight
prosecutors; a third of them one of four document cameras, a fifth one of three interpreters, a fifth a custody slot. Half have a
deadline, half cannot be on the first day, two thirds prefer mornings or afternoons, a third belong to cases with two sittings.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.hours import COURT_HOURS, open_spans, weekly_hours
from dispatch.booking.finding.occupancy import Held, Occupancy, Times
from dispatch.booking.finding.slots import Candidate, Need, suiting
from dispatch.booking.listing.docket import Docket, Prepared, Waiting
from dispatch.booking.listing.first import earliest_fit
from dispatch.booking.listing.listing import Effort, propose
from dispatch.booking.listing.proposal import Progress
from dispatch.booking.spans import STEP, Span

SITTINGS, ROOMS, DAYS = 100, 12, 5
ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 29, 16, tzinfo=UTC)
"""Midnight of Monday 30 November in Shanghai."""
TRAVEL = {("east", "west"): 30, ("east", "cells"): 45, ("west", "cells"): 45}
MORNINGS = weekly_hours({day: ["09:00-12:00"] for day in ("mon", "tue", "wed", "thu", "fri")})
AFTERNOONS = weekly_hours({day: ["13:30-17:30"] for day in ("mon", "tue", "wed", "thu", "fri")})


def make(seed: int, *, crowded: bool = False) -> tuple[Docket, Occupancy]:
    """A week's docket; a crowded one has days on which some people are asked for longer than they work."""
    chance = random.Random(seed)
    window = Span(MONDAY, MONDAY + timedelta(days=DAYS))
    opened = open_spans(window, COURT_HOURS, ZONE)
    occupancy = Occupancy(MONDAY - timedelta(days=1), DAYS + 2)

    def put(resource_id: str, site_id: str, share: float) -> None:
        held = []
        for hours in opened:
            at = hours.start
            while at < hours.end:
                length = chance.randrange(6, 19) * STEP
                if chance.random() < share:
                    held.append(Held(Span(at, min(at + length, hours.end)), site_id))
                at += length
        occupancy.put(resource_id, 1, Times(COURT_HOURS, ZONE, held))

    rooms = []
    for number in range(ROOMS):
        site_id = ("east", "east", "east", "west", "west", "cells")[number % 6]
        features = frozenset({"camera"} if chance.random() < 0.6 else ())
        kind = "interrogation" if site_id == "cells" else "court"
        rooms.append(Candidate(f"room{number}", kind, site_id, chance.choice((6, 10, 16, 30)), features, 10, 10, chance.random() < 0.1))
        put(f"room{number}", site_id, 0.25)
    judges, prosecutors, interpreters, cameras, custody = (
        tuple(Candidate(f"{name}{number}", "person") for number in range(count))
        for name, count in (("judge", 10), ("prosecutor", 8), ("interpreter", 3), ("camera", 4), ("custody", 2))
    )
    for each in (*judges, *prosecutors, *interpreters, *cameras, *custody):
        put(each.id, "east", 0.1 if each.id.startswith(("judge", "prosecutor")) else 0)
    waiting = []
    for number in range(SITTINGS):
        in_custody = chance.random() < 0.2
        seats = chance.choice((4, 6, 10))
        chair = chance.choice(judges) if crowded else judges[number % len(judges)]
        prosecutor = chance.choice(prosecutors) if crowded else prosecutors[number * 3 % len(prosecutors)]
        needs = [
            Need(suiting(rooms, ["interrogation" if in_custody and chance.random() < 0.5 else "court"], seats), seats),
            Need((chair,), travels=True),
            Need((prosecutor,), travels=True),
        ]
        needs += [Need(cameras)] if chance.random() < 0.33 else []
        needs += [Need(interpreters, travels=True)] if chance.random() < 0.2 else []
        needs += [Need(custody)] if in_custody else []
        waiting.append(
            Waiting(
                id=f"sitting{number}",
                minutes=chance.choice((30, 45, 60, 90, 120, 180)),
                needs=tuple(needs),
                case_id=f"case{number // 2 if number < SITTINGS // 3 else number}",
                chair_id=chair.id,
                priority=chance.choice((1, 1, 1, 2, 3)),
                not_before=MONDAY + timedelta(days=chance.choice((0, 0, 1, 2 if crowded else 0))),
                deadline=MONDAY + timedelta(days=chance.choice((3 if crowded else 4, 4, 5))) if chance.random() < 0.5 else None,
                preferred=chance.choice((None, MORNINGS, AFTERNOONS)),
            )
        )
    return Docket(tuple(waiting), window, ZONE, TRAVEL), occupancy


def say(progress: Progress) -> None:
    """One line of standard error for each better listing."""
    line = f"  {progress.seconds:5.1f} s: {progress.placed} placed, cost {progress.cost}, bound {progress.bound}"
    print(line, file=sys.stderr, flush=True)


def measure(name: str, seed: int, *, crowded: bool) -> None:
    """One docket: the seconds it takes, and what it costs beside the floor."""
    docket, occupancy = make(seed, crowded=crowded)
    began = time.perf_counter()
    prepared = Prepared(docket, occupancy)
    floor = earliest_fit(prepared)
    floor_s = time.perf_counter() - began
    floor_cost = prepared.cost_of(floor)
    began, cpu = time.perf_counter(), time.process_time()
    found = propose(docket, occupancy, Effort(), say)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    for sitting, obstacles in found.unplaced.items():
        print(f"  {sitting}: {[(each.code, dict(each.data)) for each in obstacles]}", file=sys.stderr)
    what = (
        f"{len(found.placements)} of {SITTINGS} placed into {ROOMS} rooms × {DAYS} days, cost {found.cost}, bound {found.bound}, "
        f"gap {found.gap:.3f}, ended: {found.ended}; earliest first: {len(floor)} placed, cost {floor_cost}; "
        f"{Effort().workers} worker, {used:.1f} s of CPU, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    )
    line = {"figure": f"list_{name}_s", "value": round(took, 2), "unit": "s", "peer": "earliest first", "peer_value": round(floor_s, 2)}
    print(json.dumps({**line, "ratio": round(took / floor_s, 1), "conditions": what}), flush=True)
    line = {"figure": f"list_{name}_cost", "value": found.cost, "unit": "points", "peer": "earliest first", "peer_value": floor_cost}
    print(json.dumps({**line, "ratio": round(found.cost / floor_cost, 3), "conditions": what}), flush=True)


def main() -> None:
    """A docket that fits into the week, and one that does not."""
    measure("100", 1, crowded=False)
    measure("100_crowded", 1, crowded=True)


if __name__ == "__main__":
    main()
