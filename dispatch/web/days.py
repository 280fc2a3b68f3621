"""The day a page shows: ?day=2026-11-24, today where it is absent or no day."""

from __future__ import annotations

from datetime import date
from typing import Any

from dispatch.web.request import Request, ctx, zone


def today(request: Request) -> date:
    """Today by the court's clock."""
    return ctx(request).clock().astimezone(zone(request)).date()


def shown_day(request: Request) -> date:
    """The day asked for; a text that is no day gives today."""
    try:
        return date.fromisoformat(request.query.get("day", ""))
    except ValueError:
        return today(request)


def shifted(day: date, by: int) -> date:
    """The day so many days later; the calendar's ends stay where they are."""
    return date.fromordinal(min(max(day.toordinal() + by, 1), date.max.toordinal()))


def around(day: date) -> dict[str, Any]:
    """Day before and day after, for the page's arrows; the calendar's ends stay where they are."""
    return {"previous": shifted(day, -1), "following": shifted(day, 1)}
