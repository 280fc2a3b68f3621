"""A sitting that holds several rooms, equipment and people at once, with set-up and clear-up; closures, approval, tentative bookings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, decisions
from dispatch.booking.catalogue import closures, sites
from dispatch.booking.catalogue.details import Details
from dispatch.booking.extension import extend
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Conflict, NotFound, Refused, ValidationFailed
from dispatch.sittings import participants
from dispatch.store.database import Database
from dispatch.store.site import Site
from dispatch.store.tables import Hold, Resource, Room, Sitting, new_id
from tests.dispatch.making import (
    NOW,
    URGENT,
    Court,
    add_movable,
    as_it_is,
    at,
    audited,
    bring_to,
    draft_of,
    make_draft,
    make_sitting,
    other_sitting,
    set_terms,
)

MINUTES = timedelta(minutes=1)


async def camera(court: Court, name: str = "实物展台") -> Resource:
    """A document camera that moves."""
    return (await add_movable(court.db, "equipment", name, court.users["xu"], NOW))[0]


async def third_room(court: Court) -> Room:
    room = Room(id=new_id(), name="远程提讯室", kind="interrogation", position=3)
    async with court.db.writer() as session:
        session.add(room)
    return room


async def revisions(db: Database) -> dict[str, int]:
    async with db.reader() as session:
        return {row.id: row.revision for row in await session.execute(select(Resource.id, Resource.revision))}


async def held(db: Database, resource_id: str) -> list[tuple[datetime, datetime]]:
    """When a resource is held, in order."""
    async with db.reader() as session:
        wanted = select(Hold.starts_at, Hold.ends_at).where(Hold.resource_id == resource_id, Hold.active).order_by(Hold.starts_at)
        return [(row.starts_at, row.ends_at) for row in await session.execute(wanted)]


# ------------------------------------------------------------------------------------------------ several at once


async def test_a_sitting_holds_all_its_rooms_equipment_and_people(court: Court) -> None:
    stand = await camera(court)
    sitting = await make_sitting(court, rooms=(court.room.id, court.other_room.id), equipment=(stand.id,))
    assert [room.name for room in sitting.rooms] == ["第一法庭", "第二法庭"]
    assert (sitting.room.id, [each.name for each in sitting.equipment]) == (court.room.id, ["实物展台"])
    for taken in (court.room.id, court.other_room.id, stand.id, court.judge.id, court.clerk.id):
        assert await held(court.db, taken) == [(at("14:00"), at("15:00"))]
    (row,) = await audited(court.db, "sitting_booked")
    assert (row.detail["room"], row.detail["rooms"], row.detail["equipment"]) == ("第一法庭", "第二法庭", "实物展台")


@pytest.mark.parametrize("what", ["room", "equipment"])
async def test_what_is_taken_among_many_is_named_with_a_time_that_suits_all(court: Court, what: str) -> None:
    stand = await camera(court)
    first = await make_sitting(court, rooms=(court.room.id, court.other_room.id), equipment=(stand.id,))
    third = await third_room(court)
    await other_sitting(court, "15:00", room_id=third.id)
    await other_sitting(court, "12:30", room_id=third.id)
    also: dict[str, Any] = {"rooms": (court.other_room.id,)} if what == "room" else {"equipment": (stand.id,)}
    with pytest.raises(Conflict) as told:
        await other_sitting(court, "14:00", room_id=third.id, **also)
    named = {"room": ("room_taken", court.other_room.id, "第二法庭"), "equipment": ("equipment_taken", stand.id, "实物展台")}[what]
    assert (told.value.code, told.value.resource_id, told.value.data["name"]) == named
    assert (told.value.kind, told.value.sitting_id) == (what, first.id)
    assert (told.value.starts_at, told.value.ends_at) == (at("14:00"), at("15:00"))
    # What is taken is free from 15:00 and until 14:00, but then the third room is not.
    assert told.value.nearest_free == at("16:00")


async def test_a_refusal_of_one_takes_none(court: Court) -> None:
    stand = await camera(court)
    await make_sitting(court)
    before = await revisions(court.db)
    with pytest.raises(Conflict):
        await other_sitting(court, "14:30", rooms=(court.other_room.id, court.room.id), equipment=(stand.id,))
    assert await revisions(court.db) == before
    assert await held(court.db, stand.id) == []
    assert await held(court.db, court.other_room.id) == []


async def test_rooms_and_equipment_come_and_go_by_the_form(court: Court) -> None:
    stand, terminal = await camera(court), await camera(court, "移动终端")
    sitting = await make_sitting(court, rooms=(court.room.id, court.other_room.id), equipment=(stand.id,))
    changed = draft_of(sitting, rooms=(court.room.id,), equipment=(terminal.id,))
    after = await bookings.update_sitting(court.db, sitting.id, changed, court.clerk, NOW)
    assert ([room.id for room in after.rooms], [each.id for each in after.equipment]) == ([court.room.id], [terminal.id])
    assert await held(court.db, court.other_room.id) == await held(court.db, stand.id) == []
    await other_sitting(court, equipment=(stand.id,))


async def test_what_is_unknown_out_of_use_or_of_another_kind_is_refused(court: Court) -> None:
    stand = await camera(court)
    async with court.db.writer() as session:
        (await session.get_one(Resource, stand.id)).active = False
    for wrong in ({"rooms": ("nowhere",)}, {"rooms": (court.judge.id,)}, {"equipment": (stand.id,)}, {"equipment": (court.other_room.id,)}):
        with pytest.raises(ValidationFailed) as told:
            await make_sitting(court, **wrong)  # type: ignore[arg-type]
        assert [field for field, _, _ in told.value.errors] == list(wrong)


async def test_moving_takes_everything_along_and_changes_one_room(court: Court) -> None:
    stand, third = await camera(court), await third_room(court)
    sitting = await make_sitting(court, rooms=(court.room.id, court.other_room.id), equipment=(stand.id,))
    span = at("16:00"), at("17:00")
    moved = await bookings.move(
        court.db, sitting.id, third.id, *span, court.clerk, NOW, instead_of=court.other_room.id, override_reason=URGENT
    )
    assert [room.id for room in moved.rooms] == [court.room.id, third.id]
    for taken in (court.room.id, third.id, stand.id, court.judge.id):
        assert await held(court.db, taken) == [span]
    assert await held(court.db, court.other_room.id) == []


async def test_a_live_sitting_keeps_its_rooms_and_may_be_given_equipment(court: Court) -> None:
    stand = await camera(court)
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    with pytest.raises(Refused):
        await bookings.update_sitting(
            court.db, sitting.id, draft_of(sitting, rooms=(court.room.id, court.other_room.id)), court.clerk, at("14:30")
        )
    after = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, equipment=(stand.id,)), court.clerk, at("14:30"))
    assert [each.id for each in after.equipment] == [stand.id]


async def test_extending_needs_all_of_them(court: Court) -> None:
    stand = await camera(court)
    sitting = await make_sitting(court, equipment=(stand.id,))
    await other_sitting(court, "15:15", equipment=(stand.id,))
    with pytest.raises(Conflict) as told:
        await extend(court.db, sitting.id, 30, court.clerk, NOW)
    assert (told.value.code, told.value.starts_at) == ("equipment_taken", at("15:15"))
    await extend(court.db, sitting.id, 15, court.clerk, NOW)
    assert (await held(court.db, stand.id))[0] == (at("14:00"), at("15:15"))


async def test_a_sitting_that_never_began_gives_its_time_to_the_one_that_runs_over(court: Court) -> None:
    running = await bring_to(court.db, await make_sitting(court), "live")
    missed = await make_sitting(court, "15:00", title="未开")
    await extend(court.db, running.id, 15, court.clerk, at("16:10"))
    assert await held(court.db, court.room.id) == [(at("14:00"), at("16:25"))]
    # It may still begin, and then holds what it has as any other does.
    late = await bring_to(court.db, missed, "live")
    await bring_to(court.db, running, "closed")
    await extend(court.db, late.id, 30, court.clerk, at("16:40"))
    assert await held(court.db, court.room.id) == [(at("16:40"), at("17:10"))]


async def test_each_slot_of_a_custody_place_is_held_by_one_sitting(court: Court) -> None:
    slots = await add_movable(court.db, "custody", "看守所提讯席", court.users["xu"], NOW, site="云河看守所", slots=2)
    assert [slot.name for slot in slots] == ["看守所提讯席 1", "看守所提讯席 2"]
    await make_sitting(court, equipment=(slots[0].id,))
    with pytest.raises(Conflict) as told:
        await other_sitting(court, equipment=(slots[0].id,))
    assert (told.value.code, told.value.data["name"]) == ("custody_taken", "看守所提讯席 1")
    await other_sitting(court, equipment=(slots[1].id,))


@pytest.mark.parametrize(("kind", "name"), [("interpreter", "维吾尔语翻译"), ("police", "法警甲")])
async def test_who_has_no_account_is_booked_by_name_and_is_in_one_sitting_at_a_time(court: Court, kind: str, name: str) -> None:
    (person,) = await add_movable(court.db, kind, name, court.users["xu"], NOW)
    first = await make_sitting(court, equipment=(person.id,))
    assert [each.name for each in first.equipment] == [name]
    with pytest.raises(Conflict) as told:
        await other_sitting(court, equipment=(person.id,))
    assert (told.value.code, told.value.data["name"]) == (f"{kind}_taken", name)
    await other_sitting(court)


async def test_an_interpreter_on_leave_is_not_to_be_had(court: Court) -> None:
    (person,) = await add_movable(court.db, "interpreter", "手语翻译", court.users["xu"], NOW)
    await closures.close(court.db, at("13:00"), at("18:00"), "leave", "", court.users["xu"], NOW, resource_id=person.id)
    with pytest.raises(Conflict) as told:
        await make_sitting(court, equipment=(person.id,))
    assert (told.value.code, told.value.resource_id) == ("resource_closed", person.id)


async def test_who_joins_or_leaves_a_sitting_is_held_and_freed(court: Court) -> None:
    sitting, prosecutor = await make_sitting(court), court.users["sun"]
    added = await participants.add(court.db, sitting.id, ParticipantDraft("", "prosecutor", user_id=prosecutor.id), court.clerk, NOW)
    assert await held(court.db, prosecutor.id) == [(at("14:00"), at("15:00"))]
    await participants.remove(court.db, added.id, court.clerk, NOW)
    assert await held(court.db, prosecutor.id) == []
    assert await held(court.db, court.judge.id) == [(at("14:00"), at("15:00"))]


async def test_caches_learn_of_every_change(court: Court) -> None:
    async def touched(act: Callable[[], Any]) -> set[str]:
        before = await revisions(court.db)
        await act()
        return {each for each, revision in (await revisions(court.db)).items() if revision > before.get(each, 0)}

    stand = await camera(court)
    made: list[Sitting] = []

    async def make() -> None:
        made.append(await make_sitting(court, equipment=(stand.id,), clerk_id=""))

    everything = {court.room.id, stand.id, court.judge.id}
    assert await touched(make) == everything
    sitting_id = made[0].id
    place = (court.room.id, at("16:00"), at("17:00"))
    assert await touched(lambda: bookings.move(court.db, sitting_id, *place, court.clerk, NOW, override_reason=URGENT)) == everything
    retitled = replace(make_draft(court, "16:00", clerk_id="", title="改"), equipment=(stand.id,))
    assert await touched(lambda: bookings.update_sitting(court.db, sitting_id, retitled, court.clerk, NOW)) == everything
    assert await touched(lambda: bookings.update_sitting(court.db, sitting_id, retitled, court.clerk, NOW)) == set()
    without = replace(retitled, equipment=())
    assert await touched(lambda: bookings.update_sitting(court.db, sitting_id, without, court.clerk, NOW)) == {stand.id}
    assert await touched(lambda: bookings.cancel(court.db, sitting_id, "撤诉", court.clerk, NOW)) == everything - {stand.id}


# ------------------------------------------------------------------------------------------------ set-up, clear-up, closures


async def test_set_up_and_clear_up_lie_between_two_sittings(court: Court) -> None:
    await set_terms(court.db, court.room.id, Details(before_minutes=15, after_minutes=10), court.users["xu"], NOW)
    first = await make_sitting(court)
    assert await held(court.db, court.room.id) == [(at("13:45"), at("15:10"))]
    assert await held(court.db, court.judge.id) == [(at("14:00"), at("15:00"))]
    for start in ("15:20", "12:40"):
        with pytest.raises(Conflict) as told:
            await other_sitting(court, start, room_id=court.room.id)
        assert (told.value.sitting_id, told.value.starts_at, told.value.ends_at) == (first.id, at("13:45"), at("15:10"))
        assert told.value.nearest_free == (at("15:25") if start == "15:20" else at("12:35"))
    await other_sitting(court, "15:25", room_id=court.room.id)
    await other_sitting(court, "12:35", room_id=court.room.id)


async def test_a_longer_set_up_is_for_what_is_booked_from_then_on(court: Court) -> None:
    first = await make_sitting(court)
    await other_sitting(court, "13:00", room_id=court.room.id)
    await set_terms(court.db, court.room.id, Details(before_minutes=30), court.users["xu"], NOW)
    await bookings.update_sitting(court.db, first.id, draft_of(first, title="改"), court.clerk, NOW)
    assert await held(court.db, court.room.id) == [(at("13:00"), at("14:00")), (at("14:00"), at("15:00"))]
    with pytest.raises(Conflict):
        await bookings.move(court.db, first.id, court.room.id, at("14:10"), at("15:10"), court.clerk, NOW, override_reason=URGENT)


@pytest.mark.parametrize("whole_site", [False, True])
async def test_what_is_closed_is_not_booked(court: Court, whole_site: bool) -> None:
    xu = court.users["xu"]
    async with court.db.writer() as session:
        site = await sites.site_named(session, "云河区")
        assert site is not None
        (await session.get_one(Room, court.room.id)).site_id = site.id
    closure = await closures.close(
        court.db, at("12:00"), at("14:30"), "maintenance", "检修音响", xu, NOW,
        resource_id="" if whole_site else court.room.id, site_id=site.id if whole_site else "",
    )  # fmt: skip
    with pytest.raises(Conflict) as told:
        await make_sitting(court)
    assert (told.value.code, told.value.resource_id, told.value.sitting_id) == ("resource_closed", court.room.id, "")
    assert (told.value.data["name"], told.value.data["reason"], told.value.nearest_free) == ("第一法庭", "检修音响", at("14:30"))
    await other_sitting(court)
    await closures.reopen(court.db, closure.id, xu, NOW)
    await make_sitting(court)
    assert [row.action for row in await audited(court.db, "closed_for_a_time", "opened_again")] == ["closed_for_a_time", "opened_again"]


async def test_who_is_on_leave_is_not_booked(court: Court) -> None:
    await closures.close(court.db, at("00:00"), at("00:00", 1), "leave", "年休假", court.users["xu"], NOW, resource_id=court.judge.id)
    with pytest.raises(Conflict) as told:
        await make_sitting(court)
    assert (told.value.code, told.value.data["person"], told.value.kind) == ("resource_closed", "陈明远", "person")


async def test_wrong_terms_closures_and_resources_are_refused_with_every_field(court: Court) -> None:
    xu = court.users["xu"]
    with pytest.raises(ValidationFailed) as told:
        await add_movable(court.db, "spaceship", " ", xu, NOW, slots=0, details=Details(before_minutes=-1, after_minutes=999))
    assert {field for field, _, _ in told.value.errors} == {"kind", "name", "slots", "before_minutes", "after_minutes"}
    with pytest.raises(ValidationFailed) as told:
        await closures.close(court.db, NOW, NOW, "party", "x" * 300, xu, NOW)
    assert {field for field, _, _ in told.value.errors} == {"kind", "ends_at", "reason", "resource_id"}
    with pytest.raises(ValidationFailed) as told:
        await closures.close(court.db, NOW, at("20:00"), "closed", "", xu, NOW, site_id="nowhere")
    assert told.value.errors == [("site_id", "site_unknown", {})]
    with pytest.raises(NotFound):
        await closures.reopen(court.db, "none", xu, NOW)


# ------------------------------------------------------------------------------------------------ tentative, requested


async def tentative(court: Court, until: datetime = NOW + 30 * MINUTES, **changes: Any) -> Sitting:
    return await bookings.create_sitting(court.db, make_draft(court, **changes), court.clerk, NOW, held_until=until)


async def test_a_tentative_booking_holds_until_it_lapses_and_then_gives_way(court: Court) -> None:
    sitting = await tentative(court)
    assert sitting.booking.state == "tentative"
    with pytest.raises(Conflict):
        await other_sitting(court, room_id=court.room.id, now=NOW + 29 * MINUTES)
    other = await other_sitting(court, room_id=court.room.id, now=NOW + 30 * MINUTES)
    assert await held(court.db, court.room.id) == [(other.starts_at, other.ends_at)]
    with pytest.raises(Refused) as told:
        await decisions.confirm(court.db, sitting.id, court.clerk, NOW + 31 * MINUTES)
    assert told.value.code == "booking_lapsed"


async def test_a_confirmed_one_stays(court: Court) -> None:
    sitting = await tentative(court)
    confirmed = await decisions.confirm(court.db, sitting.id, court.clerk, NOW + 29 * MINUTES)
    assert (confirmed.booking.state, confirmed.booking.held_until) == ("confirmed", None)
    with pytest.raises(Conflict):
        await other_sitting(court, room_id=court.room.id, now=NOW + 60 * MINUTES)
    assert await decisions.lapse(court.db, NOW + 60 * MINUTES) == []
    with pytest.raises(Refused) as told:
        await decisions.confirm(court.db, sitting.id, court.clerk, NOW)
    assert told.value.code == "booking_not_tentative"


async def test_what_lapsed_is_cancelled_with_its_links(court: Court) -> None:
    sitting, firm = await tentative(court), await other_sitting(court)
    assert await decisions.lapse(court.db, NOW + 29 * MINUTES) == []
    assert await decisions.lapse(court.db, NOW + 30 * MINUTES) == [sitting.id]
    assert await decisions.lapse(court.db, NOW + 30 * MINUTES) == []
    after = await as_it_is(court.db, sitting)
    assert (after.status, after.booking.state) == ("cancelled", "cancelled")
    assert all(link.revoked_at is not None for person in after.participants for link in person.invitations)
    assert (await as_it_is(court.db, firm)).status == "planned"
    assert await held(court.db, court.room.id) == []
    (row,) = await audited(court.db, "booking_lapsed")
    assert (row.actor, row.detail["sitting"]) == ("system", sitting.id)


async def test_what_lapsed_is_neither_moved_changed_nor_extended_but_may_be_cancelled(court: Court) -> None:
    sitting, late = await tentative(court), NOW + 30 * MINUTES
    acts: list[Callable[[], Any]] = [
        lambda: bookings.move(court.db, sitting.id, court.room.id, at("16:00"), at("17:00"), court.clerk, late, override_reason=URGENT),
        lambda: bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改"), court.clerk, late),
        lambda: extend(court.db, sitting.id, 15, court.clerk, late),
    ]
    for act in acts:
        with pytest.raises(Refused) as told:
            await act()
        assert told.value.code == "booking_lapsed"
    assert (await bookings.cancel(court.db, sitting.id, "不再需要", court.clerk, late)).status == "cancelled"


async def test_a_tentative_sitting_that_begins_is_firm(court: Court) -> None:
    sitting = await bring_to(court.db, await tentative(court), "live")
    assert sitting.booking.state == "confirmed"
    assert await decisions.lapse(court.db, NOW + 60 * MINUTES) == []


@pytest.mark.parametrize("until", [NOW, NOW + timedelta(days=15)])
async def test_a_tentative_booking_lapses_in_time(court: Court, until: datetime) -> None:
    with pytest.raises(ValidationFailed) as told:
        await tentative(court, until)
    assert [code for _, code, _ in told.value.errors] == ["held_until_range"]


async def test_confirming_and_wanting_what_lapses_race_and_one_has_it(court: Court) -> None:
    """Two servers whose clocks stand on either side of the moment."""
    other = await Database.connect(court.db.url, court.db.site)
    try:
        for day in range(1, 9):
            sitting = await tentative(court, days=day)
            draft = make_draft(court, days=day, chair_id=court.other_judge.id, clerk_id="", title="新")
            outcomes = await asyncio.gather(
                decisions.confirm(court.db, sitting.id, court.clerk, NOW + 29 * MINUTES),
                bookings.create_sitting(other, draft, court.clerk, NOW + 31 * MINUTES),
                return_exceptions=True,
            )
            (won,) = [outcome for outcome in outcomes if isinstance(outcome, Sitting)]
            (lost,) = [outcome for outcome in outcomes if not isinstance(outcome, Sitting)]
            assert isinstance(lost, Conflict if won.id == sitting.id else Refused), lost
    finally:
        await other.close()
    assert len(await held(court.db, court.room.id)) == 8


async def asks(court: Court) -> Sitting:
    await set_terms(court.db, court.other_room.id, Details(needs_approval=True), court.users["xu"], NOW)
    return await make_sitting(court, rooms=(court.room.id, court.other_room.id))


async def test_a_room_that_asks_for_approval_is_held_until_somebody_decides(court: Court) -> None:
    sitting = await asks(court)
    assert sitting.booking.state == "requested"
    assert (await audited(court.db, "sitting_booked"))[0].detail["state"] == "requested"
    with pytest.raises(Conflict):
        await other_sitting(court)
    approved = await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)
    assert approved.booking.state == "confirmed"
    with pytest.raises(Refused) as told:
        await decisions.decline(court.db, sitting.id, "太晚", court.users["xu"], NOW)
    assert told.value.code == "booking_not_requested"


async def test_what_is_declined_is_free(court: Court) -> None:
    sitting = await asks(court)
    declined = await decisions.decline(court.db, sitting.id, "另有安排", court.users["xu"], NOW)
    assert (declined.status, declined.cancel_reason, declined.booking.state) == ("cancelled", "另有安排", "cancelled")
    await other_sitting(court)
    assert [row.action for row in await audited(court.db, "booking_declined")] == ["booking_declined"]


async def test_another_time_is_asked_for_again_and_another_title_is_not(court: Court) -> None:
    sitting = await asks(court)
    await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)
    renamed = await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, title="改"), court.clerk, NOW)
    assert renamed.booking.state == "confirmed"
    moved = await bookings.move(court.db, sitting.id, court.room.id, at("16:00"), at("17:00"), court.clerk, NOW, override_reason=URGENT)
    assert moved.booking.state == "requested"


async def test_who_need_not_ask_does_not(court: Court) -> None:
    await set_terms(court.db, court.room.id, Details(booked_by=("judge",)), court.users["xu"], NOW)
    assert (await make_sitting(court)).booking.state == "requested"
    mine = await bookings.create_sitting(court.db, make_draft(court, "16:00"), court.judge, NOW)
    assert mine.booking.state == "confirmed"


# ------------------------------------------------------------------------------------------------ clocks


async def test_where_clocks_go_back_the_hour_that_comes_twice_is_two_hours(court: Court) -> None:
    """A site in Berlin: 02:00 to 03:00 on 2026-10-25 comes twice, and each has room for a sitting of its own."""
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 20, 8, tzinfo=UTC)
    there = replace(court, db=Database(court.db.url, court.db._reading, court.db._writing, Site(zone=berlin)))
    first, second = (datetime(2026, 10, 25, 2, 0, tzinfo=berlin, fold=fold) for fold in (0, 1))
    one = await make_sitting(there, starts_at=first, ends_at=second, now=now)
    assert one.ends_at - one.starts_at == timedelta(hours=1)
    two = await make_sitting(there, starts_at=second, ends_at=second + timedelta(hours=1), title="后", now=now)
    assert await held(court.db, court.room.id) == [(one.starts_at, one.ends_at), (two.starts_at, two.ends_at)]
    with pytest.raises(Conflict) as told:
        await other_sitting(there, room_id=court.room.id, starts_at=first, ends_at=datetime(2026, 10, 25, 2, 30, tzinfo=berlin), now=now)
    assert (told.value.sitting_id, told.value.data["from"]) == (one.id, "02:00")


async def test_where_clocks_go_forward_an_hour_is_missing_and_nothing_is_in_it(court: Court) -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2027, 3, 20, 8, tzinfo=UTC)
    there = replace(court, db=Database(court.db.url, court.db._reading, court.db._writing, Site(zone=berlin)))
    before, after = datetime(2027, 3, 28, 1, 0, tzinfo=berlin), datetime(2027, 3, 28, 3, 0, tzinfo=berlin)
    one = await make_sitting(there, starts_at=before, ends_at=after, now=now)
    assert one.ends_at - one.starts_at == timedelta(hours=1)
    await make_sitting(there, starts_at=after, ends_at=after + timedelta(hours=1), title="后", now=now)


async def test_a_sitting_over_midnight_holds_all_it_has_until_its_end(court: Court) -> None:
    await set_terms(court.db, court.other_room.id, Details(after_minutes=30), court.users["xu"], NOW)
    await make_sitting(court, "23:00", 120, rooms=(court.room.id, court.other_room.id))
    with pytest.raises(Conflict) as told:
        await other_sitting(court, "01:00", days=1)
    assert (told.value.data["from"], told.value.data["to"]) == ("2026-11-24 23:00", "01:30")
    await other_sitting(court, "01:30", days=1)
