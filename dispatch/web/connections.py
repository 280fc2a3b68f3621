"""How the people of a sitting are and were connected: graphs of the last minutes while it goes on, and what is kept of each hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dispatch.console import devices
from dispatch.console.devices import Device
from dispatch.console.diagnosis import Line, diagnose, rough_sites, told
from dispatch.console.quality import history, hour_row
from dispatch.sittings import listing, quality
from dispatch.web.access import CLERK, OFFICER, Route, roles
from dispatch.web.console.feed import feed_of
from dispatch.web.formats import clock, day
from dispatch.web.request import Request, Response, answer, ctx, gettext, language, me, render, zone
from rooms.figures import SPAN_US


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
            "url": f"/sittings/{sitting.id}/connections/now",
            "live": context.live.is_open(sitting.id),
            "time_zone": context.settings.time_zone,
            "now_us": feed_of(context).now_us(),
        },
    )


LONGEST_TIME = 18
"""Digits of a time in microseconds."""


async def now(request: Request) -> Response:
    """The last quarter of an hour of each participant, by what he takes part, and what is wrong; with ?after= (microseconds) only points
    that are later."""
    context, _ = ctx(request), gettext(request)
    sitting = await listing.visible(context.db, me(request), request.match_info["sitting"])
    after = request.query.get("after", "0")
    after_us = int(after) if after.isdecimal() and len(after) <= LONGEST_TIME else 0
    now_us = feed_of(context).now_us()
    found = history(context.hub.quality(sitting.id, after_us), now_us, _)
    people, behind, rough = await _lines(request, sitting.id, now_us)
    whole = context.hub.quality(sitting.id)

    def time_of(us: int) -> str:
        return clock(datetime.fromtimestamp(us / 1_000_000, UTC), zone(request))

    for person in people:
        device = behind.get(person["endpoint"] or "", Device(""))
        inside = person["presence"] == "present"
        microphone = inside and bool(person["sources"].get("microphone", {}).get("live"))
        ways = whole.get(person["id"], {}) if inside or person["presence"] == "lost" else {}
        findings = diagnose(ways, now_us, site=device.site_in(language(request)), rough=rough, microphone=microphone)
        shown = found["people"].setdefault(person["id"], {})
        shown |= {"findings": told(findings, _, time_of), "device": device.words, "site": device.site_in(language(request))}
    return answer(found | {"span_us": SPAN_US})


async def _lines(request: Request, sitting: str, now_us: int) -> tuple[list[dict[str, Any]], dict[str, Device], frozenset[str]]:
    """The people of a sitting, the devices of all sittings that go on, and the sites whose line is bad: those are seen in other sittings
    as well."""
    hub, words = ctx(request).hub, language(request)
    going = {each.sitting: each for each in hub.overviews()}
    places = [(one, person) for one, each in going.items() for person in each.participants if person["endpoint"]]
    behind = await devices.behind(ctx(request).db, {person["endpoint"] for _, person in places})
    measured = {one: hub.quality(one, now_us - SPAN_US) for one, person in places if behind.get(person["endpoint"], Device("")).site}
    lines = [
        Line(behind[person["endpoint"]].site_in(words), person["endpoint"], measured[one].get(person["id"], {}))
        for one, person in places
        if person["endpoint"] in behind and one in measured
    ]
    return list(going[sitting].participants) if sitting in going else [], behind, rough_sites(lines, now_us)


SEES = roles(CLERK, OFFICER)

ROUTES = (
    Route("GET", "/sittings/{sitting}/connections", page, SEES),
    Route("GET", "/sittings/{sitting}/connections/now", now, SEES, answers="data"),
)
