"""The local day: what lies on it, however the court's clock is put."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking import bookings
from dispatch.booking import days as days_of_rooms
from dispatch.booking.days import bounds
from dispatch.store.tables import Room
from tests.dispatch.making import NOW, SHANGHAI, TODAY, Court, make_sitting, other_sitting

ZONES = tuple(ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe"))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 3, 29), "Asia/Shanghai", 24),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        # Here the clock is put at midnight itself: 00:00 does not exist, or comes twice.
        (date(2026, 4, 24), "Africa/Cairo", 23),
        (date(2026, 11, 1), "America/Havana", 25),
    ],
)
def test_a_day_has_the_hours_between_two_midnights(day: date, zone: str, hours: float) -> None:
    begin, end = bounds(day, ZoneInfo(zone))
    assert (end - begin) == timedelta(hours=hours)


@given(day=st.dates(date(1990, 1, 1), date(2040, 1, 1)), zone=st.sampled_from(ZONES))
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    begin, end = bounds(day, zone)
    assert begin < end
    assert end == bounds(day + timedelta(days=1), zone)[0]
    assert begin.astimezone(zone).date() == day
    assert (end - timedelta(microseconds=1)).astimezone(zone).date() == day


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
@pytest.mark.parametrize("day", [date.min, date.max])
async def test_the_ends_of_the_calendar_are_empty_days(court: Court, day: date, zone: str) -> None:
    assert all(taken == [] for _, taken in await days_of_rooms.day(court.db, day, ZoneInfo(zone)))


async def day_of(court: Court, days: int = 0) -> dict[str, list[str]]:
    grid = await days_of_rooms.day(court.db, TODAY + timedelta(days=days), SHANGHAI)
    return {room.id: [slot.title for slot in taken] for room, taken in grid}


async def test_rooms_come_in_their_order_with_what_is_held_in_them_in_order(court: Court) -> None:
    await make_sitting(court, "16:00", title="后")
    await make_sitting(court, "14:00", title="先")
    await other_sitting(court, title="另")
    assert await day_of(court) == {court.room.id: ["先", "后"], court.other_room.id: ["另"]}
    assert list(await day_of(court)) == [court.room.id, court.other_room.id]


async def test_a_sitting_over_midnight_is_on_both_days(court: Court) -> None:
    await make_sitting(court, "23:30", title="夜")
    assert (await day_of(court))[court.room.id] == ["夜"]
    assert (await day_of(court, 1))[court.room.id] == ["夜"]


async def test_a_sitting_that_ends_at_midnight_is_on_the_first_day_only(court: Court) -> None:
    await make_sitting(court, "23:00", title="夜")
    assert (await day_of(court))[court.room.id] == ["夜"]
    assert (await day_of(court, 1))[court.room.id] == []


async def test_a_cancelled_sitting_is_not_on_the_grid(court: Court) -> None:
    sitting = await make_sitting(court)
    await bookings.cancel(court.db, sitting.id, "原告撤诉", court.clerk, NOW)
    assert (await day_of(court))[court.room.id] == []


async def test_a_room_that_is_closed_down_is_not_on_the_grid(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(Room, court.other_room.id)).active = False
    assert list(await day_of(court)) == [court.room.id]


async def test_a_sitting_in_the_hour_that_comes_twice_is_on_that_day_once(court: Court) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    starts_at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 for the first time
    sitting = await make_sitting(court, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=90), now=starts_at - timedelta(days=1))
    grid = await days_of_rooms.day(court.db, date(2026, 10, 25), berlin)
    assert [slot.id for _, taken in grid for slot in taken] == [sitting.id]
    for day in (date(2026, 10, 24), date(2026, 10, 26)):
        assert [taken for _, taken in await days_of_rooms.day(court.db, day, berlin) if taken] == []
