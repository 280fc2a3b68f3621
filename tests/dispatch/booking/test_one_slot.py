"""Many want one slot at once: one has it, all others learn what is in their way, and nobody is told of locks."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch import audit
from dispatch.booking import bookings
from dispatch.errors import Conflict
from dispatch.store.database import Database
from dispatch.store.tables import Booking, Sitting
from tests.dispatch.making import NOW, URGENT, Court, as_it_is, at, audited, make_draft, make_sitting, other_sitting

PROCESSES, EACH = 4, 50
TOP = Path(__file__).resolve().parents[3]

CLERKS = """
import asyncio, json, sys
from pathlib import Path
from dispatch.errors import Conflict
from dispatch.booking import bookings
from dispatch.store.database import Database
from tests.dispatch.making import NOW, Court, make_draft
from dispatch.store.tables import Room, User
from sqlalchemy import select

async def main(url: str, each: int) -> None:
    db = await Database.connect(url)
    async with db.reader() as session:
        users = {user.sign_in_name: user for user in await session.scalars(select(User))}
        rooms = list(await session.scalars(select(Room).order_by(Room.position)))
    court = Court(db, Path("no such file"), users, *rooms)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def book(number: int) -> dict[str, str]:
        try:
            sitting = await bookings.create_sitting(db, make_draft(court, title=f"{number}"), court.clerk, NOW)
            return {"won": sitting.id}
        except Conflict as told:
            return {"code": told.code, "by": told.sitting_id, "room": told.room_id, "from": told.starts_at.isoformat(),
                    "to": told.ends_at.isoformat(), "nearest": told.nearest_free.isoformat()}

    outcomes = await asyncio.gather(*(book(number) for number in range(each)), return_exceptions=True)
    print(json.dumps([each if isinstance(each, dict) else {"error": repr(each)} for each in outcomes]), flush=True)
    await db.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def clerks_at_once(url: str) -> list[dict[str, str]]:
    """Several servers on one database, each with many requests for the same slot; what became of each request."""

    async def one() -> asyncio.subprocess.Process:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLERKS, url, str(EACH), cwd=TOP, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert started.stdout is not None
        assert await started.stdout.readline() == b"ready\n"
        return started

    processes = await asyncio.gather(*(one() for _ in range(PROCESSES)))
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    outcomes: list[dict[str, str]] = [outcome for out, _ in answers for outcome in json.loads(out)]
    return outcomes


async def one_at_once(court: Court) -> list[dict[str, str]]:
    """The same within one server."""

    async def book(number: int) -> dict[str, str]:
        try:
            return {"won": (await bookings.create_sitting(court.db, make_draft(court, title=f"{number}"), court.clerk, NOW)).id}
        except Conflict as told:
            return {
                "code": told.code, "by": told.sitting_id, "room": told.room_id, "from": told.starts_at.isoformat(),
                "to": told.ends_at.isoformat(), "nearest": told.nearest_free.isoformat(),
            }  # fmt: skip

    return await asyncio.gather(*(book(number) for number in range(PROCESSES * EACH)))


@pytest.mark.parametrize("servers", [1, PROCESSES])
async def test_of_200_parallel_requests_for_one_slot_one_wins(court: Court, servers: int) -> None:
    outcomes = await (one_at_once(court) if servers == 1 else clerks_at_once(court.db.url))
    assert len(outcomes) == 200
    (won,) = [outcome["won"] for outcome in outcomes if "won" in outcome]
    told = {json.dumps(outcome) for outcome in outcomes if "won" not in outcome}
    assert [json.loads(each) for each in told] == [
        {
            "code": "room_taken", "by": won, "room": court.room.id, "from": at("14:00").isoformat(),
            "to": at("15:00").isoformat(), "nearest": at("15:00").isoformat(),
        }
    ]  # fmt: skip
    async with court.db.reader() as session:
        assert list(await session.scalars(select(Booking.sitting_id))) == [won]
        assert list(await session.scalars(select(Sitting.id))) == [won]
    assert len(await audited(court.db, "sitting_booked")) == 1
    assert (await audit.verify_chain(court.db)).ok


async def second_server(court: Court) -> Database:
    return await Database.connect(court.db.url)


async def test_a_move_and_a_booking_race_for_one_slot_and_one_of_them_has_it(court: Court) -> None:
    other = await second_server(court)
    try:
        for round_ in range(8):
            day = round_ + 1
            moving = await make_sitting(court, "09:00", days=day, title=f"旧 {round_}")
            slot = at("14:00", day), at("15:00", day)
            draft = make_draft(court, days=day, chair_id=court.other_judge.id, clerk_id="", title=f"新 {round_}")
            outcomes = await asyncio.gather(
                bookings.move(court.db, moving.id, court.room.id, *slot, court.clerk, NOW, override_reason=URGENT),
                bookings.create_sitting(other, draft, court.clerk, NOW),
                return_exceptions=True,
            )
            (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Sitting)]
            (loser,) = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
            assert (loser.code, loser.sitting_id, loser.starts_at) == ("room_taken", winner.id, slot[0])
            moved = await as_it_is(court.db, moving)
            assert moved.starts_at == (slot[0] if winner.id == moving.id else at("09:00", day))
    finally:
        await other.close()


async def test_two_sittings_that_want_each_others_room_do_not_wait_for_each_other(court: Court) -> None:
    first, second = await make_sitting(court), await other_sitting(court)
    other = await second_server(court)
    try:
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(
                bookings.move(court.db, first.id, court.other_room.id, at("14:00"), at("15:00"), court.clerk, NOW, override_reason=URGENT),
                bookings.move(other, second.id, court.room.id, at("14:00"), at("15:00"), court.clerk, NOW, override_reason=URGENT),
                return_exceptions=True,
            )
    finally:
        await other.close()
    assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict]


async def test_a_person_is_booked_once_however_many_rooms_ask_for_him(court: Court) -> None:
    rooms = (court.room.id, court.other_room.id)
    drafts = [make_draft(court, room_id=rooms[n % 2], clerk_id="", title=f"{n}") for n in range(20)]
    outcomes = await asyncio.gather(
        *(bookings.create_sitting(court.db, draft, court.clerk, NOW) for draft in drafts), return_exceptions=True
    )
    assert sum(isinstance(outcome, Sitting) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes} == {Sitting, Conflict}


async def test_every_slot_of_a_day_goes_to_somebody_and_none_to_two(court: Court) -> None:
    """Many people at once, each taking the time that a refusal proposes: seven find room until the court closes, one comes next morning."""

    async def insist(number: int) -> datetime:
        start = at("14:00")
        while True:
            draft = make_draft(court, starts_at=start, ends_at=start + timedelta(minutes=30), title=f"{number}")
            try:
                return (await bookings.create_sitting(court.db, draft, court.clerk, at("13:59"))).starts_at
            except Conflict as told:
                start = told.nearest_free

    starts = await asyncio.gather(*(insist(number) for number in range(8)))
    assert sorted(starts) == [*(at("14:00") + n * timedelta(minutes=30) for n in range(7)), at("09:00", 1)]
