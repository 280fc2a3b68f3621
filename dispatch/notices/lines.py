"""The two ways by which people are told of their sittings, as lines of the sender."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select

from dispatch.identity import invitations
from dispatch.notices.gateway import Gateway
from dispatch.notices.letters import Receiver, Writer
from dispatch.notices.mail import MailServer
from dispatch.notices.outbox import AHEAD, ENDS, UNDER_WAY, address_of, asker_address
from dispatch.notices.sender import Act, Line
from dispatch.store.copy_tables import Copy
from dispatch.store.keeping_tables import Destruction
from dispatch.store.notice_tables import AskerMessage, Message
from dispatch.store.tables import Browser, Invitation, Participant, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.notices.letters import Words
    from dispatch.settings import Settings
    from dispatch.store.database import Database


class SittingLine(Line[Message]):
    """What mail and text messages have in common: whether a message is still true, and whom it is for."""

    row = Message

    def __init__(self, db: Database, settings: Settings, words: Words) -> None:
        self._db = db
        self._public_url = settings.public_url
        self._writer = Writer(settings, words)

    def own(self) -> ColumnElement[bool]:
        return Message.channel == self.name

    async def pack(self, session: AsyncSession, row: Message, now: datetime) -> Act | None:
        sitting = await session.get_one(Sitting, row.sitting_id)
        person = await session.get_one(Participant, row.participant_id)
        address = address_of(person, row.channel)
        invitation = next((each for each in reversed(person.invitations) if each.revoked_at is None), None)
        if not address or not _is_so(row, sitting, person, invitation, now):
            return None
        row.address = address
        language, url = await self._language(session, person), self._url(person, sitting, invitation)
        receiver = Receiver(person, language, url, staff=person.user_id is not None)
        return lambda: self._deliver(row, sitting, receiver, now)

    @abstractmethod
    async def _deliver(self, message: Message, sitting: Sitting, receiver: Receiver, now: datetime) -> str:
        """Send it; what the other side said."""

    def _url(self, person: Participant, sitting: Sitting, invitation: Invitation | None) -> str:
        if person.user_id is not None:
            return f"{self._public_url}/sittings/{sitting.id}"
        token = invitations.token_of(self._db, invitation) if invitation is not None else None
        return f"{self._public_url}/join/{token}" if token else ""

    async def _language(self, session: AsyncSession, person: Participant) -> str:
        """A member of the staff's own; of anybody else that in which he last opened his link."""
        if person.user is not None:
            return person.user.language
        opened = (
            select(Browser.language)
            .join(Invitation, Invitation.id == Browser.invitation_id)
            .where(Invitation.participant_id == person.id)
            .order_by(Browser.created_at.desc())
            .limit(1)
        )
        return await session.scalar(opened) or "zh-CN"


def _is_so(message: Message, sitting: Sitting, person: Participant, invitation: Invitation | None, now: datetime) -> bool:
    """Whether what the message was to tell is still true."""
    if message.kind in ("cancelled", "declined", "lapsed"):
        return sitting.status == "cancelled"
    if message.kind == "removed":
        return person.removed_at is not None
    if person.removed_at is not None or (message.sequence != sitting.sequence and sitting.status in AHEAD):
        return False
    if message.kind == "reminder":
        return sitting.status in AHEAD and now < sitting.starts_at and not (invitations.needs_link(person) and invitation is None)
    if sitting.status not in (*AHEAD, *UNDER_WAY):
        return False
    return (invitation.id if invitation is not None else None) == message.invitation_id


class MailLine(SittingLine):
    """E-mail."""

    name = "mail"

    def __init__(self, db: Database, settings: Settings, words: Words) -> None:
        super().__init__(db, settings, words)
        self._server = MailServer(settings)

    async def _deliver(self, message: Message, sitting: Sitting, receiver: Receiver, now: datetime) -> str:
        return await self._server.deliver(self._writer.mail(message, sitting, receiver, now), message.address)

    async def rest(self) -> None:
        await self._server.close()


COPY_STATES = {
    "copy_asked": ("requested",),
    "copy_allowed": ("approved", "ready"),
    "copy_refused": ("refused",),
    "copy_ready": ("ready",),
    "copy_failed": ("failed",),
    "copy_revoked": ("revoked",),
}
"""Kinds of messages that tell of a copy of a recording (dispatch.copies.telling) → the states of the copy in which it is still so."""


DESTRUCTION_STATES = {"destroy_ask": "proposed"}
"""Kinds of messages that tell of a destruction (dispatch.keeping.telling) → its state in which it is still so."""


class AskingLine(Line[AskerMessage]):
    """What mail and text messages to those of the staff who asked for a booking have in common."""

    row = AskerMessage
    channel: str

    def __init__(self, settings: Settings, words: Words) -> None:
        self._public_url = settings.public_url
        self._writer = Writer(settings, words)

    def own(self) -> ColumnElement[bool]:
        return AskerMessage.channel == self.channel

    async def pack(self, session: AsyncSession, row: AskerMessage, now: datetime) -> Act | None:
        sitting = await session.get_one(Sitting, row.sitting_id)
        user = await session.get_one(User, row.user_id)
        address = asker_address(user, self.channel)
        path = f"sittings/{sitting.id}"
        if row.kind in COPY_STATES:
            path, still = f"copies/{row.detail['copy']}", await _copy_is(session, row)
        elif row.kind in DESTRUCTION_STATES:
            path, still = f"keeping/destructions/{row.detail['destruction']}", await _destruction_is(session, row, sitting)
        else:
            still = _still(row.kind, sitting, now)
        if not user.active or not address or not still:
            return None
        row.address = address
        person = Participant(name=user.name, role="")
        receiver = Receiver(person, user.language, f"{self._public_url}/{path}", staff=True)
        return lambda: self._deliver(row, sitting, receiver, now)

    @abstractmethod
    async def _deliver(self, message: AskerMessage, sitting: Sitting, receiver: Receiver, now: datetime) -> str:
        """Send it; what the other side said."""


class AskerLine(AskingLine):
    """E-mail to those who take no part in what they asked for, and of copies and destructions of recordings."""

    name, channel = "asker", "mail"

    def __init__(self, settings: Settings, words: Words) -> None:
        super().__init__(settings, words)
        self._server = MailServer(settings)

    async def _deliver(self, message: AskerMessage, sitting: Sitting, receiver: Receiver, now: datetime) -> str:
        return await self._server.deliver(self._writer.mail(message, sitting, receiver, now), message.address)

    async def rest(self) -> None:
        await self._server.close()


class AskerTextLine(AskingLine):
    """Text messages to whoever asked and has a mobile number."""

    name, channel = "asker_sms", "sms"

    def __init__(self, settings: Settings, words: Words) -> None:
        super().__init__(settings, words)
        self._gateway = Gateway(settings)

    async def _deliver(self, message: AskerMessage, sitting: Sitting, receiver: Receiver, _now: datetime) -> str:
        return await self._gateway.deliver(message.id, message.address, self._writer.sms(message, sitting, receiver))

    async def rest(self) -> None:
        await self._gateway.close()


async def _copy_is(session: AsyncSession, row: AskerMessage) -> bool:
    """Whether it is still so of the copy that it tells of."""
    copy = await session.get(Copy, row.detail["copy"])
    return copy is not None and copy.state in COPY_STATES[row.kind]


async def _destruction_is(session: AsyncSession, row: AskerMessage, sitting: Sitting) -> bool:
    """Whether it is still so of the destruction, and the letter names no juvenile record that was sealed meanwhile."""
    found = await session.get(Destruction, row.detail["destruction"])
    return found is not None and found.state == DESTRUCTION_STATES[row.kind] and sitting.withheld_at is None


def _still(kind: str, sitting: Sitting, now: datetime) -> bool:
    """Whether it is still so of the booking."""
    if kind in ENDS:
        return sitting.status == "cancelled"
    booking = sitting.booking
    if sitting.status not in AHEAD:
        return False
    if kind == "offered":
        return booking.state == "tentative" and booking.held_until is not None and booking.held_until > now
    return booking.state == "confirmed"


class TextLine(SittingLine):
    """Text messages."""

    name = "sms"

    def __init__(self, db: Database, settings: Settings, words: Words) -> None:
        super().__init__(db, settings, words)
        self._gateway = Gateway(settings)

    async def _deliver(self, message: Message, sitting: Sitting, receiver: Receiver, _now: datetime) -> str:
        return await self._gateway.deliver(message.id, message.address, self._writer.sms(message, sitting, receiver))

    async def rest(self) -> None:
        await self._gateway.close()
