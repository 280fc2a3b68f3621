"""Presets (预案): arrangements of a wall that officers keep under a name and call with one click or a digit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dispatch import audit
from dispatch.console.wall.arrangement import Arrangement
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.tables import User, new_id
from dispatch.store.wall_tables import Preset
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_NAME = 40
KEYS = ("", *"123456789")
MOST = 100


@dataclass(frozen=True, slots=True)
class PresetDraft:
    """A preset as typed. `key`: the digit by which it is called, "" for none."""

    name: str
    arrangement: Arrangement
    key: str = ""


def draft_of(preset: Preset) -> PresetDraft:
    """The draft that changes nothing."""
    return PresetDraft(preset.name, Arrangement.from_json(preset.arrangement), preset.key)


async def list_presets(db: Database) -> list[Preset]:
    """All: those with a digit first, in its order, the others by name."""
    async with db.reader() as session:
        found = list(await session.scalars(select(Preset)))
    return sorted(found, key=lambda preset: (preset.key == "", preset.key, preset.name))


async def get(db: Database, preset_id: str) -> Preset:
    """Raises NotFound("preset_unknown")."""
    async with db.reader() as session:
        return await _get(session, preset_id)


async def add(db: Database, draft: PresetDraft, by: User, now: datetime) -> Preset:
    """Keep an arrangement. Raises ValidationFailed (name, key)."""
    async with db.writer() as session:
        preset = Preset(id=new_id(), created_at=now)
        await _put(session, preset, draft, by, now)
        session.add(preset)
        await audit.write(session, by, "preset_added", preset.name, detail=_detail(preset, draft), now=now)
    return preset


async def change(db: Database, preset_id: str, changed: Callable[[Preset], PresetDraft], by: User, now: datetime) -> Preset:
    """Have it be what `changed`, asked inside the transaction, makes of it. Walls that show it go on as they are. Raises NotFound,
    ValidationFailed."""
    async with db.writer() as session:
        preset = await _get(session, preset_id)
        draft = changed(preset)
        if draft != draft_of(preset):
            await _put(session, preset, draft, by, now)
            await audit.write(session, by, "preset_changed", preset.name, detail=_detail(preset, draft), now=now)
    return preset


async def remove(db: Database, preset_id: str, by: User, now: datetime, seen: Callable[[Preset], object] | None = None) -> None:
    """Delete it; `seen` is asked before, inside the transaction. Raises NotFound."""
    async with db.writer() as session:
        preset = await _get(session, preset_id)
        if seen is not None:
            seen(preset)
        await session.delete(preset)
        await audit.write(session, by, "preset_removed", preset.name, detail=_detail(preset, draft_of(preset)), now=now)


async def _get(session: AsyncSession, preset_id: str) -> Preset:
    found = await session.get(Preset, preset_id)
    if found is None:
        raise NotFound("preset_unknown")
    return found


async def _put(session: AsyncSession, preset: Preset, draft: PresetDraft, by: User, now: datetime) -> None:
    others = [each for each in await session.scalars(select(Preset)) if each.id != preset.id]
    name = tidy(draft.name)
    wrong: list[FieldError] = []
    if not 0 < len(name) <= LONGEST_NAME:
        wrong.append(("name", "preset_name", {"most": LONGEST_NAME}))
    elif any(each.name == name for each in others):
        wrong.append(("name", "preset_name_taken", {"name": name}))
    if draft.key not in KEYS:
        wrong.append(("key", "preset_key", {}))
    elif draft.key and (holder := next((each for each in others if each.key == draft.key), None)) is not None:
        wrong.append(("key", "preset_key_taken", {"key": draft.key, "name": holder.name}))
    if len(others) >= MOST:
        wrong.append(("name", "preset_too_many", {"most": MOST}))
    if wrong:
        raise ValidationFailed(wrong)
    preset.name, preset.key, preset.arrangement = name, draft.key, draft.arrangement.to_json()
    preset.changed_by, preset.changed_at = by.name, now


def _detail(preset: Preset, draft: PresetDraft) -> dict[str, Any]:
    return {"preset": preset.id, "key": draft.key, "windows": len(draft.arrangement.sources)}
