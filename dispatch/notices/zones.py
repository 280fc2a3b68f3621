"""A time zone as calendars carry it along (VTIMEZONE, RFC 5545 section 3.6.5). Pure.

Each change of the clock is an observance of its own, over the years that are asked for: exact wherever the zone's rules
have changed, and short where the clock is never put. (icalendar writes them too, but those of spring an hour late.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_STEP = timedelta(days=7)
"""No zone puts its clock twice within so short a time."""


@dataclass(frozen=True, slots=True)
class Observance:
    """From `onset` (the clock's time before the change) the zone is `after` ahead of UTC; until then it was `before`."""

    onset: datetime
    before: timedelta
    after: timedelta
    name: str
    daylight: bool


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second (UTC) of the offset that holds at `after`, which is another than that at `before`."""
    former = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _offset(middle, zone) == former:
            before = middle
        else:
            after = middle
    return after


def observances(zone: ZoneInfo, first: int, last: int) -> Iterator[Observance]:
    """What holds when the year `first` begins, then every change of the clock to the end of the year `last`."""
    at, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    yield _observance(at, _offset(at, zone), zone)
    while at < end:
        later = min(at + _STEP, end)
        if _offset(later, zone) != _offset(at, zone):
            change = _change(at, later, zone)
            yield _observance(change, _offset(at, zone), zone)
        at = later


def _observance(at: datetime, before: timedelta, zone: ZoneInfo) -> Observance:
    local = at.astimezone(zone)
    onset = (at + before).replace(tzinfo=None)
    return Observance(onset, before, local.utcoffset() or timedelta(), local.tzname() or "", bool(local.dst()))


def timezone(zone: ZoneInfo, first: int, last: int) -> Timezone:
    """The component for times between the years `first` and `last`."""
    component = Timezone()
    component.add("tzid", zone.key)
    for each in observances(zone, first, last):
        part = TimezoneDaylight() if each.daylight else TimezoneStandard()
        part.add("dtstart", each.onset)
        part.add("tzoffsetfrom", each.before)
        part.add("tzoffsetto", each.after)
        part.add("tzname", each.name)
        component.add_component(part)
    return component
