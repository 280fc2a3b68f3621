"""Where people in the field were last. A phone sends it while a task of its team is under way and its owner agrees; only the last is kept.

Everything here is WGS-84; what a phone says in GCJ-02 is turned into it where it comes in (:mod:`dispatch.console.map.coordinates`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.console.map.coordinates import Place, System, to_wgs84
from dispatch.errors import Refused, ValidationFailed
from dispatch.store.field_tables import FieldPosition, FieldTask, Team, TeamMember
from dispatch.store.tables import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

UNDER_WAY = ("signed", "on_site")
"""States of a task during which positions are sent."""
COARSEST_M = 100_000.0
SLOW_CLOCK = timedelta(minutes=2)
"""A phone's clock may be ahead by so much; what it says is later still is taken for now."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A place that a phone found, in WGS-84 degrees, to `accuracy_m` metres."""

    latitude: float
    longitude: float
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody was last: who, of which team, WGS-84 degrees, accuracy in metres, and when the phone found it (UTC)."""

    user_id: str
    name: str
    phone: str
    team_id: str
    team: str
    team_en: str
    latitude: float
    longitude: float
    accuracy_m: float
    at: datetime


def fix_of(given: Mapping[str, object]) -> Fix:
    """A place as a phone sends it: {"latitude", "longitude", "accuracy_m", "system"}, the last "wgs84" unless said.

    Raises ValidationFailed (field "position") for what is none.
    """
    values = [given.get(name) for name in ("latitude", "longitude", "accuracy_m")]
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    system = str(given.get("system") or System.WGS84)
    if len(numbers) != len(values) or not all(map(math.isfinite, numbers)) or system not in set(System):
        raise ValidationFailed([("position", "position_shape", {})])
    latitude, longitude, accuracy = numbers
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= accuracy <= COARSEST_M):
        raise ValidationFailed([("position", "position_shape", {})])
    place = to_wgs84(Place(latitude, longitude), System(system))
    return Fix(place.latitude, place.longitude, accuracy)


async def agree(db: Database, user: User, agrees: bool, now: datetime) -> None:
    """Note that somebody agrees that his position is sent, or no longer does: then what is known of it is forgotten.

    Raises Refused("no_team").
    """
    async with db.writer() as session:
        member = await session.get(TeamMember, user.id)
        if member is None:
            raise Refused("no_team")
        member.agreed_at = (member.agreed_at or now) if agrees else None
        known = None if agrees else await session.get(FieldPosition, user.id)
        if known is not None:
            await session.delete(known)


async def note(db: Database, user: User, fix: Fix, found_at: datetime, now: datetime) -> bool:
    """Keep where somebody is, if he agrees and has a task under way; whether it was kept. What is older than what is known is not."""
    async with db.writer() as session:
        member = await session.get(TeamMember, user.id)
        if member is None or member.agreed_at is None or not await _under_way(session, member):
            return False
        return await keep(session, user.id, fix, found_at, now)


async def keep_given(session: AsyncSession, user_id: str, fix: Fix, found_at: datetime, now: datetime) -> None:
    """Keep a place that somebody gave with a step of a task, inside that step's transaction, if he agrees that it is known."""
    member = await session.get(TeamMember, user_id)
    if member is not None and member.agreed_at is not None:
        await keep(session, user_id, fix, found_at, now)


async def keep(session: AsyncSession, user_id: str, fix: Fix, found_at: datetime, now: datetime) -> bool:
    """Keep a place that somebody gave, inside a transaction of another act; whether it is newer than what was known."""
    at = min(found_at, now) if found_at <= now + SLOW_CLOCK else now
    known = await session.get(FieldPosition, user_id)
    if known is None:
        known = FieldPosition(user_id=user_id)
        session.add(known)
    elif known.at > at:
        return False
    known.latitude, known.longitude, known.accuracy_m, known.at = fix.latitude, fix.longitude, fix.accuracy_m, at
    return True


async def _under_way(session: AsyncSession, member: TeamMember) -> bool:
    wanted = select(FieldTask.id).where(FieldTask.team_id == member.team_id, FieldTask.state.in_(UNDER_WAY)).limit(1)
    return await session.scalar(wanted) is not None


async def latest(db: Database) -> list[Position]:
    """The last position of everybody of an active team who has one, by team and name; how old it is says `at`."""
    wanted = (
        select(FieldPosition, User, Team)
        .join(User, User.id == FieldPosition.user_id)
        .join(TeamMember, TeamMember.user_id == FieldPosition.user_id)
        .join(Team, Team.id == TeamMember.team_id)
        .where(Team.active, User.active)
        .order_by(Team.position, Team.name, User.name)
    )
    async with db.reader() as session:
        found = (await session.execute(wanted)).all()
    return [
        Position(
            user_id=user.id,
            name=user.name,
            phone=user.phone,
            team_id=team.id,
            team=team.name,
            team_en=team.name_en,
            latitude=row.latitude,
            longitude=row.longitude,
            accuracy_m=row.accuracy_m,
            at=row.at,
        )
        for row, user, team in found
    ]
