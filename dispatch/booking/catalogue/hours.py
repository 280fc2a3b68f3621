"""When a room is open or a person works: weekly hours of the wall clock, holidays, closures and leave. Pure.

Rules are local, answers are UTC. A moment is open when the clock of the resource shows a time within the hours of its day: on a
day of 25 hours the hour that comes twice is open twice, on one of 23 the hour that is left out is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.calendar_days import WorkingCalendar
from dispatch.booking.spans import Span, merged, within, without
from dispatch.booking.wall_clock import DAY_MINUTES, moments_shown
from dispatch.errors import FieldError, ValidationFailed

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SPANS = 6
"""So many spans of one day can be typed."""

_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–—~～至到]\s*(\d{1,2})[:：](\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """Hours of one day in minutes since its midnight: 0 ≤ begins < 1440, begins < ends ≤ begins + 1440. An end past 1440 lies
    in the next day: 22:00 to 06:00 is (1320, 1800)."""

    begins: int
    ends: int

    def __str__(self) -> str:
        end = self.ends if self.ends <= DAY_MINUTES else self.ends - DAY_MINUTES
        return f"{self.begins // 60:02}:{self.begins % 60:02}-{end // 60:02}:{end % 60:02}"


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The hours of each weekday, Monday first, each day's in order."""

    days: tuple[tuple[Opening, ...], ...] = ((),) * 7

    def as_typed(self) -> dict[str, list[str]]:
        """As :func:`weekly_hours` reads it and the database keeps it; a day without hours is left out."""
        return {WEEKDAYS[number]: [str(each) for each in day] for number, day in enumerate(self.days) if day}


COURT_HOURS = WeeklyHours((((Opening(9 * 60, 12 * 60), Opening(13 * 60 + 30, 17 * 60 + 30)),) * 5) + ((), ()))
"""Monday to Friday 9:00 to 12:00 and 13:30 to 17:30: where nobody has typed other hours."""
ALWAYS = WeeklyHours(((Opening(0, DAY_MINUTES),),) * 7)
"""Day and night, every day."""


def weekly_hours(typed: Mapping[str, object], place: str = "hours.") -> WeeklyHours:
    """Hours as typed: {"mon": ["09:00-12:00", "13:30-17:30"], "sat": ["22:00-06:00"]}; a day that is not named has none.

    An end that is not after its begin lies in the next day; "00:00-24:00" is a whole day. Raises ValidationFailed with a field for
    each bad span ("hours.mon.0"): hours_day_unknown, hours_shape, hours_empty, hours_many, hours_overlap (with one of the same day
    or of the night before; `data["other"]` names it).
    """
    errors: list[FieldError] = [(f"{place}{name}", "hours_day_unknown", {"day": name}) for name in typed if name not in WEEKDAYS]
    found: list[list[tuple[Opening, str]]] = []
    for name in WEEKDAYS:
        day: list[tuple[Opening, str]] = []
        rows = typed.get(name) or []
        if not isinstance(rows, (list, tuple)):
            errors.append((f"{place}{name}", "hours_shape", {"typed": str(rows)[:40]}))
            rows = []
        if len(rows) > MOST_SPANS:
            errors.append((f"{place}{name}", "hours_many", {"most": MOST_SPANS}))
        for number, row in enumerate(rows[:MOST_SPANS]):
            field = f"{place}{name}.{number}"
            opening = _opening(row, field, errors)
            if opening is not None:
                day.append((opening, field))
        found.append(day)
    errors += _overlaps(found)
    if errors:
        raise ValidationFailed(errors)
    return WeeklyHours(tuple(tuple(sorted(opening for opening, _ in day)) for day in found))


def _opening(typed: object, field: str, errors: list[FieldError]) -> Opening | None:
    shape = _SPAN.fullmatch(typed.strip()) if isinstance(typed, str) else None
    if shape is None:
        errors.append((field, "hours_shape", {"typed": str(typed)[:40]}))
        return None
    begin_hour, begin_minute, end_hour, end_minute = (int(number) for number in shape.groups())
    begins, ends = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if begin_minute > 59 or end_minute > 59 or begins >= DAY_MINUTES or ends > DAY_MINUTES:
        errors.append((field, "hours_shape", {"typed": str(typed)[:40]}))
        return None
    if begins == ends:
        errors.append((field, "hours_empty", {}))
        return None
    return Opening(begins, ends if ends > begins else ends + DAY_MINUTES)


def _overlaps(days: list[list[tuple[Opening, str]]]) -> Iterator[FieldError]:
    """Spans that reach into another one that begins earlier in the week, which goes round."""
    week = 7 * DAY_MINUTES
    flat = sorted(
        (number * DAY_MINUTES + opening.begins, number * DAY_MINUTES + opening.ends, str(opening), field)
        for number, day in enumerate(days)
        for opening, field in day
    )
    # What reaches past Sunday's midnight is met by Monday's.
    round_the_week = [(begins - week, ends - week, text, field) for begins, ends, text, field in flat if ends > week]
    last_end, last_text = 0, ""
    for begins, ends, text, field in [*round_the_week, *flat]:
        if begins < last_end and begins >= 0:
            yield (field, "hours_overlap", {"typed": text, "other": last_text})
        if ends > last_end:
            last_end, last_text = ends, text


def open_spans(
    window: Span,
    hours: WeeklyHours,
    zone: ZoneInfo,
    calendar: WorkingCalendar | None = None,
    closed: Iterable[Span] = (),
) -> list[Span]:
    """The disjoint spans (UTC) within the window in which a resource is open, in order.

    `calendar`: None for what knows no holidays (cells of a detention house). `closed`: closures, maintenance, leave (UTC). A night
    belongs to the day on which it begins: the night before a holiday is worked to its end.
    """
    first = window.start.astimezone(zone).date() - timedelta(days=1)
    days = (window.end.astimezone(zone).date() - first).days
    found: list[Span] = []
    for day in (first + timedelta(days=number) for number in range(days + 1)):
        weekday = day.weekday() if calendar is None else calendar.works_like(day)
        for opening in hours.days[weekday] if weekday is not None else ():
            found += moments_shown(day, opening.begins, opening.ends, zone)
    return without(within(merged(found), window), closed)


def is_open(span: Span, opened: Collection[Span]) -> bool:
    """Whether the whole span lies in one of the disjoint spans `opened`."""
    return any(each.start <= span.start and span.end <= each.end for each in opened)
