"""Lists of copies: those of one recording and over all, what waits for somebody's decision, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from dispatch.copies import rules
from dispatch.copies.requests import KIND, may_decide
from dispatch.errors import NotFound
from dispatch.sittings.listing import SEES_ALL
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.archive_tables import Job
from dispatch.store.copy_tables import Copy
from dispatch.store.tables import Participant, Sitting, User

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select

    from dispatch.store.database import Database

PAGE = 50


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do with one copy, as it is now."""

    decide: bool
    revoke: bool
    fetch: bool
    again: bool


def visible(user: User) -> Select[Copy]:
    """Copies that `user` may know of: all for the roles that see all recordings and for administrators; for others those that they
    asked for or decided on, and those of their own sittings. Of sealed juvenile records there are none."""
    wanted = select(Copy).where(Copy.sitting_id.in_(select(Sitting.id).where(IN_SIGHT)))
    if user.role in SEES_ALL or user.role == rules.ADMINISTRATOR:
        return wanted
    own = select(Participant.sitting_id).where(Participant.user_id == user.id, Participant.removed_at.is_(None))
    return wanted.where(or_(Copy.requested_by == user.id, Copy.decided_by == user.id, Copy.sitting_id.in_(own)))


async def get(db: Database, user: User, copy_id: str) -> Copy:
    """One copy. Raises NotFound("copy_unknown"), also where it is there but not for `user`."""
    async with db.reader() as session:
        copy: Copy | None = await session.scalar(visible(user).where(Copy.id == copy_id))
    if copy is None:
        raise NotFound("copy_unknown")
    return copy


async def listed(
    db: Database, user: User, sitting_id: str = "", states: Iterable[str] = (), after: tuple[datetime, str] | None = None, size: int = PAGE
) -> tuple[list[Copy], bool]:
    """At most `size` copies, those asked for last first, behind (when, id) where the page before ended; and whether there are more."""
    wanted = visible(user)
    if sitting_id:
        wanted = wanted.where(Copy.sitting_id == sitting_id)
    if states := tuple(states):
        wanted = wanted.where(Copy.state.in_(states))
    if after is not None:
        at, last = after
        wanted = wanted.where(or_(Copy.requested_at < at, and_(Copy.requested_at == at, Copy.id < last)))
    async with db.reader() as session:
        found = list(await session.scalars(wanted.order_by(Copy.requested_at.desc(), Copy.id.desc()).limit(size + 1)))
    return found[:size], len(found) > size


async def rights(db: Database, user: User, copies: Iterable[Copy], now: datetime) -> dict[str, Rights]:
    """What `user` may do with each, by its id."""
    found = {}
    async with db.reader() as session:
        for copy in copies:
            mine = rules.may_revoke(user.id, user.role, copy.requested_by, copy.decided_by)
            there = rules.is_there(copy.state, copy.expires_at, now)
            found[copy.id] = Rights(
                decide=copy.state == "requested" and await may_decide(session, user, copy),
                revoke=mine and copy.fetched_at is None and (copy.state, "revoke") in rules.NEXT,
                fetch=there and rules.may_fetch(user.id, copy.requested_by, copy.decided_by),
                again=mine and copy.state == "failed",
            )
    return found


async def jobs(db: Database, copies: Iterable[Copy]) -> dict[str, Job]:
    """The jobs that make them, by the copy's id."""
    ids = [copy.id for copy in copies if copy.state in ("approved", "failed")]
    async with db.reader() as session:
        return {job.subject: job for job in await session.scalars(select(Job).where(Job.kind == KIND, Job.subject.in_(ids)))}


async def counts(db: Database) -> dict[str, int]:
    """How many copies are in each state."""
    async with db.reader() as session:
        rows = await session.execute(select(Copy.state, func.count().label("number")).group_by(Copy.state))
        return dict.fromkeys(rules.STATES, 0) | {row.state: row.number for row in rows}
