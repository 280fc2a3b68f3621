"""Calendars of the staff: the page where they get and renew the secret addresses, and the calendars themselves."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dispatch.errors import NotFound, UserError
from dispatch.notices import feeds
from dispatch.sittings.listing import SEES_ALL
from dispatch.store.notice_tables import CalendarFeed
from dispatch.store.tables import Room
from dispatch.web import lookups
from dispatch.web.access import PUBLIC, STAFF, Route
from dispatch.web.attempts import FEED_ATTEMPTS
from dispatch.web.day_grid import room_name
from dispatch.web.reach import reach
from dispatch.web.request import Request, Response, address, ctx, error_text, form, gettext, language, me, render, see_other
from dispatch.web.translations import catalogue


@dataclass(frozen=True, slots=True)
class Entry:
    """A feed as the page lists it. `address`: "" where the installation's key was lost."""

    feed: CalendarFeed
    words: str
    address: str


def _choices(request: Request, rooms: list[Room]) -> list[tuple[str, str]]:
    """What one may subscribe to: value of the form and its words."""
    _, tag = gettext(request), language(request)
    found = [("person:", _("My sittings"))]
    if me(request).role in SEES_ALL:
        found.append(("site:", _("All rooms")))
        found += [(f"site:{name}", name) for name in sorted({room.site for room in rooms if room.site})]
        found += [(f"room:{room.id}", room_name(room, tag)) for room in rooms]
    return found


async def _page(request: Request, *, status: int = 200, error: str = "") -> Response:
    context, _ = ctx(request), gettext(request)
    rooms = await lookups.rooms(context.db)
    choices = _choices(request, rooms)
    words = dict(choices)
    found = await feeds.of_user(context.db, me(request))
    entries = []
    for feed in found:
        token = feeds.token_of(context.db, feed)
        link = f"{context.settings.public_url}/feeds/{token}.ics" if token else ""
        entries.append(Entry(feed, words.get(f"{feed.kind}:{feed.target}", _("A room that is used no longer")), link))
    there = {f"{feed.kind}:{feed.target}" for feed in found}
    data: dict[str, Any] = {
        "entries": entries,
        "choices": [choice for choice in choices if choice[0] not in there],
        "saved": "saved" in request.query,
        "reach": reach(request),
        "error": error,
    }
    return render(request, "staff/calendars.html", status=status, **data)


async def show(request: Request) -> Response:
    """One's own feeds."""
    return await _page(request)


async def make(request: Request) -> Response:
    """A new feed, or a new address for one that is there; a refusal is said above the form."""
    kind, _, target = (await form(request)).get("feed", "").partition(":")
    try:
        await feeds.make(ctx(request).db, me(request), kind, target, ctx(request).clock())
    except UserError as error:
        return await _page(request, status=error.status, error=error_text(request, error))
    return see_other("/calendars?saved")


async def revoke(request: Request) -> Response:
    """The address leads nowhere from now on."""
    await feeds.revoke(ctx(request).db, me(request), request.match_info["feed"], ctx(request).clock())
    return see_other("/calendars")


async def fetch(request: Request) -> Response:
    """A calendar, for whoever has its address; 304 where he has it already. Too many fetches from one place have to wait."""
    context = ctx(request)
    if not request.app[FEED_ATTEMPTS].allowed(address(request), time.monotonic()):
        raise web.HTTPTooManyRequests(headers={"Retry-After": "600"})
    try:
        feed = await feeds.opened(context.db, request.match_info["secret"], context.clock())
    except NotFound:
        raise web.HTTPNotFound from None
    words = catalogue(feed.language).gettext
    body = await feeds.calendar(context.db, feed, words, context.settings.public_url, context.clock())
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # A calendar asks again whether it has changed, and no proxy on the way keeps it.
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
    if etag in [given.strip().removeprefix("W/") for given in request.headers.get("If-None-Match", "").split(",")]:
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="sittings.ics"'
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


ROUTES = (
    Route("GET", "/calendars", show, STAFF),
    Route("POST", "/calendars", make, STAFF),
    Route("POST", "/calendars/{feed}/revoke", revoke, STAFF),
    Route("GET", "/feeds/{secret}.ics", fetch, PUBLIC, answers="data"),
)
