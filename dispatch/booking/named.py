"""Who and what a form names: staff, rooms, equipment, known to the database and locked until the transaction ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from dispatch.booking import allowed, holds, in_force
from dispatch.booking.draft import SittingDraft
from dispatch.booking.roles import CLERK, PROSECUTOR, accounts_that_preside
from dispatch.booking.spans import Span
from dispatch.errors import FieldError, ValidationFailed
from dispatch.notices import webhooks
from dispatch.store import ready
from dispatch.store.base import Base
from dispatch.store.ready import Ready
from dispatch.store.resources import MEANS
from dispatch.store.tables import Resource, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

_ACCOUNTS = Base.metadata.tables[User.__tablename__]
_USERS = Ready(select(_ACCOUNTS).where(_ACCOUNTS.c.id.in_(bindparam("ids", expanding=True))))


async def ask_ahead(session: AsyncSession, draft: SittingDraft, by: User) -> None:
    """Ask in one way to the database for all that a new booking needs before it can be said what is in its way, and lock what it names:
    the first thing that its transaction does, after the order's key."""
    span = [Span(draft.starts_at.astimezone(UTC), draft.ends_at.astimezone(UTC))] if draft.starts_at and draft.ends_at else []
    rules = [each for one in span for each in allowed.asked(one)]
    await ready.ahead(session, in_force.ASKED, webhooks.ASKED, *rules, _users(draft, by), holds.asked(_resources(draft)))


def _users(draft: SittingDraft, by: User) -> ready.Asked:
    return _USERS, {"ids": sorted({*draft.user_ids, by.id})}


def _resources(draft: SittingDraft) -> list[str]:
    return list(dict.fromkeys((*draft.room_ids, *draft.equipment, *draft.user_ids)))


@dataclass(frozen=True, slots=True)
class Named:
    """What a form names: the staff by id, the span, and every resource in order, locked. `by`: the id of the member of the staff who
    asks, None for a program, which has no account; the audit log names it."""

    staff: dict[str, User]
    span: Span
    resources: list[Resource]
    by: str | None


async def checked(session: AsyncSession, draft: SittingDraft, found: list[FieldError], by: User, sitting: Sitting | None = None) -> Named:
    """What the draft names; what the `sitting` holds already is locked too. Raises ValidationFailed with `found` and whatever the
    database adds to it."""
    present = {participant.id: participant for participant in sitting.participants} if sitting is not None else {}
    named = (
        ("chair_id", draft.chair_id, accounts_that_preside(draft.kind)),
        ("clerk_id", draft.clerk_id, (CLERK,)),
        ("prosecutor_id", draft.prosecutor_id, (PROSECUTOR,)),
    )
    known = {user.id: user for user in await ready.objects(session, User, *_users(draft, by))}
    users = {user_id: user for user_id, user in known.items() if user.active and user_id in draft.user_ids}
    for field_name, user_id, roles in named:
        if user_id and (user_id not in users or users[user_id].role not in roles):
            found.append((field_name, "user_unknown", {}))
    for number, row in enumerate(draft.participants):
        if row.user_id and row.user_id not in users:
            found.append((f"participants.{number}.name", "user_unknown", {}))
        held = present.get(row.id)
        if row.id and (held is None or held.user_id not in (None, row.user_id)):
            found.append((f"participants.{number}.name", "participant_unknown", {}))
    ids = _resources(draft)
    locked = await holds.locked(session, {*ids, *([hold.resource_id for hold in sitting.booking.holds] if sitting is not None else [])})
    things = {resource.id: resource.kind for resource in locked.values() if resource.active}
    if draft.room_id and things.get(draft.room_id) != "room":
        found.append(("room_id", "room_unknown", {}))
    if any(things.get(room_id) != "room" for room_id in draft.room_ids[1:]):
        found.append(("rooms", "room_unknown", {}))
    if any(things.get(each) not in MEANS for each in draft.equipment):
        found.append(("equipment", "equipment_unknown", {}))
    if found or draft.starts_at is None or draft.ends_at is None:
        raise ValidationFailed(found)
    span = Span(draft.starts_at.astimezone(UTC), draft.ends_at.astimezone(UTC))
    return Named(users, span, holds.in_order((locked[each] for each in ids), ids), by.id if by.id in known else None)
