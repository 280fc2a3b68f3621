"""When something cannot be had: closures, maintenance and leave, and the sittings that are booked for that time already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, or_, select

from dispatch import audit
from dispatch.booking import holds, orders
from dispatch.booking.conflicts import ENDED
from dispatch.booking.draft import LONGEST_REASON
from dispatch.booking.holds import LONGEST
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.tables import Booking, Case, Closure, CourtSite, Hold, Resource, Sitting, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

CLOSURES = ("closed", "maintenance", "leave")
MOST_NAMED = 50
"""So many of the sittings that are in the way are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Affected:
    """A sitting that is booked for the time of a closure."""

    sitting_id: str
    title: str
    case_number: str
    starts_at: datetime
    resource: str


async def list_closures(db: Database, since: datetime, resource_id: str = "", site_id: str = "") -> list[tuple[Closure, str]]:
    """Closures that end after `since`, by their start, each with the name of what is closed."""
    wanted = (
        select(Closure, Resource.name, CourtSite.name)
        .outerjoin(Resource, Resource.id == Closure.resource_id)
        .outerjoin(CourtSite, CourtSite.id == Closure.site_id)
        .where(Closure.ends_at > since)
        .order_by(Closure.starts_at, Closure.id)
    )
    if resource_id:
        wanted = wanted.where(Closure.resource_id == resource_id)
    if site_id:
        wanted = wanted.where(Closure.site_id == site_id)
    async with db.reader() as session:
        return [(closure, thing or place or "") for closure, thing, place in await session.execute(wanted)]


async def get_closure(db: Database, closure_id: str) -> Closure:
    """Raises NotFound("closure_unknown")."""
    async with db.reader() as session:
        closure = await session.get(Closure, closure_id)
        if closure is None:
            raise NotFound("closure_unknown")
        return closure


async def affected(db: Database, closures: Sequence[Closure]) -> dict[str, list[Affected]]:
    """By closure: the sittings that are booked for its time all the same, in order, until somebody moves them."""
    async with db.reader() as session:
        return {closure.id: await _affected(session, closure) for closure in closures}


async def _affected(session: AsyncSession, closure: Closure) -> list[Affected]:
    concerned: ColumnElement[bool] = Hold.resource_id == closure.resource_id
    if closure.site_id is not None:
        concerned = or_(concerned, Hold.resource_id.in_(select(Resource.id).where(Resource.site_id == closure.site_id)))
    rows = await session.execute(
        select(Sitting.id, Sitting.title, Case.number, Sitting.starts_at, Resource.name)
        .join(Booking, Booking.sitting_id == Sitting.id)
        .join(Case, Case.id == Sitting.case_id)
        .join(Hold, Hold.booking_id == Booking.id)
        .join(Resource, Resource.id == Hold.resource_id)
        .where(
            concerned,
            Hold.active,
            Hold.starts_at < closure.ends_at,
            Hold.starts_at > closure.starts_at - LONGEST,
            Hold.ends_at > closure.starts_at,
            Sitting.status.not_in(ENDED),
        )
        .order_by(Sitting.starts_at, Sitting.id, Hold.position)
    )
    found: dict[str, Affected] = {}
    for row in rows:
        found.setdefault(row[0], Affected(*row))
    return list(found.values())


async def close(
    db: Database, starts_at: datetime, ends_at: datetime, kind: str, reason: str, by: User, now: datetime,
    *, resource_id: str = "", site_id: str = "", order: orders.Order | None = None,
) -> Closure:  # fmt: skip
    """Close a resource, or everything of a site, for a span. What is booked for that span already stays: whoever closes it sees it in
    the lists and moves it. An `order` that was carried out before gives what it made, as it is now, and makes it anew where it was taken
    back since. Raises ValidationFailed, also at "resource_id" or "site_id" of what there is not, or UserError("key_reused")."""
    reason, found = tidy(reason), _problems(starts_at, ends_at, kind, reason)
    if bool(resource_id) == bool(site_id):
        found.append(("resource_id", "required", {}))
    if found:
        raise ValidationFailed(found)
    async with db.writer() as session:
        if (made := await orders.made_before(session, order, now)) and (there := await session.get(Closure, made)) is not None:
            return there
        closed: Resource | CourtSite | None
        if resource_id:
            closed, concerned = await session.get(Resource, resource_id), {resource_id}
        else:
            closed = await session.get(CourtSite, site_id)
            concerned = set(await session.scalars(select(Resource.id).where(Resource.site_id == site_id)))
        if closed is None:
            raise ValidationFailed([("resource_id", "resource_unknown", {}) if resource_id else ("site_id", "site_unknown", {})])
        closure = Closure(
            id=new_id(), resource_id=resource_id or None, site_id=site_id or None, starts_at=starts_at, ends_at=ends_at, kind=kind,
            reason=reason,
        )  # fmt: skip
        session.add(closure)
        await session.flush()
        await holds.changed(session, concerned)
        times = {"starts": db.site.clock(starts_at), "ends": db.site.clock(ends_at, starts_at)}
        await orders.keep_made(session, order, closure.id, now)
        await audit.write(session, by, "closed_for_a_time", closed.name, detail={"closure": closure.id, "kind": kind, **times}, now=now)
    return closure


def _problems(starts_at: datetime, ends_at: datetime, kind: str, reason: str) -> list[FieldError]:
    found: list[FieldError] = []
    if kind not in CLOSURES:
        found.append(("kind", "closure_kind_unknown", {"kind": kind}))
    if ends_at <= starts_at:
        found.append(("ends_at", "too_short", {"least": 1}))
    if len(tidy(reason)) > LONGEST_REASON:
        found.append(("reason", "too_long", {"most": LONGEST_REASON}))
    return found


Seen = Callable[[Closure, Sequence[Affected]], object]
"""Called inside the transaction with a closure as it is and the sittings booked for its time; raises where that is not what was seen."""


async def change(
    db: Database, closure_id: str, given: Mapping[str, Any], by: User, now: datetime, seen: Seen | None = None
) -> Closure:
    """Put a closure to other times, or have it be of another kind or for another reason (`given`, by the names of the columns). What is
    booked for its new time stays, as with :func:`close`. Raises NotFound or ValidationFailed."""
    async with db.writer() as session:
        closure = await _closure(session, closure_id, seen)
        wanted = {name: given.get(name, getattr(closure, name)) for name in ("starts_at", "ends_at", "kind", "reason")}
        if found := _problems(**wanted):
            raise ValidationFailed(found)
        former = {"former_starts": db.site.clock(closure.starts_at), "former_ends": db.site.clock(closure.ends_at, closure.starts_at)}
        closure.starts_at, closure.ends_at = wanted["starts_at"], wanted["ends_at"]
        closure.kind, closure.reason = wanted["kind"], tidy(wanted["reason"])
        await session.flush()
        named = await _touched(session, closure)
        times = {"starts": db.site.clock(closure.starts_at), "ends": db.site.clock(closure.ends_at, closure.starts_at)}
        detail = {"closure": closure.id, "kind": closure.kind, **times, **former}
        await audit.write(session, by, "closure_changed", named, detail=detail, now=now)
    return closure


async def reopen(db: Database, closure_id: str, by: User, now: datetime, seen: Seen | None = None) -> None:
    """Take a closure back. Raises NotFound("closure_unknown")."""
    async with db.writer() as session:
        closure = await _closure(session, closure_id, seen)
        await session.delete(closure)
        await session.flush()
        named = await _touched(session, closure)
        await audit.write(session, by, "opened_again", named, detail={"closure": closure_id}, now=now)


async def _closure(session: AsyncSession, closure_id: str, seen: Seen | None) -> Closure:
    closure = await session.get(Closure, closure_id)
    if closure is None:
        raise NotFound("closure_unknown")
    if seen is not None:
        seen(closure, await _affected(session, closure))
    return closure


async def _touched(session: AsyncSession, closure: Closure) -> str:
    """Whoever keeps what it concerns in mind looks anew; the name of what is closed."""
    concerned = select(Resource).where((Resource.id == closure.resource_id) | (Resource.site_id == closure.site_id))
    resources = list(await session.scalars(concerned))
    await holds.changed(session, {each.id for each in resources})
    place = await session.get(CourtSite, closure.site_id) if closure.site_id else None
    return place.name if place is not None else resources[0].name
