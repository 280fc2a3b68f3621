"""By which version of its procedure the unit holds a kind of sitting: one that it adopted, else the one that comes with the program.

A sitting keeps the version with which it was opened; a version that is adopted is for those that are opened from then on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from dispatch import audit
from dispatch.errors import ValidationFailed
from dispatch.store.tables import ProcedureVersion, User, new_id
from rooms.procedure import PROCEDURES, Procedure, ProcedureRefused, procedure_of, read_procedure

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

LONGEST_VERSION = 80


async def held_by(db: Database, kind: str) -> Procedure:
    """The version by which the unit holds a kind: what it adopted, else what comes with the program."""
    found = await adopted(db, kind)
    return procedure_of(found.text) if found is not None else PROCEDURES[kind]


async def adopted(db: Database, kind: str) -> ProcedureVersion | None:
    """What the unit has adopted for a kind, by whom and when; None where it holds it by what comes with the program."""
    async with db.reader() as session:
        return await _adopted(session, kind)


async def adopt(db: Database, text: str, by: User | str, now: datetime, *, address: str | None = None) -> Procedure:
    """The unit holds the kind that the text is of by it from now on; who presides stays whoever presides that kind, and it has every
    role that can be booked for it, whatever rights it gives. `by` is a member of
    the staff, or the name of an operator at the command line of the machine `address`.

    Raises ValidationFailed at "text" with every bad line (code of :class:`rooms.procedure.Problem`, its line among the data).
    """
    try:
        found = read_procedure(text)
    except ProcedureRefused as refused:
        raise ValidationFailed([("text", each.code, {"line": each.line, **each.data}) for each in refused.problems]) from refused
    if found.chair != PROCEDURES[found.kind].chair:
        raise ValidationFailed([("text", "procedure_chair", {"line": 1, "roles": [PROCEDURES[found.kind].chair]})])
    missing = [role for role in PROCEDURES[found.kind].order if role not in found.roles]
    if missing:
        raise ValidationFailed([("text", "procedure_roles", {"line": 1, "roles": missing})])
    if not found.version or len(found.version) > LONGEST_VERSION:
        raise ValidationFailed([("text", "procedure_version", {"line": 1, "most": LONGEST_VERSION})])
    async with db.writer() as session:
        await session.execute(update(ProcedureVersion).where(ProcedureVersion.kind == found.kind).values(adopted=False))
        who = by if isinstance(by, str) else by.name
        row = ProcedureVersion(id=new_id(), kind=found.kind, version=found.version, text=text, by=who, at=now, adopted=True)
        session.add(row)
        await session.flush()
        detail = {"procedure": row.id, "kind": found.kind, "version": found.version}
        await audit.write(session, by, "procedure_adopted", f"{found.kind} {found.version}", detail=detail, now=now, address=address)
    return found


async def _adopted(session: AsyncSession, kind: str) -> ProcedureVersion | None:
    wanted = select(ProcedureVersion).where(ProcedureVersion.kind == kind, ProcedureVersion.adopted).order_by(ProcedureVersion.at.desc())
    found: ProcedureVersion | None = await session.scalar(wanted.limit(1))
    return found
