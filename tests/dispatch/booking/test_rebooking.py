"""A petition that broke off waits for another time with its case, its people and the day of its receipt, once; one act books it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.booking import rebooking
from dispatch.booking.listing import waiting
from dispatch.errors import Refused
from dispatch.sittings import sittings
from dispatch.sittings.moments import microseconds, moment
from dispatch.sittings.statuses import project_rows
from dispatch.store.tables import Sitting
from dispatch.store.waiting_tables import WaitingSitting
from rooms.log import Row
from tests.dispatch.making import NOW, OPENED, Court, as_it_is, audited, make_rows, make_sitting, to_stage

RECEIVED = microseconds(NOW - timedelta(days=3))


def broken_off(sitting: Sitting) -> list[Row]:
    """Its log: it was opened, and ended for that reason."""
    rebooked = ("rebooked", {"participants": [sitting.participants[-1].id], "receipt_at_us": RECEIVED})
    return make_rows(sitting.id, OPENED, to_stage("hearing"), to_stage("closed"), rebooked)


async def waits(court: Court) -> list[WaitingSitting]:
    async with court.db.reader() as session:
        return list(await session.scalars(select(WaitingSitting)))


async def test_it_waits_with_its_case_its_people_and_the_day_of_its_receipt(court: Court) -> None:
    sitting = await make_sitting(court)
    await project_rows(court.db, sitting.id, broken_off(sitting))
    (row,) = await waits(court)
    assert (row.former_id, row.received_at, row.sitting_id) == (sitting.id, moment(RECEIVED), None)
    assert (row.case_number, row.kind, row.chair_id) == (sitting.case.number, sitting.kind, court.judge.id)
    assert row.minutes == 60
    names = {each["name"] for each in row.participants}
    assert names == {p.name for p in sitting.participants if p.user_id is None}
    (audit_row,) = await audited(court.db, "sitting_to_rebook")
    assert audit_row.detail["sitting"] == sitting.id


async def test_a_restart_in_the_middle_makes_no_second_one(court: Court) -> None:
    sitting = await make_sitting(court)
    rows = broken_off(sitting)
    for _ in range(2):
        await project_rows(court.db, sitting.id, rows)
    async with court.db.writer() as session:  # SQL was restored from before, the log was not
        (await session.get_one(Sitting, sitting.id)).log_seq = 0
    await project_rows(court.db, sitting.id, rows)
    assert len(await waits(court)) == 1
    assert len(await audited(court.db, "sitting_to_rebook")) == 1


async def test_one_act_books_it_at_the_next_free_time_and_again_gives_the_same(court: Court) -> None:
    sitting = await make_sitting(court)
    await project_rows(court.db, sitting.id, broken_off(sitting))
    (row,) = await waits(court)
    booked = await rebooking.book_soonest(court.db, row.id, court.clerk, NOW)
    assert await rebooking.book_soonest(court.db, row.id, court.clerk, NOW) == booked
    later = await sittings.get(court.db, booked)
    assert later.received_at == moment(RECEIVED)
    assert later.starts_at > NOW
    assert {p.name for p in later.participants} == {p.name for p in (await as_it_is(court.db, sitting)).participants}
    assert sittings.plan(later, court.db).received_us == RECEIVED, "if it breaks off again, the first day is kept"


async def test_where_nothing_is_free_it_says_so_and_goes_on_waiting(court: Court) -> None:
    sitting = await make_sitting(court)
    await project_rows(court.db, sitting.id, broken_off(sitting))
    (row,) = await waits(court)
    draft = replace(waiting.draft_of(row), features=("broadcast",))
    await waiting.change(court.db, row.id, draft, court.clerk, NOW)
    with pytest.raises(Refused) as told:
        await rebooking.book_soonest(court.db, row.id, court.clerk, NOW)
    assert told.value.code == "no_free_time"
    assert [each.sitting_id for each in await waits(court)] == [None]
