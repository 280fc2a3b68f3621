"""Presets of the command centre's wall: arrangements that officers call by name. The page *Wall* has the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.console.ranks import Rank, require
from dispatch.console.wall import arrangement as wall
from dispatch.console.wall import presets
from dispatch.console.wall.layouts import MOST_CELLS, MOST_WINDOWS, Layout, Window
from dispatch.console.wall.patrol import LONGEST_S, MOST_SOURCES, SHORTEST_S, Patrol, Source
from dispatch.console.wall.presets import KEYS, LONGEST_NAME, PresetDraft
from dispatch.store.wall_tables import Preset
from dispatch.web.access import OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.values import Change, Given, Id, Moment, Resource, left_out, local
from dispatch.web.api.versions import IfMatch
from dispatch.web.console.wall_lines import walls_of
from dispatch.web.request import Request, ctx, me, program, zone

_KEY = "The digit that calls it on the page; empty for none."
_KEYS: dict[str, Any] = {"enum": list(KEYS)}


class WindowPart(Given):
    """A window: its first cell, from 0, and how many cells it covers."""

    column: int = Field(ge=0, lt=MOST_CELLS)
    row: int = Field(ge=0, lt=MOST_CELLS)
    width: int = Field(1, ge=1, le=MOST_CELLS)
    height: int = Field(1, ge=1, le=MOST_CELLS)


class LayoutPart(Given):
    """A grid with windows in it; none covers another's cell."""

    columns: int = Field(ge=1, le=MOST_CELLS)
    rows: int = Field(ge=1, le=MOST_CELLS)
    windows: list[WindowPart] = Field(min_length=1, max_length=MOST_WINDOWS)


class SourcePart(Given):
    """A sitting, or one participant of it."""

    sitting: Id
    participant: str = Field("", pattern=r"^([0-9a-f]{16})?$", description="Id of the participant; empty: the whole sitting.")


class PatrolPart(Given):
    """Sources that take turns in some windows."""

    sources: list[SourcePart] = Field(min_length=1, max_length=MOST_SOURCES)
    windows: list[int] = Field(min_length=1, max_length=MOST_WINDOWS, description="Numbers of windows, from 0.")
    dwell_s: int = Field(15, ge=SHORTEST_S, le=LONGEST_S, description="Seconds for which each stands.")
    paused: bool = False


class ArrangementPart(Given):
    """What a wall shows."""

    layout: LayoutPart
    sources: list[SourcePart | None] = Field(min_length=1, max_length=MOST_WINDOWS, description="One for each window; null: empty.")
    patrol: PatrolPart | None = None
    heard: int | None = Field(None, ge=0, lt=MOST_WINDOWS, description="The window whose sound is played; null: none.")

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """As it is kept."""
        return cls.model_validate(data)

    def arranged(self) -> wall.Arrangement:
        """Raises UserError for what no wall can show."""
        layout = Layout(self.layout.columns, self.layout.rows, tuple(Window(**each.model_dump()) for each in self.layout.windows))
        patrol = None
        if (turning := self.patrol) is not None:
            patrol = Patrol(tuple(map(_source, turning.sources)), tuple(turning.windows), turning.dwell_s, turning.paused)
        return wall.Arrangement(layout, tuple(_source(each) if each else None for each in self.sources), patrol, self.heard)


def _source(part: SourcePart) -> Source:
    return Source(part.sitting, part.participant)


class PresetView(Resource):
    """An arrangement of the wall with a name."""

    id: Id
    name: str
    key: str = Field(description=_KEY, json_schema_extra=_KEYS)
    arrangement: ArrangementPart
    changed_by: str
    changed_at: Moment

    @classmethod
    def of(cls, preset: Preset, tz: ZoneInfo) -> PresetView:
        """The preset as it is."""
        kept = ArrangementPart.of(preset.arrangement)
        changed_at = local(preset.changed_at, tz)
        return cls(id=preset.id, name=preset.name, key=preset.key, arrangement=kept, changed_by=preset.changed_by, changed_at=changed_at)

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/presets/{self.id}"


class PresetList(Page[PresetView]):
    """One page of presets: those with a digit first, the others by name."""


class NewPreset(Given):
    """A preset to be kept."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    key: str = Field("", description=_KEY, json_schema_extra=_KEYS)
    arrangement: ArrangementPart


class PresetChange(Change):
    """What is to be different about a preset. Walls that show it go on as they are."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    key: str = left_out(description=_KEY, json_schema_extra=_KEYS)
    arrangement: ArrangementPart = left_out()


async def search(request: Request, query: Paging) -> PresetList:
    """List presets of the wall."""
    found, goes_on = slice_of(await presets.list_presets(ctx(request).db), query)
    return PresetList(items=[PresetView.of(preset, zone(request)) for preset in found], next=goes_on)


async def show(request: Request) -> PresetView:
    """Show one preset."""
    return PresetView.of(await presets.get(ctx(request).db, request.match_info["preset"]), zone(request))


async def add(request: Request, body: NewPreset) -> PresetView:
    """Keep a preset.

    Takes a shift leader, or a program.
    """
    _may_change(request)
    draft = PresetDraft(body.name, body.arrangement.arranged(), body.key)
    preset = await presets.add(ctx(request).db, draft, me(request), ctx(request).clock())
    walls_of(ctx(request)).wake_room()
    return PresetView.of(preset, zone(request))


async def change(request: Request, body: PresetChange, headers: IfMatch) -> PresetView:
    """Change a preset.

    Takes a shift leader, or a program.
    """
    _may_change(request)
    given, tz = body.given(), zone(request)
    if "arrangement" in given:
        given["arrangement"] = body.arrangement.arranged()

    def changed(preset: Preset) -> PresetDraft:
        headers.check(PresetView.of(preset, tz))
        return replace(presets.draft_of(preset), **given)

    preset = await presets.change(ctx(request).db, request.match_info["preset"], changed, me(request), ctx(request).clock())
    walls_of(ctx(request)).wake_room()
    return PresetView.of(preset, tz)


async def remove(request: Request, headers: IfMatch) -> None:
    """Delete a preset.

    Takes a shift leader, or a program. Walls that show it go on.
    """
    _may_change(request)
    context, tz = ctx(request), zone(request)
    await presets.remove(
        context.db,
        request.match_info["preset"],
        me(request),
        context.clock(),
        lambda preset: headers.check(PresetView.of(preset, tz)),
    )
    walls_of(context).wake_room()


def _may_change(request: Request) -> None:
    """A program has no rank: an administrator gave it the role for this."""
    if program(request) is None:
        require(me(request), Rank.LEAD)


OFFICERS = programs(OFFICER)
_ONE = "/presets/{preset}"

ROUTES = (
    operation("GET", "/presets", search, OFFICERS),
    operation("POST", "/presets", add, OFFICERS, status=201, refuses=(403,)),
    operation("GET", _ONE, show, OFFICERS),
    operation("PATCH", _ONE, change, OFFICERS, refuses=(403,)),
    operation("DELETE", _ONE, remove, OFFICERS, status=204, refuses=(403,)),
)
