"""Reading the catalogue of sealed recordings, and what may be done with an entry."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from dispatch import audit
from dispatch.errors import NotFound, Refused
from dispatch.sittings.listing import SEES_ALL
from dispatch.sittings.withheld import IN_SIGHT, looked_at
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import Booking, Case, Hold, Participant, Room, Sitting, User

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

    from sqlalchemy import Select

    from dispatch.store.database import Database
    from rooms.vault.vault import Vault

PAGE = 20
"""Recordings on one page of the list."""


def seen_by(user: User, query: str = "") -> Select[Recording]:
    """Sealed recordings of sittings that `user` may see, in which every word of `query` occurs; of no sealed juvenile record."""
    wanted = select(Recording).join(Recording.sitting).join(Sitting.case).where(Recording.sealed_at.is_not(None), IN_SIGHT)
    if user.role not in SEES_ALL:
        own = select(Participant.sitting_id).where(Participant.user_id == user.id, Participant.removed_at.is_(None))
        wanted = wanted.where(Sitting.id.in_(own))
    for word in query.split():
        named = or_(Room.name.icontains(word, autoescape=True), Room.name_en.icontains(word, autoescape=True))
        person = Participant.name.icontains(word, autoescape=True)
        wanted = wanted.where(
            or_(
                Case.number.icontains(word, autoescape=True),
                Case.title.icontains(word, autoescape=True),
                Sitting.title.icontains(word, autoescape=True),
                Sitting.id.in_(select(Booking.sitting_id).join(Booking.holds).join(Room, Room.id == Hold.resource_id).where(named)),
                Sitting.id.in_(select(Participant.sitting_id).where(Participant.removed_at.is_(None), person)),
            )
        )
    return wanted


async def found(db: Database, user: User, query: str = "", page: int = 1) -> tuple[list[Recording], int]:
    """One page of recordings, the newest first, and how many there are altogether."""
    wanted = seen_by(user, query)
    async with db.reader() as session:
        count = await session.scalar(select(func.count()).select_from(wanted.with_only_columns(Recording.sitting_id).subquery()))
        rows = await session.scalars(wanted.order_by(Sitting.starts_at.desc()).offset((page - 1) * PAGE).limit(PAGE))
        return list(rows.unique()), count or 0


async def listed(
    db: Database,
    user: User,
    query: str,
    span: tuple[datetime | None, datetime | None],
    after: tuple[datetime, str] | None,
    size: int,
) -> tuple[list[Recording], bool]:
    """At most `size` recordings of sittings that lie, wholly or in part, in `span`, the newest first, behind the sitting (start, id)
    where the page before ended; and whether there are more."""
    wanted = seen_by(user, query)
    begin, end = span
    if begin is not None:
        wanted = wanted.where(Sitting.ends_at > begin)
    if end is not None:
        wanted = wanted.where(Sitting.starts_at < end)
    if after is not None:
        at, sitting_id = after
        wanted = wanted.where(or_(Sitting.starts_at < at, and_(Sitting.starts_at == at, Sitting.id < sitting_id)))
    async with db.reader() as session:
        rows = await session.scalars(wanted.order_by(Sitting.starts_at.desc(), Sitting.id.desc()).limit(size + 1))
        found = list(rows.unique())
    return found[:size], len(found) > size


async def get(db: Database, user: User, sitting_id: str, now: datetime | None = None) -> Recording:
    """The recording of a sitting. With `now` also one whose juvenile record is sealed, where `user` has opened it for himself.
    Raises NotFound("recording_unknown"), also where it is there but not for `user`."""
    async with db.reader() as session:
        recording = (await session.scalars(seen_by(user).where(Recording.sitting_id == sitting_id))).unique().one_or_none()
        if recording is None and now is not None:
            opened = select(Recording).where(Recording.sitting_id == sitting_id, Recording.sealed_at.is_not(None))
            recording = await session.scalar(opened.where(Recording.sitting_id.in_(looked_at(user, now))))
    if recording is None:
        raise NotFound("recording_unknown")
    return recording


async def is_sealed(db: Database, sitting_id: str) -> bool:
    """Whether the recording of a sitting is sealed and in the catalogue; nothing else is said of it."""
    async with db.reader() as session:
        sealed = select(Recording.sitting_id).where(Recording.sitting_id == sitting_id, Recording.sealed_at.is_not(None))
        return await session.scalar(sealed) is not None


async def jobs(db: Database, sitting_ids: Sequence[str]) -> dict[str, Job]:
    """The jobs that make these sittings' composites, by sitting."""
    async with db.reader() as session:
        rows = await session.scalars(select(Job).where(Job.kind == "composite", Job.sitting_id.in_(sitting_ids)))
        return {job.sitting_id: job for job in rows}


async def compose_again(db: Database, user: User, sitting_id: str) -> None:
    """Order a composite that could not be made once more. Raises NotFound, or Refused("composite_not_failed")."""
    recording = await get(db, user, sitting_id)
    async with db.writer() as session:
        job = await session.scalar(select(Job).where(Job.kind == "composite", Job.sitting_id == sitting_id))
        if job is None or job.state != "failed" or recording.destroyed_at is not None:
            raise Refused("composite_not_failed")
        job.state, job.progress, job.attempts, job.error = "queued", 0.0, 0, ""
        job.started_at = job.beat_at = job.finished_at = None
        (await session.get_one(Recording, sitting_id)).composite = "queued"
        await audit.write(session, user, "composite_again", recording.sitting.case.number, detail={"sitting": sitting_id})


async def verified(db: Database, sitting_id: str, ok: bool, at: datetime) -> None:
    """Remember the outcome of the last verification, for the list."""
    async with db.writer() as session:
        recording = await session.get(Recording, sitting_id)
        if recording is not None:
            recording.verified_ok, recording.verified_at = ok, at


def folder(vault: Vault, recording: Recording) -> Traversable:
    """The sealed folder, plain or stored, to be read."""
    return vault.folder(recording.folder)
