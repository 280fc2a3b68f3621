"""A series of sittings: a rule, dates added and left out, single sittings moved; and what "this", "this and later", "all" do to it. Pure.

Everything in a series is a wall time without zone: at nine o'clock means nine on either side of a change of the clock. An
occurrence is named by the wall time at which the rule puts it, its id (RECURRENCE-ID), which stays when it is moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.calendar_days import WorkingCalendar
from dispatch.booking.draft import LONGEST, SHORTEST
from dispatch.booking.series.rules import FURTHEST, MOST_OCCURRENCES, Rule, instances, rule_problems
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import moment
from dispatch.errors import FieldError, NotFound, UserError


@dataclass(frozen=True, slots=True)
class Override:
    """An occurrence that was moved by itself: its own start (wall time) and length."""

    starts: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Series:
    """`starts`: the first wall time (DTSTART); without a rule the only one. `added` (RDATE) and `excluded` (EXDATE) are wall
    times; `overrides` go by occurrence id. `skip_holidays`: what the rule puts on a holiday does not take place, yet counts."""

    starts: datetime
    minutes: int
    zone: ZoneInfo
    rule: Rule | None = None
    added: frozenset[datetime] = frozenset()
    excluded: frozenset[datetime] = frozenset()
    overrides: Mapping[datetime, Override] = field(default_factory=dict)
    skip_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One sitting of a series. `span` is UTC; `moved` tells that it has a start or length of its own."""

    id: datetime
    span: Span
    moved: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """The sittings of a series in the order of their ids, and the ids left out because they fall on a holiday."""

    occurrences: list[Occurrence]
    skipped: list[datetime]


def occurrence_ids(series: Series) -> list[datetime]:
    """The ids of all occurrences in order, also of those on holidays."""
    return sorted({*_by_rule(series), *series.added} - series.excluded)


def _by_rule(series: Series) -> list[datetime]:
    return instances(series.rule, series.starts) if series.rule else [series.starts]


def expand(series: Series, calendar: WorkingCalendar | None = None) -> Expansion:
    """Every sitting of a series. A date that no rule chose (added, moved there, the only one) is kept also where it is a holiday."""
    by_a_rule = series.skip_holidays and series.rule is not None
    found: list[Occurrence] = []
    skipped: list[datetime] = []
    for each in occurrence_ids(series):
        own = series.overrides.get(each)
        on_holiday = calendar is not None and calendar.works_like(each.date()) is None
        if by_a_rule and on_holiday and own is None and each not in series.added:
            skipped.append(each)
            continue
        wall, minutes = (own.starts, own.minutes) if own else (each, series.minutes)
        start = moment(wall, series.zone)
        found.append(Occurrence(each, Span(start, start + timedelta(minutes=minutes)), own is not None))
    return Expansion(found, skipped)


def series_problems(series: Series) -> Iterator[FieldError]:
    """Every bad field of a series as typed. Codes: those of a rule at its part; too_short, too_much_time at "minutes"; rule_start
    (the first date is none of the rule's; `data["first"]` is), rule_never, rule_many, rule_too_long, occurrence_unknown."""
    for place, minutes in [("minutes", series.minutes), *((_place(key), own.minutes) for key, own in series.overrides.items())]:
        if timedelta(minutes=minutes) < SHORTEST:
            yield (place, "too_short", {"least": int(SHORTEST.total_seconds() // 60)})
        elif timedelta(minutes=minutes) > LONGEST:
            yield (place, "too_much_time", {"most": int(LONGEST.total_seconds() // 3600)})
    bad_rule = list(rule_problems(series.rule)) if series.rule else []
    yield from bad_rule
    if bad_rule:
        return
    by_rule = _by_rule(series)
    if series.rule is not None:
        yield from _extent(series, series.rule, by_rule)
    if by_rule and by_rule[0] != series.starts:
        yield ("starts", "rule_start", {"first": by_rule[0].isoformat(sep=" ", timespec="minutes")})
    all_ids = {*by_rule, *series.added}
    if len(all_ids) > MOST_OCCURRENCES >= len(by_rule):
        yield ("added", "rule_many", {"most": MOST_OCCURRENCES})
    for each in sorted({*series.overrides, *series.excluded} - all_ids):
        yield (_place(each), "occurrence_unknown", {"id": each.isoformat(sep=" ", timespec="minutes")})


def _place(occurrence: datetime) -> str:
    return f"occurrences.{occurrence.isoformat(timespec='minutes')}"


def _extent(series: Series, rule: Rule, by_rule: list[datetime]) -> Iterator[FieldError]:
    years = FURTHEST.days // 366
    if not by_rule:
        yield ("rule", "rule_never", {})
    elif len(by_rule) > MOST_OCCURRENCES:
        yield ("rule.until", "rule_many", {"most": MOST_OCCURRENCES})
    elif rule.until is not None and rule.until > series.starts + FURTHEST:
        yield ("rule.until", "rule_too_long", {"most": years})
    elif rule.count is not None and len(by_rule) < rule.count:
        yield ("rule.count", "rule_too_long", {"most": years})


def with_one_moved(series: Series, occurrence: datetime, starts: datetime, minutes: int) -> Series:
    """ "This": one sitting gets another start (wall time) or length. Raises NotFound("occurrence_unknown")."""
    _require(series, occurrence)
    return replace(series, overrides={**series.overrides, occurrence: Override(starts, minutes)})


def without_one(series: Series, occurrence: datetime) -> Series:
    """ "This": one sitting is left out. Raises NotFound("occurrence_unknown")."""
    _require(series, occurrence)
    overrides = {key: own for key, own in series.overrides.items() if key != occurrence}
    return replace(series, excluded=series.excluded | {occurrence}, overrides=overrides)


def split(series: Series, occurrence: datetime) -> tuple[Series | None, Series]:
    """The series before an occurrence, None where there is nothing before it, and the series from it on.

    Together both have the occurrences of the one, each with its exceptions: a rule with COUNT is counted apart, one with UNTIL ends
    with the last instance before. "This and later" changes the second and keeps the first. Raises NotFound("occurrence_unknown").
    """
    _require(series, occurrence)
    by_rule = _by_rule(series)
    before, after = [each for each in by_rule if each < occurrence], [each for each in by_rule if each >= occurrence]
    rule = series.rule
    earlier_rule = later_rule = None
    if rule is not None and before:
        earlier_rule = replace(rule, count=len(before)) if rule.count is not None else replace(rule, until=before[-1])
    if rule is not None and after:
        later_rule = replace(rule, count=len(after)) if rule.count is not None else rule
    earlier = _part(series, before, earlier_rule, {each for each in series.added if each < occurrence})
    later = _part(series, after, later_rule, {each for each in series.added if each >= occurrence})
    # What is asked for is in it, so the later part is there.
    return earlier, later or series


def _part(series: Series, by_rule: list[datetime], rule: Rule | None, added: set[datetime]) -> Series | None:
    """The part of a series that has those instances and added dates; None without an occurrence."""
    ids = {*by_rule, *added}
    if not ids - series.excluded:
        return None
    starts = by_rule[0] if by_rule else min(added - series.excluded)
    return replace(
        series,
        starts=starts,
        rule=rule,
        added=frozenset(added - {starts} if not by_rule else added),
        excluded=series.excluded & ids,
        overrides={key: own for key, own in series.overrides.items() if key in ids},
    )


def moved(series: Series, by: timedelta, minutes: int | None = None) -> Series:
    """ "All": each occurrence is put off by so much on the wall clock and gets the length, where one is given.

    Sittings that were moved by themselves keep their own start and length. Raises UserError("rule_must_be_typed", "rule") where
    the days change and the rule goes by days of the month: the second Wednesday and a day is not the second Thursday.
    """
    days = ((series.starts + by).date() - series.starts.date()).days
    return replace(
        series,
        starts=series.starts + by,
        minutes=series.minutes if minutes is None else minutes,
        rule=_moved_rule(series.rule, by, days) if series.rule else None,
        added=frozenset(each + by for each in series.added),
        excluded=frozenset(each + by for each in series.excluded),
        overrides={key + by: own for key, own in series.overrides.items()},
    )


def _moved_rule(rule: Rule, by: timedelta, days: int) -> Rule:
    until = rule.until + by if rule.until else None
    if days == 0:
        return replace(rule, until=until)
    if rule.frequency not in ("DAILY", "WEEKLY") or rule.months or rule.month_days or rule.positions:
        raise UserError("rule_must_be_typed", "rule")
    weekdays = tuple((number, (day + days) % 7) for number, day in rule.weekdays)
    # The week is turned with its days, so that every second week stays the same one.
    return replace(rule, until=until, weekdays=weekdays, week_starts=(rule.week_starts + days) % 7)


def _require(series: Series, occurrence: datetime) -> None:
    if occurrence not in occurrence_ids(series):
        raise NotFound("occurrence_unknown", "occurrence", id=occurrence.isoformat(sep=" ", timespec="minutes"))
