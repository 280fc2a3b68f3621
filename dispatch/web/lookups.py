"""Choices for forms and other small readings that belong to no operation: rooms, cases, people by role, sessions, devices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.sittings.withheld import case_numbers
from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Case, Room, RoomDevice, Session, User

if TYPE_CHECKING:
    from dispatch.store.database import Database

CASES_OFFERED = 200


async def rooms(db: Database) -> list[Room]:
    """The rooms in use, in their order."""
    async with db.reader() as session:
        return list((await session.scalars(select(Room).where(Room.active).order_by(Room.position, Room.name))).all())


async def cases(db: Database) -> list[Case]:
    """The newest cases, offered while a case number is typed; none of which a juvenile record is sealed."""
    wanted = select(Case).where(Case.number.not_in(case_numbers())).order_by(Case.created_at.desc())
    async with db.reader() as session:
        return list((await session.scalars(wanted.limit(CASES_OFFERED))).all())


async def staff(db: Database, *roles: str) -> list[User]:
    """Active members of the staff in one of `roles`, by name."""
    async with db.reader() as session:
        found = await session.scalars(select(User).where(User.active, User.role.in_(roles)).order_by(User.name))
        return list(found.all())


async def sessions(db: Database, now: datetime) -> dict[str, list[Session]]:
    """Living sessions by user id, the one used last first."""
    async with db.reader() as session:
        found = await session.scalars(select(Session).where(Session.expires_at > now).order_by(Session.seen_at.desc()))
        grouped: dict[str, list[Session]] = {}
        for one in found.all():
            grouped.setdefault(one.user_id, []).append(one)
        return grouped


async def room_devices(db: Database) -> dict[str, list[RoomDevice]]:
    """Devices that are not taken away, by room id."""
    async with db.reader() as session:
        found = await session.scalars(select(RoomDevice).where(RoomDevice.revoked_at.is_(None)).order_by(RoomDevice.created_at))
        grouped: dict[str, list[RoomDevice]] = {}
        for device in found.all():
            grouped.setdefault(device.room_id, []).append(device)
        return grouped


async def sealed(db: Database, sitting_id: str) -> Recording | None:
    """The sealed recording of a sitting, None while there is none."""
    async with db.reader() as session:
        wanted = select(Recording).where(Recording.sitting_id == sitting_id, Recording.sealed_at.is_not(None))
        return (await session.scalars(wanted)).unique().one_or_none()


async def recorded(db: Database, sitting_ids: list[str]) -> set[str]:
    """Which of the sittings have a sealed recording."""
    async with db.reader() as session:
        found = await session.scalars(
            select(Recording.sitting_id).where(Recording.sitting_id.in_(sitting_ids), Recording.sealed_at.is_not(None))
        )
        return set(found.all())
