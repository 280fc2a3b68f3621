"""A member of the staff joins a sitting that is booked already, perhaps while it is live."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dispatch.booking import holds
from dispatch.booking.conflicts import Want, refuse_conflicts
from dispatch.booking.spans import Span
from dispatch.store.tables import Sitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.site import Site


async def hold_also(session: AsyncSession, site: Site, sitting: Sitting, user_id: str, now: datetime) -> None:
    """Inside a transaction: hold one more person for the sitting's time; what it holds already is not looked at again.

    Raises Conflict when he is needed elsewhere then.
    """
    span = Span(sitting.starts_at, sitting.ends_at)
    present = [hold.resource_id for hold in await holds.held(session, sitting.booking)]
    locked = await holds.locked(session, [*present, user_id])
    resources = [locked[each] for each in dict.fromkeys([*present, user_id])]
    await refuse_conflicts(session, site, Want.whole(span, resources, sitting.id, present), now)
    await holds.take(session, sitting.booking, resources, span)
