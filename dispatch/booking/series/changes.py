"""Changing, moving and cancelling sittings of a series: this one, this and those after it, or all that have not begun.

Each is one transaction: whole or nothing. Locks as in :mod:`dispatch.booking.bookings`: the series, its sittings in the order of their
ids, every resource that any of them holds or is to hold in the order of theirs, then the case and the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from dispatch.booking import allowed, bookings, holds
from dispatch.booking.draft import SittingDraft, draft_of
from dispatch.booking.series.difference import Difference
from dispatch.booking.series.recurrence import Series, moved, split
from dispatch.booking.series.series import ACTS, WORDS, kept_as, load, note, read, written
from dispatch.errors import Clash, Conflict, FieldError, NotFound, Refused, SeriesConflict, ValidationFailed
from dispatch.store.tables import SeriesRow, Sitting, User, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

Scope = Literal["this", "later", "all"]
SCOPES: tuple[Scope, ...] = ("this", "later", "all")
"""Which sittings an act on one of a series is for."""
AHEAD = ("planned", "open")

Seen = Callable[[SeriesRow, Series, list[Sitting]], object]
"""Called with the series as it is inside the transaction, but where the scope is "this"; raises where that is not what was seen."""
Form = SittingDraft | Callable[[Sitting], SittingDraft]


async def change(
    db: Database,
    sitting_id: str,
    scope: Scope,
    form: Form,
    by: User,
    now: datetime,
    leave: Collection[str] = (),
    seen: Seen | None = None,
) -> list[str]:
    """Change one sitting as the form says, and the others of the scope by the same difference; the ids of those that were changed.

    A sitting that was moved by itself keeps its time; those that `leave` names (ids) stay as they are. Where times change, a scope that
    is not the whole series makes those sittings a series of their own, as RFC 5545 has it.
    Raises as :func:`bookings.update_sitting`, Refused("series_changed"), SeriesConflict, or UserError("rule_must_be_typed").
    """
    if scope == "this":
        return [(await bookings.update_sitting(db, sitting_id, form, by, now)).id]
    return await _changed(db, sitting_id, scope, form, by, now, leave, "series_changed", seen)


async def move(
    db: Database, sitting_id: str, scope: Scope, room_id: str, starts_at: datetime, ends_at: datetime, by: User, now: datetime,
    leave: Collection[str] = (), *, instead_of: str = "", override_reason: str = "",
) -> list[str]:  # fmt: skip
    """Another room or time for one sitting, and the others of the scope put off by as much. Else as :func:`change`."""
    if scope == "this":
        return [
            (
                await bookings.move(
                    db, sitting_id, room_id, starts_at, ends_at, by, now, instead_of=instead_of, override_reason=override_reason
                )
            ).id
        ]

    def elsewhere(sitting: Sitting) -> SittingDraft:
        former = draft_of(sitting)
        old = instead_of or former.room_id
        rooms = tuple(room_id if each == old else each for each in former.room_ids if each == old or each != room_id)
        return replace(
            former,
            room_id=rooms[0],
            rooms=rooms,
            starts_at=starts_at,
            ends_at=ends_at,
            override_reason=override_reason or former.override_reason,
        )

    return await _changed(db, sitting_id, scope, elsewhere, by, now, leave, "series_moved")


async def cancel(db: Database, sitting_id: str, scope: Scope, reason: str, by: User, now: datetime, seen: Seen | None = None) -> list[str]:
    """Cancel one sitting and the others of the scope that have not begun, for one reason; the ids of those that were cancelled.

    Raises as :func:`bookings.cancel`, or Refused("series_changed").
    """
    if scope == "this":
        return [(await bookings.cancel(db, sitting_id, reason, by, now)).id]
    reason = bookings.checked_reason(reason)

    async def call_off(session: AsyncSession) -> list[str]:
        row, chosen = await _locked(session, sitting_id)
        _, plan, members = await load(session, row)
        if seen is not None:
            seen(row, plan, members)
        await bookings.still_open(session, chosen.id, now, lapsed=True)
        targets = _in_scope(members, chosen, scope, now, lapsed=True)
        await holds.locked(session, {hold.resource_id for each in targets for hold in each.booking.holds})
        first = read(targets[0].occurrence)
        if scope == "later" and (earlier := split(plan, first)[0]) is not None:
            kept_as(row, earlier)
        for sitting in targets:
            await bookings.end(session, sitting, reason, now)
            await bookings.write_down(session, db, by, "sitting_cancelled", sitting, None, now, reason=reason)
        await note(session, db, by, "series_cancelled", row, targets, now, reason=reason)
        return [each.id for each in targets]

    gone = await db.act(call_off)
    ACTS.labels("cancel").inc()
    return gone


# ------------------------------------------------------------------------------------------------ inside the transaction


async def _changed(
    db: Database, sitting_id: str, scope: Scope, form: Form, by: User, now: datetime, leave: Collection[str], action: str,
    seen: Seen | None = None,
) -> list[str]:  # fmt: skip
    async def act(session: AsyncSession) -> list[str]:
        row, chosen = await _locked(session, sitting_id)
        _, plan, members = await load(session, row)
        if seen is not None:
            seen(row, plan, members)
        await bookings.still_open(session, chosen.id, now)
        former = draft_of(chosen)
        latter = form(chosen) if callable(form) else form
        difference = Difference.between(former, latter, plan.zone)
        targets = [each for each in _in_scope(members, chosen, scope, now) if each is chosen or each.id not in leave]
        by_themselves = plan.overrides.keys()
        staying = {each.id for each in targets if each is not chosen and read(each.occurrence) in by_themselves}
        drafts = {
            each.id: latter if each is chosen else difference.applied(draft_of(each), keeps_its_time=each.id in staying) for each in targets
        }
        wanted = {wish for draft in drafts.values() for wish in (*draft.room_ids, *draft.equipment, *draft.user_ids)}
        await holds.locked(session, wanted | {hold.resource_id for each in targets for hold in each.booking.holds})
        if difference.moves:
            await _put_off(session, row, plan, members, targets[0], difference)
            # One may take the time that the next one gives up: all give theirs up before any takes one.
            for each in targets:
                if each.id not in staying:
                    await holds.release(session, each.booking)
        clashes: list[Clash] = []
        broken: list[FieldError] = []
        for each in targets:
            try:
                await bookings.revise(session, db, each, drafts[each.id], by, now)
            except ValidationFailed as failed:
                if any(field != allowed.FIELD for field, _, _ in failed.errors):
                    raise
                broken += [error for error in failed.errors if error not in broken]
            except Conflict as conflict:
                starts_at = drafts[each.id].starts_at
                clashes.append(Clash(read(each.occurrence), starts_at or each.starts_at, conflict, each.id))
        if broken:
            raise ValidationFailed(broken)
        if clashes:
            raise SeriesConflict(clashes, len(targets))
        await note(session, db, by, action, row, targets, now)
        return [each.id for each in targets]

    changed = await db.act(act)
    ACTS.labels(WORDS[action]).inc()
    return changed


async def _put_off(
    session: AsyncSession, row: SeriesRow, plan: Series, members: Sequence[Sitting], first: Sitting, difference: Difference
) -> None:
    """The rule says the new times from `first` on; the sittings before it stay a series by the old one."""
    start = read(first.occurrence)
    earlier, later = split(plan, start)
    own = row
    if earlier is not None:
        kept_as(row, earlier)
        own = SeriesRow(id=new_id(), site_id=row.site_id, created_by=row.created_by, created_at=row.created_at)
        session.add(own)
    kept_as(own, moved(later, difference.by, difference.minutes))
    await session.flush()
    for each in members:
        if (occurrence := read(each.occurrence)) >= start:
            each.series_id, each.occurrence = own.id, written(occurrence + difference.by)
    await session.flush()


async def _locked(session: AsyncSession, sitting_id: str) -> tuple[SeriesRow, Sitting]:
    """The series of a sitting and the sitting, with all of its sittings that have not begun locked. Raises NotFound, also where it is
    in none, or Refused("series_changed") where it came to another one meanwhile."""
    series_id = await session.scalar(select(Sitting.series_id).where(Sitting.id == sitting_id))
    if series_id is None:
        raise NotFound("series_unknown")
    row = await session.get_one(SeriesRow, series_id, with_for_update=True, populate_existing=True)
    wanted = select(Sitting).where(Sitting.series_id == row.id, Sitting.status != "cancelled").order_by(Sitting.id)
    found = list(await session.scalars(wanted.with_for_update(of=Sitting).execution_options(populate_existing=True)))
    chosen = next((each for each in found if each.id == sitting_id), None)
    if chosen is None:
        chosen = await holds.locked_sitting(session, sitting_id)
        if chosen.series_id != row.id:
            raise Refused("series_changed", title=chosen.title)
    return row, chosen


def _in_scope(members: Sequence[Sitting], chosen: Sitting, scope: Scope, now: datetime, *, lapsed: bool = False) -> list[Sitting]:
    """The sittings that an act is for, in the order of their occurrences: of those that have neither begun nor passed."""

    def is_meant(each: Sitting) -> bool:
        booking = each.booking
        gone = not lapsed and holds.lapsed(booking.state, booking.held_until, each.status, now)
        return each.status in AHEAD and each.ends_at > now and not gone

    meant = [each for each in members if each is chosen or (is_meant(each) and (scope == "all" or each.occurrence >= chosen.occurrence))]
    return sorted(meant, key=lambda each: each.occurrence)
