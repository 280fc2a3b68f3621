"""Resources held for a booking: locking them, taking them, giving them back. Inside the transaction of whoever books.

On PostgreSQL resources are locked in the order of their ids before anything is decided: bookings that want the same ones in
different orders wait for each other in one line instead of in a circle. On SQLite whoever writes is alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, select, update

from dispatch.booking.spans import Span
from dispatch.errors import NotFound
from dispatch.store import direct, ready
from dispatch.store.base import Base
from dispatch.store.ready import Ready
from dispatch.store.tables import Booking, Hold, Resource, Sitting, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

LONGEST = timedelta(days=2)
"""No hold is longer (a constraint of the table): what overlaps a span began at most so long before it."""
ORDER = ("room", "equipment", "custody", "interpreter", "police", "person")
"""Kinds of resources, in the order in which a sitting holds them and what is in the way is named."""
# Statements that every booking needs are put together once: that takes longer than to carry them out.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_RESOURCES = Base.metadata.tables[Resource.__tablename__]
_LOCKED = Ready(select(_RESOURCES).where(_RESOURCES.c.id.in_(_IDS)).order_by(_RESOURCES.c.id).with_for_update())
_CHANGED = Ready(update(_RESOURCES).where(_RESOURCES.c.id.in_(_IDS)).values(revision=_RESOURCES.c.revision + 1))


@dataclass(frozen=True, slots=True)
class Buffers:
    """Set-up before a sitting and clear-up after it."""

    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)

    @classmethod
    def of(cls, resource: Resource) -> Buffers:
        """Those of a resource."""
        return cls(timedelta(minutes=resource.before_minutes), timedelta(minutes=resource.after_minutes))

    def around(self, span: Span) -> Span:
        """What is held for a sitting of that span."""
        return Span(span.start - self.before, span.end + self.after)

    def in_the_way(self, held: Span) -> Span:
        """The same overlap seen from the sitting: where its own span may not lie when `held` is taken."""
        return Span(held.start - self.after, held.end + self.before)


async def locked_sitting(session: AsyncSession, sitting_id: str) -> Sitting:
    """The sitting as it is now; nobody else changes it before the transaction ends. Raises NotFound."""
    sitting = await session.get(Sitting, sitting_id, with_for_update={"of": Sitting}, populate_existing=True)
    if sitting is None:
        raise NotFound("sitting_unknown")
    return sitting


async def locked(session: AsyncSession, ids: Iterable[str]) -> dict[str, Resource]:
    """These resources by id, locked in order until the transaction ends. What is unknown is not in it."""
    return {resource.id: resource for resource in await ready.objects(session, Resource, *asked(ids))}


def asked(ids: Iterable[str]) -> ready.Asked:
    """What :func:`locked` asks for."""
    return _LOCKED, {"ids": sorted(set(ids))}


async def held(session: AsyncSession, booking: Booking) -> list[Hold]:
    """The booking's holds as they are in the database: another may have made lapsed ones give way since they were read."""
    wanted = select(Hold).where(Hold.booking_id == booking.id).order_by(Hold.position, Hold.resource_id)
    return list(await session.scalars(wanted.execution_options(populate_existing=True)))


def in_order(resources: Iterable[Resource], named: Sequence[str]) -> list[Resource]:
    """Resources as a sitting holds them: rooms, things, interpreters, judicial police, staff (:data:`ORDER`), each in the
    order in which they were `named`."""
    return sorted(resources, key=lambda each: (ORDER.index(each.kind), named.index(each.id) if each.id in named else len(named), each.id))


def take_first(booking: Booking, resources: Sequence[Resource], span: Span) -> None:
    """Have a booking that is being made hold these resources, in this order. They are locked, and nothing is in the way; whoever
    writes it calls :func:`changed`."""
    for position, resource in enumerate(resources):
        around = Buffers.of(resource).around(span)
        booking.holds.append(
            Hold(
                id=new_id(),
                booking_id=booking.id,
                resource_id=resource.id,
                resource=resource,
                position=position,
                starts_at=around.start,
                ends_at=around.end,
                active=True,
            )
        )


async def take(session: AsyncSession, booking: Booking, resources: Sequence[Resource], span: Span) -> None:
    """Have the booking hold exactly these resources, in this order, for that span. They, and those it held before, are locked, and
    nothing is in the way."""
    same_time = span == Span(booking.starts_at, booking.ends_at)
    booking.starts_at, booking.ends_at = span.start, span.end
    present = {hold.resource_id: hold for hold in await held(session, booking)}
    touched = set()
    for position, resource in enumerate(resources):
        hold = present.pop(resource.id, None)
        # What is held already stays as it is: nobody looked whether there is time for a longer set-up than was meant then.
        if hold is None or not hold.active or not same_time:
            if hold is None:
                hold = Hold(id=new_id(), booking_id=booking.id, resource_id=resource.id)
                session.add(hold)
            around = Buffers.of(resource).around(span)
            hold.starts_at, hold.ends_at, hold.active = around.start, around.end, True
            touched.add(resource.id)
        hold.position = position
    for hold in present.values():
        await session.delete(hold)
    await session.flush()
    session.expire(booking, ["holds"])
    await changed(session, touched | present.keys())


async def drop(session: AsyncSession, booking: Booking, resource_id: str) -> None:
    """The booking does not hold that resource any more; others it holds are not touched."""
    for hold in await held(session, booking):
        if hold.resource_id == resource_id:
            await session.delete(hold)
    await session.flush()
    session.expire(booking, ["holds"])
    await changed(session, {resource_id})


async def release(session: AsyncSession, booking: Booking) -> None:
    """The booking takes nobody's time any more; which resources it had stays known."""
    holds = [hold for hold in await held(session, booking) if hold.active]
    for hold in holds:
        hold.active = False
    await session.flush()
    await changed(session, {hold.resource_id for hold in holds})


async def give_way(session: AsyncSession, holds: Collection[tuple[str, str]]) -> None:
    """These holds (id, resource) of others, which bind nobody any more, make room for a new one."""
    if holds:
        await session.execute(update(Hold).where(Hold.id.in_(hold for hold, _ in holds)).values(active=False))
        await changed(session, {resource for _, resource in holds})


async def changed(session: AsyncSession, ids: Collection[str]) -> None:
    """What these resources are held for is another than before: what was kept of them elsewhere is old."""
    if ids:
        await direct.change(session, *change_of(ids))


def change_of(ids: Collection[str]) -> tuple[Ready, dict[str, Any]]:
    """What :func:`changed` carries out, for whoever has it go with something else."""
    return _CHANGED, {"ids": sorted(ids)}


def lapsed(state: str, held_until: datetime | None, status: str, now: datetime) -> bool:
    """Whether a tentative booking of a sitting that has not begun binds nobody any more."""
    return state == "tentative" and held_until is not None and held_until <= now and status in ("planned", "open")
