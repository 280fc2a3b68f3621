"""What people were told and what came of it: lists for the clerk, and sending again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from dispatch import audit
from dispatch.errors import NotFound, Refused
from dispatch.notices.outbox import ENDS, OVER, address_of, open_channels
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.notice_tables import AskerMessage, Message, WebhookDelivery
from dispatch.store.tables import Case, Participant, Sitting, new_id

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from dispatch.store.database import Database
    from dispatch.store.tables import User

STATES = ("queued", "sending", "sent", "failed", "superseded")
SETTLED = ("sent", "failed", "superseded")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages; what is empty asks for nothing. `text` is looked for in names, addresses, titles and case numbers."""

    sitting_id: str = ""
    states: Collection[str] = ()
    channel: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The last message of a page: the next page begins behind it."""

    created_at: datetime
    id: str


async def page(db: Database, wanted: Wanted, after: Place | None, size: int) -> tuple[list[Message], Place | None]:
    """At most `size` messages, the newest first, with sitting and participant, and where the next page begins (None: nowhere).

    Reminders that wait for their day, or were superseded before it, are listed when they are asked for by their state, or with their
    sitting.
    """
    rows = _rows(wanted)
    if after is not None:
        rows = rows.where(or_(Message.created_at < after.created_at, and_(Message.created_at == after.created_at, Message.id < after.id)))
    async with db.reader() as session:
        found = list(await session.scalars(rows.order_by(Message.created_at.desc(), Message.id.desc()).limit(size + 1)))
    shown = found[:size]
    return shown, Place(shown[-1].created_at, shown[-1].id) if len(found) > size else None


def _rows(wanted: Wanted) -> Select[Message]:
    rows = select(Message).where(_in_sight()).options(joinedload(Message.sitting), joinedload(Message.participant))
    if wanted.sitting_id:
        rows = rows.where(Message.sitting_id == wanted.sitting_id)
    if wanted.states:
        rows = rows.where(Message.state.in_(wanted.states))
    elif not wanted.sitting_id:
        rows = rows.where(or_(Message.kind != "reminder", Message.state.not_in(("queued", "superseded"))))
    if wanted.channel:
        rows = rows.where(Message.channel == wanted.channel)
    if wanted.text:
        written = Message.address + " " + Participant.name + " " + Sitting.title + " " + Case.number
        joined = rows.join(Participant, Participant.id == Message.participant_id).join(Sitting, Sitting.id == Message.sitting_id)
        rows = joined.join(Case, Case.id == Sitting.case_id).where(written.contains(wanted.text, autoescape=True))
    return rows


def _in_sight() -> ColumnElement[bool]:
    """Of a sitting whose juvenile record is sealed no message is shown either."""
    return Message.sitting_id.in_(select(Sitting.id).where(IN_SIGHT))


async def get(db: Database, message_id: str) -> Message:
    """One message with sitting and participant. Raises NotFound("message_unknown")."""
    wanted = select(Message).where(Message.id == message_id, _in_sight())
    wanted = wanted.options(joinedload(Message.sitting), joinedload(Message.participant))
    async with db.reader() as session:
        found: Message | None = await session.scalar(wanted)
    if found is None:
        raise NotFound("message_unknown")
    return found


async def send_again(db: Database, message_id: str, by: User, now: datetime) -> Message:
    """Tell it once more, as a message of its own at the address of today; the former stays as it is. The new one.

    Raises NotFound, or Refused: "message_under_way", "message_outdated" (its sitting is another by now, or over),
    "message_no_address", "channel_off".
    """
    async with db.writer() as session:
        former = await session.get(Message, message_id)
        if former is None:
            raise NotFound("message_unknown")
        if former.state not in SETTLED:
            raise Refused("message_under_way")
        if former.channel not in open_channels(db.site):
            raise Refused("channel_off")
        sitting = await session.get_one(Sitting, former.sitting_id)
        person = await session.get_one(Participant, former.participant_id)
        address = address_of(person, former.channel)
        over = former.kind in ENDS
        # A reminder is asked about by its time alone: a second one would come at once.
        if not former.newest or former.sequence != sitting.sequence or (not over and sitting.ends_at <= now):
            raise Refused("message_outdated")
        if not address:
            raise Refused("message_no_address", name=person.name)
        good = [invitation.id for invitation in person.invitations if invitation.revoked_at is None]
        again = Message(
            id=new_id(),
            channel=former.channel,
            kind=former.kind,
            sitting_id=former.sitting_id,
            participant_id=former.participant_id,
            address=address,
            sequence=former.sequence,
            invitation_id=good[-1] if good else None,
            detail=dict(former.detail),
            newest=True,
            state="queued",
            attempts=0,
            next_at=now,
            good_until=max(sitting.ends_at, now + OVER) if over else sitting.ends_at,
            created_at=now,
        )
        former.newest = False
        session.add(again)
        detail = {"message": again.id, "former": former.id, "channel": former.channel, "kind": former.kind}
        await audit.write(session, by, "message_sent_again", f"{sitting.case.number} {person.name}", detail=detail, now=now)
    return await get(db, again.id)


@dataclass(frozen=True, slots=True)
class Count:
    """How many messages of one way are in one state, and since when the oldest of them waits."""

    channel: str
    state: str
    number: int


async def counts(db: Database, now: datetime) -> tuple[list[Count], dict[str, timedelta]]:
    """Messages and events by way and state, reminders of another day left out; and for each way how long the oldest is overdue."""
    there = or_(Message.state != "queued", Message.next_at <= now)
    by_state = select(Message.channel, Message.state, func.count().label("number")).where(there).group_by(Message.channel, Message.state)
    waits = Message.state.in_(("queued", "sending"))
    oldest = select(Message.channel, func.min(Message.created_at).label("since")).where(waits, Message.next_at <= now)
    async with db.reader() as session:
        found = [Count(row.channel, row.state, row.number) for row in await session.execute(by_state)]
        since = {row.channel: now - row.since for row in await session.execute(oldest.group_by(Message.channel))}
        asked = select(AskerMessage.state, func.count().label("number")).group_by(AskerMessage.state)
        found += [Count("asker", row.state, row.number) for row in await session.execute(asked)]
        due = AskerMessage.state.in_(("queued", "sending")) & (AskerMessage.next_at <= now)
        if (first := await session.scalar(select(func.min(AskerMessage.created_at)).where(due))) is not None:
            since["asker"] = now - first
        events = select(WebhookDelivery.state, func.count().label("number")).group_by(WebhookDelivery.state)
        found += [Count("webhook", row.state, row.number) for row in await session.execute(events)]
        late = select(func.min(WebhookDelivery.created_at)).where(WebhookDelivery.state.in_(("queued", "sending")))
        if (first := await session.scalar(late)) is not None:
            since["webhook"] = now - first
    return found, since
