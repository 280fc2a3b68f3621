"""Destructions: proposed by one, approved by another after his password was asked again, stopped by either while there is time.

Everything is decided alone in the database (:meth:`dispatch.store.database.Database.writer`), as a hold is: whichever comes first,
the other finds it. Carrying out is :mod:`dispatch.keeping.carrying_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import NotFound, Refused
from dispatch.keeping import powers, rules, standing, telling
from dispatch.keeping.rules import Proposed
from dispatch.sittings.listing import SEES_ALL
from dispatch.store.archive_tables import Recording
from dispatch.store.keeping_tables import Destruction, DestructionItem
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import Exists
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

MOST = 200
"""Recordings on one list: it is read, and put on a certificate, by people."""


def _unchecked(_: object) -> None:
    """Nobody asked for a certain version."""


def as_proposed(row: Destruction) -> Proposed:
    """The row as the rules see it."""
    return Proposed(row.proposed_by_id, bool(row.order_reference), row.state, row.approved_by_id, row.due_at)


async def propose(
    db: Database,
    sittings: Sequence[str],
    reason: str,
    order_reference: str,
    by: User,
    now: datetime,
    sent: orders.Order | None = None,
) -> Destruction:
    """Propose to destroy these recordings. `order_reference`: of a court's order, where they have not expired.

    Raises UserError "reason_missing", "too_long"; NotFound("recording_unknown"); Refused "nothing_listed", "list_long",
    "already_destroyed", "on_hold", "not_expired", "listed_already" (another list that is open has it), with `number` of the case.
    """
    why = rules.stated(reason, "reason")
    order = rules.stated(order_reference, "order_reference", rules.LONGEST_REFERENCE) if order_reference.strip() else ""
    wanted = list(dict.fromkeys(sittings))
    if len(wanted) > MOST:
        raise Refused("list_long", "sittings", most=MOST)
    async with db.writer() as session:
        if (made := await orders.made_before(session, sent, now)) and (there := await session.get(Destruction, made)) is not None:
            return there
        recordings = await _named(session, wanted, by)
        found = await standing.of(session, recordings, db.site.zone)
        today = now.astimezone(db.site.zone).date()
        for each in found:
            number = each.recording.sitting.case.number
            if refusal := rules.why_not(each.kept, today, order=bool(order)):
                raise Refused(refusal, "sittings", number=number)
            if await session.scalar(select(_open_with(each.recording.sitting_id))):
                raise Refused("listed_already", "sittings", number=number)
        proposed = rules.propose(by.id, (each.kept for each in found), today, order=bool(order))
        year = now.astimezone(db.site.zone).year
        row = Destruction(year=year, running=await next_running(session, year), proposed_by_id=by.id, proposed_by=by.name, proposed_at=now)
        row.state, row.reason, row.order_reference = proposed.state, why, order
        row.items = [
            DestructionItem(
                sitting_id=each.recording.sitting_id,
                position=position,
                retention=each.kept.retention,
                expired_on=each.expires_on,
                bytes=each.recording.bytes,
            )
            for position, each in enumerate(found)
        ]
        session.add(row)
        await session.flush()
        await orders.keep_made(session, sent, row.id, now)
        await telling.asked(session, db, row, [each.recording for each in found], now)
        await _audit(session, row, by, "destruction_proposed", now, reason=why)
    return row


async def next_running(session: AsyncSession, year: int) -> int:
    """The number in that year of the next one; until this transaction ends nobody else gets it."""
    await lock_words(session, f"destructions of {year}")
    last = await session.scalar(select(func.max(Destruction.running)).where(Destruction.year == year))
    return (last or 0) + 1


async def approve(
    db: Database, destruction_id: str, by: User, now: datetime, wait: timedelta, check: Callable[[Destruction], None] = _unchecked
) -> Destruction:
    """Another one approves; his password has been asked before (:func:`dispatch.identity.sign_in.confirm`).

    Raises Forbidden("power_missing"), NotFound("destruction_unknown"), Refused "destruction_settled", "destruction_own", and those of
    :func:`rules.why_not` where something of the list may not be destroyed by now.
    """
    async with db.writer() as session:
        await powers.must_hold(session, by, rules.APPROVE)
        row = await get(session, destruction_id, by)
        check(row)
        approved = rules.approve(as_proposed(row), by.id, now, wait)
        today = now.astimezone(db.site.zone).date()
        for each in await standing.of(session, [item.recording for item in row.items], db.site.zone):
            if refusal := rules.why_not(each.kept, today, order=bool(row.order_reference)):
                raise Refused(refusal, number=each.recording.sitting.case.number)
        row.state, row.due_at = approved.state, approved.due_at
        row.approved_by, row.approved_by_id, row.approved_at = by.name, by.id, now
        await _audit(session, row, by, "destruction_approved", now, due=_said(approved.due_at))
    return row


async def stop(
    db: Database, destruction_id: str, reason: str, by: User, now: datetime, check: Callable[[Destruction], None] = _unchecked
) -> Destruction:
    """Either of the two stops it. Raises UserError at "stop_reason", NotFound, Forbidden("destruction_not_yours"),
    Refused "destruction_settled", "destruction_begun"."""
    why = rules.stated(reason, "stop_reason")
    async with db.writer() as session:
        row = await get(session, destruction_id, by)
        check(row)
        held = await powers.of(session, by)
        row.state = rules.stop(as_proposed(row), by.id, may_approve=rules.APPROVE in held).state
        row.stopped_by, row.stopped_at, row.stop_reason = by.name, now, why
        await _audit(session, row, by, "destruction_stopped", now, reason=why)
    return row


async def get(session: AsyncSession, destruction_id: str, by: User) -> Destruction:
    """One of them, if `by` may see all that it lists. Raises NotFound("destruction_unknown")."""
    row = await session.get(Destruction, destruction_id, populate_existing=True)
    if row is None or not await is_seen(session, row, by):
        raise NotFound("destruction_unknown")
    return row


async def is_seen(session: AsyncSession, row: Destruction, by: User) -> bool:
    """Whether `by` may see it: who sees every recording, who proposed it, and who may approve it; where it lists a sealed juvenile
    record, of these only who was given the power to see that."""
    held = await powers.of(session, by)
    ones = by.role in SEES_ALL or by.id == row.proposed_by_id or rules.APPROVE in held
    return ones and (rules.SEALED in held or not _lists_withheld(row))


async def find(db: Database, destruction_id: str, by: User) -> Destruction:
    """As :func:`get`, in a moment of its own."""
    async with db.reader() as session:
        return await get(session, destruction_id, by)


async def listed(session: AsyncSession, by: User, after: tuple[datetime, str] | None, size: int) -> tuple[list[Destruction], bool]:
    """The newest first, behind the one where the page before ended; whether there are more. None that lists what `by` may not see."""
    wanted = select(Destruction).order_by(Destruction.proposed_at.desc(), Destruction.id.desc())
    held = await powers.of(session, by)
    if by.role not in SEES_ALL and rules.APPROVE not in held:
        wanted = wanted.where(Destruction.proposed_by_id == by.id)
    if rules.SEALED not in held:
        item = exists().where(DestructionItem.destruction_id == Destruction.id, DestructionItem.sitting_id == Sitting.id)
        wanted = wanted.where(~item.where(Sitting.withheld_at.is_not(None)))
    if after is not None:
        at, last = after
        wanted = wanted.where((Destruction.proposed_at < at) | ((Destruction.proposed_at == at) & (Destruction.id < last)))
    found = list(await session.scalars(wanted.limit(size + 1)))
    return found[:size], len(found) > size


async def of_sitting(session: AsyncSession, sitting_id: str) -> Destruction | None:
    """The newest that lists a recording."""
    wanted = select(Destruction).join(DestructionItem).where(DestructionItem.sitting_id == sitting_id)
    found: Destruction | None = await session.scalar(wanted.order_by(Destruction.proposed_at.desc()).limit(1))
    return found


def _open_with(sitting_id: str) -> Exists:
    item = DestructionItem.destruction_id == Destruction.id
    return exists().where(item, DestructionItem.sitting_id == sitting_id, Destruction.state.in_(rules.OPEN))


def _lists_withheld(row: Destruction) -> bool:
    return any(item.recording.sitting.withheld_at is not None for item in row.items)


async def _named(session: AsyncSession, sittings: Sequence[str], by: User) -> list[Recording]:
    sees_sealed = rules.SEALED in await powers.of(session, by)
    found = []
    for sitting_id in sittings:
        recording = await session.get(Recording, sitting_id)
        if recording is None or recording.sealed_at is None or (recording.sitting.withheld_at is not None and not sees_sealed):
            raise NotFound("recording_unknown")
        found.append(recording)
    return found


async def _audit(session: AsyncSession, row: Destruction, by: User | str, action: str, now: datetime, **more: str) -> None:
    detail = {"destruction": row.id, "sittings": [item.sitting_id for item in row.items], "order": row.order_reference, **more}
    await audit.write(session, by, action, row.number, detail=detail, now=now)


def _said(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""
