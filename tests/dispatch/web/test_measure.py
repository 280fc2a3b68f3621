"""What the page reckons from the browser's counters, and when it warns of its own way up: run by Node without a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.dispatch.web.test_pictures import run

NONE = {"bytes": 0, "packets": 0, "lost": 0, "sound": 0, "sound_lost": 0, "freezes": 0, "frozen_ms": 0}
PLAIN: dict[str, Any] = {"lost_percent": 3, "sound_lost_percent": 4, "jitter_ms": 2, "rtt_ms": 40, "bps": 0, "freezes": 9, "frozen_ms": 9}


def since(way: str, former: dict[str, int] | None, counted: dict[str, int], seconds: float = 5) -> dict[str, Any]:
    now = {"at_ms": 10_000 + 1000 * seconds, way: NONE | counted}
    before = None if former is None else {"at_ms": 10_000, way: NONE | former}
    return dict(run("measure.js", "since(plain, now, before, way)", plain=PLAIN, now=now, before=before, way=way))


def test_what_is_counted_is_reckoned_from_the_last_report_on() -> None:
    former = {"bytes": 1_000_000, "packets": 1000, "lost": 10, "sound": 200, "sound_lost": 0, "freezes": 1, "frozen_ms": 400}
    counted = {"bytes": 1_500_000, "packets": 1450, "lost": 60, "sound": 245, "sound_lost": 5, "freezes": 3, "frozen_ms": 1000}
    found = since("down", former, counted)
    assert (found["bps"], found["lost_percent"], found["sound_lost_percent"]) == (800_000, 10, 10)
    assert (found["freezes"], found["frozen_ms"], found["rtt_ms"]) == (2, 600, 40)


def test_counters_of_a_new_connection_are_never_negative() -> None:
    found = since("down", {"bytes": 9_000_000, "packets": 900, "lost": 90}, {"bytes": 5, "packets": 1})
    assert (found["bps"], found["lost_percent"], found["sound_lost_percent"]) == (0, 0, None)


def test_what_was_lost_on_the_way_up_is_what_the_court_reported() -> None:
    found = since("up", {}, {"bytes": 50_000, "packets": 5, "lost": 5})
    assert (found["lost_percent"], found["sound_lost_percent"], found["bps"]) == (3, 4, 80_000)


def test_the_first_measurement_has_nothing_to_compare_with() -> None:
    assert since("down", None, {"packets": 5, "lost": 5}) == PLAIN


def test_each_score_has_its_bars() -> None:
    assert run("measure.js", "['good', 'fair', 'poor', 'bad', null, undefined].map(barsOf)") == [4, 3, 2, 1, 0, 0]


def weak(scores: Sequence[str | None]) -> list[bool]:
    return list(run("uplink.js", "((up) => scores.map((score) => up.take(score)))(new Uplink())", scores=list(scores)))


def test_a_way_up_that_is_weak_for_eight_seconds_is_told_and_taken_back_after_eight() -> None:
    told = weak(["poor"] * 9 + ["good"] * 9)
    assert told == [False] * 7 + [True] * 9 + [False] * 2


def test_a_moment_of_weakness_or_no_word_is_nobodys_business() -> None:
    assert not any(weak((["poor"] * 7 + ["fair"]) * 3))
    assert not any(weak([None] * 30))
