"""Bits of five minutes, held against lists of steps."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking.finding.bitmaps import (
    Grid,
    below,
    each_step,
    first_step,
    fitting,
    following,
    last_step,
    nearest_step,
    runs,
    spread,
    steps_of,
)
from dispatch.booking.spans import Span
from tests.dispatch.making import at

MINUTE = timedelta(minutes=1)
steps = st.sets(st.integers(0, 40)).map(lambda some: sum(1 << each for each in some))


def bits(number: int) -> set[int]:
    return {step for step in range(number.bit_length()) if number >> step & 1}


@given(spans=st.lists(st.tuples(st.integers(-30, 150), st.integers(0, 90)), max_size=6), size=st.integers(0, 30))
def test_what_is_open_is_rounded_inwards_and_what_is_taken_outwards(spans: list[tuple[int, int]], size: int) -> None:
    grid = Grid(at("08:00"), size)
    some = [Span(at("08:00") + begin * MINUTE, at("08:00") + (begin + lasts) * MINUTE) for begin, lasts in spans]
    step_spans = {step: Span(grid.moment(step), grid.moment(step + 1)) for step in range(size)}
    assert bits(grid.within(some)) == {
        step for step, span in step_spans.items() if any(each.start <= span.start and span.end <= each.end for each in some)
    }
    assert bits(grid.touched(some)) == {
        step for step, span in step_spans.items() if any(each.start < each.end and each.overlaps(span) for each in some)
    }


@given(free=steps, length=st.integers(1, 12))
def test_a_span_fits_where_so_many_steps_in_a_row_are_free(free: int, length: int) -> None:
    assert bits(fitting(free, length)) == {step for step in range(41) if set(range(step, step + length)) <= bits(free)}


@given(begins=steps, length=st.integers(1, 12))
def test_spans_cover_the_steps_that_follow_their_begin(begins: int, length: int) -> None:
    assert bits(following(begins, length)) == {step + more for step in bits(begins) for more in range(length)}


@given(taken=steps, wide=st.integers(0, 9))
def test_what_is_taken_is_spread_to_both_sides(taken: int, wide: int) -> None:
    assert bits(spread(taken, wide)) == {near for step in bits(taken) for near in range(max(step - wide, 0), step + wide + 1)}


@given(some=steps, wanted=st.integers(-5, 50))
def test_the_nearest_step_is_found_and_of_two_the_later(some: int, wanted: int) -> None:
    best = min(bits(some), key=lambda step: (abs(step - wanted), step < wanted), default=-1)
    assert nearest_step(some, wanted) == best


@given(some=steps, until=st.integers(-3, 45))
def test_steps_are_told_one_by_one_and_in_rows(some: int, until: int) -> None:
    assert list(each_step(some)) == sorted(bits(some))
    assert [step for first, after in runs(some) for step in range(first, after)] == sorted(bits(some))
    assert all(not some >> after & 1 and (first == 0 or not some >> (first - 1) & 1) for first, after in runs(some))
    assert (first_step(some), last_step(some)) == (min(bits(some), default=-1), max(bits(some), default=-1))
    assert bits(below(until)) == set(range(until))


def test_minutes_are_whole_steps_rounded_up() -> None:
    assert [steps_of(minutes) for minutes in (0, 1, 5, 6)] == [0, 1, 1, 2]
    assert Grid(at("08:00"), 12).span == Span(at("08:00"), at("09:00"))
