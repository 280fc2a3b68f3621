"""Changing a week's list: whose it is, what is put where by hand, what stays or is left out, noting something on it, ending it early.

A list is the work of the clerk (or program) that asked for it. Everybody who books sees it; of the others administrators alone change or
confirm it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dispatch import audit
from dispatch.booking.listing import week
from dispatch.booking.wall_clock import day_span
from dispatch.errors import FieldError, Forbidden, Refused, ValidationFailed
from dispatch.store.tables import Resource, User
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

ADMINISTRATOR = "administrator"
STEP = timedelta(minutes=5)
"""What is put somewhere by hand begins on a full one."""

Seen = Callable[[Listing], object]
"""Called inside the transaction with the list as it is; raises where that is not what the one who asks saw."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A waiting sitting that the clerk puts into a room at a time (UTC)."""

    waiting_id: str
    start: datetime
    room_id: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is wanted otherwise. `pins`, `left_out`: those of the list from now on, None where they stay as they are. `keep`: sittings
    that stay where they are proposed, however that is."""

    pins: tuple[Pin, ...] | None = None
    keep: tuple[str, ...] = ()
    left_out: tuple[str, ...] | None = None


def may_change(row: Listing, user: User) -> bool:
    """Whether it is his list, or he is an administrator. Pure."""
    return user.role == ADMINISTRATOR or (bool(row.asked_by) and row.asked_by == user.id)


def check_may(row: Listing, user: User) -> None:
    """Raises Forbidden("listing_not_yours")."""
    if not may_change(row, user):
        raise Forbidden("listing_not_yours")


async def ask_again(db: Database, listing_id: str, wanted: Adjustment, by: User, now: datetime, seen: Seen | None = None) -> Listing:
    """Have it run anew with changes: what is not named stays where it was proposed, unless that costs too much.

    Raises NotFound, Forbidden("listing_not_yours"), Refused("listing_under_way"), or ValidationFailed with every bad field (`pins.0.start`
    …).
    """
    async with db.writer() as session:
        row = await _his(session, listing_id, by, seen)
        if row.state in week.UNDER_WAY:
            raise Refused("listing_under_way")
        if found := await _problems(session, db, row, wanted):
            raise ValidationFailed(found)
        placements = row.proposal.get("placements", {})
        left_out = list(row.wishes.get("left_out", ()) if wanted.left_out is None else dict.fromkeys(wanted.left_out))
        pinned = dict(row.wishes.get("pinned", {})) if wanted.pins is None else {pin.waiting_id: _place(pin, row) for pin in wanted.pins}
        pinned |= {each: placements[each] for each in wanted.keep if each not in pinned}
        row.wishes = {
            "pinned": {key: place for key, place in pinned.items() if key not in left_out},
            "left_out": left_out,
            "previous": {key: place for key, place in placements.items() if key not in left_out},
        }
        row.state, row.progress, row.ended_at = "queued", {}, None
        row.owner, row.leased_until, row.stop_wanted = "", now + week.UNCLAIMED, False
        await session.flush()
        detail = {"listing": row.id, "pinned": len(row.wishes["pinned"]), "left_out": len(left_out)}
        await audit.write(session, by, "listing_asked", week.days_of(row), detail=detail, now=now)
    return row


async def stop(db: Database, listing_id: str, by: User, now: datetime, seen: Seen | None = None) -> Listing:
    """What is found by now is to be the proposal; whichever server has it under way ends it within seconds. Nothing changes where it is
    over. Raises NotFound, or Forbidden("listing_not_yours")."""
    async with db.writer() as session:
        row = await _his(session, listing_id, by, seen)
        if row.state in week.UNDER_WAY and not row.stop_wanted:
            row.stop_wanted = True
            await audit.write(session, by, "listing_stopped", week.days_of(row), detail={"listing": row.id}, now=now)
    return row


async def set_note(db: Database, listing_id: str, note: str, by: User, now: datetime, seen: Seen | None = None) -> Listing:
    """Note something on it. Raises NotFound, Forbidden("listing_not_yours"), or ValidationFailed."""
    async with db.writer() as session:
        row = await _his(session, listing_id, by, seen)
        if len(tidy(note)) > week.LONGEST_NOTE:
            raise ValidationFailed([("note", "too_long", {"most": week.LONGEST_NOTE})])
        if row.note != tidy(note):
            row.note = tidy(note)
            await audit.write(session, by, "listing_noted", week.days_of(row), detail={"listing": row.id}, now=now)
    return row


async def _his(session: AsyncSession, listing_id: str, by: User, seen: Seen | None) -> Listing:
    row = await week.locked(session, listing_id)
    check_may(row, by)
    if seen is not None:
        seen(row)
    return row


def _place(pin: Pin, row: Listing) -> dict[str, Any]:
    """With whoever was proposed beside the room."""
    proposed = row.proposal.get("placements", {}).get(pin.waiting_id, {"resource_ids": []})["resource_ids"]
    return {"start": pin.start.astimezone(UTC).isoformat(), "resource_ids": [pin.room_id, *proposed[1:]]}


async def _problems(session: AsyncSession, db: Database, row: Listing, wanted: Adjustment) -> list[FieldError]:
    pins, left_out = wanted.pins or (), wanted.left_out or ()
    named = {*(pin.waiting_id for pin in pins), *left_out}
    waits = set(await session.scalars(select(WaitingSitting.id).where(WaitingSitting.id.in_(named), WaitingSitting.sitting_id.is_(None))))
    rooms = set(await session.scalars(select(Resource.id).where(Resource.kind == "room", Resource.active)))
    zone = db.site.zone
    begin, end = day_span(row.first, zone).start, day_span(row.last, zone).end
    found: list[FieldError] = []
    twice = _twice([pin.waiting_id for pin in pins])
    for number, pin in enumerate(pins):
        if pin.waiting_id not in waits:
            found.append((f"pins.{number}.waiting_id", "waiting_unknown", {}))
        elif pin.waiting_id in twice:
            found.append((f"pins.{number}.waiting_id", "given_twice", {}))
        if pin.room_id not in rooms or (row.rooms and pin.room_id not in row.rooms):
            found.append((f"pins.{number}.room_id", "room_unknown", {}))
        if not begin <= pin.start < end or pin.start.timestamp() % STEP.total_seconds():
            found.append((f"pins.{number}.starts_at", "listing_place", {}))
    found += [(f"left_out.{number}", "waiting_unknown", {}) for number, each in enumerate(left_out) if each not in waits]
    placements = row.proposal.get("placements", {})
    found += [(f"keep.{number}", "listing_not_placed", {}) for number, each in enumerate(wanted.keep) if each not in placements]
    return found


def _twice(ids: Sequence[str]) -> set[str]:
    return {each for each in ids if ids.count(each) > 1}
