"""The day a page shows: ?day=2026-11-24, today where it is absent or no day."""

from __future__ import annotations

from datetime import date, timedelta
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


def around(day: date) -> dict[str, Any]:
    """Day before and day after, for the page's arrows; the calendar's ends stay where they are."""
    one = timedelta(days=1)
    return {"previous": day - one if day > date.min else day, "following": day + one if day < date.max else day}
