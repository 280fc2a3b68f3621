"""The clerk's page of what people were told: by which way, whether it arrived, and sending it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dispatch.errors import Refused
from dispatch.notices import ledger
from dispatch.notices.outbox import CHANNELS, open_channels
from dispatch.notices.sender import EXPIRED
from dispatch.sittings import sittings
from dispatch.store.notice_tables import Message
from dispatch.web.access import CLERK, Route, roles
from dispatch.web.api.paging import cursor_of, place_of
from dispatch.web.request import Request, Response, ctx, error_text, gettext, me, render, see_other

SIZE = 50
LONGEST_SEARCH = 80


@dataclass(frozen=True, slots=True)
class Row:
    """A message as the page lists it. `outcome`: the other side's words, or ours; `again`: it may be sent once more."""

    message: Message
    outcome: str
    again: bool


def rows(request: Request, found: list[Message]) -> list[Row]:
    """Messages with what is to be said of each."""
    _, channels = gettext(request), open_channels(ctx(request).db.site)

    def outcome(message: Message) -> str:
        if message.outcome == EXPIRED:
            return _("It was too late to send it")
        return message.outcome if message.state in ("queued", "failed") else ""

    def again(message: Message) -> bool:
        return message.newest and message.state in ledger.SETTLED and message.channel in channels

    return [Row(message, outcome(message), again(message)) for message in found]


async def _page(request: Request, *, status: int = 200, error: str = "") -> Response:
    context, query = ctx(request), request.query
    state, channel = query.get("state", ""), query.get("channel", "")
    text, sitting_id = query.get("q", "").strip()[:LONGEST_SEARCH], query.get("sitting", "")
    sitting = await sittings.in_sight(context.db, sitting_id) if sitting_id else None
    wanted = ledger.Wanted(sitting_id, (state,) if state in ledger.STATES else (), channel if channel in CHANNELS else "", text)
    found, goes_on = await ledger.page(context.db, wanted, _place(query.get("cursor", "")), SIZE)
    asked = {"state": state, "channel": channel, "q": text, "sitting": sitting_id}
    older = {name: value for name, value in asked.items() if value}
    if goes_on:
        older["cursor"] = cursor_of(goes_on.created_at, goes_on.id)
    data: dict[str, Any] = {
        "rows": rows(request, found),
        "sitting": sitting,
        "asked": asked,
        "states": ledger.STATES,
        "channels": CHANNELS,
        "open": open_channels(context.db.site),
        "older": f"/messages?{urlencode(older)}" if goes_on else "",
        "later": bool(query.get("cursor")),
        "sent_again": "again" in query,
        "error": error,
    }
    return render(request, "staff/messages.html", status=status, **data)


def _place(cursor: str) -> ledger.Place | None:
    try:
        place = place_of(cursor[:100])
    except ValueError:
        return None
    return ledger.Place(*place) if place else None


async def show(request: Request) -> Response:
    """A page of messages, the newest first."""
    return await _page(request)


async def send_again(request: Request) -> Response:
    """Tell it once more; a refusal is said above the list."""
    try:
        again = await ledger.send_again(ctx(request).db, request.match_info["message"], me(request), ctx(request).clock())
    except Refused as error:
        return await _page(request, status=error.status, error=error_text(request, error))
    return see_other(f"/messages?sitting={again.sitting_id}&again=1")


ROUTES = (
    Route("GET", "/messages", show, roles(CLERK)),
    Route("POST", "/messages/{message}/send-again", send_again, roles(CLERK)),
)
