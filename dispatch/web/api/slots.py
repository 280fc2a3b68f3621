"""Finding a time: the best free slots for what a sitting needs, or which conditions cannot hold together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.rooms import MOST_SEATS
from dispatch.booking.draft import LONGEST, MOST_EQUIPMENT, SHORTEST
from dispatch.booking.finding.searching import LONGEST_WINDOW, MOST_PEOPLE, STAFF, Answer, Wanted, search
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.rooms import Kind
from dispatch.web.api.values import Day, Given, Id, Moment, Shown, local
from dispatch.web.request import Request, ctx, zone
from rooms.procedure import PROCEDURES

MOST = 50
Feature = Annotated[str, Field(json_schema_extra={"enum": list(FEATURES)})]
_WHO = "An id, `any` for any of them, or empty for nobody."
_STAFF_PATTERN = r"^([0-9a-f]{16}|any)?$"
_MINUTE = timedelta(minutes=1)
_MEANS = "Equipment, custody slots, interpreters and judicial police, all of whom are needed."


class SlotSearch(Given):
    """What a sitting needs."""

    first: Day = Field(description="First local day.")
    last: Day = Field(description=f"Last local day, at most {LONGEST_WINDOW - 1} later.")
    minutes: int = Field(60, ge=SHORTEST // _MINUTE, le=LONGEST // _MINUTE)
    kind: str = Field("remote_court", json_schema_extra={"enum": list(PROCEDURES)})
    chair_id: str = Field("", pattern=_STAFF_PATTERN, description=_WHO)
    clerk_id: str = Field("", pattern=_STAFF_PATTERN, description=_WHO)
    prosecutor_id: str = Field("", pattern=_STAFF_PATTERN, description=_WHO)
    people: list[Id] = Field([], max_length=MOST_PEOPLE, description="Further people, all of whom are needed.")
    equipment: list[Id] = Field([], max_length=MOST_EQUIPMENT, description=_MEANS)
    rooms: list[Id] = Field([], max_length=200, description="Only these rooms; none: all.")
    room_kind: Kind | Literal[""] = ""
    seats: int = Field(0, ge=0, le=MOST_SEATS, description="At least so many.")
    features: list[Feature] = Field([], max_length=len(FEATURES), description="What the room must have.")
    part: Literal["", "morning", "afternoon"] = Field("", description="Preferred part of the day; the other costs something.")
    near: Day | None = Field(None, description="The day that would be best; null: the first.")
    outside_hours: bool = Field(False, description="Whether slots may lie outside working hours, at a cost.")
    most: int = Field(20, ge=1, le=MOST, description="How many slots at most.")

    def wanted(self) -> Wanted:
        """The same for the search."""
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in self}
        return Wanted(**given)


class ReasonView(Shown):
    """Why a slot is good, or what it costs."""

    code: str = Field(
        description="right_size, large_room, same_site, other_site, in_hours, outside_hours, short_notice (needs a reason), needs_approval,"
        " preferred, not_preferred, tight, gap, travel, days_off."
    )
    cost: int = Field(description="Points; 0 for what is good.")
    data: dict[str, str | int] = Field(description="What it is about: resource_id, site_id, minutes, seats, wanted, days, earliest.")


class SlotView(Shown):
    """A free slot. It is not kept for anybody: whether it still is free is decided when it is booked."""

    starts_at: Moment
    ends_at: Moment
    room_id: Id
    chair_id: Id | None
    clerk_id: Id | None
    prosecutor_id: Id | None
    cost: int = Field(description="Points, the sum of its reasons; the fewest come first.")
    reasons: list[ReasonView]


class ObstacleView(Shown):
    """A condition that is in the way."""

    code: str = Field(description="window, no_candidate, resource_not_free, none_free, shared.")
    need: str | None = Field(description="Whose need it is: room, chair_id, clerk_id, prosecutor_id, people, equipment.")
    resource_ids: list[Id]


class SlotList(Shown):
    """What was found."""

    slots: list[SlotView] = Field(description="The best first; two of one room do not overlap.")
    obstacles: list[ObstacleView] = Field(
        description="Where there is no slot: conditions that cannot hold together. Without any one of them there would be a slot."
    )


def _plain(data: Mapping[str, Any], request: Request) -> dict[str, str | int]:
    return {
        name: value if isinstance(value, int | str) else local(value, zone(request)).isoformat()
        for name, value in data.items()
        if value is not None
    }


def _view(request: Request, answer: Answer) -> SlotList:
    slots = []
    for slot in answer.slots:
        chosen: dict[str, str | None] = dict.fromkeys(STAFF) | {
            need: each for need, each in zip(answer.needs, slot.resource_ids, strict=True) if need in STAFF
        }
        slots.append(
            SlotView(
                starts_at=local(slot.span.start, zone(request)),
                ends_at=local(slot.span.end, zone(request)),
                room_id=slot.resource_ids[0],
                **cast("dict[str, Any]", chosen),
                cost=slot.cost,
                reasons=[ReasonView(code=each.code, cost=each.cost, data=_plain(each.data, request)) for each in slot.reasons],
            )
        )
    obstacles = [
        ObstacleView(
            code=each.code,
            need=answer.needs[each.data["need"]] if "need" in each.data else None,
            resource_ids=list(each.data.get("resource_ids", ())),
        )
        for each in answer.obstacles
    ]
    return SlotList(slots=slots, obstacles=obstacles)


async def find(request: Request, body: SlotSearch) -> SlotList:
    """Find a time.

    The best free slots over all rooms that would do, each with its reasons. Nothing is booked.
    """
    context = ctx(request)
    return _view(request, await search(context.db, body.wanted(), context.clock(), context.settings.travel_minutes))


ROUTES = (operation("POST", "/slots", find, programs(CLERK)),)
