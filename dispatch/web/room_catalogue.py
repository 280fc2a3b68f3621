"""The administrator's catalogue of rooms: adding, changing, taking out of use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatch.booking.catalogue import resources, rooms, sites
from dispatch.booking.catalogue.details import Details, details_of
from dispatch.booking.catalogue.rooms import KINDS, RoomDraft
from dispatch.errors import UserError
from dispatch.store.tables import Resource
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import (
    Posted,
    as_typed,
    choices,
    details_fields,
    page_errors,
    posted,
    text_of,
    typed_details,
    whole_number,
)
from dispatch.web.request import Request, Response, ctx, gettext, me, render, see_other

BLANK: Mapping[str, Any] = {"name": "", "name_en": "", "kind": "court", "site": "", "capacity": 6, "position": 0, "active": True}
NAMES = ("name", "name_en", "kind", "site", "capacity", "position")


async def show(request: Request) -> Response:
    """Every room, those out of use too."""
    found = await rooms.list_rooms(ctx(request).db, everything=True)
    return render(request, "admin/rooms.html", tab="rooms", rooms=found, saved="saved" in request.query, **choices(request))


async def _page(request: Request, fields: Mapping[str, Any], resource: Resource | None, error: UserError | None = None) -> Response:
    _ = gettext(request)
    return render(
        request,
        "admin/room.html",
        status=error.status if error else 200,
        tab="rooms",
        room=resource,
        resource=resource,
        form=fields,
        errors=page_errors(request, error),
        heading=_("Change the room") if resource else _("New room"),
        action=f"/catalogue/rooms/{resource.id}" if resource else "/catalogue/rooms/new",
        kinds=[(kind, _(f"room_kind.{kind}")) for kind in KINDS],
        site_names=[site.name for site in await sites.list_sites(ctx(request).db) if site.active],
        **choices(request),
    )


def _draft(fields: Posted, *, active: bool) -> RoomDraft:
    return RoomDraft(
        name=text_of(fields, "name"),
        kind=text_of(fields, "kind"),
        name_en=text_of(fields, "name_en"),
        site=text_of(fields, "site"),
        capacity=whole_number(text_of(fields, "capacity")),
        position=whole_number(text_of(fields, "position")),
        active=active,
    )


async def new(request: Request) -> Response:
    """The empty form, the new room placed behind the others."""
    last = max((room.position for room in await rooms.list_rooms(ctx(request).db, everything=True)), default=0)
    return await _page(request, {**BLANK, "position": last + 1, **details_fields(Details())}, None)


async def create(request: Request) -> Response:
    """Add a room; a refusal keeps what was typed."""
    fields = await posted(request)
    draft, details = _draft(fields, active=True), typed_details(fields)
    try:
        await rooms.add_room(ctx(request).db, draft, me(request), ctx(request).clock(), details)
    except UserError as error:
        return await _page(request, as_typed(fields, NAMES), None, error)
    return see_other("/catalogue/rooms?saved")


async def edit(request: Request) -> Response:
    """A room's form."""
    room = await rooms.get_room(ctx(request).db, request.match_info["room"])
    resource = await resources.get_resource(ctx(request).db, room.id)
    return await _page(request, {name: getattr(room, name) for name in BLANK} | details_fields(details_of(resource)), resource)


async def change(request: Request) -> Response:
    """Change a room; a refusal keeps what was typed."""
    room = await rooms.get_room(ctx(request).db, request.match_info["room"])
    fields = await posted(request)
    draft, details = _draft(fields, active="active" in fields), typed_details(fields)
    try:
        await rooms.change_room(ctx(request).db, room.id, lambda _was: draft, me(request), ctx(request).clock(), details)
    except UserError as error:
        resource = await resources.get_resource(ctx(request).db, room.id)
        return await _page(request, as_typed(fields, NAMES), resource, error)
    return see_other("/catalogue/rooms?saved")


ROUTES = (
    Route("GET", "/catalogue/rooms", show, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/rooms/new", new, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/rooms/new", create, roles(ADMINISTRATOR)),
    Route("GET", "/catalogue/rooms/{room}", edit, roles(ADMINISTRATOR)),
    Route("POST", "/catalogue/rooms/{room}", change, roles(ADMINISTRATOR)),
)
