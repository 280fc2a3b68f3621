"""The week and the month of the booking page: which days they show, and what lies on each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking.timeline import Slot
from dispatch.store.tables import Room
from dispatch.web.calendar_cells import MOST_IN_A_CELL, days_between, month, month_after, month_before, month_of, week, week_of
from tests.dispatch.web.conftest import Site

SHANGHAI = ZoneInfo("Asia/Shanghai")


def booked(room: Room, starts: str, hours: float = 1, title: str = "") -> Slot:
    start = datetime.fromisoformat(starts).replace(tzinfo=SHANGHAI)
    end = start + timedelta(hours=hours)
    return Slot(room.id, "s", "remote_court", title, "1", "planned", "confirmed", start, end, start, end, None, None)


@given(st.dates())
def test_a_week_goes_from_monday_to_sunday_and_holds_its_day(day: date) -> None:
    first, last = week_of(day)
    assert first <= day <= last
    assert first == date.min or first.weekday() == 0
    assert last == date.max or last.weekday() == 6
    assert (last - first).days <= 6


@given(st.dates())
def test_a_month_is_shown_in_whole_weeks(day: date) -> None:
    first, last = month_of(day)
    days = days_between(first, last)
    assert {day.replace(day=n) for n in range(1, 29)} <= set(days)
    assert len(days) <= 42
    assert month_before(day) <= day.replace(day=1) <= day
    assert month_after(day) >= day.replace(day=1)


@pytest.mark.parametrize(
    ("day", "before", "after"), [("2026-01-31", "2025-12-01", "2026-02-01"), ("2028-02-29", "2028-01-01", "2028-03-01")]
)
def test_months_follow_each_other(day: str, before: str, after: str) -> None:
    shown = date.fromisoformat(day)
    assert (month_before(shown), month_after(shown)) == (date.fromisoformat(before), date.fromisoformat(after))


def test_a_sitting_over_midnight_is_on_both_days_and_one_that_ends_at_midnight_on_the_first() -> None:
    room = Room(id="r", name="第一法庭", kind="court", position=1)
    held = [booked(room, "2026-11-24T23:00", 2, "夜"), booked(room, "2026-11-26T22:00", 2, "晚")]
    (row,) = week([(room, held)], days_between(*week_of(date(2026, 11, 24))), SHANGHAI, "zh-CN")
    titles = [[placed.item.sitting.title for placed in cell.placed] for cell in row.cells]
    assert titles == [[], ["夜"], ["夜"], ["晚"], [], [], []]
    assert [(p.item.before, p.item.after) for cell in row.cells for p in cell.placed] == [(False, True), (True, False), (False, False)]


def test_a_day_of_the_month_has_all_rooms_by_time_and_says_how_many_it_does_not_name() -> None:
    rooms = [Room(id=f"r{n}", name=f"第{n}法庭", kind="court", position=n) for n in range(2)]
    few = [(room, [booked(room, f"2026-11-03T{10 - n:02}:00", title=room.name)]) for n, room in enumerate(rooms)]
    many = [(rooms[0], [booked(rooms[0], f"2026-11-03T{8 + n:02}:00", title=str(n)) for n in range(MOST_IN_A_CELL + 3)])]
    days = days_between(*month_of(date(2026, 11, 15)))

    def third(made: list[tuple[Room, list[Slot]]]) -> list[str]:
        cell = next(cell for row in month(made, days, date(2026, 11, 1), SHANGHAI, "zh-CN") for cell in row.cells if cell.day.day == 3)
        return [*(placed.item.sitting.title for placed in cell.named), str(cell.more)]

    assert third(few) == ["第1法庭", "第0法庭", "0"]
    assert third(many) == ["0", "1", "2", "3", "3"]


@pytest.mark.parametrize("view", ["week", "month"])
async def test_a_booked_sitting_is_in_the_week_and_the_month(site: Site, view: str) -> None:
    clerk = await site.signed_in("clerk")
    await clerk.page("/sittings/new")
    sitting = await site.booked(clerk)
    page = await clerk.page(f"/booking?day=2026-11-26&view={view}")
    assert f'data-sitting="{sitting}"' in page
    assert 'data-day="2026-11-24" data-from="840" data-to="900"' in page
    assert f'data-sitting="{sitting}"' not in await clerk.page(f"/booking?day=2026-12-26&view={view}")
    assert f'data-sitting="{sitting}"' not in await clerk.page(f"/booking?day=2026-11-24&view={view}&kind=intake")


@pytest.mark.parametrize("query", ["view=year&kind=castle", "view=week&day=9999-12-31", "view=month&day=0001-01-01", "view=month&day=soon"])
async def test_what_no_calendar_has_is_shown_as_near_as_it_can_be(site: Site, query: str) -> None:
    clerk = await site.signed_in("clerk")
    assert "booking-" in await clerk.page(f"/booking?{query}")
