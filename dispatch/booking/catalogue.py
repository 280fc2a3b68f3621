"""What can be booked besides rooms and people, how it is booked, and when it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import holds
from dispatch.booking.draft import LONGEST_REASON, tidy
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.tables import Closure, CourtSite, Resource, User, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_NAME = 80
LONGEST_BUFFER_MINUTES = 240
MOST_SLOTS = 50
CLOSURES = ("closed", "maintenance", "leave")
MOVABLE = ("equipment", "custody")
"""Kinds that have a row of their own; rooms and people come with theirs (:func:`dispatch.store.resources.keep_in_step`)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a resource is booked: minutes held before and after a sitting, whether whoever books it asks, and who need not."""

    before_minutes: int = 0
    after_minutes: int = 0
    needs_approval: bool = False
    booked_by: tuple[str, ...] = ()
    """roles; none named: every role that books"""


async def site_named(session: AsyncSession, name: str) -> CourtSite | None:
    """Inside a transaction: the site of that name, made where there is none; None where no name is given."""
    if not name:
        return None
    found: CourtSite | None = await session.scalar(select(CourtSite).where(CourtSite.name == name))
    if found is None:
        found = CourtSite(id=new_id(), name=name)
        session.add(found)
        await session.flush()
    return found


async def list_resources(db: Database, *kinds: str, everything: bool = False) -> list[Resource]:
    """Resources of these kinds that are in use, or `everything`, in their order."""
    wanted = select(Resource).where(Resource.kind.in_(kinds)).order_by(Resource.position, Resource.name, Resource.id)
    async with db.reader() as session:
        return list(await session.scalars(wanted if everything else wanted.where(Resource.active)))


async def add_movable(
    db: Database, kind: str, name: str, by: User, now: datetime, *, site: str = "", slots: int = 1, terms: Terms | None = None
) -> list[Resource]:
    """Add equipment that moves, or a custody place of so many parallel `slots`: each is a resource of its own, since one sitting
    at a time has it. Raises ValidationFailed with every bad field."""
    terms, name = terms or Terms(), tidy(name)
    found = [*_terms_problems(terms)]
    if kind not in MOVABLE:
        found.append(("kind", "resource_kind_unknown", {"kind": kind}))
    if not name:
        found.append(("name", "required", {}))
    elif len(name) > LONGEST_NAME - 4:  # with the number of the slot
        found.append(("name", "too_long", {"most": LONGEST_NAME - 4}))
    if not 1 <= slots <= MOST_SLOTS:
        found.append(("slots", "out_of_range", {"least": 1, "most": MOST_SLOTS}))
    if found:
        raise ValidationFailed(found)
    async with db.writer() as session:
        place = await site_named(session, tidy(site))
        made = [
            Resource(id=new_id(), kind=kind, name=name if slots == 1 else f"{name} {number}", position=number)
            for number in range(1, slots + 1)
        ]
        for each in made:
            each.site_id = place.id if place is not None else None
            _write(each, terms)
        session.add_all(made)
        await session.flush()
        await audit.write(session, by, "resource_added", name, detail={"kind": kind, "resources": [each.id for each in made]}, now=now)
    return made


async def set_terms(db: Database, resource_id: str, terms: Terms, by: User, now: datetime) -> Resource:
    """Change how a resource is booked; what is booked already stays as it is. Raises NotFound or ValidationFailed."""
    if found := list(_terms_problems(terms)):
        raise ValidationFailed(found)
    async with db.writer() as session:
        resource = await _get(session, resource_id)
        _write(resource, terms)
        detail = {"resource": resource.id, "before": terms.before_minutes, "after": terms.after_minutes, "approval": terms.needs_approval}
        await audit.write(session, by, "resource_changed", resource.name, detail=detail, now=now)
    return resource


async def close(
    db: Database, starts_at: datetime, ends_at: datetime, kind: str, reason: str, by: User, now: datetime,
    *, resource_id: str = "", site_id: str = "",
) -> Closure:  # fmt: skip
    """Close a resource, or everything of a site, for a span. What is booked for that span already stays: whoever closes it sees it in
    the lists and moves it. Raises NotFound or ValidationFailed."""
    reason, found = tidy(reason), list[FieldError]()
    if kind not in CLOSURES:
        found.append(("kind", "closure_kind_unknown", {"kind": kind}))
    if ends_at <= starts_at:
        found.append(("ends_at", "too_short", {"least": 1}))
    if len(reason) > LONGEST_REASON:
        found.append(("reason", "too_long", {"most": LONGEST_REASON}))
    if bool(resource_id) == bool(site_id):
        found.append(("resource_id", "required", {}))
    if found:
        raise ValidationFailed(found)
    async with db.writer() as session:
        closed: Resource | CourtSite | None
        if resource_id:
            closed, concerned = await _get(session, resource_id), {resource_id}
        else:
            closed = await session.get(CourtSite, site_id)
            concerned = set(await session.scalars(select(Resource.id).where(Resource.site_id == site_id)))
        if closed is None:
            raise NotFound("site_unknown")
        closure = Closure(
            id=new_id(), resource_id=resource_id or None, site_id=site_id or None, starts_at=starts_at, ends_at=ends_at, kind=kind,
            reason=reason,
        )  # fmt: skip
        session.add(closure)
        await session.flush()
        await holds.changed(session, concerned)
        times = {"starts": db.site.clock(starts_at), "ends": db.site.clock(ends_at, starts_at)}
        await audit.write(session, by, "closed_for_a_time", closed.name, detail={"closure": closure.id, "kind": kind, **times}, now=now)
    return closure


async def reopen(db: Database, closure_id: str, by: User, now: datetime) -> None:
    """Take a closure back. Raises NotFound("closure_unknown")."""
    async with db.writer() as session:
        closure = await session.get(Closure, closure_id)
        if closure is None:
            raise NotFound("closure_unknown")
        concerned = select(Resource).where((Resource.id == closure.resource_id) | (Resource.site_id == closure.site_id))
        resources = list(await session.scalars(concerned))
        await session.delete(closure)
        await session.flush()
        await holds.changed(session, {each.id for each in resources})
        place = await session.get(CourtSite, closure.site_id) if closure.site_id else None
        named = place.name if place is not None else resources[0].name
        await audit.write(session, by, "opened_again", named, detail={"closure": closure_id}, now=now)


async def _get(session: AsyncSession, resource_id: str) -> Resource:
    resource = await session.get(Resource, resource_id)
    if resource is None:
        raise NotFound("resource_unknown")
    return resource


def _write(resource: Resource, terms: Terms) -> None:
    resource.before_minutes, resource.after_minutes = terms.before_minutes, terms.after_minutes
    resource.needs_approval, resource.booked_by = terms.needs_approval, list(terms.booked_by) or None


def _terms_problems(terms: Terms) -> Iterator[FieldError]:
    for field, minutes in (("before_minutes", terms.before_minutes), ("after_minutes", terms.after_minutes)):
        if not 0 <= minutes <= LONGEST_BUFFER_MINUTES:
            yield (field, "out_of_range", {"least": 0, "most": LONGEST_BUFFER_MINUTES})
