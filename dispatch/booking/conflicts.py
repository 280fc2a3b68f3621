"""What is in the way of a booking: asked inside the write transaction, so that the answer still holds when it commits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, lazyload

from dispatch.booking.spans import Span, nearest_free
from dispatch.errors import Conflict
from dispatch.store.tables import Booking, Participant, Sitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm.interfaces import ORMOption

    from dispatch.store.site import Site

ENDED = ("closed", "cancelled")
UNDER_WAY = ("live", "recess")
SEARCH = timedelta(days=14)
"""How far around the wanted time a free one is looked for."""


def _holds(span: Span, now: datetime) -> ColumnElement[bool]:
    """Bookings that hold their room or people during `span`. A sitting that is live holds them beyond its planned end: it
    never ends by the clock."""
    runs_over = and_(Sitting.status.in_(UNDER_WAY), Booking.ends_at <= now)
    until = or_(Booking.ends_at > span.start, runs_over) if span.start <= now else Booking.ends_at > span.start
    return and_(Booking.active, Sitting.status.not_in(ENDED), Booking.starts_at < span.end, until)


async def refuse_conflicts(
    session: AsyncSession,
    site: Site,
    *,
    room_id: str,
    user_ids: Collection[str],
    span: Span,
    now: datetime,
    own: str = "",
    in_place: bool = False,
) -> None:
    """Raises :class:`Conflict` when the room or one of the users is taken during `span` by another sitting than `own`.

    `in_place`: `own` has that room and time already, only the users are new to it. A sitting that runs over into its time
    is no reason to refuse a change of its people.
    """
    others = and_(_holds(span, now), Sitting.id != own)
    in_room = await session.scalar(
        select(Booking)
        .join(Booking.sitting)
        .where(Booking.room_id == room_id, others)
        .order_by(Booking.starts_at)
        .limit(1)
        .options(_named())
    )
    if in_room is not None and not in_place:
        raise await _conflict(session, site, "room_taken", "starts_at", in_room, "", room_id, user_ids, span, now, own)
    person = (
        await session.execute(
            select(Participant, Booking)
            .join(Sitting, Sitting.id == Participant.sitting_id)
            .join(Booking, Booking.sitting_id == Sitting.id)
            .where(Participant.user_id.in_(user_ids), Participant.removed_at.is_(None), others)
            .order_by(Booking.starts_at, Participant.position)
            .limit(1)
            .options(lazyload(Participant.invitations), _named())
        )
    ).first()
    if person is not None:
        participant, booking = person
        raise await _conflict(session, site, "person_taken", "starts_at", booking, participant.name, room_id, user_ids, span, now, own)


def _named() -> ORMOption:
    """What names a sitting that is in the way, and no more: others wait for this transaction to end."""
    return joinedload(Booking.sitting).options(lazyload(Sitting.participants), lazyload(Sitting.bookings))


async def _conflict(
    session: AsyncSession,
    site: Site,
    code: str,
    field: str,
    booking: Booking,
    person: str,
    room_id: str,
    user_ids: Collection[str],
    span: Span,
    now: datetime,
    own: str,
) -> Conflict:
    taken = await _taken(session, room_id, user_ids, Span(span.start - SEARCH, span.end + SEARCH), now, own)
    nearest = nearest_free(span, taken, now, site.zone)
    sitting = booking.sitting
    return Conflict(
        code,
        field,
        sitting_id=sitting.id,
        room_id=booking.room_id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        nearest_free=nearest,
        room=booking.room.name,
        title=sitting.title,
        case_number=sitting.case.number,
        person=person,
        **{"from": site.clock(booking.starts_at, span.start), "to": site.clock(booking.ends_at, span.start)},
        nearest=site.clock(nearest, span.start),
    )


async def _taken(session: AsyncSession, room_id: str, user_ids: Collection[str], window: Span, now: datetime, own: str) -> list[Span]:
    """Every span within `window` in which the room or one of the users is taken."""
    theirs = select(Participant.sitting_id).where(Participant.user_id.in_(user_ids), Participant.removed_at.is_(None))
    rows = await session.execute(
        select(Booking.starts_at, Booking.ends_at, Sitting.status)
        .join(Sitting, Sitting.id == Booking.sitting_id)
        .where(_holds(window, now), Sitting.id != own, or_(Booking.room_id == room_id, Sitting.id.in_(theirs)))
    )
    # When a sitting that runs over will end, nobody knows; what is proposed lies at least behind the present moment.
    least = now + timedelta.resolution
    return [Span(start, max(end, least) if status in UNDER_WAY else end) for start, end, status in rows]
