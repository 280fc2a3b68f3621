"""What can be booked, for the administrator: equipment, custody slots, interpreters and judicial police, and the details of
rooms and staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import holds, orders
from dispatch.booking.catalogue import details as details_
from dispatch.booking.catalogue.details import LAST_POSITION, Details, details_of
from dispatch.booking.catalogue.rooms import refuse_booked
from dispatch.booking.holds import ORDER
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.resources import MEANS
from dispatch.store.tables import CourtSite, Resource, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_NAME = 80
MOST_SLOTS = 50
MOVABLE = MEANS
"""Kinds that have a row of their own; rooms and staff come with theirs (:func:`dispatch.store.resources.keep_in_step`)."""
KINDS = ORDER
PLAIN = Details()
_CHANGED_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "room": ("name", "name_en", "site_id", "position", "active"),
    "person": ("name", "name_en", "active"),
}


@dataclass(frozen=True, slots=True)
class ResourceDraft:
    """A resource as typed. Of a room the name, site, place and use are the room's own, of a person the name and use the account's:
    they are changed there, and a draft that has others is refused."""

    name: str
    name_en: str = ""
    site_id: str = ""
    position: int = 0
    active: bool = True
    details: Details = PLAIN


async def list_resources(db: Database, *kinds: str, everything: bool = False) -> list[Resource]:
    """Resources of these kinds that are in use, or `everything`, in their order."""
    wanted = select(Resource).where(Resource.kind.in_(kinds)).order_by(Resource.position, Resource.name, Resource.id)
    async with db.reader() as session:
        return list(await session.scalars(wanted if everything else wanted.where(Resource.active)))


async def get_resource(db: Database, resource_id: str) -> Resource:
    """Raises NotFound("resource_unknown")."""
    async with db.reader() as session:
        return await _get(session, resource_id)


async def add_resources(
    db: Database, kind: str, draft: ResourceDraft, by: User, now: datetime, *, slots: int = 1, order: orders.Order | None = None
) -> list[Resource]:
    """Add equipment, an interpreter, somebody of the judicial police, or a custody place of so many parallel `slots`, numbered: each is a
    resource of its own, since one sitting at a time has it. An `order` that was carried out before gives what it made, as it is now.
    Raises ValidationFailed with every bad field, or UserError("key_reused")."""
    of_slots = [_of_slot(order, number) for number in range(slots)]
    async with db.writer() as session:
        if first := await orders.made_before(session, order, now):
            others = [await orders.made_before(session, each, now) for each in of_slots[1:]]
            return [await _get(session, each) for each in (first, *others) if each]
        found = [*_problems(draft, LONGEST_NAME - 4 if slots > 1 else LONGEST_NAME)]  # with the number of the slot
        if kind not in MOVABLE:
            found.append(("kind", "resource_kind_unknown", {"kind": kind[:40]}))
        if not 1 <= slots <= MOST_SLOTS:
            found.append(("slots", "out_of_range", {"least": 1, "most": MOST_SLOTS}))
        await _check(session, draft, found)
        made = [Resource(id=new_id(), kind=kind) for _ in range(slots)]
        for number, each in enumerate(made, 1):
            _write(each, draft)
            if slots > 1:
                each.name = f"{each.name} {number}"
                each.name_en = f"{each.name_en} {number}" if each.name_en else ""
            each.position = min(draft.position + number - 1, LAST_POSITION)
        session.add_all(made)
        await session.flush()
        for each, slot in zip(made, of_slots, strict=True):
            await orders.keep_made(session, slot, each.id, now)
        detail = {"kind": kind, "resources": [each.id for each in made]}
        await audit.write(session, by, "resource_added", tidy(draft.name), detail=detail, now=now)
    return made


def _of_slot(order: orders.Order | None, number: int) -> orders.Order | None:
    """What the order says of one of its slots: under a key that no program can send."""
    return replace(order, key=f"{order.key}\n{number}") if order is not None and number else order


async def change_resource(db: Database, resource_id: str, change: Callable[[Resource], ResourceDraft], by: User, now: datetime) -> Resource:
    """Change a resource; what is booked already stays as it is. `change` is asked inside the transaction, with the resource as it is.

    Raises NotFound, ValidationFailed with every bad field, or Refused("room_booked") when something is to be taken out of use for which
    sittings are still to come.
    """
    async with db.writer() as session:
        resource = await _get(session, resource_id)
        draft, was = change(resource), draft_of(resource)
        await _check(session, draft, [*_problems(draft, LONGEST_NAME), *_elsewhere(resource.kind, draft, was)])
        if resource.active and not draft.active:
            await refuse_booked(session, db, resource.id, now)
        _write(resource, draft)
        await session.flush()
        await holds.changed(session, {resource.id})
        await session.refresh(resource, ["revision"])
        await audit.write(session, by, "resource_changed", resource.name, detail=written(resource), now=now)
    return resource


def written(resource: Resource) -> dict[str, object]:
    """What an audit row says of a resource that was changed."""
    return {
        "resource": resource.id,
        "before": resource.before_minutes,
        "after": resource.after_minutes,
        "approval": resource.needs_approval,
        "active": resource.active,
    }


def draft_of(resource: Resource) -> ResourceDraft:
    """The draft that changes nothing."""
    return ResourceDraft(resource.name, resource.name_en, resource.site_id or "", resource.position, resource.active, details_of(resource))


def _problems(draft: ResourceDraft, longest: int) -> Iterator[FieldError]:
    if not tidy(draft.name):
        yield ("name", "required", {})
    for field, text in (("name", draft.name), ("name_en", draft.name_en)):
        if len(tidy(text)) > longest:
            yield (field, "too_long", {"most": longest})
    if not 0 <= draft.position <= LAST_POSITION:
        yield ("position", "out_of_range", {"least": 0, "most": LAST_POSITION})
    yield from details_.problems(draft.details)


def _elsewhere(kind: str, draft: ResourceDraft, was: ResourceDraft) -> Iterator[FieldError]:
    """Fields that are not changed here but with the room or the account."""
    for field in _CHANGED_ELSEWHERE.get(kind, ()):
        if getattr(draft, field) != getattr(was, field):
            yield (field, f"changed_with_{kind}", {})


async def _check(session: AsyncSession, draft: ResourceDraft, found: list[FieldError]) -> None:
    if draft.site_id and await session.get(CourtSite, draft.site_id) is None:
        found.append(("site_id", "site_unknown", {}))
    if found:
        raise ValidationFailed(found)


async def _get(session: AsyncSession, resource_id: str) -> Resource:
    resource = await session.scalar(select(Resource).where(Resource.id == resource_id))
    if resource is None:
        raise NotFound("resource_unknown")
    return resource


def _write(resource: Resource, draft: ResourceDraft) -> None:
    resource.name, resource.name_en = tidy(draft.name), tidy(draft.name_en)
    resource.site_id, resource.position, resource.active = draft.site_id or None, draft.position, draft.active
    details_.write(resource, draft.details)
