"""By which version of its procedure the unit holds a kind of sitting: one that it adopted, else the one that comes with the program.

A sitting keeps the version with which it was opened; a version that is adopted is for those that are opened from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter
from sqlalchemy import select, update

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import NotFound, Refused, ValidationFailed
from dispatch.store.postgresql import lock_words
from dispatch.store.tables import ProcedureVersion, User, new_id
from rooms.procedure import PROCEDURES, SHIPPED, Procedure, ProcedureRefused, procedure_of, read_procedure

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_VERSION = 80
ADOPTED = Counter("dispatch_procedures_adopted_total", "Versions of procedures that were adopted", ["kind"])


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a kind of sitting. `by` and `at`: who adopted it, and when; of what comes with the program nobody and None.
    `shipped`: its text comes with the program. `procedure` is None where this program can read the text no more."""

    id: str
    kind: str
    version: str
    text: str
    procedure: Procedure | None
    in_force: bool
    shipped: bool
    by: str = ""
    at: datetime | None = None


async def held_by(db: Database, kind: str) -> Procedure:
    """The version by which the unit holds a kind: what it adopted, else what comes with the program.

    Raises Refused("version_unreadable") where this program cannot read what was adopted (a program of another time): nothing is held by
    another version than the unit wants, and everything else goes on.
    """
    async with db.reader() as session:
        return await _held_by(session, kind)


async def adopted(db: Database, kind: str) -> ProcedureVersion | None:
    """What the unit has adopted for a kind, by whom and when; None where it holds it by what comes with the program."""
    async with db.reader() as session:
        return await _adopted(session, kind)


async def in_force(db: Database, kind: str) -> Version:
    """The version by which the unit holds a kind, with who adopted it and when."""
    async with db.reader() as session:
        return await _in_force(session, kind)


async def versions(db: Database) -> list[Version]:
    """Every version there is, kind by kind: the one in force, those that come with the program, those adopted before, the newest first."""
    async with db.reader() as session:
        rows = list(await session.scalars(select(ProcedureVersion).order_by(ProcedureVersion.at.desc(), ProcedureVersion.id)))
        first = {kind: await _in_force(session, kind) for kind in PROCEDURES}
    found: list[Version] = []
    for kind, now in first.items():
        found.append(now)
        found += (each for each in reversed(_BY_ID.values()) if each.kind == kind and each.text != now.text)
        found += [_of_row(row, in_force=False) for row in rows if row.kind == kind and row.id != now.id]
    return found


async def get(db: Database, version_id: str) -> Version:
    """One version. Raises NotFound("procedure_version_unknown")."""
    async with db.reader() as session:
        row = await session.get(ProcedureVersion, version_id)
        found = _of_row(row, in_force=False) if row is not None else _BY_ID.get(version_id)
        if found is None or found.kind not in PROCEDURES:
            raise NotFound("procedure_version_unknown")
        now = await _in_force(session, found.kind)
    return now if now.id == version_id else found


def check(text: str) -> Procedure:
    """The version that a text says, fit to be adopted: who presides is whoever presides that kind, and it has every role that can be booked
    for it, whatever rights it gives.

    Raises ValidationFailed at "text" with every bad line (code of :class:`rooms.procedure.Problem`, its line among the data).
    """
    try:
        found = read_procedure(text)
    except ProcedureRefused as refused:
        raise ValidationFailed([("text", each.code, {"line": each.line, **each.data}) for each in refused.problems]) from refused
    if found.chair != PROCEDURES[found.kind].chair:
        raise ValidationFailed([("text", "procedure_chair", {"line": _line_of(text, "chair"), "roles": [PROCEDURES[found.kind].chair]})])
    missing = [role for role in PROCEDURES[found.kind].order if role not in found.roles]
    if missing:
        raise ValidationFailed([("text", "procedure_roles", {"line": _line_of(text, "roles"), "roles": missing})])
    if not found.version or len(found.version) > LONGEST_VERSION:
        raise ValidationFailed([("text", "procedure_version", {"line": _line_of(text, "version"), "most": LONGEST_VERSION})])
    return found


async def adopt(
    db: Database,
    text: str,
    by: User | str,
    now: datetime,
    *,
    address: str | None = None,
    order: orders.Order | None = None,
    seen: Callable[[Version], None] = lambda _version: None,
) -> Version:
    """The unit holds the kind that the text is of by it from now on. `by` is a member of the staff, or the name of an operator at the
    command line of the machine `address`. `seen` is asked inside the transaction with the version that is in force: it raises where that
    is not the one that was looked at. An `order` that was carried out before gives what it made.

    Raises ValidationFailed as :func:`check`.
    """
    found = check(text)
    async with db.writer() as session:
        made = await orders.made_before(session, order, now)
        row = await session.get(ProcedureVersion, made) if made else None
        if row is not None:
            return _of_row(row, in_force=row.adopted)
        await lock_words(session, f"procedure {found.kind}")
        seen(await _in_force(session, found.kind))
        await session.execute(update(ProcedureVersion).where(ProcedureVersion.kind == found.kind).values(adopted=False))
        who = by if isinstance(by, str) else by.name
        row = ProcedureVersion(id=new_id(), kind=found.kind, version=found.version, text=text, by=who, at=now, adopted=True)
        session.add(row)
        await session.flush()
        await orders.keep_made(session, order, row.id, now)
        detail = {"procedure": row.id, "kind": found.kind, "version": found.version}
        await audit.write(session, by, "procedure_adopted", f"{found.kind} {found.version}", detail=detail, now=now, address=address)
    ADOPTED.labels(found.kind).inc()
    return _of_row(row, in_force=True)


def _line_of(text: str, part: str) -> int:
    """The line (from 1) on which a part of the whole begins."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.startswith(f"{part}:")), 1)


def _shipped_id(procedure: Procedure) -> str:
    return f"{procedure.kind}-{procedure.version}"


def _shipped(found: Procedure, *, in_force: bool) -> Version:
    return Version(_shipped_id(found), found.kind, found.version, found.text, found, in_force, shipped=True)


_BY_ID = {
    _shipped_id(each): _shipped(each, in_force=False) for each in sorted(SHIPPED.values(), key=lambda each: each.version)
}


def _of_row(row: ProcedureVersion, *, in_force: bool) -> Version:
    try:
        found = read_procedure(row.text)
    except ProcedureRefused:  # the words of a program of another time
        found = None
    shipped = any(each.text == row.text for each in SHIPPED.values())
    return Version(row.id, row.kind, row.version, row.text, found, in_force, shipped, row.by, row.at)


async def _held_by(session: AsyncSession, kind: str) -> Procedure:
    found = await _adopted(session, kind)
    if found is None:
        return PROCEDURES[kind]
    try:
        return procedure_of(found.text)
    except ProcedureRefused as error:
        raise Refused("version_unreadable", version=found.version, by=found.by) from error


async def _in_force(session: AsyncSession, kind: str) -> Version:
    row = await _adopted(session, kind)
    return _of_row(row, in_force=True) if row is not None else _shipped(PROCEDURES[kind], in_force=True)


async def _adopted(session: AsyncSession, kind: str) -> ProcedureVersion | None:
    wanted = select(ProcedureVersion).where(ProcedureVersion.kind == kind, ProcedureVersion.adopted).order_by(ProcedureVersion.at.desc())
    found: ProcedureVersion | None = await session.scalar(wanted.limit(1))
    return found
