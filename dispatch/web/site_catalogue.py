"""The administrator's catalogue of sites: buildings of the court, and places outside of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dispatch.booking.catalogue import sites
from dispatch.booking.catalogue.sites import SiteDraft
from dispatch.console.map.coordinates import Place, System, wgs84_from_gcj02
from dispatch.errors import UserError
from dispatch.store.tables import CourtSite
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import Posted, as_typed, choices, hours_fields, page_errors, posted, text_of, typed_hours, whole_number
from dispatch.web.request import Request, Response, ctx, gettext, me, render, see_other

NAMES = ("name", "name_en", "address", "zone", "position", "latitude", "longitude", "system")
DIGITS = 7
"""Decimals of a degree that the form shows: a centimetre."""


async def show(request: Request) -> Response:
    """Every site, those out of use too."""
    return render(
        request, "admin/sites.html", tab="sites", sites=await sites.list_sites(ctx(request).db), saved="saved" in request.query,
        **choices(request),
    )  # fmt: skip


def _page(request: Request, fields: Mapping[str, Any], site: CourtSite | None, error: UserError | None = None) -> Response:
    _ = gettext(request)
    return render(
        request,
        "admin/site.html",
        status=error.status if error else 200,
        tab="sites",
        site=site,
        form=fields,
        errors=page_errors(request, error),
        heading=_("Change the site") if site else _("New site"),
        action=f"/catalogue/sites/{site.id}" if site else "/catalogue/sites/new",
        court_zone=ctx(request).settings.time_zone,
        **choices(request),
    )


def _draft(fields: Posted, *, active: bool) -> SiteDraft:
    latitude, longitude = degrees(text_of(fields, "latitude")), degrees(text_of(fields, "longitude"))
    if latitude is not None and longitude is not None and text_of(fields, "system") == System.GCJ02:
        latitude, longitude = wgs84_from_gcj02(Place(latitude, longitude))
    return SiteDraft(
        name=text_of(fields, "name"),
        name_en=text_of(fields, "name_en"),
        address=text_of(fields, "address"),
        zone=text_of(fields, "zone"),
        hours=typed_hours(fields),
        position=whole_number(text_of(fields, "position")),
        active=active,
        latitude=latitude,
        longitude=longitude,
    )


def degrees(text: str) -> float | None:
    """A number of degrees as typed; None where nothing is typed, NaN, which every rule refuses, for what is no number."""
    if not text:
        return None
    try:
        return float(text.replace("，", ".").replace(",", ".").removesuffix("°"))
    except ValueError:
        return math.nan


def _shown(value: float | None) -> str:
    return "" if value is None else f"{round(value, DIGITS):.7f}".rstrip("0").rstrip(".")


async def new(request: Request) -> Response:
    """The empty form, the new site placed behind the others."""
    last = max((site.position for site in await sites.list_sites(ctx(request).db)), default=0)
    values = {**dict.fromkeys(NAMES, ""), "system": System.WGS84, "position": last + 1, "active": True}
    return _page(request, values | hours_fields(None), None)


async def create(request: Request) -> Response:
    """Add a site; a refusal keeps what was typed."""
    fields = await posted(request)
    try:
        await sites.add_site(ctx(request).db, _draft(fields, active=True), me(request), ctx(request).clock())
    except UserError as error:
        return _page(request, as_typed(fields, NAMES), None, error)
    return see_other("/catalogue/sites?saved")


async def edit(request: Request) -> Response:
    """A site's form."""
    site = await sites.get_site(ctx(request).db, request.match_info["site"])
    values: dict[str, Any] = {name: getattr(site, name) or "" for name in ("name", "name_en", "address", "zone")}
    values |= {"position": site.position, "active": site.active, "system": System.WGS84}
    values |= {"latitude": _shown(site.latitude), "longitude": _shown(site.longitude)}
    return _page(request, values | hours_fields(site.hours), site)


async def change(request: Request) -> Response:
    """Change a site; a refusal keeps what was typed."""
    site = await sites.get_site(ctx(request).db, request.match_info["site"])
    fields = await posted(request)
    draft = _draft(fields, active="active" in fields)
    try:
        await sites.change_site(ctx(request).db, site.id, lambda _was: draft, me(request), ctx(request).clock())
    except UserError as error:
        return _page(request, as_typed(fields, NAMES), site, error)
    return see_other("/catalogue/sites?saved")


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", "/catalogue/sites", show, KEEPS),
    Route("GET", "/catalogue/sites/new", new, KEEPS),
    Route("POST", "/catalogue/sites/new", create, KEEPS),
    Route("GET", "/catalogue/sites/{site}", edit, KEEPS),
    Route("POST", "/catalogue/sites/{site}", change, KEEPS),
)
