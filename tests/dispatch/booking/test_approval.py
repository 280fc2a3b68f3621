"""Who decides on a booking that was asked for, and who hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.booking import bookings, decisions, pending
from dispatch.booking.catalogue.details import Details
from dispatch.errors import Forbidden
from dispatch.notices import ledger
from dispatch.store.database import Database
from dispatch.store.tables import Sitting, User
from tests.dispatch.making import NOW, Court, make_draft, make_sitting, set_terms


async def asks(court: Court, terms: Details) -> Sitting:
    await set_terms(court.db, court.room.id, terms, court.users["xu"], NOW)
    return await make_sitting(court)


@pytest.mark.parametrize(
    ("terms", "who", "may"),
    [
        (Details(needs_approval=True), "xu", True),
        (Details(needs_approval=True), "he", False),
        (Details(needs_approval=True), "chen", False),
        (Details(needs_approval=True, booked_by=("clerk",)), "he", True),
        (Details(needs_approval=True, booked_by=("clerk",)), "zhao", False),
        (Details(booked_by=("judge",)), "lin", True),
        (Details(booked_by=("judge",)), "he", False),
    ],
)
async def test_who_the_room_names_decides_and_an_administrator_but_never_who_asked(
    court: Court, terms: Details, who: str, may: bool
) -> None:
    sitting = await asks(court, terms)
    assert sitting.booking.state == "requested"
    by = court.users[who]
    assert (sitting.id in (await pending.pending(court.db, by, NOW, everything=False)).decides) == may
    if may:
        assert (await decisions.approve(court.db, sitting.id, by, NOW)).booking.state == "confirmed"
        return
    for act in (decisions.approve(court.db, sitting.id, by, NOW), decisions.decline(court.db, sitting.id, "不同意", by, NOW)):
        with pytest.raises(Forbidden, match="approval_not_yours"):
            await act


async def test_a_program_decides_on_nothing_that_a_program_asked_for(court: Court) -> None:
    await set_terms(court.db, court.room.id, Details(needs_approval=True, booked_by=("clerk",)), court.users["xu"], NOW)
    program = User(id="f" * 16, name="卷宗系统", sign_in_name="", role="clerk", password_hash="")
    sitting = await bookings.create_sitting(court.db, make_draft(court), program, NOW)
    assert sitting.created_by is None
    with pytest.raises(Forbidden):
        await decisions.approve(court.db, sitting.id, program, NOW)
    await decisions.approve(court.db, sitting.id, court.users["he"], NOW)


async def test_every_resource_that_asks_has_to_name_who_decides(court: Court) -> None:
    await set_terms(court.db, court.other_room.id, Details(needs_approval=True, booked_by=("judge",)), court.users["xu"], NOW)
    await set_terms(court.db, court.room.id, Details(needs_approval=True, booked_by=("clerk",)), court.users["xu"], NOW)
    sitting = await make_sitting(court, rooms=(court.room.id, court.other_room.id))
    for who in ("he", "lin"):
        with pytest.raises(Forbidden):
            await decisions.approve(court.db, sitting.id, court.users[who], NOW)
    await decisions.approve(court.db, sitting.id, court.users["xu"], NOW)


async def test_what_waits_is_listed_and_counted_and_outcomes_are_told_to_who_asked(court: Court) -> None:
    sitting = await asks(court, Details(needs_approval=True))
    later = await bookings.create_sitting(
        court.db, make_draft(court, "16:00", days=9), court.clerk, NOW, held_until=NOW + timedelta(days=3)
    )
    draft = make_draft(court, "18:00", days=9)
    soon = await bookings.create_sitting(court.db, draft, court.clerk, NOW, held_until=NOW + timedelta(hours=2))
    found = await pending.pending(court.db, court.clerk, NOW, everything=True)
    assert [each.id for each in found.requested] == [sitting.id]
    assert [each.id for each in found.tentative] == [soon.id, later.id]
    assert found.asked_by == {court.clerk.id: "赵书宁"}
    assert await pending.count(court.db, NOW) == 2
    await decisions.decline(court.db, sitting.id, "另有安排", court.users["xu"], NOW)
    now = NOW + timedelta(hours=3)
    await decisions.lapse(court.db, now)
    found = await pending.pending(court.db, court.clerk, now, everything=True)
    assert [(each.sitting.id, each.action, each.by, each.reason) for each in found.outcomes] == [
        (soon.id, "booking_lapsed", "system", ""),
        (sitting.id, "booking_declined", "许文博", "另有安排"),
    ]
    assert (await pending.pending(court.db, court.users["he"], now, everything=True)).outcomes == ()
    assert await pending.count(court.db, now) == 0


async def told(db: Database, sitting: Sitting) -> list[tuple[str, str]]:
    messages, _ = await ledger.page(db, ledger.Wanted(sitting.id), None, 50)
    return sorted((message.participant.name, message.kind) for message in messages if message.kind != "reminder")


async def test_who_asked_is_told_what_became_of_it_and_the_others_when_it_is_firm(court: Court) -> None:
    db = court.db
    db.site = replace(db.site, mail=True)
    async with db.writer() as session:
        for name in ("zhao", "chen"):
            (await session.get_one(User, court.users[name].id)).email = f"{name}@court.example"
    try:
        approved = await asks(court, Details(needs_approval=True))
        assert await told(db, approved) == []
        await decisions.approve(db, approved.id, court.users["xu"], NOW)
        assert await told(db, approved) == [("赵书宁", "approved"), ("陈明远", "invitation")]
        declined = await make_sitting(court, "16:00")
        await decisions.decline(db, declined.id, "另有安排", court.users["xu"], NOW)
        assert await told(db, declined) == [("赵书宁", "declined")]
        lapsed = await bookings.create_sitting(db, make_draft(court, "18:00"), court.clerk, NOW, held_until=NOW + timedelta(hours=1))
        await decisions.lapse(db, NOW + timedelta(hours=2))
        assert await told(db, lapsed) == [("赵书宁", "lapsed")]
        # Approved and then moved: he is told of a change, and of the end by a cancellation.
        await bookings.cancel(db, approved.id, "撤诉", court.clerk, NOW)
        assert ("陈明远", "cancelled") in await told(db, approved)
    finally:
        db.site = replace(db.site, mail=False)
