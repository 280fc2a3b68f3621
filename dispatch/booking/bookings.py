"""Booking rooms and people: a day's grid, making, moving, changing and cancelling a sitting.

Each act is one write transaction in which the conflicts are looked for, the change is made and the audit row is written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch import audit
from dispatch.booking import orders
from dispatch.booking.conflicts import ENDED, UNDER_WAY, refuse_conflicts
from dispatch.booking.draft import (
    LONGEST_REASON,
    ParticipantDraft,
    SittingDraft,
    normal_case_number,
    problems,
    span_problems,
    tidy,
    title_of,
)
from dispatch.booking.spans import Span
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import outbox, webhooks
from dispatch.notices.addresses import normal_email
from dispatch.store.tables import Booking, Case, Participant, Room, Sitting, User, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

__all__ = ["ParticipantDraft", "SittingDraft", "bounds", "cancel", "create_sitting", "day", "days", "move", "update_sitting"]


def bounds(day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments (UTC) at which a local day begins and ends; it has 23 or 25 hours where the clock is put."""
    return _midnight(day, tz), _midnight(day + timedelta(days=1), tz) if day < date.max else datetime.max.replace(tzinfo=UTC)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    try:
        return datetime.combine(day, time(0), tz).astimezone(UTC)
    except OverflowError:  # the first and the last day there are, where UTC has none left
        return datetime.min.replace(tzinfo=UTC) if day == date.min else datetime.max.replace(tzinfo=UTC)


async def day(db: Database, day: date, tz: ZoneInfo) -> list[tuple[Room, list[Booking]]]:
    """:func:`days` of one day."""
    return await days(db, day, day, tz)


async def days(db: Database, first: date, last: date, tz: ZoneInfo) -> list[tuple[Room, list[Booking]]]:
    """Each active room with what is held in it from a local day to another, both included, in order; `sitting` is loaded. A booking
    over midnight is on both days, one that ends at midnight on the first only. Cancelled ones are not listed."""
    begin, end = bounds(first, tz)[0], bounds(last, tz)[1]
    async with db.reader() as session:
        rooms = list(await session.scalars(select(Room).where(Room.active).order_by(Room.position, Room.name)))
        held = await session.scalars(
            select(Booking)
            .where(Booking.active, Booking.starts_at < end, Booking.ends_at > begin)
            .order_by(Booking.starts_at)
            .options(joinedload(Booking.sitting))
        )
        by_room: dict[str, list[Booking]] = {room.id: [] for room in rooms}
        for booking in held:
            if booking.room_id in by_room:
                by_room[booking.room_id].append(booking)
    return [(room, by_room[room.id]) for room in rooms]


async def create_sitting(db: Database, draft: SittingDraft, by: User, now: datetime, order: orders.Order | None = None) -> Sitting:
    """Book a sitting: case, sitting, booking, participants and their links. An `order` that was carried out before gives the
    sitting that it made.

    Raises ValidationFailed naming every bad field, Conflict naming what is in the way, or UserError("key_reused").
    """
    async with db.writer() as session:
        if (made := await orders.carried_out(session, order, now)) is not None:
            return await _get(session, made)
        sitting = await book(session, db, draft, by, now)
        orders.keep(session, order, sitting.id, now)
    return await _whole(db, sitting.id)


async def book(session: AsyncSession, db: Database, draft: SittingDraft, by: User, now: datetime) -> Sitting:
    """Inside a transaction: :func:`create_sitting` without an order, for whoever books several at once. Raises ValidationFailed or
    Conflict, after which the transaction (or the savepoint around it) is to be taken back."""
    found = problems(draft, now)
    staff, span = await _checked(session, draft, found)
    await refuse_conflicts(session, db.site, room_id=draft.room_id, user_ids=_user_ids(draft), span=span, now=now)
    sitting = Sitting(
        id=new_id(),
        kind=draft.kind,
        case=await _case(session, draft),
        title=title_of(draft),
        starts_at=span.start,
        ends_at=span.end,
        created_by=by.id if await session.get(User, by.id) is not None else None,  # a program has no account; the audit names it
        created_at=now,
    )
    session.add(sitting)
    room = await session.get_one(Room, draft.room_id)
    session.add(Booking(sitting=sitting, room_id=room.id, room=room, starts_at=span.start, ends_at=span.end))
    await session.flush()
    await _seat(session, db, sitting, draft, staff, now)
    await outbox.settle(session, db, sitting, now)
    await _note(session, db, by, "sitting_booked", sitting, room, now)
    return sitting


async def move(
    db: Database,
    sitting_id: str,
    room_id: str,
    starts_at: datetime,
    ends_at: datetime,
    by: User,
    now: datetime,
    seen: Callable[[Sitting], object] | None = None,
) -> Sitting:
    """Another room or another time. All personal links are issued anew: whoever holds an old one is told to ask.

    `seen` is called inside the transaction with the sitting as it is, and raises where it is not what the one who asks saw.
    Raises NotFound, Refused("sitting_live" …), ValidationFailed or Conflict.
    """
    async with db.writer() as session:
        sitting = await _open(session, sitting_id, seen)
        errors: list[FieldError] = list(span_problems(starts_at, ends_at, now))
        room = await session.get(Room, room_id)
        if room is None or not room.active:
            raise ValidationFailed([*errors, ("room_id", "room_unknown", {})])
        if errors:
            raise ValidationFailed(errors)
        await _place(session, db, sitting, room, Span(starts_at.astimezone(UTC), ends_at.astimezone(UTC)), by, now)
        await outbox.settle(session, db, sitting, now)
    return await _whole(db, sitting_id)


async def update_sitting(
    db: Database, sitting_id: str, change: SittingDraft | Callable[[Sitting], SittingDraft], by: User, now: datetime
) -> Sitting:
    """Change everything that the form shows. Where room or time change, links are issued anew as in :func:`move`.

    `change` is the form, or makes it inside the transaction from the sitting as it is. While the sitting is live, its case,
    title and people can still be changed, its room and time cannot. Raises as `move`.
    """
    async with db.writer() as session:
        sitting = await _get(session, sitting_id)
        draft = change(sitting) if callable(change) else change
        found = problems(draft, now)
        if sitting.status in ENDED:
            raise Refused(f"sitting_{sitting.status}", title=sitting.title)
        same_place = (draft.room_id, draft.starts_at, draft.ends_at) == (sitting.room.id, sitting.starts_at, sitting.ends_at)
        if same_place:
            # A sitting that is under way or runs over has begun in the past; that is no fault of the form.
            found = [each for each in found if each[1] != "in_the_past"]
        elif sitting.status in UNDER_WAY:
            raise Refused("sitting_live", title=sitting.title)
        staff, span = await _checked(session, draft, found, _present(sitting))
        if same_place:
            new = _user_ids(draft) - {participant.user_id for participant in sitting.participants}
            await refuse_conflicts(session, db.site, room_id=draft.room_id, user_ids=new, span=span, now=now, own=sitting.id, in_place=True)
        else:
            await _place(session, db, sitting, await session.get_one(Room, draft.room_id), span, by, now, _user_ids(draft))
        sitting.case, sitting.title = await _case(session, draft), title_of(draft)
        addresses = outbox.addresses_of(sitting)
        await _seat(session, db, sitting, draft, staff, now)
        await outbox.note_addresses(session, by, sitting, addresses, now)
        await outbox.settle(session, db, sitting, now)
        await _note(session, db, by, "sitting_changed", sitting, sitting.room, now)
    return await _whole(db, sitting_id)


async def cancel(
    db: Database, sitting_id: str, reason: str, by: User, now: datetime, seen: Callable[[Sitting], object] | None = None
) -> Sitting:
    """Cancel a sitting that has not begun; its room and people are free, its links are revoked. `seen` as in :func:`move`.

    Raises NotFound, Refused("sitting_live" …) or ValidationFailed (field "reason").
    """
    reason = tidy(reason)
    if not reason:
        raise ValidationFailed([("reason", "required", {})])
    if len(reason) > LONGEST_REASON:
        raise ValidationFailed([("reason", "too_long", {"most": LONGEST_REASON})])
    async with db.writer() as session:
        sitting = await _open(session, sitting_id, seen)
        sitting.status, sitting.cancel_reason = "cancelled", reason
        sitting.revise(now)
        for booking in sitting.bookings:
            booking.active = False
        for participant in sitting.participants:
            invitations.withdraw(participant, "cancelled", now)
        await outbox.settle(session, db, sitting, now)
        await _note(session, db, by, "sitting_cancelled", sitting, sitting.room, now, reason=reason)
    return await _whole(db, sitting_id)


# ------------------------------------------------------------------------------------------------ inside the transaction


async def _get(session: AsyncSession, sitting_id: str) -> Sitting:
    sitting = await session.get(Sitting, sitting_id)
    if sitting is None:
        raise NotFound("sitting_unknown")
    return sitting


async def _whole(db: Database, sitting_id: str) -> Sitting:
    """The sitting as it is now, with everything that belongs to it."""
    async with db.reader() as session:
        return await _get(session, sitting_id)


async def _open(session: AsyncSession, sitting_id: str, seen: Callable[[Sitting], object] | None = None) -> Sitting:
    """A sitting that may still be moved or cancelled, and that is as it was `seen`."""
    sitting = await _get(session, sitting_id)
    if seen is not None:
        seen(sitting)
    if sitting.status in UNDER_WAY:
        raise Refused("sitting_live", title=sitting.title)
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)
    return sitting


async def _checked(
    session: AsyncSession, draft: SittingDraft, found: list[FieldError], present: dict[str, Participant] | None = None
) -> tuple[dict[str, User], Span]:
    """The users that the draft names, by id, and its span. Raises ValidationFailed with `found` and whatever the database adds to it."""
    named = (
        ("chair_id", draft.chair_id, "judge"),
        ("clerk_id", draft.clerk_id, "clerk"),
        ("prosecutor_id", draft.prosecutor_id, "prosecutor"),
    )
    users = {user.id: user for user in await session.scalars(select(User).where(User.id.in_(_user_ids(draft)), User.active))}
    for field, user_id, role in named:
        if user_id and (user_id not in users or users[user_id].role != role):
            found.append((field, "user_unknown", {}))
    for number, row in enumerate(draft.participants):
        if row.user_id and row.user_id not in users:
            found.append((f"participants.{number}.name", "user_unknown", {}))
        held = present.get(row.id) if present else None
        if row.id and (held is None or held.user_id not in (None, row.user_id)):
            found.append((f"participants.{number}.name", "participant_unknown", {}))
    room = await session.get(Room, draft.room_id) if draft.room_id else None
    if draft.room_id and (room is None or not room.active):
        found.append(("room_id", "room_unknown", {}))
    if found or draft.starts_at is None or draft.ends_at is None:
        raise ValidationFailed(found)
    return users, Span(draft.starts_at.astimezone(UTC), draft.ends_at.astimezone(UTC))


def _user_ids(draft: SittingDraft) -> set[str]:
    return {draft.chair_id, draft.clerk_id, draft.prosecutor_id, *(row.user_id for row in draft.participants)} - {""}


def _present(sitting: Sitting) -> dict[str, Participant]:
    return {participant.id: participant for participant in sitting.participants}


async def _case(session: AsyncSession, draft: SittingDraft) -> Case:
    """The case of that number; a new one takes the draft's title."""
    number = normal_case_number(draft.case_number)
    case: Case | None = await session.scalar(select(Case).where(Case.number == number))
    if case is None:
        case = Case(number=number, title=tidy(draft.case_title) or tidy(draft.title))
        session.add(case)
        await session.flush()
    return case


def _rows(draft: SittingDraft, staff: dict[str, User]) -> list[ParticipantDraft]:
    """All who take part, in their order: the bench, the clerk, the prosecutor, then the form's rows."""
    rows = [ParticipantDraft("", "judge", user_id=draft.chair_id)]
    if draft.clerk_id:
        rows.append(ParticipantDraft("", "clerk", user_id=draft.clerk_id))
    if draft.prosecutor_id:
        rows.append(ParticipantDraft("", "prosecutor", user_id=draft.prosecutor_id))
    return [*rows, *draft.participants]


async def _seat(session: AsyncSession, db: Database, sitting: Sitting, draft: SittingDraft, staff: dict[str, User], now: datetime) -> None:
    """Make the sitting's participants those of the draft: change who stays, add who is new, take out who is gone."""
    present = {} if sitting in session.new else await _participants(session, sitting.id)
    by_user = {p.user_id: p for p in present.values() if p.user_id is not None}
    kept: set[str] = set()
    for position, row in enumerate(_rows(draft, staff)):
        user = staff.get(row.user_id)
        participant = present.get(row.id) or (by_user.get(user.id) if user else None)
        if participant is None:
            participant = Participant(id=new_id(), sitting_id=sitting.id, invitations=[])
            session.add(participant)
        participant.user_id = user.id if user else None
        participant.name = tidy(row.name) or (user.name if user else "")
        participant.phone = row.phone.strip() or (user.phone if user else "")
        participant.email = "" if user or not row.email.strip() else normal_email(row.email)
        participant.role, participant.position = row.role, position
        participant.seat = "link" if user else row.seat
        kept.add(participant.id)
        await session.flush()
        _settle_link(session, db, sitting, participant, now)
    for participant in present.values():
        if participant.id not in kept:
            participant.removed_at = now
            invitations.withdraw(participant, "removed", now)
    await session.flush()
    session.expire(sitting, ["participants"])


async def _participants(session: AsyncSession, sitting_id: str) -> dict[str, Participant]:
    found = await session.scalars(select(Participant).where(Participant.sitting_id == sitting_id, Participant.removed_at.is_(None)))
    return {participant.id: participant for participant in found}


def _settle_link(session: AsyncSession, db: Database, sitting: Sitting, participant: Participant, now: datetime) -> None:
    """A link for whoever needs one and has none; none for whoever sits in the room by now."""
    if not invitations.needs_link(participant):
        invitations.withdraw(participant, "reissued", now)
    elif not any(invitation.revoked_at is None for invitation in participant.invitations):
        invitations.give(session, db, participant, invitations.expiry(db, sitting), now)


async def _place(
    session: AsyncSession,
    db: Database,
    sitting: Sitting,
    room: Room,
    span: Span,
    by: User,
    now: datetime,
    user_ids: set[str] | None = None,
) -> None:
    """Put a sitting into a room and a time, links issued anew; nothing happens when it is there already."""
    if (room.id, span.start, span.end) == (sitting.room.id, sitting.starts_at, sitting.ends_at):
        return
    users = user_ids if user_ids is not None else {p.user_id for p in sitting.participants if p.user_id is not None}
    await refuse_conflicts(session, db.site, room_id=room.id, user_ids=users, span=span, now=now, own=sitting.id)
    sitting.starts_at, sitting.ends_at = span.start, span.end
    sitting.revise(now)
    for booking in sitting.bookings:
        booking.room, booking.room_id, booking.starts_at, booking.ends_at = room, room.id, span.start, span.end
    for participant in sitting.participants:
        if invitations.withdraw(participant, "moved", now) or invitations.needs_link(participant):
            invitations.give(session, db, participant, invitations.expiry(db, sitting), now)
    await session.flush()
    for participant in sitting.participants:
        await session.refresh(participant, ["invitations"])
    await _note(session, db, by, "sitting_moved", sitting, room, now)


async def _note(
    session: AsyncSession, db: Database, by: User, action: str, sitting: Sitting, room: Room, now: datetime, **detail: str
) -> None:
    await webhooks.note(session, action.replace("_", ".", 1), sitting, now)
    await audit.write(
        session,
        by,
        action,
        f"{sitting.case.number} {sitting.title}",
        detail={
            "sitting": sitting.id,
            "room": room.name,
            "starts": db.site.clock(sitting.starts_at),
            "ends": db.site.clock(sitting.ends_at, sitting.starts_at),
            **detail,
        },
        now=now,
    )
