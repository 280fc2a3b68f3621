"""What happened to the booking of a sitting, from the audit log."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from dispatch.booking import history
from dispatch.booking.history import LISTED, Changed, Entry
from dispatch.sittings import sittings
from dispatch.web.access import ADMINISTRATOR, CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.values import Moment, Shown, local
from dispatch.web.request import Request, ctx, zone

ChangedField = Literal["starts", "ends", "room", "rooms", "equipment", "case", "title", "people", "minors", "guardians", "apart"]


class ChangeView(Shown):
    """One thing that became different."""

    field: ChangedField = Field(description="What it is; `rooms` are those beside the first.")
    former: list[str] = Field(description="What it was, as it was written then; of people those who left, as role=name.")
    latter: list[str] = Field(
        description="What it became; of people those who joined, of guardians and of who must not see or hear whom two names each."
    )

    @classmethod
    def of(cls, change: Changed) -> ChangeView:
        """The change as it was written down."""
        former, latter = ([each for each in text.split(LISTED) if each] for text in (change.former, change.latter))
        return cls(field=cast("ChangedField", change.field), former=former, latter=latter)


class HistoryEntry(Shown):
    """One act on a booking."""

    id: str
    at: Moment
    actor: str = Field(description="Who: a member of the staff, a program, or “system”.")
    action: str = Field(description="The word of the audit log, for instance sitting_moved.")
    reason: str
    overridden: str = Field(description="Rules of booking that it went against.")
    changes: list[ChangeView]

    @classmethod
    def of(cls, entry: Entry, request: Request) -> HistoryEntry:
        """The act as it was written down."""
        return cls(
            id=entry.id,
            at=local(entry.at, zone(request)),
            actor=entry.actor,
            action=entry.action,
            reason=entry.reason,
            overridden=entry.overridden,
            changes=[ChangeView.of(change) for change in entry.changes],
        )


class HistoryList(Page[HistoryEntry]):
    """One page of a booking's history, the newest first."""


class HistoryQuery(Paging):
    """How much of it."""


async def search(request: Request, query: HistoryQuery) -> HistoryList:
    """List what happened to a booking.

    Who booked, moved, changed, extended or cancelled it, when and why, and what was changed from what to what.
    """
    sitting = await sittings.in_sight(ctx(request).db, request.match_info["sitting"])
    page, goes_on = slice_of(await history.of(ctx(request).db, sitting.id), query)
    return HistoryList(items=[HistoryEntry.of(entry, request) for entry in page], next=goes_on)


ROUTES = (operation("GET", "/sittings/{sitting}/history", search, programs(CLERK, ADMINISTRATOR)),)
