"""Whose hours and whose clock count, and which days a court works."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from dispatch.booking import allowed, bookings
from dispatch.booking.catalogue.hours import ALWAYS, COURT_HOURS, weekly_hours
from dispatch.errors import ValidationFailed
from dispatch.store.tables import CalendarDay, CourtSite, Resource, Room, SiteDay
from tests.dispatch.making import NOW, SHANGHAI, Court, at, make_draft

MORNINGS = {"mon": ["08:00-12:00"]}
EVENINGS = {"mon": ["18:00-20:00"]}


@pytest.mark.parametrize(
    ("resource", "site", "hours"),
    [
        (Resource(kind="room"), None, COURT_HOURS),
        (Resource(kind="room"), CourtSite(name="分院"), COURT_HOURS),
        (Resource(kind="room"), CourtSite(name="分院", hours=MORNINGS), weekly_hours(MORNINGS)),
        (Resource(kind="room", hours=EVENINGS), CourtSite(name="分院", hours=MORNINGS), weekly_hours(EVENINGS)),
        (Resource(kind="person"), None, COURT_HOURS),
        (Resource(kind="custody"), CourtSite(name="看守所"), ALWAYS),
        (Resource(kind="custody"), CourtSite(name="看守所", hours=MORNINGS), weekly_hours(MORNINGS)),
        (Resource(kind="room", room_kind="virtual"), CourtSite(name="分院", hours=MORNINGS), ALWAYS),
        (Resource(kind="room", room_kind="virtual", hours=EVENINGS), None, weekly_hours(EVENINGS)),
    ],
)
def test_own_hours_come_before_the_sites_and_these_before_the_courts(resource: Resource, site: CourtSite | None, hours: object) -> None:
    assert allowed.hours_of(resource, site) == hours


def test_a_site_elsewhere_has_its_own_clock() -> None:
    assert allowed.zone_of(CourtSite(name="柏林", zone="Europe/Berlin"), SHANGHAI) == ZoneInfo("Europe/Berlin")
    assert allowed.zone_of(CourtSite(name="分院"), SHANGHAI) == SHANGHAI
    assert allowed.zone_of(None, SHANGHAI) == SHANGHAI


def test_notice_of_a_hearing_is_given_three_whole_days_before() -> None:
    assert allowed.noticed_from("remote_court", NOW, SHANGHAI) == at("00:00", 4)
    assert allowed.noticed_from("round_table", NOW, SHANGHAI) is None


async def test_the_calendar_has_the_days_that_were_loaded(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CalendarDay(day=date(2027, 10, 1), kind="holiday", name="国庆节"))
        session.add(CalendarDay(day=date(2027, 10, 9), kind="working", name="国庆节调休", works_like=2))
    async with court.db.reader() as session:
        whole = (await allowed.calendars(session)).court
        other_year = (await allowed.calendars(session, date(2028, 1, 1), date(2028, 12, 31))).court
    assert whole.works_like(date(2027, 10, 1)) is None
    assert whole.name(date(2027, 10, 1)) == "国庆节"
    assert whole.works_like(date(2027, 10, 9)) == 2
    assert not other_year.days


async def test_a_year_that_nobody_has_loaded_has_the_published_days(court: Court) -> None:
    async with court.db.reader() as session:
        published = (await allowed.calendars(session, date(2026, 10, 1), date(2026, 10, 1))).court
    assert published.name(date(2026, 10, 1)) == "国庆节"
    async with court.db.writer() as session:
        session.add(CalendarDay(day=date(2026, 10, 8), kind="holiday", name="院庆日"))
    async with court.db.reader() as session:
        loaded = (await allowed.calendars(session, date(2026, 10, 1), date(2026, 10, 1))).court
    assert list(loaded.days) == [date(2026, 10, 8)]


async def test_a_resource_knows_what_kind_of_room_it_is(court: Court) -> None:
    async with court.db.writer() as session:
        room = await session.get_one(Room, court.room.id)
        assert (await session.get_one(Resource, room.id)).room_kind == "court"
        room.kind = "virtual"
    async with court.db.reader() as session:
        resource = await session.get_one(Resource, court.room.id)
        assert (resource.room_kind, resource.features) == ("virtual", [])


async def test_a_sites_own_day_stands_in_the_place_of_the_courts(court: Court) -> None:
    async with court.db.writer() as session:
        session.add_all([CourtSite(id="east", name="东院"), CourtSite(id="west", name="西院")])
        await session.flush()
        session.add(CalendarDay(day=date(2027, 10, 1), kind="holiday", name="国庆节"))
        session.add(CalendarDay(day=date(2027, 10, 4), kind="holiday", name="国庆节"))
        session.add(SiteDay(site_id="east", day=date(2027, 10, 1), kind="working", name="值班", works_like=4))
        session.add(SiteDay(site_id="east", day=date(2027, 12, 1), kind="holiday", name="停电"))
    async with court.db.reader() as session:
        days = await allowed.calendars(session, date(2027, 9, 1), date(2027, 12, 31))
    assert [days.of("east").works_like(date(2027, *day)) for day in ((10, 1), (10, 4), (12, 1))] == [4, None, None]
    assert [days.of("west").works_like(date(2027, *day)) for day in ((10, 1), (10, 4), (12, 1))] == [None, None, 2]
    assert days.of(None) == days.of("west") == days.court


async def test_what_is_a_holiday_at_one_site_alone_needs_a_reason_there_alone(court: Court) -> None:
    async with court.db.writer() as session:
        session.add_all([CourtSite(id="east", name="东院"), CourtSite(id="west", name="西院")])
        await session.flush()
        session.add(SiteDay(site_id="east", day=at("09:00", 7).date(), kind="holiday", name="停电检修"))
        (await session.get_one(Resource, court.room.id)).site_id = "east"
        (await session.get_one(Resource, court.other_room.id)).site_id = "west"
    there = make_draft(court, starts_at=at("09:00", 7), ends_at=at("10:00", 7), override_reason="")
    with pytest.raises(ValidationFailed) as refused:
        await bookings.create_sitting(court.db, there, court.clerk, NOW)
    assert [(code, data["holiday"]) for _, code, data in refused.value.errors] == [("rule_holiday", "停电检修")]
    await bookings.create_sitting(court.db, replace(there, room_id=court.other_room.id), court.clerk, NOW)
