"""Rows that are written past the unit of work are those that it would have written, and the session knows them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from dispatch.store import direct
from dispatch.store.tables import Booking, Case, Participant, Sitting
from tests.dispatch.making import Court, at


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    found: Court = request.getfixturevalue(f"{request.param}_court")
    return found


def made(case: Case) -> Sitting:
    return Sitting(id="s1", case_id=case.id, case=case, title="开庭", starts_at=at("14:00"), ends_at=at("15:00"))


async def test_what_is_not_said_has_its_default(court: Court) -> None:
    async with court.db.writer() as session:
        case = Case(number="1号", title="案")
        await direct.insert(session, [case])
        await direct.insert(session, [made(case), Participant(sitting_id="s1", name="刘芳", role="party")])
    async with court.db.reader() as session:
        sitting = await session.get_one(Sitting, "s1")
        written = (await session.execute(text("SELECT device_check IS NULL FROM participant"))).scalar()
    assert (sitting.status, sitting.kind, sitting.sequence, sitting.closed_at) == ("planned", "remote_court", 0, None)
    assert (sitting.participants[0].seat, sitting.participants[0].user_id) == ("link", None)
    assert written, "no document is none, not the word null"


async def test_what_is_changed_of_it_later_is_written_too(court: Court) -> None:
    async with court.db.writer() as session:
        case = Case(number="1号", title="案")
        await direct.insert(session, [case])
        sitting = made(case)
        booking = Booking(id="b1", sitting_id="s1", sitting=sitting, starts_at=at("14:00"), ends_at=at("15:00"), holds=[])
        await direct.insert(session, [sitting, booking])
        sitting.title = booking.state = "改"
    async with court.db.reader() as session:
        assert (await session.execute(select(Sitting.title, Booking.state).join(Booking))).one() == ("改", "改")


async def test_it_sees_what_waits_to_be_written(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(Case(id="c1", number="1号", title="案"))
        assert [row.id for row in await direct.rows(session, select(Case.id))] == ["c1"]
        await direct.insert(session, [Sitting(id="s1", case_id="c1", title="", starts_at=at("14:00"), ends_at=at("15:00"))])


async def test_what_is_taken_back_is_gone(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(Case(id="c1", number="1号", title="案"))
        with pytest.raises(ZeroDivisionError):
            async with session.begin_nested():
                await direct.insert(session, [Sitting(id="s1", case_id="c1", title="", starts_at=at("14:00"), ends_at=at("15:00"))])
                raise ZeroDivisionError
    async with court.db.reader() as session:
        assert list(await session.scalars(select(Sitting.id))) == []
        assert list(await session.scalars(select(Case.id))) == ["c1"]
