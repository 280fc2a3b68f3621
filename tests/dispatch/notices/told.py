"""Messages of the outbox, as tests speak of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.store.database import Database
from dispatch.store.notice_tables import Message
from dispatch.store.tables import Participant, Sitting
from tests.dispatch.making import Court, make_sitting

LIU, WU = "liu@example.com", "wu@example.com"


async def told_sitting(court: Court, start: str = "14:00", minutes: int = 60, **changes: Any) -> Sitting:
    """A sitting of Liu, who joins by link and has e-mail and a mobile, and Wu, who sits in the room and has e-mail alone."""
    people = (
        ParticipantDraft("刘芳", "party", phone="138 1234 5678", email=LIU),
        ParticipantDraft("吴译", "interpreter", seat="room", email=WU),
    )
    return await make_sitting(court, start, minutes, **({"participants": people} | changes))


async def messages(db: Database, channel: str = "mail", **wanted: str) -> list[Message]:
    """Messages by one way, in the order of their participants and dues; `wanted`: values of their columns."""
    found = (
        select(Message)
        .join(Participant, Participant.id == Message.participant_id)
        .where(Message.channel == channel, *(getattr(Message, name) == value for name, value in wanted.items()))
        .order_by(Participant.position, Message.next_at, Message.kind)
    )
    async with db.reader() as session:
        return list(await session.scalars(found))


async def queue(db: Database, channel: str = "mail") -> list[tuple[str, str]]:
    """Kind and address of what waits."""
    return [(message.kind, message.address) for message in await messages(db, channel, state="queued")]


async def whole_database(court: Court) -> bytes:
    """All that lies in the court's database: the very file, or every row of every table."""
    if court.file.exists():
        return court.file.read_bytes()
    async with court.db.reader() as session:
        rows = [str(row) for table in Message.metadata.sorted_tables for row in await session.execute(select(table))]
    return "\n".join(rows).encode()
