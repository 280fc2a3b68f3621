"""Writes what people are to be told into the very transaction of the act it tells of: neither is there without the other.

:func:`settle` compares what a sitting is with what each participant was told of it last, and writes what is missing: an
invitation, a change, a new link, a cancellation, the reminders. Called again it writes nothing. What is queued and true no
longer is superseded, and who was never told anything gets an invitation, not a change of what he does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dispatch import audit
from dispatch.notices.addresses import masked_email, mobile
from dispatch.store.notice_tables import AskerMessage, Message
from dispatch.store.tables import Booking, Hold, Invitation, Participant, Room, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.site import Site

CHANNELS = ("mail", "sms")
AHEAD = ("planned", "open")
UNDER_WAY = ("live", "recess")
UNDECIDED = ("tentative", "requested")
"""A booking of which nobody is told before it is firm."""
OUTCOMES: Mapping[str, str] = {"booking_approved": "approved", "booking_declined": "declined", "booking_lapsed": "lapsed"}
"""Act of the audit log → what whoever asked for the booking is told: as a participant where he is one and was told nothing before."""
FIRST = ("invitation", "approved")
"""Kinds by which somebody hears of a sitting for the first time."""
ENDS = ("cancelled", "removed", "declined", "lapsed")
"""Kinds after which there is nothing to come to."""
OVER = timedelta(hours=24)
"""For how long a cancellation is still worth telling, where the sitting would be over before."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the messages of one sitting say, as it is inside the transaction."""

    sitting: Sitting
    detail: Mapping[str, Any]
    links: Mapping[str, str]
    now: datetime
    reminders: tuple[timedelta, ...]
    outcome: str
    """what became of the booking: approved, declined, lapsed; "" for anything else"""


def address_of(person: Participant, channel: str) -> str:
    """Where a participant is told by `channel`; "" where he is not. Staff read e-mail; text messages go to whoever is none of them."""
    if channel == "mail":
        return person.user.email if person.user is not None else person.email
    return "" if person.user_id is not None else mobile(person.phone)


def asker_address(user: User, channel: str) -> str:
    """Where whoever asked for a booking is told of it by `channel`; "" where he is not."""
    return user.email if channel == "mail" else mobile(user.phone)


def open_channels(site: Site) -> tuple[str, ...]:
    """The ways by which people are told here."""
    return tuple(channel for channel, on in (("mail", site.mail), ("sms", site.sms)) if on)


async def settle(session: AsyncSession, db: Database, sitting: Sitting, now: datetime, outcome: str = "") -> None:
    """Inside the transaction that changed a sitting, its people or their links, and after the change. `outcome`: what was decided of its
    booking, one of :data:`OUTCOMES`."""
    channels = open_channels(db.site)
    if not channels or sitting.status == "closed":
        return
    if sitting.status in AHEAD and sitting.booking.state in UNDECIDED:
        return
    await session.flush()
    facts = Facts(sitting, await _detail(session, sitting), await _links(session, sitting), now, db.site.reminders, outcome)
    # Locked: a sender that takes one meanwhile has it, and what it has is not superseded any more.
    mine = select(Message).where(Message.sitting_id == sitting.id).order_by(Message.id)
    known = list(await session.scalars(mine.with_for_update().execution_options(populate_existing=True)))
    people = await session.scalars(select(Participant).where(Participant.sitting_id == sitting.id).order_by(Participant.position))
    for person in people:
        for channel in channels:
            own = [message for message in known if (message.participant_id, message.channel) == (person.id, channel)]
            session.add_all(_wanted(facts, person, channel, own))
    if outcome:
        await _tell_asker(session, facts, outcome, sitting.created_by, channels)
    await session.flush()


async def _detail(session: AsyncSession, sitting: Sitting) -> dict[str, Any]:
    """Time and place. Rooms are read anew: the bookings of a sitting that was only just made are not on the object yet."""
    held = select(Room).join(Hold, Hold.resource_id == Room.id).join(Booking, Booking.id == Hold.booking_id)
    rooms = list(await session.scalars(held.where(Booking.sitting_id == sitting.id).order_by(Hold.position)))
    return {
        "starts": sitting.starts_at.isoformat(),
        "ends": sitting.ends_at.isoformat(),
        "room": "、".join(room.name for room in rooms),
        "room_en": ", ".join(room.name_en or room.name for room in rooms),
    }


async def _links(session: AsyncSession, sitting: Sitting) -> dict[str, str]:
    """Participant id → id of the link that is good."""
    good = (
        select(Invitation.participant_id, Invitation.id)
        .join(Participant, Participant.id == Invitation.participant_id)
        .where(Participant.sitting_id == sitting.id, Invitation.revoked_at.is_(None))
        .order_by(Invitation.created_at)
    )
    return {row.participant_id: row.id for row in await session.execute(good)}


def _wanted(facts: Facts, person: Participant, channel: str, own: list[Message]) -> Iterator[Message]:
    """What is still to be written for one participant and way; `own`: what was."""
    told = next((message for message in own if message.newest), None)
    address = address_of(person, channel)
    kind = _kind(facts, person, address, told)
    if kind:
        for message in own:
            _supersede(message, facts.now)
        message = _message(facts, person, channel, address, kind, facts.now)
        message.newest = True
        if told is not None and kind == "changed":
            message.detail |= _former(told)
        if told is not None:
            told.newest = False
        yield message
    if facts.sitting.status in AHEAD and person.removed_at is None and address:
        yield from _reminders(facts, person, channel, address, own)


def _former(told: Message) -> dict[str, Any]:
    """The time and place that he knows of: what was to be told last, or, where that did not go out, what it was to replace."""
    unheard = told.kind == "changed" and told.attempts == 0
    return {f"former_{name}": told.detail[f"former_{name}" if unheard else name] for name in ("starts", "ends", "room", "room_en")}


def _kind(facts: Facts, person: Participant, address: str, told: Message | None) -> str:
    """What is to be told now; "" for nothing."""
    sitting = facts.sitting
    unheard = told is None or (told.state in ("queued", "superseded") and told.attempts == 0 and told.kind in FIRST)
    if not address or (sitting.ends_at <= facts.now and sitting.status in AHEAD):
        return ""
    if sitting.status == "cancelled" or person.removed_at is not None:
        if told is None:  # who never heard of it need not hear of its end, but for the one who asked for it
            return facts.outcome if facts.outcome in ENDS and _asked_for(facts, person) else ""
        if told.kind in ENDS:
            return ""
        return "cancelled" if person.removed_at is None else "removed"
    if told is None and facts.outcome == "approved" and _asked_for(facts, person):
        return "approved"
    if told is None or told.address != address or told.kind == "removed":
        return "invitation"
    if sitting.status in AHEAD and told.sequence != sitting.sequence:
        return "invitation" if unheard else "changed"
    link = facts.links.get(person.id)
    if told.invitation_id == link or (link is None and person.seat == "link"):  # revoked: the clerk says so himself, or does not
        return ""
    return "invitation" if unheard else "link" if link else "changed"


def _asked_for(facts: Facts, person: Participant) -> bool:
    return person.user_id is not None and person.user_id == facts.sitting.created_by and person.removed_at is None


def _reminders(facts: Facts, person: Participant, channel: str, address: str, own: list[Message]) -> Iterator[Message]:
    for before in facts.reminders:
        due, hours = facts.sitting.starts_at - before, before.total_seconds() / 3600
        there = [
            message
            for message in own
            if message.kind == "reminder"
            and message.state != "superseded"
            and message.detail["hours"] == hours
            and (message.sequence, message.address) == (facts.sitting.sequence, address)
        ]
        if due > facts.now and not there:
            message = _message(facts, person, channel, address, "reminder", due)
            message.detail |= {"hours": hours}
            yield message


async def offered(session: AsyncSession, db: Database, sitting: Sitting, user_id: str, now: datetime) -> None:
    """Inside the transaction that holds a time for somebody who waited for it: tell him, where he can be told. Nobody else hears
    of it before the booking is firm."""
    if not (channels := open_channels(db.site)):
        return
    await session.flush()
    facts = Facts(sitting, await _detail(session, sitting), {}, now, (), "")
    own = select(Participant).where(Participant.sitting_id == sitting.id, Participant.user_id == user_id)
    for person in await session.scalars(own) if "mail" in channels else ():
        if address := address_of(person, "mail"):
            session.add(_message(facts, person, "mail", address, "offered", now))
    await _tell_asker(session, facts, "offered", user_id, channels)
    await session.flush()


async def _tell_asker(session: AsyncSession, facts: Facts, kind: str, user_id: str | None, channels: Sequence[str]) -> None:
    """Whoever asked for the booking hears what became of it, also where he takes no part in it: by e-mail, unless he is told so as a
    participant, and by text message where his account has a mobile number. Programs ask by themselves."""
    user = await session.get(User, user_id) if user_id is not None else None
    if user is None or not user.active:
        return
    sitting = facts.sitting
    takes_part = select(Participant.id).where(
        Participant.sitting_id == sitting.id, Participant.user_id == user.id, Participant.removed_at.is_(None)
    )
    told = select(AskerMessage.channel).where(AskerMessage.sitting_id == sitting.id, AskerMessage.kind == kind)
    done = set(await session.scalars(told)) | ({"mail"} if await session.scalar(takes_part.limit(1)) else set())
    for channel in channels:
        if channel not in done and (address := asker_address(user, channel)):
            until = max(sitting.ends_at, facts.now + OVER) if kind in ENDS else sitting.ends_at
            message = AskerMessage.queued(
                user, kind, sitting.id, dict(facts.detail), facts.now, until=until, channel=channel, address=address
            )
            session.add(message)


def _message(facts: Facts, person: Participant, channel: str, address: str, kind: str, due: datetime) -> Message:
    sitting = facts.sitting
    good_until = sitting.starts_at if kind == "reminder" else sitting.ends_at
    if kind in ENDS or sitting.status in UNDER_WAY:
        good_until = max(good_until, facts.now + OVER)
    return Message(
        channel=channel,
        kind=kind,
        sitting_id=sitting.id,
        participant_id=person.id,
        address=address,
        sequence=sitting.sequence,
        invitation_id=facts.links.get(person.id),
        detail=dict(facts.detail),
        newest=False,
        state="queued",
        attempts=0,
        next_at=due,
        good_until=good_until,
        created_at=facts.now,
    )


def _supersede(message: Message, now: datetime) -> None:
    if message.state == "queued":
        message.state, message.settled_at = "superseded", now


def addresses_of(sitting: Sitting) -> dict[str, str]:
    """Participant id → e-mail address, before a change; for :func:`note_addresses`."""
    return {person.id: person.email for person in sitting.participants}


async def note_addresses(session: AsyncSession, by: User, sitting: Sitting, former: Mapping[str, str], now: datetime) -> None:
    """Inside the transaction that changed people of a sitting: an audit row for each whose address is another than it was."""
    people = await session.scalars(select(Participant).where(Participant.sitting_id == sitting.id, Participant.id.in_(former)))
    for person in people:
        if person.removed_at is None and person.email != former[person.id]:
            detail = {"sitting": sitting.id, "participant": person.id}
            detail |= {"former": masked_email(former[person.id]), "latter": masked_email(person.email)}
            await audit.write(session, by, "address_changed", f"{sitting.case.number} {person.name}", detail=detail, now=now)
