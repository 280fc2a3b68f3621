"""The map of the command centre: what stands where, live, and its layers.

Everything is kept in WGS-84. A site whose tiles are in GCJ-02 has the page draw in that system: places are turned where they leave and
where they come in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from dispatch.console.map import geojson, layers, scene, standing
from dispatch.console.map.coordinates import Place, System, from_wgs84, to_wgs84
from dispatch.console.map.tiles import NoTiles, Tiles, tiles_at
from dispatch.console.ranks import Rank, rank_of, require
from dispatch.errors import UserError
from dispatch.identity import sign_in
from dispatch.store.map_tables import MapLayer
from dispatch.web.access import ADMINISTRATOR, CLERK, OFFICER, Route, roles
from dispatch.web.console.feed import feed_of
from dispatch.web.console.lines import only_tells
from dispatch.web.console.parts import dumped
from dispatch.web.middleware import SESSION_COOKIE
from dispatch.web.request import Request, Response, answer, ctx, error_text, gettext, json_of, language, me, problem, render, translate
from dispatch.web.sitting_form import errors_of
from rooms.feeds.feeds import id_of
from rooms.protocol import CloseCode

if TYPE_CHECKING:
    from dispatch.settings import Settings

Json = dict[str, Any]
log = structlog.get_logger()

SEES = roles(OFFICER, CLERK, ADMINISTRATOR)
EDITS = roles(OFFICER, ADMINISTRATOR)
SEES_TASKS = roles(OFFICER, CLERK)
"""Who sees what was brought from the field, as on the pages of the tasks."""
MOST_OFTEN_S = 0.5
"""Changes within this time go out as one."""
LOOKED_S = 3.0
"""So often positions, tasks and layers are looked at, which tell nobody that they changed."""
SEND_LIMIT_S = 10.0
TILE_KEPT = "private, max-age=86400"
TILES = web.AppKey("map_tiles", Tiles)


def system_of(request: Request) -> System:
    """In which system the page draws: that of the tiles."""
    settings = ctx(request).settings
    return System(settings.map_tiles_system) if settings.map_tiles else System.WGS84


def _edits(request: Request) -> bool:
    """Whether who asks draws layers: an administrator, or an officer who leads."""
    own = rank_of(me(request))
    return me(request).role == ADMINISTRATOR or (own is not None and own >= Rank.LEAD)


def _must_lead(request: Request) -> None:
    """Raises Forbidden."""
    if me(request).role != ADMINISTRATOR:
        require(me(request), Rank.LEAD)


async def show(request: Request) -> Response:
    """The map."""
    return render(request, "console/map.html", data=await _page_data(request), edits=_edits(request))


async def edit(request: Request) -> Response:
    """One layer, to be drawn; a new one where none is named."""
    _must_lead(request)
    context, chosen = ctx(request), request.match_info.get("layer", "")
    layer = await layers.get_layer(context.db, chosen) if chosen else None
    data = await _page_data(request) | {"layer": chosen}
    return render(request, "console/layer.html", data=data, layer=layer, glyphs=layers.GLYPHS, colours=layers.COLOURS)


async def _page_data(request: Request) -> Json:
    tiles = request.app.get(TILES)
    return {
        "scene": await _scene(request),
        "layers": await _layers(request),
        "tiles": {"least": tiles.least, "most": tiles.most} if tiles else None,
        "edits": _edits(request),
        "watches": me(request).role == OFFICER,
        "opens": me(request).role in SEES_TASKS.roles,
    }


# ------------------------------------------------------------------------------------------------ what stands on it


async def _scene(request: Request) -> Json:
    """All of it, in the language of the page and the system of the tiles."""
    context, _, english = ctx(request), gettext(request), language(request) == "en"
    system, now, calls = system_of(request), context.clock(), me(request).role == OFFICER
    brought = await standing.reports(context.db, now, english=english) if me(request).role in SEES_TASKS.roles else []
    told = await feed_of(context).message(language(request))

    def turn(place: Place) -> Place:
        return from_wgs84(place, system)

    return {
        "sites": scene.sites(await standing.sites(context.db, english=english), told["sittings"], turn, _),
        "people": [
            person | {"feed": feed if context.hub.feeds.room(feed := id_of(person["id"])) else ""}
            for person in scene.people(await standing.people(context.db, english=english, phones=calls), now, turn, _)
        ],
        "tasks": scene.tasks(await standing.tasks(context.db, english=english), now, turn, _),
        "reports": scene.reports(brought, now, turn, _),
        "layers": await layers.seen(context.db),
    }


async def line(request: Request) -> Response:
    """The map's line: the scene whenever it is another, complete. The browser says nothing; the line ends when its session does."""
    return await only_tells(request, lambda socket: _tell(request, socket))


async def _tell(request: Request, socket: web.WebSocketResponse) -> None:
    context, told = ctx(request), ""
    with feed_of(context).listen() as listener:
        while not socket.closed:
            now = dumped(await _scene(request))
            async with asyncio.timeout(SEND_LIMIT_S):
                await socket.send_str(dumped({"type": "alive"}) if now == told else f'{{"type":"scene","scene":{now}}}')
            told = now
            await asyncio.sleep(MOST_OFTEN_S)
            await listener.wait(LOOKED_S)
            found = await sign_in.session(context.db, request.cookies.get(SESSION_COOKIE, ""), context.clock())
            if listener.over:
                await socket.close(code=CloseCode.RESTARTING)
            elif found is None or found.user.role not in SEES.roles:
                await socket.close(code=CloseCode.UNAUTHORISED)


# ------------------------------------------------------------------------------------------------ tiles


def add_tiles(app: web.Application, settings: Settings) -> None:
    """Give the application the tiles that the setting names. Where there are none, it says so in its log and draws without."""
    if settings.map_tiles is None:
        return
    try:
        app[TILES] = tiles_at(settings.map_tiles)
    except NoTiles as error:
        log.warning("map_tiles", error=str(error))


async def tile(request: Request) -> Response:
    """A tile of the site's own map."""
    tiles = request.app.get(TILES)
    numbers = [request.match_info[name] for name in ("z", "x", "y")]
    if tiles is None or not all(number.isdecimal() and len(number) < 9 for number in numbers):
        raise web.HTTPNotFound
    zoom, x, y = map(int, numbers)
    found = await asyncio.to_thread(tiles.tile, zoom, x, y)
    if found is None:
        return web.Response(status=204, headers={"Cache-Control": TILE_KEPT})
    return web.Response(body=found[0], content_type=found[1], headers={"Cache-Control": TILE_KEPT})


# ------------------------------------------------------------------------------------------------ layers


def _layer(request: Request, layer: MapLayer) -> Json:
    system = system_of(request)
    return {
        "id": layer.id,
        "name": layer.name,
        "name_en": layer.name_en,
        "shown_name": (language(request) == "en" and layer.name_en) or layer.name,
        "glyph": layer.glyph,
        "colour": layer.colour,
        "visible": layer.visible,
        "version": layer.version,
        "features": geojson.turned(layer.features, lambda place: from_wgs84(place, system)),
    }


async def _layers(request: Request) -> list[Json]:
    return [_layer(request, layer) for layer in await layers.list_layers(ctx(request).db)]


async def list_all(request: Request) -> Response:
    """Every layer with what is on it, in the system of the tiles."""
    return answer({"layers": await _layers(request)})


def _draft(request: Request, body: Json) -> layers.LayerDraft:
    """The layer as the editor sends it. Raises UserError; a feature that is not right is named."""
    given = body.get("features")
    reading = geojson.Reading((), ())
    if isinstance(given, list) and given:
        reading = geojson.read_object(geojson.collection(given), system_of(request))
    if reading.problems:
        raise _Problems(reading.problems)
    text = {name: str(body.get(name, "")) for name in ("name", "name_en", "glyph", "colour")}
    return layers.LayerDraft(**text, visible=body.get("visible") is not False, features=reading.features)


class _Problems(Exception):
    def __init__(self, problems: tuple[geojson.Problem, ...]) -> None:
        super().__init__(len(problems))
        self.problems = problems


async def save(request: Request) -> Response:
    """Add a layer, or save one over the version that was seen."""
    context, body, chosen = ctx(request), await json_of(request), request.match_info.get("layer", "")
    try:
        _must_lead(request)
        draft = _draft(request, body)
        if chosen:
            layer = await layers.change_layer(context.db, chosen, _version(body), draft, me(request), context.clock())
        else:
            layer = await layers.add_layer(context.db, draft, me(request), context.clock())
    except _Problems as bad:
        return _named(request, bad.problems)
    except UserError as error:
        return _refused(request, error)
    return answer(_layer(request, layer), status=200 if chosen else 201)


async def read_file(request: Request) -> Response:
    """What is in a file of GeoJSON, in the system of the tiles, for the editor: nothing is saved yet. Bad features are named; with
    `good_alone` the others are taken."""
    body = await json_of(request)
    if body.get("system") not in set(System):
        return problem(request, 422, translate(request, "error.geojson_system"), code="geojson_system")
    try:
        reading = geojson.read(str(body.get("text", "")), System(body["system"]))
    except UserError as error:
        return _refused(request, error)
    if reading.problems and not (body.get("good_alone") is True and reading.features):
        return _named(request, reading.problems, len(reading.features))
    system = system_of(request)
    return answer({"features": geojson.turned(reading.features, lambda place: from_wgs84(place, system))})


def _version(body: Json) -> int:
    version = body.get("version")
    return version if isinstance(version, int) else 0


def _refused(request: Request, error: UserError) -> Response:
    fields = [(field, text) for field, texts in errors_of(request, error).items() for text in texts]
    return problem(request, error.status, error_text(request, error), code=error.code, errors=fields)


MOST_NAMED = 20


def _named(request: Request, found: tuple[geojson.Problem, ...], good: int = 0) -> Response:
    """Each bad feature by its number and name, and what is wrong with it."""
    _ = gettext(request)
    named = []
    for each in found[:MOST_NAMED]:
        which = _("Feature {n}, “{name}”", n=each.number, name=each.name) if each.name else _("Feature {n}", n=each.number)
        named.append(("file", _("{name}: {value}", name=which, value=_(f"geojson.{each.code}", **each.data))))
    if len(found) > MOST_NAMED:
        named.append(("file", _("and {n} more", n=len(found) - MOST_NAMED)))
    title = _("{n} features of this file cannot be taken.", n=len(found))
    return problem(request, 422, title, code="geojson_features", errors=named, good=good)


async def move(request: Request) -> Response:
    """A layer one up or one down."""
    body = await json_of(request)
    try:
        _must_lead(request)
        await layers.move_layer(ctx(request).db, request.match_info["layer"], body.get("up") is True, me(request), ctx(request).clock())
    except UserError as error:
        return _refused(request, error)
    return await list_all(request)


async def remove(request: Request) -> Response:
    """Take a layer away, if nobody changed it since it was seen."""
    context, body = ctx(request), await json_of(request)
    try:
        _must_lead(request)
        await layers.remove_layer(context.db, request.match_info["layer"], _version(body), me(request), context.clock())
    except UserError as error:
        return _refused(request, error)
    return answer({"removed": True})


async def export(request: Request) -> Response:
    """A layer as GeoJSON; ?system=gcj02 for maps in that."""
    layer = await layers.get_layer(ctx(request).db, request.match_info["layer"])
    system = System.GCJ02 if request.query.get("system") == System.GCJ02 else System.WGS84
    found = geojson.collection(geojson.turned(layer.features, lambda place: from_wgs84(place, system)))
    headers = {"Content-Disposition": f'attachment; filename="layer-{layer.version}-{system}.geojson"', "Cache-Control": "no-store"}
    return web.Response(text=dumped(found), content_type="application/geo+json", headers=headers)


async def place(request: Request) -> Response:
    """A place on the page, in WGS-84, as other pages take it."""
    try:
        given = Place(float(request.query.get("latitude", "")), float(request.query.get("longitude", "")))
    except ValueError:
        raise web.HTTPBadRequest from None
    found = to_wgs84(given, system_of(request))
    return answer({"latitude": round(found.latitude, 6), "longitude": round(found.longitude, 6)})


ROUTES = (
    Route("GET", "/console/map", show, SEES),
    Route("GET", "/console/map/place", place, SEES, answers="data"),
    Route("GET", "/console/map/tiles/{z}/{x}/{y}", tile, SEES, answers="data"),
    Route("GET", "/console/map/layers", list_all, SEES, answers="data"),
    Route("GET", "/console/map/layers/new", edit, EDITS),
    Route("POST", "/console/map/layers", save, EDITS, answers="data"),
    Route("POST", "/console/map/file", read_file, EDITS, answers="data"),
    Route("GET", "/console/map/layers/{layer}", edit, EDITS),
    Route("POST", "/console/map/layers/{layer}", save, EDITS, answers="data"),
    Route("POST", "/console/map/layers/{layer}/move", move, EDITS, answers="data"),
    Route("POST", "/console/map/layers/{layer}/remove", remove, EDITS, answers="data"),
    Route("GET", "/console/map/layers/{layer}/geojson", export, SEES, answers="data"),
    Route("GET", "/ws/console/map", line, SEES, answers="socket"),
)
