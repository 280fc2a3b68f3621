"""Copies of recordings: asking for one, deciding on it, taking it back, fetching it. What was done to one is audited and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from dispatch import audit
from dispatch.archive import recordings
from dispatch.booking.orders import Order, keep_made, made_before
from dispatch.copies import rules, telling
from dispatch.copies.rules import Wish
from dispatch.errors import Forbidden, NotFound, Refused, ValidationFailed
from dispatch.store.archive_tables import Job
from dispatch.store.copy_tables import Copy
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import Participant, User

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

KIND = "copy"
"""Of its job; the job's subject is the copy's id."""
Seen = Callable[[Copy], object]
"""Called with the copy as it is inside the transaction; raises where that is not what the one who acts saw."""


async def ask(db: Database, sitting_id: str, wish: Wish, by: User, now: datetime, order: Order | None = None) -> Copy:
    """Ask for a copy of a recording that `by` may see; those who may decide on it are told.

    Raises NotFound("recording_unknown"), ValidationFailed, UserError("key_reused").
    """
    recording = await recordings.get(db, by, sitting_id)
    wanted = rules.checked(wish, recording.seconds if recording.composite == "done" else None)
    async with db.writer() as session:
        made = await made_before(session, order, now)
        known = await session.get(Copy, made) if made is not None else None
        if known is not None:
            return known
        year = now.astimezone(db.site.zone).year
        await lock_words(session, f"copies of {year}")
        last = await session.scalar(select(func.max(Copy.running)).where(Copy.year == year))
        copy = Copy(
            **{name: getattr(wanted, name) for name in Wish.__slots__},
            year=year,
            running=(last or 0) + 1,
            sitting_id=sitting_id,
            requested_by=by.id,
            requested_name=by.name,
            requested_at=now,
        )
        session.add(copy)
        await session.flush()
        await session.refresh(copy, ["sitting"])
        await keep_made(session, order, copy.id, now)
        await telling.asked(session, db, copy, now)
        await _write(session, by, "copy_requested", copy, now, content=copy.content, form=copy.form)
    return copy


async def approve(db: Database, copy_id: str, by: User, now: datetime, seen: Seen | None = None) -> Copy:
    """Allow a copy: the jobs process makes it. Raises NotFound, Forbidden("copy_decision_not_yours"), Refused("copy_state")."""
    async with db.writer() as session:
        copy = await _decided(session, copy_id, "approve", by, now, seen)
        session.add(Job(kind=KIND, sitting_id=copy.sitting_id, subject=copy.id, created_at=now))
        await telling.to_asker(session, db, copy, "copy_allowed", now)
        await _write(session, by, "copy_approved", copy, now)
    return copy


async def refuse(db: Database, copy_id: str, reason: str, by: User, now: datetime, seen: Seen | None = None) -> Copy:
    """Refuse a copy for a reason. Raises as :func:`approve`, or ValidationFailed (field "reason")."""
    reason = checked_reason(reason)
    async with db.writer() as session:
        copy = await _decided(session, copy_id, "refuse", by, now, seen)
        copy.reason, copy.ended_at = reason, now
        await telling.to_asker(session, db, copy, "copy_refused", now)
        await _write(session, by, "copy_refused", copy, now, reason=reason)
    return copy


async def _decided(session: AsyncSession, copy_id: str, act: str, by: User, now: datetime, seen: Seen | None) -> Copy:
    copy = await _locked(session, copy_id, seen)
    if not await may_decide(session, by, copy):
        raise Forbidden("copy_decision_not_yours")
    copy.state = rules.after(copy.state, act)
    copy.decided_by, copy.decided_name, copy.decided_at = by.id, by.name, now
    return copy


async def may_decide(session: AsyncSession, by: User, copy: Copy) -> bool:
    """Whether `by` may approve or refuse this copy."""
    mine = select(Participant.id).where(
        Participant.sitting_id == copy.sitting_id, Participant.user_id == by.id, Participant.presides, Participant.removed_at.is_(None)
    )
    presides = await session.scalar(mine.limit(1)) is not None
    return rules.may_decide(by.id, by.role, copy.requested_by, presides, await session.get(User, by.id) is not None)


async def revoke(db: Database, copy_id: str, reason: str, by: User, now: datetime, seen: Seen | None = None) -> Copy:
    """Take a copy back that nobody has fetched: its making ends, and its file is removed.

    Raises NotFound, Forbidden("copy_not_yours"), Refused("copy_fetched") or ("copy_state"), ValidationFailed (field "reason").
    """
    reason = checked_reason(reason)
    async with db.writer() as session:
        copy = await _locked(session, copy_id, seen)
        if not rules.may_revoke(by.id, by.role, copy.requested_by, copy.decided_by):
            raise Forbidden("copy_not_yours")
        copy.state = rules.after(copy.state, "revoke", fetched=copy.fetched_at is not None)
        copy.reason, copy.revoked_name, copy.ended_at = reason, by.name, now
        await session.execute(delete(Job).where(Job.kind == KIND, Job.subject == copy.id))
        if by.id != copy.requested_by:
            await telling.to_asker(session, db, copy, "copy_revoked", now)
        await _write(session, by, "copy_revoked", copy, now, reason=reason)
    return copy


async def again(db: Database, copy_id: str, by: User, now: datetime, seen: Seen | None = None) -> Copy:
    """Have a copy made that could not be made. Raises as :func:`revoke`."""
    async with db.writer() as session:
        copy = await _locked(session, copy_id, seen)
        if not rules.may_revoke(by.id, by.role, copy.requested_by, copy.decided_by):
            raise Forbidden("copy_not_yours")
        copy.state = rules.after(copy.state, "again")
        await session.execute(delete(Job).where(Job.kind == KIND, Job.subject == copy.id))
        session.add(Job(kind=KIND, sitting_id=copy.sitting_id, subject=copy.id, created_at=now))
        await _write(session, by, "copy_again", copy, now)
    return copy


async def fetched(db: Database, copy_id: str, by: User, now: datetime, file: str = "", part: str = "") -> Copy:
    """Before a byte of it leaves: note who fetches it. `file`: which one, of a folder; `part`: which bytes, where a fetch that broke off
    goes on, which is the same fetch.

    Raises NotFound("copy_unknown") also for whoever may not fetch it, Refused("copy_not_there").
    """
    async with db.writer() as session:
        copy = await _locked(session, copy_id, None)
        if not rules.may_fetch(by.id, copy.requested_by, copy.decided_by):
            raise NotFound("copy_unknown")
        if not rules.is_there(copy.state, copy.expires_at, now):
            raise Refused("copy_not_there")
        copy.fetches += 0 if part else 1
        copy.fetched_at = copy.fetched_at or now
        about = {name: value for name, value in (("file", file), ("part", part)) if value}
        await _write(session, by, "copy_fetched", copy, now, sha256=copy.sha256, **about)
    return copy


def checked_reason(reason: str) -> str:
    """Raises ValidationFailed (field "reason")."""
    reason = " ".join(reason.split())
    if not reason:
        raise ValidationFailed([("reason", "copy_text_missing", {})])
    if len(reason) > rules.LONGEST["reason"]:
        raise ValidationFailed([("reason", "copy_text_long", {"most": rules.LONGEST["reason"]})])
    return reason


async def _locked(session: AsyncSession, copy_id: str, seen: Seen | None) -> Copy:
    # Of a joined row PostgreSQL can lock its own table alone.
    copy: Copy | None = await session.scalar(select(Copy).where(Copy.id == copy_id).with_for_update(of=Copy))
    if copy is None or copy.sitting.withheld_at is not None:
        raise NotFound("copy_unknown")
    if seen is not None:
        seen(copy)
    return copy


async def _write(session: AsyncSession, by: User | str, action: str, copy: Copy, now: datetime, **more: Any) -> None:
    detail = {"sitting": copy.sitting_id, "copy": copy.id, "number": copy.number, "receiver": copy.receiver, "unit": copy.unit, **more}
    await audit.write(session, by, action, f"{copy.sitting.case.number} {copy.number}", detail=detail, now=now)
