"""Confirming a week's list: what is taken of its proposal is booked by the rules of all bookings, each sitting in a transaction of its own.

What is in the way of one is in nobody else's. An order under a key is answered the same again for a day, also what was refused of it: the
answer is kept with the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dispatch import audit
from dispatch.booking import bookings, orders
from dispatch.booking.finding.searching import STAFF
from dispatch.booking.listing import waiting, week
from dispatch.booking.listing.adjusting import check_may
from dispatch.errors import Conflict, NotFound, Refused, UserError, ValidationFailed
from dispatch.store.tables import User, new_id
from dispatch.store.waiting_tables import Listing, WaitingSitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of booking one sitting of a list: the id of the sitting, or the word of what refused it, the values of its text, and
    where a time was taken the nearest free one (UTC)."""

    waiting_id: str
    sitting_id: str = ""
    code: str = ""
    data: Mapping[str, str | int] = field(default_factory=dict)
    nearest_free: datetime | None = None


async def book(
    db: Database,
    listing_id: str,
    waiting_ids: Iterable[str] | None,
    by: User,
    now: datetime,
    key: orders.Order | None = None,
    seen: Callable[[Listing], object] | None = None,
) -> list[Outcome]:
    """Book some sittings of a proposal at their places; None: all. One that was booked meanwhile stays as it is, and gives its sitting.
    `seen` is asked of the list as it is when this begins; each booking looks at its place in it once more.

    Raises NotFound, Forbidden("listing_not_yours"), Refused("listing_under_way"), UserError("key_reused"), or ValidationFailed
    ("listing_not_placed", and "listing_none_ticked" where nothing is named).
    """
    async with db.writer() as session:
        row = await week.locked(session, listing_id)
        check_may(row, by)
        if made := await orders.made_before(session, key, now):
            return [_unpacked(each) for each in row.confirmed[made]["outcomes"]]
        if seen is not None:
            seen(row)
    if row.state in week.UNDER_WAY:
        raise Refused("listing_under_way")
    placements: Mapping[str, Any] = row.proposal.get("placements", {})
    chosen = list(placements) if waiting_ids is None else list(dict.fromkeys(waiting_ids))
    if not chosen:
        raise ValidationFailed([("waiting", "listing_none_ticked", {})])
    if strange := [number for number, each in enumerate(chosen) if each not in placements]:
        raise ValidationFailed([(f"waiting.{number}", "listing_not_placed", {}) for number in strange])
    outcomes = [await _outcome(db, listing_id, each, placements[each], by, now) for each in chosen]
    return await _kept(db, listing_id, outcomes, by, now, key)


async def _outcome(db: Database, listing_id: str, waiting_id: str, place: Mapping[str, Any], by: User, now: datetime) -> Outcome:
    async def once(session: AsyncSession) -> str:
        row = await week.read(session, listing_id)
        if row.state in week.UNDER_WAY or row.proposal.get("placements", {}).get(waiting_id) != place:
            raise Refused("listing_not_placed")
        each = await waiting.locked(session, waiting_id)
        if each.sitting_id is not None:
            return each.sitting_id
        return await book_at(session, db, each, place, row.proposal["needs"].get(waiting_id, []), by, now)

    try:
        return Outcome(waiting_id, await db.act(once))
    except UserError as error:
        return _refused(waiting_id, error)


async def book_at(
    session: AsyncSession, db: Database, each: WaitingSitting, place: Mapping[str, Any], needs: Sequence[str], by: User, now: datetime
) -> str:
    """Inside a transaction: book one that waits, and is locked, at a place: its `start` (ISO) and `resource_ids`, one for each of
    `needs`. The sitting's id. Raises ValidationFailed, Conflict."""
    people = {need: one for need, one in zip(needs, place["resource_ids"], strict=False) if need in STAFF}
    draft = waiting.sitting_draft(each, datetime.fromisoformat(place["start"]), place["resource_ids"][0], people)
    sitting = await bookings.book(session, db, draft, by, now)
    each.sitting_id, sitting.received_at = sitting.id, each.received_at
    await session.flush()
    return sitting.id


def _refused(waiting_id: str, error: UserError) -> Outcome:
    first = error.errors[0] if isinstance(error, ValidationFailed) and error.errors else ("", error.code, error.data)
    data = {name: value if isinstance(value, int | str) else str(value) for name, value in first[2].items()}
    free = error.nearest_free.astimezone(UTC) if isinstance(error, Conflict) else None
    return Outcome(waiting_id, code=first[1], data=data, nearest_free=free)


async def _kept(
    db: Database, listing_id: str, outcomes: list[Outcome], by: User, now: datetime, key: orders.Order | None
) -> list[Outcome]:
    """The outcomes, remembered; or those that the same order had where it came twice at once."""
    async with db.writer() as session:
        try:
            row = await week.locked(session, listing_id)
        except NotFound:
            return outcomes
        if made := await orders.made_before(session, key, now):
            return [_unpacked(each) for each in row.confirmed[made]["outcomes"]]
        if key is not None:
            answer, limit = new_id(), (now - orders.KEPT).isoformat()
            young = {name: each for name, each in row.confirmed.items() if each["at"] > limit}
            row.confirmed = young | {answer: {"at": now.isoformat(), "outcomes": [_packed(each) for each in outcomes]}}
            await orders.keep_made(session, key, answer, now)
        refused = sum(bool(each.code) for each in outcomes)
        detail = {"listing": row.id, "booked": len(outcomes) - refused, "refused": refused}
        await audit.write(session, by, "listing_confirmed", week.days_of(row), detail=detail, now=now)
    return outcomes


def _packed(outcome: Outcome) -> list[Any]:
    free = outcome.nearest_free.isoformat() if outcome.nearest_free else ""
    return [outcome.waiting_id, outcome.sitting_id, outcome.code, dict(outcome.data), free]


def _unpacked(document: list[Any]) -> Outcome:
    waiting_id, sitting_id, code, data, free = document
    return Outcome(waiting_id, sitting_id, code, data, datetime.fromisoformat(free) if free else None)
