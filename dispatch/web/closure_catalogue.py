"""The administrator's page of closures: what cannot be had when, and the sittings that are booked for that time all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dispatch.booking.catalogue import closures, sites
from dispatch.booking.catalogue.closures import CLOSURES, Affected
from dispatch.booking.catalogue.resources import KINDS, list_resources
from dispatch.errors import FieldError, UserError, ValidationFailed
from dispatch.store.tables import Closure
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.catalogue_forms import choices, page_errors
from dispatch.web.day_grid import moment_at
from dispatch.web.days import today
from dispatch.web.request import Request, Response, ctx, form, gettext, me, render, see_other, zone
from dispatch.web.sitting_form import clock_of

BLANK = {"what": "", "kind": "maintenance", "from_day": "", "from_time": "00:00", "until_day": "", "until_time": "00:00", "reason": ""}
LISTED = timedelta(days=30)
"""A closure that is over is listed for so long."""


async def _page(
    request: Request, fields: Mapping[str, Any], error: UserError | None = None, meets: Sequence[Affected] = ()
) -> Response:  # fmt: skip
    context, _ = ctx(request), gettext(request)
    listed = await closures.list_closures(context.db, context.clock() - LISTED)
    things = await list_resources(context.db, *KINDS)
    grouped = [(_(f"resource_group.{kind}"), [(f"resource:{r.id}", r.name) for r in things if r.kind == kind]) for kind in KINDS]
    places = [(f"site:{site.id}", site.name) for site in await sites.list_sites(context.db) if site.active]
    return render(
        request,
        "admin/closures.html",
        status=error.status if error else 409 if meets else 200,
        tab="closures",
        form=fields,
        errors=page_errors(request, error),
        groups=[(_("Whole sites"), places), *grouped],
        kinds=[(kind, _(f"closure_kind.{kind}")) for kind in CLOSURES],
        closures=listed,
        affected=await closures.affected(context.db, [closure for closure, _name in listed]),
        most=closures.MOST_NAMED,
        meets=meets,
        saved=request.query.get("saved", ""),
        **choices(request),
    )


async def show(request: Request) -> Response:
    """Every closure that is to come or not long over, and a form for another."""
    day = today(request)
    return await _page(request, {**BLANK, "from_day": day.isoformat(), "until_day": (day + timedelta(days=1)).isoformat()})


async def create(request: Request) -> Response:
    """Close something for a time. What is booked then stays booked: it is listed first, and closing is asked for once more."""
    context, fields = ctx(request), {**BLANK, **await form(request)}
    kind, _, own_id = fields["what"].partition(":")
    begins, ends = _moment(request, fields, "from"), _moment(request, fields, "until")
    missing: list[FieldError] = [] if kind in ("resource", "site") and own_id else [("what", "required", {})]
    missing += [(f"{end}_day", "required", {}) for end, moment in (("from", begins), ("until", ends)) if moment is None]
    try:
        if missing or begins is None or ends is None:
            raise ValidationFailed(missing)
        resource_id, site_id = (own_id if kind == each else "" for each in ("resource", "site"))
        if "confirmed" not in fields and begins < ends:
            meant = Closure(id="", starts_at=begins, ends_at=ends, resource_id=resource_id or None, site_id=site_id or None)
            if meets := (await closures.affected(context.db, [meant]))[""]:
                return await _page(request, fields, meets=meets)
        made = await closures.close(
            context.db, begins, ends, fields["kind"], fields["reason"], me(request), context.clock(),
            resource_id=resource_id, site_id=site_id,
        )  # fmt: skip
    except ValidationFailed as failed:
        here = {"ends_at": "until_day", "resource_id": "what", "site_id": "what"}
        renamed = [(here.get(name, name), code, data) for name, code, data in failed.errors]
        return await _page(request, fields, ValidationFailed(renamed))
    except UserError as error:
        return await _page(request, fields, ValidationFailed([("what", error.code, error.data)]))
    return see_other(f"/catalogue/closures?saved={made.id}#closure-{made.id}")


def _moment(request: Request, fields: Mapping[str, str], end: str) -> datetime | None:
    try:
        day = date.fromisoformat(fields[f"{end}_day"])
    except ValueError:
        return None
    minutes = clock_of(fields[f"{end}_time"])
    return None if minutes is None else moment_at(day, minutes, zone(request))


async def take_back(request: Request) -> Response:
    """It can be had again."""
    await closures.reopen(ctx(request).db, request.match_info["closure"], me(request), ctx(request).clock())
    return see_other("/catalogue/closures?saved=opened")


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", "/catalogue/closures", show, KEEPS),
    Route("POST", "/catalogue/closures", create, KEEPS),
    Route("POST", "/catalogue/closures/{closure}/take-back", take_back, KEEPS),
)
