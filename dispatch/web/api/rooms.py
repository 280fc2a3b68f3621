"""The function rooms. Everybody who works here may know them; the administrator adds and changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from pydantic import Field

from dispatch.booking.catalogue import rooms
from dispatch.booking.catalogue.details import LAST_POSITION
from dispatch.booking.catalogue.rooms import LONGEST_NAME, MOST_SEATS, RoomDraft
from dispatch.store.tables import Room
from dispatch.web.access import ADMINISTRATOR, OFFICE_ROLES
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Change, Given, Id, Resource, left_out
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me

Kind = Literal["court", "intake", "hearing", "round_table", "interrogation", "virtual"]
_ORDER = "Its place in lists, from the front."
_ACTIVE = "Whether it can be booked. A room is never deleted: what was held there stays."


class RoomView(Resource):
    """A room that can be booked."""

    id: Id
    name: str
    name_en: str
    kind: Kind
    site: str = Field(description="Building or place.")
    capacity: int = Field(description="Seats.")
    position: int = Field(description=_ORDER)
    active: bool = Field(description=_ACTIVE)

    @classmethod
    def of(cls, room: Room) -> RoomView:
        """The room as it is."""
        return cls(
            id=room.id,
            name=room.name,
            name_en=room.name_en,
            kind=cast("Kind", room.kind),
            site=room.site,
            capacity=room.capacity,
            position=room.position,
            active=room.active,
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/rooms/{self.id}"


class RoomList(Page[RoomView]):
    """One page of rooms, in their order."""


class RoomQuery(Paging):
    """Which rooms."""

    active: bool | None = Field(None, description="Only those in use, or only those that are not.")


class NewRoom(Given):
    """A room to be added."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    name_en: str = Field("", max_length=LONGEST_NAME)
    kind: Kind
    site: str = Field("", max_length=LONGEST_NAME)
    capacity: int = Field(6, ge=1, le=MOST_SEATS)
    position: int = Field(0, ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = Field(True, description=_ACTIVE)


class RoomChange(Change):
    """What is to be different about a room."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    name_en: str = left_out(max_length=LONGEST_NAME)
    kind: Kind = left_out()
    site: str = left_out(max_length=LONGEST_NAME)
    capacity: int = left_out(ge=1, le=MOST_SEATS)
    position: int = left_out(ge=0, le=LAST_POSITION, description=_ORDER)
    active: bool = left_out(description=_ACTIVE)


async def search(request: Request, query: RoomQuery) -> RoomList:
    """List rooms."""
    found = await rooms.list_rooms(ctx(request).db, everything=True)
    page, goes_on = slice_of([room for room in found if query.active in (None, room.active)], query)
    return RoomList(items=[RoomView.of(room) for room in page], next=goes_on)


async def show(request: Request) -> RoomView:
    """Show one room."""
    return RoomView.of(await rooms.get_room(ctx(request).db, request.match_info["room"]))


async def add(request: Request, body: NewRoom, headers: Once) -> RoomView:
    """Add a room."""
    context, user = ctx(request), me(request)
    order = headers.order(user, "room", body)
    return RoomView.of(await rooms.add_room(context.db, RoomDraft(**body.model_dump()), user, context.clock(), order=order))


async def change(request: Request, body: RoomChange, headers: IfMatch) -> RoomView:
    """Change a room.

    One for which sittings are still to come is not taken out of use: they are moved or cancelled first.
    """
    context = ctx(request)

    def changed(room: Room) -> RoomDraft:
        headers.check(RoomView.of(room))
        return replace(rooms.draft_of(room), **body.given())

    return RoomView.of(await rooms.change_room(context.db, request.match_info["room"], changed, me(request), context.clock()))


KEEPS = programs(ADMINISTRATOR)

ROUTES = (
    operation("GET", "/rooms", search, programs(*OFFICE_ROLES)),
    operation("POST", "/rooms", add, KEEPS, status=201),
    operation("GET", "/rooms/{room}", show, programs(*OFFICE_ROLES)),
    operation("PATCH", "/rooms/{room}", change, KEEPS, refuses=(409,)),
)
