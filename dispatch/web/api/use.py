"""How the rooms are used over some days."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from dispatch.booking import use
from dispatch.booking.reasons import OTHER, REASONS
from dispatch.booking.use import MOST_DAYS, Statistics, Use
from dispatch.store.tables import Room
from dispatch.web.access import ADMINISTRATOR, CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.values import Asked, Day, Id, Shown
from dispatch.web.request import Request, ctx

_CODES = ", ".join((*REASONS, OTHER))


class UseFigures(Shown):
    """How something was used."""

    held: int = Field(description="Sittings that were not cancelled.")
    held_minutes: int = Field(description="Minutes booked for them.")
    missed: int = Field(description="How many of them were never begun though their time is over.")
    cancelled: int = Field(description="Sittings that were cancelled.")
    average_booked: int | None = Field(description="Minutes booked on average for a sitting that has ended; null where none has.")
    average_lasted: int | None = Field(description="Minutes that such a sitting took.")

    @staticmethod
    def figures(found: Use) -> dict[str, int | None]:
        """Their values."""
        return {name: getattr(found, name) for name in UseFigures.model_fields}


class RoomUse(UseFigures):
    """How a room was used."""

    room_id: Id
    name: str
    open_minutes: int = Field(description="Minutes in which it could have been had: its hours on working days, less closures.")

    @classmethod
    def of(cls, room: Room, found: Use) -> RoomUse:
        """The figures of a room."""
        return cls(room_id=room.id, name=room.name, open_minutes=found.open_minutes or 0, **UseFigures.figures(found))


class KindUse(UseFigures):
    """How often a kind of sitting was held; each sitting counts once."""

    kind: str


class UseView(Shown):
    """The use of the rooms from a day to another, both included; a sitting belongs to the day on which it begins."""

    first: Day
    last: Day
    rooms: list[RoomUse]
    kinds: list[KindUse]
    reasons: dict[str, int] = Field(description=f"Why sittings were cancelled, and how many: {_CODES}.")
    busiest: list[list[int]] = Field(
        description="Minutes held in all rooms together, by weekday (Monday first) and hour of the court's clock."
    )

    @classmethod
    def of(cls, found: Statistics) -> UseView:
        """All figures."""
        return cls(
            first=found.first,
            last=found.last,
            rooms=[RoomUse.of(room, each) for room, each in found.rooms],
            kinds=[KindUse(kind=kind, **UseFigures.figures(each)) for kind, each in found.kinds.items()],
            reasons=dict(found.reasons),
            busiest=[list(day) for day in found.busiest],
        )


class UseQuery(Asked):
    """Of which days."""

    first: Day = Field(alias="from", description="The first day of the court.")
    last: Day = Field(alias="until", description=f"The last one; at most {MOST_DAYS} days in all.")

    def days(self) -> tuple[date, date]:
        """Both."""
        return self.first, self.last


async def show(request: Request, query: UseQuery) -> UseView:
    """Show how the rooms are used.

    Hours held against hours open, sittings and cancellations by room and kind, and the busiest hours.
    """
    context = ctx(request)
    return UseView.of(await use.statistics(context.db, *query.days(), context.clock()))


ROUTES = (operation("GET", "/use", show, programs(CLERK, ADMINISTRATOR)),)
