"""Presets of the wall through the API: officers read them, shift leaders and programs keep them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatch.store.tables import AuditRow
from tests.dispatch.web.api.conftest import Json, Program, Programs
from tests.dispatch.web.conftest import Site

SOURCE: Json = {"sitting": "0123456789abcdef", "participant": ""}
ARRANGEMENT: Json = {
    "layout": {
        "columns": 3,
        "rows": 2,
        "windows": [
            {"column": 0, "row": 0, "width": 2, "height": 2},
            {"column": 2, "row": 0, "width": 1, "height": 1},
            {"column": 2, "row": 1, "width": 1, "height": 1},
        ],
    },
    "sources": [SOURCE, None, None],
    "patrol": {"sources": [SOURCE | {"participant": "fedcba9876543210"}], "windows": [2], "dwell_s": 20, "paused": False},
    "heard": 0,
}
MORNING: Json = {"name": "早会", "key": "3", "arrangement": ARRANGEMENT}


@pytest.fixture
async def officer(program: Programs) -> Program:
    return await program("officer")


async def test_a_preset_is_kept_changed_read_and_deleted_and_audited(site: Site, officer: Program, program: Programs) -> None:
    status, made, answer = await officer.ask("POST", "/presets", MORNING)
    assert status == 201
    assert {name: made[name] for name in MORNING} == MORNING
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert await officer.get(path) == made
    assert (await officer.get("/presets"))["items"] == [made]
    version = answer.headers["ETag"]
    status, changed, _ = await officer.ask("PATCH", path, {"name": "晚会"}, If_Match=version)
    assert (status, changed["name"], changed["arrangement"]) == (200, "晚会", ARRANGEMENT)
    assert (await officer.ask("DELETE", path, If_Match=version))[0] == 412
    assert (await officer.ask("DELETE", path))[0] == 204
    assert (await officer.ask("GET", path))[1]["code"] == "preset_unknown"
    assert (await (await program("clerk")).ask("GET", "/presets"))[0] == 403
    async with site.db.reader() as session:
        found = list(await session.scalars(select(AuditRow.action).where(AuditRow.action.like("preset%")).order_by(AuditRow.seq)))
    assert found == ["preset_added", "preset_changed", "preset_removed"]


def with_windows(*windows: Json) -> Json:
    return ARRANGEMENT | {"layout": ARRANGEMENT["layout"] | {"windows": list(windows)}, "sources": [None] * len(windows), "patrol": None}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"arrangement": with_windows({"column": 2, "row": 0, "width": 2, "height": 1})}, "layout_wrong"),
        ({"arrangement": with_windows({"column": 0, "row": 0}, {"column": 0, "row": 0})}, "layout_wrong"),
        ({"arrangement": ARRANGEMENT | {"sources": [SOURCE]}}, "window_unknown"),
        ({"arrangement": ARRANGEMENT | {"heard": 3}}, "window_unknown"),
        ({"name": "  "}, "preset_name"),
        ({"key": "0"}, "preset_key"),
    ],
)
async def test_a_preset_that_no_wall_can_show_is_refused(officer: Program, wrong: Json, code: str) -> None:
    status, refused, _ = await officer.ask("POST", "/presets", MORNING | wrong)
    assert status == 422
    assert code in {refused["code"], *(each["code"] for each in refused.get("errors", ()))}
    assert (await officer.get("/presets"))["items"] == []
