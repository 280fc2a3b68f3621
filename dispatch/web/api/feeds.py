"""Calendars by secret addresses: one's own, made, listed and ended. The page *Calendars* has the same."""

from __future__ import annotations

from typing import Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.errors import UserError
from dispatch.notices import feeds
from dispatch.store.notice_tables import CalendarFeed
from dispatch.web.access import CLERK, JUDGE, OFFICER, PROSECUTOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Given, Id, IdOrNone, Moment, Resource, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

Kind = Literal["person", "room", "site"]
_KIND = "person (one's own sittings), room, or site (a building; all rooms where none is named)."


class FeedView(Resource):
    """A calendar that programs subscribe to by a secret address."""

    id: Id
    kind: Kind = Field(description=_KIND)
    room_id: Id | None
    site: str = Field(description="Name of the building or place; empty for all rooms.")
    url: str | None = Field(
        description="The secret address: only in the answer that made it, else null. Whoever has it reads the calendar."
    )
    created_at: Moment
    used_at: Moment | None = Field(description="When it was fetched last, to within ten minutes.")

    @classmethod
    def of(cls, feed: CalendarFeed, tz: ZoneInfo) -> FeedView:
        """All there is to show again."""
        return cls(
            id=feed.id,
            kind=cast("Kind", feed.kind),
            room_id=feed.target if feed.kind == "room" else None,
            site=feed.target if feed.kind == "site" else "",
            url=None,
            created_at=local(feed.created_at, tz),
            used_at=local_or_none(feed.used_at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/feeds/{self.id}"


class FeedList(Page[FeedView]):
    """One page of one's own feeds, the oldest first."""


class NewFeed(Given):
    """A feed to be made."""

    kind: Kind = Field(description=_KIND)
    room_id: IdOrNone = Field("", description="Of a feed of a room.")
    site: str = Field("", max_length=80, description="Name of the building or place, of a feed of a site; empty for all rooms.")


async def search(request: Request, query: Paging) -> FeedList:
    """List one's own feeds."""
    found = await feeds.of_user(ctx(request).db, me(request))
    page, goes_on = slice_of(found, query)
    return FeedList(items=[FeedView.of(feed, zone(request)) for feed in page], next=goes_on)


async def show(request: Request) -> FeedView:
    """Show one of one's own feeds."""
    return FeedView.of(await feeds.get(ctx(request).db, me(request), request.match_info["feed"]), zone(request))


async def make(request: Request, body: NewFeed, headers: Once) -> FeedView:
    """Make a feed.

    Its address is in this answer and in no other. Where there is one of the same already, it gets a new address and the former one ends.
    Rooms and sites are for clerks and officers, and programs in these roles; a program has no sittings of its own. A feed ends with the
    account or the token of whoever made it.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "feed", body)
    target = {"room": body.room_id, "site": body.site}.get(body.kind, "")
    try:
        feed = await feeds.make(context.db, user, body.kind, target, context.clock(), order)
    except UserError as error:
        raise _at_field(error, body.kind) from None
    view, token = FeedView.of(feed, zone(request)), feeds.token_of(context.db, feed)
    return view.only(url=f"{context.settings.public_url}/feeds/{token}.ics" if token else None)


def _at_field(error: UserError, kind: str) -> UserError:
    """The refusal at the field of the body that it is about."""
    if error.code == "invalid":
        error = UserError("feed_unknown", "site" if kind == "site" else "room_id")
    return error


async def revoke(request: Request, headers: IfMatch) -> None:
    """End a feed.

    Its address leads nowhere from now on.
    """
    context, tz = ctx(request), zone(request)
    await feeds.revoke(
        context.db, me(request), request.match_info["feed"], context.clock(), lambda feed: headers.check(FeedView.of(feed, tz))
    )


SEES = programs(CLERK, OFFICER, JUDGE, PROSECUTOR)

ROUTES = (
    operation("GET", "/feeds", search, SEES),
    operation("POST", "/feeds", make, SEES, status=201),
    operation("GET", "/feeds/{feed}", show, SEES),
    operation("DELETE", "/feeds/{feed}", revoke, SEES, status=204),
)
