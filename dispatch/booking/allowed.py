"""Whether a sitting may be held as it is wanted: working hours, holidays, statutory notice (DOMAIN.md section 7), a minor's guardian.

None of these makes a booking impossible. Whoever books against a rule says why, and the reason is kept with the booking; without one
the refusal names every rule that is broken, of what, and what it says. What is closed for maintenance or on leave is another matter:
that is in the way like another sitting (:mod:`dispatch.booking.conflicts`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from prometheus_client import Counter
from sqlalchemy import bindparam, select

from dispatch.booking import protection
from dispatch.booking.catalogue.calendar_days import CalendarDay, Calendars, Kind, WorkingCalendar, published, published_years
from dispatch.booking.catalogue.hours import ALWAYS, COURT_HOURS, WeeklyHours, is_open, open_spans, weekly_hours
from dispatch.booking.finding.slots import notice_from
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.spans import Span, within
from dispatch.errors import FieldError, ValidationFailed
from dispatch.store import ready
from dispatch.store.base import Base
from dispatch.store.ready import Ready
from dispatch.store.tables import CalendarDay as DayRow
from dispatch.store.tables import CourtSite, Resource, SiteDay
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

FIELD = "override_reason"
"""The field at which broken rules are told, and that the reason is typed into."""
RULES = Counter("dispatch_booking_rules_total", "Rules that a booking broke, by rule and by what became of it", ["rule", "outcome"])

NOTICE_DAYS: Mapping[str, int] = {"remote_court": 3, "public_hearing": 3}
"""Whole days between notice and hearing by kind of sitting (CPL art. 187; rules of public hearings, 2020); none for the others."""


EVERY_DAY = WorkingCalendar()
"""The calendar of what knows no holidays."""


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


async def calendars(session: AsyncSession, first: date | None = None, last: date | None = None) -> Calendars:
    """Holidays and make-up working days, of the years from `first` to `last` only, where given: those that the administrator has loaded,
    and of a year of which he has loaded none those that the State Council published, as far as they are known; and those of sites."""
    begin, end = _years(first, last)
    asked = {"begin": begin, "end": end}
    rows, of_sites = await ready.together(session, (_DAYS, asked), (_SITE_DAYS, asked))
    return _calendars_of(tuple(map(tuple, rows)), tuple(map(tuple, of_sites)), begin.year, end.year)


def asked(window: Span) -> list[ready.Asked]:
    """What the rules of a sitting within that window ask for."""
    begin, end = _years(*_days_around(window))
    return [*((each, {"begin": begin, "end": end}) for each in (_DAYS, _SITE_DAYS)), (_SITES, {})]


def _years(first: date | None, last: date | None) -> tuple[date, date]:
    return date(first.year, 1, 1) if first is not None else date.min, date(last.year, 12, 31) if last is not None else date.max


def _days_around(window: Span) -> tuple[date, date]:
    """Any zone's days, and the night before."""
    return window.start.date() - timedelta(days=2), window.end.date() + timedelta(days=1)


def _days_of(table: type[DayRow] | type[SiteDay], *more: Any) -> Ready:
    within_years = table.day >= bindparam("begin"), table.day <= bindparam("end")
    return Ready(select(table.day, table.kind, table.name, table.works_like, *more).where(*within_years).order_by(table.day))


_DAYS, _SITE_DAYS = _days_of(DayRow), _days_of(SiteDay, SiteDay.site_id)
_SITES = Ready(select(Base.metadata.tables[CourtSite.__tablename__]))
"""All of them: a court has a few."""


@lru_cache(maxsize=64)
def _calendars_of(
    rows: tuple[tuple[date, str, str, int | None], ...],
    of_sites: tuple[tuple[date, str, str, int | None, str], ...],
    first: int,
    last: int,
) -> Calendars:
    """The calendars of those years that have these rows: every booking asks for the same ones, and nobody changes them."""
    loaded = [CalendarDay(day, _kind(kind), name, like) for day, kind, name, like in rows]
    years = {each.day.year for each in loaded}
    known = [each for year in published_years() if year not in years and first <= year <= last for each in published(year)]
    court = WorkingCalendar.of([*known, *loaded])
    own: dict[str, dict[date, CalendarDay]] = {}
    for day, kind, name, like, site_id in of_sites:
        own.setdefault(site_id, {})[day] = CalendarDay(day, _kind(kind), name, like)
    return Calendars(court, {site_id: WorkingCalendar({**court.days, **days}) for site_id, days in own.items()})


def noticed_from(kind: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment for which notice given now is early enough for a sitting of that kind; None where none is prescribed."""
    days = NOTICE_DAYS.get(kind, 0)
    return notice_from(now, days, zone) if days else None


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a booking breaks: hours (outside of them), day_off (a weekday without any), holiday, notice, or unguarded (a minor
    without his guardian). Pages say "error.rule_<rule>" with the data."""

    rule: str
    data: Mapping[str, Any]


def unguarded(rows: Sequence[ParticipantDraft], former: Sequence[ParticipantDraft] = ()) -> list[Broken]:
    """The rule that is broken by each minor of `rows` whom nobody guards, unless he was there without his guardian before (`former`)."""
    before = {word for row in protection.unguarded(former) for word in protection.words_of(row)}
    new = [row for row in protection.unguarded(rows) if before.isdisjoint(protection.words_of(row))]
    return [Broken(protection.UNGUARDED, {"name": tidy(row.name)}) for row in new]


async def overridden(
    session: AsyncSession,
    court_zone: ZoneInfo,
    span: Span,
    resources: Sequence[Resource],
    reason: str,
    notice: datetime | None,
    also: Sequence[Broken] = (),
) -> list[str]:
    """Inside the transaction of a booking: the rules that a sitting of that span breaks, which the `reason` overrides.

    `resources`: those that are newly held, and locked. `notice`: the first moment for which notice is early enough, None where none is
    asked for. `also`: what it breaks besides. Raises ValidationFailed at :data:`FIELD` with every broken rule where no reason is given.
    """
    found = await _broken(session, court_zone, span, resources)
    if notice is not None and span.start < notice:
        first = f"{notice.astimezone(court_zone):%Y-%m-%d}"
        found.append(Broken("notice", {"first": first}))
    found += also
    reason_for(found, reason)
    return list(dict.fromkeys(each.rule for each in found))


def reason_for(found: Sequence[Broken], reason: str) -> str:
    """The reason that overrides these rules, "" where none is broken. Raises ValidationFailed at :data:`FIELD` with every broken rule
    where no reason is given."""
    given = tidy(reason)
    for rule in dict.fromkeys(each.rule for each in found):
        RULES.labels(rule, "overridden" if given else "refused").inc()
    if found and not given:
        raise ValidationFailed(_errors(found))
    return given if found else ""


async def common_hours(session: AsyncSession, court_zone: ZoneInfo, window: Span, resources: Sequence[Resource]) -> list[Span]:
    """The disjoint spans (UTC) within the window, in order, in which all of these resources are open or work."""
    common = [window]
    terms = await _terms(session, court_zone, window, resources)
    # Most have the same hours: each kind is reckoned once.
    for hours, zone, days in {(hours, zone.key, id(days)): (hours, zone, days) for _, hours, zone, days in terms}.values():
        opened = open_spans(window, hours, zone, days)
        common = [part for each in common for part in within(opened, each)]
    return common


async def _broken(session: AsyncSession, court_zone: ZoneInfo, span: Span, resources: Sequence[Resource]) -> list[Broken]:
    return [
        _what_is_broken(resource.name, span, hours, zone, days)
        for resource, hours, zone, days in await _terms(session, court_zone, span, resources)
        if not is_open(span, open_spans(span, hours, zone, days))
    ]


async def _terms(
    session: AsyncSession, court_zone: ZoneInfo, window: Span, resources: Sequence[Resource]
) -> list[tuple[Resource, WeeklyHours, ZoneInfo, WorkingCalendar]]:
    """Each resource with its hours, by which clock and which calendar."""
    at_sites = any(each.site_id is not None for each in resources)
    sites = {site.id: site for site in await ready.objects(session, CourtSite, _SITES, {})} if at_sites else {}
    special = await calendars(session, *_days_around(window))
    found = []
    for resource in resources:
        site = sites.get(resource.site_id or "")
        days = special.of(resource.site_id) if keeps_holidays(resource) else EVERY_DAY
        found.append((resource, hours_of(resource, site), zone_of(site, court_zone), days))
    return found


def _what_is_broken(name: str, span: Span, hours: WeeklyHours, zone: ZoneInfo, special: WorkingCalendar) -> Broken:
    """Which rule a span outside the hours of a resource breaks: the first day of it that is no working day, else its hours."""
    first, last = span.start.astimezone(zone).date(), (span.end - timedelta.resolution).astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    for day in days:
        weekday = special.works_like(day)
        if weekday is None:
            return Broken("holiday", {"name": name, "day": day.isoformat(), "holiday": special.name(day)})
        if not hours.days[weekday]:
            return Broken("day_off", {"name": name, "day": day.isoformat()})
    said = ", ".join(str(each) for each in hours.days[special.works_like(first) or 0])
    return Broken("hours", {"name": name, "hours": said, "zone": zone.key})


def _errors(found: Iterable[Broken]) -> list[FieldError]:
    """Each rule once, with the names of all that it is broken for."""
    names: dict[tuple[str, tuple[tuple[str, Any], ...]], list[str]] = {}
    for each in found:
        values = tuple((key, value) for key, value in each.data.items() if key != "name")
        names.setdefault((f"rule_{each.rule}", values), []).append(each.data.get("name", ""))
    return [(FIELD, code, {"name": "、".join(named), **dict(values)}) for (code, values), named in names.items()]


def _kind(kind: str) -> Kind:
    return "working" if kind == "working" else "holiday"


def _hours(typed: dict[str, Any]) -> WeeklyHours:
    return _read(json.dumps(typed, sort_keys=True))


@lru_cache(maxsize=1024)
def _read(typed: str) -> WeeklyHours:
    return weekly_hours(json.loads(typed))
