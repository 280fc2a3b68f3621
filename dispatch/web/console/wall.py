"""The wall of the command centre: the page on which officers fill windows, what they do there, and the page of one screen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dispatch.console.ranks import Rank, require
from dispatch.console.wall import arrangement as wall
from dispatch.console.wall import presets
from dispatch.console.wall.arrangement import Arrangement
from dispatch.console.wall.layouts import grid, split
from dispatch.console.wall.patrol import MOST_SOURCES, Source
from dispatch.errors import UserError
from dispatch.web.access import OFFICER, Route, roles
from dispatch.web.assets import ASSETS
from dispatch.web.console.wall_lines import MAY_SHOW, leads, officer_at, place_of, walls_of
from dispatch.web.request import Request, Response, answer, ctx, gettext, me, problem, render, see_other, wall_screen

OFFICERS = roles(OFFICER)


async def wall_page(request: Request) -> Response:
    """Fill the windows of one's own wall and of the screens. ?source= names a sitting that goes into the first window that is free."""
    return render(request, "console/wall.html", leads=leads(me(request)))


async def screen_page(request: Request) -> Response:
    """What one screen shows, and nothing else. A screen that asks for another one's is led to its own."""
    own = wall_screen(request)
    named = request.match_info["wall"]
    if officer_at(request) is None and own is not None and named != str(own.number):
        return see_other(f"/console/wall/screens/{own.number}")
    going = await walls_of(ctx(request)).wall(place_of(request))
    data = {"number": going.place.number, "build": request.app[ASSETS].build}
    return render(request, "console/wall_screen.html", data=data, name=going.name)


# ------------------------------------------------------------------------------------------------ acts


class _Act(BaseModel, ABC):
    """What an officer does to a wall. `on` gives what it shows then, and raises UserError."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @abstractmethod
    def on(self, former: Arrangement) -> Arrangement: ...


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    sitting: str = Field(min_length=1, max_length=40)
    participant: str = Field("", max_length=40)

    def named(self) -> Source:
        return Source(self.sitting, self.participant)


class _Split(_Act):
    act: Literal["split"]
    windows: int

    def on(self, former: Arrangement) -> Arrangement:
        return wall.divided(former, split(self.windows))


class _Grid(_Act):
    act: Literal["grid"]
    columns: int
    rows: int

    def on(self, former: Arrangement) -> Arrangement:
        return wall.divided(former, grid(self.columns, self.rows))


class _Spread(_Act):
    act: Literal["spread"]
    window: int
    width: int
    height: int

    def on(self, former: Arrangement) -> Arrangement:
        return wall.spread(former, self.window, self.width, self.height)


class _Place(_Act):
    act: Literal["place"]
    window: int
    source: _Source | None

    def on(self, former: Arrangement) -> Arrangement:
        return wall.placed(former, self.window, self.source.named() if self.source else None)


class _Exchange(_Act):
    act: Literal["exchange"]
    window: int
    other: int

    def on(self, former: Arrangement) -> Arrangement:
        return wall.exchanged(former, self.window, self.other)


class _Clear(_Act):
    act: Literal["clear"]

    def on(self, former: Arrangement) -> Arrangement:
        return Arrangement(former.layout, (None,) * len(former.sources))


class _Hear(_Act):
    act: Literal["hear"]
    window: int | None

    def on(self, former: Arrangement) -> Arrangement:
        return wall.heard(former, self.window)


class _Patrol(_Act):
    act: Literal["patrol"]
    sources: list[_Source] = Field(max_length=MOST_SOURCES + 1)
    windows: list[int] = Field(max_length=64)
    dwell_s: int

    def on(self, former: Arrangement) -> Arrangement:
        return wall.patrolled(former, [source.named() for source in self.sources], self.windows, self.dwell_s)


class _Pause(_Act):
    act: Literal["pause"]
    on_: bool = Field(alias="on")

    def on(self, former: Arrangement) -> Arrangement:
        return wall.paused(former, self.on_)


class _EndPatrol(_Act):
    act: Literal["end_patrol"]

    def on(self, former: Arrangement) -> Arrangement:
        return Arrangement(former.layout, former.sources, None, former.heard)


class _Step(_Act):
    act: Literal["step"]
    back: bool = False

    def on(self, former: Arrangement) -> Arrangement:
        return former


class _Call(_Act):
    act: Literal["call"]
    preset: str

    def on(self, former: Arrangement) -> Arrangement:
        return former


_ACT: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        _Split | _Grid | _Spread | _Place | _Exchange | _Clear | _Hear | _Patrol | _Pause | _EndPatrol | _Step | _Call,
        Field(discriminator="act"),
    ]
)


async def act(request: Request) -> Response:
    """Change what a wall shows: each officer his own, shift leaders the screens of the room. Nothing is shown as done before the wall's own
    line says so."""
    context, _ = ctx(request), gettext(request)
    try:
        wanted = _ACT.validate_json(await request.read())
    except ValidationError:
        return problem(request, 400, _("The request was not understood"), code="malformed")
    walls, place = walls_of(context), place_of(request)
    if place.number is not None:
        require(me(request), Rank.LEAD)
    going = await walls.wall(place)
    if isinstance(wanted, _Step):
        walls.step(going, wanted.back)
    elif isinstance(wanted, _Call):
        preset = await presets.get(context.db, wanted.preset)
        kept = Arrangement.from_json(preset.arrangement)
        await walls.put(going, lambda _former: kept, me(request), context.clock(), preset=preset.name)
    else:
        await walls.put(going, wanted.on, me(request), context.clock())
    return answer({"done": True})


# ------------------------------------------------------------------------------------------------ presets


class _Preset(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(max_length=200)
    key: str = Field("", max_length=4)


async def keep_preset(request: Request) -> Response:
    """Keep what a wall shows under a name."""
    context = ctx(request)
    require(me(request), Rank.LEAD)
    given = await _preset(request)
    going = await walls_of(context).wall(place_of(request))
    preset = await presets.add(context.db, presets.PresetDraft(given.name, going.arrangement, given.key), me(request), context.clock())
    walls_of(context).wake_room()
    return answer({"id": preset.id})


async def change_preset(request: Request) -> Response:
    """Another name or digit for a preset; asked at a wall, it becomes what that wall shows too."""
    context = ctx(request)
    require(me(request), Rank.LEAD)
    given = await _preset(request)
    going = await walls_of(context).wall(place_of(request)) if "wall" in request.match_info else None

    def changed(preset: Any) -> presets.PresetDraft:
        kept = going.arrangement if going else Arrangement.from_json(preset.arrangement)
        return presets.PresetDraft(given.name, kept, given.key)

    await presets.change(context.db, request.match_info["preset"], changed, me(request), context.clock())
    walls_of(context).wake_room()
    return answer({"changed": True})


async def remove_preset(request: Request) -> Response:
    """Delete a preset; walls that show it go on."""
    require(me(request), Rank.LEAD)
    await presets.remove(ctx(request).db, request.match_info["preset"], me(request), ctx(request).clock())
    walls_of(ctx(request)).wake_room()
    return answer({"removed": True})


async def _preset(request: Request) -> _Preset:
    try:
        return _Preset.model_validate_json(await request.read())
    except ValidationError:
        raise UserError("preset_name", "name", most=presets.LONGEST_NAME) from None


ROUTES = (
    Route("GET", "/console/wall", wall_page, OFFICERS),
    Route("GET", "/console/wall/screens/{wall}", screen_page, MAY_SHOW),
    Route("POST", "/console/wall/{wall}/act", act, OFFICERS, answers="data"),
    Route("POST", "/console/wall/{wall}/presets", keep_preset, OFFICERS, answers="data"),
    Route("POST", "/console/wall/{wall}/presets/{preset}", change_preset, OFFICERS, answers="data"),
    Route("POST", "/console/wall-presets/{preset}", change_preset, OFFICERS, answers="data"),
    Route("POST", "/console/wall-presets/{preset}/remove", remove_preset, OFFICERS, answers="data"),
)
