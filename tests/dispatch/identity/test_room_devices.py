"""A room's own device: a code that is good once and for an hour, then a token that can be taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from dispatch.errors import NotFound, UserError
from dispatch.identity import devices
from dispatch.identity.devices import CODE_SIGNS, new_code, normal_code
from dispatch.identity.tokens import is_token
from dispatch.store.tables import RoomDevice
from tests.dispatch.making import NOW, Court, audited

HOUR = timedelta(hours=1)


async def made(court: Court, name: str = "法庭主机") -> tuple[str, RoomDevice]:
    return await devices.create(court.db, court.room.id, name, court.users["xu"], NOW)


async def refused(court: Court, code: str, after: timedelta = timedelta(0)) -> None:
    with pytest.raises(UserError) as told:
        await devices.enrol(court.db, code, NOW + after)
    assert (told.value.code, told.value.field) == ("device_code_wrong", "code")


async def test_a_code_is_exchanged_for_a_token_of_the_device(court: Court) -> None:
    code, device = await made(court)
    token = await devices.enrol(court.db, code, NOW)
    assert is_token(token)
    found = await devices.device(court.db, token)
    assert found is not None
    assert (found.id, found.room.name, found.enrolled_at) == (device.id, "第一法庭", NOW)


async def test_a_code_is_good_once(court: Court) -> None:
    code, _ = await made(court)
    token = await devices.enrol(court.db, code, NOW)
    await refused(court, code)
    assert await devices.device(court.db, token) is not None


async def test_of_two_who_type_a_code_at_once_one_gets_in(court: Court) -> None:
    code, _ = await made(court)
    outcomes = await asyncio.gather(*(devices.enrol(court.db, code, NOW) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, UserError) for outcome in outcomes) == 4


async def test_a_code_is_good_for_an_hour(court: Court) -> None:
    code, _ = await made(court)
    await refused(court, code, HOUR)
    assert await devices.enrol(court.db, code, NOW + HOUR - timedelta(seconds=1))


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code[:3]} {code[3:]}\n"])
async def test_a_code_is_taken_however_it_is_typed(court: Court, typed: Callable[[str], str]) -> None:
    code, _ = await made(court)
    assert await devices.enrol(court.db, typed(code), NOW)


@pytest.mark.parametrize("code", ["", "-----", "AAAAA-AAAAA", "0O1lI", "x" * 10_000, "\ud800"])
async def test_what_is_no_code_is_refused_and_audited(court: Court, code: str) -> None:
    await made(court)
    await refused(court, code)
    (row,) = await audited(court.db, "device_enrolled")
    assert (row.actor, row.result) == ("?", "refused")


async def test_a_device_that_was_taken_away_is_known_no_longer_nor_is_its_code(court: Court) -> None:
    code, device = await made(court)
    other_code, other = await made(court, "备用")
    token = await devices.enrol(court.db, code, NOW)
    for each in (device, other):
        await devices.revoke(court.db, each.id, court.users["xu"], NOW)
    assert await devices.device(court.db, token) is None
    await refused(court, other_code)


async def test_taking_away_twice_is_taking_away_once(court: Court) -> None:
    _, device = await made(court)
    first = await devices.revoke(court.db, device.id, court.users["xu"], NOW)
    again = await devices.revoke(court.db, device.id, court.users["xu"], NOW + HOUR)
    assert first.revoked_at == again.revoked_at == NOW
    assert len(await audited(court.db, "device_revoked")) == 1


async def test_rooms_and_devices_that_are_not_there_are_named(court: Court) -> None:
    with pytest.raises(NotFound, match="room_unknown"):
        await devices.create(court.db, "nowhere", "", court.users["xu"], NOW)
    with pytest.raises(NotFound, match="device_unknown"):
        await devices.revoke(court.db, "none", court.users["xu"], NOW)


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 43])
async def test_an_unknown_token_is_no_device(court: Court, token: str) -> None:
    await made(court)
    assert await devices.device(court.db, token) is None


async def test_the_way_of_a_device_is_audited_without_its_secrets(court: Court) -> None:
    code, device = await made(court)
    token = await devices.enrol(court.db, code, NOW)
    await devices.revoke(court.db, device.id, court.users["xu"], NOW)
    rows = await audited(court.db)
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("许文博", "device_code_made", "第一法庭"), ("法庭主机", "device_enrolled", "第一法庭"), ("许文博", "device_revoked", "第一法庭"),
    ]  # fmt: skip
    told = "".join(f"{row.subject}{row.detail}" for row in rows)
    assert not any(secret in told for secret in (code, normal_code(code), token))


def test_codes_have_no_signs_that_look_alike_and_are_never_the_same() -> None:
    made_codes = {new_code() for _ in range(500)}
    assert len(made_codes) == 500
    assert not set("".join(made_codes)) & set("01ILO")
    assert all(set(normal_code(code)) <= set(CODE_SIGNS) and len(normal_code(code)) == 10 for code in made_codes)
