"""What a room is booked for next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch.booking.conflicts import ENDED
from dispatch.store.tables import Booking, Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database


async def next_in_room(db: Database, room_id: str, after: datetime, *, but: str = "") -> Booking | None:
    """The first booking of a room that starts at or after a moment, of another sitting than `but`; `sitting` is loaded."""
    async with db.reader() as session:
        found: Booking | None = await session.scalar(
            select(Booking)
            .join(Booking.sitting)
            .where(
                Booking.room_id == room_id,
                Booking.active,
                Booking.starts_at >= after,
                Sitting.status.not_in(ENDED),
                Sitting.id != but,
            )
            .order_by(Booking.starts_at)
            .limit(1)
            .options(joinedload(Booking.sitting))
        )
    return found
