"""Templates of sittings through the API: whoever books reads them, the administrator keeps them."""

from __future__ import annotations

import pytest

from tests.dispatch.web.api.conftest import Json, Program, Programs

DIVORCE = {"name": "离婚案件", "name_en": "Divorce", "minutes": 90, "room_kind": "court", "roles": ["party", "party"], "position": 3}


@pytest.fixture
async def administrator(program: Programs) -> Program:
    return await program("administrator")


async def test_a_template_is_added_changed_and_read(administrator: Program, program: Programs) -> None:
    clerk = await program("clerk")
    status, made, answer = await administrator.ask("POST", "/templates", DIVORCE)
    assert status == 201
    assert made == DIVORCE | {"id": made["id"], "kind": "remote_court", "means": [], "active": True}
    assert answer.headers["Location"] == f"/api/v1/templates/{made['id']}"
    assert (await clerk.get("/templates"))["items"] == [made]
    version = answer.headers["ETag"]
    path = f"/templates/{made['id']}"
    status, changed, _ = await administrator.ask("PATCH", path, {"minutes": 45, "active": False}, If_Match=version)
    assert (status, changed) == (200, made | {"minutes": 45, "active": False})
    assert (await administrator.ask("PATCH", path, {"minutes": 30}, If_Match=version))[0] == 412
    assert (await clerk.get("/templates?active=true"))["items"] == []
    assert (await clerk.ask("PATCH", path, {"minutes": 30}))[0] == 403
    assert (await clerk.ask("GET", "/templates/0123456789abcdef"))[1]["code"] == "template_unknown"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"name": " "}, "#/name", "required"),
        ({"minutes": 9}, "#/minutes", "number_small"),
        ({"roles": ["king"]}, "#/roles", "role_unknown"),
        ({"kind": "cellar"}, "#/kind", "kind_unknown"),
        ({"room_kind": "cellar"}, "#/room_kind", "room_kind_unknown"),
        ({"means": ["0123456789abcdef"]}, "#/means", "equipment_unknown"),
    ],
)
async def test_a_wrong_template_names_its_field(administrator: Program, wrong: Json, field: str, code: str) -> None:
    status, refused, _ = await administrator.ask("POST", "/templates", DIVORCE | wrong)
    assert status == 422
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(field, code)]
