"""The administrator's catalogue of what a sitting may hold beside rooms, and of the hours of the staff; photos of what can be booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from dispatch.booking.catalogue import photos, resources, sites
from dispatch.booking.catalogue.details import Details
from dispatch.booking.catalogue.resources import ResourceDraft, list_resources
from dispatch.errors import NotFound, UserError
from dispatch.store.tables import Resource
from dispatch.web.access import ADMINISTRATOR, STAFF, Route, roles
from dispatch.web.catalogue_forms import (
    Posted,
    as_typed,
    choices,
    details_fields,
    file_of,
    page_errors,
    posted,
    text_of,
    typed_details,
    whole_number,
)
from dispatch.web.request import Request, Response, ctx, gettext, me, render, see_other

KINDS = {"equipment": "equipment", "custody": "custody", "interpreters": "interpreter", "police": "police", "people": "person"}
"""Page → kind of resource."""
ADDED = tuple(tab for tab, kind in KINDS.items() if kind in resources.MOVABLE)
"""Pages on which some can be added."""
NAMES = ("name", "name_en", "site_id", "position", "slots")


def _tab(request: Request) -> str:
    return request.path.split("/")[2]


async def show(request: Request) -> Response:
    """Everything of a kind, what is out of use too."""
    tab = _tab(request)
    found = await list_resources(ctx(request).db, KINDS[tab], everything=tab != "people")
    return render(
        request, f"admin/{tab}.html" if tab == "people" else "admin/resources.html", tab=tab, resources=found,
        saved="saved" in request.query, **choices(request),
    )  # fmt: skip


async def _page(
    request: Request, fields: Mapping[str, Any], resource: Resource | None, error: UserError | None = None
) -> Response:  # fmt: skip
    _, tab = gettext(request), _tab(request)
    return render(
        request,
        "admin/resource.html",
        status=error.status if error else 200,
        tab=tab,
        resource=resource,
        form=fields,
        errors=page_errors(request, error),
        heading=resource.name if resource else _(f"resource_new.{tab}"),
        action=f"/catalogue/{tab}/{resource.id if resource else 'new'}",
        sites=[(site.id, site.name) for site in await sites.list_sites(ctx(request).db)],
        **choices(request),
    )


def _draft(fields: Posted, *, active: bool) -> ResourceDraft:
    return ResourceDraft(
        name=text_of(fields, "name"),
        name_en=text_of(fields, "name_en"),
        site_id=text_of(fields, "site_id"),
        position=whole_number(text_of(fields, "position")),
        active=active,
        details=typed_details(fields),
    )


async def new(request: Request) -> Response:
    """The empty form."""
    found = await list_resources(ctx(request).db, KINDS[_tab(request)], everything=True)
    last = max((each.position for each in found), default=0)
    values = {**dict.fromkeys(NAMES, ""), "position": last + 1, "slots": 1, "active": True}
    return await _page(request, values | details_fields(Details()), None)


async def create(request: Request) -> Response:
    """Add one, or the slots of a custody place; a refusal keeps what was typed."""
    context, fields, tab = ctx(request), await posted(request), _tab(request)
    slots = whole_number(text_of(fields, "slots")) if tab == "custody" else 1
    try:
        await resources.add_resources(context.db, KINDS[tab], _draft(fields, active=True), me(request), context.clock(), slots=slots)
    except UserError as error:
        return await _page(request, as_typed(fields, NAMES), None, error)
    return see_other(f"/catalogue/{tab}?saved")


async def _existing(request: Request) -> Resource:
    resource = await resources.get_resource(ctx(request).db, request.match_info["resource"])
    if resource.kind != KINDS[_tab(request)]:
        raise NotFound("resource_unknown")
    return resource


async def edit(request: Request) -> Response:
    """The form of what is there."""
    resource = await _existing(request)
    draft = resources.draft_of(resource)
    values = {name: getattr(draft, name) for name in ("name", "name_en", "site_id", "position", "active")} | {"slots": 1}
    return await _page(request, values | details_fields(draft.details), resource)


async def change(request: Request) -> Response:
    """Change it; a refusal keeps what was typed."""
    context, resource, fields = ctx(request), await _existing(request), await posted(request)
    typed = _draft(fields, active="active" in fields)

    def changed(was: Resource) -> ResourceDraft:
        if was.kind != "person":
            return typed
        return replace(resources.draft_of(was), site_id=typed.site_id, position=was.position, details=typed.details)

    try:
        await resources.change_resource(context.db, resource.id, changed, me(request), context.clock())
    except UserError as error:
        return await _page(request, as_typed(fields, NAMES), resource, error)
    return see_other(f"/catalogue/{_tab(request)}?saved")


async def photo(request: Request) -> web.StreamResponse:
    """The photo of something that can be booked."""
    path = await photos.photo_of(ctx(request).db, ctx(request).settings.photos, request.match_info["resource"])
    headers = {"Cache-Control": "private, no-cache", "Content-Type": photos.MEDIA_TYPE}
    return web.FileResponse(path, headers=headers)


async def set_photo(request: Request) -> Response:
    """Give a room or a piece of equipment a photo, or take it away; a refusal is said on a page that leads back."""
    context, fields = ctx(request), await posted(request)
    resource = await resources.get_resource(context.db, request.match_info["resource"])
    back = {"room": "rooms", "equipment": "equipment"}.get(resource.kind, "")
    if not back:
        raise NotFound("resource_unknown")
    data = b"" if "remove" in fields else await file_of(fields, "photo")
    try:
        if not data and "remove" not in fields:
            raise UserError("photo_missing", "photo")
        await photos.set_photo(context.db, context.settings.photos, resource.id, data, me(request), context.clock())
    except UserError as error:
        return render(
            request, "admin/photo.html", status=error.status, tab=back, resource=resource, errors=page_errors(request, error),
            back=f"/catalogue/{back}/{resource.id}", **choices(request),
        )  # fmt: skip
    return see_other(f"/catalogue/{back}/{resource.id}?photo")


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    *(Route("GET", f"/catalogue/{tab}", show, KEEPS) for tab in KINDS),
    *(Route("GET", f"/catalogue/{tab}/new", new, KEEPS) for tab in ADDED),
    *(Route("POST", f"/catalogue/{tab}/new", create, KEEPS) for tab in ADDED),
    *(Route("GET", f"/catalogue/{tab}/{{resource}}", edit, KEEPS) for tab in KINDS),
    *(Route("POST", f"/catalogue/{tab}/{{resource}}", change, KEEPS) for tab in KINDS),
    Route("GET", "/photos/{resource}", photo, STAFF),
    Route("POST", "/catalogue/photos/{resource}", set_photo, KEEPS),
)
