"""The administrator's catalogue of rooms: adding, changing, taking out of use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatch.booking import rooms
from dispatch.booking.rooms import KINDS, RoomDraft
from dispatch.errors import UserError
from dispatch.store.tables import Room
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, form, gettext, me, render, see_other
from dispatch.web.sitting_form import errors_of

BLANK: Mapping[str, Any] = {"name": "", "name_en": "", "kind": "court", "site": "", "capacity": 6, "position": 0, "active": True}


async def show(request: Request) -> Response:
    """Every room, those out of use too."""
    found = await rooms.list_rooms(ctx(request).db, everything=True)
    return render(request, "admin/rooms.html", rooms=found, saved="saved" in request.query)


def _page(request: Request, fields: Mapping[str, Any], room: Room | None, error: UserError | None = None) -> Response:
    _ = gettext(request)
    return render(
        request,
        "admin/room.html",
        status=error.status if error else 200,
        room=room,
        form=fields,
        errors=errors_of(request, error) if error else {},
        heading=_("Change the room") if room else _("New room"),
        action=f"/catalogue/rooms/{room.id}" if room else "/catalogue/rooms/new",
        kinds=[(kind, _(f"room_kind.{kind}")) for kind in KINDS],
    )


async def _typed(request: Request, *, active: bool) -> dict[str, Any]:
    """What was typed; the box is read where there is one."""
    fields = await form(request)
    return {**BLANK, **fields, "active": "active" in fields if not active else True}


def _whole_number(text: object) -> int:
    """The number typed; -1, which every rule refuses, for what is none."""
    given = str(text).strip()
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else -1


def _draft(fields: Mapping[str, Any]) -> RoomDraft:
    return RoomDraft(
        name=fields["name"],
        kind=fields["kind"],
        name_en=fields["name_en"],
        site=fields["site"],
        capacity=_whole_number(fields["capacity"]),
        position=_whole_number(fields["position"]),
        active=bool(fields["active"]),
    )


async def new(request: Request) -> Response:
    """The empty form, the new room placed behind the others."""
    last = max((room.position for room in await rooms.list_rooms(ctx(request).db, everything=True)), default=0)
    return _page(request, {**BLANK, "position": last + 1}, None)


async def create(request: Request) -> Response:
    """Add a room; a refusal keeps what was typed."""
    fields = await _typed(request, active=True)
    try:
        await rooms.add_room(ctx(request).db, _draft(fields), me(request), ctx(request).clock())
    except UserError as error:
        return _page(request, fields, None, error)
    return see_other("/catalogue/rooms?saved")


async def edit(request: Request) -> Response:
    """A room's form."""
    room = await rooms.get_room(ctx(request).db, request.match_info["room"])
    return _page(request, {name: getattr(room, name) for name in BLANK}, room)


async def change(request: Request) -> Response:
    """Change a room; a refusal keeps what was typed."""
    room = await rooms.get_room(ctx(request).db, request.match_info["room"])
    fields = await _typed(request, active=False)
    try:
        await rooms.change_room(ctx(request).db, room.id, lambda _was: _draft(fields), me(request), ctx(request).clock())
    except UserError as error:
        return _page(request, fields, room, error)
    return see_other("/catalogue/rooms?saved")


ROUTES = (
    Route("GET", "/catalogue/rooms", show, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/rooms/new", new, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/rooms/new", create, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/rooms/{room}", edit, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/rooms/{room}", change, roles(ADMINISTRATOR)),
)
