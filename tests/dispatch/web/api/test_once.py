"""What the catalogue is made of, and who takes part, is made once, however often a program that got no answer asks for it."""

from __future__ import annotations

import asyncio

import pytest

from tests.dispatch.web.api.conftest import Json, Programs, order
from tests.dispatch.web.conftest import PASSWORD, Site

CLOSED = {"kind": "maintenance", "starts_at": "2026-12-28T09:00:00+08:00", "ends_at": "2026-12-28T12:00:00+08:00"}


@pytest.mark.parametrize(
    ("path", "wanted", "other"),
    [
        ("/sites", {"name": "东院"}, {"name": "西院"}),
        ("/rooms", {"name": "东院第一法庭", "kind": "court"}, {"capacity": 3}),
        ("/resources", {"kind": "equipment", "name": "移动终端"}, {"name": "高拍仪"}),
        ("/resources", {"kind": "custody", "name": "提讯席", "slots": 3}, {"slots": 2}),
        ("/templates", {"name": "离婚案件", "minutes": 90}, {"minutes": 60}),
        ("/people", {"name": "周敏", "sign_in_name": "zhou.min", "role": "clerk", "password": PASSWORD}, {"name": "周明"}),
    ],
)
async def test_what_is_ordered_twice_under_a_key_is_made_once(program: Programs, path: str, wanted: Json, other: Json) -> None:
    administrator = await program("administrator")
    answers = await asyncio.gather(*(administrator.ask("POST", path, wanted, Idempotency_Key="k-1") for _ in range(3)))
    assert [status for status, _, _ in answers] == [201] * 3
    assert answers[0][1] == answers[1][1] == answers[2][1]
    status, refused, _ = await administrator.ask("POST", path, wanted | other, Idempotency_Key="k-1")
    assert (status, refused["code"], refused["errors"][0]["header"]) == (422, "key_reused", "Idempotency-Key")


async def test_a_closure_is_made_once_and_anew_where_it_was_taken_back(site: Site, program: Programs) -> None:
    administrator = await program("administrator")
    wanted = CLOSED | {"resource_id": site.rooms[0].id}
    made = await administrator.made("/closures", wanted, Idempotency_Key="k-1")
    assert await administrator.made("/closures", wanted, Idempotency_Key="k-1") == made
    assert len((await administrator.get("/closures"))["items"]) == 1
    assert (await administrator.ask("DELETE", f"/closures/{made['id']}"))[0] == 204
    assert (await administrator.made("/closures", wanted, Idempotency_Key="k-1"))["id"] != made["id"]


async def test_a_participant_is_added_once(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    sitting = await clerk.made("/sittings", order(site))
    people, witness = f"/sittings/{sitting['id']}/participants", {"name": "周证", "role": "witness", "phone": "13900001111"}
    made = await clerk.made(people, witness, Idempotency_Key="k-1")
    assert (await clerk.made(people, witness, Idempotency_Key="k-1"))["id"] == made["id"]
    assert sum(each["name"] == "周证" for each in (await clerk.get(people))["items"]) == 1


async def test_the_key_of_a_person_keeps_nothing_of_the_password(program: Programs) -> None:
    administrator = await program("administrator")
    zhou = {"name": "周敏", "sign_in_name": "zhou.min", "role": "clerk", "password": PASSWORD}
    made = await administrator.made("/people", zhou, Idempotency_Key="k-1")
    assert await administrator.made("/people", zhou | {"password": f"{PASSWORD}x1A"}, Idempotency_Key="k-1") == made
