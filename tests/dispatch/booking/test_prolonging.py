"""A series is prolonged by its rule: what is new is booked whole or not at all, as the last one is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from dispatch.booking import bookings
from dispatch.booking.catalogue import loaded_days
from dispatch.booking.catalogue.calendar_days import CalendarDay
from dispatch.booking.orders import Order
from dispatch.booking.series import changes, series
from dispatch.booking.series.prolonging import Further, prolong
from dispatch.errors import NotFound, Refused, SeriesConflict, UserError, ValidationFailed
from dispatch.store.tables import Sitting
from tests.dispatch.booking.test_series import booked, weekly
from tests.dispatch.making import NOW, Court, at, audited, draft_of, make_sitting

wall = datetime.fromisoformat


async def of(court: Court, made: list[Sitting]) -> list[Sitting]:
    """The series of these, as it is."""
    return (await series.get(court.db, made[0].series_id or ""))[2]


async def further(court: Court, made: list[Sitting], wanted: Further, **more: Any) -> list[str]:
    return await prolong(court.db, made[0].series_id or "", wanted, court.clerk, NOW, **more)


async def test_it_goes_on_as_the_last_one_is(court: Court) -> None:
    made = await booked(court)
    await changes.change(
        court.db, made[3].id, "later", replace(draft_of(made[3]), title="续行审理", room_id=court.other_room.id), court.clerk, NOW
    )
    last = (await of(court, made))[-1]
    new = await further(court, [last], Further(count=6))
    there = await of(court, [last])
    assert [each.id for each in there[-2:]] == new
    assert [f"{each.starts_at:%m-%d %H:%M}" for each in there[-2:]] == ["12-23 01:00", "12-30 01:00"]
    assert {(each.title, each.rooms[0].id, each.booking.state) for each in there[-2:]} == {("续行审理", court.other_room.id, "confirmed")}
    former, latter = ({(person.name, person.role) for person in each.participants} for each in (last, there[-1]))
    assert former == latter
    assert {person.id for person in last.participants}.isdisjoint(person.id for person in there[-1].participants)
    row, plan, _ = await series.get(court.db, last.series_id or "")
    assert (row.rule.partition(";WKST")[0], plan.excluded, plan.added) == ("FREQ=WEEKLY;COUNT=6", frozenset(), frozenset())
    (audit,) = [each for each in await audited(court.db) if each.action == "series_prolonged"]
    assert (audit.detail["count"], audit.detail["sittings"]) == (2, new)


async def test_until_a_day_instead_of_a_count_and_back(court: Court) -> None:
    made = await booked(court)
    assert len(await further(court, made, Further(until=date(2026, 12, 30)))) == 2
    assert (await series.get(court.db, made[0].series_id or ""))[0].rule.startswith("FREQ=WEEKLY;UNTIL=20261230")
    assert len(await further(court, made, Further(count=7))) == 1
    assert len(await of(court, made)) == 7


async def test_everything_that_is_in_the_way_is_named_and_can_be_left_out(court: Court) -> None:
    made = await booked(court)
    await make_sitting(court, "09:30", days=29, case_number="（2026）京0105民初77号", chair_id=court.other_judge.id, clerk_id="")
    with pytest.raises(SeriesConflict) as refused:
        await further(court, made, Further(count=7))
    (clash,) = refused.value.clashes
    assert (clash.occurrence, clash.conflict.code) == (wall("2026-12-23T09:00"), "room_taken")
    assert len(await of(court, made)) == 4
    await further(court, made, Further(count=7, left_out=(wall("2026-12-23T09:00"),)))
    _, plan, there = await series.get(court.db, made[0].series_id or "")
    assert (len(there), plan.excluded) == (6, frozenset({wall("2026-12-23T09:00")}))


async def test_what_there_is_already_stays_what_it_is(court: Court) -> None:
    made = await booked(court)
    await bookings.move(court.db, made[1].id, court.room.id, at("15:00", 9), at("16:00", 9), court.clerk, NOW)
    await bookings.cancel(court.db, made[2].id, "撤诉", court.clerk, NOW)
    await further(court, made, Further(count=5))
    _, plan, there = await series.get(court.db, made[0].series_id or "")
    assert (len(there), plan.excluded) == (4, frozenset({wall("2026-12-09T09:00")}))
    assert there[1].starts_at == at("15:00", 9)


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        (Further(), "count", "prolong_one_of"),
        (Further(count=9, until=date(2027, 1, 1)), "count", "prolong_one_of"),
        (Further(count=4), "count", "number_small"),
        (Further(until=date(2026, 12, 16)), "until", "prolong_later"),
        (Further(until=date(2026, 12, 17)), "until", "rule_never"),
        (Further(count=201), "count", "rule_number"),
        (Further(until=date(2031, 1, 1)), "until", "rule_too_long"),
        (Further(count=5, left_out=(wall("2026-12-24T09:00"),)), "left_out", "occurrence_unknown"),
    ],
)
async def test_how_far_it_goes_is_refused_at_its_field(court: Court, wanted: Further, field: str, code: str) -> None:
    made = await booked(court)
    with pytest.raises(ValidationFailed) as refused:
        await further(court, made, wanted)
    assert [(place, word) for place, word, _ in refused.value.errors] == [(field, code)]


async def test_sent_twice_under_a_key_it_is_prolonged_once(court: Court) -> None:
    made = await booked(court)
    order = Order(court.clerk.id, "p1", b"prolong")
    (first,) = await further(court, made, Further(count=5), order=order)
    assert await further(court, made, Further(count=5), order=order) == [first]
    assert len(await of(court, made)) == 5
    with pytest.raises(UserError, match="key_reused"):
        await further(court, made, Further(count=6), order=replace(order, content=b"other"))


async def test_what_is_none_is_not_prolonged(court: Court) -> None:
    with pytest.raises(NotFound):
        await prolong(court.db, "0" * 16, Further(count=5), court.clerk, NOW)
    made = await booked(court)
    await changes.cancel(court.db, made[0].id, "all", "撤诉", court.clerk, NOW)
    with pytest.raises(Refused, match="series_over"):
        await further(court, made, Further(count=5))


async def test_a_holiday_among_the_new_dates_is_skipped(court: Court) -> None:
    await loaded_days.put_days(court.db, [CalendarDay(date(2026, 12, 25), "holiday")], court.clerk, NOW)
    made = await booked(court, weekly("FREQ=WEEKLY;COUNT=2", "2026-12-04T09:00", skip_holidays=True))
    await further(court, made, Further(until=date(2027, 1, 1)))
    assert [f"{each.starts_at:%m-%d}" for each in await of(court, made)] == ["12-04", "12-11", "12-18", "01-01"]


async def test_new_dates_outside_hours_ask_for_a_reason_of_their_own(court: Court) -> None:
    made = await booked(court, weekly(starts="2026-11-25T19:00"), override_reason="双方当事人同意晚间开庭")
    with pytest.raises(ValidationFailed) as refused:
        await further(court, made, Further(count=5))
    assert {field for field, _, _ in refused.value.errors} == {"override_reason"}
    (new,) = await further(court, made, Further(count=5, override_reason="当事人上夜班"))
    assert (await bookings.whole(court.db, new)).booking.override_reason == "当事人上夜班"
