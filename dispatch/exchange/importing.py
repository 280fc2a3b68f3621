"""Sittings from a file: what each row would book, and booking them, all that are good or none.

A preview books every row inside one transaction and then takes all of it back: so it knows of each conflict, also of rows among
themselves, by the very rules that hold when it is done for good. A row is known by its key (the UID of a calendar, the key of a list, else
what it says); what was imported once is not imported again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch import audit
from dispatch.booking import bookings, templates
from dispatch.booking.draft import SittingDraft, problems
from dispatch.booking.in_force import held_in
from dispatch.errors import Conflict, FieldError, UserError, ValidationFailed
from dispatch.exchange.reading import FAULTS, Row
from dispatch.exchange.row_people import STAFF, Known, cast, column_of
from dispatch.notices.calendar import uid_of
from dispatch.store.notice_tables import ImportKey
from dispatch.store.tables import Room, Sitting, User
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

FIRST = next(iter(PROCEDURES))
"""The kind of a row that names none, where nobody has said another."""
Take = Literal["preview", "good", "all"]
State = Literal["good", "bad", "known", "booked"]
_TIME = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)(?::00)?")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one row. `errors`: every bad field (a column's name) of a bad one."""

    row: Row
    state: State
    errors: tuple[FieldError, ...] = ()
    sitting_id: str = ""


class TakenBack(Exception):
    """Ends a transaction without a trace. `judged`: what became of the rows, or would have."""

    def __init__(self, judged: list[Judged]) -> None:
        super().__init__()
        self.judged = judged


@dataclass(frozen=True, slots=True)
class Given:
    """What rows are read by. `role_words`: what a file may call a role → the role, and `kind_words` likewise of kinds. `chair_id`,
    `clerk_id`, `override_reason`: of rows that name none (a calendar's)."""

    role_words: Mapping[str, str]
    kind_words: Mapping[str, str]
    chair_id: str = ""
    clerk_id: str = ""
    override_reason: str = ""


def of_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """The rows, those that name no kind as of that one; "" leaves them as they are."""
    return [row if not kind or row.fields.get("kind") else Row(row.number, row.fields | {"kind": kind}) for row in rows]


async def take(db: Database, rows: Sequence[Row], by: User, now: datetime, how: Take, given: Given) -> list[Judged]:
    """Book the rows: "preview" none, "good" those that are good, "all" every one or none (then the good ones are told as "good")."""
    try:
        async with db.writer() as session:
            return await carry_out(session, db, rows, by, now, how, given)
    except TakenBack as back:
        return back.judged


async def carry_out(
    session: AsyncSession, db: Database, rows: Sequence[Row], by: User, now: datetime, how: Take, given: Given
) -> list[Judged]:
    """Inside a transaction: what :func:`take` does. Raises TakenBack where nothing is to stay, after which the transaction is to be taken
    back."""
    known = await known_of(session)
    judged = [await _book(session, db, row, known, by, now, given) for row in rows]
    if how == "preview" or (how == "all" and any(each.state == "bad" for each in judged)):
        raise TakenBack([Judged(each.row, "good") if each.state == "booked" else each for each in judged])
    if booked := sum(each.state == "booked" for each in judged):
        await audit.write(session, by, "sittings_imported", str(booked), detail={"rows": len(rows), "booked": booked}, now=now)
    return judged


async def known_of(session: AsyncSession) -> Known:
    """Rooms and people as they are now."""
    rooms: dict[str, str] = {}
    people: dict[str, dict[str, str]] = {role: {} for role in STAFF}
    emails: dict[str, tuple[str, str]] = {}
    for room in await session.scalars(select(Room).where(Room.active)):
        for name in {room.name.casefold(), room.name_en.casefold()} - {""}:
            rooms[name] = "" if name in rooms else room.id
    for user in await session.scalars(select(User).where(User.active)):
        if user.email:
            emails[user.email.casefold()] = (user.role, user.id)
        named = people.get(user.role, {})
        for name in {user.name.casefold(), user.sign_in_name.casefold()}:
            named[name] = "" if name in named else user.id
    return Known(rooms, people, emails, await held_in(session))


async def _book(session: AsyncSession, db: Database, row: Row, known: Known, by: User, now: datetime, given: Given) -> Judged:
    key = _key(row)
    if (there := await session.get(ImportKey, key)) is not None:
        return Judged(row, "known", sitting_id=there.sitting_id)
    draft, errors = _draft(row, known, db.site.zone, given)
    if draft.starts_at is not None and (ours := await _exported(session, row, draft.starts_at)):
        return Judged(row, "known", sitting_id=ours)
    named = {name for name, _, _ in errors}
    if row.fields.get("fault"):
        named |= {"end"}
    # What names nothing here is not missing as well.
    found = _columns_of(problems(draft, now, known.procedures))
    errors += [error for error in found if error[0] not in named or error[1] != "required"]
    if errors:
        return Judged(row, "bad", tuple(errors))
    try:
        async with session.begin_nested():
            sitting = await bookings.book(session, db, draft, by, now)
            session.add(ImportKey(key_hash=key, sitting_id=sitting.id, created_at=now))
            await session.flush()
    except Conflict as conflict:
        return Judged(row, "bad", ((_column_of(conflict.field), conflict.code, conflict.data),))
    except ValidationFailed as failed:
        return Judged(row, "bad", tuple(_columns_of(failed.errors)))
    except UserError as error:
        return Judged(row, "bad", ((error.field or "", error.code, error.data),))
    return Judged(row, "booked", sitting_id=sitting.id)


def _key(row: Row) -> str:
    said = row.fields.get("key", "") or "\n".join(f"{name}={value}" for name, value in sorted(row.fields.items()))
    return hashlib.sha256(said.encode()).hexdigest()


async def _exported(session: AsyncSession, row: Row, starts_at: datetime) -> str:
    """The sitting that went out under this UID; "" where it is none of ours."""
    wanted = row.fields.get("key", "")
    for sitting_id in await session.scalars(select(Sitting.id).where(Sitting.starts_at == starts_at.astimezone(UTC))):
        if uid_of(sitting_id) == wanted:
            return str(sitting_id)
    return ""


_COLUMN = {"room_id": "room", "starts_at": "start", "ends_at": "end"}


def _column_of(name: str | None) -> str:
    """Where it is told what is in the way: at whoever or whatever that is, else at the time."""
    column = _COLUMN.get(name or "", column_of(name or ""))
    return column if column in ("room", "chair", "clerk", "prosecutor") else "start"


def _columns_of(errors: Sequence[FieldError]) -> list[FieldError]:
    """The draft's fields as the columns that they came from, each mistake once."""
    found: dict[tuple[str, str], FieldError] = {}
    for name, code, data in errors:
        column = _COLUMN.get(name, column_of(name))
        found.setdefault((column, code), (column, code, data))
    return list(found.values())


def _draft(row: Row, known: Known, zone: ZoneInfo, given: Given) -> tuple[SittingDraft, list[FieldError]]:
    """The form that the row fills, and what of it names nothing here."""
    fields = row.fields
    errors: list[FieldError] = []
    if "recurring" in fields:
        errors.append(("day", "import_recurring", {}))
    if "cancelled" in fields:
        errors.append(("status", "import_cancelled", {}))
    if (fault := fields.get("fault", "")) in FAULTS:
        errors += [("start", fault, {"text": fields.get("fault_text", "")})]
    kind = _kind(fields.get("kind", ""), given, errors)
    starts_at, ends_at = _times(fields, zone, errors)
    if starts_at is not None and not fields.get("end"):
        ends_at = (starts_at.astimezone(UTC) + timedelta(minutes=templates.standard(kind).minutes)).astimezone(zone)
    found = cast(fields, kind, known, given.role_words, {"chair_id": given.chair_id, "clerk_id": given.clerk_id}, errors)
    room_id = _room(fields.get("room", ""), known)
    if fields.get("room") and not room_id:
        errors.append(("room", "import_unknown", {"name": fields["room"]}))
    draft = SittingDraft(
        case_number=fields.get("case_number", ""),
        case_title=fields.get("case_title", ""),
        title=fields.get("title", ""),
        room_id=room_id,
        starts_at=starts_at,
        ends_at=ends_at,
        chair_id=found.staff["chair_id"],
        clerk_id=found.staff["clerk_id"],
        prosecutor_id=found.staff["prosecutor_id"],
        participants=found.participants,
        kind=kind,
        override_reason=fields.get("override_reason", "") or given.override_reason,
        apart=found.apart,
    )
    return draft, errors


def _room(said: str, known: Known) -> str:
    """By its name; a calendar's location may go on after a comma."""
    return known.rooms.get(said.casefold(), "") or known.rooms.get(said.replace(";", ",").partition(",")[0].strip().casefold(), "")


def _times(fields: dict[str, str], zone: ZoneInfo, errors: list[FieldError]) -> tuple[datetime | None, datetime | None]:
    found = _DAY.fullmatch(fields.get("day", ""))
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        day = None
    if day is None and fields.get("day"):
        errors.append(("day", "import_day", {"text": fields["day"][:40]}))
    moments: list[datetime | None] = []
    for column in ("start", "end"):
        clock = _TIME.fullmatch(fields.get(column, ""))
        if clock is None and fields.get(column):
            errors.append((column, "import_time", {"text": fields[column][:40]}))
        moments.append(datetime(day.year, day.month, day.day, int(clock[1]), int(clock[2]), tzinfo=zone) if day and clock else None)
    starts_at, ends_at = moments
    if starts_at and ends_at and ends_at <= starts_at:  # over midnight
        ends_at = (ends_at.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return starts_at, ends_at


def _kind(said: str, given: Given, errors: list[FieldError]) -> str:
    """By its code or what a file may call it."""
    if not said:
        return FIRST
    kind = said if said in PROCEDURES else given.kind_words.get(said.casefold(), "")
    if not kind:
        errors.append(("kind", "kind_unknown", {"kind": said[:40]}))
    return kind or FIRST


def roles() -> tuple[str, ...]:
    """The roles that a row of the participants can have in some kind."""
    return tuple(dict.fromkeys(role for procedure in PROCEDURES.values() for role in procedure.order or procedure.roles))
