"""Who can be called, and groups of them that are kept under a name, to be called together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select

from dispatch import audit
from dispatch.console.field import teams
from dispatch.console.roll_call.rules import MOST_LINES, Line
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.roll_call_tables import RollCallGroup
from dispatch.store.tables import Resource
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import User

LONGEST_NAME = 80
MOST = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who can be called. `key`: "room/<id>" or "team/<id>"; `name` in the language asked for."""

    key: str
    kind: Literal["room", "team"]
    name: str


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group as it is to be; `members` are keys, in the order in which they are called."""

    name: str
    members: tuple[str, ...]


def draft_of(group: RollCallGroup) -> GroupDraft:
    """The draft that changes nothing."""
    return GroupDraft(group.name, tuple(group.members))


async def callable_now(db: Database, *, english: bool) -> list[Choice]:
    """The rooms in use, then the active teams, each in their order."""
    async with db.reader() as session:
        wanted = select(Resource).where(Resource.kind == "room", Resource.active).order_by(Resource.position, Resource.name)
        rooms = list(await session.scalars(wanted))
    found = [Choice(f"room/{room.id}", "room", (english and room.name_en) or room.name) for room in rooms]
    return found + [Choice(f"team/{team.id}", "team", (english and team.name_en) or team.name) for team in await teams.listed(db)]


def lines_of(choices: Sequence[Choice], keys: Sequence[str]) -> list[Line]:
    """Those of `keys` who can be called, each once, in this order."""
    names = {each.key: each.name for each in choices}
    return [Line(key, names[key]) for key in dict.fromkeys(keys) if key in names]


async def list_groups(db: Database) -> list[RollCallGroup]:
    """All, by name."""
    async with db.reader() as session:
        return list(await session.scalars(select(RollCallGroup).order_by(RollCallGroup.name)))


async def get(db: Database, group_id: str) -> RollCallGroup:
    """Raises NotFound("roll_call_group_unknown")."""
    async with db.reader() as session:
        return await _get(session, group_id)


async def add(db: Database, draft: GroupDraft, by: User, now: datetime) -> RollCallGroup:
    """Keep a group. Raises ValidationFailed (group_name, who)."""
    known = await callable_now(db, english=False)
    async with db.writer() as session:
        group = RollCallGroup(members=[])
        await _put(session, group, draft, known, by, now)
        session.add(group)
        await session.flush()
        await _note(session, group, "roll_call_group_added", by, now)
    return group


async def change(
    db: Database, group_id: str, changed: Callable[[RollCallGroup], GroupDraft], by: User, now: datetime
) -> RollCallGroup:
    """Have it be what `changed`, asked inside the transaction, makes of it. Raises NotFound, ValidationFailed (group_name, who)."""
    known = await callable_now(db, english=False)
    async with db.writer() as session:
        group = await _get(session, group_id)
        draft = changed(group)
        if draft != draft_of(group):
            await _put(session, group, draft, known, by, now)
            await _note(session, group, "roll_call_group_changed", by, now)
    return group


async def remove(db: Database, group_id: str, by: User, now: datetime, seen: Callable[[RollCallGroup], object] | None = None) -> None:
    """Delete it; `seen` is asked before, inside the transaction. Roll-calls that were made with it stay. Raises NotFound."""
    async with db.writer() as session:
        group = await _get(session, group_id)
        if seen is not None:
            seen(group)
        await _note(session, group, "roll_call_group_removed", by, now)
        await session.delete(group)


async def _get(session: AsyncSession, group_id: str) -> RollCallGroup:
    group = await session.get(RollCallGroup, group_id)
    if group is None:
        raise NotFound("roll_call_group_unknown")
    return group


async def _put(
    session: AsyncSession, group: RollCallGroup, draft: GroupDraft, known: Sequence[Choice], by: User, now: datetime
) -> None:
    name, members, own = tidy(draft.name), list(dict.fromkeys(draft.members)), group.id or ""
    wrong: list[FieldError] = []
    if not name or len(name) > LONGEST_NAME:
        wrong.append(("group_name", "too_long" if name else "required", {"most": LONGEST_NAME}))
    elif await session.scalar(select(RollCallGroup.id).where(RollCallGroup.name == name, RollCallGroup.id != own)):
        wrong.append(("group_name", "roll_call_group_taken", {"name": name}))
    # Who was a member and can be called no more may stay: a room that is repaired comes back.
    if unknown := set(members) - {each.key for each in known} - set(group.members):
        wrong.append(("who", "roll_call_member_unknown", {"n": len(unknown)}))
    elif not members:
        wrong.append(("who", "roll_call_empty", {}))
    elif len(members) > MOST_LINES:
        wrong.append(("who", "roll_call_long", {"most": MOST_LINES}))
    if not own and (await session.scalar(select(func.count()).select_from(RollCallGroup)) or 0) >= MOST:
        wrong.append(("group_name", "roll_call_groups_many", {"most": MOST}))
    if wrong:
        raise ValidationFailed(wrong)
    group.name, group.members, group.changed_by, group.changed_at = name, members, by.name, now


async def _note(session: AsyncSession, group: RollCallGroup, action: str, by: User, now: datetime) -> None:
    await audit.write(session, by, action, group.name, detail={"group": group.id, "members": len(group.members)}, now=now)
