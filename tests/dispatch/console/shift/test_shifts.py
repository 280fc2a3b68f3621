"""Officers come on shift, look after sittings, hand over and go; each act is in the shift log and the audit."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from dispatch.booking import bookings
from dispatch.console.shift import charge, duties, log
from dispatch.errors import Forbidden, NotFound, Refused, ValidationFailed
from dispatch.identity import people
from dispatch.sittings import sittings
from dispatch.store.tables import AuditRow, Sitting, User
from tests.dispatch.making import NOW, PASSWORD, Court, at, make_draft

LATER = NOW + timedelta(minutes=5)


async def officer(court: Court, name: str, rank: str = "watch", *, on: bool = True) -> User:
    user = await people.add_user(court.db, name=name, sign_in_name=name, role="officer", password=PASSWORD, language="en", rank=rank)
    if on:
        await duties.come(court.db, user, at("18:00"), "", NOW)
    return user


async def booked(court: Court, start: str = "14:00") -> Sitting:
    return await bookings.create_sitting(court.db, make_draft(court, start), court.clerk, NOW)


async def acts(court: Court) -> list[tuple[str, str, str]]:
    rows = await log.log_of(court.db, at("00:00"), at("23:59"))
    return [(row.act, row.by_name, row.to_name) for row, _sitting in rows]


async def holder(court: Court, sitting: Sitting) -> str:
    found = (await charge.in_charge(court.db, [sitting.id])).get(sitting.id)
    return found.name if found else ""


async def test_nobody_comes_twice_or_goes_unless_he_is_on(court: Court) -> None:
    li = await officer(court, "li")
    with pytest.raises(Refused, match="on_shift"):
        await duties.come(court.db, li, at("19:00"), "", LATER)
    assert await duties.leave(court.db, li, "", "", LATER) == 0
    with pytest.raises(Refused, match="not_on_shift"):
        await duties.leave(court.db, li, "", "", LATER)
    assert await acts(court) == [("came", "li", ""), ("left", "li", "")]
    assert await duties.on_shift(court.db) == []


@pytest.mark.parametrize("until", [NOW, NOW + duties.LONGEST + timedelta(seconds=1)])
async def test_a_shift_ends_after_now_and_within_its_longest(court: Court, until: datetime) -> None:
    li = await officer(court, "li", on=False)
    with pytest.raises(ValidationFailed) as refused:
        await duties.come(court.db, li, until, "", NOW)
    assert refused.value.field == "until"


async def test_all_proposals_are_taken_at_once_and_only_once(court: Court) -> None:
    li, wang = await officer(court, "li"), await officer(court, "wang")
    first, second = await booked(court, "14:00"), await booked(court, "16:00")
    day = await sittings.of_day(court.db, NOW.date(), court.db.site.zone)
    pairs = await charge.proposals(court.db, day)
    assert set(pairs) == {first.id, second.id}
    assert set(pairs.values()) == {li.id, wang.id}
    counts = await asyncio.gather(*(charge.take_proposals(court.db, li, pairs, LATER) for _ in range(2)))
    assert sorted(counts) == [0, 2]
    assert await charge.proposals(court.db, day) == {}


async def test_a_colleagues_sitting_is_taken_over_with_a_note_and_given_on_by_a_leader_only(court: Court) -> None:
    li, wang, chief = await officer(court, "li"), await officer(court, "wang"), await officer(court, "chief", "lead")
    sitting = await booked(court)
    await charge.give(court.db, li, sitting.id, li.id, "", LATER)
    with pytest.raises(ValidationFailed) as refused:
        await charge.give(court.db, wang, sitting.id, wang.id, " ", LATER)
    assert refused.value.field == "text"
    with pytest.raises(Forbidden, match="rank_lead"):
        await charge.give(court.db, wang, sitting.id, chief.id, "请接手", LATER)
    assert await holder(court, sitting) == "li"
    await charge.give(court.db, wang, sitting.id, wang.id, "老李在处理另一庭的故障", LATER + timedelta(minutes=1))
    assert await holder(court, sitting) == "wang"
    await charge.give(court.db, chief, sitting.id, li.id, "", LATER + timedelta(minutes=2))
    assert await holder(court, sitting) == "li"
    assert (await acts(court))[-2:] == [("taken", "wang", "wang"), ("given", "chief", "li")]
    async with court.db.reader() as session:
        told = list(await session.scalars(select(AuditRow.detail).where(AuditRow.action == "sitting_given").order_by(AuditRow.seq)))
    assert [(row["from"], row["to"]) for row in told] == [("", "li"), ("li", "wang"), ("wang", "li")]


async def test_whoever_goes_hands_his_sittings_to_a_colleague_on_shift_with_a_note(court: Court) -> None:
    li, wang = await officer(court, "li"), await officer(court, "wang")
    away = await officer(court, "away", on=False)
    sitting = await booked(court)
    await charge.give(court.db, li, sitting.id, li.id, "", LATER)
    for to, text, field in (("", "注意", "to"), (away.id, "注意", "to"), (li.id, "注意", "to"), (wang.id, "", "text")):
        with pytest.raises(ValidationFailed) as refused:
            await duties.leave(court.db, li, to, text, LATER)
        assert refused.value.field == field
    assert len(await duties.on_shift(court.db)) == 2
    assert await duties.leave(court.db, li, wang.id, "二号当事人网络不稳", LATER + timedelta(minutes=1)) == 1
    assert await holder(court, sitting) == "wang"
    assert set((await acts(court))[-2:]) == {("handed", "li", "wang"), ("left", "li", "wang")}


async def test_a_sitting_of_somebody_who_is_off_is_proposed_anew_and_anybody_may_take_it(court: Court) -> None:
    li, wang = await officer(court, "li"), await officer(court, "wang")
    sitting = await booked(court)
    await charge.give(court.db, li, sitting.id, li.id, "", LATER)
    async with court.db.writer() as session:
        await session.execute(update(User).where(User.id == li.id).values(active=False))
    day = await sittings.of_day(court.db, NOW.date(), court.db.site.zone)
    assert await charge.proposals(court.db, day) == {sitting.id: wang.id}
    await charge.give(court.db, wang, sitting.id, wang.id, "", LATER)
    assert await holder(court, sitting) == "wang"


async def test_what_is_over_or_unknown_or_for_somebody_off_shift_is_refused(court: Court) -> None:
    li, away = await officer(court, "li"), await officer(court, "away", on=False)
    sitting = await booked(court)
    with pytest.raises(NotFound, match="sitting_unknown"):
        await charge.give(court.db, li, "nosuch", li.id, "", LATER)
    with pytest.raises(ValidationFailed):
        await charge.give(court.db, li, sitting.id, away.id, "", LATER)
    async with court.db.writer() as session:
        await session.execute(update(Sitting).where(Sitting.id == sitting.id).values(status="closed"))
    with pytest.raises(Refused, match="sitting_over"):
        await charge.give(court.db, li, sitting.id, li.id, "", LATER)


async def test_a_note_needs_words_and_a_sealed_sitting_is_not_named_in_the_log(court: Court) -> None:
    li = await officer(court, "li")
    with pytest.raises(ValidationFailed) as refused:
        await duties.note(court.db, li, "  ", LATER)
    assert refused.value.field == "note"
    sitting = await booked(court)
    await charge.give(court.db, li, sitting.id, li.id, "", LATER)
    async with court.db.writer() as session:
        await session.execute(update(Sitting).where(Sitting.id == sitting.id).values(withheld_at=LATER))
    [*_others, (row, told)] = await log.log_of(court.db, at("00:00"), at("23:59"))
    assert (row.act, told) == ("taken", None)
