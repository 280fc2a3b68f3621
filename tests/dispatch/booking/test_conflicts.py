"""What is in the way of a booking is named: which sitting, where, when, who, and when it would be free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatch.booking import bookings
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Conflict, ValidationFailed
from dispatch.store.tables import Booking, Case, Invitation, Participant, Resource, Room, Sitting, User
from tests.dispatch.making import NOW, Court, at, audited, bring_to, draft_of, make_draft, make_sitting, other_sitting

SHORTLY = NOW + timedelta(hours=6)
"""15:30 in Shanghai."""


async def refused(court: Court, start: str, minutes: int = 60, **changes: Any) -> Conflict:
    """What the second clerk is told."""
    with pytest.raises(Conflict) as told:
        await other_sitting(court, start, minutes, **changes)
    return told.value


async def test_a_taken_room_is_refused_with_everything_that_is_in_the_way(court: Court) -> None:
    first = await make_sitting(court, "14:00", 90, title="第一次开庭")
    told = await refused(court, "15:00", room_id=court.room.id)
    assert (told.code, told.field, told.status) == ("room_taken", "starts_at", 409)
    assert (told.sitting_id, told.room_id, told.starts_at, told.ends_at) == (first.id, court.room.id, at("14:00"), at("15:30"))
    assert told.nearest_free == at("15:30")
    assert told.data == {
        "name": "第一法庭", "room": "第一法庭", "title": "第一次开庭", "case_number": "（2026）京0105民初31号", "person": "",
        "reason": "", "from": "14:00", "to": "15:30", "nearest": "15:30",
    }  # fmt: skip


async def test_a_person_who_is_needed_elsewhere_is_named(court: Court) -> None:
    first = await make_sitting(court, "14:00")
    told = await refused(court, "14:30", chair_id=court.judge.id)
    assert (told.code, told.data["person"], told.sitting_id) == ("person_taken", "陈明远", first.id)
    assert told.data["room"] == "第一法庭"
    assert told.nearest_free == at("15:00")


@pytest.mark.parametrize("part", ["clerk_id", "prosecutor_id", "participants"])
async def test_every_member_of_the_staff_can_only_be_in_one_place(court: Court, part: str) -> None:
    prosecutor = court.users["sun"].id
    await make_sitting(court, prosecutor_id=prosecutor)
    rows = (ParticipantDraft("", "prosecutor", user_id=prosecutor),)
    values: dict[str, Any] = {"clerk_id": court.clerk.id, "prosecutor_id": prosecutor, "participants": rows}
    told = await refused(court, "14:30", **{part: values[part]})
    assert (told.code, told.data["person"]) == ("person_taken", "赵书宁" if part == "clerk_id" else "孙立言")


async def test_parties_who_only_have_a_name_are_in_nobodys_way(court: Court) -> None:
    await make_sitting(court)
    await other_sitting(court)


async def test_the_day_is_told_where_it_is_another_one(court: Court) -> None:
    await make_sitting(court, "23:30", 60)
    told = await refused(court, "00:10", days=1, room_id=court.room.id)
    assert (told.data["from"], told.data["to"]) == ("2026-11-24 23:30", "00:30")


async def test_the_nearest_free_time_suits_room_and_people(court: Court) -> None:
    await make_sitting(court, "10:00", days=1)
    await other_sitting(court, "11:00", room_id=court.room.id, days=1)
    await other_sitting(court, "09:00", chair_id=court.judge.id, days=1)
    # Zhao's room is taken from 10 to 12 o'clock; Chen is elsewhere from 9 to 10, so that the hour before is no use to him.
    mine: dict[str, Any] = {"room_id": court.room.id, "clerk_id": "", "days": 1}
    assert (await refused(court, "10:15", **mine)).nearest_free == at("09:00", 1)
    assert (await refused(court, "10:15", **mine, chair_id=court.judge.id)).nearest_free == at("13:30", 1)


async def test_within_working_hours_a_time_within_them_is_proposed_and_outside_any(court: Court) -> None:
    await make_sitting(court, "11:00", days=1)
    assert (await refused(court, "11:00", days=1, room_id=court.room.id)).nearest_free == at("10:00", 1)
    await make_sitting(court, "18:00", days=1)
    assert (await refused(court, "18:00", days=1, room_id=court.room.id)).nearest_free == at("19:00", 1)
    async with court.db.writer() as session:
        (await session.get_one(Resource, court.room.id)).hours = {"wed": ["11:00-12:00"], "thu": ["09:00-10:00"]}
    assert (await refused(court, "11:00", days=1, room_id=court.room.id)).nearest_free == at("09:00", 2)


async def test_the_time_that_is_proposed_can_be_booked(court: Court) -> None:
    for start, minutes in (("08:00", 130), ("10:20", 100), ("12:07", 83), ("14:00", 240), ("18:03", 57)):
        await make_sitting(court, start, minutes, title=start, now=at("07:00"))
    for wanted in ("08:30", "11:00", "13:20", "16:00", "18:30"):
        told = await refused(court, wanted, 90, room_id=court.room.id)
        free = told.nearest_free
        await other_sitting(court, room_id=court.room.id, starts_at=free, ends_at=free + timedelta(minutes=90), title=wanted)


async def test_sittings_that_touch_are_not_in_each_others_way(court: Court) -> None:
    await make_sitting(court, "14:00")
    await make_sitting(court, "15:00", title="后")
    await make_sitting(court, "13:00", title="先")


async def test_a_sitting_over_midnight_holds_the_morning_after(court: Court) -> None:
    await make_sitting(court, "23:00", 120)
    told = await refused(court, "00:30", days=1, room_id=court.room.id)
    assert told.code == "room_taken"
    await other_sitting(court, "01:00", days=1, room_id=court.room.id)


async def test_a_refusal_leaves_nothing_behind(court: Court) -> None:
    await make_sitting(court)
    tables = (Sitting, Booking, Participant, Invitation, Case)

    async def count() -> list[int | None]:
        async with court.db.reader() as session:
            return [await session.scalar(select(func.count()).select_from(table)) for table in tables]

    before = await count(), len(await audited(court.db))
    await refused(court, "14:30", room_id=court.room.id)
    assert (await count(), len(await audited(court.db))) == before


@pytest.mark.parametrize("status", ["live", "recess"])
async def test_a_live_sitting_that_runs_over_holds_its_room_and_people(court: Court, status: str) -> None:
    running = await bring_to(court.db, await make_sitting(court, "14:00"), status)
    in_room = await refused(court, "15:30", room_id=court.room.id, now=SHORTLY)
    assert (in_room.code, in_room.sitting_id) == ("room_taken", running.id)
    in_person = await refused(court, "15:30", chair_id=court.judge.id, now=SHORTLY)
    assert (in_person.code, in_person.data["person"]) == ("person_taken", "陈明远")
    assert in_room.nearest_free == in_person.nearest_free == at("15:35")


async def test_what_is_proposed_beside_a_sitting_that_runs_over_can_be_booked(court: Court) -> None:
    await bring_to(court.db, await make_sitting(court, "14:00"), "live")
    told = await refused(court, "15:30", room_id=court.room.id, now=SHORTLY)
    free = told.nearest_free
    await other_sitting(court, room_id=court.room.id, starts_at=free, ends_at=free + timedelta(hours=1), now=SHORTLY)


@pytest.mark.parametrize("status", ["planned", "open", "closed", "cancelled"])
async def test_a_sitting_that_is_not_under_way_holds_nothing_after_its_end(court: Court, status: str) -> None:
    await bring_to(court.db, await make_sitting(court, "14:00"), status)
    await other_sitting(court, "15:30", room_id=court.room.id, chair_id=court.judge.id, now=SHORTLY)


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_a_sitting_that_is_over_early_frees_the_rest_of_its_time(court: Court, status: str) -> None:
    await bring_to(court.db, await make_sitting(court, "14:00", 180), status)
    await other_sitting(court, "15:30", room_id=court.room.id, chair_id=court.judge.id, now=SHORTLY)


async def test_the_next_sitting_is_still_changed_while_the_one_before_runs_over(court: Court) -> None:
    """A telephone number must not wait until the hearing before has ended; new people are looked at all the same."""
    await bring_to(court.db, await make_sitting(court, "14:00"), "live")
    following = await make_sitting(court, "15:00", title="后")
    changed = draft_of(following, title="改")
    assert (await bookings.update_sitting(court.db, following.id, changed, court.clerk, SHORTLY)).title == "改"
    await bring_to(court.db, await other_sitting(court, "14:00"), "live")
    with pytest.raises(Conflict) as told:
        await bookings.update_sitting(court.db, following.id, draft_of(following, clerk_id=court.users["he"].id), court.clerk, SHORTLY)
    assert (told.value.code, told.value.data["person"]) == ("person_taken", "何晓岚")


async def test_unknown_rooms_and_people_are_all_named_at_once(court: Court) -> None:
    rows = (ParticipantDraft("刘芳", "party", user_id="nobody"), ParticipantDraft("吴译", "interpreter", id="no-such-row"))
    staff: dict[str, Any] = {"chair_id": court.clerk.id, "clerk_id": "no clerk", "prosecutor_id": "no prosecutor"}
    wrong = make_draft(court, room_id="nowhere", participants=rows, **staff)
    with pytest.raises(ValidationFailed) as told:
        await bookings.create_sitting(court.db, wrong, court.clerk, NOW)
    assert [(field, code) for field, code, _ in told.value.errors] == [
        ("chair_id", "user_unknown"), ("clerk_id", "user_unknown"), ("prosecutor_id", "user_unknown"),
        ("participants.0.name", "user_unknown"), ("participants.1.name", "participant_unknown"), ("room_id", "room_unknown"),
    ]  # fmt: skip


async def test_what_the_form_and_what_the_database_finds_wrong_is_said_together(court: Court) -> None:
    with pytest.raises(ValidationFailed) as told:
        await bookings.create_sitting(court.db, make_draft(court, case_number="", room_id="nowhere"), court.clerk, NOW)
    assert {field for field, _, _ in told.value.errors} == {"case_number", "room_id"}


async def test_rooms_and_people_who_are_gone_cannot_be_booked(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(Room, court.room.id)).active = False
        (await session.get_one(User, court.judge.id)).active = False
    with pytest.raises(ValidationFailed) as told:
        await make_sitting(court)
    assert {field for field, _, _ in told.value.errors} == {"chair_id", "room_id"}


async def test_a_case_is_known_again_by_its_number(court: Court) -> None:
    first = await make_sitting(court, case_number="（2026）京0105民初31号", case_title="甲诉乙")
    again = await make_sitting(court, "16:00", case_number="(2026) 京0105民初31号", case_title="另一题目")
    assert again.case.id == first.case.id
    assert again.case.title == "甲诉乙"


async def test_who_was_taken_out_of_a_sitting_is_free(court: Court) -> None:
    first = await make_sitting(court, prosecutor_id=court.users["sun"].id)
    await refused(court, "14:30", prosecutor_id=court.users["sun"].id)
    await bookings.update_sitting(court.db, first.id, draft_of(first, prosecutor_id=""), court.clerk, NOW)
    await other_sitting(court, "14:30", prosecutor_id=court.users["sun"].id)
