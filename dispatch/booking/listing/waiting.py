"""Sittings that wait for a time: adding, changing and taking them off, and what each of them needs of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from dispatch import audit
from dispatch.booking import draft as forms
from dispatch.booking import orders
from dispatch.booking.draft import SittingDraft, normal_case_number
from dispatch.booking.finding.searching import ANY, STAFF, Wanted
from dispatch.booking.finding.searching import problems as search_problems
from dispatch.booking.in_force import held_in
from dispatch.booking.listing.docket import MOST_WAITING
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import Pair
from dispatch.booking.roles import Procedures
from dispatch.errors import FieldError, NotFound, Refused, ValidationFailed
from dispatch.store.resources import MEANS
from dispatch.store.tables import Resource, User, new_id
from dispatch.store.waiting_tables import WaitingSitting
from dispatch.typed import tidy
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LOWEST, HIGHEST = 1, 9
"""Priorities."""


@dataclass(frozen=True, slots=True)
class WaitingDraft:
    """A waiting sitting as typed; see the table for what each field means."""

    case_number: str
    case_title: str = ""
    title: str = ""
    kind: str = "remote_court"
    minutes: int = 60
    chair_id: str = ""
    clerk_id: str = ""
    prosecutor_id: str = ""
    participants: tuple[ParticipantDraft, ...] = ()
    room_kind: str = ""
    seats: int = 0
    features: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    priority: int = LOWEST
    not_before: date | None = None
    deadline: date | None = None
    part: str = ""
    required: bool = False
    apart: tuple[Pair, ...] = ()
    """who must not see or hear whom, by the keys of the rows"""


def draft_of(row: WaitingSitting) -> WaitingDraft:
    """The draft that changes nothing."""
    plain = {name: getattr(row, name) for name in _PLAIN}
    return WaitingDraft(
        **plain,
        participants=tuple(ParticipantDraft(**each) for each in row.participants),
        features=tuple(row.features),
        equipment=tuple(row.equipment),
        apart=tuple((one, other) for one, other in row.apart),
    )


_PLAIN = (
    *("case_number", "case_title", "title", "kind", "minutes", "chair_id", "clerk_id", "prosecutor_id", "room_kind", "seats", "priority"),
    *("not_before", "deadline", "part", "required"),
)


def wanted_of(row: WaitingSitting, first: date, last: date, rooms: tuple[str, ...] = ()) -> Wanted:
    """What a search for its time asks for."""
    draft = draft_of(row)
    named = {name: getattr(draft, name) for name in ("minutes", "kind", *STAFF, "equipment", "room_kind", "seats", "features", "part")}
    return Wanted(first, last, rooms=rooms, **named)


def sitting_draft(row: WaitingSitting, starts_at: datetime, room_id: str, people: dict[str, str]) -> SittingDraft:
    """The form of the sitting at its time. `people`: who serves as what (keys of STAFF)."""
    draft = draft_of(row)
    return SittingDraft(
        case_number=draft.case_number,
        case_title=draft.case_title,
        title=draft.title,
        room_id=room_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=draft.minutes),
        chair_id=people.get("chair_id", ""),
        clerk_id=people.get("clerk_id", ""),
        prosecutor_id=people.get("prosecutor_id", ""),
        participants=draft.participants,
        kind=draft.kind,
        equipment=draft.equipment,
        apart=draft.apart,
    )


def problems(draft: WaitingDraft, now: datetime, today: date, procedures: Procedures = PROCEDURES) -> list[FieldError]:
    """Every bad field that shows without looking at the database: what a sitting's form would refuse is refused here already.
    `procedures`: the versions by which the unit holds its sittings."""

    def one_of(field: str) -> str:
        named: str = getattr(draft, field)
        return f"{ANY} {field}" if named == ANY else named

    at = now + timedelta(days=1)
    sitting = SittingDraft(
        case_number=draft.case_number,
        case_title=draft.case_title,
        title=draft.title,
        room_id=ANY,
        starts_at=at,
        ends_at=at + timedelta(hours=1),
        chair_id=one_of("chair_id"),
        clerk_id=one_of("clerk_id"),
        prosecutor_id=one_of("prosecutor_id"),
        participants=draft.participants,
        kind=draft.kind,
        equipment=draft.equipment,
        apart=draft.apart,
    )
    found = list(forms.problems(sitting, now, procedures))
    search = Wanted(
        today, today, draft.minutes, draft.kind, room_kind=draft.room_kind, seats=draft.seats, features=draft.features, part=draft.part
    )
    found += [each for each in search_problems(search, today) if each[0] != "kind"]
    if not LOWEST <= draft.priority <= HIGHEST:
        found.append(("priority", "out_of_range", {"least": LOWEST, "most": HIGHEST}))
    if draft.deadline is not None and draft.deadline < max(draft.not_before or today, today):
        found.append(("deadline", "window_over", {}))
    return found


async def listed(db: Database, *, everything: bool = False) -> list[WaitingSitting]:
    """Those that wait, the first that came in front; or `everything`, those that are booked by now too."""
    wanted = select(WaitingSitting).order_by(WaitingSitting.created_at, WaitingSitting.id)
    async with db.reader() as session:
        return list(await session.scalars(wanted if everything else wanted.where(WaitingSitting.sitting_id.is_(None))))


async def get(db: Database, waiting_id: str) -> WaitingSitting:
    """Raises NotFound("waiting_unknown")."""
    async with db.reader() as session:
        return await _get(session, waiting_id)


async def add(db: Database, draft: WaitingDraft, by: User, now: datetime, order: orders.Order | None = None) -> WaitingSitting:
    """Have a sitting wait. An `order` that was carried out before gives what it made, as it is now.

    Raises ValidationFailed with every bad field, Refused("waiting_many") where no list takes more, or UserError("key_reused").
    """
    async with db.writer() as session:
        if (made := await orders.made_before(session, order, now)) and (there := await session.get(WaitingSitting, made)) is not None:
            return there
        if found := await problems_of(session, db, draft, now):
            raise ValidationFailed(found)
        (row,) = await put(session, [draft], by, now)
        await orders.keep_made(session, order, row.id, now)
    return row


async def put(session: AsyncSession, drafts: Sequence[WaitingDraft], by: User, now: datetime) -> list[WaitingSitting]:
    """Inside a transaction: sittings in which nothing is wrong (:func:`problems_of`) wait. Raises Refused("waiting_many")."""
    count = await session.scalar(select(func.count()).where(WaitingSitting.sitting_id.is_(None))) or 0
    if count + len(drafts) > MOST_WAITING:
        raise Refused("waiting_many", most=MOST_WAITING)
    author = by.id if await session.get(User, by.id) else None
    rows = [WaitingSitting(id=new_id(), created_by=author, created_at=now) for _ in drafts]
    for row, draft in zip(rows, drafts, strict=True):
        write(row, draft)
    session.add_all(rows)
    await session.flush()
    for row in rows:
        await audit.write(session, by, "waiting_added", _name(row), detail={"waiting": row.id}, now=now)
    return rows


async def change(
    db: Database, waiting_id: str, change: WaitingDraft | Callable[[WaitingSitting], WaitingDraft], by: User, now: datetime
) -> WaitingSitting:
    """Change what it needs; `change` may make the draft inside the transaction from what is there. Raises NotFound, ValidationFailed, or
    Refused("waiting_booked")."""
    async with db.writer() as session:
        row = await _open(session, waiting_id)
        draft = change(row) if callable(change) else change
        if found := await problems_of(session, db, draft, now):
            raise ValidationFailed(found)
        write(row, draft)
        await session.flush()
        await audit.write(session, by, "waiting_changed", _name(row), detail={"waiting": row.id}, now=now)
    return row


async def remove(db: Database, waiting_id: str, by: User, now: datetime, seen: Callable[[WaitingSitting], object] | None = None) -> None:
    """It waits no longer. Raises NotFound, or Refused("waiting_booked")."""
    async with db.writer() as session:
        row = await _open(session, waiting_id)
        if seen is not None:
            seen(row)
        await session.delete(row)
        await session.flush()
        await audit.write(session, by, "waiting_removed", _name(row), detail={"waiting": waiting_id}, now=now)


async def locked(session: AsyncSession, waiting_id: str) -> WaitingSitting:
    """Inside a transaction: the row, which nobody else books meanwhile. Raises NotFound."""
    row = await session.get(WaitingSitting, waiting_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("waiting_unknown")
    return row


async def _get(session: AsyncSession, waiting_id: str) -> WaitingSitting:
    row = await session.get(WaitingSitting, waiting_id)
    if row is None:
        raise NotFound("waiting_unknown")
    return row


async def _open(session: AsyncSession, waiting_id: str) -> WaitingSitting:
    row = await locked(session, waiting_id)
    if row.sitting_id is not None:
        raise Refused("waiting_booked", title=row.title or row.case_title)
    return row


async def problems_of(session: AsyncSession, db: Database, draft: WaitingDraft, now: datetime) -> list[FieldError]:
    """Inside a transaction: every bad field of a draft."""
    found = problems(draft, now, now.astimezone(db.site.zone).date(), await held_in(session))
    ids = {field: getattr(draft, field) for field in STAFF if getattr(draft, field) not in ("", ANY)}
    users = {user.id: user for user in await session.scalars(select(User).where(User.id.in_(ids.values()), User.active))}
    found += [(field, "user_unknown", {}) for field, each in ids.items() if each not in users or users[each].role not in STAFF[field]]
    wanted = select(Resource.id).where(Resource.id.in_(draft.equipment), Resource.active, Resource.kind.in_(MEANS))
    if set(draft.equipment) - set(await session.scalars(wanted)):
        found.append(("equipment", "equipment_unknown", {}))
    return found


def normal(draft: WaitingDraft) -> WaitingDraft:
    """A draft as it is kept: two that mean the same are equal then."""
    row = WaitingSitting()
    write(row, draft)
    return draft_of(row)


def write(row: WaitingSitting, draft: WaitingDraft) -> None:
    """Make the row what the draft says; who changes it has looked at the draft."""
    for name in _PLAIN:
        value = getattr(draft, name)
        setattr(row, name, tidy(value) if isinstance(value, str) else value)
    row.case_number = normal_case_number(draft.case_number)
    row.participants = [asdict(each) for each in draft.participants]
    row.features, row.equipment = list(draft.features), list(draft.equipment)
    row.apart = [list(pair) for pair in draft.apart]


def _name(row: WaitingSitting) -> str:
    return f"{row.case_number} {row.title or row.case_title}"
