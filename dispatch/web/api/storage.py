"""The recordings at rest: how long the space lasts, how many are put away, and which are spoilt."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dispatch.vault import space, state
from dispatch.web.access import ADMINISTRATOR, OFFICER
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.values import Id, Moment, Shown, local
from dispatch.web.request import Request, ctx, zone


class SpaceView(Shown):
    """One disk, and how long it lasts."""

    place: Literal["recordings", "store"] = Field(description="recordings: where they are recorded; store: where they are put away.")
    total_bytes: int
    free_bytes: int
    growth_bytes_a_day: float = Field(description="By the use of the last weeks.")
    booked_bytes: int = Field(description="What the sittings of the next 30 days are expected to take.")
    days: float | None = Field(description="How long the space lasts, by the faster of the two; null where it does not grow.")
    short: bool = Field(description="It lasts for fewer days than are set, or what is booked will not fit.")


class SpoiltView(Shown):
    """A recording with files that are not as they were sealed, or cannot be read."""

    sitting_id: Id
    found_at: Moment
    files: list[str]


class StorageView(Shown):
    """What is kept, and how."""

    recordings: int
    stored: int = Field(description="Recordings that are put away, encrypted.")
    looked_at_since: Moment | None = Field(description="Since when every recording was digested again; null where not all were yet.")
    waiting: int = Field(description="Recordings that are to be digested again by now.")
    spoilt: list[SpoiltView] = Field(description="The newest finding first, 50 at most.")
    spaces: list[SpaceView]


async def storage(request: Request) -> StorageView:
    """Show how recordings are kept.

    The space and how long it lasts, how many are put away, and which are not as they were sealed.
    """
    context, tz = ctx(request), zone(request)
    found = await state.state_of(context.db, context.clock())
    return StorageView(
        recordings=found.recordings,
        stored=found.stored,
        looked_at_since=None if found.since is None else local(found.since, tz),
        waiting=found.waiting,
        spoilt=[
            SpoiltView(sitting_id=row.sitting_id, found_at=local(row.spoilt_at, tz), files=row.spoilt)
            for row in found.spoilt
            if row.spoilt_at is not None
        ],
        spaces=[
            SpaceView(
                place="store" if each.place == "store" else "recordings",
                total_bytes=each.forecast.total,
                free_bytes=each.forecast.free,
                growth_bytes_a_day=round(each.forecast.daily, 1),
                booked_bytes=each.forecast.booked,
                days=None if each.forecast.days is None else round(each.forecast.days, 1),
                short=space.is_short(each, context.settings.space_days),
            )
            for each in await space.outlooks(context.db, context.vault, context.clock())
        ],
    )


ROUTES = (operation("GET", "/storage", storage, programs(OFFICER, ADMINISTRATOR)),)
