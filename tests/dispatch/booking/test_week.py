"""The week's list on the database: what waits is placed by a process of its own, and what is confirmed is booked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking.draft import ParticipantDraft
from dispatch.booking.finding.searching import ANY
from dispatch.booking.listing import waiting, week
from dispatch.booking.listing.runs import LEASE, Runs
from dispatch.booking.listing.waiting import WaitingDraft
from dispatch.booking.listing.week import Order
from dispatch.errors import Conflict, NotFound, Refused, ValidationFailed
from dispatch.store.tables import Hold, Sitting
from dispatch.store.waiting_tables import Listing, WaitingSitting
from tests.dispatch.making import NOW, TODAY, Court, at, audited, make_sitting

MONDAY = TODAY + timedelta(days=6)
FRIDAY = MONDAY + timedelta(days=4)


def draft(court: Court, number: int = 1, **changes: Any) -> WaitingDraft:
    good = WaitingDraft(
        case_number=f"（2026）京0105民初{number}号",
        case_title="物业服务合同纠纷",
        minutes=120,
        chair_id=court.judge.id,
        participants=(ParticipantDraft("刘芳", "party", phone="138 1234 5678"),),
    )
    return replace(good, **changes)


@pytest.fixture
async def runs(court: Court) -> AsyncIterator[Runs]:
    made = Runs(court.db, lambda: NOW, 30)
    yield made
    await made.close()


async def listing(court: Court, runs: Runs, order: Order | None = None) -> Listing:
    """One that was made."""
    row = await week.make(court.db, order or Order(MONDAY, FRIDAY), court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    return await week.get(court.db, row.id)


async def test_what_waits_is_placed_and_what_is_confirmed_is_booked(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in range(1, 5)]
    await make_sitting(court, "09:00", 180, days=6)
    row = await listing(court, runs)
    assert row.state == "done"
    assert row.proposal["placements"].keys() == {each.id for each in rows}
    assert row.proposal["cost"] >= row.proposal["bound"] > 0
    some = [each.id for each in rows[:2]]
    outcomes = await week.book(court.db, row.id, some, court.clerk, NOW)
    assert [each.error for each in outcomes] == [None, None]
    assert {each.id for each in await waiting.listed(court.db)} == {each.id for each in rows[2:]}
    async with court.db.reader() as session:
        for outcome in outcomes:
            place = row.proposal["placements"][outcome.waiting_id]
            sitting = await session.get_one(Sitting, outcome.sitting_id)
            assert sitting.starts_at.isoformat() == place["start"]
            assert {hold.resource_id for hold in sitting.booking.holds} == set(place["resource_ids"])
    # Booking them again gives the same sittings.
    assert [each.sitting_id for each in await week.book(court.db, row.id, some, court.clerk, NOW)] == [each.sitting_id for each in outcomes]
    assert {"waiting_added", "listing_asked", "sitting_booked"} <= {each.action for each in await audited(court.db)}


async def test_what_has_come_in_between_refuses_that_one_alone(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in (1, 2)]
    row = await listing(court, runs)
    first = row.proposal["placements"][rows[0].id]
    start = week._place(first, ())
    assert start is not None
    await make_sitting(
        court, starts_at=start.start, ends_at=start.start + timedelta(hours=2), room_id=first["resource_ids"][0], now=NOW,
        case_number="（2026）京0105民初99号", chair_id=court.other_judge.id, clerk_id="",
    )  # fmt: skip
    outcomes = {each.waiting_id: each for each in await week.book(court.db, row.id, [each.id for each in rows], court.clerk, NOW)}
    assert isinstance(outcomes[rows[0].id].error, Conflict)
    assert outcomes[rows[1].id].sitting_id
    assert [each.id for each in await waiting.listed(court.db)] == [rows[0].id]


async def test_two_who_confirm_at_once_book_each_sitting_once(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number, minutes=60), court.clerk, NOW) for number in range(1, 5)]
    row = await listing(court, runs)
    ids = [each.id for each in rows]
    both = await asyncio.gather(*(week.book(court.db, row.id, ids, court.clerk, NOW) for _ in range(3)))
    assert all(each.error is None for outcomes in both for each in outcomes)
    async with court.db.reader() as session:
        assert len(list(await session.scalars(select(Sitting.id)))) == 4
        assert len(list(await session.scalars(select(Hold.id)))) == 8


async def test_an_adjustment_keeps_what_is_not_touched(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in range(1, 4)]
    row = await listing(court, runs)
    former = row.proposal["placements"]
    wanted = {"start": at("13:30", 9).isoformat(), "resource_ids": [court.other_room.id, court.judge.id]}
    await week.ask_again(court.db, row.id, {"pinned": {rows[0].id: wanted}, "left_out": [rows[1].id]}, court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    now = (await week.get(court.db, row.id)).proposal["placements"]
    assert now == {rows[0].id: wanted, rows[2].id: former[rows[2].id]}


async def test_any_of_several_judges_presides_and_deadlines_are_kept(court: Court, runs: Runs) -> None:
    row = await waiting.add(court.db, draft(court, chair_id=ANY, deadline=MONDAY, part="afternoon"), court.clerk, NOW)
    await make_sitting(court, "09:00", 180, days=6, chair_id=court.judge.id, clerk_id="")
    made = await listing(court, runs)
    place = made.proposal["placements"][row.id]
    assert place["start"] == at("13:30", 6).isoformat()
    outcome = (await week.book(court.db, made.id, [row.id], court.clerk, NOW))[0]
    assert outcome.error is None
    async with court.db.reader() as session:
        people = (await session.get_one(Sitting, outcome.sitting_id)).participants
    assert next(person.user_id for person in people if person.role == "judge") == place["resource_ids"][1]


async def test_what_cannot_be_says_why(court: Court, runs: Runs) -> None:
    for number in (1, 2, 3):
        await waiting.add(court.db, draft(court, number, minutes=240, deadline=MONDAY, required=True), court.clerk, NOW)
    row = await listing(court, runs)
    assert row.proposal["ended"] == "impossible"
    found = week.obstacle_of(row.proposal["impossible"][0])
    assert found.code == "overfull"
    assert court.judge.id in found.data["resource_ids"]


async def test_one_that_is_stopped_keeps_what_it_found(court: Court, runs: Runs) -> None:
    for number in range(1, 30):
        await waiting.add(court.db, draft(court, number, minutes=30 + number % 4 * 30), court.clerk, NOW)
    row = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW)
    runs.start(row.id)
    runs.stop(row.id)
    await runs.wait(row.id)
    made = await week.get(court.db, row.id)
    assert made.state == "stopped"
    assert made.proposal["placements"]


async def test_what_a_former_server_had_under_way_is_interrupted_and_can_be_made_again(court: Court, runs: Runs) -> None:
    await waiting.add(court.db, draft(court), court.clerk, NOW)
    row = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW)
    await week.held(court.db, [row.id], "former", NOW)
    await runs.recover()
    assert (await week.get(court.db, row.id)).state == "interrupted"
    await week.ask_again(court.db, row.id, {}, court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    assert (await week.get(court.db, row.id)).state == "done"


async def test_what_another_server_has_under_way_is_left_to_it(court: Court, runs: Runs) -> None:
    taken, asked = [await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW) for _ in range(2)]
    await week.held(court.db, [taken.id], "another", NOW + LEASE)
    await runs.recover()
    assert [(await week.get(court.db, each.id)).state for each in (taken, asked)] == ["queued", "queued"]
    later = Runs(court.db, lambda: NOW + LEASE, 30)
    await later.recover()
    await later.close()
    assert [(await week.get(court.db, each.id)).state for each in (taken, asked)] == ["interrupted", "interrupted"]


async def test_nothing_that_waits_is_no_list(court: Court, runs: Runs) -> None:
    row = await listing(court, runs)
    assert (row.state, row.progress) == ("failed", {"error": "listing_empty"})


async def test_one_pinned_to_what_it_cannot_have_is_refused(court: Court, runs: Runs) -> None:
    each = await waiting.add(court.db, draft(court), court.clerk, NOW)
    row = await listing(court, runs)
    place = {"start": at("09:00", 6).isoformat(), "resource_ids": [court.judge.id]}
    await week.ask_again(court.db, row.id, {"pinned": {each.id: place}}, court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    again = await week.get(court.db, row.id)
    assert (again.state, again.progress) == ("failed", {"error": "pinned_wrong"})


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"case_number": ""}, "case_number", "required"),
        ({"minutes": 5}, "minutes", "out_of_range"),
        ({"chair_id": ""}, "chair_id", "required"),
        ({"chair_id": "0" * 16}, "chair_id", "user_unknown"),
        ({"participants": ()}, "participants", "participants_none"),
        ({"priority": 10}, "priority", "out_of_range"),
        ({"deadline": date(2026, 11, 1)}, "deadline", "window_over"),
        ({"part": "night"}, "part", "part_unknown"),
        ({"room_kind": "cellar"}, "room_kind", "room_kind_unknown"),
        ({"features": ("magic",)}, "features", "feature_unknown"),
        ({"equipment": ("0" * 16,)}, "equipment", "equipment_unknown"),
        ({"kind": "party"}, "kind", "kind_unknown"),
    ],
)
async def test_what_is_wrong_is_named_at_its_field(court: Court, changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await waiting.add(court.db, draft(court, **changes), court.clerk, NOW)
    assert (field, code) in [(name, word) for name, word, _ in refused.value.errors]
    assert await waiting.listed(court.db) == []


async def test_what_waits_is_changed_and_taken_off_until_it_is_booked(court: Court, runs: Runs) -> None:
    row, other = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in (1, 2)]
    changed = await waiting.change(court.db, row.id, lambda found: replace(waiting.draft_of(found), minutes=60), court.clerk, NOW)
    assert waiting.draft_of(changed) == replace(draft(court), minutes=60)
    await waiting.remove(court.db, other.id, court.clerk, NOW)
    with pytest.raises(NotFound):
        await waiting.get(court.db, other.id)
    made = await listing(court, runs)
    await week.book(court.db, made.id, [row.id], court.clerk, NOW)
    with pytest.raises(Refused):
        await waiting.remove(court.db, row.id, court.clerk, NOW)
    async with court.db.reader() as session:
        assert (await session.get_one(WaitingSitting, row.id)).sitting_id


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (Order(FRIDAY, MONDAY), "last"),
        (Order(MONDAY, MONDAY + timedelta(days=40)), "last"),
        (Order(date(2029, 1, 1), date(2029, 1, 2)), "first"),
        (Order(MONDAY, FRIDAY, ("0" * 16,)), "rooms"),
    ],
)
async def test_days_and_rooms_that_are_wrong_are_named(court: Court, order: Order, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await week.make(court.db, order, court.clerk, NOW)
    assert [name for name, _, _ in refused.value.errors] == [field]
