"""The event log of a sitting in words: who came, consented, sat down, spoke and went, and when."""

from __future__ import annotations

from itertools import islice

from pydantic import Field

from dispatch.console.event_words import EventWords
from dispatch.sittings import listing
from dispatch.sittings.live import Unavailable
from dispatch.sittings.moments import moment
from dispatch.web.access import CLERK, JUDGE, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.values import Asked, Moment, Shown, local
from dispatch.web.request import Request, ctx, gettext, me, zone
from rooms.log import LogUnwritable


class EventQuery(Asked):
    """Which part of the log."""

    limit: int = Field(200, ge=1, le=500, description="How many entries at most.")
    after: int = Field(0, ge=0, le=1_000_000_000, description="Only entries behind this one: `next` of the answer before.")


class EventView(Shown):
    """An entry of the log. It is never changed, and none is taken out."""

    seq: int = Field(description="Counts the entries of a sitting from 1.")
    at: Moment
    type: str = Field(description="A word that does not change, for instance seated, consented, voice or stage_changed.")
    text: str = Field(description="What happened, in the language asked for.")


class EventList(Shown):
    """Entries of a sitting's log, oldest first."""

    items: list[EventView]
    next: int | None = Field(description="`after` of the following page; null on the last one for now.")


async def events(request: Request, query: EventQuery) -> EventList:
    """List what happened in a sitting.

    The event log in words. It begins when the first person comes; each entry says who did it, and for a room's device who of the
    people there spoke.
    """
    sitting = await listing.visible(ctx(request).db, me(request), request.match_info["sitting"])
    try:
        rows = await ctx(request).hub.rows(sitting.id)
    except LogUnwritable as error:
        raise Unavailable("log_unwritable") from error
    behind = (line for line in EventWords(gettext(request)).lines(rows) if line["seq"] > query.after)
    items = [
        EventView(seq=line["seq"], at=local(moment(line["at_us"]), zone(request)), type=line["type"], text=line["text"])
        for line in islice(behind, query.limit)
    ]
    last = items[-1].seq if items else 0
    return EventList(items=items, next=last if items and last < rows[-1].seq else None)


ROUTES = (operation("GET", "/sittings/{sitting}/events", events, programs(CLERK, OFFICER, JUDGE), refuses=(503,)),)
