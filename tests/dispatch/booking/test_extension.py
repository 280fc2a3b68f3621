"""More time for a sitting: given where room and people are free, refused with what is in the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.booking.extension import extend, possible
from dispatch.errors import Conflict, Refused, ValidationFailed
from dispatch.identity import invitations
from tests.dispatch.making import Court, as_it_is, at, audited, bring_to, make_sitting, named, other_sitting


async def test_a_sitting_gets_more_time_and_its_link_goes_on(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    link = await invitations.link_of(court.db, named(sitting, "刘芳").id)
    later = await extend(court.db, sitting.id, 30, court.clerk, at("14:50"))
    assert later.ends_at == at("15:30")
    assert [booking.ends_at for booking in later.bookings] == [at("15:30")]
    assert await invitations.link_of(court.db, named(later, "刘芳").id) == link
    expiries = [invitation.expires_at for invitation in named(later, "刘芳").invitations]
    assert expiries == [invitations.expiry(court.db, later)]
    assert [row.detail["minutes"] for row in await audited(court.db, "sitting_extended")] == [30]


async def test_a_sitting_that_runs_over_is_extended_from_now(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    assert (await extend(court.db, sitting.id, 15, court.judge, at("15:20"))).ends_at == at("15:35")


@pytest.mark.parametrize("in_the_way", ["room", "judge"])
async def test_what_is_in_the_way_is_named_and_nothing_changes(court: Court, in_the_way: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    if in_the_way == "room":
        next_one = await other_sitting(court, "15:15", room_id=court.room.id)
    else:
        next_one = await other_sitting(court, "15:15", chair_id=court.judge.id)
    with pytest.raises(Conflict) as told:
        await extend(court.db, sitting.id, 30, court.clerk, at("14:50"))
    assert told.value.code == ("room_taken" if in_the_way == "room" else "person_taken")
    assert told.value.sitting_id == next_one.id
    assert (await as_it_is(court.db, sitting)).ends_at == at("15:00")
    assert (await extend(court.db, sitting.id, 15, court.clerk, at("14:50"))).ends_at == at("15:15")


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_what_is_over_gets_no_more_time(court: Court, status: str) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), status)
    with pytest.raises(Refused) as told:
        await extend(court.db, sitting.id, 15, court.clerk, at("14:50"))
    assert told.value.code == f"sitting_{status}"


@pytest.mark.parametrize("minutes", [0, -15, 7, 10_000])
async def test_time_is_given_in_steps(court: Court, minutes: int) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(ValidationFailed):
        await extend(court.db, sitting.id, minutes, court.clerk, at("14:50"))


async def test_no_sitting_lasts_longer_than_a_day(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court, "09:40", 60), "live")
    with pytest.raises(ValidationFailed):
        await extend(court.db, sitting.id, 60, court.clerk, at("09:40") + timedelta(hours=23, minutes=30))


async def test_what_would_be_in_the_way_is_said_beforehand_and_nothing_is_changed_by_asking(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "live")
    assert await possible(court.db, sitting.id, at("14:50")) == {15: None, 30: None, 60: None}
    next_one = await other_sitting(court, "15:15", room_id=court.room.id)
    found = await possible(court.db, sitting.id, at("14:50"))
    assert found[15] is None
    for minutes in (30, 60):
        why = found[minutes]
        assert isinstance(why, Conflict)
        assert why.sitting_id == next_one.id
    assert (await as_it_is(court.db, sitting)).ends_at == at("15:00")
    assert await audited(court.db, "sitting_extended") == []


async def test_of_what_is_over_it_is_said_that_it_is(court: Court) -> None:
    sitting = await bring_to(court.db, await make_sitting(court), "closed")
    assert {why.code if why else "" for why in (await possible(court.db, sitting.id, at("14:50"))).values()} == {"sitting_closed"}
