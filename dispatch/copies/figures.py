"""How many copies of recordings are in each state, for Prometheus: read from the database, so that they are true whoever makes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Gauge

from dispatch.copies.listing import counts

if TYPE_CHECKING:
    from dispatch.store.database import Database

log = structlog.get_logger("copies")

EVERY_S = 15.0
COPIES = Gauge("dispatch_copies", "Copies of recordings by their state", ["state"])


async def run(db: Database) -> None:
    """Keep them until cancelled."""
    while True:
        try:
            await read(db)
        except Exception:  # a database that is busy must not end the figures
            log.exception("figures_failed")
        await asyncio.sleep(EVERY_S)


async def read(db: Database) -> None:
    """Read them once."""
    for state, number in (await counts(db)).items():
        COPIES.labels(state).set(number)
