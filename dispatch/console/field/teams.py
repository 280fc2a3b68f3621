"""The teams that can be sent out, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dispatch import audit
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.field_tables import FieldPosition, Team, TeamMember
from dispatch.store.tables import User
from dispatch.typed import is_phone, tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

FIELD = "field"
"""The role of accounts of people in the field."""
DUTIES = ("officer", "grid_worker")
LONGEST = {"name": 80, "name_en": 80, "area": 120}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is to be in a team. `duty`: one of DUTIES."""

    user_id: str
    duty: str = "officer"
    leads: bool = False


@dataclass(frozen=True, slots=True)
class TeamDraft:
    """What a team is to be."""

    name: str
    name_en: str = ""
    area: str = ""
    phone: str = ""
    active: bool = True
    members: tuple[Member, ...] = ()


async def add(db: Database, draft: TeamDraft, by: User | str, now: datetime) -> Team:
    """Add a team behind the others. Raises ValidationFailed with every bad field."""
    async with db.writer() as session:
        await _check(session, draft, "")
        last = await session.scalar(select(func.max(Team.position)))
        team = Team(position=(last or 0) + 1, created_at=now, members=[])
        session.add(team)
        await _set(session, team, draft)
        await audit.write(session, by, "team_added", team.name, detail={"team": team.id, "members": len(draft.members)}, now=now)
    return await get(db, team.id)


async def change(db: Database, team_id: str, draft: TeamDraft, by: User | str, now: datetime) -> Team:
    """Change a team. Whoever is in `draft.members` leaves the team that he was in. Raises NotFound("team_unknown"), ValidationFailed."""
    async with db.writer() as session:
        team = await session.get(Team, team_id)
        if team is None:
            raise NotFound("team_unknown")
        await _check(session, draft, team_id)
        await _set(session, team, draft)
        detail = {"team": team.id, "members": len(draft.members), "active": team.active}
        await audit.write(session, by, "team_changed", team.name, detail=detail, now=now)
    return await get(db, team_id)


async def _set(session: AsyncSession, team: Team, draft: TeamDraft) -> None:
    team.name, team.name_en, team.area = tidy(draft.name), tidy(draft.name_en), tidy(draft.area)
    team.phone, team.active = draft.phone.strip(), draft.active
    await session.flush()
    wanted = {member.user_id: member for member in draft.members}
    for known in list(await session.scalars(select(TeamMember).where(TeamMember.team_id == team.id))):
        if known.user_id not in wanted:
            position = await session.get(FieldPosition, known.user_id)
            if position is not None:
                await session.delete(position)
            await session.delete(known)
    for member in draft.members:
        row = await session.get(TeamMember, member.user_id)
        if row is None:
            row = TeamMember(user_id=member.user_id)
            session.add(row)
        row.team_id, row.duty, row.leads = team.id, member.duty, member.leads
    await session.flush()


async def _check(session: AsyncSession, draft: TeamDraft, team_id: str) -> None:
    found: list[FieldError] = []
    name = tidy(draft.name)
    if not name:
        found.append(("name", "required", {}))
    elif await session.scalar(select(Team.id).where(Team.name == name, Team.id != team_id)):
        found.append(("name", "team_name_taken", {"name": name}))
    for field, most in LONGEST.items():
        if len(tidy(getattr(draft, field))) > most:
            found.append((field, "too_long", {"most": most}))
    if draft.phone.strip() and not is_phone(draft.phone):
        found.append(("phone", "phone_shape", {}))
    ids = [member.user_id for member in draft.members]
    known = set(await session.scalars(select(User.id).where(User.id.in_(ids), User.role == FIELD)))
    if set(ids) - known or len(set(ids)) != len(ids) or any(member.duty not in DUTIES for member in draft.members):
        found.append(("members", "member_unknown", {}))
    if found:
        raise ValidationFailed(found)


async def get(db: Database, team_id: str) -> Team:
    """Raises NotFound("team_unknown")."""
    async with db.reader() as session:
        team = await session.get(Team, team_id)
    if team is None:
        raise NotFound("team_unknown")
    return team


async def listed(db: Database, *, everything: bool = False) -> list[Team]:
    """The active teams in their order; with `everything` those of the past too."""
    wanted = select(Team).order_by(Team.position, Team.name)
    async with db.reader() as session:
        return list(await session.scalars(wanted if everything else wanted.where(Team.active)))


async def people(db: Database) -> Sequence[tuple[User, TeamMember | None]]:
    """Everybody with an account of role "field", by name, with where he belongs."""
    wanted = select(User, TeamMember).outerjoin(TeamMember, TeamMember.user_id == User.id)
    async with db.reader() as session:
        rows = (await session.execute(wanted.where(User.role == FIELD, User.active).order_by(User.name))).all()
    return [(user, member) for user, member in rows]


async def member_of(db: Database, user_id: str) -> TeamMember | None:
    """Where somebody belongs, if anywhere."""
    async with db.reader() as session:
        return await session.get(TeamMember, user_id)
