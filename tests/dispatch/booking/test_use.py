"""How rooms are used: what is counted, and what it is measured against."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from dispatch.booking import bookings
from dispatch.booking.catalogue import closures
from dispatch.booking.reasons import OTHER, REASONS, code_of, words_of
from dispatch.booking.use import Use, by_hour, statistics, summed
from dispatch.errors import ValidationFailed
from dispatch.store.tables import Sitting
from tests.dispatch.making import NOW, SHANGHAI, TODAY, Court, at, bring_to, make_draft, make_sitting, other_sitting

WEEK = (date(2026, 11, 23), date(2026, 11, 29))


async def test_what_is_held_is_counted_with_its_length_and_measured_against_open_hours(court: Court) -> None:
    await make_sitting(court, "14:00", 60)
    await make_sitting(court, "16:00", 90, case_number="（2026）京0105民初32号")
    await other_sitting(court, "10:00", 30)
    found = await statistics(court.db, *WEEK, NOW)
    (_, first), (_, second) = found.rooms
    assert (first.held, first.held_minutes, first.open_minutes) == (2, 150, 5 * 7 * 60)
    assert (second.held, second.held_minutes) == (1, 30)
    assert first.share == pytest.approx(150 / 2100)
    assert (found.total.held, found.total.held_minutes, found.total.open_minutes) == (3, 180, 2 * 2100)
    assert {kind: use.held for kind, use in found.kinds.items()} == {"remote_court": 3}
    assert found.busiest[1][14] == 60
    assert (found.busiest[1][16], found.busiest[1][17], found.busiest[1][10]) == (60, 30, 30)
    assert sum(map(sum, found.busiest)) == 180


async def test_a_sitting_of_two_rooms_counts_in_both_and_once_in_its_kind(court: Court) -> None:
    await make_sitting(court, rooms=(court.room.id, court.other_room.id))
    found = await statistics(court.db, *WEEK, NOW)
    assert [use.held for _, use in found.rooms] == [1, 1]
    assert found.kinds["remote_court"].held == 1


async def test_days_outside_are_not_counted(court: Court) -> None:
    await make_sitting(court, days=14)
    found = await statistics(court.db, *WEEK, NOW)
    assert (found.total.held, dict(found.kinds), sum(map(sum, found.busiest))) == (0, {}, 0)
    later = await statistics(court.db, TODAY + timedelta(14), TODAY + timedelta(14), NOW)
    assert later.total.held == 1


async def test_cancellations_are_told_by_their_reason(court: Court) -> None:
    for number, reason in enumerate([REASONS["settled"], REASONS["settled"], "停电"]):
        sitting = await make_sitting(court, case_number=f"（2026）京0105民初{40 + number}号")
        await bookings.cancel(court.db, sitting.id, reason, court.clerk, NOW)
    found = await statistics(court.db, *WEEK, NOW)
    assert found.reasons == {"settled": 2, OTHER: 1}
    assert (found.total.held, found.total.held_minutes, found.total.cancelled) == (0, 0, 3)
    assert sum(map(sum, found.busiest)) == 0


async def test_what_never_began_and_how_long_the_others_took(court: Court) -> None:
    ended = await bring_to(court.db, await make_sitting(court, "10:00", 60), "closed")
    async with court.db.writer() as session:
        times = {"opened_at": at("10:05"), "closed_at": at("10:50")}
        await session.execute(update(Sitting).where(Sitting.id == ended.id).values(**times))
    await make_sitting(court, "14:00", 60, case_number="（2026）京0105民初32号")
    before, after = [await statistics(court.db, *WEEK, now) for now in (at("14:30"), at("15:00"))]
    assert (before.total.missed, after.total.missed) == (0, 1)
    assert (after.total.ended, after.total.average_booked, after.total.average_lasted) == (1, 60, 45)
    none = await statistics(court.db, WEEK[1], WEEK[1], NOW)
    assert (none.total.average_booked, none.total.average_lasted) == (None, None)


async def test_closures_and_holidays_are_no_open_hours(court: Court) -> None:
    await closures.close(court.db, at("13:30"), at("17:30"), "maintenance", "检修", court.users["xu"], NOW, resource_id=court.room.id)
    found = await statistics(court.db, *WEEK, NOW)
    assert [use.open_minutes for _, use in found.rooms] == [2100 - 240, 2100]
    national_day = await statistics(court.db, date(2026, 10, 1), date(2026, 10, 1), NOW)
    assert national_day.total.open_minutes == 0
    assert national_day.total.share is None


@pytest.mark.parametrize(("first", "last", "code"), [((2026, 11, 2), (2026, 11, 1), "use_order"), ((2025, 1, 1), (2026, 1, 2), "use_long")])
async def test_days_that_are_none_or_too_many_are_refused(
    court: Court, first: tuple[int, int, int], last: tuple[int, int, int], code: str
) -> None:
    with pytest.raises(ValidationFailed) as told:
        await statistics(court.db, date(*first), date(*last), NOW)
    assert [(field, found) for field, found, _ in told.value.errors] == [("until", code)]


def test_a_span_is_parted_at_the_hours_of_the_clock() -> None:
    assert by_hour(at("09:40"), at("11:10"), SHANGHAI) == [(1, 9, 20), (1, 10, 60), (1, 11, 10)]
    assert by_hour(at("23:30"), at("00:15", 1), SHANGHAI) == [(1, 23, 30), (2, 0, 15)]
    kathmandu = ZoneInfo("Asia/Kathmandu")  # a quarter of an hour off
    assert sum(minutes for _, _, minutes in by_hour(at("09:00"), at("11:00"), kathmandu)) == 120


def test_sums_add_each_figure() -> None:
    one = Use(held=1, held_minutes=60, missed=1, cancelled=2, ended=1, booked_of_ended=60, lasted=50, open_minutes=100)
    assert summed([one, replace(one, open_minutes=None)]) == Use(2, 120, 2, 4, 2, 120, 100, 100)
    assert summed([]) == Use(open_minutes=0)


def test_a_listed_reason_is_written_in_words_and_found_again() -> None:
    assert words_of("settled", "ignored") == REASONS["settled"]
    assert words_of("other", "停电") == words_of("", "停电") == "停电"
    assert [code_of(words) for words in REASONS.values()] == list(REASONS)
    assert code_of("停电") == OTHER


async def test_a_draft_that_is_never_booked_counts_nowhere(court: Court) -> None:
    with pytest.raises(ValidationFailed):
        await bookings.create(court.db, make_draft(court, chair_id=""), court.clerk, NOW)
    assert (await statistics(court.db, *WEEK, NOW)).total.held == 0
