"""What rooms are booked for next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from dispatch.booking.conflicts import ENDED
from dispatch.store.tables import Booking, Hold, Room, Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database


async def next_in_rooms(db: Database, room_ids: Collection[str], after: datetime, *, but: str = "") -> tuple[Booking, Room] | None:
    """The first booking of one of the rooms that starts at or after a moment, of another sitting than `but`, and the room; `sitting`
    is loaded."""
    async with db.reader() as session:
        found = (
            await session.execute(
                select(Booking, Room)
                .join(Booking.holds)
                .join(Booking.sitting)
                .join(Room, Room.id == Hold.resource_id)
                .where(
                    Hold.resource_id.in_(room_ids),
                    Hold.active,
                    Hold.ends_at > after,
                    Booking.starts_at >= after,
                    Sitting.status.not_in(ENDED),
                    Sitting.id != but,
                )
                .order_by(Booking.starts_at, Hold.position)
                .limit(1)
                .options(joinedload(Booking.sitting))
            )
        ).first()
    return (found[0], found[1]) if found is not None else None
