"""The versions of procedures by which the unit holds its sittings, as booking asks for them: who may be booked, and how many."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.store import ready
from dispatch.store.ready import Ready
from dispatch.store.tables import ProcedureVersion
from rooms.procedure import PROCEDURES, ProcedureRefused, read_procedure

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.booking.roles import Procedures
    from dispatch.store.database import Database

_ADOPTED = Ready(select(ProcedureVersion.kind, ProcedureVersion.text).where(ProcedureVersion.adopted).order_by(ProcedureVersion.at))
ASKED: ready.Asked = (_ADOPTED, {})
"""What :func:`held_in` asks for."""


async def held(db: Database) -> Procedures:
    """By kind, the version in force."""
    async with db.reader() as session:
        return await held_in(session)


async def held_in(session: AsyncSession) -> Procedures:
    """The same inside a transaction. Where this program cannot read an adopted version any more, its own stands in: a sitting can be
    booked, and is opened once another version is adopted."""
    found = dict(PROCEDURES)
    for row in await ready.rows(session, *ASKED):
        with suppress(ProcedureRefused):
            found[row.kind] = read_procedure(row.text)
    return found
