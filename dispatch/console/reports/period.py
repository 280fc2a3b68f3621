"""The days of a report: a day, a week (Monday first), a month, or from one day to another. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dispatch.booking.use import MOST_DAYS
from dispatch.errors import ValidationFailed

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Both days included. `unit`: day, week, month or span."""

    unit: str
    first: date
    last: date

    @property
    def before(self) -> Period:
        """The one that ends on the day before."""
        return _holding(self.unit, self.first - timedelta(days=1), self)

    @property
    def after(self) -> Period:
        """The one that begins on the day after."""
        return _holding(self.unit, self.last + timedelta(days=1), self)

    def query(self) -> str:
        """As the page's address has it."""
        if self.unit == "span":
            return f"unit=span&from={self.first}&until={self.last}"
        return f"unit={self.unit}&day={self.first}"


def day_of(text: str, field: str) -> date:
    """A day as typed. Raises ValidationFailed."""
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 2200:
        raise ValidationFailed([(field, "day_shape", {})])
    return found


def holding(unit: str, day: date) -> Period:
    """The day, week or month that holds a day."""
    if unit == "week":
        first = day - timedelta(days=day.weekday())
        return Period(unit, first, first + timedelta(days=6))
    if unit == "month":
        first = day.replace(day=1)
        return Period(unit, first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1))
    return Period("day", day, day)


def chosen(query: Mapping[str, str], today: date) -> Period:
    """What was asked for; this week where nothing was. Raises ValidationFailed (fields day, from, until)."""
    unit = query.get("unit", "week")
    if unit != "span":
        return holding(unit, day_of(query["day"], "day") if query.get("day") else today)
    first, last = day_of(query.get("from", ""), "from"), day_of(query.get("until", ""), "until")
    if last < first:
        raise ValidationFailed([("until", "use_order", {})])
    if (last - first).days >= MOST_DAYS:
        raise ValidationFailed([("until", "use_long", {"most": MOST_DAYS})])
    return Period("span", first, last)


def _holding(unit: str, day: date, other: Period) -> Period:
    if unit != "span":
        return holding(unit, day)
    length = other.last - other.first
    return Period(unit, day - length, day) if day < other.first else Period(unit, day, day + length)
