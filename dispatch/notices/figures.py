"""Figures of the outbox for Prometheus: read from the database, so that they are true whichever process sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from dispatch.counting import again_and_again
from dispatch.notices.ledger import STATES, counts
from dispatch.notices.outbox import CHANNELS
from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from dispatch.store.database import Database

EVERY_S = 15.0

MESSAGES = Gauge(
    "dispatch_messages",
    "Messages to participants and to those who asked for a booking, and events to programs, by what became of them; queued: that are due",
    ["channel", "state"],
)
OLDEST = Gauge("dispatch_messages_oldest_seconds", "For how long the oldest message waits that is due; 0: none does", ["channel"])


async def run(db: Database, clock: Callable[[], datetime] = utc_now) -> None:
    """Keep them until cancelled."""
    await again_and_again(lambda: read(db, clock()), EVERY_S)


async def read(db: Database, now: datetime) -> None:
    """Read them once."""
    found, waits = await counts(db, now)
    numbers = {(count.channel, count.state): count.number for count in found}
    for channel in (*CHANNELS, "asker", "webhook"):
        for state in STATES:
            MESSAGES.labels(channel, state).set(numbers.get((channel, state), 0))
        OLDEST.labels(channel).set(waits[channel].total_seconds() if channel in waits else 0)
