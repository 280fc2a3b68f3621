"""Dates, times and lengths as the pages write them: 09:30, 2026-11-24 周二, Tue 24 Nov."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date

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


def moment(value: datetime, language: str, zone: ZoneInfo) -> str:
    """Day and time of day, with seconds: for logs and audit."""
    local = value.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}"


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
        "fmt_moment": lambda value: moment(value, language, zone),
        "fmt_duration": lambda value: duration(value, language),
        "fmt_phone": masked_phone,
    }
