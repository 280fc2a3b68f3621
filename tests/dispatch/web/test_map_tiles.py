"""A map whose tiles are in GCJ-02: drawn in that, kept in WGS-84."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dispatch.console.map.coordinates import Place
from dispatch.console.map.layers import list_layers
from dispatch.settings import Settings
from tests.dispatch.distances import distance_m
from tests.dispatch.web.conftest import Site
from tests.dispatch.web.test_map import layer, leader


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of the other tests, with tiles of the site's own."""
    tiles = tmp_path / "tiles" / "3" / "6"
    tiles.mkdir(parents=True)
    (tiles / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return Settings(data=tmp_path, map_tiles=tmp_path / "tiles", map_tiles_system="gcj02")


async def test_a_map_of_gcj02_is_drawn_in_it_and_kept_in_wgs84(site: Site) -> None:
    person = await leader(site)
    tile = await person.session.get("/console/map/tiles/3/6/2")
    assert (tile.status, tile.content_type) == (200, "image/png")
    assert (await person.session.get("/console/map/tiles/3/6/3")).status == 204
    assert (await person.get("/console/map/tiles/3/6/x")).status == 404
    made = await (await person.send("/console/map/layers", layer())).json()
    assert made["features"][0]["geometry"]["coordinates"] == pytest.approx([116.657, 39.937], abs=2e-7)
    (kept,) = await list_layers(site.db)
    x, y = kept.features[0]["geometry"]["coordinates"]
    assert 300 < distance_m(Place(y, x), Place(39.937, 116.657)) < 700
    place = await (await person.get("/console/map/place?latitude=39.937&longitude=116.657")).json()
    assert math.dist((place["latitude"], place["longitude"]), (y, x)) < 2e-6
    assert (await person.get("/console/map/place?latitude=x")).status == 400
