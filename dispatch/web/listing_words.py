"""What a week's list is told with, on its page and by the API: its sittings, whose it is, and the names of all that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dispatch.booking.days import bounds
from dispatch.booking.finding.occupancy_store import Snapshot, store_of
from dispatch.booking.listing import waiting
from dispatch.booking.spans import Span
from dispatch.store.tables import ApiToken, User
from dispatch.store.waiting_tables import Listing, WaitingSitting
from dispatch.web.request import Request, ctx, zone

if TYPE_CHECKING:
    from dispatch.store.database import Database


async def rows_of(db: Database, row: Listing) -> list[WaitingSitting]:
    """The sittings that a list is about: all that wait, and those it placed that are booked by now."""
    placements = row.proposal.get("placements", {})
    return [each for each in await waiting.listed(db, everything=True) if each.sitting_id is None or each.id in placements]


async def snapshot_of(request: Request, row: Listing) -> Snapshot:
    """Everything that can be booked, and the people of whom the proposal speaks."""
    tz = zone(request)
    window = Span(bounds(row.first, tz)[0].astimezone(UTC), bounds(row.last, tz)[1].astimezone(UTC))
    return await store_of(ctx(request).db).over(window, ctx(request).clock(), sorted(set(_named(row.proposal))))


def _named(proposal: Mapping[str, Any]) -> Iterator[str]:
    for place in proposal.get("placements", {}).values():
        yield from place["resource_ids"]
    for found in (*proposal.get("unplaced", {}).values(), proposal.get("impossible", [])):
        for one in found:
            yield from one["data"].get("resource_ids", ())
            if "resource_id" in one["data"]:
                yield one["data"]["resource_id"]


async def askers(db: Database, rows: Iterable[Listing]) -> dict[str, str]:
    """The names of those who asked for the lists, people and programs, by id."""
    ids = {row.asked_by for row in rows}
    async with db.reader() as session:
        people = await session.execute(select(User.id, User.name).where(User.id.in_(ids)))
        programs = await session.execute(select(ApiToken.id, ApiToken.name).where(ApiToken.id.in_(ids)))
        return {row.id: row.name for row in (*people, *programs)}
