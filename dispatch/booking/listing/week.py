"""The week's list on the database: what is listed, what a proposal is kept as, and which server has it under way.

A listing is a row with three documents: what is wished (`wishes`), how far it is (`progress`), what is proposed (`proposal`).

wishes: {"pinned": {waiting: place}, "previous": {waiting: place}, "left_out": [waiting]}
proposal: {"placements": {waiting: place}, "unplaced": {waiting: [obstacle]}, "impossible": [obstacle], "needs": {waiting: [need]},
"cost", "bound", "gap", "ended", "seconds"}; place: {"start": RFC 3339, "resource_ids": […]}; obstacle: {"code", "data"}.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from dispatch import audit
from dispatch.booking import orders
from dispatch.booking.allowed import noticed_from
from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.finding.occupancy_store import Snapshot, store_of, travel_between
from dispatch.booking.finding.searching import ANY, PARTS, needs_of, staff_of
from dispatch.booking.listing import waiting
from dispatch.booking.listing.docket import Docket, Placement, Waiting
from dispatch.booking.listing.proposal import Proposal
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import day_span
from dispatch.errors import FieldError, NotFound, UserError, ValidationFailed
from dispatch.store.tables import Resource, User, new_id
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST = 14
"""Days of one list."""
FURTHEST = timedelta(days=365)
LONGEST_NOTE = 200
UNDER_WAY = ("queued", "running")
UNCLAIMED = timedelta(seconds=30)
"""How long a list that was asked for waits for the server to take it before it counts as interrupted."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which days are listed, into which rooms (none: all). `note`: whatever the one who asks wants to be read with it."""

    first: date
    last: date
    rooms: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the solver gets, and the names of each sitting's needs."""

    docket: Docket
    snapshot: Snapshot
    needs: Mapping[str, tuple[str, ...]]


async def make(db: Database, order: Order, by: User, now: datetime, key: orders.Order | None = None) -> tuple[Listing, bool]:
    """A listing that is to be run, and whether it is new: one that was made under this `key` before is the same again. Raises
    ValidationFailed with every bad field, or UserError("key_reused")."""
    today = now.astimezone(db.site.zone).date()
    found: list[FieldError] = []
    if order.last < max(order.first, today):
        found.append(("last", "window_over", {}))
    elif (order.last - order.first).days >= LONGEST:
        found.append(("last", "window_long", {"most": LONGEST}))
    elif order.first > today + FURTHEST:
        found.append(("first", "too_far", {}))
    if len(tidy(order.note)) > LONGEST_NOTE:
        found.append(("note", "too_long", {"most": LONGEST_NOTE}))
    async with db.writer() as session:
        if (made := await orders.made_before(session, key, now)) and (there := await session.get(Listing, made)) is not None:
            return there, False
        wanted = select(Resource.id).where(Resource.id.in_(order.rooms), Resource.kind == "room", Resource.active)
        if set(order.rooms) - set(await session.scalars(wanted)):
            found.append(("rooms", "room_unknown", {}))
        if found:
            raise ValidationFailed(found)
        row = Listing(
            id=new_id(), first=order.first, last=order.last, rooms=list(order.rooms), created_at=now, wishes={}, progress={}, proposal={},
            created_by=by.id if await session.get(User, by.id) else None, asked_by=by.id, note=tidy(order.note), state="queued",
            leased_until=now + UNCLAIMED,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        await orders.keep_made(session, key, row.id, now)
        await audit.write(session, by, "listing_asked", days_of(row), detail={"listing": row.id}, now=now)
    return row, True


async def get(db: Database, listing_id: str) -> Listing:
    """Raises NotFound("listing_unknown")."""
    async with db.reader() as session:
        return await read(session, listing_id)


async def read(session: AsyncSession, listing_id: str) -> Listing:
    """Inside a transaction: the row as it is. Raises NotFound("listing_unknown")."""
    row = await session.get(Listing, listing_id)
    if row is None:
        raise NotFound("listing_unknown")
    return row


async def listed(db: Database, most: int = 200) -> list[Listing]:
    """The newest listings, the newest first."""
    async with db.reader() as session:
        return list(await session.scalars(select(Listing).order_by(Listing.created_at.desc(), Listing.id).limit(most)))


async def claim(db: Database, listing_id: str, owner: str, until: datetime) -> Listing | None:
    """A server begins a list that is queued; None where it is not queued any more, or another server's."""
    async with db.writer() as session:
        row = await locked(session, listing_id)
        if row.state != "queued" or row.owner not in ("", owner):
            return None
        row.state, row.owner, row.leased_until = "running", owner, until
    return row


async def note(db: Database, listing_id: str, owner: str, **changes: Any) -> bool:
    """The server that has it under way writes down how far it is, or what came of it; whether it may go on. It may not where somebody
    wants it stopped; and where it is not this server's any more nothing is written."""
    async with db.writer() as session:
        row = await locked(session, listing_id)
        if row.state not in UNDER_WAY or row.owner != owner:
            return False
        for name, value in changes.items():
            setattr(row, name, value)
        return not row.stop_wanted


async def held(db: Database, listing_ids: Collection[str], owner: str, until: datetime) -> frozenset[str]:
    """A server says of what it has under way that it is alive; which of that is to stop."""
    async with db.writer() as session:
        mine = (Listing.id.in_(listing_ids), Listing.state.in_(UNDER_WAY), Listing.owner.in_(("", owner)))
        await session.execute(update(Listing).where(*mine).values(owner=owner, leased_until=until))
        return frozenset(await session.scalars(select(Listing.id).where(*mine, Listing.stop_wanted)))


async def interrupted(db: Database, owner: str, now: datetime) -> int:
    """What another server than `owner` had under way when it ended is not any more; how many that were. Those whose lease still runs are
    left to their server."""
    gone = or_(Listing.leased_until.is_(None), Listing.leased_until <= now)
    async with db.writer() as session:
        wanted = select(Listing).where(Listing.state.in_(UNDER_WAY), Listing.owner != owner, gone)
        rows = list(await session.scalars(wanted.with_for_update()))
        for row in rows:
            row.state, row.ended_at = "interrupted", now
    return len(rows)


async def prepare(db: Database, row: Listing, now: datetime, travel_minutes: int = 0) -> Prepared:
    """Everything that waits, on everybody's time of those days. Raises UserError("listing_empty") where nothing waits, "pinned_wrong"
    where something is pinned to what it cannot have."""
    zone, left_out = db.site.zone, set(row.wishes.get("left_out", ()))
    rows = [each for each in await waiting.listed(db) if each.id not in left_out]
    if not rows:
        raise UserError("listing_empty")
    today = now.astimezone(zone).date()
    first = max(row.first, today)
    window = Span(day_span(first, zone).start.astimezone(UTC), day_span(max(row.last, first), zone).end.astimezone(UTC))
    asked = {each.id: waiting.wanted_of(each, first, row.last, tuple(row.rooms)) for each in rows}
    staff = {key: await staff_of(db, wanted) for key, wanted in asked.items()}
    people = {each for parts in staff.values() for ids in parts.values() for each in ids}
    snapshot = await store_of(db).over(window, now, people)
    needs, listed_sittings = {}, []
    for each in rows:
        found: list[FieldError] = []
        own, names = needs_of(asked[each.id], staff[each.id], snapshot, found)
        needs[each.id] = names
        not_before = max(
            (at for at in (now, noticed_from(each.kind, now, zone), _midnight(each.not_before, db)) if at is not None), default=now
        )
        listed_sittings.append(
            Waiting(
                id=each.id,
                minutes=each.minutes,
                needs=own,
                case_id=each.case_number,
                chair_id=each.chair_id if each.chair_id != ANY else "",
                priority=each.priority,
                not_before=not_before if not_before > window.start else None,
                deadline=day_span(each.deadline, zone).end.astimezone(UTC) if each.deadline else None,
                preferred=PARTS.get(each.part),
                required=each.required,
                pinned=_place(row.wishes.get("pinned", {}).get(each.id), own),
                previous=_place(row.wishes.get("previous", {}).get(each.id), own),
            )
        )
    return Prepared(Docket(tuple(listed_sittings), window, zone, travel_between(snapshot.sites.keys(), travel_minutes)), snapshot, needs)


def _midnight(day: date | None, db: Database) -> datetime | None:
    return day_span(day, db.site.zone).start.astimezone(UTC) if day is not None else None


def _place(document: Mapping[str, Any] | None, needs: tuple[Any, ...]) -> Placement | None:
    """A place as it is kept; the room alone is enough where it is pinned by hand: the others are the first that would do."""
    if document is None:
        return None
    ids = list(document["resource_ids"][: len(needs)])
    ids += [need.candidates[0].id if need.candidates else "" for need in needs[len(ids) :]]
    return Placement(datetime.fromisoformat(document["start"]), tuple(ids))


def proposal_document(proposal: Proposal, needs: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """A proposal as it is kept."""
    return {
        "placements": {
            key: {"start": place.start.isoformat(), "resource_ids": list(place.resource_ids)} for key, place in proposal.placements.items()
        },
        "unplaced": {key: obstacle_documents(found) for key, found in proposal.unplaced.items()},
        "impossible": obstacle_documents(proposal.impossible),
        "needs": {key: list(names) for key, names in needs.items()},
        "cost": proposal.cost,
        "bound": proposal.bound,
        "gap": round(proposal.gap, 4),
        "ended": proposal.ended,
        "seconds": round(proposal.seconds, 1),
    }


def obstacle_documents(found: Iterable[Obstacle]) -> list[dict[str, Any]]:
    """Obstacles as they are kept."""
    return [
        {
            "code": each.code,
            "data": {
                name: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
                for name, value in each.data.items()
            },
        }
        for each in found
    ]


def obstacle_of(document: Mapping[str, Any]) -> Obstacle:
    """Inverse of :func:`obstacle_documents`, of one."""
    data = dict(document["data"])
    if "start" in data:
        data["start"] = datetime.fromisoformat(data["start"])
    return Obstacle(document["code"], data)


def days_of(row: Listing) -> str:
    """What the audit calls a list."""
    return f"{row.first} – {row.last}"


def titles(rows: Iterable[WaitingSitting]) -> dict[str, str]:
    """What sittings are called, by id."""
    return {each.id: f"{each.case_number} {each.title or each.case_title}" for each in rows}


async def locked(session: AsyncSession, listing_id: str) -> Listing:
    """Inside a transaction: the row, which nobody else changes meanwhile. Raises NotFound("listing_unknown")."""
    row = await session.get(Listing, listing_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("listing_unknown")
    return row
