"""A recording that an operator takes out by the command line, unasked and unapproved: the audit log says so before it is made."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch import audit
from dispatch.archive import explanations
from dispatch.store.archive_tables import Recording
from dispatch.store.database import Database, is_postgresql, place
from dispatch.store.site import Site

if TYPE_CHECKING:
    from dispatch.settings import Settings


def has_database(settings: Settings) -> bool:
    """Whether a database is set here: PostgreSQL, or a file that is there."""
    return is_postgresql(settings.database) or Path(place(settings.database)).exists()


async def note(settings: Settings, recording: Path, target: Path, reason: str) -> bytes | None:
    """Write the row; the signed explanation of the recording's faults, where there is one. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    try:
        async with db.writer() as session:
            known = await session.get(Recording, recording.resolve().name)
            subject = known.sitting.case.number if known is not None else recording.resolve().name
            detail = {"sitting": recording.resolve().name, "path": str(target), "reason": reason.strip()[:400]}
            await audit.write(session, f"operator {_operator()}", "export_unapproved", subject, detail=detail)
        return await explanations.signed_statement(db, recording.resolve().name)
    finally:
        await db.close()


def _operator() -> str:
    """Who he is to the system, and who he was before sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
