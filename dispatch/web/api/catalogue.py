"""The catalogue: sites, resources, closures and the court's calendar. Staff and programs read it; the administrator changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pydantic import Field

from dispatch.booking.catalogue import closures, loaded_days, resources, sites
from dispatch.booking.catalogue.calendar_days import CalendarDay
from dispatch.booking.catalogue.calendar_files import FIRST_YEAR, LAST_YEAR
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.errors import NotFound
from dispatch.store.tables import Closure, CourtSite
from dispatch.store.tables import Resource as ResourceRow
from dispatch.web.access import ADMINISTRATOR, CLERK, OFFICE_ROLES
from dispatch.web.api.catalogue_shapes import (
    ClosureChange,
    ClosureList,
    ClosureQuery,
    ClosureView,
    DayGiven,
    DayList,
    DayView,
    NewClosure,
    NewResource,
    NewSite,
    ResourceChange,
    ResourceList,
    ResourceQuery,
    ResourcesMade,
    ResourceView,
    SiteChange,
    SiteDayList,
    SiteDayView,
    SiteList,
    SiteView,
)
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Asked
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

# ------------------------------------------------------------------------------------------------ sites


async def list_sites(request: Request, query: Paging) -> SiteList:
    """List sites."""
    page, goes_on = slice_of(await sites.list_sites(ctx(request).db), query)
    return SiteList(items=[SiteView.of(site) for site in page], next=goes_on)


async def show_site(request: Request) -> SiteView:
    """Show one site."""
    return SiteView.of(await sites.get_site(ctx(request).db, request.match_info["site"]))


async def add_site(request: Request, body: NewSite, headers: Once) -> SiteView:
    """Add a site."""
    context, user = ctx(request), me(request)
    return SiteView.of(await sites.add_site(context.db, body.draft(), user, context.clock(), headers.order(user, "site", body)))


async def change_site(request: Request, body: SiteChange, headers: IfMatch) -> SiteView:
    """Change a site."""
    context = ctx(request)

    def changed(site: CourtSite) -> sites.SiteDraft:
        headers.check(SiteView.of(site))
        return replace(sites.draft_of(site), **body.changes())

    return SiteView.of(await sites.change_site(context.db, request.match_info["site"], changed, me(request), context.clock()))


# ------------------------------------------------------------------------------------------------ resources


async def list_resources(request: Request, query: ResourceQuery) -> ResourceList:
    """List what can be booked."""
    found = await resources.list_resources(ctx(request).db, *(query.kind or resources.KINDS), everything=True)
    wanted = [each for each in found if query.active in (None, each.active) and query.site in ("", each.site_id)]
    page, goes_on = slice_of(wanted, query)
    return ResourceList(items=[ResourceView.of(each) for each in page], next=goes_on)


async def show_resource(request: Request) -> ResourceView:
    """Show one resource."""
    return ResourceView.of(await resources.get_resource(ctx(request).db, request.match_info["resource"]))


async def add_resources(request: Request, body: NewResource, headers: Once) -> ResourcesMade:
    """Add equipment, the slots of a custody place, an interpreter or somebody of the judicial police."""
    context, user = ctx(request), me(request)
    order = headers.order(user, "resource", body)
    made = await resources.add_resources(context.db, body.kind, body.draft(), user, context.clock(), slots=body.slots, order=order)
    return ResourcesMade(items=[ResourceView.of(each) for each in made])


async def change_resource(request: Request, body: ResourceChange, headers: IfMatch) -> ResourceView:
    """Change a resource.

    What is booked already stays as it is.
    """
    context = ctx(request)

    def changed(resource: ResourceRow) -> resources.ResourceDraft:
        headers.check(ResourceView.of(resource))
        own, details = body.changes()
        draft = resources.draft_of(resource)
        return replace(draft, **own, details=replace(draft.details, **details))

    made = await resources.change_resource(context.db, request.match_info["resource"], changed, me(request), context.clock())
    return ResourceView.of(made)


# ------------------------------------------------------------------------------------------------ closures


async def _closures(request: Request, found: list[Closure]) -> list[ClosureView]:
    affected = await closures.affected(ctx(request).db, found)
    return [ClosureView.of(each, [sitting.sitting_id for sitting in affected[each.id]], zone(request)) for each in found]


async def list_closures(request: Request, query: ClosureQuery) -> ClosureList:
    """List closures, maintenance and leave."""
    found = await closures.list_closures(ctx(request).db, ctx(request).clock(), query.resource, query.site)
    page, goes_on = slice_of([closure for closure, _name in found], query)
    return ClosureList(items=await _closures(request, list(page)), next=goes_on)


async def show_closure(request: Request) -> ClosureView:
    """Show one closure."""
    (shown,) = await _closures(request, [await closures.get_closure(ctx(request).db, request.match_info["closure"])])
    return shown


async def close(request: Request, body: NewClosure, headers: Once) -> ClosureView:
    """Close something for a time.

    What is booked for that time already stays booked; the answer names it.
    """
    context, user = ctx(request), me(request)
    made = await closures.close(
        context.db, body.starts_at, body.ends_at, body.kind, body.reason, user, context.clock(),
        resource_id=body.resource_id, site_id=body.site_id, order=headers.order(user, "closure", body),
    )  # fmt: skip
    (shown,) = await _closures(request, [made])
    return shown


def _seen(request: Request, headers: IfMatch) -> closures.Seen:
    def check(closure: Closure, booked: Sequence[closures.Affected]) -> None:
        headers.check(ClosureView.of(closure, [each.sitting_id for each in booked], zone(request)))

    return check


async def change_closure(request: Request, body: ClosureChange, headers: IfMatch) -> ClosureView:
    """Change a closure.

    What is booked for its new time stays booked; the answer names it.
    """
    context, closure_id = ctx(request), request.match_info["closure"]
    changed = await closures.change(context.db, closure_id, body.given(), me(request), context.clock(), _seen(request, headers))
    (shown,) = await _closures(request, [changed])
    return shown


async def reopen(request: Request, headers: IfMatch) -> None:
    """Take a closure back."""
    context, closure_id = ctx(request), request.match_info["closure"]
    await closures.reopen(context.db, closure_id, me(request), context.clock(), _seen(request, headers))


# ------------------------------------------------------------------------------------------------ the calendar


class DayQuery(Asked):
    """Which days."""

    year: int | None = Field(None, ge=FIRST_YEAR, le=LAST_YEAR, description="Those of one year.")


def _day(request: Request) -> date:
    try:
        return date.fromisoformat(request.match_info["day"])
    except ValueError:
        raise NotFound("calendar_day_unknown") from None


async def list_days(request: Request, query: DayQuery) -> DayList:
    """List the days of the calendar.

    Those that were loaded. Of a year of which none was, the published ones hold.
    """
    return DayList(items=[DayView.of(day) for day in await loaded_days.list_days(ctx(request).db, query.year)])


async def show_day(request: Request) -> DayView:
    """Show one day."""
    return DayView.of(await loaded_days.get_day(ctx(request).db, _day(request)))


async def put_day(request: Request, body: DayGiven) -> DayView:
    """Say what a day is.

    Whether it is in the calendar already or not. The published days of its year are loaded with it where none is loaded.
    """
    like = WEEKDAYS.index(body.like) if body.like is not None else None
    day = CalendarDay(_day(request), body.kind, body.name, like)
    await loaded_days.put_day(ctx(request).db, day, me(request), ctx(request).clock())
    return DayView.of(await loaded_days.get_day(ctx(request).db, day.day))


async def remove_day(request: Request) -> None:
    """Have a day be what its weekday says."""
    await loaded_days.remove_day(ctx(request).db, _day(request), me(request), ctx(request).clock())


async def list_site_days(request: Request, query: DayQuery) -> SiteDayList:
    """List the days of a site.

    Those that are another there than the court's calendar says.
    """
    site = request.match_info["site"]
    return SiteDayList(items=[SiteDayView.at(site, day) for day in await loaded_days.list_days(ctx(request).db, query.year, site)])


async def show_site_day(request: Request) -> SiteDayView:
    """Show one day of a site."""
    site = request.match_info["site"]
    return SiteDayView.at(site, await loaded_days.get_day(ctx(request).db, _day(request), site))


async def put_site_day(request: Request, body: DayGiven) -> SiteDayView:
    """Say what a day is at a site.

    There it stands in the place of what the court's calendar says of the day.
    """
    like = WEEKDAYS.index(body.like) if body.like is not None else None
    day, site = CalendarDay(_day(request), body.kind, body.name, like), request.match_info["site"]
    await loaded_days.put_day(ctx(request).db, day, me(request), ctx(request).clock(), site)
    return SiteDayView.at(site, await loaded_days.get_day(ctx(request).db, day.day, site))


async def remove_site_day(request: Request) -> None:
    """Have a day be at a site what the court's calendar says."""
    await loaded_days.remove_day(ctx(request).db, _day(request), me(request), ctx(request).clock(), request.match_info["site"])


SEES, BOOKS, KEEPS = programs(*OFFICE_ROLES), programs(CLERK, ADMINISTRATOR), programs(ADMINISTRATOR)

ROUTES = (
    operation("GET", "/sites", list_sites, SEES),
    operation("POST", "/sites", add_site, KEEPS, status=201),
    operation("GET", "/sites/{site}", show_site, SEES),
    operation("PATCH", "/sites/{site}", change_site, KEEPS, refuses=(409,)),
    operation("GET", "/resources", list_resources, BOOKS),
    operation("POST", "/resources", add_resources, KEEPS, status=201),
    operation("GET", "/resources/{resource}", show_resource, BOOKS),
    operation("PATCH", "/resources/{resource}", change_resource, KEEPS, refuses=(409,)),
    operation("GET", "/closures", list_closures, BOOKS),
    operation("POST", "/closures", close, KEEPS, status=201),
    operation("GET", "/closures/{closure}", show_closure, BOOKS),
    operation("PATCH", "/closures/{closure}", change_closure, KEEPS),
    operation("DELETE", "/closures/{closure}", reopen, KEEPS, status=204),
    operation("GET", "/calendar-days", list_days, SEES),
    operation("GET", "/calendar-days/{day}", show_day, SEES),
    operation("PUT", "/calendar-days/{day}", put_day, KEEPS),
    operation("DELETE", "/calendar-days/{day}", remove_day, KEEPS, status=204),
    operation("GET", "/sites/{site}/calendar-days", list_site_days, SEES),
    operation("GET", "/sites/{site}/calendar-days/{day}", show_site_day, SEES),
    operation("PUT", "/sites/{site}/calendar-days/{day}", put_site_day, KEEPS),
    operation("DELETE", "/sites/{site}/calendar-days/{day}", remove_site_day, KEEPS, status=204),
)
