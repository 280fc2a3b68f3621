"""Reads GeoJSON (RFC 7946) that somebody brings, and names what is wrong with it, feature by feature. Pure.

What comes out are features of three kinds (Point, LineString, Polygon) in WGS-84, with a name, a note and the number of a case as their
only properties. Geometries of several parts become a feature for each part.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.console.map.coordinates import Place, System, to_wgs84
from dispatch.errors import UserError

Json = dict[str, Any]

MOST_BYTES = 2_000_000
MOST_FEATURES = 2000
MOST_POSITIONS = 50_000
DIGITS = 7
"""Decimals of a degree that are kept: a centimetre."""
LONGEST = {"name": 80, "note": 400, "case": 60}
"""Properties that are kept, and how long each may be."""
_NAMES = {"name": ("name", "NAME", "Name", "名称", "名字"), "note": ("note", "description", "备注", "说明"), "case": ("case", "案号")}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_OWN_CRS = ("CRS84", "EPSG::4326", "EPSG:4326")


class Bad(Exception):
    """What is wrong with one feature: the code of its text ("geojson.<code>") and what fills it."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code, self.data = code, data


@dataclass(frozen=True, slots=True)
class Problem:
    """A feature that cannot be taken: its number in the file, from 1, its name if it has one, and why."""

    number: int
    name: str
    code: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reading:
    """The features that are good, in WGS-84, and what is wrong with the others."""

    features: tuple[Json, ...]
    problems: tuple[Problem, ...]


def read(text: str | bytes, system: System = System.WGS84) -> Reading:
    """What a file says whose coordinates are in `system`.

    Raises UserError (field "file") for what is no GeoJSON at all, is too long, or says that it is in another system: "geojson_long",
    "geojson_no_json", "geojson_none", "geojson_crs", "geojson_many", "geojson_empty".
    """
    if len(text) > MOST_BYTES:
        raise UserError("geojson_long", "file", most=MOST_BYTES // 1_000_000)
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UserError("geojson_no_json", "file") from None
    return read_object(found, system)


def read_object(found: Any, system: System = System.WGS84) -> Reading:
    """The same of what is parsed already."""
    listed = _listed(found)
    good: list[Json] = []
    problems: list[Problem] = []
    positions = 0
    for number, each in enumerate(listed, 1):
        try:
            for feature in _features(each, system):
                positions += sum(1 for _ in _positions(feature["geometry"]["coordinates"]))
                good.append(feature)
        except Bad as bad:
            problems.append(Problem(number, _name(each), bad.code, bad.data))
    if len(good) > MOST_FEATURES or positions > MOST_POSITIONS:
        raise UserError("geojson_many", "file", features=MOST_FEATURES, positions=MOST_POSITIONS)
    return Reading(tuple(good), tuple(problems))


def turned(features: Sequence[Json], turn: Callable[[Place], Place]) -> list[Json]:
    """The same features with each place turned by `turn`."""
    return [each | {"geometry": each["geometry"] | {"coordinates": _turned(each["geometry"]["coordinates"], turn)}} for each in features]


def collection(features: Sequence[Json]) -> Json:
    """A FeatureCollection of them."""
    return {"type": "FeatureCollection", "features": list(features)}


def _no_number(_word: str) -> float:
    raise ValueError("not a number of JSON (RFC 8259 section 6)")


def _listed(found: Any) -> list[Any]:
    if not isinstance(found, dict):
        raise UserError("geojson_none", "file")
    crs = found.get("crs")
    if crs is not None and not any(own in json.dumps(crs) for own in _OWN_CRS):
        name = crs.get("properties", {}).get("name", "") if isinstance(crs, dict) and isinstance(crs.get("properties"), dict) else ""
        raise UserError("geojson_crs", "file", name=str(name)[:60])
    kind = found.get("type")
    if kind == "FeatureCollection":
        listed = found.get("features")
        if not isinstance(listed, list):
            raise UserError("geojson_none", "file")
        if not listed:
            raise UserError("geojson_empty", "file")
        return listed
    if kind == "Feature":
        return [found]
    if kind in {"Point", "LineString", "Polygon", *_PARTS}:
        return [{"type": "Feature", "geometry": found, "properties": None}]
    raise UserError("geojson_none", "file")


def _features(each: Any, system: System) -> Iterator[Json]:
    if not isinstance(each, dict) or each.get("type") != "Feature":
        raise Bad("no_feature")
    geometry = each.get("geometry")
    if not isinstance(geometry, dict):
        raise Bad("no_geometry")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind in _PARTS and isinstance(coordinates, list):
        parts = [(_PARTS[str(kind)], part) for part in coordinates]
    elif kind in _SHAPES:
        parts = [(str(kind), coordinates)]
    else:
        raise Bad("other_geometry", kind=str(kind)[:40])
    properties = _properties(each.get("properties"))
    for name, part in parts:
        shape = {"type": name, "coordinates": _SHAPES[name](part, system)}
        yield {"type": "Feature", "geometry": shape, "properties": properties}


def _properties(given: Any) -> dict[str, str]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise Bad("properties")
    kept = {}
    for name, spelled in _NAMES.items():
        value = next((given[each] for each in spelled if given.get(each) not in (None, "")), "")
        text = str(value).strip() if isinstance(value, (str, int, float)) else ""
        if len(text) > LONGEST[name]:
            raise Bad(f"{name}_long", most=LONGEST[name])
        kept[name] = text
    return kept


def _name(each: Any) -> str:
    properties = each.get("properties") if isinstance(each, dict) else None
    if not isinstance(properties, dict):
        return ""
    return next((str(properties[key])[:40] for key in _NAMES["name"] if properties.get(key)), "")


def _place(given: Any, system: System) -> list[float]:
    """RFC 7946 section 3.1.1: longitude, latitude, and a height that is not kept."""
    if not isinstance(given, list) or len(given) not in (2, 3) or not all(_is_number(value) for value in given):
        raise Bad("position", value=json.dumps(given, ensure_ascii=False)[:40])
    longitude, latitude = float(given[0]), float(given[1])
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise Bad("far", longitude=f"{longitude:g}", latitude=f"{latitude:g}")
    return _kept(to_wgs84(Place(latitude, longitude), system))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _kept(place: Place) -> list[float]:
    return [round(place.longitude, DIGITS), round(place.latitude, DIGITS)]


def _line(given: Any, system: System) -> list[list[float]]:
    if not isinstance(given, list) or len(given) < 2:
        raise Bad("short_line")
    return [_place(each, system) for each in given]


def _area(given: Any, system: System) -> list[list[list[float]]]:
    """RFC 7946 section 3.1.6: closed rings of four and more positions; which way round they go is not asked."""
    if not isinstance(given, list) or not given:
        raise Bad("no_ring")
    return [_ring(each, system) for each in given]


def _ring(given: Any, system: System) -> list[list[float]]:
    if not isinstance(given, list) or len(given) < 4:
        raise Bad("short_ring")
    if given[0] != given[-1]:
        raise Bad("open_ring")
    return [_place(each, system) for each in given]


_SHAPES: dict[str, Callable[[Any, System], Any]] = {"Point": _place, "LineString": _line, "Polygon": _area}


def _positions(coordinates: Any) -> Iterator[Any]:
    if coordinates and isinstance(coordinates[0], list):
        for each in coordinates:
            yield from _positions(each)
    else:
        yield coordinates


def _turned(coordinates: Any, turn: Callable[[Place], Place]) -> Any:
    if isinstance(coordinates[0], list):
        return [_turned(each, turn) for each in coordinates]
    return _kept(turn(Place(coordinates[1], coordinates[0])))
