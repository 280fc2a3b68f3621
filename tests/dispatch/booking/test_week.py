"""The week's list on the database: what waits is placed by a process of its own, and what is confirmed is booked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking import bookings, orders
from dispatch.booking.finding.searching import ANY
from dispatch.booking.listing import adjusting, confirming, waiting, week
from dispatch.booking.listing.adjusting import Adjustment, Pin
from dispatch.booking.listing.runs import LEASE, Runs
from dispatch.booking.listing.waiting import WaitingDraft
from dispatch.booking.listing.week import Order
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Forbidden, NotFound, Refused, UserError, ValidationFailed
from dispatch.identity.people import add_user
from dispatch.store.tables import Hold, Sitting, User
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
    row, _ = await week.make(court.db, order or Order(MONDAY, FRIDAY), court.clerk, NOW)
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
    outcomes = await confirming.book(court.db, row.id, some, court.clerk, NOW)
    assert [each.code for each in outcomes] == ["", ""]
    assert {each.id for each in await waiting.listed(court.db)} == {each.id for each in rows[2:]}
    async with court.db.reader() as session:
        for outcome in outcomes:
            place = row.proposal["placements"][outcome.waiting_id]
            sitting = await session.get_one(Sitting, outcome.sitting_id)
            assert sitting.starts_at.isoformat() == place["start"]
            assert {hold.resource_id for hold in sitting.booking.holds} == set(place["resource_ids"])
    # Booking them again gives the same sittings.
    again = await confirming.book(court.db, row.id, some, court.clerk, NOW)
    assert [each.sitting_id for each in again] == [each.sitting_id for each in outcomes]
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
    outcomes = {each.waiting_id: each for each in await confirming.book(court.db, row.id, [each.id for each in rows], court.clerk, NOW)}
    assert outcomes[rows[0].id].code == "room_taken"
    assert outcomes[rows[1].id].sitting_id
    assert [each.id for each in await waiting.listed(court.db)] == [rows[0].id]


async def test_two_who_confirm_at_once_book_each_sitting_once(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number, minutes=60), court.clerk, NOW) for number in range(1, 5)]
    row = await listing(court, runs)
    ids = [each.id for each in rows]
    both = await asyncio.gather(*(confirming.book(court.db, row.id, ids, court.clerk, NOW) for _ in range(3)))
    assert all(not each.code for outcomes in both for each in outcomes)
    async with court.db.reader() as session:
        assert len(list(await session.scalars(select(Sitting.id)))) == 4
        assert len(list(await session.scalars(select(Hold.id)))) == 8


async def test_an_adjustment_keeps_what_is_not_touched(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in range(1, 4)]
    row = await listing(court, runs)
    former = row.proposal["placements"]
    wanted = {"start": at("13:30", 9).isoformat(), "resource_ids": [court.other_room.id, court.judge.id]}
    pin = Pin(rows[0].id, at("13:30", 9), court.other_room.id)
    await adjusting.ask_again(court.db, row.id, Adjustment((pin,), left_out=(rows[1].id,)), court.clerk, NOW)
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
    outcome = (await confirming.book(court.db, made.id, [row.id], court.clerk, NOW))[0]
    assert not outcome.code
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
    row, _ = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW)
    runs.start(row.id)
    runs.stop(row.id)
    await runs.wait(row.id)
    made = await week.get(court.db, row.id)
    assert made.state == "stopped"
    assert made.proposal["placements"]


async def test_what_a_former_server_had_under_way_is_interrupted_and_can_be_made_again(court: Court, runs: Runs) -> None:
    await waiting.add(court.db, draft(court), court.clerk, NOW)
    row, _ = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW)
    await week.held(court.db, [row.id], "former", NOW)
    await runs.recover()
    assert (await week.get(court.db, row.id)).state == "interrupted"
    await adjusting.ask_again(court.db, row.id, Adjustment(), court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    assert (await week.get(court.db, row.id)).state == "done"


async def test_what_another_server_has_under_way_is_left_to_it(court: Court, runs: Runs) -> None:
    taken, asked = [(await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW))[0] for _ in range(2)]
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
    pins = (Pin(each.id, at("09:02", 6), court.room.id), Pin("0" * 16, at("09:00", 30), court.judge.id))
    with pytest.raises(ValidationFailed) as refused:
        await adjusting.ask_again(court.db, row.id, Adjustment(pins, ("1" * 16,), ("2" * 16,)), court.clerk, NOW)
    assert [(field, code) for field, code, _ in refused.value.errors] == [
        ("pins.0.starts_at", "listing_place"), ("pins.1.waiting_id", "waiting_unknown"), ("pins.1.room_id", "room_unknown"),
        ("pins.1.starts_at", "listing_place"), ("left_out.0", "waiting_unknown"), ("keep.0", "listing_not_placed"),
    ]  # fmt: skip
    assert (await week.get(court.db, row.id)).state == "done"


async def test_what_is_held_stays_though_something_better_came_free(court: Court, runs: Runs) -> None:
    each = await waiting.add(court.db, draft(court), court.clerk, NOW)
    blocking = await make_sitting(court, "09:00", 180, days=6)
    row = await listing(court, runs)
    former = row.proposal["placements"][each.id]
    await bookings.cancel(court.db, blocking.id, "撤诉", court.clerk, NOW)
    await adjusting.ask_again(court.db, row.id, Adjustment(keep=(each.id,)), court.clerk, NOW)
    runs.start(row.id)
    await runs.wait(row.id)
    now = await week.get(court.db, row.id)
    assert (now.proposal["placements"][each.id], list(now.wishes["pinned"])) == (former, [each.id])


async def test_nobody_but_the_one_who_asked_and_administrators_touches_a_list(court: Court, runs: Runs) -> None:
    each = await waiting.add(court.db, draft(court), court.clerk, NOW)
    row = await listing(court, runs)
    other = await add_user(court.db, name="另一书记员", sign_in_name="other", role="clerk", password="Yunhe-2026")
    keeper = await add_user(court.db, name="管理员", sign_in_name="keeper", role="administrator", password="Yunhe-2026")
    acts: tuple[Callable[[User], Awaitable[object]], ...] = (
        lambda by: adjusting.set_note(court.db, row.id, "周二有雨", by, NOW),
        lambda by: adjusting.stop(court.db, row.id, by, NOW),
        lambda by: confirming.book(court.db, row.id, [each.id], by, NOW),
        lambda by: adjusting.ask_again(court.db, row.id, Adjustment(), by, NOW),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            await act(other)
    there = await week.get(court.db, row.id)
    assert (there.note, there.stop_wanted, there.state) == ("", False, "done")
    assert (await waiting.get(court.db, each.id)).sitting_id is None
    for act in acts:
        await act(keeper)
    there = await week.get(court.db, row.id)
    assert (there.note, there.state) == ("周二有雨", "queued")
    assert (await waiting.get(court.db, each.id)).sitting_id
    assert {"listing_noted", "listing_confirmed"} <= {one.action for one in await audited(court.db)}


async def test_an_order_under_a_key_is_answered_the_same_again(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in (1, 2)]
    key = orders.Order(court.clerk.id, "k1", b"listing")
    first, new = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW, key)
    again, still_new = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW, key)
    assert (new, still_new, again.id) == (True, False, first.id)
    runs.start(first.id)
    await runs.wait(first.id)
    row = await week.get(court.db, first.id)
    taken = row.proposal["placements"][rows[0].id]
    start = datetime.fromisoformat(taken["start"])
    blocking = await make_sitting(
        court, starts_at=start, ends_at=start + timedelta(hours=2), room_id=taken["resource_ids"][0], now=NOW,
        case_number="（2026）京0105民初99号", chair_id=court.other_judge.id, clerk_id="",
    )  # fmt: skip
    confirm = orders.Order(court.clerk.id, "k2", b"confirm")
    outcomes = await confirming.book(court.db, row.id, None, court.clerk, NOW, confirm)
    assert {each.waiting_id: each.code for each in outcomes} == {rows[0].id: "room_taken", rows[1].id: ""}
    await bookings.cancel(court.db, blocking.id, "撤诉", court.clerk, NOW)
    assert await confirming.book(court.db, row.id, None, court.clerk, NOW, confirm) == outcomes
    assert (await waiting.get(court.db, rows[0].id)).sitting_id is None  # it was an answer, not another try
    with pytest.raises(UserError, match="key_reused"):
        await confirming.book(court.db, row.id, None, court.clerk, NOW, replace(confirm, content=b"other"))
    anew = await confirming.book(court.db, row.id, None, court.clerk, NOW + orders.KEPT, confirm)
    assert [each.code for each in anew] == ["", ""]


async def test_what_was_proposed_elsewhere_meanwhile_is_not_booked_here(court: Court, runs: Runs) -> None:
    rows = [await waiting.add(court.db, draft(court, number), court.clerk, NOW) for number in (1, 2)]
    row = await listing(court, runs)
    pin = Pin(rows[1].id, at("13:30", 9), court.other_room.id)

    async def adjusted_behind_it(found: Listing) -> None:
        await adjusting.ask_again(court.db, found.id, Adjustment((pin,)), court.clerk, NOW)

    behind: list[asyncio.Task[None]] = []
    outcomes = await confirming.book(
        court.db, row.id, None, court.clerk, NOW, seen=lambda found: behind.append(asyncio.create_task(adjusted_behind_it(found)))
    )
    await asyncio.gather(*behind)
    assert [each.code for each in outcomes] == ["listing_not_placed", "listing_not_placed"]
    assert len(await waiting.listed(court.db)) == 2


async def test_a_server_that_lost_its_list_writes_nothing_and_stops(court: Court, runs: Runs) -> None:
    await waiting.add(court.db, draft(court), court.clerk, NOW)
    row, _ = await week.make(court.db, Order(MONDAY, FRIDAY), court.clerk, NOW)
    assert await week.claim(court.db, row.id, "first", NOW + LEASE) is not None
    assert await week.claim(court.db, row.id, "second", NOW + LEASE) is None
    assert await week.note(court.db, row.id, "first", progress={"placed": 1})
    assert not await week.note(court.db, row.id, "second", state="done")
    there = await week.get(court.db, row.id)
    assert (there.state, there.progress) == ("running", {"placed": 1})
    await adjusting.stop(court.db, row.id, court.clerk, NOW)
    assert not await week.note(court.db, row.id, "first", progress={"placed": 2})
    assert await week.held(court.db, [row.id], "first", NOW + LEASE) == {row.id}


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
    await confirming.book(court.db, made.id, [row.id], court.clerk, NOW)
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
