"""The function rooms: reading them, and the administrator's adding and changing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch import audit
from dispatch.booking import holds, orders
from dispatch.booking.catalogue import details as details_
from dispatch.booking.catalogue.details import LAST_POSITION, Details
from dispatch.booking.catalogue.sites import site_named
from dispatch.booking.conflicts import ENDED
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.store.tables import Booking, Hold, Resource, Room, Sitting, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

KINDS = ("court", "intake", "hearing", "round_table", "interrogation", "virtual")
LONGEST_NAME = 80
MOST_SEATS = 500


@dataclass(frozen=True, slots=True)
class RoomDraft:
    """A room as typed. `position` orders the lists; a room that is not `active` is kept, and offered nowhere."""

    name: str
    kind: str
    name_en: str = ""
    site: str = ""
    capacity: int = 6
    position: int = 0
    active: bool = True


async def list_rooms(db: Database, *, everything: bool = False) -> list[Room]:
    """The rooms in use, or `everything`, in their order."""
    wanted = select(Room).order_by(Room.position, Room.name)
    async with db.reader() as session:
        return list(await session.scalars(wanted if everything else wanted.where(Room.active)))


async def get_room(db: Database, room_id: str) -> Room:
    """Raises NotFound("room_unknown")."""
    async with db.reader() as session:
        return await _get(session, room_id)


async def add_room(
    db: Database, draft: RoomDraft, by: User, now: datetime, details: Details | None = None, order: orders.Order | None = None
) -> Room:
    """Add a room. `details`: how it is booked and what it offers. An `order` that was carried out before gives what it made, as it is
    now. Raises ValidationFailed with every bad field, or UserError("key_reused")."""
    async with db.writer() as session:
        if made := await orders.made_before(session, order, now):
            return await _get(session, made)
        await _check(session, draft, details)
        room = Room(id=new_id())
        await _write(session, room, draft)
        session.add(room)
        await session.flush()
        await _detail(session, room, details)
        await orders.keep_made(session, order, room.id, now)
        await audit.write(session, by, "room_added", room.name, detail={"room": room.id}, now=now)
    return room


async def change_room(
    db: Database, room_id: str, change: Callable[[Room], RoomDraft], by: User, now: datetime, details: Details | None = None
) -> Room:
    """Change a room; `change` is asked inside the transaction, with the room as it is, what it is to be. Without `details` these stay.

    Raises NotFound, ValidationFailed with every bad field, or Refused("room_booked") when a room is to be taken out of use
    for which sittings are still to come.
    """
    async with db.writer() as session:
        room = await _get(session, room_id)
        draft = change(room)
        await _check(session, draft, details, room.id)
        if room.active and not draft.active:
            await refuse_booked(session, db, room.id, now)
        await _write(session, room, draft)
        await session.flush()
        await _detail(session, room, details)
        await audit.write(session, by, "room_changed", room.name, detail={"room": room.id, "active": room.active}, now=now)
    return room


def draft_of(room: Room) -> RoomDraft:
    """The draft that changes nothing."""
    return RoomDraft(room.name, room.kind, room.name_en, room.site, room.capacity, room.position, room.active)


def problems(draft: RoomDraft) -> Iterator[FieldError]:
    """Every bad field of the draft that shows without looking at the database."""
    if not tidy(draft.name):
        yield ("name", "required", {})
    for field, text in (("name", draft.name), ("name_en", draft.name_en), ("site", draft.site)):
        if len(tidy(text)) > LONGEST_NAME:
            yield (field, "too_long", {"most": LONGEST_NAME})
    if draft.kind not in KINDS:
        yield ("kind", "room_kind_unknown", {"kind": draft.kind})
    if not 1 <= draft.capacity <= MOST_SEATS:
        yield ("capacity", "out_of_range", {"least": 1, "most": MOST_SEATS})
    if not 0 <= draft.position <= LAST_POSITION:
        yield ("position", "out_of_range", {"least": 0, "most": LAST_POSITION})


async def _check(session: AsyncSession, draft: RoomDraft, details: Details | None, own: str = "") -> None:
    found = [*problems(draft), *(details_.problems(details) if details is not None else ())]
    if await session.scalar(select(Room.id).where(Room.name == tidy(draft.name), Room.id != own)):
        found.append(("name", "room_name_taken", {"name": tidy(draft.name)}))
    if found:
        raise ValidationFailed(found)


async def refuse_booked(session: AsyncSession, db: Database, resource_id: str, now: datetime) -> None:
    """Taking something out of use cancels nothing: what is still to be held with it is moved or cancelled first. Raises
    Refused("room_booked")."""
    booking = await session.scalar(
        select(Booking)
        .join(Booking.sitting)
        .join(Booking.holds)
        .where(Hold.resource_id == resource_id, Hold.active, Hold.ends_at > now, Booking.ends_at > now, Sitting.status.not_in(ENDED))
        .order_by(Booking.starts_at)
        .limit(1)
        .options(joinedload(Booking.sitting))
    )
    if booking is not None:
        sitting = booking.sitting
        raise Refused(
            "room_booked", "active", title=sitting.title, case_number=sitting.case.number, starts=db.site.clock(booking.starts_at)
        )


async def _get(session: AsyncSession, room_id: str) -> Room:
    room = await session.get(Room, room_id)
    if room is None:
        raise NotFound("room_unknown")
    return room


async def _detail(session: AsyncSession, room: Room, details: Details | None) -> None:
    """What a room was reckoned by is another than before, its site's hours among it."""
    if details is not None:
        resource = await session.get_one(Resource, room.id, populate_existing=True)
        details_.write(resource, details)
        await session.flush()
    await holds.changed(session, {room.id})


async def _write(session: AsyncSession, room: Room, draft: RoomDraft) -> None:
    room.at = await site_named(session, tidy(draft.site))
    room.site_id = room.at.id if room.at is not None else None
    room.name, room.name_en = tidy(draft.name), tidy(draft.name_en)
    room.kind, room.capacity, room.position, room.active = draft.kind, draft.capacity, draft.position, draft.active
