"""Holidays, the days that make up for them, and the files they come in."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking.catalogue.calendar_days import CalendarDay, WorkingCalendar, published, published_years
from dispatch.booking.catalogue.calendar_files import MOST_BYTES, Loaded, read_calendar
from dispatch.errors import UserError
from dispatch.web.translations import catalogue

CSV = """日期,类型,名称,按
2026-10-01,休,国庆节,
2026/10/10,班,国庆节调休,周三
"""
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261001
DTEND;VALUE=DATE:20261008
SUMMARY:国庆节（休）
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20261010
SUMMARY:国庆节（班）
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART:20261011T090000Z
SUMMARY:休
END:VEVENT
END:VCALENDAR
"""


def read(text: str, name: str = "days.csv") -> Loaded:
    return read_calendar(text.encode(), name)


def refused(data: bytes, name: str) -> str:
    with pytest.raises(UserError) as caught:
        read_calendar(data, name)
    assert caught.value.field == "file"
    return caught.value.code


def codes(loaded: Loaded) -> dict[str, str]:
    return {field: code for field, code, _ in loaded.errors}


def test_china_s_published_days_of_2026_are_known_without_a_network() -> None:
    calendar = WorkingCalendar.of(published(2026))
    assert calendar.works_like(date(2026, 10, 1)) is None
    assert calendar.name(date(2026, 10, 1)) == "国庆节"
    assert calendar.works_like(date(2026, 10, 10)) == 4  # the Saturday after the holidays
    assert calendar.works_like(date(2026, 9, 20)) == 0  # the Sunday before them
    assert calendar.works_like(date(2026, 11, 25)) == 2
    assert {day.day for day in published(2025) if day.kind == "working"} == {
        date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11),
    }  # fmt: skip


def test_a_year_that_nobody_has_published_is_not_guessed() -> None:
    last = published_years()[-1]
    with pytest.raises(UserError) as caught:
        published(last + 1)
    assert (caught.value.code, caught.value.field, caught.value.data) == (
        "calendar_year_unknown",
        "year",
        {"year": last + 1, "known": last},
    )


@pytest.mark.parametrize("year", published_years())
def test_a_make_up_day_is_a_free_weekday_and_no_holiday(year: int) -> None:
    days = published(year)
    holidays = {each.day for each in days if each.kind == "holiday"}
    assert {each.day.weekday() for each in days if each.kind == "working"} <= {5, 6}
    assert not holidays & {each.day for each in days if each.kind == "working"}


def test_a_file_of_each_kind_is_read() -> None:
    rows = [{"date": "20261001", "kind": "holiday", "name": "国庆节"}, {"date": "2026年10月10日", "kind": "working", "like": "wed"}]
    holiday = CalendarDay(date(2026, 10, 1), "holiday", "国庆节")
    assert read(CSV).days == [holiday, CalendarDay(date(2026, 10, 10), "working", "国庆节调休", 2)]
    assert read(json.dumps(rows), "days.json").days == [holiday, CalendarDay(date(2026, 10, 10), "working", "", 2)]
    loaded = read(ICS, "days.ICS")
    assert [each.day.day for each in loaded.days] == [1, 2, 3, 4, 5, 6, 7, 10]
    assert [each.kind for each in loaded.days][-2:] == ["holiday", "working"]
    assert codes(loaded) == {"rows.3.date": "date_shape"}


def test_what_excel_saves_in_china_is_read_too() -> None:
    assert read_calendar(CSV.encode("gb18030"), "days.csv") == read_calendar(CSV.encode("utf-8-sig"), "days.csv") == read(CSV)


def test_each_bad_row_is_named_and_the_good_ones_are_kept() -> None:
    loaded = read(
        "date,kind,name,like\n"
        "2026-13-01,holiday,a,\n"
        ",,b,\n"
        "2026-10-01,fete,c,\n"
        "2026-10-02,holiday,d,\n"
        "2026-10-02,holiday,e,\n"
        "\n"
        "2026-10-14,working,f,\n"
        "2026-10-10,working,g,someday\n"
        f"2026-10-11,working,{'h' * 81},\n"
        "1901-01-01,holiday,i,\n"
    )
    assert [each.name for each in loaded.days] == ["d"]
    assert codes(loaded) == {
        "rows.2.date": "date_shape",
        "rows.3.date": "required",
        "rows.3.kind": "required",
        "rows.4.kind": "day_kind",
        "rows.6.date": "day_twice",
        "rows.8.date": "day_not_off",
        "rows.9.like": "weekday_unknown",
        "rows.10.name": "too_long",
        "rows.11.date": "date_shape",
    }
    for language in ("zh-CN", "en"):
        assert {code for code in codes(loaded).values() if f"error.{code}" not in catalogue(language)} == set()


def test_a_file_that_cannot_be_read_is_refused_as_a_whole() -> None:
    assert refused(b"x" * (MOST_BYTES + 1), "days.csv") == "file_large"
    assert refused(b"", "days.xls") == "file_kind"
    assert refused(b"\xff\xff\xff", "days.csv") == "file_encoding"
    assert refused(b"when,what\n", "days.csv") == "file_shape"
    assert refused(b'date,kind\n"', "days.csv") == "file_shape"
    assert refused(b"{}", "days.json") == "file_shape"
    assert refused(b"[" * 100_000, "days.json") == "file_shape"
    assert refused(b"nothing of the kind", "days.ics") == "file_shape"
    assert codes(read("[1]", "days.json")) == {"rows.1.date": "required", "rows.1.kind": "required"}


def test_more_days_than_a_file_may_have_are_not_read() -> None:
    many = "date,kind\n" + "".join(f"{date(2000, 1, 1) + timedelta(days=n)},holiday\n" for n in range(5002))
    loaded = read(many)
    assert len(loaded.days) == 5000
    assert list(codes(loaded).values()) == ["rows_many"]


@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: ("date,kind\n" + text).encode("utf-8", "ignore"))))
def test_no_file_makes_more_than_a_clear_error(data: bytes) -> None:
    for name in ("days.csv", "days.json", "days.ics"):
        with suppress(UserError):  # any other exception fails
            assert all(field.startswith("rows.") for field, _, _ in read_calendar(data, name).errors)
