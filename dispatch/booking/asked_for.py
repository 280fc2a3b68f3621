"""Waiting for a time that is taken: whoever is first in line is offered it as soon as it is free.

An offer is a tentative booking of the very form that was typed; it is kept for a day and then, unless it is confirmed, offered to the next.
The line is by the moment of asking. Nothing needs to tell the line that a time is free (a cancellation, a move, a lapse, the end of a
closure, a judge who is free again): it looks a few times a minute, at those alone whose resources have changed since it looked last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from sqlalchemy import func, select

from dispatch import audit
from dispatch.booking import allowed, bookings
from dispatch.booking.draft import SittingDraft, problems, rows_of
from dispatch.booking.in_force import held
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.spans import Span
from dispatch.errors import NotFound, Refused, UserError, ValidationFailed
from dispatch.notices import outbox
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import Resource, Sitting, User, new_id
from dispatch.store.waiting_tables import AskedFor

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

KEPT = timedelta(hours=24)
"""So long an offer is kept, but never past the beginning of the sitting."""
MOST_OPEN = 20
"""So many times one clerk can wait for."""
OPEN = ("waiting", "offered")
SYSTEM = "system"
OFFERS = Counter("dispatch_asked_for_total", "Times that were waited for, by what became of it", ["state"])


def document(draft: SittingDraft) -> dict[str, Any]:
    """A form as it is kept."""
    kept = asdict(draft)
    for name in ("starts_at", "ends_at"):
        kept[name] = kept[name].isoformat()
    return kept


def draft_of(kept: Mapping[str, Any]) -> SittingDraft:
    """Inverse of :func:`document`."""
    values: dict[str, Any] = dict(kept)
    values |= {name: datetime.fromisoformat(values[name]) for name in ("starts_at", "ends_at")}
    values |= {name: tuple(values[name]) for name in ("rooms", "equipment")}
    values["participants"] = tuple(ParticipantDraft(**each) for each in values["participants"])
    values["apart"] = tuple((one, other) for one, other in values.get("apart", ()))
    return SittingDraft(**values)


async def ask(db: Database, draft: SittingDraft, by: User, now: datetime) -> AskedFor:
    """Put the form in the line for its room and time. Raises ValidationFailed as a booking does, or Refused("asked_many")."""
    found = problems(draft, now, await held(db))
    if found or draft.starts_at is None or draft.ends_at is None:
        raise ValidationFailed(found)
    if draft.starts_at <= now:
        raise ValidationFailed([("starts_at", "in_the_past", {})])
    async with db.writer() as session:
        room = await session.get(Resource, draft.room_id)
        if room is None or room.kind != "room" or not room.active:
            raise ValidationFailed([("room_id", "room_unknown", {})])
        span = Span(draft.starts_at, draft.ends_at)
        named = sorted({*draft.room_ids, *draft.equipment, *draft.user_ids})
        resources = list(await session.scalars(select(Resource).where(Resource.id.in_(named))))
        notice = allowed.noticed_from(draft.kind, now, db.site.zone)
        await allowed.overridden(session, db.site.zone, span, resources, draft.override_reason, notice, allowed.unguarded(rows_of(draft)))
        own = select(func.count()).where(AskedFor.created_by == by.id, AskedFor.state.in_(OPEN))
        if (await session.scalar(own) or 0) >= MOST_OPEN:
            raise Refused("asked_many", most=MOST_OPEN)
        row = AskedFor(
            id=new_id(), resource_id=room.id, starts_at=draft.starts_at, ends_at=draft.ends_at, draft=document(draft), state="waiting",
            created_by=by.id, created_at=now,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        times = {"starts": db.site.clock(row.starts_at), "ends": db.site.clock(row.ends_at, row.starts_at)}
        await audit.write(session, by, "time_asked_for", draft.case_number, detail={"asked": row.id, "room": room.name, **times}, now=now)
    OFFERS.labels("waiting").inc()
    return row


async def withdraw(db: Database, asked_id: str, by: User, now: datetime) -> None:
    """The clerk does not wait any more; an offer that was made stays as the tentative booking it is. Raises NotFound, for another's too, or
    Refused("asked_over")."""
    async with db.writer() as session:
        row = await session.get(AskedFor, asked_id, with_for_update={"of": AskedFor}, populate_existing=True)
        if row is None or row.created_by != by.id:
            raise NotFound("asked_unknown")
        if row.state != "waiting":
            raise Refused("asked_over")
        row.state = "withdrawn"
        await audit.write(session, by, "time_not_asked_for", row.draft["case_number"], detail={"asked": row.id}, now=now)
    OFFERS.labels("withdrawn").inc()


async def listed(db: Database, by: User, most: int = 100) -> list[tuple[AskedFor, int]]:
    """What a clerk has asked for, the newest first, each with how many were before it in the line for any of its time (0: it is next)."""
    async with db.reader() as session:
        own = select(AskedFor).where(AskedFor.created_by == by.id).order_by(AskedFor.created_at.desc(), AskedFor.id).limit(most)
        rows = list(await session.scalars(own))
        found = []
        for row in rows:
            before = select(func.count()).where(
                AskedFor.state == "waiting",
                AskedFor.resource_id == row.resource_id,
                AskedFor.starts_at < row.ends_at,
                AskedFor.ends_at > row.starts_at,
                (AskedFor.created_at < row.created_at) | ((AskedFor.created_at == row.created_at) & (AskedFor.id < row.id)),
            )
            found.append((row, int(await session.scalar(before) or 0) if row.state == "waiting" else 0))
    return found


class Line:
    """Serves the line. It remembers how the resources of each were when it looked last, so that it looks again only at a change."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    async def serve(self, db: Database, now: datetime) -> list[str]:
        """Note what became of offers, then make those that can be made, in the order of the line; the ids of the sittings offered."""
        await _settle(db, now)
        async with db.reader() as session:
            waiting = list(
                await session.scalars(select(AskedFor).where(AskedFor.state == "waiting").order_by(AskedFor.created_at, AskedFor.id))
            )
            revisions = {row.id: await _revision(session, draft_of(row.draft)) for row in waiting}
        self._seen = {key: seen for key, seen in self._seen.items() if key in revisions}
        offered = []
        for row in waiting:
            if self._seen.get(row.id) == revisions[row.id]:
                continue
            try:
                sitting_id = await _offer(db, row.id, now)
            except UserError:
                # It is taken, or against a rule by now: looked at again when one of its resources changes.
                self._seen[row.id] = revisions[row.id]
            else:
                if sitting_id:
                    offered.append(sitting_id)
        return offered


async def _revision(session: AsyncSession, draft: SittingDraft) -> int:
    """Goes up with every change of what a form would hold."""
    ids = {*draft.room_ids, *draft.equipment, *draft.user_ids}
    return int(await session.scalar(select(func.sum(Resource.revision)).where(Resource.id.in_(sorted(ids)))) or 0)


async def _settle(db: Database, now: datetime) -> None:
    """Offers that were confirmed are taken, those that were not are passed on; what lies in the past is over."""
    open_ = select(AskedFor).where(AskedFor.state.in_(OPEN))
    async with db.reader() as session:
        if not any(_became(row, now) for row in await session.scalars(open_)):
            return
    async with db.writer() as session:
        for row in await session.scalars(open_.with_for_update(of=AskedFor).execution_options(populate_existing=True)):
            if state := _became(row, now):
                row.state = state
                OFFERS.labels(state).inc()


def _became(row: AskedFor, now: datetime) -> str:
    if row.state == "waiting":
        return "over" if row.starts_at <= now else ""
    sitting = row.sitting
    if sitting is None or sitting.status == "cancelled":
        return "passed"
    return "taken" if sitting.booking.state in ("confirmed", "requested") else ""


async def _offer(db: Database, asked_id: str, now: datetime) -> str:
    """Hold the time for whoever asked; "" where another server was faster. Raises what a booking raises."""

    async def once(session: AsyncSession) -> str:
        # One offer at a time: two servers go along the line in the same order, and neither overtakes the other.
        await lock_words(session, "asked for")
        row = await session.get(AskedFor, asked_id, populate_existing=True)
        if row is None or row.state != "waiting" or row.starts_at <= now:
            return ""
        by = await session.get_one(User, row.created_by)
        until = min(now + KEPT, row.starts_at)
        sitting: Sitting = await bookings.book(session, db, draft_of(row.draft), by, now, held_until=until)
        row.state, row.sitting_id, row.held_until = "offered", sitting.id, until
        await session.flush()
        await outbox.offered(session, db, sitting, by.id, now)
        detail = {"asked": row.id, "sitting": sitting.id, "until": db.site.clock(until)}
        await audit.write(session, SYSTEM, "time_offered", row.draft["case_number"], detail=detail, now=now)
        return sitting.id

    sitting_id = await db.act(once)
    if sitting_id:
        OFFERS.labels("offered").inc()
    return sitting_id
