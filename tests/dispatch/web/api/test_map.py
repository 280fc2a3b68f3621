"""The map through the API: layers are read by all who see the map and drawn by administrators' programs; positions are for officers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.console.field import positions, teams
from dispatch.console.field.positions import Fix
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.console.map.coordinates import Place
from tests.dispatch.distances import distance_m
from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Json, Programs
from tests.dispatch.web.conftest import NOW, Site

RIVER: Json = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[116.4, 39.9], [116.45, 39.92]]},
    "properties": {"name": "北河", "note": "", "case": ""},
}
LAYER: Json = {"name": "河流", "glyph": "river", "colour": "cyan", "geojson": {"type": "FeatureCollection", "features": [RIVER]}}


async def test_a_layer_is_added_read_changed_and_taken_away(site: Site, program: Programs) -> None:
    administrator, officer = await program("administrator"), await program("officer")
    status, made, answer = await administrator.ask("POST", "/map/layers", LAYER)
    assert (status, made["features"], made["version"], made["visible"]) == (201, 1, 1, True)
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert (await officer.get("/map/layers"))["items"] == [made]
    status, drawn, file = await officer.ask("GET", f"{path}/geojson")
    assert (status, file.content_type, drawn) == (200, "application/geo+json", {"type": "FeatureCollection", "features": [RIVER]})
    assert (await officer.ask("GET", f"{path}/geojson", If_None_Match=file.headers["ETag"]))[0] == 304
    x, y = (await officer.ask("GET", f"{path}/geojson?system=gcj02"))[1]["features"][0]["geometry"]["coordinates"][0]
    assert 300 < distance_m(Place(y, x), Place(39.9, 116.4)) < 700
    status, changed, _ = await administrator.ask("PATCH", path, {"name_en": "Rivers"}, If_Match=answer.headers["ETag"])
    assert (status, changed["name_en"], changed["features"], changed["version"]) == (200, "Rivers", 1, 2)
    assert (await administrator.ask("PATCH", path, {"name": "河"}, If_Match=answer.headers["ETag"]))[0] == 412
    assert (await administrator.ask("DELETE", path))[0] == 204
    assert (await officer.ask("GET", path))[1]["code"] == "layer_unknown"
    rows = await audited(site.db, "map_layer_added", "map_layer_changed", "map_layer_removed")
    assert [row.action for row in rows] == ["map_layer_added", "map_layer_changed", "map_layer_removed"]


@pytest.mark.parametrize("role", ["officer", "clerk"])
async def test_only_administrators_programs_draw(program: Programs, role: str) -> None:
    reader = await program(role)
    assert (await reader.ask("GET", "/map/layers"))[0] == 200
    assert (await reader.ask("POST", "/map/layers", LAYER))[0] == 403


async def test_what_cannot_be_drawn_is_named_by_its_place_and_nothing_is_saved(program: Programs) -> None:
    administrator = await program("administrator")
    turned = RIVER | {"geometry": {"type": "Point", "coordinates": [39.9, 116.4]}}
    bad = {"type": "FeatureCollection", "features": [RIVER, turned]}
    status, refused, _ = await administrator.ask("POST", "/map/layers", LAYER | {"geojson": bad})
    (error,) = refused["errors"]
    assert (status, error["pointer"], error["code"]) == (422, "#/geojson/features/1", "geojson_feature")
    status, refused, _ = await administrator.ask("POST", "/map/layers", LAYER | {"geojson": {"type": "Topology"}})
    assert (status, refused["code"]) == (422, "geojson_none")
    assert (await administrator.get("/map/layers"))["items"] == []
    many = {"type": "FeatureCollection", "features": [turned] * 30}
    _, refused, _ = await administrator.ask("POST", "/map/layers", LAYER | {"geojson": many})
    assert (len(refused["errors"]), refused["errors"][-1]["code"]) == (21, "geojson_more")


async def test_positions_are_for_officers_with_their_age(site: Site, program: Programs) -> None:
    user = site.users["field"]
    team = await teams.add(site.db, TeamDraft("望河中队", members=(Member(user.id),)), "test", NOW)
    await positions.agree(site.db, user, True, NOW)
    async with site.db.writer() as session:
        await positions.keep(session, user.id, Fix(39.92, 116.44, 9.0), NOW - timedelta(minutes=3), NOW)
    officer = await program("officer")
    status, found, answer = await officer.ask("GET", "/map/positions")
    (person,) = found["features"]
    assert (status, answer.content_type, person["geometry"]["coordinates"]) == (200, "application/geo+json", [116.44, 39.92])
    about = person["properties"]
    assert (about["user_id"], about["team_id"], about["accuracy_m"], about["at"]) == (user.id, team.id, 9.0, "2026-11-24T09:27:00+08:00")
    assert (await officer.ask("GET", "/map/positions?system=bd09"))[0] == 422
    for role in ("clerk", "administrator"):
        assert (await (await program(role)).ask("GET", "/map/positions"))[0] == 403
