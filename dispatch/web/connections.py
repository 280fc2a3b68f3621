"""How the people of a sitting are and were connected: graphs of the last minutes while it goes on, and what is kept of each hour."""

from __future__ import annotations

from typing import Any

from dispatch.console.quality import hour_row
from dispatch.sittings import listing, quality
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.console.feed import feed_of
from dispatch.web.formats import clock, day
from dispatch.web.request import Request, Response, ctx, gettext, language, me, render, zone


async def page(request: Request) -> Response:
    """One section for each participant: graphs, the same as a table, and the hours."""
    context, _ = ctx(request), gettext(request)
    sitting = await listing.visible(context.db, me(request), request.match_info["sitting"])
    hours: dict[str, list[dict[str, Any]]] = {}
    for kept in await quality.of_sitting(context.db, sitting.id):
        when = {"day": day(kept.begins_at, language(request), zone(request)), "clock": clock(kept.begins_at, zone(request))}
        hours.setdefault(kept.participant_id, []).append(hour_row(kept, _) | when)
    several_days = len({row["day"] for rows in hours.values() for row in rows}) > 1
    officer = me(request).role == OFFICER
    return render(
        request,
        "staff/connections.html",
        sitting=sitting,
        people=[{"id": each.id, "name": each.name, "role": each.role, "hours": hours.get(each.id, [])} for each in sitting.participants],
        several_days=several_days,
        live=context.live.is_open(sitting.id),
        back=f"/console/sittings/{sitting.id}" if officer else f"/sittings/{sitting.id}",
        data={
            "url": f"/console/sittings/{sitting.id}/quality",
            "live": context.live.is_open(sitting.id),
            "time_zone": context.settings.time_zone,
            "now_us": feed_of(context).now_us(),
        },
    )


ROUTES = (Route("GET", "/sittings/{sitting}/connections", page, roles(CLERK, OFFICER)),)
