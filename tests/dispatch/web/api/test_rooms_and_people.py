"""Rooms and staff through the API: everybody may know the rooms, the administrator adds and changes both."""

from __future__ import annotations

import pytest

from tests.dispatch.web.api.conftest import Json, Program, Programs, order
from tests.dispatch.web.conftest import PASSWORD, Site

CELL = {"name": "看守所提讯室", "name_en": "Interview room", "kind": "interrogation", "site": "看守所", "capacity": 3, "position": 9}


@pytest.fixture
async def administrator(program: Programs) -> Program:
    return await program("administrator")


# ------------------------------------------------------------------------------------------------ rooms


async def test_a_room_that_was_added_can_be_booked(site: Site, administrator: Program, program: Programs) -> None:
    clerk = await program("clerk")
    status, room, answer = await administrator.ask("POST", "/rooms", CELL)
    assert status == 201
    assert room == CELL | {"id": room["id"], "active": True}
    assert answer.headers["Location"] == f"/api/v1/rooms/{room['id']}"
    assert (await clerk.get("/rooms"))["items"][-1] == room
    made = await clerk.made("/sittings", order(site, room_id=room["id"]))
    assert made["room"] == {"id": room["id"], "name": CELL["name"], "name_en": CELL["name_en"]}


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"name": " "}, "#/name", "required"),
        ({"name": "第一远程法庭"}, "#/name", "room_name_taken"),
        ({"name": "x" * 81}, "#/name", "too_long"),
        ({"kind": "cellar"}, "#/kind", "choice_wanted"),
        ({"capacity": 0}, "#/capacity", "number_small"),
        ({"capacity": 10**30}, "#/capacity", "number_large"),
        ({"capacity": "3"}, "#/capacity", "number_wanted"),
        ({"active": "yes"}, "#/active", "flag_wanted"),
    ],
)
async def test_a_wrong_room_names_its_field(administrator: Program, wrong: Json, field: str, code: str) -> None:
    status, refused, _ = await administrator.ask("POST", "/rooms", CELL | wrong)
    assert status == 422
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(field, code)]


async def test_a_room_is_taken_out_of_use_when_nothing_is_to_be_held_there(site: Site, administrator: Program, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/sittings", order(site))
    room = f"/rooms/{site.rooms[0].id}"
    status, refused, _ = await administrator.ask("PATCH", room, {"active": False})
    assert (status, refused["code"]) == (409, "room_booked")
    assert made["case"]["number"] in refused["detail"]
    await clerk.ask("POST", f"/sittings/{made['id']}/cancel", {"reason": "Settled"})
    assert (await administrator.ask("PATCH", room, {"active": False}))[1]["active"] is False
    assert (await clerk.ask("POST", "/sittings", order(site)))[1]["errors"][0]["code"] == "room_unknown"
    assert [each["active"] for each in (await clerk.get("/rooms?active=true"))["items"]] == [True]
    assert [each["id"] for each in (await clerk.get("/rooms?active=false"))["items"]] == [site.rooms[0].id]


async def test_a_room_that_was_changed_meanwhile_is_not_changed(site: Site, administrator: Program) -> None:
    room = f"/rooms/{site.rooms[0].id}"
    version = (await administrator.ask("GET", room))[2].headers["ETag"]
    status, changed, answer = await administrator.ask("PATCH", room, {"capacity": 9}, If_Match=f'"other", {version}')
    assert (status, changed["capacity"], changed["name"]) == (200, 9, "第一远程法庭")
    assert (await administrator.ask("PATCH", room, {"capacity": 7}, If_Match=version))[0] == 412
    assert (await administrator.ask("PATCH", room, {"capacity": 7}, If_Match=f"W/{answer.headers['ETag']}"))[0] == 412
    assert (await administrator.ask("PATCH", room, {"capacity": 7}, If_Match=answer.headers["ETag"]))[0] == 200


async def test_lists_of_rooms_come_in_pages(administrator: Program) -> None:
    for number in range(5):
        await administrator.made("/rooms", CELL | {"name": f"提讯室{number}"})
    first = await administrator.get("/rooms?limit=4")
    second = await administrator.get(f"/rooms?limit=4&cursor={first['next']}")
    assert [room["name"] for room in first["items"] + second["items"]][2:] == [f"提讯室{number}" for number in range(5)]
    assert second["next"] is None
    assert (await administrator.ask("GET", "/rooms?cursor=0123456789abcdef"))[1]["errors"][0]["code"] == "cursor_unknown"


# ------------------------------------------------------------------------------------------------ people

ZHAO = {"name": "赵敏", "sign_in_name": "Zhao.Min", "role": "clerk", "password": "Yunhe-2026!", "phone": "010-5550 1200"}


async def signs_in(site: Site, name: str, password: str) -> bool:
    visitor = site.visitor()
    await visitor.page("/sign-in")
    return (await visitor.post("/sign-in", {"name": name, "password": password})).status == 303


async def test_somebody_who_was_added_signs_in(site: Site, administrator: Program) -> None:
    made = await administrator.made("/people", ZHAO)
    assert made["account"]["sign_in_name"] == "zhao.min"
    assert ZHAO["password"] not in str(made)
    assert await signs_in(site, "zhao.min", ZHAO["password"])
    assert (await administrator.get(f"/people/{made['id']}"))["name"] == "赵敏"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"sign_in_name": "a b"}, "#/sign_in_name", "sign_in_name_shape"),
        ({"sign_in_name": "CLERK"}, "#/sign_in_name", "sign_in_name_taken"),
        ({"password": "longenough"}, "#/password", "password_simple"),
        ({"password": "Ab1"}, "#/password", "text_short"),
        ({"role": "king"}, "#/role", "choice_wanted"),
        ({"phone": "call me"}, "#/phone", "phone_shape"),
        ({"name": "\t"}, "#/name", "required"),
    ],
)
async def test_a_wrong_person_names_its_field(administrator: Program, wrong: Json, field: str, code: str) -> None:
    status, refused, _ = await administrator.ask("POST", "/people", ZHAO | wrong)
    assert status == 422
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(field, code)]


async def test_deactivation_signs_out_at_once(site: Site, administrator: Program) -> None:
    clerk = await site.signed_in("clerk")
    assert (await clerk.get("/booking")).status == 200
    status, changed, _ = await administrator.ask("PATCH", f"/people/{site.users['clerk'].id}", {"active": False})
    assert (status, changed["active"]) == (200, False)
    assert (await clerk.get("/booking")).status == 303
    assert not await signs_in(site, "clerk", PASSWORD)


async def test_a_new_password_ends_sessions_and_the_lock(site: Site, administrator: Program) -> None:
    officer = await site.signed_in("officer")
    for _ in range(5):
        await signs_in(site, "officer", "wrong")
    person = f"/people/{site.users['officer'].id}"
    assert (await administrator.get(person))["account"]["locked_until"] is not None
    assert (await administrator.ask("PATCH", person, {"password": "Another-2026"}))[1]["account"]["locked_until"] is None
    assert (await officer.get("/console")).status == 303
    assert await signs_in(site, "officer", "Another-2026")


async def test_the_last_administrator_stays_one(site: Site, administrator: Program) -> None:
    last = f"/people/{site.users['administrator'].id}"
    for change, field in (({"active": False}, "#/active"), ({"role": "clerk"}, "#/role")):
        status, refused, _ = await administrator.ask("PATCH", last, change)
        assert (status, refused["code"], refused["errors"][0]["pointer"]) == (409, "last_administrator", field)
    await administrator.made("/people", ZHAO | {"role": "administrator"})
    assert (await administrator.ask("PATCH", last, {"active": False}))[0] == 200


async def test_a_person_who_was_changed_meanwhile_is_not_changed(site: Site, administrator: Program) -> None:
    person = f"/people/{site.users['judge'].id}"
    version = (await administrator.ask("GET", person))[2].headers["ETag"]
    assert (await administrator.ask("PATCH", person, {"name": "周正"}, If_Match=version))[1]["name"] == "周正"
    assert (await administrator.ask("PATCH", person, {"name": "周政"}, If_Match=version))[0] == 412


async def test_a_clerk_sees_who_can_preside_and_no_accounts(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    found = (await clerk.get("/people?role=judge&role=prosecutor&active=true"))["items"]
    assert [(person["role"], person["account"]) for person in found] == [("judge", None), ("prosecutor", None)]
    assert (await clerk.ask("PATCH", f"/people/{site.users['judge'].id}", {"name": "x"}))[0] == 403
    assert (await (await program("officer")).ask("GET", "/people"))[0] == 403
