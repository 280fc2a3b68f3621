"""What can be booked, by kind and by site, and when it cannot be had."""

from __future__ import annotations

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
MOST_SLOTS = 50
CLOSURES = ("closed", "maintenance", "leave")
MOVABLE = ("equipment", "custody")
"""Kinds that have a row of their own; rooms and people come with theirs (:func:`dispatch.store.resources.keep_in_step`)."""


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
