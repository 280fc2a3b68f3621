"""Series of sittings: rules, exceptions, and what "this", "this and later" and "all" do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dispatch.booking.catalogue.calendar_days import WorkingCalendar, published
from dispatch.booking.series.recurrence import (
    Occurrence,
    Override,
    Series,
    expand,
    moved,
    occurrence_ids,
    series_problems,
    split,
    with_one_moved,
    without_one,
)
from dispatch.booking.series.rule_words import words_of
from dispatch.booking.series.rules import FREQUENCIES, MOST_OCCURRENCES, Rule, instances, read_rule, rule_text
from dispatch.booking.wall_clock import wall_time
from dispatch.errors import NotFound, UserError, ValidationFailed
from dispatch.web.translations import catalogue
from tests.dispatch.making import SHANGHAI
from tests.effort import examples

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def series(rule: str, starts: str = "2026-11-25T09:00", zone: ZoneInfo = SHANGHAI) -> Series:
    return Series(wall(starts), 60, zone, read_rule(rule, zone) if rule else None)


def days(of: Series) -> list[str]:
    return [f"{each:%m-%d}" for each in occurrence_ids(of)]


def codes(of: Series) -> dict[str, str]:
    return {field: code for field, code, _ in series_problems(of)}


def refused(rule: str) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        read_rule(rule, SHANGHAI)
    return {field: code for field, code, _ in caught.value.errors}


# Examples of RFC 5545 section 3.8.5.3, DTSTART;TZID=America/New_York:19970902T090000 unless it says another.
@pytest.mark.parametrize(
    ("rule", "starts", "expected"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01", "09-01 09-03 09-05 09-15 09-17 09-19 09-29"),
        ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02", "09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02"),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", "09-05 10-03 11-07 12-05 01-02 02-06 03-06 04-03 05-01 06-05"),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", "09-22 10-20 11-17 12-22 01-19 02-16"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6", "1997-09-28", "09-28 10-29 11-28 12-29 01-29 02-26"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997-09-30", "09-30 10-01 10-31 11-01 11-30 12-01 12-31 01-01 01-31 02-01"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "09-04 10-07 11-06"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7", "1997-09-29", "09-29 10-30 11-27 12-30 01-29 02-26 03-30"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "08-05 08-10 08-19 08-24"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "08-05 08-17 08-19 08-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", "01-15 01-30 02-15 03-15 03-30"),
        ("FREQ=YEARLY;COUNT=5;BYMONTH=6,7", "1997-06-10", "06-10 07-10 06-10 07-10 06-10"),
    ],
)  # fmt: skip
def test_the_examples_of_rfc_5545_fall_on_the_days_it_names(rule: str, starts: str, expected: str) -> None:
    found = series(rule, f"{starts}T09:00", NEW_YORK)
    assert " ".join(days(found)).startswith(expected)
    assert codes(found) == {}


def test_nine_o_clock_stays_nine_o_clock_over_a_change_of_the_clock() -> None:
    found = expand(series("FREQ=WEEKLY;COUNT=3", "2026-10-18T09:00", BERLIN)).occurrences
    assert [each.span.start.hour for each in found] == [7, 8, 8]
    assert {wall_time(each.span.start, BERLIN).hour for each in found} == {9}
    assert all(each.span.end - each.span.start == timedelta(hours=1) for each in found)


def test_a_time_that_a_day_leaves_out_is_reckoned_by_the_offset_before() -> None:
    found = expand(series("FREQ=DAILY;COUNT=2", "2026-03-28T02:30", BERLIN)).occurrences
    assert [each.span.start for each in found] == [datetime(2026, 3, 28, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]


def test_until_counts_the_moment_it_names_and_a_date_to_its_end() -> None:
    assert days(series("FREQ=DAILY;UNTIL=20261127T010000Z")) == ["11-25", "11-26", "11-27"]  # 09:00 in Shanghai
    assert days(series("FREQ=DAILY;UNTIL=20261127T005959Z")) == ["11-25", "11-26"]
    assert days(series("FREQ=DAILY;UNTIL=20261127")) == ["11-25", "11-26", "11-27"]


def test_dates_are_added_left_out_and_moved() -> None:
    base = series("FREQ=WEEKLY;COUNT=3")
    found = replace(
        base, added=frozenset({wall("2026-11-30T14:00"), wall("2026-12-02T09:00")}), excluded=frozenset({wall("2026-12-09T09:00")})
    )
    found = with_one_moved(found, wall("2026-12-02T09:00"), wall("2026-12-01T10:00"), 90)
    assert days(found) == ["11-25", "11-30", "12-02"]
    start = datetime(2026, 12, 1, 2, tzinfo=UTC)
    occurrence = expand(found).occurrences[2]
    assert (occurrence.id, occurrence.moved) == (wall("2026-12-02T09:00"), True)
    assert (occurrence.span.start, occurrence.span.end) == (start, start + timedelta(minutes=90))
    assert codes(found) == {}


def test_one_that_was_moved_and_is_cancelled_is_gone() -> None:
    moved_one = with_one_moved(series("FREQ=WEEKLY;COUNT=3"), wall("2026-12-02T09:00"), wall("2026-12-01T10:00"), 90)
    left = without_one(moved_one, wall("2026-12-02T09:00"))
    assert days(left) == ["11-25", "12-09"]
    assert left.overrides == {}


def test_what_falls_on_a_holiday_is_left_out_where_asked_and_still_counts() -> None:
    calendar = WorkingCalendar.of(published(2026))
    weekly = replace(series("FREQ=WEEKLY;COUNT=3", "2026-09-24T09:00"), skip_holidays=True)
    found = expand(weekly, calendar)
    assert [f"{each.id:%m-%d}" for each in found.occurrences] == ["09-24", "10-08"]
    assert [f"{each:%m-%d}" for each in found.skipped] == ["10-01"]
    assert expand(replace(weekly, skip_holidays=False), calendar).skipped == []
    moved_away = with_one_moved(weekly, wall("2026-10-01T09:00"), wall("2026-09-30T09:00"), 60)
    assert len(expand(moved_away, calendar).occurrences) == 3


def test_this_and_later_with_a_count_are_counted_apart() -> None:
    earlier, later = split(series("FREQ=WEEKLY;COUNT=10"), wall("2026-12-16T09:00"))
    assert earlier is not None
    assert earlier.rule is not None
    assert later.rule is not None
    assert (earlier.rule.count, later.rule.count) == (3, 7)
    assert later.starts == wall("2026-12-16T09:00")


def test_this_and_later_with_an_end_ends_the_first_part_with_its_last() -> None:
    earlier, later = split(series("FREQ=WEEKLY;UNTIL=20270101T000000Z"), wall("2026-12-16T09:00"))
    assert earlier is not None
    assert earlier.rule is not None
    assert rule_text(earlier.rule, SHANGHAI) == "FREQ=WEEKLY;UNTIL=20261209T010000Z"
    assert later.rule is not None
    assert rule_text(later.rule, SHANGHAI) == "FREQ=WEEKLY;UNTIL=20270101T000000Z"


def test_from_the_first_on_is_all_of_it() -> None:
    whole = series("FREQ=WEEKLY;COUNT=10")
    assert split(whole, whole.starts) == (None, whole)


def test_what_is_not_in_the_series_is_not_found() -> None:
    whole = without_one(series("FREQ=WEEKLY;COUNT=3"), wall("2026-12-02T09:00"))
    for missing in (wall("2026-12-02T09:00"), wall("2026-12-03T09:00")):
        with pytest.raises(NotFound):
            split(whole, missing)
        with pytest.raises(NotFound):
            without_one(whole, missing)
        with pytest.raises(NotFound):
            with_one_moved(whole, missing, missing, 60)


def test_all_moved_to_another_day_go_by_the_new_day_and_keep_their_exceptions() -> None:
    base = without_one(series("FREQ=WEEKLY;COUNT=4;BYDAY=WE;INTERVAL=2"), wall("2026-12-09T09:00"))
    later = moved(base, timedelta(days=1, hours=5), 30)
    assert later.rule is not None
    assert rule_text(later.rule, SHANGHAI) == "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TH;WKST=TU"
    assert [f"{each:%m-%d %H}" for each in occurrence_ids(later)] == ["11-26 14", "12-24 14", "01-07 14"]
    assert later.minutes == 30


def test_a_monthly_rule_keeps_its_days_when_only_the_hour_changes_and_has_to_be_typed_anew_otherwise() -> None:
    monthly = series("FREQ=MONTHLY;COUNT=3;BYDAY=4WE")
    assert days(moved(monthly, timedelta(hours=2))) == days(monthly)
    with pytest.raises(UserError) as caught:
        moved(monthly, timedelta(days=1))
    assert caught.value.code == "rule_must_be_typed"


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        ("", "rule", "rule_shape"),
        ("x" * 501, "rule", "rule_shape"),
        ("FREQ=WEEKLY;FREQ=DAILY;COUNT=2", "rule", "rule_shape"),
        ("COUNT=2", "rule.freq", "rule_frequency"),
        ("FREQ=HOURLY;COUNT=2", "rule.freq", "rule_frequency"),
        ("FREQ=NEVER;COUNT=2", "rule.freq", "rule_frequency"),
        ("FREQ=DAILY;BYHOUR=9;COUNT=2", "rule.byhour", "rule_part"),
        ("FREQ=DAILY;COUNT=two", "rule.count", "rule_shape"),
        ("FREQ=DAILY;COUNT=2,3", "rule.count", "rule_shape"),
        ("FREQ=DAILY;COUNT=0", "rule.count", "rule_number"),
        ("FREQ=DAILY;COUNT=201", "rule.count", "rule_number"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "rule.count", "rule_count_or_until"),
        ("FREQ=DAILY", "rule.count", "rule_count_or_until"),
        ("FREQ=DAILY;UNTIL=soon", "rule.until", "rule_shape"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=2", "rule.interval", "rule_number"),
        ("FREQ=DAILY;INTERVAL=-1;COUNT=2", "rule.interval", "rule_number"),
        ("FREQ=WEEKLY;BYDAY=XX;COUNT=2", "rule.byday", "rule_shape"),
        ("FREQ=WEEKLY;BYDAY=2WE;COUNT=2", "rule.byday", "rule_weekday_number"),
        ("FREQ=MONTHLY;BYDAY=54WE;COUNT=2", "rule.byday", "rule_number"),
        ("FREQ=MONTHLY;BYMONTHDAY=32;COUNT=2", "rule.bymonthday", "rule_number"),
        ("FREQ=MONTHLY;BYMONTHDAY=0;COUNT=2", "rule.bymonthday", "rule_number"),
        ("FREQ=YEARLY;BYMONTH=13;COUNT=2", "rule.bymonth", "rule_number"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0;COUNT=2", "rule.bysetpos", "rule_number"),
    ],
)  # fmt: skip
def test_a_bad_rule_is_refused_at_the_part_that_is_bad(rule: str, field: str, code: str) -> None:
    assert refused(rule) == {field: code}
    for language in ("zh-CN", "en"):
        assert f"error.{code}" in catalogue(language)


def test_a_series_that_fits_no_day_or_too_many_or_begins_elsewhere_is_refused_at_its_field() -> None:
    assert codes(series("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2")) == {"rule": "rule_never"}
    assert codes(series("FREQ=DAILY;UNTIL=20281231")) == {"rule.until": "rule_many"}
    assert codes(series("FREQ=YEARLY;UNTIL=20991231")) == {"rule.until": "rule_too_long"}
    assert codes(series("FREQ=YEARLY;COUNT=20")) == {"rule.count": "rule_too_long"}
    assert codes(series("FREQ=WEEKLY;BYDAY=FR;COUNT=2")) == {"starts": "rule_start"}
    assert codes(replace(series("FREQ=WEEKLY;COUNT=2"), minutes=5)) == {"minutes": "too_short"}
    assert codes(replace(series("FREQ=WEEKLY;COUNT=2"), minutes=721)) == {"minutes": "too_much_time"}
    assert codes(replace(series("FREQ=WEEKLY;COUNT=2"), excluded=frozenset({wall("2026-11-26T09:00")}))) == {
        "occurrences.2026-11-26T09:00": "occurrence_unknown"
    }
    added = frozenset(wall("2026-11-25T10:00") + timedelta(days=day) for day in range(10))
    assert codes(replace(series(f"FREQ=DAILY;COUNT={MOST_OCCURRENCES}"), added=added)) == {"added": "rule_many"}
    assert codes(Series(wall("2026-11-25T09:00"), 60, SHANGHAI, Rule("DAILY", interval=0))) == {
        "rule.interval": "rule_number",
        "rule.count": "rule_count_or_until",
    }


@pytest.mark.parametrize(
    ("rule", "chinese", "english"),
    [
        (
            "FREQ=WEEKLY;COUNT=10",
            "每周三 09:00，共 10 次",
            "Every Wednesday at 09:00, 10 times",
        ),
        (
            "FREQ=WEEKLY;BYDAY=FR,WE,MO;UNTIL=20261231",
            "每周一、周三、周五 09:00，至 2026-12-31",
            "Every Monday, Wednesday and Friday at 09:00, until 31 Dec 2026",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;COUNT=4",
            "每 2 周的周三 09:00，共 4 次",
            "Every 2 weeks on Wednesday at 09:00, 4 times",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=4",
            "每周一至周五 09:00，共 4 次",
            "Monday to Friday at 09:00, 4 times",
        ),
        (
            "FREQ=DAILY;COUNT=2",
            "每天 09:00，共 2 次",
            "Every day at 09:00, 2 times",
        ),
        (
            "FREQ=DAILY;INTERVAL=3;COUNT=2",
            "每 3 天 09:00，共 2 次",
            "Every 3 days at 09:00, 2 times",
        ),
        (
            "FREQ=MONTHLY;COUNT=2",
            "每月25 日 09:00，共 2 次",
            "Each month on day 25 at 09:00, 2 times",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=25,-1;COUNT=2",
            "每月25 日、最后一天 09:00，共 2 次",
            "Each month on day 25 and the last day at 09:00, 2 times",
        ),
        (
            "FREQ=MONTHLY;BYDAY=4WE;COUNT=2",
            "每月第四个周三 09:00，共 2 次",
            "Each month on the fourth Wednesday at 09:00, 2 times",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1WE;COUNT=2",
            "每 2 个月的最后一个周三 09:00，共 2 次",
            "Every 2 months on the last Wednesday at 09:00, 2 times",
        ),
        (
            "FREQ=YEARLY;COUNT=2",
            "每年 11 月 25 日 09:00，共 2 次",
            "Each year on 11/25 at 09:00, 2 times",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,WE;BYSETPOS=-1;COUNT=2",
            "按规则 FREQ=MONTHLY;COUNT=2;BYDAY=MO,WE;BYSETPOS=-1 09:00，共 2 次",
            "By the rule FREQ=MONTHLY;COUNT=2;BYDAY=MO,WE;BYSETPOS=-1 at 09:00, 2 times",
        ),
        (
            "",
            "2026-11-25 09:00",
            "25 Nov 2026 at 09:00",
        ),
    ],
)
def test_a_series_is_said_in_words(rule: str, chinese: str, english: str) -> None:
    assert words_of(series(rule), catalogue("zh-CN").gettext) == chinese
    assert words_of(series(rule), catalogue("en").gettext) == english


def test_the_words_name_exceptions_and_holidays() -> None:
    found = replace(
        series("FREQ=WEEKLY;COUNT=10"),
        added=frozenset({wall("2026-11-26T09:00")}),
        excluded=frozenset({wall("2026-12-02T09:00")}),
        overrides={wall("2026-12-09T09:00"): Override(wall("2026-12-10T09:00"), 60)},
        skip_holidays=True,
    )
    assert words_of(found, catalogue("zh-CN").gettext) == "每周三 09:00，共 10 次，另加 1 次，除去 1 次，其中 1 次另行安排，节假日不安排"
    assert words_of(found, catalogue("en").gettext) == "Every Wednesday at 09:00, 10 times, 1 added, 1 left out, 1 moved, not on holidays"


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, datetime]:
    """A rule and a start that is its first instance."""
    frequency = draw(st.sampled_from(FREQUENCIES))
    weekday = st.tuples(st.sampled_from((0, 1, 2, -1)) if frequency == "MONTHLY" else st.just(0), st.integers(0, 6))
    base = datetime.combine(date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 365))), wall("2026-01-01T09:30").time())
    ends = draw(st.booleans())
    rule = Rule(
        frequency,
        interval=draw(st.integers(1, 4)),
        count=None if ends else draw(st.integers(1, 12)),
        until=base + timedelta(days=draw(st.integers(0, 300)), minutes=draw(st.integers(-700, 700))) if ends else None,
        weekdays=tuple(draw(st.lists(weekday, max_size=3, unique=True))),
        month_days=tuple(draw(st.lists(st.sampled_from((1, 15, 30, 31, -1)), max_size=2, unique=True))) if frequency == "MONTHLY" else (),
        months=tuple(draw(st.lists(st.integers(1, 12), max_size=3, unique=True))) if frequency == "YEARLY" else (),
        week_starts=draw(st.integers(0, 6)),
    )
    found = instances(rule, base)
    # A rule of more sittings than a series may have is cut off, and one that is cut off has no parts that add up to it.
    assume(0 < len(found) <= MOST_OCCURRENCES)
    return rule, found[0]


@st.composite
def some_series(draw: st.DrawFn) -> Series:
    """A good series with exceptions of each kind."""
    rule, starts = draw(rules())
    zone = draw(st.sampled_from((SHANGHAI, BERLIN)))
    added = frozenset(
        starts + timedelta(days=draw(st.integers(0, 200)), hours=draw(st.integers(0, 9))) for _ in range(draw(st.integers(0, 3)))
    )
    found = Series(starts, 60, zone, rule, added, skip_holidays=draw(st.booleans()))
    ids = occurrence_ids(found)
    some = draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))
    for each in some:
        if draw(st.booleans()):
            found = with_one_moved(found, each, each + timedelta(hours=draw(st.integers(-30, 30))), 90)
        elif len(occurrence_ids(found)) > 1:
            found = without_one(found, each)
    return found


def sittings(of: Series | None) -> list[Occurrence]:
    return expand(of, WorkingCalendar.of(published(2026))).occurrences if of else []


@settings(max_examples=examples(60), deadline=None)
@given(whole=some_series(), data=st.data())
def test_a_split_loses_nothing_doubles_nothing_and_moves_nothing(whole: Series, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(occurrence_ids(whole)))
    earlier, later = split(whole, at)
    assert sittings(earlier) + sittings(later) == sittings(whole)
    assert all(each.id < at for each in sittings(earlier))
    assert all(each.id >= at for each in sittings(later))
    for part in (earlier, later):
        assert part is None or codes(part).keys() <= codes(whole).keys()


@settings(max_examples=examples(60), deadline=None)
@given(whole=some_series(), by=st.integers(-200, 200))
def test_all_moved_are_the_same_at_another_time(whole: Series, by: int) -> None:
    delta = timedelta(hours=by)
    try:
        later = moved(whole, delta)
    except UserError as error:
        assert error.code == "rule_must_be_typed"  # noqa: PT017 - it may, for rules by days of the month
        assert whole.rule is None or whole.rule.frequency in ("MONTHLY", "YEARLY")
        return
    assert occurrence_ids(later) == [each + delta for each in occurrence_ids(whole)]
    assert list(later.overrides.values()) == list(whole.overrides.values())
    assert moved(later, -delta) == whole


@settings(max_examples=examples(60), deadline=None)
@given(rule=rules(), zone=st.sampled_from((SHANGHAI, BERLIN, NEW_YORK)))
def test_a_rule_reads_as_it_was_written(rule: tuple[Rule, datetime], zone: ZoneInfo) -> None:
    written = rule_text(rule[0], zone)
    assert rule_text(read_rule(written, zone), zone) == written
    assert instances(read_rule(written, zone), rule[1]) == instances(rule[0], rule[1])


PARTS = [
    *("FREQ=DAILY", "FREQ=YEARLY", "COUNT=3", "UNTIL=20261231", "BYDAY=MO,5TU", "BYMONTH=2", "BYMONTHDAY=30,-31", "BYSETPOS=-1"),
    *("INTERVAL=99", "WKST=SU", "BYDAY=", "COUNT=", "=", "BYDAY=-0MO", "COUNT=1,2", "WKST=2SU", "BYMONTH=2L", "UNTIL=120000"),
]


@settings(max_examples=examples(300), deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), max_size=6).map(";".join)))
def test_no_text_makes_more_than_a_clear_error(text: str) -> None:
    try:
        rule = read_rule(text, SHANGHAI)
    except ValidationFailed as error:
        assert {field.partition(".")[0] for field, _, _ in error.errors} == {"rule"}  # noqa: PT017 - or it is a rule
        return
    found = Series(wall("2026-11-25T09:00"), 60, SHANGHAI, rule)
    list(series_problems(found))
    assert len(occurrence_ids(found)) <= MOST_OCCURRENCES + 1
