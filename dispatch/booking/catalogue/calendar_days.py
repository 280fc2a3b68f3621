"""Days on which a court does not work, and days off on which it does to make up for them (调休). Pure.

China's State Council publishes them for one year at a time, each November. They are data that an administrator loads;
:func:`published` prefills the years that the library `chinesecalendar` knows. What nobody has published is not guessed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import chinese_calendar

from dispatch.errors import UserError

Kind = Literal["holiday", "working"]
KINDS: tuple[Kind, ...] = ("holiday", "working")
SATURDAY = 5


@dataclass(frozen=True, slots=True, order=True)
class CalendarDay:
    """A day that is not what its weekday says.

    `kind`: "holiday", nobody works; "working", worked although the weekday is free. `like` is the weekday whose hours a working
    day has, 0 for Monday; None for the nearest: those of Friday on a Saturday, of Monday on a Sunday.
    """

    day: date
    kind: Kind
    name: str = ""
    like: int | None = None


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which weekday's hours hold on a day."""

    days: dict[date, CalendarDay] = field(default_factory=dict)

    @classmethod
    def of(cls, days: Iterable[CalendarDay]) -> WorkingCalendar:
        """A calendar of those days; of two for one day the later one counts."""
        return cls({each.day: each for each in days})

    def works_like(self, day: date) -> int | None:
        """The weekday (0 for Monday) whose hours hold on `day`, None on a holiday."""
        special = self.days.get(day)
        if special is None:
            return day.weekday()
        if special.kind == "holiday":
            return None
        if special.like is not None:
            return special.like
        return {SATURDAY: 4, SATURDAY + 1: 0}.get(day.weekday(), day.weekday())

    def name(self, day: date) -> str:
        """What a special day is called, empty on any other."""
        special = self.days.get(day)
        return special.name if special else ""


@dataclass(frozen=True, slots=True)
class Calendars:
    """The court's calendar, and by id those of the sites that have days of their own."""

    court: WorkingCalendar = field(default_factory=WorkingCalendar)
    sites: Mapping[str, WorkingCalendar] = field(default_factory=dict)

    def of(self, site_id: str | None) -> WorkingCalendar:
        """By which a site works: the court's, with the days of its own in the place of those."""
        return self.sites.get(site_id or "", self.court)


@functools.cache
def published_years() -> tuple[int, ...]:
    """The years whose days the State Council had published when the installed library was made, in order."""
    return tuple(sorted({day.year for day in chinese_calendar.holidays}))


@functools.cache
def published(year: int) -> tuple[CalendarDay, ...]:
    """China's holidays and make-up working days of a year, in order. A weekend within a holiday is named as well.

    Raises UserError("calendar_year_unknown", "year") for a year that is not known; `data["known"]` is the last that is.
    """
    years = published_years()
    if year not in years:
        raise UserError("calendar_year_unknown", "year", year=year, known=years[-1])
    found = [CalendarDay(day, "holiday", _chinese(name)) for day, name in chinese_calendar.holidays.items() if day.year == year]
    made_up = [CalendarDay(day, "working", _chinese(name) + "调休") for day, name in chinese_calendar.workdays.items() if day.year == year]
    return tuple(sorted([*found, *made_up]))


def _chinese(name: str) -> str:
    return str(chinese_calendar.Holiday(name).chinese)
