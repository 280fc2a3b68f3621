"""The map's pages and its layers, through the server: who may, versions, files, both systems of coordinates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import WSMsgType

from dispatch.booking.catalogue.sites import SiteDraft, add_site
from dispatch.console.map.coordinates import Place
from dispatch.console.map.layers import list_layers
from dispatch.store.tables import User
from tests.dispatch.distances import distance_m
from tests.dispatch.making import audited
from tests.dispatch.web.conftest import Person, Site

POINT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [116.657, 39.937]},
    "properties": {"name": "<b>排污口", "note": "", "case": ""},
}


def layer(**changes: Any) -> dict[str, Any]:
    return {"name": "污染源", "name_en": "Polluters", "glyph": "factory", "colour": "amber", "features": [POINT]} | changes


async def leader(site: Site) -> Person:
    """An officer who leads, on the map's page."""
    async with site.db.writer() as session:
        (await session.get_one(User, site.users["officer"].id)).rank = "lead"
    person = await site.signed_in("officer")
    await person.page("/console/map")
    return person


@pytest.mark.parametrize(
    ("role", "sees", "edits"),
    [("officer", 200, 403), ("leader", 200, 200), ("administrator", 200, 200), ("clerk", 200, 403), ("judge", 403, 403)],
)
async def test_who_sees_the_map_and_who_draws_on_it(site: Site, role: str, sees: int, edits: int) -> None:
    person = await leader(site) if role == "leader" else await site.signed_in(role)
    for path, status in (("/console/map", sees), ("/console/map/layers", sees), ("/console/map/layers/new", edits)):
        assert (await person.get(path)).status == status
    assert (await person.send("/console/map/layers", layer())).status == (201 if edits == 200 else 403)


async def test_a_layer_is_made_shown_and_exported(site: Site) -> None:
    person = await leader(site)
    made = await (await person.send("/console/map/layers", layer())).json()
    assert (made["version"], made["features"]) == (1, [POINT])
    page = await person.page("/console/map")
    assert "<b>排污口" not in page
    assert "Polluters" in page
    exported = await person.get(f"/console/map/layers/{made['id']}/geojson")
    assert exported.content_type == "application/geo+json"
    assert (await exported.json())["features"] == [POINT]
    gcj02 = await (await person.get(f"/console/map/layers/{made['id']}/geojson?system=gcj02")).json()
    x, y = gcj02["features"][0]["geometry"]["coordinates"]
    assert 300 < distance_m(Place(y, x), Place(39.937, 116.657)) < 700
    assert [row.subject for row in await audited(site.db, "map_layer_added")] == ["污染源"]


async def test_two_editors_do_not_overwrite_each_other(site: Site) -> None:
    one, other = await leader(site), await site.signed_in("administrator")
    made = await (await one.send("/console/map/layers", layer())).json()
    path = f"/console/map/layers/{made['id']}"
    assert (await one.send(path, layer(version=1, name="排污口"))).status == 200
    refused = await other.send(path, layer(version=1, features=[]))
    told = await refused.json()
    assert (refused.status, told["code"]) == (409, "layer_changed")
    assert site.users["officer"].name in told["title"]
    assert (await other.send(f"{path}/remove", {"version": 1})).status == 409
    (kept,) = await list_layers(site.db)
    assert (kept.name, kept.version, len(kept.features)) == ("排污口", 2, 1)
    assert (await other.send(f"{path}/remove", {"version": 2})).status == 200
    assert await list_layers(site.db) == []


async def test_what_is_wrong_with_a_layer_is_told_at_its_field(site: Site) -> None:
    person = await leader(site)
    await person.send("/console/map/layers", layer())
    refused = await (await person.send("/console/map/layers", layer(colour="pink", glyph="", name_en="x" * 81))).json()
    assert {each["field"] for each in refused["errors"]} == {"name", "name_en", "colour", "glyph"}
    bad = POINT | {"geometry": {"type": "Point", "coordinates": [39.9, 116.6]}}
    refused = await (await person.send("/console/map/layers", layer(name="x", features=[bad]))).json()
    assert refused["errors"][0]["detail"].startswith("Feature 1, “<b>排污口”: longitude 39.9, latitude 116.6")


async def test_layers_change_places(site: Site) -> None:
    person = await leader(site)
    made = [await (await person.send("/console/map/layers", layer(name=name))).json() for name in ("甲", "乙", "丙")]
    told = await (await person.send(f"/console/map/layers/{made[0]['id']}/move", {"up": True})).json()
    assert [each["name"] for each in told["layers"]] == ["乙", "甲", "丙"]
    await person.send(f"/console/map/layers/{made[1]['id']}/move", {"up": False})
    assert [each.name for each in await list_layers(site.db)] == ["乙", "甲", "丙"]


async def test_a_file_is_read_and_its_bad_features_are_named(site: Site) -> None:
    person = await leader(site)
    text = json.dumps({"type": "FeatureCollection", "features": [POINT, POINT | {"geometry": None}]})
    refused = await person.send("/console/map/file", {"text": text, "system": "wgs84"})
    told = await refused.json()
    assert (refused.status, told["good"]) == (422, 1)
    assert told["errors"] == [{"field": "file", "detail": "Feature 2, “<b>排污口”: it has no geometry"}]
    taken = await (await person.send("/console/map/file", {"text": text, "system": "wgs84", "good_alone": True})).json()
    assert taken["features"] == [POINT]
    assert (await person.send("/console/map/file", {"text": text, "system": "bd09"})).status == 422
    assert "no valid JSON" in (await (await person.send("/console/map/file", {"text": "{", "system": "gcj02"})).json())["title"]
    assert await list_layers(site.db) == []


async def test_the_line_tells_where_a_site_stands_and_what_its_rooms_do(site: Site) -> None:
    administrator = site.users["administrator"]
    await add_site(site.db, SiteDraft("云河看守所", "Detention house", latitude=39.9317, longitude=116.6712), administrator, site.now)
    person = await leader(site)
    async with person.session.ws_connect("/ws/console/map", origin=str(site.server.make_url("")).rstrip("/")) as socket:
        first = json.loads((await socket.receive()).data)
        (shown,) = (each for each in first["scene"]["sites"] if each["name"] == "Detention house")
        assert (shown["latitude"], shown["longitude"], shown["state"]) == (39.9317, 116.6712, "idle")
        await person.send("/console/map/layers", layer())
        while (told := json.loads((await socket.receive()).data))["type"] == "alive":
            pass
        assert told["scene"]["layers"] != first["scene"]["layers"]
        await socket.send_str("x")
        assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.TEXT)
