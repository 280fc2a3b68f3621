"""Two sites in different zones: hours, holidays and make-up days are by the clock of each, closures are of one alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatch.booking import bookings
from dispatch.booking.catalogue import closures, loaded_days
from dispatch.booking.catalogue.calendar_days import CalendarDay
from dispatch.booking.catalogue.sites import SiteDraft, add_site
from dispatch.booking.finding.searching import Wanted, search
from dispatch.booking.series import series
from dispatch.booking.series.recurrence import Series
from dispatch.booking.series.rules import read_rule
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import Conflict, SeriesConflict, ValidationFailed
from dispatch.store.tables import CourtSite, Resource, Room, Sitting, User
from tests.dispatch.making import NOW, SHANGHAI, Court, make_draft

NEW_YORK = ZoneInfo("America/New_York")
HOURS = {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
HOLIDAY, MAKE_UP = date(2026, 12, 10), date(2026, 12, 12)


@pytest.fixture
async def abroad(court: Court) -> CourtSite:
    """The second room, with a judge of its own, is in New York; 10 December is a holiday, and Saturday the 12th is worked for it."""
    site = await add_site(court.db, SiteDraft("纽约工作站", zone="America/New_York", hours=HOURS), court.clerk, NOW)
    async with court.db.writer() as session:
        for each in (court.other_room.id, court.other_judge.id):
            (await session.get_one(Resource, each)).site_id = site.id
    days = [CalendarDay(HOLIDAY, "holiday", "院庆日"), CalendarDay(MAKE_UP, "working", "调休", 3)]
    await loaded_days.put_days(court.db, days, court.clerk, NOW)
    return site


def wall(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


async def books(court: Court, start: datetime, *, abroad: bool, **changes: Any) -> Sitting:
    """An hour from `start` on, without a reason for any exception."""
    who = {"room_id": court.other_room.id, "chair_id": court.other_judge.id} if abroad else {}
    whole: dict[str, Any] = {"clerk_id": "", "starts_at": start, "ends_at": start + timedelta(hours=1), "override_reason": ""}
    draft = make_draft(court, **(whole | who | changes))
    return await bookings.create_sitting(court.db, draft, court.clerk, NOW)


async def broken(court: Court, start: datetime, *, abroad: bool) -> set[str]:
    with pytest.raises(ValidationFailed) as refused:
        await books(court, start, abroad=abroad)
    return {code for _, code, _ in refused.value.errors}


async def test_hours_are_by_the_clock_of_the_site(court: Court, abroad: CourtSite) -> None:
    day = HOLIDAY - timedelta(days=2)
    assert await broken(court, wall(day, "10:00", SHANGHAI), abroad=True) == {"rule_hours"}  # nine in the evening there
    sitting = await books(court, wall(day, "10:00", NEW_YORK), abroad=True)
    assert sitting.starts_at == datetime(2026, 12, 8, 15, tzinfo=UTC)
    assert await broken(court, wall(day, "10:00", NEW_YORK), abroad=False) == {"rule_hours"}
    await books(court, wall(day, "10:00", SHANGHAI), abroad=False, case_number="（2026）京0105民初2号")


async def test_a_holiday_is_the_day_of_each_sites_own_calendar_sheet(court: Court, abroad: CourtSite) -> None:
    # On the ninth at noon in New York it is the tenth in Shanghai already, which is a holiday there alone by then.
    await books(court, wall(HOLIDAY - timedelta(days=1), "12:30", NEW_YORK), abroad=True)
    assert await broken(court, wall(HOLIDAY, "10:00", SHANGHAI), abroad=False) == {"rule_holiday"}
    # On the tenth in the afternoon in New York it is the eleventh in Shanghai, and a holiday in New York still.
    assert await broken(court, wall(HOLIDAY, "15:00", NEW_YORK), abroad=True) == {"rule_holiday"}
    await books(court, wall(HOLIDAY + timedelta(days=1), "10:00", SHANGHAI), abroad=False, case_number="（2026）京0105民初2号")


async def test_a_make_up_day_has_the_hours_of_the_day_that_it_stands_for_at_each_site(court: Court, abroad: CourtSite) -> None:
    await books(court, wall(MAKE_UP, "10:00", SHANGHAI), abroad=False)
    await books(court, wall(MAKE_UP, "16:00", NEW_YORK), abroad=True, case_number="（2026）京0105民初2号")
    assert await broken(court, wall(MAKE_UP + timedelta(days=7), "16:00", NEW_YORK), abroad=True) == {"rule_day_off"}
    assert await broken(court, wall(MAKE_UP, "18:00", NEW_YORK), abroad=True) == {"rule_hours"}


async def test_a_site_that_is_closed_closes_its_own_rooms_and_people_alone(court: Court, abroad: CourtSite) -> None:
    day = HOLIDAY - timedelta(days=2)
    begin, end = wall(day, "00:00", NEW_YORK), wall(day + timedelta(days=1), "00:00", NEW_YORK)
    await closures.close(court.db, begin, end, "closed", "停电", court.clerk, NOW, site_id=abroad.id)
    with pytest.raises(Conflict) as refused:
        await books(court, wall(day, "10:00", NEW_YORK), abroad=True)
    assert (refused.value.code, refused.value.resource_id) == ("resource_closed", court.other_room.id)
    # What is proposed is within the hours there, on a day that is worked there.
    assert refused.value.nearest_free.astimezone(NEW_YORK) == wall(day - timedelta(days=1), "16:00", NEW_YORK)
    await books(court, wall(day, "14:00", SHANGHAI), abroad=False)


async def test_a_site_that_is_closed_is_left_out_by_searches_there_alone(court: Court, abroad: CourtSite) -> None:
    day = HOLIDAY - timedelta(days=2)
    begin, end = wall(day - timedelta(days=1), "00:00", NEW_YORK), wall(day + timedelta(days=1), "00:00", NEW_YORK)

    async def found(room: Room, judge: User) -> list[Span]:
        wanted = Wanted(day, day, 60, chair_id=judge.id, rooms=(room.id,))
        return [slot.span for slot in (await search(court.db, wanted, NOW)).slots]

    here = await found(court.room, court.judge)
    assert here
    assert await found(court.other_room, court.other_judge)
    await closures.close(court.db, begin, end, "closed", "当地假日", court.clerk, NOW, site_id=abroad.id)
    assert await found(court.room, court.judge) == here
    assert await found(court.other_room, court.other_judge) == []


async def test_a_series_names_each_day_on_which_its_site_is_closed(court: Court, abroad: CourtSite) -> None:
    closed = HOLIDAY - timedelta(days=2)
    begin, end = wall(closed, "00:00", NEW_YORK), wall(closed + timedelta(days=1), "00:00", NEW_YORK)
    await closures.close(court.db, begin, end, "closed", "当地假日", court.clerk, NOW, site_id=abroad.id)
    first = wall(closed - timedelta(days=1), "10:00", NEW_YORK)
    whole: dict[str, Any] = {"clerk_id": "", "starts_at": first, "ends_at": first + timedelta(hours=1), "override_reason": ""}
    draft = make_draft(court, **whole, room_id=court.other_room.id, chair_id=court.other_judge.id)
    plan = Series(wall_time(first, NEW_YORK), 60, NEW_YORK, read_rule("FREQ=DAILY;COUNT=3", NEW_YORK))
    with pytest.raises(SeriesConflict) as refused:
        await series.create(court.db, draft, plan, court.clerk, NOW)
    (clash,) = refused.value.clashes
    assert (clash.starts_at, clash.conflict.code) == (first + timedelta(days=1), "resource_closed")
    assert not begin - timedelta(hours=1) < clash.conflict.nearest_free < end


async def test_a_search_finds_each_sites_hours_and_leaves_out_its_holidays(court: Court, abroad: CourtSite) -> None:
    wanted = Wanted(HOLIDAY, HOLIDAY + timedelta(days=1), 60, chair_id=court.other_judge.id, rooms=(court.other_room.id,))
    found = await search(court.db, wanted, NOW)
    local = [slot.span.start.astimezone(NEW_YORK) for slot in found.slots]
    assert local
    assert all(9 <= each.hour < 17 for each in local)
    # From midnight of the tenth to that of the eleventh in Shanghai: the ninth's afternoon in New York and the eleventh's morning.
    assert HOLIDAY not in {each.date() for each in local}
    here = await search(court.db, Wanted(HOLIDAY, HOLIDAY, 60, chair_id=court.judge.id, rooms=(court.room.id,)), NOW)
    assert here.slots == []
