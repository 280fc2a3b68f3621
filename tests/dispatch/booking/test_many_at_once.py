"""Many want several things at once, each naming them in another order: nobody waits in a circle, nothing is tried again, what is given
is given once, and whoever is refused learns what is really in his way."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dispatch import audit
from dispatch.booking import bookings
from dispatch.booking.orders import Order
from dispatch.errors import Conflict
from dispatch.store.database import Database
from dispatch.store.tables import Booking, Hold, Resource, Room, Sitting, User
from tests.dispatch.booking import clerks
from tests.dispatch.making import NOW, URGENT, Court, add_movable, as_it_is, at, audited, make_draft, make_sitting, other_sitting

SERVERS, EACH = 4, 50
TOP = Path(__file__).resolve().parents[3]


@pytest.fixture
async def busy(court: Court) -> Court:
    """A court with six rooms, three document cameras and twenty-two judges."""
    async with court.db.writer() as session:
        session.add_all(Room(name=f"第{number}审判庭", kind="court", position=number) for number in range(3, 7))
        session.add_all(User(name=f"法官{n}", sign_in_name=f"judge{n}", role="judge", password_hash="x") for n in range(20))
    for number in range(3):
        await add_movable(court.db, "equipment", f"实物展台 {number}", court.users["xu"], NOW)
    return court


async def by_one(court: Court) -> tuple[list[dict[str, Any]], int]:
    """All requests at one server."""
    wanted = [each for seed in range(SERVERS) for each in await clerks.requests(court.db, seed, EACH)]
    outcomes = await asyncio.gather(*(clerks.book(court, each, f"{number}") for number, each in enumerate(wanted)))
    return list(outcomes), court.db.again


async def by_four(court: Court) -> tuple[list[dict[str, Any]], int]:
    """The same from servers of their own."""

    async def one(seed: int) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "tests.dispatch.booking.clerks", court.db.url, str(seed), str(EACH))
        started = await asyncio.create_subprocess_exec(*command, cwd=TOP, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        assert started.stdout is not None
        assert await started.stdout.readline() == b"ready\n"
        return started

    processes = await asyncio.gather(*(one(seed) for seed in range(SERVERS)))
    said = [json.loads(out) for out, _ in await asyncio.gather(*(process.communicate(b"go\n") for process in processes))]
    return [outcome for each in said for outcome in each["outcomes"]], sum(each["again"] for each in said)


@pytest.mark.parametrize("servers", [1, SERVERS])
async def test_of_200_that_want_several_things_those_who_win_share_none_and_the_others_know_why(busy: Court, servers: int) -> None:
    outcomes, again = await (by_one(busy) if servers == 1 else by_four(busy))
    assert [outcome for outcome in outcomes if "error" in outcome] == []
    assert (len(outcomes), again) == (200, 0)
    won = {outcome["won"]: outcome for outcome in outcomes if "won" in outcome}
    async with busy.db.reader() as session:
        rows = list(
            await session.execute(
                select(Booking.sitting_id, Hold.resource_id, Hold.starts_at, Hold.ends_at, Resource.name)
                .join(Hold.booking)
                .join(Hold.resource)
                .where(Hold.active)
                .order_by(Hold.resource_id, Hold.starts_at)
            )
        )
    for one, other in pairwise(rows):
        assert one.resource_id != other.resource_id or one.ends_at <= other.starts_at
    for sitting, outcome in won.items():
        assert sorted(row.resource_id for row in rows if row.sitting_id == sitting) == sorted(outcome["wanted"])
    assert {row.sitting_id for row in rows} == won.keys()
    held = {(row.sitting_id, row.resource_id, row.name, row.starts_at.isoformat(), row.ends_at.isoformat()) for row in rows}
    for told in (outcome for outcome in outcomes if "won" not in outcome):
        assert (told["by"], told["resource"], told["name"], told["from"], told["to"]) in held
        start = datetime.fromisoformat(told["start"])
        assert told["resource"] in told["wanted"]
        assert datetime.fromisoformat(told["from"]) < start + timedelta(hours=1)
        assert datetime.fromisoformat(told["to"]) > start
        assert told["nearest"] != told["start"]
    assert len(await audited(busy.db, "sitting_booked")) == len(won)
    assert (await audit.verify_chain(busy.db)).ok


async def test_two_that_want_each_others_rooms_in_opposite_order_both_keep_what_they_have(court: Court) -> None:
    """A swap: neither can have both while the other has one, and neither waits for the other for good."""
    first, second = await make_sitting(court), await other_sitting(court)
    other = await Database.connect(court.db.url)
    span = at("14:00"), at("15:00")
    try:
        for _ in range(5):
            async with asyncio.timeout(30):
                outcomes = await asyncio.gather(
                    bookings.move(court.db, first.id, court.other_room.id, *span, court.clerk, NOW, override_reason=URGENT),
                    bookings.move(other, second.id, court.room.id, *span, court.clerk, NOW, override_reason=URGENT),
                    return_exceptions=True,
                )
            assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict]
    finally:
        await other.close()
    assert ((await as_it_is(court.db, first)).room.id, (await as_it_is(court.db, second)).room.id) == (court.room.id, court.other_room.id)
    assert court.db.again == other.again == 0


async def test_one_that_wants_both_rooms_races_with_two_that_want_one_each(court: Court) -> None:
    other = await Database.connect(court.db.url)
    both = (court.room.id, court.other_room.id)
    there = Court(other, court.file, court.users, court.room, court.other_room)
    try:
        for day in range(1, 9):
            outcomes = await asyncio.gather(
                make_sitting(court, days=day, rooms=both, chair_id=court.judge.id, clerk_id=""),
                make_sitting(there, days=day, room_id=both[1], chair_id=court.other_judge.id, clerk_id="", title="一"),
                other_sitting(there, days=day, room_id=both[0], chair_id=court.other_judge.id, clerk_id="", title="二"),
                return_exceptions=True,
            )
            won = [outcome for outcome in outcomes if isinstance(outcome, Sitting)]
            assert all(isinstance(outcome, Sitting | Conflict) for outcome in outcomes)
            # The two small ones share their judge: one of the three has its way, and whoever has both rooms has them alone.
            assert len(won) == 1, outcomes
    finally:
        await other.close()
    assert court.db.again == other.again == 0


async def test_an_order_under_one_key_that_comes_to_two_servers_at_once_is_carried_out_once(court: Court) -> None:
    other = await Database.connect(court.db.url)
    order, draft = Order(court.clerk.id, "k", b"the same"), make_draft(court)
    try:
        made = await asyncio.gather(
            *(bookings.create_sitting(db, draft, court.clerk, NOW, order) for db in (court.db, other) for _ in range(5))
        )
    finally:
        await other.close()
    assert len({sitting.id for sitting in made}) == 1
    assert len(await audited(court.db, "sitting_booked")) == 1


async def test_a_case_that_two_are_the_first_to_book_is_one_case(court: Court) -> None:
    other = await Database.connect(court.db.url)
    there = Court(other, court.file, court.users, court.room, court.other_room)
    try:
        one, two = await asyncio.gather(make_sitting(court), other_sitting(there, case_number="（2026）京0105民初31号"))
    finally:
        await other.close()
    assert one.case.id == two.case.id
