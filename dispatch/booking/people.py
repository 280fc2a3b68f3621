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
    """Inside a transaction: hold one more person for the sitting's time; what it holds already is not looked at again, what gave way to
    another sitting is.

    Raises Conflict when he is needed elsewhere then.
    """
    span = Span(sitting.starts_at, sitting.ends_at)
    locked = await holds.locked(session, [*(hold.resource_id for hold in sitting.booking.holds), user_id])
    present = await holds.held(session, sitting.booking)
    resources = [locked[each] for each in dict.fromkeys([*(hold.resource_id for hold in present), user_id])]
    holding = {hold.resource_id for hold in present if hold.active}
    await refuse_conflicts(session, site, Want.whole(span, resources, sitting.id, holding), now)
    await holds.take(session, sitting.booking, resources, span)
