"""What is kept of an hour: sums that can be added up, and how each figure was distributed."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from rooms.figures import Figures, Point, Score
from rooms.hours import EDGES, HOUR_US, MOST_WORDS, Hour, hour_of


def hour(*losses: float) -> Hour:
    made = Hour()
    for lost in losses:
        made.take(
            Point(
                0,
                Figures(lost_percent=lost, rtt_ms=40, freezes=1, frozen_ms=250, codec="VP8", candidate="relay", protocol="tls"),
                Score.FAIR,
            )
        )
    return made


def test_an_hour_counts_steps_scores_freezes_and_ways() -> None:
    found = hour(0, 1, 2)
    found.take(Point(0, Figures(), None))
    assert (found.steps, found.seconds(Score.FAIR), found.seconds(Score.GOOD), found.seconds(None)) == (4, 15, 0, 5)
    assert (found.freezes, found.frozen_ms, dict(found.paths), dict(found.codecs)) == (3, 750, {"relay/tls": 3}, {"VP8": 3})


def test_median_and_95th_percentile_are_read_from_the_buckets() -> None:
    found = hour(*[0.0] * 50, *[2.5] * 45, *[40.0] * 5)
    assert found.quantile("lost_percent", 0.5) == 0
    assert 2.0 < (found.quantile("lost_percent", 0.95) or 0) <= 3.0
    assert 30.0 < (found.quantile("lost_percent", 0.99) or 0) <= 50.0
    assert found.quantile("height", 0.5) is None


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_percentile_lies_in_the_bucket_of_the_value_that_it_stands_for(values: list[float], share: float) -> None:
    true = sorted(values)[math.ceil(len(values) * share) - 1]
    found = hour(*values).quantile("lost_percent", share)
    edges = EDGES["lost_percent"]
    above = min(edge for edge in edges if edge >= true)
    below = max((edge for edge in edges if edge < true), default=0.0)
    assert found is not None
    assert below <= found <= above


def test_two_parts_of_an_hour_make_the_whole() -> None:
    whole, part = hour(0, 5, 9, 30), hour(0, 5)
    part.add(hour(9, 30))
    assert part == whole


def test_it_goes_through_the_database_and_back() -> None:
    assert Hour.of_json(json.loads(json.dumps(hour(0, 5, 9).to_json()))) == hour(0, 5, 9)


def test_buckets_of_another_version_are_left_out() -> None:
    kept = hour(1).to_json()
    kept["buckets"] |= {"lost_percent": [1, 2], "smell": [3]}
    assert set(Hour.of_json(kept).buckets) == {"rtt_ms"}


def test_a_browser_that_makes_up_codecs_fills_no_memory() -> None:
    found = Hour()
    for number in range(100):
        found.take(Point(0, Figures(codec=f"made-up-{number}"), None))
    assert len(found.codecs) == MOST_WORDS + 1
    assert sum(found.codecs.values()) == 100


def test_an_hour_begins_with_the_hour() -> None:
    assert hour_of(7 * HOUR_US + 5) == 7 * HOUR_US


def test_lines_of_pictures_are_told_as_they_are() -> None:
    found = Hour()
    for height in (180, 720, 720):
        found.take(Point(0, Figures(height=height), None))
    assert (found.quantile("height", 0.3), found.quantile("height", 0.5)) == (180, 720)


def test_seconds_are_told_by_path_the_longest_first() -> None:
    found = hour(1, 2)
    found.take(Point(0, Figures(candidate="host", protocol="udp"), None))
    assert (found.all_seconds, found.seconds_by_path()) == (15, [("relay", "tls", 10), ("host", "udp", 5)])
