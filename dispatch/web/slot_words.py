"""Why a slot is good or what it costs, and what is in the way of one, in the words of a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.finding.occupancy_store import Snapshot, names_of
from dispatch.booking.finding.slots import Reason
from dispatch.web.formats import clock
from dispatch.web.formats import day as day_words
from dispatch.web.request import Request, language, translate, zone

MOST_NAMES = 4
"""So many names are told of a list; of the others how many they are."""


def moment_words(request: Request, at: datetime) -> str:
    """A day and a time of day."""
    return f"{day_words(at, language(request), zone(request))} {clock(at, zone(request))}"


def listed(request: Request, names: Iterable[str]) -> str:
    """Names, the first few of many."""
    found = [name for name in dict.fromkeys(names) if name]
    joint = translate(request, "list.comma")
    if len(found) <= MOST_NAMES:
        return joint.join(found)
    return translate(request, "list.and_more", names=joint.join(found[:MOST_NAMES]), n=len(found) - MOST_NAMES)


def reason_words(request: Request, snapshot: Snapshot, reason: Reason, *, near: bool) -> str:
    """One reason. `near`: a day was wished for; else days are counted from the first that was asked for."""
    name = names_of(snapshot, english=language(request) == "en")
    data = dict(reason.data)
    if "earliest" in data:
        data["earliest"] = moment_words(request, data["earliest"])
    code = reason.code
    if code == "outside_hours" and "resource_id" in data:
        code = "outside_hours_of"
    if code == "days_off" and not near:
        code = "days_later"
    data |= {"resource": name(data.pop("resource_id", "")), "site": name(data.pop("site_id", ""))}
    return translate(request, f"slot.{code}", **data)


def obstacle_words(request: Request, snapshot: Snapshot, obstacle: Obstacle, sittings: Mapping[str, str] | None = None) -> str:
    """One condition that is in the way. `sittings`: what sittings are called that the obstacle may name."""
    name = names_of(snapshot, english=language(request) == "en")
    called = sittings or {}
    data: dict[str, Any] = dict(obstacle.data)
    ids = tuple(data.pop("resource_ids", ()))
    one = data.pop("resource_id", ids[0] if ids else "")
    data |= {
        "resource": name(one),
        "resources": listed(request, (name(each) for each in ids)),
        "sitting": called.get(data.pop("sitting_id", ""), ""),
        "sittings": listed(request, (called.get(each, "") for each in data.pop("sitting_ids", ()))),
    }
    if "start" in data:
        data["start"] = moment_words(request, data["start"])
    return translate(request, f"obstacle.{obstacle.code}", **data)
