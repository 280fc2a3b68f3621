"""The map of the command centre for other programs: its layers, and where people in the field were last, as GeoJSON (RFC 7946)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from dispatch.console.field import positions
from dispatch.console.map import geojson, layers
from dispatch.console.map.coordinates import Place, System, from_wgs84
from dispatch.console.map.layers import LONGEST_NAME, LayerDraft
from dispatch.errors import FieldError, UserError, ValidationFailed
from dispatch.store.map_tables import MapLayer
from dispatch.web.access import ADMINISTRATOR, CLERK, OFFICER
from dispatch.web.api.files import file_answer
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.values import Asked, Change, Given, Id, Moment, Resource, left_out, local
from dispatch.web.api.versions import IfMatch, IfNoneMatch
from dispatch.web.console.parts import dumped
from dispatch.web.request import Request, ctx, gettext, me, zone

SEES, DRAWS, FINDS = programs(OFFICER, CLERK, ADMINISTRATOR), programs(ADMINISTRATOR), programs(OFFICER)
GEOJSON = "application/geo+json"
MOST_NAMED = 20
"""Bad features of a request that are named."""
LONGEST_BODY = geojson.MOST_BYTES + 10_000

Glyph = Literal["pin", "boundary", "river", "heritage", "factory", "school", "hospital", "office", "village", "danger"]
Colour = Literal["blue", "cyan", "green", "amber", "red", "violet", "grey"]
_FEATURES = (
    "A FeatureCollection, one feature or one geometry of RFC 7946: points, lines and areas, of which `name`, `note` and `case` are kept as"
    " properties; at most 2 MB, 2000 features and 50,000 positions."
)
_SYSTEM = "In which system the coordinates are: `wgs84` as RFC 7946 wants it, or `gcj02` as Chinese online maps have them."
_GLYPH = "How its points look, and what it is known by in lists."
_VISIBLE = "Whether it is shown when the map is opened."
SystemName = Literal["wgs84", "gcj02"]


class LayerView(Resource):
    """A layer of the map. What is drawn on it is at its `geojson`."""

    id: Id
    name: str
    name_en: str
    glyph: Glyph = Field(description=_GLYPH)
    colour: Colour
    visible: bool = Field(description=_VISIBLE)
    features: int = Field(description="How many points, lines and areas are on it.")
    version: int = Field(description="Counts how often it was saved.")
    updated_at: Moment
    updated_by: str

    @classmethod
    def of(cls, layer: MapLayer, tz: ZoneInfo) -> LayerView:
        """The layer as it is."""
        plain = {name: getattr(layer, name) for name in ("id", "name", "name_en", "glyph", "colour", "visible", "version")}
        return cls(**plain, features=len(layer.features), updated_at=local(layer.updated_at, tz), updated_by=layer.updated_name)

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/map/layers/{self.id}"


class LayerList(Page[LayerView]):
    """One page of layers, the lowest first."""


class NewLayer(Given):
    """A layer to be added above the others."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field("", max_length=LONGEST_NAME)
    glyph: Glyph = Field(description=_GLYPH)
    colour: Colour
    visible: bool = Field(True, description=_VISIBLE)
    geojson: dict[str, Any] | None = Field(None, description=_FEATURES)
    system: SystemName = Field("wgs84", description=_SYSTEM)


class LayerChange(Change):
    """What is to be different about a layer. `geojson` takes the place of everything that is drawn on it."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    name_en: str = left_out(max_length=LONGEST_NAME)
    glyph: Glyph = left_out(description=_GLYPH)
    colour: Colour = left_out()
    visible: bool = left_out(description=_VISIBLE)
    geojson: dict[str, Any] = left_out(description=_FEATURES)
    system: SystemName = left_out(description=_SYSTEM)


class SystemQuery(Asked):
    """In which system the coordinates are to be."""

    system: SystemName = Field("wgs84", description=_SYSTEM)


async def search(request: Request, query: Paging) -> LayerList:
    """List the layers of the map."""
    found, goes_on = slice_of(await layers.list_layers(ctx(request).db), query)
    return LayerList(items=[LayerView.of(layer, zone(request)) for layer in found], next=goes_on)


async def show(request: Request) -> LayerView:
    """Show one layer of the map."""
    return LayerView.of(await layers.get_layer(ctx(request).db, request.match_info["layer"]), zone(request))


async def drawn(request: Request, query: SystemQuery, headers: IfNoneMatch) -> web.Response:
    """Read what is drawn on a layer.

    GeoJSON (RFC 7946) with `name`, `note` and `case` of each feature.
    """
    layer = await layers.get_layer(ctx(request).db, request.match_info["layer"])
    system = System(query.system)
    return _geojson(geojson.turned(layer.features, lambda place: from_wgs84(place, system)), headers)


async def add(request: Request, body: NewLayer) -> LayerView:
    """Add a layer to the map.

    A feature that cannot be taken is named by its place, and nothing is saved.
    """
    plain = {name: getattr(body, name) for name in ("name", "name_en", "glyph", "colour", "visible")}
    features = _features(request, body.geojson, body.system) if body.geojson is not None else ()
    draft = LayerDraft(**plain, features=features)
    return LayerView.of(await layers.add_layer(ctx(request).db, draft, me(request), ctx(request).clock()), zone(request))


async def change(request: Request, body: LayerChange, headers: IfMatch) -> LayerView:
    """Change a layer of the map.

    A feature that cannot be taken is named by its place, and nothing is saved.
    """
    context, given, tz = ctx(request), body.given(), zone(request)
    system = given.pop("system", "wgs84")
    if "geojson" in given:
        given["features"] = _features(request, given.pop("geojson"), system)
    layer = await layers.get_layer(context.db, request.match_info["layer"])
    headers.check(LayerView.of(layer, tz))
    draft = layers.draft_of(layer, **given)
    saved = await layers.change_layer(context.db, layer.id, layer.version, draft, me(request), context.clock())
    return LayerView.of(saved, tz)


async def remove(request: Request, headers: IfMatch) -> None:
    """Take a layer away from the map, with everything drawn on it."""
    context = ctx(request)
    layer = await layers.get_layer(context.db, request.match_info["layer"])
    headers.check(LayerView.of(layer, zone(request)))
    await layers.remove_layer(context.db, layer.id, layer.version, me(request), context.clock())


async def last_positions(request: Request, query: SystemQuery, headers: IfNoneMatch) -> web.Response:
    """Read where people in the field were last.

    GeoJSON (RFC 7946): a point for each person who agreed, with `user_id`, `name`, `team_id`, `team`, `accuracy_m` and `at`. Only
    the last position of each is kept.
    """
    system, tz = System(query.system), zone(request)
    return _geojson([_person(each, system, tz) for each in await positions.latest(ctx(request).db)], headers)


def _person(found: positions.Position, system: System, tz: ZoneInfo) -> dict[str, Any]:
    at = from_wgs84(Place(found.latitude, found.longitude), system)
    about = {name: getattr(found, name) for name in ("user_id", "name", "team_id", "team", "accuracy_m")}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(at.longitude, geojson.DIGITS), round(at.latitude, geojson.DIGITS)]},
        "properties": about | {"at": _moment(found.at, tz)},
    }


def _moment(moment: datetime, tz: ZoneInfo) -> str:
    return local(moment, tz).isoformat(timespec="seconds")


def _features(request: Request, given: dict[str, Any], system: str) -> tuple[dict[str, Any], ...]:
    """Raises UserError for what is no GeoJSON, ValidationFailed with each bad feature."""
    if given.get("type") == "FeatureCollection" and given.get("features") == []:
        return ()
    try:
        reading = geojson.read_object(given, System(system))
    except UserError as error:
        raise UserError(error.code, "geojson", **error.data) from None
    if reading.problems:
        _ = gettext(request)
        raise ValidationFailed(
            [
                (f"geojson.features.{bad.number - 1}", "geojson_feature", {"n": bad.number, "why": _(f"geojson.{bad.code}", **bad.data)})
                for bad in reading.problems[:MOST_NAMED]
            ]
            + _more(len(reading.problems) - MOST_NAMED)
        )
    return reading.features


def _more(left: int) -> list[FieldError]:
    return [("geojson", "geojson_more", {"n": left})] if left > 0 else []


def _geojson(features: list[dict[str, Any]], headers: IfNoneMatch) -> web.Response:
    return file_answer(dumped(geojson.collection(features)).encode(), GEOJSON, headers)


_ONE = "/map/layers/{layer}"

ROUTES = (
    operation("GET", "/map/layers", search, SEES),
    operation("POST", "/map/layers", add, DRAWS, status=201, longest=LONGEST_BODY, refuses=(409,)),
    operation("GET", _ONE, show, SEES),
    operation("GET", f"{_ONE}/geojson", drawn, SEES, file=GEOJSON),
    operation("PATCH", _ONE, change, DRAWS, longest=LONGEST_BODY, refuses=(409,)),
    operation("DELETE", _ONE, remove, DRAWS, status=204, refuses=(409,)),
    operation("GET", "/map/positions", last_positions, FINDS, file=GEOJSON),
)
