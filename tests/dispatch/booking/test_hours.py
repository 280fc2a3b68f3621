"""When a room is open or a person works."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatch.booking.catalogue.calendar_days import CalendarDay, WorkingCalendar
from dispatch.booking.catalogue.hours import ALWAYS, COURT_HOURS, WEEKDAYS, Opening, WeeklyHours, is_open, open_spans, weekly_hours
from dispatch.booking.spans import Span, within, without
from dispatch.booking.wall_clock import day_span, moment, wall_time
from dispatch.errors import ValidationFailed
from tests.dispatch.making import SHANGHAI, at
from tests.effort import examples

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)
"""Sundays on which Berlin has 23 and 25 hours."""
NIGHTS = weekly_hours({"sat": ["22:00-06:00"]})


def span(start: str, end: str, days: int = 0) -> Span:
    return Span(at(start, days), at(end, days))


def berlin(day: date, clock: str, fold: int = 0) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), BERLIN).replace(fold=fold).astimezone(UTC)


def refused(typed: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        weekly_hours(typed)
    return {field: code for field, code, _ in caught.value.errors}


def test_a_day_has_several_spans_and_the_weekend_none() -> None:
    week = Span(at("00:00"), at("00:00", 7))  # Tuesday to Monday
    found = open_spans(week, COURT_HOURS, SHANGHAI)
    assert found[:2] == [span("09:00", "12:00"), span("13:30", "17:30")]
    assert len(found) == 10
    assert not any(each.start.astimezone(SHANGHAI).weekday() > 4 for each in found)


def test_the_window_cuts_what_begins_before_it_and_ends_after_it() -> None:
    assert open_spans(span("10:00", "15:00"), COURT_HOURS, SHANGHAI) == [span("10:00", "12:00"), span("13:30", "15:00")]


def test_a_night_is_open_past_midnight_and_one_that_began_before_the_window_counts() -> None:
    saturday = 4
    night = Span(at("22:00", saturday), at("06:00", saturday + 1))
    assert open_spans(Span(at("00:00"), at("00:00", 7)), NIGHTS, SHANGHAI) == [night]
    assert open_spans(Span(at("02:00", saturday + 1), at("12:00", saturday + 1)), NIGHTS, SHANGHAI) == [
        Span(at("02:00", saturday + 1), night.end)
    ]


def test_whole_days_are_one_span() -> None:
    week = Span(at("00:00"), at("00:00", 7))
    assert open_spans(week, ALWAYS, SHANGHAI) == [week]


def test_nobody_works_on_a_holiday_and_a_make_up_saturday_is_worked_like_a_friday() -> None:
    hours = weekly_hours({"tue": ["09:00-17:00"], "fri": ["09:00-12:00"]})
    calendar = WorkingCalendar.of([CalendarDay(date(2026, 11, 24), "holiday"), CalendarDay(date(2026, 11, 28), "working")])
    window = Span(at("00:00"), at("00:00", 6))
    assert open_spans(window, hours, SHANGHAI, calendar) == [span("09:00", "12:00", 3), span("09:00", "12:00", 4)]
    assert open_spans(window, hours, SHANGHAI, None) == [span("09:00", "17:00"), span("09:00", "12:00", 3)]


def test_a_make_up_day_is_worked_like_the_day_that_the_calendar_names() -> None:
    hours = weekly_hours({"tue": ["09:00-17:00"], "fri": ["09:00-12:00"]})
    calendar = WorkingCalendar.of([CalendarDay(date(2026, 11, 28), "working", like=1)])
    assert open_spans(Span(at("00:00", 4), at("00:00", 5)), hours, SHANGHAI, calendar) == [span("09:00", "17:00", 4)]


def test_the_night_before_a_holiday_is_worked_to_its_end() -> None:
    calendar = WorkingCalendar.of([CalendarDay(date(2026, 11, 29), "holiday")])
    window = Span(at("00:00", 4), at("00:00", 7))
    assert open_spans(window, NIGHTS, SHANGHAI, calendar) == [Span(at("22:00", 4), at("06:00", 5))]


def test_closures_and_leave_are_cut_out() -> None:
    window = span("08:00", "18:00")
    closed = [span("10:00", "10:30"), span("10:20", "11:00"), span("17:00", "20:00")]
    assert open_spans(window, COURT_HOURS, SHANGHAI, None, closed) == [
        span("09:00", "10:00"),
        span("11:00", "12:00"),
        span("13:30", "17:00"),
    ]


def test_a_day_with_23_or_25_hours_is_open_for_as_long() -> None:
    for day, hours in ((FORWARD, 23), (BACK, 25)):
        whole = day_span(day, BERLIN)
        assert open_spans(whole, ALWAYS, BERLIN) == [whole]
        assert whole.end - whole.start == timedelta(hours=hours)


def test_hours_that_the_clock_leaves_out_are_not_open_and_those_it_shows_twice_are_open_twice() -> None:
    hours = weekly_hours({"sun": ["02:15-02:45"]})
    assert open_spans(day_span(FORWARD, BERLIN), hours, BERLIN) == []
    assert open_spans(day_span(BACK, BERLIN), hours, BERLIN) == [
        Span(berlin(BACK, "02:15", fold), berlin(BACK, "02:45", fold)) for fold in (0, 1)
    ]


def test_a_night_in_which_the_clock_is_put_back_is_an_hour_longer() -> None:
    found = open_spans(Span(berlin(date(2026, 10, 24), "12:00"), berlin(BACK, "12:00")), NIGHTS, BERLIN)
    assert [each.end - each.start for each in found] == [timedelta(hours=9)]


def test_a_span_is_open_only_where_all_of_it_is() -> None:
    opened = open_spans(span("00:00", "20:00"), COURT_HOURS, SHANGHAI)
    assert is_open(span("09:00", "12:00"), opened)
    assert not is_open(span("11:30", "14:00"), opened)
    assert not is_open(span("08:55", "10:00"), opened)


def test_typed_hours_come_back_as_they_are_kept() -> None:
    typed = {"mon": ["08:30-12:00", "14:00-18:00"], "fri": ["22:00-06:00"], "sun": ["00:00-24:00"]}
    assert weekly_hours(typed).as_typed() == typed
    assert weekly_hours({"mon": ["9：00—12：00"], "tue": ["9:00 至 10:00"]}).as_typed() == {"mon": ["09:00-12:00"], "tue": ["09:00-10:00"]}
    assert weekly_hours({}) == WeeklyHours()


def test_each_bad_span_is_named_at_its_field() -> None:
    typed: dict[str, object] = {
        "mon": ["9-12", "09:00-25:00", "08:61-09:00", "10:00-10:00", 7, "24:00-24:00"],
        "tue": "09:00-12:00",
        "funday": ["09:00-12:00"],
        "wed": ["0:00-1:00"] * 7,
    }
    found = refused(typed)
    assert {field: code for field, code in found.items() if field.startswith("hours.mon")} == {
        **{f"hours.mon.{number}": "hours_shape" for number in (0, 1, 2, 4, 5)},
        "hours.mon.3": "hours_empty",
    }
    assert found["hours.tue"] == "hours_shape"
    assert found["hours.funday"] == "hours_day_unknown"
    assert found["hours.wed"] == "hours_many"


def test_spans_that_reach_into_each_other_are_refused_also_over_midnight_and_over_the_week() -> None:
    assert refused({"mon": ["09:00-12:00", "11:00-13:00"]}) == {"hours.mon.1": "hours_overlap"}
    assert refused({"mon": ["22:00-06:00"], "tue": ["05:00-07:00"]}) == {"hours.tue.0": "hours_overlap"}
    assert refused({"mon": ["05:00-07:00"], "sun": ["22:00-06:00"]}) == {"hours.mon.0": "hours_overlap"}
    assert weekly_hours({"mon": ["06:00-07:00", "07:00-08:00"], "sun": ["22:00-06:00"]}).as_typed()["sun"] == ["22:00-06:00"]


def test_a_time_that_comes_twice_means_the_first_and_one_left_out_is_reckoned_by_the_offset_before() -> None:
    assert moment(datetime.fromisoformat("2026-10-25T02:30"), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment(datetime.fromisoformat("2026-03-29T02:30"), BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert wall_time(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), BERLIN) == datetime.fromisoformat("2026-03-29T03:30")


@st.composite
def typed_hours(draw: st.DrawFn) -> WeeklyHours:
    days = []
    for _ in WEEKDAYS:
        edges = sorted(draw(st.lists(st.integers(0, 47), unique=True, max_size=4)))
        days.append(tuple(Opening(a * 30, b * 30) for a, b in zip(edges[::2], edges[1::2], strict=False)))
    days[6] = (*days[6], Opening(1439, 1440 + draw(st.integers(1, 400)))) if draw(st.booleans()) else days[6]
    return WeeklyHours(tuple(days))


@settings(max_examples=examples(60), deadline=None)
@given(
    hours=typed_hours(),
    zone=st.sampled_from((BERLIN, SHANGHAI, LORD_HOWE)),
    first=st.sampled_from((FORWARD, BACK, date(2026, 4, 5), date(2026, 10, 4), date(2026, 11, 24))),
    begins=st.integers(-24 * 60, 24 * 60),
    lasts=st.integers(1, 48 * 60),
    kinds=st.dictionaries(st.integers(-2, 3), st.sampled_from(("holiday", "working")), max_size=3),
)
@example(COURT_HOURS, LORD_HOWE, date(2026, 4, 5), 0, 60, {})
def test_a_moment_is_open_when_the_clock_shows_hours_of_its_day(
    hours: WeeklyHours, zone: ZoneInfo, first: date, begins: int, lasts: int, kinds: dict[int, str]
) -> None:
    """Held against the clock of each minute; Lord Howe puts it forward and back by half an hour."""
    special = [CalendarDay(first + timedelta(days=n), "holiday" if kind == "holiday" else "working") for n, kind in kinds.items()]
    calendar = WorkingCalendar.of(special)
    start = moment(datetime.combine(first, time()), zone) + timedelta(minutes=begins)
    window = Span(start, start + timedelta(minutes=lasts))
    found = open_spans(window, hours, zone, calendar)
    for minute in range(-3, lasts + 3):
        now = start + timedelta(minutes=minute)
        clock = wall_time(now, zone)
        shown = clock.hour * 60 + clock.minute
        is_open_now = False
        for day, past in ((clock.date(), shown), (clock.date() - timedelta(days=1), shown + 1440)):
            weekday = calendar.works_like(day)
            is_open_now |= weekday is not None and any(each.begins <= past < each.ends for each in hours.days[weekday])
        expected = is_open_now and window.start <= now < window.end
        assert any(each.start <= now < each.end for each in found) == expected, clock
    assert all(one.end < two.start for one, two in pairwise(found))


numbers = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=8)


@given(spans=numbers, taken=numbers, window=st.tuples(st.integers(0, 60), st.integers(1, 40)))
def test_what_is_left_is_what_is_there_and_not_taken(
    spans: list[tuple[int, int]], taken: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    base = at("08:00")

    def of(pair: tuple[int, int]) -> Span:
        return Span(base + timedelta(minutes=pair[0]), base + timedelta(minutes=pair[0] + pair[1]))

    left = within(without(map(of, spans), map(of, taken)), of(window))
    for minute in range(100):
        now = base + timedelta(minutes=minute)
        inside = [any(each.start <= now < each.end for each in map(of, some)) for some in (spans, taken, [window])]
        assert any(each.start <= now < each.end for each in left) == (inside == [True, False, True])
