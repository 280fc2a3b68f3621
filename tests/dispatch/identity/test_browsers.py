"""The same browser comes back to its place by its resume secret; another one gets a place of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.booking import bookings
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity import browsers, devices, invitations
from dispatch.identity.invitations import open_link
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.store.tables import Browser, Room, Sitting, User
from tests.dispatch.making import NOW, URGENT, Court, draft_of, make_sitting, named, other_sitting


async def invited(court: Court, sitting: Sitting, name: str = "刘芳") -> str:
    """The id of the invitation behind a person's present link."""
    token = await invitations.link_of(court.db, named(sitting, name).id)
    assert token is not None
    return (await open_link(court.db, token, NOW)).id


async def entered(court: Court, sitting: Sitting, **more: Any) -> tuple[str, Browser]:
    if not {"user_id", "room_device_id"} & more.keys():
        more.setdefault("invitation_id", await invited(court, sitting))
    return await browsers.enter(court.db, sitting_id=sitting.id, **more)


async def room_device(court: Court, room: Room | None = None) -> str:
    _, device = await devices.create(court.db, (room or court.room).id, "法庭主机", court.users["xu"], NOW)
    return device.id


async def test_a_browser_gets_a_secret_and_a_place_of_its_own(court: Court) -> None:
    sitting = await make_sitting(court)
    secret, entrant = await entered(court, sitting, device="Chromium · Debian", language="en")
    assert is_token(secret)
    assert entrant.secret_hash == token_hash(secret)
    found = await browsers.browser(court.db, secret)
    assert found is not None
    assert (found.endpoint, found.device, found.language) == (entrant.endpoint, "Chromium · Debian", "en")


async def test_the_same_browser_comes_back_to_its_place(court: Court) -> None:
    sitting = await make_sitting(court)
    secret, first = await entered(court, sitting)
    again, second = await entered(court, sitting, secret=secret, language="en")
    assert (again, second.endpoint, second.language) == (secret, first.endpoint, "en")


@pytest.mark.parametrize("secret", [None, "", "x" * 43, "nonsense", "\ud800" * 43])
async def test_another_browser_of_the_same_person_gets_another_place(court: Court, secret: str | None) -> None:
    sitting = await make_sitting(court)
    first_secret, first = await entered(court, sitting)
    second_secret, second = await entered(court, sitting, secret=secret)
    assert second_secret not in (first_secret, secret)
    assert second.endpoint != first.endpoint


async def test_a_link_issued_anew_brings_the_same_browser_back_to_its_place(court: Court) -> None:
    sitting = await make_sitting(court)
    secret, first = await entered(court, sitting)
    await invitations.reissue(court.db, named(sitting, "刘芳").id, court.clerk, NOW)
    assert await browsers.browser(court.db, secret) is None
    again, second = await entered(court, sitting, secret=secret)
    assert (again, second.endpoint) == (secret, first.endpoint)
    assert await browsers.browser(court.db, secret) is not None


async def test_the_secret_of_one_person_is_nothing_to_another(court: Court) -> None:
    """A family shares a telephone: each link has a place of its own."""
    sitting = await make_sitting(court, participants=(ParticipantDraft("刘芳", "party"), ParticipantDraft("刘强", "party")))
    secret, first = await entered(court, sitting)
    other_secret, second = await entered(court, sitting, secret=secret, invitation_id=await invited(court, sitting, "刘强"))
    assert other_secret != secret
    assert second.endpoint != first.endpoint
    assert (await browsers.browser(court.db, secret)) is not None


async def test_the_secret_of_one_sitting_is_nothing_in_another(court: Court) -> None:
    first, second = await make_sitting(court), await make_sitting(court, "16:00")
    secret, one = await entered(court, first, user_id=court.judge.id)
    other_secret, other = await entered(court, second, user_id=court.judge.id, secret=secret)
    assert other_secret != secret
    assert other.endpoint != one.endpoint


async def test_staff_guests_and_devices_do_not_take_each_others_places(court: Court) -> None:
    sitting = await make_sitting(court)
    device = await room_device(court)
    secret, guest = await entered(court, sitting)
    entrants = [await entered(court, sitting, secret=secret, **own) for own in ({"user_id": court.judge.id}, {"room_device_id": device})]
    assert len({guest.endpoint, *(entrant.endpoint for _, entrant in entrants)}) == 3
    assert len({secret, *(other for other, _ in entrants)}) == 3


async def test_a_browser_whose_link_was_revoked_is_out_and_listed_with_the_reason(court: Court) -> None:
    sitting = await make_sitting(court)
    secret, entrant = await entered(court, sitting)
    assert await browsers.refused_endpoints(court.db, sitting.id) == {}
    await invitations.revoke(court.db, named(sitting, "刘芳").id, "clerk", court.clerk, NOW)
    assert await browsers.browser(court.db, secret) is None
    assert await browsers.refused_endpoints(court.db, sitting.id) == {entrant.endpoint: "clerk"}


async def test_a_device_that_was_taken_away_is_out_and_listed(court: Court) -> None:
    sitting, device = await make_sitting(court), await room_device(court)
    secret, entrant = await entered(court, sitting, room_device_id=device)
    assert await browsers.browser(court.db, secret) is not None
    await devices.revoke(court.db, device, court.users["xu"], NOW)
    assert await browsers.browser(court.db, secret) is None
    assert await browsers.refused_endpoints(court.db, sitting.id) == {entrant.endpoint: "device_revoked"}


async def test_a_browser_of_staff_is_out_when_its_user_is_deactivated(court: Court) -> None:
    sitting = await make_sitting(court)
    secret, _ = await entered(court, sitting, user_id=court.judge.id)
    assert await browsers.browser(court.db, secret) is not None
    async with court.db.writer() as session:
        (await session.get_one(User, court.judge.id)).active = False
    assert await browsers.browser(court.db, secret) is None


@pytest.mark.parametrize("secret", ["", "nonsense", "x" * 43])
async def test_an_unknown_secret_is_no_browser(court: Court, secret: str) -> None:
    await entered(court, await make_sitting(court))
    assert await browsers.browser(court.db, secret) is None


async def names(court: Court, sitting: Sitting, **own: Any) -> list[str]:
    _, entrant = await entered(court, sitting, **own)
    return [participant.name for participant in await browsers.participants_of(court.db, entrant)]


async def test_a_link_carries_its_person_and_staff_themselves(court: Court) -> None:
    sitting = await make_sitting(court)
    assert await names(court, sitting) == ["刘芳"]
    assert await names(court, sitting, user_id=court.judge.id) == ["陈明远"]


async def test_who_sits_at_a_rooms_device_is_not_known_from_the_booking(court: Court) -> None:
    assert await names(court, await make_sitting(court), room_device_id=await room_device(court)) == []


async def test_staff_of_another_case_carry_nobody(court: Court) -> None:
    sitting = await make_sitting(court)
    await other_sitting(court)
    assert await names(court, sitting, user_id=court.other_judge.id) == []


async def test_a_rooms_device_has_one_endpoint_in_a_sitting_however_often_and_at_once_it_comes(court: Court) -> None:
    sitting, other = await make_sitting(court), await other_sitting(court)
    _, device = await devices.create(court.db, court.room.id, "法庭主机", court.users["xu"], NOW)
    came = await asyncio.gather(*(browsers.enter_room(court.db, sitting.id, device) for _ in range(4)))
    assert len({browser.endpoint for browser in came}) == 1
    assert (await browsers.enter_room(court.db, other.id, device)).endpoint != came[0].endpoint
    await devices.revoke(court.db, device.id, court.users["xu"], NOW)
    assert await browsers.refused_endpoints(court.db, sitting.id) == {came[0].endpoint: "device_revoked"}


async def test_the_device_of_a_room_that_was_left_by_moving_is_out(court: Court) -> None:
    sitting = await make_sitting(court)
    _, device = await devices.create(court.db, court.room.id, "法庭主机", court.users["xu"], NOW)
    browser = await browsers.enter_room(court.db, sitting.id, device)
    await bookings.move(
        court.db, sitting.id, court.other_room.id, sitting.starts_at, sitting.ends_at, court.clerk, NOW, override_reason=URGENT
    )
    assert await browsers.refused_endpoints(court.db, sitting.id) == {browser.endpoint: "moved"}


async def test_who_was_taken_out_is_carried_by_nobody(court: Court) -> None:
    sitting = await make_sitting(court)
    _, guest = await entered(court, sitting)
    rows = draft_of(sitting).participants[1:]
    await bookings.update_sitting(court.db, sitting.id, draft_of(sitting, participants=rows), court.clerk, NOW)
    assert await browsers.participants_of(court.db, guest) == ()


async def test_a_long_name_of_a_device_is_cut(court: Court) -> None:
    _, entrant = await entered(court, await make_sitting(court), device="x" * 5000)
    assert len(entrant.device) == 200


async def test_a_secret_is_not_kept(court: Court) -> None:
    secret, _ = await entered(court, await make_sitting(court))
    assert secret != new_token()
    assert secret.encode() not in court.file.read_bytes() + court.file.with_name("dispatch.db-wal").read_bytes()
