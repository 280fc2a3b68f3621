"""Reads a calendar of holidays and make-up working days that an administrator loads: CSV, JSON or iCalendar. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from icalendar import Calendar

from dispatch.booking.catalogue.calendar_days import CalendarDay, Kind
from dispatch.booking.catalogue.hours import WEEKDAYS
from dispatch.errors import FieldError, UserError

MOST_BYTES = 1_000_000
MOST_DAYS = 5000
LONGEST_NAME = 80
FIRST_YEAR, LAST_YEAR = 2000, 2100

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("holiday", "off", "休", "休息", "放假", "假", "假日", "节假日"), "holiday"),
    **dict.fromkeys(("working", "work", "班", "上班", "调休", "补班", "工作日"), "working"),
}
_COLUMNS = {"日期": "date", "类型": "kind", "名称": "name", "按": "like"}
_LIKE = dict(zip(WEEKDAYS, range(7), strict=True)) | {f"周{sign}": number for number, sign in enumerate("一二三四五六日")}


@dataclass
class Loaded:
    """What a file says: every good day, and every bad row. Fields are "rows.<number>.<column>", the number as the file counts:
    lines of CSV from 1 with the heading, entries of the others from 1."""

    days: list[CalendarDay] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)


def read_calendar(data: bytes, name: str) -> Loaded:
    """The days in a file; `name` tells by its end which kind it is (.csv, .json, .ics).

    Raises UserError at "file" for one that cannot be read at all: file_large, file_kind, file_encoding, file_shape. Bad rows are in
    the answer: required, date_shape, day_kind, weekday_unknown, too_long, day_twice, day_not_off, rows_many.
    """
    if len(data) > MOST_BYTES:
        raise UserError("file_large", "file", most=MOST_BYTES // 1_000_000)
    readers = {"csv": _csv_rows, "json": _json_rows, "ics": _ics_rows}
    reader = readers.get(name.rpartition(".")[2].lower())
    if reader is None:
        raise UserError("file_kind", "file", kinds=", ".join(f".{kind}" for kind in readers))
    loaded = Loaded()
    seen: dict[date, int] = {}
    for number, row in reader(_text(data)):
        if len(seen) >= MOST_DAYS:
            loaded.errors.append((f"rows.{number}", "rows_many", {"row": number, "most": MOST_DAYS}))
            break
        _take(number, row, loaded, seen)
    return loaded


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # Excel in China saves the second
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UserError("file_encoding", "file")


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [_COLUMNS.get(cell.strip(), cell.strip().lower()) for cell in next(lines, [])]
        if not {"date", "kind"} <= set(heading):
            raise UserError("file_shape", "file", wanted="date,kind,name,like")
        for row in lines:
            if any(cell.strip() for cell in row):
                yield lines.line_num, dict(zip(heading, row, strict=False))
    except csv.Error as error:
        raise UserError("file_shape", "file", wanted="date,kind,name,like") from error


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("file_shape", "file", wanted='[{"date": …, "kind": …}]') from error
    if not isinstance(rows, list):
        raise UserError("file_shape", "file", wanted='[{"date": …, "kind": …}]')
    for number, row in enumerate(rows, 1):
        yield number, row if isinstance(row, dict) else {}


def _ics_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Whole-day events. What a day is, its CATEGORIES say, or a sign in its summary (休, 班) as published calendars have it."""
    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except ValueError as error:
        raise UserError("file_shape", "file", wanted="VCALENDAR") from error
    for number, event in enumerate(events, 1):
        summary = str(event.get("SUMMARY", ""))
        categories = event.get("CATEGORIES")
        words = [str(word) for word in getattr(categories, "cats", [])]
        kind = next((word for word in words if word.strip().lower() in _KINDS), None)
        kind = kind or next((sign for sign in ("班", "休", "假") if sign in summary), "")
        for day in _event_days(event.get("DTSTART"), event.get("DTEND")):
            yield number, {"date": day, "kind": kind, "name": summary}


def _event_days(start: object, end: object) -> Iterable[str]:
    """Each day of an event; DTEND is the day after the last (RFC 5545 section 3.6.1)."""
    first, after = getattr(start, "dt", None), getattr(end, "dt", None)
    if not isinstance(first, date) or isinstance(first, datetime):
        return [str(first or "")]
    days = (after - first).days if isinstance(after, date) and not isinstance(after, datetime) else 1
    return [(first + timedelta(days=number)).isoformat() for number in range(min(max(days, 1), MOST_DAYS))]


def _take(number: int, row: Mapping[str, object], loaded: Loaded, seen: dict[date, int]) -> None:
    cells = {column: str(row.get(column) or "").strip() for column in ("date", "kind", "name", "like")}
    errors: list[FieldError] = []

    def bad(column: str, code: str, **data: object) -> None:
        errors.append((f"rows.{number}.{column}", code, {"row": number, **data}))

    day, kind = _date(cells["date"]), _KINDS.get(cells["kind"].lower())
    like = _LIKE.get(cells["like"].lower())
    if not cells["date"]:
        bad("date", "required")
    elif day is None:
        bad("date", "date_shape", typed=cells["date"][:40])
    elif day in seen:
        bad("date", "day_twice", day=day.isoformat(), other=seen[day])
    if not cells["kind"]:
        bad("kind", "required")
    elif kind is None:
        bad("kind", "day_kind", typed=cells["kind"][:40])
    if cells["like"] and like is None:
        bad("like", "weekday_unknown", typed=cells["like"][:40])
    if len(cells["name"]) > LONGEST_NAME:
        bad("name", "too_long", most=LONGEST_NAME)
    if day is not None and kind == "working" and day.weekday() < 5 and like is None:
        # A weekday is worked anyway: the row is of another year, or its kind is wrong.
        bad("date", "day_not_off", day=day.isoformat())
    if day is not None:
        seen.setdefault(day, number)
    if not errors and day is not None and kind is not None:
        loaded.days.append(CalendarDay(day, kind, cells["name"], like))
    loaded.errors += errors


def _date(typed: str) -> date | None:
    for shape in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日"):
        try:
            day = datetime.strptime(typed, shape).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
    return None
