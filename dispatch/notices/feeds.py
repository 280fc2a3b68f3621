"""Calendars that programs subscribe to (iCalendar, METHOD:PUBLISH) by secret addresses: of a person, a room, a site.

Whoever has the address reads it, and calendars often lie with a stranger's service. So a feed names the staff and the case and
none of the parties, brings no personal link, shows what its owner's role may see at the moment it is fetched, and ends with
his account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from sqlalchemy import or_, select

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import Forbidden, NotFound, ValidationFailed
from dispatch.identity.tokens import is_token, new_token, token_hash
from dispatch.notices.calendar import Entry, uid_of, written
from dispatch.sittings.listing import SEES_ALL
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.database import CannotWrite
from dispatch.store.notice_tables import CalendarFeed
from dispatch.store.tables import Booking, CourtSite, Hold, Participant, Room, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.notices.letters import Gettext
    from dispatch.store.database import Database

KINDS = ("person", "room", "site")
PAST = timedelta(days=31)
MOST = 5000
"""Entries of one feed at most: the nearest ones; a calendar program that gets more shows none."""
USED_EVERY = timedelta(minutes=10)
"""How exactly `used_at` is kept."""


async def make(db: Database, user: User, kind: str, target: str, now: datetime, order: orders.Order | None = None) -> CalendarFeed:
    """A feed for `user`, who may be a program; where he has it already, it gets another address, and the former one ends. An `order` that
    was carried out before gives the feed that it made, as it is.

    Raises ValidationFailed (field "feed"), UserError("key_reused"), or Forbidden: rooms and sites are for those who see all sittings, and a
    program has none of its own.
    """
    target = "" if kind == "person" else target
    async with db.writer() as session:
        if (made := await orders.made_before(session, order, now)) and (there := await session.get(CalendarFeed, made)) is not None:
            return there
        if kind not in KINDS or (kind != "person" and not await _is_there(session, kind, target)):
            raise ValidationFailed([("feed", "feed_unknown", {})])
        if kind != "person" and user.role not in SEES_ALL:
            raise Forbidden("feed_forbidden")
        is_program = await session.get(User, user.id) is None
        if is_program and kind == "person":
            raise Forbidden("feed_no_person")
        wanted = select(CalendarFeed).where(_of(user), CalendarFeed.kind == kind, CalendarFeed.target == target)
        feed: CalendarFeed | None = await session.scalar(wanted)
        action = "feed_made" if feed is None else "feed_renewed"
        token = new_token()
        if feed is None:
            owner = {"program_id": user.id} if is_program else {"user_id": user.id}
            feed = CalendarFeed(**owner, kind=kind, target=target)
            session.add(feed)
        feed.token_hash, feed.token_sealed, feed.created_at, feed.used_at = token_hash(token), "", now, None
        await session.flush()
        feed.token_sealed = db.site.sealer.seal(token, feed.id)
        await orders.keep_made(session, order, feed.id, now)
        await audit.write(session, user, action, target or kind, detail={"feed": feed.id, "kind": kind}, now=now)
    return feed


def _of(user: User) -> ColumnElement[bool]:
    """Whose feed it is: of a member of the staff, or a program."""
    return or_(CalendarFeed.user_id == user.id, CalendarFeed.program_id == user.id)


async def _is_there(session: AsyncSession, kind: str, target: str) -> bool:
    if kind == "room":
        return await session.get(Room, target) is not None
    return not target or await session.scalar(select(CourtSite.id).where(CourtSite.name == target)) is not None


async def revoke(db: Database, user: User, feed_id: str, now: datetime, seen: Callable[[CalendarFeed], object] | None = None) -> None:
    """The address leads nowhere from now on. `seen` is called inside the transaction with the feed as it is, and raises where it is not
    what the one who asks saw. Raises NotFound, also for another's feed."""
    async with db.writer() as session:
        feed = await _own(session, user, feed_id)
        if seen is not None:
            seen(feed)
        await session.delete(feed)
        await audit.write(session, user, "feed_revoked", feed.target or feed.kind, detail={"feed": feed.id, "kind": feed.kind}, now=now)


async def _own(session: AsyncSession, user: User, feed_id: str) -> CalendarFeed:
    feed = await session.get(CalendarFeed, feed_id)
    if feed is None or feed.owner_id != user.id:
        raise NotFound("feed_unknown")
    return feed


async def get(db: Database, user: User, feed_id: str) -> CalendarFeed:
    """One of his feeds. Raises NotFound, also for another's."""
    async with db.reader() as session:
        return await _own(session, user, feed_id)


async def of_user(db: Database, user: User) -> list[CalendarFeed]:
    """His feeds, the oldest first."""
    wanted = select(CalendarFeed).where(_of(user)).order_by(CalendarFeed.created_at, CalendarFeed.id)
    async with db.reader() as session:
        return list(await session.scalars(wanted))


def token_of(db: Database, feed: CalendarFeed) -> str | None:
    """The secret of its address; None where the installation's key is not the one it was sealed with."""
    try:
        return db.site.sealer.open(feed.token_sealed, feed.id)
    except InvalidTag:
        return None


async def opened(db: Database, token: str, now: datetime) -> CalendarFeed:
    """The feed of an address, noting that it was used. Raises NotFound for what is no feed, or whose owner may see it no longer."""
    if not is_token(token):
        raise NotFound("feed_unknown")
    async with db.reader() as session:
        feed: CalendarFeed | None = await session.scalar(select(CalendarFeed).where(CalendarFeed.token_hash == token_hash(token)))
    role = feed.role(now) if feed is not None else None
    if feed is None or role is None or (feed.kind != "person" and role not in SEES_ALL):
        raise NotFound("feed_unknown")
    if feed.used_at is None or now - feed.used_at >= USED_EVERY:
        with suppress(CannotWrite):  # a full disk must not keep calendars from reading
            async with db.writer() as writing:
                (await writing.get_one(CalendarFeed, feed.id)).used_at = now
    return feed


async def calendar(db: Database, feed: CalendarFeed, gettext: Gettext, public_url: str, now: datetime) -> bytes:
    """The feed's calendar; the same bytes as long as nothing in it has changed."""
    async with db.reader() as session:
        sittings = list(await session.scalars(_sittings(feed, now)))
        room = await session.get(Room, feed.target) if feed.kind == "room" else None
    english = feed.language == "en"
    place = (room.name_en or room.name) if room is not None and english else room.name if room is not None else feed.target
    whose = feed.user.name if feed.user is not None and feed.kind == "person" else place or gettext("feed.all_rooms")
    name = f"{gettext('feed.name')} · {whose}"
    return written("PUBLISH", entries(sittings, gettext, public_url, english=english), db.site.zone, name)


def _sittings(feed: CalendarFeed, now: datetime) -> Select[Sitting]:
    """Cancelled ones too, so that calendars take them away; of those at hand first, where there are too many."""
    wanted = select(Sitting).where(IN_SIGHT, Sitting.ends_at > now.replace(hour=0, minute=0, second=0, microsecond=0) - PAST)
    if feed.kind == "person":
        own = select(Participant.sitting_id).where(Participant.user_id == feed.user_id, Participant.removed_at.is_(None))
        wanted = wanted.where(Sitting.id.in_(own))
    elif feed.target:
        at_site = Room.site_id.in_(select(CourtSite.id).where(CourtSite.name == feed.target))
        rooms = select(Room.id).where(Room.id == feed.target if feed.kind == "room" else at_site)
        held = select(Booking.sitting_id).join(Hold, Hold.booking_id == Booking.id).where(Hold.resource_id.in_(rooms))
        wanted = wanted.where(Sitting.id.in_(held))
    return wanted.order_by(Sitting.starts_at, Sitting.id).limit(MOST)


def entries(sittings: Sequence[Sitting], gettext: Gettext, public_url: str, *, english: bool) -> list[Entry]:
    """Sittings as entries of a staff calendar."""
    found = []
    for sitting in sittings:
        staff = [f"{gettext(f'role.{person.role}')}: {person.name}" for person in sitting.participants if person.user_id is not None]
        rooms = [(room.name_en or room.name) if english else room.name for room in sitting.rooms]
        found.append(
            Entry(
                uid=uid_of(sitting.id),
                sequence=sitting.sequence,
                starts_at=sitting.starts_at,
                ends_at=sitting.ends_at,
                summary=sitting.title,
                location=", ".join(rooms),
                description="\n".join([sitting.case.number, *staff]),
                told_at=sitting.revised_at or sitting.created_at,
                cancelled=sitting.status == "cancelled",
                url=f"{public_url}/sittings/{sitting.id}",
            )
        )
    return found
