"""What people were told of their sittings, and whether it arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.notices import ledger
from dispatch.store.notice_tables import Message
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, cursor_of, place
from dispatch.web.api.values import Id, Moment, Resource, local, local_or_none
from dispatch.web.request import Request, ctx, me, zone

Channel = Literal["mail", "sms"]
Kind = Literal["invitation", "changed", "link", "cancelled", "removed", "reminder", "approved", "declined", "lapsed", "offered"]
State = Literal["queued", "sending", "sent", "failed", "superseded"]


class MessageView(Resource):
    """Something that one participant was told, or is to be told, by one way."""

    id: Id
    sitting_id: Id
    participant_id: Id
    channel: Channel
    kind: Kind = Field(
        description="invitation, changed (time or place), link (a new personal link), cancelled, removed, reminder; approved, declined,"
        " lapsed: to whoever asked for the booking; offered: to whoever waited for the time."
    )
    state: State = Field(description="sent: the other server took it. superseded: it was so no longer, and was not sent.")
    to: str = Field(description="The e-mail address, or the number of the mobile.")
    attempts: int
    outcome: str = Field(description="What the other server said last; expired: it was too late.")
    created_at: Moment
    next_at: Moment | None = Field(description="When it is tried next; null once that is over.")
    settled_at: Moment | None = Field(description="When it was sent, given up or superseded.")

    @classmethod
    def of(cls, message: Message, tz: ZoneInfo) -> MessageView:
        """All there is to show."""
        waits: datetime | None = message.next_at if message.state == "queued" else None
        return cls(
            id=message.id,
            sitting_id=message.sitting_id,
            participant_id=message.participant_id,
            channel=cast("Channel", message.channel),
            kind=cast("Kind", message.kind),
            state=cast("State", message.state),
            to=message.address,
            attempts=message.attempts,
            outcome=message.outcome,
            created_at=local(message.created_at, tz),
            next_at=local_or_none(waits, tz),
            settled_at=local_or_none(message.settled_at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/messages/{self.id}"


class MessageList(Page[MessageView]):
    """One page of messages, the newest first."""


class MessageQuery(Paging):
    """Which messages."""

    sitting: str = Field("", max_length=16, description="Id of the sitting.")
    state: list[State] = Field([], max_length=5, description="One or more states: the parameter may be repeated.")
    channel: Channel | None = Field(None, description="By which way.")


async def search(request: Request, query: MessageQuery) -> MessageList:
    """List messages.

    The newest first, a page at a time. Reminders that wait for their day are listed with their sitting, or by their state.
    """
    after = place(query.cursor)
    wanted = ledger.Wanted(query.sitting, tuple(query.state), query.channel or "")
    found, goes_on = await ledger.page(ctx(request).db, wanted, ledger.Place(*after) if after else None, query.limit)
    items = [MessageView.of(message, zone(request)) for message in found]
    return MessageList(items=items, next=cursor_of(goes_on.created_at, goes_on.id) if goes_on else None)


async def show(request: Request) -> MessageView:
    """Show one message."""
    return MessageView.of(await ledger.get(ctx(request).db, request.match_info["message"]), zone(request))


async def send_again(request: Request) -> MessageView:
    """Send a message again.

    As a new one, to the address of today. Only what the participant was told last, and only while it is still so.
    """
    again = await ledger.send_again(ctx(request).db, request.match_info["message"], me(request), ctx(request).clock())
    return MessageView.of(again, zone(request))


TELLS = programs(CLERK)

ROUTES = (
    operation("GET", "/messages", search, TELLS),
    operation("GET", "/messages/{message}", show, TELLS),
    operation("POST", "/messages/{message}/send-again", send_again, TELLS, status=201, refuses=(409,)),
)
