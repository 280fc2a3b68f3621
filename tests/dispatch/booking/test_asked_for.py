"""Waiting for a time that is taken, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.booking import asked_for, bookings, decisions
from dispatch.booking.asked_for import KEPT, Line
from dispatch.errors import NotFound, Refused, ValidationFailed
from dispatch.store.notice_tables import Message
from dispatch.store.tables import Sitting, User
from dispatch.store.waiting_tables import AskedFor
from tests.dispatch.making import NOW, Court, audited, make_draft, make_sitting

DAYS = 6


async def taken(court: Court, start: str = "14:00", **changes: Any) -> Sitting:
    """A sitting in the first room that others would like to have the time of."""
    others = {"chair_id": court.other_judge.id, "clerk_id": "", "case_number": "（2026）京0105民初77号"}
    return await make_sitting(court, start, days=DAYS, **(others | changes))


async def asks(court: Court, number: int, by: User | None = None, **changes: Any) -> AskedFor:
    draft = make_draft(court, days=DAYS, clerk_id="", case_number=f"（2026）京0105民初{number}号")
    return await asked_for.ask(court.db, replace(draft, **changes), by or court.clerk, NOW + timedelta(seconds=number))


async def states(court: Court) -> list[str]:
    async with court.db.reader() as session:
        return [row.state for row in await session.scalars(select(AskedFor).order_by(AskedFor.created_at))]


async def test_the_first_in_line_is_offered_what_a_cancellation_frees(court: Court) -> None:
    sitting, line = await taken(court), Line()
    first, _second = await asks(court, 1), await asks(court, 2)
    assert [(row.id, before) for row, before in await asked_for.listed(court.db, court.clerk)] == [(_second.id, 1), (first.id, 0)]
    assert await line.serve(court.db, NOW) == []
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    (offered,) = await line.serve(court.db, NOW)
    found = await bookings.whole(court.db, offered)
    assert (found.case.number, found.booking.state, found.booking.held_until) == ("（2026）京0105民初1号", "tentative", NOW + KEPT)
    assert await states(court) == ["offered", "waiting"]
    assert await line.serve(court.db, NOW) == []
    assert {"time_asked_for", "time_offered"} <= {row.action for row in await audited(court.db)}


async def test_a_move_frees_a_time_too(court: Court) -> None:
    sitting, line = await taken(court), Line()
    await asks(court, 1)
    await line.serve(court.db, NOW)
    at: datetime = sitting.starts_at + timedelta(days=1)
    await bookings.move(court.db, sitting.id, court.room.id, at, at + timedelta(hours=1), court.clerk, NOW)
    assert len(await line.serve(court.db, NOW)) == 1


async def test_who_does_not_confirm_gives_way_to_the_next(court: Court) -> None:
    sitting, line = await taken(court), Line()
    await asks(court, 1)
    await asks(court, 2)
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    await line.serve(court.db, NOW)
    later = NOW + KEPT
    await decisions.lapse(court.db, later)
    (second,) = await line.serve(court.db, later)
    assert await states(court) == ["passed", "offered"]
    await decisions.confirm(court.db, second, court.clerk, later)
    await line.serve(court.db, later)
    assert await states(court) == ["passed", "taken"]


async def test_one_whose_judge_is_busy_is_passed_over_and_keeps_his_place(court: Court) -> None:
    sitting, line = await taken(court), Line()
    await make_sitting(court, "14:00", days=DAYS, room_id=court.other_room.id, clerk_id="", case_number="（2026）京0105民初78号")
    await asks(court, 1)  # Chen presides elsewhere then
    await asks(court, 2, chair_id=court.other_judge.id)
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    assert len(await line.serve(court.db, NOW)) == 1
    assert await states(court) == ["waiting", "offered"]


async def test_two_cancellations_and_two_servers_make_one_offer_of_one_time(court: Court) -> None:
    # Two sittings, of which each takes half of the time that is waited for.
    first = await taken(court, "13:30")
    second = await taken(court, "14:30", case_number="（2026）京0105民初78号")
    await asks(court, 1)
    await asks(court, 2)
    lines = [Line(), Line()]
    for line in lines:
        assert await line.serve(court.db, NOW) == []

    async def freed(sitting: Sitting, line: Line) -> list[str]:
        await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
        return await line.serve(court.db, NOW)

    both = await asyncio.gather(freed(first, lines[0]), freed(second, lines[1]))
    offered = [sitting for found in both for sitting in found] + [each for line in lines for each in await line.serve(court.db, NOW)]
    assert len(offered) == 1
    assert (await bookings.whole(court.db, offered[0])).case.number == "（2026）京0105民初1号"
    assert await states(court) == ["offered", "waiting"]


async def test_many_servers_never_offer_a_time_twice(court: Court) -> None:
    sitting = await taken(court)
    for number in range(1, 6):
        await asks(court, number)
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    found = await asyncio.gather(*(Line().serve(court.db, NOW) for _ in range(6)))
    assert sum(len(each) for each in found) == 1
    assert await states(court) == ["offered", *["waiting"] * 4]


async def test_what_lies_in_the_past_is_over_and_what_is_withdrawn_is_not_offered(court: Court) -> None:
    sitting, line = await taken(court), Line()
    row = await asks(court, 1)
    with pytest.raises(NotFound):
        await asked_for.withdraw(court.db, row.id, court.users["he"], NOW)
    await asked_for.withdraw(court.db, row.id, court.clerk, NOW)
    with pytest.raises(Refused):
        await asked_for.withdraw(court.db, row.id, court.clerk, NOW)
    await asks(court, 2)
    await line.serve(court.db, sitting.starts_at)
    assert await states(court) == ["withdrawn", "over"]


async def test_a_form_that_is_wrong_or_against_the_rules_does_not_wait(court: Court) -> None:
    with pytest.raises(ValidationFailed):
        await asks(court, 1, chair_id="")
    night = make_draft(court, "22:00", days=DAYS)
    with pytest.raises(ValidationFailed) as refused:
        await asks(court, 1, starts_at=night.starts_at, ends_at=night.ends_at, override_reason="")
    assert [field for field, _, _ in refused.value.errors] == ["override_reason"]
    assert await states(court) == []


async def test_the_clerk_is_told_by_mail_where_he_takes_part(court: Court) -> None:
    object.__setattr__(court.db, "site", replace(court.db.site, mail=True))
    async with court.db.writer() as session:
        (await session.get_one(User, court.clerk.id)).email = "zhao@court.example"
    sitting = await taken(court)
    await asks(court, 1, clerk_id=court.clerk.id)
    await bookings.cancel(court.db, sitting.id, "撤诉", court.clerk, NOW)
    await Line().serve(court.db, NOW)
    async with court.db.reader() as session:
        told = [(row.kind, row.address) for row in await session.scalars(select(Message))]
    assert ("offered", "zhao@court.example") in told
