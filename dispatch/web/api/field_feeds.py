"""Live videos of people in the field: which go on. Who sends begins and ends them on his phone, and pictures go to browsers alone."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.values import Id, IdOrNone, Moment, Shown, local
from dispatch.web.request import Request, ctx, zone


class FieldFeedView(Shown):
    """A live video. Its `id` is the same whenever the same person sends."""

    id: Id
    name: str = Field(description="Who sends.")
    team: str
    task: IdOrNone = Field(description="Id of the task for which he sends; empty: for none.")
    number: str = Field(description="Number of that task.")
    began_at: Moment
    connected: bool = Field(description="Whether the phone is there; one that is away has a minute to come back.")
    watchers: list[str] = Field(description="Names of the officers who watch, one for each window.")


class FieldFeedList(Shown):
    """All that go on, the longest first."""

    items: list[FieldFeedView]


async def search(request: Request) -> FieldFeedList:
    """List the live videos that go on."""
    tz = zone(request)
    kept = ("id", "name", "team", "task", "number", "connected", "watchers")
    return FieldFeedList(
        items=[
            FieldFeedView(
                **{name: feed[name] for name in kept}, began_at=local(datetime.fromtimestamp(feed["since_us"] / 1_000_000, UTC), tz)
            )
            for feed in ctx(request).hub.feeds.overviews()
        ]
    )


ROUTES = (operation("GET", "/field-feeds", search, programs(OFFICER, CLERK)),)
