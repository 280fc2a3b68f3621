"""No two active holds of a resource overlap, whatever a program does: the database itself refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from dispatch.store.tables import Hold, Resource, Room, User
from tests.dispatch.making import NOW, Court, at, make_sitting, other_sitting

REFUSED = "held by another booking|hold_no_overlap"


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    found: Court = request.getfixturevalue(f"{request.param}_court")
    return found


async def test_an_overlap_that_is_inserted_is_refused(court: Court) -> None:
    first, second = await make_sitting(court), await other_sitting(court)
    with pytest.raises(DBAPIError, match=REFUSED):
        async with court.db.writer() as session:
            hold = Hold(booking_id=second.booking.id, resource_id=first.room.id, starts_at=at("14:59"), ends_at=at("16:00"))
            session.add(hold)


async def test_one_that_only_touches_or_is_over_is_not(court: Court) -> None:
    first, second = await make_sitting(court), await other_sitting(court)
    spans = ((at("15:00"), at("16:00"), True), (at("13:00"), at("14:00"), True), (at("14:00"), at("15:00"), False))
    async with court.db.writer() as session:
        for starts_at, ends_at, active in spans:
            session.add(Hold(booking_id=second.booking.id, resource_id=first.room.id, starts_at=starts_at, ends_at=ends_at, active=active))


@pytest.mark.parametrize("change", [{"active": True}, {"ends_at": at("14:01")}])
async def test_an_overlap_that_comes_by_a_change_is_refused(court: Court, change: dict[str, object]) -> None:
    first, second = await make_sitting(court), await other_sitting(court)
    begin, end = (at("14:30"), at("15:30")) if "active" in change else (at("13:00"), at("14:00"))
    hold = Hold(
        id="h", booking_id=second.booking.id, resource_id=first.room.id, starts_at=begin, ends_at=end, active="active" not in change
    )
    async with court.db.writer() as session:
        session.add(hold)
    with pytest.raises(DBAPIError, match=REFUSED):
        async with court.db.writer() as session:
            await session.execute(update(Hold).where(Hold.id == "h").values(**change))


@pytest.mark.parametrize("length", [timedelta(0), timedelta(days=2, minutes=1)])
async def test_a_hold_has_a_length_and_not_more_than_two_days(court: Court, length: timedelta) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(DBAPIError, match="hold_"):
        async with court.db.writer() as session:
            hold = Hold(booking_id=sitting.booking.id, resource_id=court.other_room.id, starts_at=NOW, ends_at=NOW + length)
            session.add(hold)


async def test_rooms_and_people_are_resources_under_their_names(court: Court) -> None:
    async with court.db.writer() as session:
        (await session.get_one(Room, court.room.id)).name = "大法庭"
        (await session.get_one(User, court.judge.id)).active = False
        gone = await session.get_one(User, court.users["gao"].id)
        await session.delete(gone)
    async with court.db.reader() as session:
        found = {resource.id: resource for resource in await session.scalars(select(Resource))}
        assert await session.scalar(text("SELECT count(*) FROM room")) == 2
    assert (found[court.room.id].kind, found[court.room.id].name, found[court.room.id].name_en) == ("room", "大法庭", "Court room 1")
    assert (found[court.judge.id].kind, found[court.judge.id].name, found[court.judge.id].active) == ("person", "陈明远", False)
    assert gone.id not in found
