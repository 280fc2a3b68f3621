"""Layers of the map: made, changed by one person at a time, put in order, taken away. Coordinates here are WGS-84."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from sqlalchemy import func, select

from dispatch import audit
from dispatch.console.map.geojson import MOST_FEATURES
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.store.map_tables import MapLayer
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

GLYPHS = ("pin", "boundary", "river", "heritage", "factory", "school", "hospital", "office", "village", "danger")
"""How points of a layer look, and what the layer is known by in lists."""
COLOURS = ("blue", "cyan", "green", "amber", "red", "violet", "grey")
LONGEST_NAME = 80
MOST_LAYERS = 60
CHANGES = Counter("dispatch_map_layer_changes_total", "Layers of the map that were added, changed, moved or removed", ["act"])


@dataclass(frozen=True, slots=True)
class LayerDraft:
    """A layer as it is to be. `features`: GeoJSON in WGS-84, read by :mod:`dispatch.console.map.geojson`."""

    name: str
    glyph: str
    colour: str
    name_en: str = ""
    visible: bool = True
    features: Sequence[dict[str, Any]] = ()


def draft_of(layer: MapLayer, **changes: Any) -> LayerDraft:
    """The draft that changes nothing but `changes`."""
    kept = {field.name: getattr(layer, field.name) for field in fields(LayerDraft)}
    return LayerDraft(**(kept | changes))


async def list_layers(db: Database) -> list[MapLayer]:
    """All layers, the lowest first."""
    async with db.reader() as session:
        return list(await session.scalars(select(MapLayer).order_by(MapLayer.position, MapLayer.name)))


async def get_layer(db: Database, layer_id: str) -> MapLayer:
    """Raises NotFound("layer_unknown")."""
    async with db.reader() as session:
        return await _get(session, layer_id)


async def seen(db: Database) -> str:
    """What changes when any layer changes."""
    async with db.reader() as session:
        found = (await session.execute(select(func.count(), func.sum(MapLayer.version), func.max(MapLayer.updated_at)))).one()
    return "/".join(str(each) for each in found)


async def add_layer(db: Database, draft: LayerDraft, by: User, now: datetime) -> MapLayer:
    """A new layer above the others. Raises ValidationFailed, Refused("layers_many")."""
    async with db.writer() as session:
        await _check(session, draft)
        count, last = (await session.execute(select(func.count(), func.max(MapLayer.position)))).one()
        if count >= MOST_LAYERS:
            raise Refused("layers_many", "name", most=MOST_LAYERS)
        layer = MapLayer(position=(last or 0) + 1, version=1, features=[])
        _write(layer, draft, by, now)
        session.add(layer)
        await session.flush()
        await _note(session, layer, "map_layer_added", by, now)
    return layer


async def change_layer(db: Database, layer_id: str, version: int, draft: LayerDraft, by: User, now: datetime) -> MapLayer:
    """Save a layer over the `version` that was seen. Raises NotFound, ValidationFailed, Refused("layer_changed", name, at) where
    somebody saved it since."""
    async with db.writer() as session:
        layer = await _seen(session, layer_id, version, db)
        await _check(session, draft, layer.id)
        _write(layer, draft, by, now)
        layer.version += 1
        await session.flush()
        await _note(session, layer, "map_layer_changed", by, now)
    return layer


async def remove_layer(db: Database, layer_id: str, version: int, by: User, now: datetime) -> None:
    """Take a layer away with everything on it. Raises NotFound, Refused("layer_changed")."""
    async with db.writer() as session:
        layer = await _seen(session, layer_id, version, db)
        await _note(session, layer, "map_layer_removed", by, now)
        await session.delete(layer)


async def move_layer(db: Database, layer_id: str, up: bool, by: User, now: datetime) -> None:
    """Let it change places with the one above or below it; nothing where there is none. Raises NotFound."""
    async with db.writer() as session:
        layer = await _get(session, layer_id)
        order = list(await session.scalars(select(MapLayer).order_by(MapLayer.position, MapLayer.name)))
        here = order.index(layer)
        there = here + (1 if up else -1)
        if not 0 <= there < len(order):
            return
        order[here], order[there] = order[there], order[here]
        for position, each in enumerate(order, 1):
            each.position = position
        layer.updated_at = now
        await _note(session, layer, "map_layer_moved", by, now)


async def _get(session: AsyncSession, layer_id: str) -> MapLayer:
    layer = await session.get(MapLayer, layer_id)
    if layer is None:
        raise NotFound("layer_unknown")
    return layer


async def _seen(session: AsyncSession, layer_id: str, version: int, db: Database) -> MapLayer:
    layer = await _get(session, layer_id)
    if layer.version != version:
        raise Refused("layer_changed", name=layer.updated_name, at=db.site.clock(layer.updated_at))
    return layer


async def _check(session: AsyncSession, draft: LayerDraft, own: str = "") -> None:
    found: list[FieldError] = []
    if not tidy(draft.name):
        found.append(("name", "required", {}))
    long = [field for field in ("name", "name_en") if len(tidy(getattr(draft, field))) > LONGEST_NAME]
    found += [(field, "too_long", {"most": LONGEST_NAME}) for field in long]
    if draft.glyph not in GLYPHS:
        found.append(("glyph", "required", {}))
    if draft.colour not in COLOURS:
        found.append(("colour", "required", {}))
    if len(draft.features) > MOST_FEATURES:
        found.append(("features", "layer_full", {"most": MOST_FEATURES}))
    if await session.scalar(select(MapLayer.id).where(MapLayer.name == tidy(draft.name), MapLayer.id != own)):
        found.append(("name", "layer_name_taken", {"name": tidy(draft.name)}))
    if found:
        raise ValidationFailed(found)


def _write(layer: MapLayer, draft: LayerDraft, by: User, now: datetime) -> None:
    layer.name, layer.name_en, layer.glyph, layer.colour = tidy(draft.name), tidy(draft.name_en), draft.glyph, draft.colour
    layer.visible, layer.features = draft.visible, list(draft.features)
    layer.updated_at, layer.updated_name = now, by.name


async def _note(session: AsyncSession, layer: MapLayer, action: str, by: User, now: datetime) -> None:
    detail = {"layer": layer.id, "version": layer.version, "features": len(layer.features)}
    await audit.write(session, by, action, layer.name, detail=detail, now=now)
    CHANGES.labels(action.removeprefix("map_layer_")).inc()
