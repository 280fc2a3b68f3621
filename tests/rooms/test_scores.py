"""How good a direction is: the rule, at its limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.figures import ORDER, Figures, Pictures, Score, worst
from rooms.scores import rating, score

GOOD, FAIR, POOR, BAD = Score


def test_without_loss_and_delay_only_the_delay_of_the_devices_counts() -> None:
    assert rating(0, 0, 0) == pytest.approx(93.2 - 0.024 * 40)


def test_the_rating_is_that_of_the_e_model() -> None:
    # 95 * 5 / (5 + 25.1) = 15.78; d = 100 + 20 + 40 ms: 3.84, and nothing beyond 177.3 ms
    assert rating(5, 200, 10) == pytest.approx(93.2 - 15.78 - 3.84, abs=0.01)
    # d = 300 + 40 ms: 8.16 + 0.11 * 162.7
    assert rating(0, 600, 0) == pytest.approx(93.2 - 8.16 - 17.90, abs=0.01)


@pytest.mark.parametrize(
    ("lost", "rtt", "jitter", "expected"),
    [
        (0, 20, 2, GOOD),
        (3, 60, 10, GOOD),
        (5, 60, 10, FAIR),
        (10, 60, 10, POOR),
        (20, 60, 10, BAD),
        (0, 300, 5, GOOD),
        (0, 400, 5, FAIR),
        (0, 600, 5, POOR),
        (0, 1000, 5, BAD),
        (1, 60, 100, FAIR),
    ],
)
def test_sound_goes_by_loss_delay_and_jitter(lost: float, rtt: float, jitter: float, expected: Score) -> None:
    assert score(Figures(lost_percent=lost, rtt_ms=rtt, jitter_ms=jitter)) is expected


def test_what_pictures_lose_does_not_count_as_lost_speech() -> None:
    assert score(Figures(lost_percent=20, sound_lost_percent=0, rtt_ms=20)) is GOOD


@pytest.mark.parametrize(("frozen_ms", "expected"), [(0, GOOD), (50, GOOD), (200, FAIR), (900, POOR), (1500, BAD)])
def test_pictures_go_by_the_share_of_the_time_in_which_they_stand_still(frozen_ms: float, expected: Score) -> None:
    assert score(Figures(lost_percent=0, frozen_ms=frozen_ms, frames_per_s=20)) is expected


@pytest.mark.parametrize(("rate", "expected"), [(30, GOOD), (12, GOOD), (11, FAIR), (8, FAIR), (5, POOR), (3, BAD), (0, BAD)])
def test_and_by_their_frame_rate(rate: float, expected: Score) -> None:
    assert score(Figures(lost_percent=0, frames_per_s=rate)) is expected


@pytest.mark.parametrize(
    ("pictures", "height", "expected"),
    [
        ("full", 90, GOOD),
        ("", 90, GOOD),
        ("smaller", 180, FAIR),
        ("smaller", 143, POOR),
        ("slower", 360, FAIR),
        ("audio", 0, POOR),
    ],
)
def test_and_by_their_size_where_less_comes_than_is_wanted(pictures: Pictures, height: int, expected: Score) -> None:
    assert score(Figures(lost_percent=0, rtt_ms=20, pictures=pictures, height=height)) is expected


def test_where_nothing_gets_through_no_other_figure_counts() -> None:
    assert score(Figures(carries=False, lost_percent=0, rtt_ms=10, frames_per_s=30)) is BAD


def test_of_what_was_not_measured_nothing_is_said() -> None:
    assert score(Figures()) is None
    assert score(Figures(carries=True, jitter_ms=3)) is None


@given(st.floats(0, 100), st.floats(0, 60_000), st.floats(0, 60_000), st.floats(0, 20), st.floats(0, 500))
def test_more_loss_and_more_delay_are_never_better(lost: float, rtt: float, jitter: float, more: float, later: float) -> None:
    assert 0 <= rating(min(100, lost + more), rtt + later, jitter) <= rating(lost, rtt, jitter) <= 93.2
    before, after = Figures(lost_percent=lost, rtt_ms=rtt), Figures(lost_percent=min(100, lost + more), rtt_ms=rtt + later)
    assert ORDER[score(after) or GOOD] >= ORDER[score(before) or GOOD]


def test_the_worst_of_several_is_the_worst_that_is_known() -> None:
    assert worst(GOOD, None, POOR, FAIR) is POOR
    assert worst(None, None) is None


@pytest.mark.parametrize(("lost", "rtt", "limit"), [(3, 60, 80), (7, 60, 70), (12, 60, 60), (0, 400, 80), (0, 550, 70), (0, 700, 60)])
def test_the_examples_of_the_document_hold(lost: float, rtt: float, limit: float) -> None:
    further = rating(lost + (1 if lost else 0), rtt + (0 if lost else 50), 0)
    assert further < limit <= rating(lost, rtt, 0)
