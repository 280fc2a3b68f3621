"""Whether a sitting may be held when it is wanted: working hours, holidays, statutory notice (DOMAIN.md section 7).

None of these makes a booking impossible. Whoever books against a rule says why, and the reason is kept with the booking; without one
the refusal names every rule that is broken, of what, and what it says. What is closed for maintenance or on leave is another matter:
that is in the way like another sitting (:mod:`dispatch.booking.conflicts`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from dispatch.booking.calendar_days import CalendarDay, Kind, WorkingCalendar
from dispatch.booking.hours import ALWAYS, COURT_HOURS, WeeklyHours, weekly_hours
from dispatch.booking.slots import notice_from
from dispatch.store.tables import CalendarDay as DayRow
from dispatch.store.tables import CourtSite, Resource

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

NOTICE_DAYS: Mapping[str, int] = {"remote_court": 3, "public_hearing": 3}
"""Whole days between notice and hearing by kind of sitting (CPL art. 187; rules of public hearings, 2020); none for the others."""


def hours_of(resource: Resource, site: CourtSite | None) -> WeeklyHours:
    """When it is open or works: its own hours, else its site's, else the court's.

    Where nobody has typed any, a custody slot can be had day and night, and so can a virtual room, which is at no site.
    """
    if resource.hours is not None:
        return _hours(resource.hours)
    if resource.room_kind == "virtual":
        return ALWAYS
    if site is not None and site.hours is not None:
        return _hours(site.hours)
    return ALWAYS if resource.kind == "custody" else COURT_HOURS


def keeps_holidays(resource: Resource) -> bool:
    """Whether it is not to be had on a holiday: cells are kept, and a virtual room is open, on every day."""
    return resource.kind != "custody" and resource.room_kind != "virtual"


def zone_of(site: CourtSite | None, court_zone: ZoneInfo) -> ZoneInfo:
    """By whose clock the hours of what is there are meant."""
    return ZoneInfo(site.zone) if site is not None and site.zone else court_zone


async def calendar(session: AsyncSession, first: date | None = None, last: date | None = None) -> WorkingCalendar:
    """Holidays and make-up working days that the administrator has loaded; of the days from `first` to `last` only, where given."""
    wanted = select(DayRow.day, DayRow.kind, DayRow.name, DayRow.works_like)
    if first is not None:
        wanted = wanted.where(DayRow.day >= first)
    if last is not None:
        wanted = wanted.where(DayRow.day <= last)
    rows = await session.execute(wanted)
    return WorkingCalendar.of(CalendarDay(day, _kind(kind), name, like) for day, kind, name, like in rows)


def noticed_from(kind: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment for which notice given now is early enough for a sitting of that kind; None where none is prescribed."""
    days = NOTICE_DAYS.get(kind, 0)
    return notice_from(now, days, zone) if days else None


def _kind(kind: str) -> Kind:
    return "working" if kind == "working" else "holiday"


def _hours(typed: dict[str, Any]) -> WeeklyHours:
    return _read(json.dumps(typed, sort_keys=True))


@lru_cache(maxsize=1024)
def _read(typed: str) -> WeeklyHours:
    return weekly_hours(json.loads(typed))
