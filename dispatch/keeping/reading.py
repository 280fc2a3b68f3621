"""What the pages and the API list: what is due for review, what is held, which juvenile records are sealed or are proposed to be.

Whose they are is asked as the archive asks it; a sealed juvenile record is listed to those alone who were given the power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, or_, select

from dispatch.archive.recordings import seen_by
from dispatch.errors import Forbidden
from dispatch.keeping import destructions, holds, juvenile, powers, rules, standing
from dispatch.keeping.standing import Standing
from dispatch.sittings.listing import SEES_ALL
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import Destruction, DestructionItem, JuvenileLook, JuvenileSeal, Keeping, LegalHold
from dispatch.store.tables import Participant, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

PAGE = 50


@dataclass(frozen=True, slots=True)
class About:
    """All that is kept of one recording. `destruction`: the newest that lists it and that the one who asks may see; `look`: until when
    he may look at a sealed one."""

    standing: Standing
    holds: Sequence[LegalHold]
    seals: Sequence[JuvenileSeal]
    has_minor: bool
    destruction: Destruction | None
    look: JuvenileLook | None

    @property
    def recording(self) -> Recording:
        """The entry of the catalogue."""
        return self.standing.recording


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are of each, as far as one person sees them."""

    due: int
    held: int
    proposed: int
    sealed: int
    waiting: int
    """destructions that wait for his approval"""


async def about(db: Database, user: User, recording: Recording, now: datetime) -> About:
    """Of a recording that `user` sees (:func:`dispatch.archive.recordings.get`)."""
    async with db.reader() as session:
        return await about_in(session, db, user, recording, now)


async def about_in(session: AsyncSession, db: Database, user: User, recording: Recording, now: datetime) -> About:
    """The same inside a transaction."""
    (found,) = await standing.of(session, [recording], db.site.zone)
    sitting = recording.sitting
    seals = select(JuvenileSeal).where(JuvenileSeal.sitting_id == sitting.id).order_by(JuvenileSeal.sealed_at.desc())
    minor = select(exists().where(Participant.sitting_id == sitting.id, Participant.minor, Participant.removed_at.is_(None)))
    newest = await destructions.of_sitting(session, sitting.id)
    if newest is not None and not await destructions.is_seen(session, newest, user):
        newest = None
    looks = select(JuvenileLook).where(JuvenileLook.sitting_id == sitting.id, JuvenileLook.user_id == user.id, JuvenileLook.until > now)
    return About(
        found,
        await holds.on(session, sitting),
        list(await session.scalars(seals)),
        bool(await session.scalar(minor)),
        newest,
        await session.scalar(looks.order_by(JuvenileLook.until.desc()).limit(1)),
    )


async def due(db: Database, user: User, now: datetime, page: int = 1) -> tuple[list[Standing], int]:
    """One page of what is to be reviewed: its time is over, nothing holds it, and no list that is open has it; the oldest first."""
    found = seen_by(user).join(Keeping, Keeping.sitting_id == Recording.sitting_id)
    found = found.where(_expired(db, now), ~_held(), ~_on_a_list(), Recording.destroyed_at.is_(None))
    rows, count = await _page(db, found, page, Recording.sealed_at)
    today = now.astimezone(db.site.zone).date()
    return [each for each in rows if rules.is_due(each.kept, today)], count


async def held(db: Database, user: User, page: int = 1) -> tuple[list[Standing], int]:
    """One page of what is held, the newest recordings first."""
    return await _page(db, seen_by(user).where(_held()), page, Recording.sealed_at.desc())


async def proposed(db: Database, user: User) -> list[Sitting]:
    """Closed sittings with a minor whose record is to be sealed, or said to stay open; those that `user` sees."""
    found = juvenile.proposed().limit(PAGE)
    async with db.reader() as session:
        return list(await session.scalars(_own(found, user)))


async def sealed(db: Database, user: User) -> list[Sitting]:
    """Sittings whose juvenile record is sealed. Raises Forbidden("power_missing")."""
    async with db.reader() as session:
        if rules.SEALED not in await powers.of(session, user):
            raise Forbidden("power_missing")
        found = select(Sitting).where(Sitting.withheld_at.is_not(None)).order_by(Sitting.withheld_at.desc(), Sitting.id).limit(4 * PAGE)
        return list(await session.scalars(found))


async def counts(db: Database, user: User, now: datetime) -> Counts:
    """How many there are of each."""
    expired = seen_by(user).join(Keeping, Keeping.sitting_id == Recording.sitting_id)
    expired = expired.where(_expired(db, now), ~_held(), ~_on_a_list(), Recording.destroyed_at.is_(None))
    async with db.reader() as session:
        given = await powers.of(session, user)
        sealed_ = select(func.count()).where(Sitting.withheld_at.is_not(None))
        to_approve = select(func.count()).where(Destruction.state == "proposed", Destruction.proposed_by_id != user.id)
        return Counts(
            due=await _count(session, expired.with_only_columns(Recording.sitting_id)),
            held=await _count(session, seen_by(user).where(_held()).with_only_columns(Recording.sitting_id)),
            proposed=await _count(session, _own(juvenile.proposed(), user).with_only_columns(Sitting.id).order_by(None)),
            sealed=(await session.scalar(sealed_) or 0) if rules.SEALED in given else 0,
            waiting=(await session.scalar(to_approve) or 0) if rules.APPROVE in given else 0,
        )


def due_ids(db: Database, now: datetime) -> Select[str]:
    """Sittings of all recordings that are due for review, whoever sees them."""
    found = select(Recording.sitting_id).join(Recording.sitting).join(Keeping, Keeping.sitting_id == Recording.sitting_id)
    return found.where(_expired(db, now), ~_held(), ~_on_a_list(), Recording.destroyed_at.is_(None))


def held_ids() -> Select[str]:
    """Sittings of all recordings that are held."""
    return select(Recording.sitting_id).join(Recording.sitting).where(_held())


def _expired(db: Database, now: datetime) -> ColumnElement[bool]:
    """By the class and the first day, as :func:`rules.is_due`; a day more or less in leap years is decided there."""
    zone = db.site.zone
    today = now.astimezone(zone).date()
    over = []
    for retention, years in rules.CLASSES.items():
        if years is not None:
            last = _years_before(today, years)
            midnight = datetime.combine(last + timedelta(days=1), time(), zone)
            sealed_then = and_(Keeping.counted_from.is_(None), Recording.sealed_at < midnight)
            over.append(and_(Keeping.retention == retention, or_(Keeping.counted_from <= last, sealed_then)))
    return or_(*over)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 2, 28)


def _held() -> ColumnElement[bool]:
    on_it = or_(LegalHold.sitting_id == Sitting.id, LegalHold.case_id == Sitting.case_id)
    return exists().where(on_it, LegalHold.lifted_at.is_(None))


def _on_a_list() -> ColumnElement[bool]:
    item = and_(DestructionItem.sitting_id == Recording.sitting_id, DestructionItem.destruction_id == Destruction.id)
    return exists().where(item, Destruction.state.in_(rules.OPEN))


def _own(found: Select[Sitting], user: User) -> Select[Sitting]:
    if user.role in SEES_ALL:
        return found
    return found.where(
        Sitting.id.in_(select(Participant.sitting_id).where(Participant.user_id == user.id, Participant.removed_at.is_(None)))
    )


async def _page(db: Database, found: Select[Recording], page: int, order: object) -> tuple[list[Standing], int]:
    async with db.reader() as session:
        count = await _count(session, found.with_only_columns(Recording.sitting_id))
        shown = found.order_by(order, Recording.sitting_id).offset((page - 1) * PAGE).limit(PAGE)  # type: ignore[arg-type]
        rows = list((await session.scalars(shown)).unique())
        return await standing.of(session, rows, db.site.zone), count


async def _count(session: AsyncSession, found: Select[str]) -> int:
    return await session.scalar(select(func.count()).select_from(found.subquery())) or 0
