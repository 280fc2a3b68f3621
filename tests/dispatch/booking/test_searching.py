"""Finding a time among what is in the database: what changes is seen by the next search, and what is found can be booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from dispatch.booking import bookings
from dispatch.booking.catalogue import closures, loaded_days
from dispatch.booking.catalogue.calendar_days import CalendarDay as SpecialDay
from dispatch.booking.catalogue.details import Details
from dispatch.booking.finding.occupancy_store import AT_ONCE, LOADED, store_of
from dispatch.booking.finding.searching import ANY, Answer, Wanted, search
from dispatch.booking.spans import Span
from dispatch.errors import ValidationFailed
from dispatch.store.tables import CalendarDay, CourtSite, Resource
from tests.dispatch.making import NOW, TODAY, Court, at, make_draft, make_sitting, other_sitting, set_terms

TOMORROW = TODAY + timedelta(days=1)


def wanted(court: Court, **changes: Any) -> Wanted:
    return replace(Wanted(TOMORROW, TOMORROW, chair_id=court.judge.id, rooms=(court.room.id,)), **changes)


async def starts(court: Court, **changes: Any) -> list[str]:
    """When the slots begin, by the court's clock and in order of time."""
    found = await search(court.db, wanted(court, **changes), NOW)
    return sorted(f"{slot.span.start.astimezone(court.db.site.zone):%H:%M}" for slot in found.slots)


async def test_a_slot_that_was_found_is_booked_and_then_found_no_more(court: Court) -> None:
    found = (await search(court.db, wanted(court, minutes=180), NOW)).slots
    best = found[0]
    assert best.span.start == at("09:00", 1)
    assert best.resource_ids == (court.room.id, court.judge.id)
    draft = make_draft(court, starts_at=best.span.start, ends_at=best.span.end, clerk_id="")
    await bookings.create_sitting(court.db, draft, court.clerk, NOW)
    assert await starts(court, minutes=180) == ["13:30"]


async def test_only_what_has_changed_is_loaded_again(court: Court) -> None:
    await starts(court)
    before = LOADED._value.get()
    await starts(court)
    assert LOADED._value.get() == before
    await make_sitting(court, "09:00", days=1)
    await other_sitting(court, "09:00", days=1)
    await starts(court)
    # The room and the judge of the one sitting, the room of the other: its judge is not asked for.
    assert LOADED._value.get() == before + 3


async def test_a_cancelled_sitting_frees_its_time(court: Court) -> None:
    sitting = await make_sitting(court, "09:00", 180, days=1)
    assert await starts(court, minutes=180) == ["13:30"]
    await bookings.cancel(court.db, sitting.id, "庭审取消", court.clerk, NOW)
    assert await starts(court, minutes=180) == ["09:00", "13:30"]


async def test_a_judge_who_sits_elsewhere_is_not_free(court: Court) -> None:
    await make_sitting(court, "09:00", 180, days=1, room_id=court.other_room.id)
    assert await starts(court, minutes=180) == ["13:30"]
    # Any other judge will do.
    found = await search(court.db, wanted(court, minutes=180, chair_id=ANY), NOW)
    assert {slot.resource_ids[1] for slot in found.slots if slot.span.start == at("09:00", 1)} == {court.other_judge.id}


async def test_set_up_and_clear_up_are_kept_free(court: Court) -> None:
    await set_terms(court.db, court.room.id, Details(15, 30), court.clerk, NOW)
    await make_sitting(court, "10:00", 30, days=1)
    found = await search(court.db, wanted(court, minutes=60, chair_id="", most=50), NOW)
    # The sitting at 10:00 has its room from 9:45 to 11:00; the next one needs 15 minutes before it.
    assert all(slot.span.start >= at("11:15", 1) for slot in found.slots)


async def test_hours_closures_and_holidays_count(court: Court) -> None:
    assert await starts(court, minutes=180) == ["09:00", "13:30"]
    closure = await closures.close(
        court.db, at("14:00", 1), at("15:00", 1), "maintenance", "检修", court.clerk, NOW, resource_id=court.room.id
    )
    assert await starts(court, minutes=180) == ["09:00"]
    await closures.reopen(court.db, closure.id, court.clerk, NOW)
    async with court.db.writer() as session:
        session.add(CalendarDay(day=TOMORROW, kind="holiday", name="节日"))
    assert await starts(court, minutes=180) == []
    async with court.db.writer() as session:
        day = await session.get_one(CalendarDay, TOMORROW)
        await session.delete(day)
        room = await session.get_one(Resource, court.room.id)
        room.hours, room.revision = {"wed": ["08:00-20:00"]}, room.revision + 1
    assert await starts(court, minutes=180, chair_id="") == ["08:00", "11:00", "14:00"]


async def test_the_hours_of_a_site_are_those_of_its_rooms(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CourtSite(id="e" * 16, name="东院", hours={"wed": ["18:00-22:00"]}))
        await session.flush()
        (await session.get_one(Resource, court.room.id)).site_id = "e" * 16
    assert await starts(court, minutes=180, chair_id="") == ["18:00"]


async def test_what_cannot_hold_together_is_named(court: Court) -> None:
    await make_sitting(court, "09:00", 180, days=1, clerk_id="")
    await make_sitting(court, "13:30", 240, days=1, clerk_id="")
    found = await search(court.db, wanted(court), NOW)
    assert not found.slots
    assert [each.code for each in found.obstacles] == ["window", "resource_not_free"]
    nothing = await search(court.db, wanted(court, seats=400), NOW)
    assert [(each.code, each.data["need"]) for each in nothing.obstacles] == [("no_candidate", 0)]


async def test_short_notice_is_said_and_costs(court: Court) -> None:
    def codes(answer: Answer) -> set[str]:
        return {reason.code for reason in answer.slots[0].reasons}

    assert "short_notice" in codes(await search(court.db, wanted(court), NOW))
    late = TODAY + timedelta(days=6)
    assert "short_notice" not in codes(await search(court.db, wanted(court, first=late, last=late), NOW))


async def test_far_windows_are_loaded_apart(court: Court) -> None:
    far = date(2027, 9, 7)
    found = await search(court.db, wanted(court, first=far, last=far, minutes=180), NOW)
    assert len(found.slots) == 2
    assert await starts(court, minutes=180) == ["09:00", "13:30"]


async def test_many_resources_are_loaded_in_steps(court: Court) -> None:
    async with court.db.writer() as session:
        session.add_all(Resource(id=f"{number:016x}", kind="equipment", name=f"展台{number}") for number in range(2 * AT_ONCE + 1))
    snapshot = await store_of(court.db).over(Span(at("00:00"), at("00:00", 1)), NOW)
    assert all(snapshot.occupancy.of(each.id).free for each in snapshot.of_kind("equipment"))


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"minutes": 5}, "minutes", "out_of_range"),
        ({"last": TODAY - timedelta(days=1)}, "last", "window_over"),
        ({"last": TODAY + timedelta(days=200)}, "last", "window_long"),
        ({"first": date(2030, 1, 1), "last": date(2030, 1, 2)}, "first", "too_far"),
        ({"room_kind": "cellar"}, "room_kind", "room_kind_unknown"),
        ({"seats": -1}, "seats", "out_of_range"),
        ({"part": "night"}, "part", "part_unknown"),
        ({"chair_id": "0" * 16}, "chair_id", "user_unknown"),
        ({"people": ("0" * 16,)}, "people", "user_unknown"),
        ({"equipment": ("0" * 16,)}, "equipment", "equipment_unknown"),
        ({"rooms": ("0" * 16,)}, "rooms", "room_unknown"),
        ({"kind": "party"}, "kind", "kind_unknown"),
    ],
)
async def test_what_is_wrong_is_named_at_its_field(court: Court, changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await search(court.db, wanted(court, **changes), NOW)
    assert [(name, word) for name, word, _ in refused.value.errors] == [(field, code)]


async def test_a_clerk_is_no_judge(court: Court) -> None:
    with pytest.raises(ValidationFailed):
        await search(court.db, wanted(court, chair_id=court.clerk.id), NOW)


async def test_a_holiday_of_a_site_is_left_out_there(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CourtSite(id="east", name="东院"))
        await session.flush()
        (await session.get_one(Resource, court.room.id)).site_id = "east"
    assert await starts(court, minutes=180) == ["09:00", "13:30"]
    await loaded_days.put_days(court.db, [SpecialDay(TOMORROW, "holiday", "停电")], court.clerk, NOW, "east")
    assert await starts(court, minutes=180) == []
    await loaded_days.remove_day(court.db, TOMORROW, court.clerk, NOW, "east")
    assert await starts(court, minutes=180) == ["09:00", "13:30"]
