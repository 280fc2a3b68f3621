"""A court with a recording, on either database, and a copy that is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dispatch.copies import requests
from dispatch.copies.rules import Wish
from dispatch.store.archive_tables import Recording
from dispatch.store.copy_tables import Copy
from dispatch.store.tables import Sitting
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.making import NOW, Court, make_sitting

WISH = Wish("film", "zip", "王律师", "云河律师事务所", "准备二审", "刑事诉讼法第四十条")


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Court:
    """The court on SQLite, and again on PostgreSQL."""
    found: Court = request.getfixturevalue("court" if request.param == "sqlite" else "postgresql_court")
    return found


async def recorded(court: Court, start: str = "14:00", *, film: bool = True) -> Sitting:
    """A sitting with a sealed recording of ten seconds; there is a film of it where `film`, which nobody can play."""
    sitting = await make_sitting(court, start)
    base = court.file.parent / "recordings"
    made = await asyncio.to_thread(make_sealed, base, sitting.id)
    if film:
        (base / sitting.id / "derived" / "composite.mp4").write_bytes(b"film")
    async with court.db.writer() as session:
        row = {"folder": sitting.id, "sealed_at": NOW, "manifest_sha256": made["manifest_sha256"], "seconds": 10.0, "bytes": 1}
        session.add(Recording(sitting_id=sitting.id, composite="done" if film else "none", **row))
    return sitting


async def asked(court: Court, sitting: Sitting, **changes: Any) -> Copy:
    """A copy that the clerk asked for."""
    return await requests.ask(court.db, sitting.id, replace(WISH, **changes), court.clerk, NOW)
