"""Dates, times and lengths as the pages write them: 09:30, 2026-11-24 周二, Tue 24 Nov."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval

BABEL = {"zh-CN": "zh_Hans_CN", "en": "en_GB"}


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Time of day in the court's zone, 09:30."""
    return moment.astimezone(zone).strftime("%H:%M")


def day(value: date | datetime, language: str, zone: ZoneInfo) -> str:
    """2026-11-24 周二 or Tue 24 Nov."""
    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    pattern = "EEE d MMM" if language == "en" else "yyyy-MM-dd EEE"
    return format_date(value, pattern, locale=BABEL[language])


def day_long(value: date | datetime, language: str, zone: ZoneInfo) -> str:
    """2026年11月24日 星期二 or Tuesday 24 November 2026: for headings and citizens."""
    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    pattern = "EEEE d MMMM yyyy" if language == "en" else "yyyy年M月d日 EEEE"
    return format_date(value, pattern, locale=BABEL[language])


def weekday(value: date, language: str) -> str:
    """周二 or Tue."""
    return format_date(value, "EEE", locale=BABEL[language])


def day_in_week(value: date, language: str) -> str:
    """周一 11-23 or Mon 23 Nov: where the year is said already."""
    return format_date(value, "EEE d MMM" if language == "en" else "EEE MM-dd", locale=BABEL[language])


def week(monday: date, language: str) -> str:
    """2026年第48周 · 11月23日–29日 or Week 48 of 2026 · 23–29 November, by ISO 8601."""
    last = date.fromordinal(min(monday.toordinal() + 6, date.max.toordinal()))
    number = monday.isocalendar()
    span = format_interval(monday, last, "MMMd", locale=BABEL[language])
    return f"Week {number.week} of {number.year} · {span}" if language == "en" else f"{number.year}年第{number.week}周 · {span}"


def month(value: date, language: str) -> str:
    """2026年11月 or November 2026."""
    return format_date(value, "MMMM yyyy" if language == "en" else "yyyy年M月", locale=BABEL[language])


def day_of_year(value: date | datetime, language: str, zone: ZoneInfo) -> str:
    """2026-11-24 or 24 Nov 2026: in tables, where the year is not said elsewhere."""
    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    return format_date(value, "d MMM yyyy" if language == "en" else "yyyy-MM-dd", locale=BABEL[language])


def lately(value: datetime, language: str, zone: ZoneInfo) -> str:
    """11-24 09:30 or 24 Nov 09:30: of what is days old at most."""
    local = value.astimezone(zone)
    return f"{format_date(local.date(), 'd MMM' if language == 'en' else 'MM-dd', locale=BABEL[language])} {local:%H:%M}"


def minute(value: datetime, language: str, zone: ZoneInfo) -> str:
    """2026-11-24 09:30 or 24 Nov 2026 09:30."""
    return f"{day_of_year(value, language, zone)} {clock(value, zone)}"


def moment(value: datetime, language: str, zone: ZoneInfo) -> str:
    """The same with seconds: for logs and audit."""
    return f"{minute(value, language, zone)}:{value.astimezone(zone):%S}"


def duration(value: timedelta, language: str) -> str:
    """1 h 30 min or 1 小时 30 分钟."""
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    words = ("h", "min") if language == "en" else ("小时", "分钟")
    parts = [f"{number} {word}" for number, word in zip((hours, minutes), words, strict=True) if number]
    return " ".join(parts) or f"0 {words[1]}"


def masked_phone(number: str) -> str:
    """The number with its middle hidden: 138****0000; what is shorter than seven signs is hidden whole."""
    digits = number.strip()
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "*" * len(digits)


def for_page(language: str, zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    """The same as functions of one argument, bound to the page's language and zone."""
    return {
        "fmt_clock": lambda value: clock(value, zone),
        "fmt_day": lambda value: day(value, language, zone),
        "fmt_day_long": lambda value: day_long(value, language, zone),
        "fmt_weekday": lambda value: weekday(value, language),
        "fmt_day_in_week": lambda value: day_in_week(value, language),
        "fmt_week": lambda value: week(value, language),
        "fmt_month": lambda value: month(value, language),
        "fmt_date": lambda value: day_of_year(value, language, zone),
        "fmt_lately": lambda value: lately(value, language, zone),
        "fmt_minute": lambda value: minute(value, language, zone),
        "fmt_moment": lambda value: moment(value, language, zone),
        "fmt_duration": lambda value: duration(value, language),
        "fmt_phone": masked_phone,
    }
