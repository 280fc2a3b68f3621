"""A rule by which a sitting repeats: the part of RFC 5545 that a court uses, read and checked. Pure.

Text is parsed by icalendar and expanded by dateutil; what is checked here is what neither refuses: rules without an end, with too
many occurrences, or with none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule
from icalendar import vRecur

from dispatch.booking.wall_clock import moment, wall_time
from dispatch.errors import FieldError, ValidationFailed

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQUENCIES: tuple[Frequency, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
SIGNS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_OCCURRENCES = 200
MOST_INTERVAL = 100
FURTHEST = timedelta(days=2 * 366)
"""A series ends within so long after its start."""
LONGEST_TEXT = 500

_DATEUTIL = {"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY, "YEARLY": rrule.YEARLY}
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST")


@dataclass(frozen=True, slots=True)
class Rule:
    """An RRULE (RFC 5545 section 3.3.10) on the wall clock.

    `until` is a wall time, the last that counts. `weekdays` are (number, weekday): weekday 0 for Monday, number 0 for each of
    them, 2 for the second and -1 for the last of the month or year. `month_days` count from the end where negative.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    weekdays: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_starts: int = 0


def read_rule(text: str, zone: ZoneInfo, place: str = "rule") -> Rule:
    """The rule that an RRULE value says. UNTIL is UTC, or a date, which counts to its end.

    Raises ValidationFailed with the part as field ("rule.count"): rule_shape, rule_part (one that is not taken, such as BYHOUR),
    rule_frequency, rule_number (`data` has the range), rule_count_or_until.
    """
    text = text.strip().removeprefix("RRULE:")
    names = [part.partition("=")[0].strip().upper() for part in text.split(";")]
    if not text or len(text) > LONGEST_TEXT:
        raise ValidationFailed([(place, "rule_shape", {"rule": text[:40]})])
    unknown = [(f"{place}.{name.lower()}", "rule_part", {"part": name[:20]}) for name in names if name not in _PARTS]
    if unknown or len(set(names)) < len(names):
        raise ValidationFailed(unknown or [(place, "rule_shape", {"rule": text[:40]})])
    numbers: dict[str, tuple[int, ...]] = {}
    weekdays: dict[str, tuple[tuple[int, int], ...]] = {}
    frequency: Frequency | None = None
    until: datetime | None = None
    errors: list[FieldError] = []
    for name, part in zip(names, text.split(";"), strict=True):
        try:
            values = vRecur.from_ical(part)[name]
            if name == "FREQ":
                (frequency,) = (each for each in FREQUENCIES if each == str(values[0]))
            elif name == "UNTIL":
                until = _until(values[0], zone)
            elif name in ("BYDAY", "WKST"):
                signs = [str(value).upper() for value in values]
                weekdays[name] = tuple((int(sign[:-2] or 0), SIGNS.index(sign[-2:])) for sign in signs)
            else:
                numbers[name] = tuple(int(str(value)) for value in values)
            if len(values) != 1 and not name.startswith("BY"):
                raise ValueError("one value")
        except (ValueError, KeyError):
            errors.append((f"{place}.{name.lower()}", "rule_frequency" if name == "FREQ" else "rule_shape", {"rule": part[:40]}))
    if "FREQ" not in names:
        errors.append((f"{place}.freq", "rule_frequency", {"rule": text[:40]}))
    if errors or frequency is None:
        raise ValidationFailed(errors)
    rule = Rule(
        frequency,
        next(iter(numbers.get("INTERVAL", ())), 1),
        next(iter(numbers.get("COUNT", ())), None),
        until,
        weekdays.get("BYDAY", ()),
        numbers.get("BYMONTHDAY", ()),
        numbers.get("BYMONTH", ()),
        numbers.get("BYSETPOS", ()),
        next((day for _, day in weekdays.get("WKST", ())), 0),
    )
    errors = list(rule_problems(rule, place))
    if errors:
        raise ValidationFailed(errors)
    return rule


def _until(value: object, zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return wall_time(value, zone) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, time(23, 59, 59))
    raise ValueError(f"no date: {value}")


def rule_problems(rule: Rule, place: str = "rule") -> Iterator[FieldError]:
    """What is wrong with a rule by itself. Codes: rule_number, rule_count_or_until, rule_weekday_number."""

    def beyond(part: str, values: Sequence[int], least: int, most: int, *, negative: bool = False) -> Iterator[FieldError]:
        if not all(least <= (abs(value) if negative else value) <= most for value in values):
            yield (f"{place}.{part}", "rule_number", {"least": -most if negative else least, "most": most})

    yield from beyond("interval", [rule.interval], 1, MOST_INTERVAL)
    yield from beyond("count", [rule.count or 1] if rule.count != 0 else [0], 1, MOST_OCCURRENCES)
    yield from beyond("bymonthday", rule.month_days, 1, 31, negative=True)
    yield from beyond("bymonth", rule.months, 1, 12)
    yield from beyond("bysetpos", rule.positions, 1, 366, negative=True)
    yield from beyond("byday", [number for number, _ in rule.weekdays if number], 1, 53, negative=True)
    if any(number for number, _ in rule.weekdays) and rule.frequency in ("DAILY", "WEEKLY"):
        yield (f"{place}.byday", "rule_weekday_number", {})
    if (rule.count is None) == (rule.until is None):
        # RFC 5545 forbids both; without either a series never ends.
        yield (f"{place}.count", "rule_count_or_until", {})


def rule_text(rule: Rule, zone: ZoneInfo) -> str:
    """The RRULE value of a rule, UNTIL in UTC as RFC 5545 asks where DTSTART has a zone. Inverse of :func:`read_rule`."""
    parts = [f"FREQ={rule.frequency}"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count}")
    if rule.until is not None:
        parts.append(f"UNTIL={moment(rule.until, zone).astimezone(UTC):%Y%m%dT%H%M%SZ}")
    if rule.weekdays:
        parts.append("BYDAY=" + ",".join(f"{number or ''}{SIGNS[day]}" for number, day in rule.weekdays))
    for name, values in (("BYMONTHDAY", rule.month_days), ("BYMONTH", rule.months), ("BYSETPOS", rule.positions)):
        if values:
            parts.append(f"{name}=" + ",".join(map(str, values)))
    if rule.week_starts:
        parts.append(f"WKST={SIGNS[rule.week_starts]}")
    return ";".join(parts)


def instances(rule: Rule, starts: datetime) -> list[datetime]:
    """The wall times at which a rule with its first instance at `starts` falls, in order; at most one more than a series may have."""
    by_number = [rrule.weekday(day, number or None) for number, day in rule.weekdays]
    last = starts + FURTHEST if rule.until is None else min(rule.until, starts + FURTHEST)
    found = rrule.rrule(
        _DATEUTIL[rule.frequency],
        dtstart=starts,
        interval=rule.interval,
        wkst=rule.week_starts,
        until=last,
        byweekday=by_number or None,
        bymonthday=rule.month_days or None,
        bymonth=rule.months or None,
        bysetpos=rule.positions or None,
    )
    # The count is taken here: dateutil would look for it until the year 9999.
    return list(islice(found, MOST_OCCURRENCES + 1 if rule.count is None else rule.count))
