"""Working hours, holidays and notice decide a booking: it needs a reason, which is kept; without one every broken rule is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from dispatch.booking import allowed, bookings
from dispatch.errors import Conflict, ValidationFailed
from dispatch.store.tables import Booking, CalendarDay, CourtSite, Resource, Room, Sitting, new_id
from tests.dispatch.making import NOW, URGENT, Court, at, audited, draft_of, make_draft, make_sitting

MONDAY = 6
"""Days from today to Monday 30 November 2026, the first working day of which notice is given early enough."""
BERLIN = {"mon": ["08:00-12:00"], "sun": ["01:00-05:00"]}


async def refused(court: Court, **changes: Any) -> list[tuple[str, dict[str, Any]]]:
    """The broken rules that a booking without a reason is told."""
    with pytest.raises(ValidationFailed) as told:
        await bookings.create_sitting(court.db, make_draft(court, **({"override_reason": ""} | changes)), court.clerk, NOW)
    assert {field for field, _, _ in told.value.errors} == {allowed.FIELD}
    return [(code, dict(data)) for _, code, data in told.value.errors]


def counted(rule: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("dispatch_booking_rules_total", {"rule": rule, "outcome": outcome}) or 0


async def test_within_all_rules_nobody_is_asked_for_a_reason(court: Court) -> None:
    sitting = await make_sitting(court, days=MONDAY, override_reason="")
    assert sitting.booking.override_reason == ""


async def test_a_reason_that_nothing_asks_for_is_not_kept(court: Court) -> None:
    sitting = await make_sitting(court, days=MONDAY, override_reason=URGENT)
    assert sitting.booking.override_reason == ""


async def test_three_days_of_notice(court: Court) -> None:
    before = counted("notice", "refused")
    assert await refused(court) == [("rule_notice", {"name": "", "first": "2026-11-28"})]
    assert counted("notice", "refused") == before + 1


async def test_outside_working_hours_all_of_whom_they_are_are_named_once(court: Court) -> None:
    ((code, data),) = await refused(court, start="12:00", days=MONDAY)
    assert code == "rule_hours"
    assert data == {"name": "第一法庭、陈明远、赵书宁", "hours": "09:00-12:00, 13:30-17:30", "zone": "Asia/Shanghai"}


async def test_every_broken_rule_is_named_at_once(court: Court) -> None:
    told = await refused(court, start="19:00", days=1)
    assert [code for code, _ in told] == ["rule_hours", "rule_notice"]


async def test_a_weekend_is_a_day_off_unless_it_makes_up_for_a_holiday(court: Court) -> None:
    saturday = at("14:00", MONDAY + 5).date()
    ((code, data),) = await refused(court, days=MONDAY + 5)
    assert (code, data["day"]) == ("rule_day_off", saturday.isoformat())
    async with court.db.writer() as session:
        session.add(CalendarDay(day=saturday, kind="working", name="元旦调休"))
    await make_sitting(court, days=MONDAY + 5, override_reason="")


async def test_on_a_holiday_the_holiday_is_named(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CalendarDay(day=date(2026, 12, 1), kind="holiday", name="院庆日"))
    ((code, data),) = await refused(court, days=MONDAY + 1)
    assert (code, data["day"], data["holiday"]) == ("rule_holiday", "2026-12-01", "院庆日")


async def test_the_reason_is_kept_and_the_audit_row_names_it_and_the_rules(court: Court) -> None:
    before = counted("hours", "overridden")
    sitting = await make_sitting(court, "19:00", override_reason="  被告人次日转监 ")
    assert sitting.booking.override_reason == "被告人次日转监"
    (row,) = await audited(court.db, "sitting_booked")
    assert row.detail["override_reason"] == "被告人次日转监"
    assert row.detail["overridden"] == "hours、notice"
    assert counted("hours", "overridden") == before + 1


async def test_what_is_taken_is_told_before_a_reason_is_asked_for(court: Court) -> None:
    await make_sitting(court)
    with pytest.raises(Conflict):
        await bookings.create_sitting(court.db, make_draft(court, override_reason=""), court.clerk, NOW)


async def test_own_hours_of_a_room_are_asked(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(Resource, court.room.id)).hours = {"mon": ["09:00-11:00"]}
    ((_, data),) = await refused(court, days=MONDAY)
    assert (data["name"], data["hours"]) == ("第一法庭", "09:00-11:00")


async def test_cells_and_virtual_rooms_can_be_had_day_and_night(court: Court) -> None:
    async with court.db.writer() as session:
        cell, virtual = Resource(id=new_id(), kind="custody", name="看守所 1"), Room(id=new_id(), name="云法庭", kind="virtual")
        session.add_all([cell, virtual])
        for who in (court.judge, court.clerk):
            (await session.get_one(Resource, who.id)).hours = {"sat": ["00:00-24:00"]}
        session.add(CalendarDay(day=date(2026, 12, 5), kind="working", works_like=5))
    sitting = await make_sitting(court, "03:00", days=MONDAY + 5, room_id=virtual.id, equipment=(cell.id,), override_reason="")
    assert sitting.booking.override_reason == ""


# ---------------------------------------------------------------------------------------------------- moves and changes


async def moved(court: Court, sitting: Sitting, start: str, days: int, reason: str = "") -> Sitting:
    begin = at(start, days)
    return await bookings.move(
        court.db, sitting.id, sitting.room.id, begin, begin + timedelta(hours=1), court.clerk, NOW, override_reason=reason
    )


async def test_a_move_against_a_rule_needs_a_reason_of_its_own(court: Court) -> None:
    sitting = await make_sitting(court, days=MONDAY, override_reason="")
    with pytest.raises(ValidationFailed):
        await moved(court, sitting, "18:00", MONDAY)
    there = await moved(court, sitting, "18:00", MONDAY, "证人当日出境")
    assert there.booking.override_reason == "证人当日出境"
    with pytest.raises(ValidationFailed):
        await moved(court, sitting, "19:00", MONDAY)
    back = await moved(court, sitting, "14:00", MONDAY)
    assert back.booking.override_reason == ""
    rows = await audited(court.db, "sitting_moved")
    assert [row.detail.get("override_reason", "") for row in rows] == ["证人当日出境", ""]


async def test_a_reason_that_is_too_long_is_told_at_its_field(court: Court) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(ValidationFailed) as told:
        await moved(court, sitting, "15:00", 0, "长" * 201)
    assert told.value.errors == [(allowed.FIELD, "too_long", {"most": 200})]


async def test_where_time_and_place_stay_nothing_is_asked(court: Court) -> None:
    sitting = await make_sitting(court)
    changed = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改名", override_reason=""), court.clerk, NOW)
    assert (changed.title, changed.booking.override_reason) == ("改名", URGENT)
    put_better = draft_of(changed, override_reason="双方书面同意")
    assert (await bookings.update_sitting(court.db, sitting.id, put_better, court.clerk, NOW)).booking.override_reason == "双方书面同意"


async def test_somebody_who_joins_is_asked_for_his_own_hours_alone(court: Court) -> None:
    sitting = await make_sitting(court)
    async with court.db.writer() as session:
        (await session.get_one(Resource, court.users["sun"].id)).hours = {"tue": ["09:00-12:00"]}
    joined = draft_of(sitting, prosecutor_id=court.users["sun"].id, override_reason="")
    with pytest.raises(ValidationFailed) as told:
        await bookings.update_sitting(court.db, sitting.id, joined, court.clerk, NOW)
    assert [code for _, code, _ in told.value.errors] == ["rule_hours"]
    joined = replace(joined, override_reason="检察员已同意")
    assert (await bookings.update_sitting(court.db, sitting.id, joined, court.clerk, NOW)).booking.override_reason == "检察员已同意"


async def test_another_room_at_the_same_time_needs_notice_too(court: Court) -> None:
    sitting = await make_sitting(court)
    elsewhere = draft_of(sitting, room_id=court.other_room.id, rooms=(), override_reason="")
    with pytest.raises(ValidationFailed) as told:
        await bookings.update_sitting(court.db, sitting.id, elsewhere, court.clerk, NOW)
    assert [code for _, code, _ in told.value.errors] == ["rule_notice"]


# ---------------------------------------------------------------------------------------------------- another clock


async def in_berlin(court: Court) -> Court:
    """The first room stands in Berlin; the people have no hours that are in the way."""
    async with court.db.writer() as session:
        site = CourtSite(id=new_id(), name="柏林", zone="Europe/Berlin", hours=BERLIN)
        session.add(site)
        await session.flush()
        (await session.get_one(Room, court.room.id)).site_id = site.id
        for who in (court.judge, court.clerk):
            (await session.get_one(Resource, who.id)).hours = {day: ["00:00-24:00"] for day in ("sat", "sun", "mon")}
    return court


async def may_be(court: Court, starts_at: datetime, minutes: int) -> bool:
    """Whether a booking of that span breaks no rule."""
    draft = replace(make_draft(court, override_reason=""), starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes))
    try:
        await bookings.create_sitting(court.db, draft, court.clerk, NOW)
    except ValidationFailed as told:
        if [code for _, code, _ in told.errors] != ["rule_hours"]:
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("starts_at", "minutes", "open_"),
    [
        (datetime(2026, 11, 30, 7, tzinfo=UTC), 240, True),  # 8:00 to 12:00 there, in winter
        (datetime(2026, 11, 30, 6, tzinfo=UTC), 240, False),
        (datetime(2027, 6, 7, 6, tzinfo=UTC), 240, True),  # and in summer
        (datetime(2027, 6, 7, 7, tzinfo=UTC), 240, False),
        (datetime(2027, 3, 28, 0, tzinfo=UTC), 180, True),  # the night of 23 hours: 1:00 to 5:00 are three
        (datetime(2027, 3, 28, 0, tzinfo=UTC), 195, False),
        (datetime(2027, 10, 30, 23, tzinfo=UTC), 300, True),  # and of 25: they are five
        (datetime(2027, 10, 30, 22, 45, tzinfo=UTC), 300, False),
    ],
)
async def test_hours_of_a_room_elsewhere_are_by_its_own_clock(court: Court, starts_at: datetime, minutes: int, open_: bool) -> None:
    assert await may_be(await in_berlin(court), starts_at, minutes) is open_


async def test_nothing_is_left_of_a_booking_that_needed_a_reason(court: Court) -> None:
    await refused(court)
    async with court.db.reader() as session:
        assert list(await session.scalars(select(Booking))) == []
        assert (await session.get_one(Resource, court.room.id)).revision == 1
    assert not await audited(court.db, "sitting_booked")
