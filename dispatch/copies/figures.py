"""How many copies of recordings are in each state, for Prometheus: read from the database, so that they are true whoever makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Gauge

from dispatch.copies.listing import counts
from dispatch.counting import again_and_again

if TYPE_CHECKING:
    from dispatch.store.database import Database

EVERY_S = 15.0
COPIES = Gauge("dispatch_copies", "Copies of recordings by their state", ["state"])


async def run(db: Database) -> None:
    """Keep them until cancelled."""
    await again_and_again(lambda: read(db), EVERY_S)


async def read(db: Database) -> None:
    """Read them once."""
    for state, number in (await counts(db)).items():
        COPIES.labels(state).set(number)
