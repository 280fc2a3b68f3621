"""What an administrator lets single people do: approve destructions, look at sealed juvenile records, lift the holds of others."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch import audit
from dispatch.errors import Forbidden, NotFound
from dispatch.keeping.rules import POWERS
from dispatch.store.keeping_tables import KeepingRight
from dispatch.store.tables import User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

HOLDERS = ("clerk", "judge", "prosecutor", "officer")
"""Roles whose people may be given a power. An administrator gives them and has none: he sees no recording."""


async def of(session: AsyncSession, user: User) -> frozenset[str]:
    """The powers of one person; a program has none."""
    return frozenset(await session.scalars(select(KeepingRight.power).where(KeepingRight.user_id == user.id)))


async def held(db: Database, user: User) -> frozenset[str]:
    """As :func:`of`, in a moment of its own."""
    async with db.reader() as session:
        return await of(session, user)


async def must_hold(session: AsyncSession, user: User, power: str) -> None:
    """Raises Forbidden("power_missing")."""
    if power not in await of(session, user):
        raise Forbidden("power_missing")


async def approvers(session: AsyncSession, power: str) -> list[User]:
    """The active people who have a power, by name."""
    wanted = select(User).join(KeepingRight, KeepingRight.user_id == User.id).where(User.active, KeepingRight.power == power)
    return list(await session.scalars(wanted.order_by(User.name)))


async def table(db: Database) -> list[tuple[User, frozenset[str]]]:
    """Everybody who may have powers, by name, with those he has."""
    async with db.reader() as session:
        people = list(await session.scalars(select(User).where(User.active, User.role.in_(HOLDERS)).order_by(User.name)))
        rows = (await session.execute(select(KeepingRight.user_id, KeepingRight.power))).all()
    return [(user, frozenset(power for user_id, power in rows if user_id == user.id)) for user in people]


async def give(db: Database, user_id: str, wanted: Collection[str], by: User, now: datetime) -> None:
    """Let a person do exactly this. Raises NotFound("user_unknown")."""
    async with db.writer() as session:
        user = await session.get(User, user_id)
        if user is None or user.role not in HOLDERS:
            raise NotFound("user_unknown")
        former, latter = await of(session, user), frozenset(wanted) & frozenset(POWERS)
        if former == latter:
            return
        for power in sorted(former - latter):
            await session.delete(await session.get_one(KeepingRight, (user_id, power)))
        session.add_all(KeepingRight(user_id=user_id, power=p, given_by=by.name, given_at=now) for p in sorted(latter - former))
        detail = {"user": user_id, "powers": [sorted(former), sorted(latter)]}
        await audit.write(session, by, "keeping_powers", user.name, detail=detail, now=now)
