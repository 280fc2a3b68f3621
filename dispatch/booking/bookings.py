"""Booking rooms, equipment and people: making, moving, changing and cancelling a sitting.

Each act is one transaction in which the conflicts are looked for, the change is made and, last, the audit row is written.
Locks are taken in one order by all of them: the order's key, the sitting, the resources, the case, the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dispatch import audit
from dispatch.booking import allowed, history, holds, orders, protection
from dispatch.booking.conflicts import ENDED, UNDER_WAY, Want, refuse_conflicts
from dispatch.booking.draft import LONGEST_REASON, SittingDraft, draft_of, problems, rows_of, span_problems, title_of
from dispatch.booking.in_force import held_in
from dispatch.booking.named import ask_ahead, checked
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.seating import case_of, reissue_links, seat, seated
from dispatch.booking.spans import Span
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.identity import invitations
from dispatch.notices import outbox, webhooks
from dispatch.store import direct
from dispatch.store.resources import MEANS
from dispatch.store.tables import Booking, Resource, Sitting, User, new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

__all__ = ["ParticipantDraft", "SittingDraft", "cancel", "create", "create_sitting", "move", "update_sitting"]

LONGEST_TENTATIVE = timedelta(days=14)
"""No time is kept longer for somebody who has not made up his mind."""


async def create_sitting(
    db: Database, draft: SittingDraft, by: User, now: datetime, order: orders.Order | None = None, *, held_until: datetime | None = None
) -> Sitting:
    """:func:`create`, and the sitting with everything that belongs to it."""
    return await whole(db, await create(db, draft, by, now, order, held_until=held_until))


async def create(
    db: Database, draft: SittingDraft, by: User, now: datetime, order: orders.Order | None = None, *, held_until: datetime | None = None
) -> str:
    """Book a sitting: case, sitting, booking with its holds, participants and their links; its id. An `order` that was carried out
    before gives the sitting that it made. With `held_until` the booking is tentative: it lapses then unless it is confirmed.

    Raises ValidationFailed naming every bad field, Conflict naming what is in the way, or UserError("key_reused").
    """

    async def once(session: AsyncSession) -> str:
        if (made := await orders.carried_out(session, order, now)) is not None:
            return made
        return (await book(session, db, draft, by, now, order, held_until=held_until)).id

    return await db.act(once)


async def book(
    session: AsyncSession,
    db: Database,
    draft: SittingDraft,
    by: User,
    now: datetime,
    order: orders.Order | None = None,
    *,
    held_until: datetime | None = None,
) -> Sitting:
    """Inside a transaction: what :func:`create_sitting` does, for whoever books several at once. Raises ValidationFailed or Conflict,
    after which the transaction, or the savepoint around it, is to be taken back."""
    await ask_ahead(session, draft, by)
    found = problems(draft, now, await held_in(session))
    if held_until is not None and not now < held_until <= now + LONGEST_TENTATIVE:
        found.append(("held_until", "held_until_range", {"most": LONGEST_TENTATIVE.days}))
    named = await checked(session, draft, found, by)
    sitting = Sitting(
        id=new_id(),
        kind=draft.kind,
        title=title_of(draft),
        starts_at=named.span.start,
        ends_at=named.span.end,
        sequence=0,
        created_by=named.by,
        created_at=now,
    )
    booking = Booking(
        id=new_id(),
        sitting_id=sitting.id,
        sitting=sitting,
        starts_at=named.span.start,
        ends_at=named.span.end,
        held_until=held_until,
        holds=[],
    )
    await refuse_conflicts(session, db.site, Want.whole(named.span, named.resources, sitting.id), now)
    notice = allowed.noticed_from(sitting.kind, now, db.site.zone)
    minors = allowed.unguarded(rows_of(draft))
    rules = await allowed.overridden(session, db.site.zone, named.span, named.resources, draft.override_reason, notice, minors)
    booking.override_reason = tidy(draft.override_reason) if rules else ""
    booking.state = state_of(named.resources, by, tentative=held_until is not None)
    sitting.case = await case_of(session, draft, now)
    sitting.case_id = sitting.case.id
    holds.take_first(booking, named.resources, named.span)
    # People before holds: who joins a sitting that holds something already changes what is shown of it (migration 0012).
    people = seated(db, sitting, draft, named.staff, now)
    await direct.insert(session, (sitting, *people, booking, *booking.holds), holds.change_of([each.id for each in named.resources]))
    orders.keep(session, order, sitting.id, now)
    await write_down(session, db, by, "sitting_booked", sitting, named.resources, now, **_overriding(booking, rules))
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
    *,
    instead_of: str = "",
    override_reason: str = "",
) -> Sitting:
    """Another room or another time. All personal links are issued anew: whoever holds an old one is told to ask.

    `room_id` takes the place of the room `instead_of`, of the first one where none is named; what else is held goes along.
    `seen` is called inside the transaction with the sitting as it is, and raises where it is not what the one who asks saw.
    `override_reason`: why it is to be outside the rules there (:mod:`dispatch.booking.allowed`).
    Raises NotFound, Refused("sitting_live" …), ValidationFailed or Conflict.
    """

    async def place(session: AsyncSession) -> None:
        sitting = await still_open(session, sitting_id, now, seen)
        errors: list[FieldError] = list(span_problems(starts_at, ends_at, now))
        if len(tidy(override_reason)) > LONGEST_REASON:
            errors.append((allowed.FIELD, "too_long", {"most": LONGEST_REASON}))
        room = await session.get(Resource, room_id)
        if room is None or room.kind != "room" or not room.active:
            raise ValidationFailed([*errors, ("room_id", "room_unknown", {})])
        if errors:
            raise ValidationFailed(errors)
        old = instead_of or sitting.room.id
        if old not in {each.id for each in sitting.rooms}:
            raise ValidationFailed([("room_id", "room_unknown", {})])
        present = [hold.resource_id for hold in sitting.booking.holds]
        wanted = [room_id if each == old else each for each in present if each == old or each != room_id]
        span = Span(starts_at.astimezone(UTC), ends_at.astimezone(UTC))
        if wanted == present and span == Span(sitting.starts_at, sitting.ends_at):
            return
        locked = await holds.locked(session, {*wanted, *present})
        resources = holds.in_order((locked[each] for each in wanted), wanted)
        before = await history.facts(session, db.site, sitting)
        rules = await _place(session, db, sitting, resources, span, by, now, tidy(override_reason))
        await reissue_links(session, db, sitting, now)
        differing = history.differences(before, await history.facts(session, db.site, sitting, resources), history.PLACE)
        await write_down(session, db, by, "sitting_moved", sitting, resources, now, **_overriding(sitting.booking, rules), **differing)

    await db.act(place)
    return await whole(db, sitting_id)


async def update_sitting(
    db: Database, sitting_id: str, change: SittingDraft | Callable[[Sitting], SittingDraft], by: User, now: datetime
) -> Sitting:
    """Change everything that the form shows. Where rooms or time change, links are issued anew as in :func:`move`.

    `change` is the form, or makes it inside the transaction from the sitting as it is. While the sitting is live, its case,
    title, equipment and people can still be changed, its rooms and time cannot. Raises as `move`.
    """

    async def act(session: AsyncSession) -> None:
        await revise(session, db, await holds.locked_sitting(session, sitting_id), change, by, now)

    await db.act(act)
    return await whole(db, sitting_id)


async def revise(
    session: AsyncSession, db: Database, sitting: Sitting, change: SittingDraft | Callable[[Sitting], SittingDraft], by: User, now: datetime
) -> None:
    """Inside a transaction: what :func:`update_sitting` does to a sitting that is locked. Raises before anything is changed."""
    draft = change(sitting) if callable(change) else change
    found = problems(draft, now, await held_in(session))
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)
    refuse_lapsed(sitting, now)
    same_time = (draft.starts_at, draft.ends_at) == (sitting.starts_at, sitting.ends_at)
    same_place = same_time and list(draft.room_ids) == [room.id for room in sitting.rooms]
    if same_place:
        # A sitting that is under way or runs over has begun in the past; that is no fault of the form.
        found = [each for each in found if each[1] != "in_the_past"]
    elif sitting.status in UNDER_WAY:
        raise Refused("sitting_live", title=sitting.title)
    former = draft_of(sitting)
    if sitting.status != "planned" and protection.differs(rows_of(former), former.apart, rows_of(draft), draft.apart):
        found.append(("apart", "apart_open", {}))
    named = await checked(session, draft, found, by, sitting)
    resources, before = named.resources, await history.facts(session, db.site, sitting)
    minors = allowed.unguarded(rows_of(draft), rows_of(former))
    rules = await _place(session, db, sitting, resources, named.span, by, now, tidy(draft.override_reason), minors)
    case, title = await case_of(session, draft, now), title_of(draft)
    if not same_place:
        await reissue_links(session, db, sitting, now)
    sitting.case, sitting.title = case, title
    addresses = outbox.addresses_of(sitting)
    await seat(session, db, sitting, draft, named.staff, now)
    await outbox.note_addresses(session, by, sitting, addresses, now)
    overriding, after = _overriding(sitting.booking, rules), await history.facts(session, db.site, sitting, resources)
    moved, changed = (history.differences(before, after, fields) for fields in (history.PLACE, history.FIELDS[len(history.PLACE) :]))
    if not same_place:
        await write_down(session, db, by, "sitting_moved", sitting, resources, now, **overriding, **moved)
    await write_down(session, db, by, "sitting_changed", sitting, resources, now, **overriding, **changed)


async def cancel(
    db: Database, sitting_id: str, reason: str, by: User, now: datetime, seen: Callable[[Sitting], object] | None = None
) -> Sitting:
    """Cancel a sitting that has not begun; what it held is free, its links are revoked. `seen` as in :func:`move`.

    Raises NotFound, Refused("sitting_live" …) or ValidationFailed (field "reason").
    """
    reason = checked_reason(reason)

    async def call_off(session: AsyncSession) -> None:
        sitting = await still_open(session, sitting_id, now, seen, lapsed=True)
        await end(session, sitting, reason, now)
        await write_down(session, db, by, "sitting_cancelled", sitting, None, now, reason=reason)

    await db.act(call_off)
    return await whole(db, sitting_id)


# ------------------------------------------------------------------------------------------------ inside the transaction


def checked_reason(reason: str) -> str:
    """A reason as it is kept. Raises ValidationFailed (field "reason")."""
    reason = tidy(reason)
    if not reason:
        raise ValidationFailed([("reason", "required", {})])
    if len(reason) > LONGEST_REASON:
        raise ValidationFailed([("reason", "too_long", {"most": LONGEST_REASON})])
    return reason


async def whole(db: Database, sitting_id: str) -> Sitting:
    """The sitting as it is now, with everything that belongs to it. Raises NotFound."""
    async with db.reader() as session:
        sitting = await session.get(Sitting, sitting_id)
        if sitting is None:
            raise NotFound("sitting_unknown")
        return sitting


async def still_open(
    session: AsyncSession, sitting_id: str, now: datetime, seen: Callable[[Sitting], object] | None = None, *, lapsed: bool = False
) -> Sitting:
    """A sitting that may still be moved or cancelled, locked, and that is as it was `seen`; with `lapsed` also where its time is not
    kept for it any more."""
    sitting = await holds.locked_sitting(session, sitting_id)
    if seen is not None:
        seen(sitting)
    if sitting.status in UNDER_WAY:
        raise Refused("sitting_live", title=sitting.title)
    if sitting.status in ENDED:
        raise Refused(f"sitting_{sitting.status}", title=sitting.title)
    if not lapsed:
        refuse_lapsed(sitting, now)
    return sitting


def refuse_lapsed(sitting: Sitting, now: datetime) -> None:
    """Raises Refused("booking_lapsed") for a tentative booking that nobody confirmed in time."""
    booking = sitting.booking
    if holds.lapsed(booking.state, booking.held_until, sitting.status, now):
        raise Refused("booking_lapsed", title=sitting.title)


async def end(session: AsyncSession, sitting: Sitting, reason: str, now: datetime) -> None:
    """The sitting is cancelled: what it held is free, its links are revoked."""
    await holds.locked(session, (hold.resource_id for hold in sitting.booking.holds))
    sitting.status, sitting.cancel_reason = "cancelled", reason
    sitting.revise(now)
    for booking in sitting.bookings:
        booking.state = "cancelled"
        await holds.release(session, booking)
    for participant in sitting.participants:
        invitations.withdraw(participant, "cancelled", now)


async def write_down(
    session: AsyncSession, db: Database, by: User | str, action: str, sitting: Sitting, resources: list[Resource] | None, now: datetime,
    **detail: Any,
) -> None:  # fmt: skip
    """What every act on a sitting ends with: people and programs are told, and the audit row is written. `resources`: what the
    sitting holds now, where that may have changed."""
    await outbox.settle(session, db, sitting, now, outbox.OUTCOMES.get(action, ""))
    await webhooks.note(session, webhooks.OF_ACT[action], sitting, now)
    listed = resources if resources is not None else [hold.resource for hold in sitting.booking.holds]
    names = {kind: [each.name for each in listed if each.kind == kind] for kind in holds.ORDER}
    also = {"rooms": names["room"][1:], "equipment": [name for kind in MEANS for name in names[kind]]}
    state = sitting.booking.state
    await audit.write(
        session,
        by,
        action,
        f"{sitting.case.number} {sitting.title}",
        detail={
            "sitting": sitting.id,
            "room": names["room"][0],
            **{key: "、".join(named) for key, named in also.items() if named},
            "starts": db.site.clock(sitting.starts_at),
            "ends": db.site.clock(sitting.ends_at, sitting.starts_at),
            **({"state": state} if state in ("tentative", "requested") else {}),
            **detail,
        },
        now=now,
    )


def state_of(resources: list[Resource], by: User, *, tentative: bool) -> str:
    """How firm a booking is that `by` makes."""
    if tentative:
        return "tentative"
    asks = any(each.needs_approval or (each.booked_by is not None and by.role not in each.booked_by) for each in resources)
    return "requested" if asks else "confirmed"


def _overriding(booking: Booking, rules: list[str]) -> dict[str, str]:
    """What an audit row says of rules that were overridden."""
    return {"overridden": "、".join(rules), "override_reason": booking.override_reason} if rules else {}


async def _place(
    session: AsyncSession, db: Database, sitting: Sitting, resources: list[Resource], span: Span, by: User, now: datetime, reason: str,
    minors: Sequence[allowed.Broken] = (),
) -> list[str]:  # fmt: skip
    """Have a sitting hold these resources, which are locked, at that time; what it holds then already is not looked at again. The
    rules that the `reason` overrides; `minors`: those that are newly there without a guardian."""
    booking = sitting.booking
    same_time = span == Span(sitting.starts_at, sitting.ends_at)
    holding = {hold.resource_id for hold in await holds.held(session, booking) if hold.active} if same_time else set()
    await refuse_conflicts(session, db.site, Want.whole(span, resources, sitting.id, holding), now)
    if not same_time or {each.id for each in resources if each.kind != "person"} - holding:
        booking.state = state_of(resources, by, tentative=booking.state == "tentative")
    elsewhere = not same_time or [each.id for each in resources if each.kind == "room"] != [room.id for room in sitting.rooms]
    notice = allowed.noticed_from(sitting.kind, now, db.site.zone) if elsewhere else None
    new = [each for each in resources if each.id not in holding]
    rules = await allowed.overridden(session, db.site.zone, span, new, reason, notice, minors) if new or elsewhere or minors else []
    if rules or not same_time:
        # What was said of a minor without his guardian is said for every time.
        kept = booking.override_reason if protection.unguarded(rows_of(draft_of(sitting))) else ""
        booking.override_reason = (reason or kept) if rules else kept
    elif booking.override_reason and reason:
        booking.override_reason = reason  # put better: what it is for stays as it was
    if elsewhere:
        sitting.revise(now)
    sitting.starts_at, sitting.ends_at = span.start, span.end
    await holds.take(session, booking, resources, span)
    return rules
