"""Reading GeoJSON: what is good is taken in WGS-84, and what is bad is named, feature by feature."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dispatch.console.map.coordinates import Place, System
from dispatch.console.map.geojson import MOST_FEATURES, read, turned
from dispatch.errors import UserError
from tests.dispatch.distances import distance_m

RING = [[116.6, 39.9], [116.7, 39.9], [116.7, 40.0], [116.6, 39.9]]


def feature(kind: str = "Point", coordinates: Any = (116.6, 39.9), **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def file(*features: Any, **more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | more)


def test_points_lines_and_areas_are_taken_with_name_note_and_case() -> None:
    given = file(
        feature(name="北河沿排污口", 备注="取水样", 案号="京云检公益〔2026〕9号", OBJECTID=7),
        feature("LineString", [[116.6, 39.9], [116.7, 39.95, 31.5]]),
        feature("Polygon", [RING]),
    )
    reading = read(given)
    assert reading.problems == ()
    assert [each["geometry"]["type"] for each in reading.features] == ["Point", "LineString", "Polygon"]
    assert reading.features[0]["properties"] == {"name": "北河沿排污口", "note": "取水样", "case": "京云检公益〔2026〕9号"}
    assert reading.features[1]["geometry"]["coordinates"] == [[116.6, 39.9], [116.7, 39.95]], "a height is not kept"


def test_a_geometry_of_several_parts_becomes_several_features() -> None:
    reading = read(file(feature("MultiPolygon", [[RING], [RING]], name="飞地")))
    assert [each["properties"]["name"] for each in reading.features] == ["飞地", "飞地"]


def test_a_bare_feature_and_a_bare_geometry_are_taken() -> None:
    assert len(read(json.dumps(feature())).features) == 1
    assert len(read(json.dumps({"type": "LineString", "coordinates": RING})).features) == 1


def test_a_file_in_gcj02_is_turned() -> None:
    (found,) = read(file(feature(coordinates=[116.38404722455657, 39.91334545536069])), System.GCJ02).features
    longitude, latitude = found["geometry"]["coordinates"]
    assert distance_m(Place(latitude, longitude), Place(39.911954, 116.377817)) < 0.5
    (back,) = turned([found], lambda place: Place(place.latitude + 1, place.longitude))
    assert back["geometry"]["coordinates"] == [longitude, round(latitude + 1, 7)]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("text", "no_feature"),
        ({"type": "Point", "coordinates": [1, 2]}, "no_feature"),
        ({"type": "Feature", "geometry": None, "properties": {}}, "no_geometry"),
        (feature("GeometryCollection", []), "other_geometry"),
        (feature("Circle", [1, 2]), "other_geometry"),
        (feature(coordinates=[39.9, 116.6]), "far"),
        (feature(coordinates=[116.6]), "position"),
        (feature(coordinates=["116.6", "39.9"]), "position"),
        (feature(coordinates=[True, 39.9]), "position"),
        (feature(coordinates=None), "position"),
        (feature("LineString", [[116.6, 39.9]]), "short_line"),
        (feature("Polygon", []), "no_ring"),
        (feature("Polygon", [RING[:3]]), "short_ring"),
        (feature("Polygon", [[*RING[:3], [116.5, 39.8]]]), "open_ring"),
        (feature(name="x" * 81), "name_long"),
        ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": []}, "properties"),
    ],
)
def test_each_bad_feature_is_named_and_the_others_are_kept(bad: Any, code: str) -> None:
    reading = read(file(feature(name="甲"), bad, feature(name="乙")))
    assert [each["properties"]["name"] for each in reading.features] == ["甲", "乙"]
    assert [(each.number, each.code) for each in reading.problems] == [(2, code)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "geojson_no_json"),
        ('{"type": "FeatureCollection", "features": [', "geojson_no_json"),
        (file(feature(coordinates=[float("nan"), 1])), "geojson_no_json"),
        ("[" * 100_000, "geojson_no_json"),
        ("[1, 2]", "geojson_none"),
        ('{"type": "Topology"}', "geojson_none"),
        ('{"type": "FeatureCollection", "features": {}}', "geojson_none"),
        (file(), "geojson_empty"),
        (file(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}), "geojson_crs"),
        (file(*[feature()] * (MOST_FEATURES + 1)), "geojson_many"),
        (" " * 2_000_001, "geojson_long"),
    ],
)
def test_a_file_that_cannot_be_taken_at_all_says_why(text: str, code: str) -> None:
    with pytest.raises(UserError) as refused:
        read(text)
    assert (refused.value.code, refused.value.field) == (code, "file")


def test_a_file_that_names_wgs84_is_taken() -> None:
    assert read(file(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}})).problems == ()
