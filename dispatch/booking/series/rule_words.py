"""A series in words: 每周三 09:00，共 10 次 / Every Wednesday at 09:00, 10 times. Pure: the texts are those of the catalogue."""

from __future__ import annotations

from typing import Protocol

from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.booking.series.recurrence import Series
from dispatch.booking.series.rules import Rule, rule_text

MONDAY_TO_FRIDAY = {(0, day) for day in range(5)}
LAST = -1


class Say(Protocol):
    """The text of a code in the reader's language, its values filled in (`Catalogue.gettext`)."""

    def __call__(self, code: str, /, **values: object) -> str: ...


def words_of(series: Series, say: Say) -> str:
    """What a series is, in one line."""
    clock = f"{series.starts:%H:%M}"
    if series.rule is None:
        said = say("rule.once", day=f"{series.starts:%Y-%m-%d}", at=clock)
    else:
        said = say("rule.at", when=_when(series.rule, series, say), at=clock)
        if series.rule.count is not None:
            said += say("rule.count", count=series.rule.count)
        elif series.rule.until is not None:
            said += say("rule.until", day=f"{series.rule.until:%Y-%m-%d}")
    for code, count in (("rule.added", len(series.added)), ("rule.excluded", len(series.excluded)), ("rule.moved", len(series.overrides))):
        if count:
            said += say(code, count=count)
    return said + (say("rule.skip_holidays") if series.skip_holidays else "")


def _when(rule: Rule, series: Series, say: Say) -> str:
    plain = not rule.positions
    every = rule.interval
    if rule.frequency == "DAILY" and plain and not (rule.weekdays or rule.month_days or rule.months):
        return say("rule.daily") if every == 1 else say("rule.daily_n", n=every)
    if rule.frequency == "WEEKLY" and plain and not (rule.month_days or rule.months):
        if set(rule.weekdays) == MONDAY_TO_FRIDAY and every == 1:
            return say("rule.weekdays")
        days = _joined([_weekday(day, say) for _, day in sorted(rule.weekdays)] or [_weekday(series.starts.weekday(), say)], say)
        return say("rule.weekly", days=days) if every == 1 else say("rule.weekly_n", days=days, n=every)
    if rule.frequency == "MONTHLY" and plain and not rule.months and not (rule.weekdays and rule.month_days):
        if rule.weekdays and all(number for number, _ in rule.weekdays):
            days = _joined([_numbered(number, day, say) for number, day in rule.weekdays], say)
            return say("rule.monthly", days=days) if every == 1 else say("rule.monthly_n", days=days, n=every)
        if not rule.weekdays:
            days = _joined([_month_day(day, say) for day in rule.month_days or (series.starts.day,)], say)
            return say("rule.monthly", days=days) if every == 1 else say("rule.monthly_n", days=days, n=every)
    if rule.frequency == "YEARLY" and every == 1 and plain and not (rule.weekdays or rule.month_days or rule.months):
        return say("rule.yearly", month=series.starts.month, day=series.starts.day)
    # Rules that come from other calendars: exact, if not pretty.
    return say("rule.other", rule=rule_text(rule, series.zone))


def _joined(words: list[str], say: Say) -> str:
    if len(words) < 2:
        return "".join(words)
    return say("rule.and", first=say("rule.comma").join(words[:-1]), last=words[-1])


def _weekday(day: int, say: Say) -> str:
    return say(f"weekday.{WEEKDAYS[day]}")


def _numbered(number: int, day: int, say: Say) -> str:
    if number == LAST:
        return say("rule.last", day=_weekday(day, say))
    code = f"rule.nth_{number}" if 1 <= number <= 5 else "rule.nth"
    return say(code, n=number, day=_weekday(day, say))


def _month_day(day: int, say: Say) -> str:
    return say("rule.last_day") if day == LAST else say("rule.day", day=day)
