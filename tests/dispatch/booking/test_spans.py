"""Spans of time, and the free time nearest to a wanted one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatch.booking.spans import STEP, Span, in_hours, is_nearest, nearest_free, without
from tests.dispatch.making import SHANGHAI, at
from tests.effort import examples

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def span(start: str, end: str, days: int = 0) -> Span:
    return Span(at(start, days), at(end, days))


def nearest(wanted: Span, *taken: Span, earliest: datetime | None = None, zone: ZoneInfo = SHANGHAI) -> datetime:
    return nearest_free(wanted, taken, earliest or at("00:00", -30), zone)


def test_a_span_that_ends_when_another_starts_is_not_in_its_way() -> None:
    assert not span("09:00", "10:00").overlaps(span("10:00", "11:00"))
    assert not span("10:00", "11:00").overlaps(span("09:00", "10:00"))


def test_one_shared_minute_is_in_the_way_from_either_side() -> None:
    early, late = span("09:00", "10:01"), span("10:00", "11:00")
    assert early.overlaps(late)
    assert late.overlaps(early)


def test_a_span_within_another_is_in_the_way() -> None:
    assert span("09:00", "12:00").overlaps(span("10:00", "10:30"))


def test_a_free_time_is_the_wanted_one() -> None:
    assert nearest(span("10:00", "11:00"), span("11:00", "12:00"), span("09:00", "10:00")) == at("10:00")


def test_the_nearer_side_of_what_is_taken_wins() -> None:
    assert nearest(span("10:00", "11:00"), span("09:30", "10:30")) == at("10:30")
    assert nearest(span("10:00", "11:00"), span("10:45", "13:00")) == at("09:45")


def test_of_two_equally_near_the_later_is_proposed() -> None:
    assert nearest(span("10:00", "11:00"), span("10:30", "10:30"), span("10:00", "11:00")) == at("11:00")


def test_nothing_is_proposed_before_the_present() -> None:
    assert nearest(span("10:00", "11:00"), span("10:30", "13:00"), earliest=at("09:45")) == at("13:00")


def test_a_gap_that_is_too_short_is_passed_over() -> None:
    assert nearest(span("10:00", "11:00"), span("09:00", "11:00"), span("11:55", "13:00")) == at("08:00")
    assert nearest(span("10:00", "11:00"), span("08:00", "11:00"), span("11:55", "13:00")) == at("13:00")


def test_the_proposal_is_on_full_five_minutes_on_either_side() -> None:
    assert nearest(span("10:00", "11:00"), span("09:20", "10:32")) == at("10:35")
    assert nearest(span("10:00", "11:00"), span("10:52", "13:00")) == at("09:50")


def test_a_full_day_sends_one_to_the_next_morning_not_into_the_night() -> None:
    assert nearest(span("15:00", "16:00"), span("08:00", "20:00"), earliest=at("07:00")) == at("08:00", 1)


def test_the_evening_before_is_proposed_where_it_is_nearest() -> None:
    assert nearest(span("09:00", "10:00"), span("08:00", "20:00"), span("08:00", "18:00", -1)) == at("19:00", -1)


def test_who_wants_the_night_is_offered_the_night() -> None:
    assert nearest(span("22:00", "23:00"), span("21:30", "23:30")) == at("23:30")


def test_five_minutes_are_rounded_up_and_a_full_one_stays() -> None:
    assert free_from(at("10:00")) == at("10:00")
    assert free_from(at("10:00") + timedelta(microseconds=1)) == at("10:05")


def free_from(end: datetime) -> datetime:
    """The nearest free start where from 9:00 to `end` something is taken."""
    return nearest_free(Span(at("09:45"), at("10:45")), [Span(at("08:00"), end)], at("08:00"), SHANGHAI)


def test_the_morning_after_the_clock_was_put_forward_is_at_eight_by_the_wall() -> None:
    saturday = datetime(2026, 3, 28, 9, tzinfo=UTC)
    full_day = Span(datetime(2026, 3, 28, 6, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC))
    found = nearest_free(Span(saturday, saturday + timedelta(hours=1)), [full_day], datetime(2026, 3, 28, 6, tzinfo=UTC), BERLIN)
    assert found.astimezone(BERLIN) == datetime(2026, 3, 29, 8, tzinfo=BERLIN)


minutes = st.integers(-36 * 60, 36 * 60)
taken_spans = st.lists(st.tuples(minutes, st.integers(1, 8 * 60)), max_size=8)


@settings(max_examples=examples(150), deadline=None)
@given(
    start=st.integers(0, 24 * 12 - 1),
    length=st.integers(2, 12 * 12),
    taken=taken_spans,
    earliest=minutes,
    zone=st.sampled_from((SHANGHAI, BERLIN)),
)
def test_no_free_time_is_nearer_than_the_one_proposed(
    start: int, length: int, taken: list[tuple[int, int]], earliest: int, zone: ZoneInfo
) -> None:
    """Held against trying every five minutes of six days; 2026-10-25, when clocks in Berlin go back, lies among them."""
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)
    wanted = Span(midnight + start * STEP, midnight + (start + length) * STEP)
    busy = [Span(midnight + begin * MINUTE, midnight + (begin + lasts) * MINUTE) for begin, lasts in taken]
    begin = midnight + earliest * MINUTE
    tried = [Span(s, s + length * STEP) for n in range(-3 * 288, 3 * 288 + 1) if (s := wanted.start + n * STEP) >= begin]
    free = [each for each in tried if not any(each.overlaps(other) for other in busy)]
    if in_hours(wanted, zone):
        free = [each for each in free if in_hours(each, zone)]
    best = min(free, key=lambda each: (abs(each.start - wanted.start), each.start < wanted.start))
    assert nearest_free(wanted, busy, begin, zone) == best.start


@settings(max_examples=examples(150), deadline=None)
@example(start=0, length=2, taken=[], shut=[(241, 1200)], earliest=231)  # none that is open within a day, one soon after
@given(
    start=st.integers(0, 24 * 12 - 1),
    length=st.integers(2, 12 * 12),
    taken=st.lists(st.tuples(st.integers(-60 * 60, 60 * 60), st.integers(1, 30 * 60)), max_size=12),
    shut=st.lists(st.tuples(st.integers(-60 * 60, 60 * 60), st.integers(60, 20 * 60)), max_size=8),
    earliest=minutes,
)
def test_what_is_found_near_is_found_among_the_weeks_too(
    start: int, length: int, taken: list[tuple[int, int]], shut: list[tuple[int, int]], earliest: int
) -> None:
    """Who knows one day around the wanted time alone, and finds something nearer than that, need not look at more."""
    midnight, reach = datetime(2026, 10, 24, 22, tzinfo=UTC), timedelta(days=1)
    wanted = Span(midnight + start * STEP, midnight + (start + length) * STEP)
    begin = midnight + earliest * MINUTE

    def spans(told: list[tuple[int, int]]) -> list[Span]:
        return [Span(midnight + begin * MINUTE, midnight + (begin + lasts) * MINUTE) for begin, lasts in told]

    def within_reach(days: int) -> tuple[datetime, list[Span]]:
        window = Span(wanted.start - days * reach, wanted.end + days * reach)
        opened = without([window], spans(shut))
        return nearest_free(wanted, [each for each in spans(taken) if each.overlaps(window)], begin, SHANGHAI, opened), opened

    near, opened = within_reach(1)
    if is_nearest(near, wanted, reach, opened):
        assert within_reach(14)[0] == near


def test_where_the_wanted_time_is_open_one_that_is_open_is_found() -> None:
    opened = [span("09:00", "12:00"), span("13:30", "17:30")]
    taken = [span("11:00", "12:00"), span("13:30", "14:30")]
    assert nearest_free(span("11:00", "12:00"), taken, at("00:00", -30), SHANGHAI, opened) == at("10:00")
    assert nearest_free(span("14:00", "15:00"), taken, at("00:00", -30), SHANGHAI, opened) == at("14:30")
    assert nearest_free(span("12:00", "13:00"), [span("12:00", "12:30")], at("00:00", -30), SHANGHAI, opened) == at("12:30")
    assert nearest_free(span("11:00", "12:00"), [*taken, *opened], at("00:00", -30), SHANGHAI, opened) == at("12:00")
