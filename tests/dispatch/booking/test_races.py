"""Acts of every kind race with a booking at two servers: one has what both want, the other learns what it is, who has it and until when,
and the time that is offered instead is free at that very moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, decisions
from dispatch.booking.catalogue.details import Details
from dispatch.booking.draft import SittingDraft, draft_of
from dispatch.booking.extension import extend
from dispatch.errors import Conflict, Refused
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import Hold, Sitting
from tests.dispatch.making import NOW, URGENT, Court, add_movable, as_it_is, at, make_draft, make_sitting, set_terms

ROUNDS = 5
MINUTES = timedelta(minutes=1)


@pytest.fixture
async def other(court: Court) -> AsyncIterator[Database]:
    """Another server of the court."""
    found = await Database.connect(court.db.url, court.db.site)
    yield found
    await found.close()
    assert court.db.again == found.again == 0, "somebody had to try again"


def theirs(court: Court, start: str, minutes: int = 60, **changes: Any) -> SittingDraft:
    """What another clerk wants: the same room with other people."""
    named: dict[str, Any] = {"chair_id": court.other_judge.id, "clerk_id": "", "title": "新", "case_number": "（2026）京0105民初88号"}
    return make_draft(court, start, minutes, **(named | changes))


async def both(one: Awaitable[Sitting], two: Awaitable[Sitting]) -> tuple[Sitting | Exception, Sitting | Exception]:
    """What became of two acts at once; each is done, or refused in words."""
    async with asyncio.timeout(30):
        first, second = await asyncio.gather(one, two, return_exceptions=True)
    for outcome in (first, second):
        assert isinstance(outcome, Sitting | Conflict | Refused), repr(outcome)
    return first, second  # type: ignore[return-value]


async def none_twice(court: Court) -> None:
    async with court.db.reader() as session:
        rows = select(Hold.resource_id, Hold.starts_at, Hold.ends_at).where(Hold.active).order_by(Hold.resource_id, Hold.starts_at)
        found = list(await session.execute(rows))
    for before, after in pairwise(found):
        assert before.resource_id != after.resource_id or before.ends_at <= after.starts_at


async def the_offer_is_free(db: Database, draft: SittingDraft, told: Conflict, by: Court, now: datetime = NOW) -> None:
    """Whoever takes the time that is offered has it."""
    assert draft.starts_at is not None
    assert draft.ends_at is not None
    start = told.nearest_free
    taken = replace(draft, starts_at=start, ends_at=start + (draft.ends_at - draft.starts_at))
    assert (await bookings.create_sitting(db, taken, by.clerk, now)).starts_at == start


@pytest.mark.parametrize("by", ["extending", "the form"])
async def test_a_longer_sitting_and_a_booking_behind_it(court: Court, other: Database, by: str) -> None:
    for day in range(1, ROUNDS + 1):
        sitting, wanted = await make_sitting(court, days=day), theirs(court, "15:00", days=day)
        if by == "extending":
            longer = extend(court.db, sitting.id, 30, court.clerk, NOW)
        else:
            draft = replace(draft_of(sitting), ends_at=at("15:30", day))
            longer = bookings.update_sitting(court.db, sitting.id, draft, court.clerk, NOW)
        first, second = await both(longer, bookings.create_sitting(other, wanted, court.clerk, NOW))
        if isinstance(first, Sitting):
            assert isinstance(second, Conflict)
            assert (second.resource_id, second.sitting_id, second.ends_at) == (court.room.id, sitting.id, at("15:30", day))
            await the_offer_is_free(other, wanted, second, court)
        else:
            assert isinstance(first, Conflict)
            assert isinstance(second, Sitting)
            assert (first.resource_id, first.sitting_id, first.starts_at) == (court.room.id, second.id, at("15:00", day))
            length = 30 * MINUTES if by == "extending" else 90 * MINUTES
            if by == "the form":
                free = first.nearest_free
                moved = bookings.move(
                    court.db, sitting.id, court.room.id, free, free + length, court.clerk, NOW, override_reason=URGENT
                )
                assert (await moved).starts_at == first.nearest_free
            assert (await as_it_is(court.db, sitting)).booking.holds[0].active
    await none_twice(court)


async def test_declining_and_a_booking_of_what_becomes_free(court: Court, other: Database) -> None:
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    for day in range(1, ROUNDS + 1):
        asked, wanted = await make_sitting(court, days=day), theirs(court, "14:00", days=day)
        first, second = await both(
            decisions.decline(court.db, asked.id, "另有安排", court.users["xu"], NOW),
            bookings.create_sitting(other, wanted, court.clerk, NOW),
        )
        assert isinstance(first, Sitting)
        assert first.status == "cancelled"
        if isinstance(second, Conflict):
            assert (second.resource_id, second.sitting_id) == (court.room.id, asked.id)
            await the_offer_is_free(other, wanted, second, court)
    await none_twice(court)


async def test_approving_and_a_booking_of_what_was_asked_for(court: Court, other: Database) -> None:
    await set_terms(court.db, court.room.id, Details(needs_approval=True), court.users["xu"], NOW)
    for day in range(1, ROUNDS + 1):
        asked, wanted = await make_sitting(court, days=day), theirs(court, "14:30", days=day)
        first, second = await both(
            decisions.approve(court.db, asked.id, court.users["xu"], NOW), bookings.create_sitting(other, wanted, court.clerk, NOW)
        )
        assert isinstance(first, Sitting)
        assert first.booking.state == "confirmed"
        assert isinstance(second, Conflict)
        assert (second.resource_id, second.sitting_id, second.starts_at) == (court.room.id, asked.id, at("14:00", day))
        await the_offer_is_free(other, wanted, second, court)
    await none_twice(court)


async def test_lapsing_and_a_booking_of_what_becomes_free(court: Court, other: Database) -> None:
    """What lapsed is in nobody's way, whether it was called so yet or not."""
    for day in range(1, ROUNDS + 1):
        draft = make_draft(court, days=day)
        held = await bookings.create_sitting(court.db, draft, court.clerk, NOW, held_until=NOW + 30 * MINUTES)

        async def lapsed(sitting: Sitting = held) -> Sitting:
            assert await decisions.lapse(court.db, NOW + 30 * MINUTES) == [sitting.id]
            return await as_it_is(court.db, sitting)

        wanted = theirs(court, "14:00", days=day)
        first, second = await both(lapsed(), bookings.create_sitting(other, wanted, court.clerk, NOW + 30 * MINUTES))
        assert isinstance(first, Sitting)
        assert isinstance(second, Sitting)
        assert (first.status, second.status) == ("cancelled", "planned")
        assert {hold.active for hold in first.booking.holds} == {False}
        assert {hold.active for hold in second.booking.holds} == {True}
    await none_twice(court)


async def test_lapsing_and_confirming_at_two_servers_whose_clocks_differ(court: Court, other: Database) -> None:
    for day in range(1, ROUNDS + 1):
        draft = make_draft(court, days=day)
        held = await bookings.create_sitting(court.db, draft, court.clerk, NOW, held_until=NOW + 30 * MINUTES)

        async def lapsed(sitting: Sitting = held) -> Sitting:
            await decisions.lapse(court.db, NOW + 31 * MINUTES)
            return await as_it_is(court.db, sitting)

        _, second = await both(lapsed(), decisions.confirm(other, held.id, court.clerk, NOW + 29 * MINUTES))
        after = await as_it_is(court.db, held)
        expected = ("planned", "confirmed", {True}) if isinstance(second, Sitting) else ("cancelled", "cancelled", {False})
        assert (after.status, after.booking.state, {hold.active for hold in after.booking.holds}) == expected


async def test_a_move_over_midnight_and_a_booking_of_the_next_morning(court: Court, other: Database) -> None:
    for round_ in range(ROUNDS):
        day = 2 * round_ + 1
        moving, wanted = await make_sitting(court, days=day), theirs(court, "00:15", days=day + 1)
        night = at("23:30", day), at("00:30", day + 1)
        first, second = await both(
            bookings.move(court.db, moving.id, court.room.id, *night, court.clerk, NOW, override_reason=URGENT),
            bookings.create_sitting(other, wanted, court.clerk, NOW),
        )
        (won,) = [each for each in (first, second) if isinstance(each, Sitting)]
        (told,) = [each for each in (first, second) if isinstance(each, Conflict)]
        assert (told.resource_id, told.sitting_id) == (court.room.id, won.id)
        assert (told.starts_at, told.ends_at) == (won.starts_at, won.ends_at)
        if isinstance(second, Conflict):
            await the_offer_is_free(other, wanted, second, court)
    await none_twice(court)


@pytest.mark.parametrize("fold", [0, 1])
async def test_the_hour_that_comes_twice_is_raced_for_each_time(court: Court, fold: int) -> None:
    """A site in Berlin, where 02:00 to 03:00 on 2026-10-25 comes twice: of each one has it, and nobody is told of the other."""
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 20, 8, tzinfo=UTC)
    site = Site(zone=berlin)
    one, two = [await Database.connect(court.db.url, site) for _ in range(2)]
    there = replace(court, db=one)

    def hour(which: int) -> dict[str, Any]:
        start = datetime(2026, 10, 25, 2, tzinfo=berlin, fold=which)
        return {"starts_at": start, "ends_at": (start.astimezone(UTC) + 30 * MINUTES).astimezone(berlin)}

    try:
        taken = await make_sitting(there, **hour(1 - fold), now=now)
        outcomes = await asyncio.gather(
            *(
                bookings.create_sitting(db, theirs(there, "14:00", title=f"{n}", **hour(fold)), court.clerk, now)
                for n, db in enumerate((one, two, one, two))
            ),
            return_exceptions=True,
        )
        (won,) = [each for each in outcomes if isinstance(each, Sitting)]
        lost = [each for each in outcomes if isinstance(each, Conflict)]
        assert len(lost) == 3
        assert {told.sitting_id for told in lost} == {won.id}, "not the other hour of that name"
        assert {told.resource_id for told in lost} == {court.room.id}
        assert abs((won.starts_at - taken.starts_at).total_seconds()) == 3600
        draft = theirs(there, "14:00", title="后", **hour(fold))
        await the_offer_is_free(one, draft, lost[0], there, now)
    finally:
        await one.close()
        await two.close()


async def test_losers_of_one_race_are_offered_what_is_free_for_all_that_they_named(court: Court, other: Database) -> None:
    """Several rooms, equipment and people in shuffled order, as they were named."""
    (stand,) = await add_movable(court.db, "equipment", "实物展台", court.users["xu"], NOW)
    await set_terms(court.db, court.other_room.id, Details(before_minutes=15, after_minutes=15), court.users["xu"], NOW)
    rooms = (court.room.id, court.other_room.id)
    drafts = [
        theirs(court, "14:00", title=f"{n}", room_id=rooms[n % 2], rooms=rooms[:: 1 - 2 * (n % 2)], equipment=(stand.id,))
        for n in range(12)
    ]
    outcomes = await asyncio.gather(
        *(bookings.create_sitting((court.db, other)[n % 2], draft, court.clerk, NOW) for n, draft in enumerate(drafts)),
        return_exceptions=True,
    )
    (won,) = [each for each in outcomes if isinstance(each, Sitting)]
    lost = [(draft, each) for draft, each in zip(drafts, outcomes, strict=True) if isinstance(each, Conflict)]
    assert len(lost) == 11
    assert {told.sitting_id for _, told in lost} == {won.id}
    assert len({told.nearest_free for _, told in lost}) == 1, "nothing else was booked meanwhile"
    await the_offer_is_free(court.db, *lost[0], court)
    await none_twice(court)
