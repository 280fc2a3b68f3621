"""Whose turn it is in a patrol."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.console.wall.patrol import Patrol, Source, following, is_on, preceding, shown
from dispatch.errors import UserError

A, B, C, D = (Source(name) for name in "abcd")


def always(_source: Source) -> bool:
    return True


def test_sources_take_turns_in_one_window() -> None:
    patrol, at = Patrol((A, B, C), (0,)), 0
    seen: list[Source | None] = []
    for _ in range(4):
        seen += shown(patrol, at, always)
        at = following(patrol, at, always)
    assert seen == [A, B, C, A]


def test_two_windows_show_two_sources_at_a_time() -> None:
    patrol = Patrol((A, B, C), (2, 3))
    assert shown(patrol, 0, always) == (A, B)
    assert shown(patrol, following(patrol, 0, always), always) == (C, A)


@pytest.mark.parametrize("windows", [(0,), (0, 1)])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_step_back_undoes_a_step(windows: tuple[int, ...], at: int) -> None:
    patrol = Patrol((A, B, C, D), windows)
    assert preceding(patrol, following(patrol, at, always), always) == at


def test_what_is_off_line_is_passed_over() -> None:
    patrol = Patrol((A, B, C), (0,))
    on = {A, C}.__contains__
    assert shown(patrol, following(patrol, 0, on), on) == (C,)
    assert shown(patrol, 1, on) == (C,), "one that goes off line in its turn gives way at once"


def test_fewer_sources_than_windows_are_each_shown_once() -> None:
    patrol = Patrol((A, B, C), (0, 1))
    on = {B}.__contains__
    assert shown(patrol, 0, on) == (B, None)
    assert (following(patrol, 0, on), preceding(patrol, 0, on)) == (1, 1)


def test_nothing_is_shown_while_all_is_off_line() -> None:
    patrol = Patrol((A, B), (0,))
    assert shown(patrol, 1, lambda _source: False) == (None,)
    assert following(patrol, 1, lambda _source: False) == 1
    assert preceding(patrol, 1, lambda _source: False) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sources": ()}, "patrol_sources"),
        ({"sources": tuple(Source(str(number)) for number in range(65))}, "patrol_sources"),
        ({"sources": (A, A)}, "patrol_twice"),
        ({"windows": ()}, "window_unknown"),
        ({"windows": (0, 0)}, "window_unknown"),
        ({"windows": (-1,)}, "window_unknown"),
        ({"dwell_s": 4}, "patrol_dwell"),
        ({"dwell_s": 601}, "patrol_dwell"),
    ],
)
def test_a_patrol_that_nobody_could_follow_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(UserError, match=code):
        Patrol(**({"sources": (A, B), "windows": (0,)} | fields))


def test_a_patrol_is_plain_data() -> None:
    patrol = Patrol((A, Source("b", "p")), (1, 0), 30, paused=True)
    assert Patrol.from_json(patrol.to_json()) == patrol


def overview(**changes: Any) -> dict[str, Any]:
    person = {"id": "p", "presence": "present", "sources": {"camera": {"live": True}}}
    return {"observable": True, "status": "live", "participants": [person]} | changes


def test_a_sitting_with_somebody_inside_is_on() -> None:
    assert is_on(A, overview())
    assert is_on(Source("a", "p"), overview())


@pytest.mark.parametrize(
    "found",
    [
        None,
        overview(observable=False),
        overview(status="planned"),
        overview(status="closed"),
        overview(participants=[{"id": "p", "presence": "lost", "sources": {"camera": {"live": True}}}]),
    ],
)
def test_a_sitting_that_is_not_held_or_may_not_be_watched_is_off(found: dict[str, Any] | None) -> None:
    assert not is_on(A, found)
    assert not is_on(Source("a", "p"), found)


def test_a_participant_without_a_picture_is_off_and_the_sitting_is_not() -> None:
    found = overview(participants=[{"id": "p", "presence": "present", "sources": {"camera": {"live": False}}}])
    assert is_on(A, found)
    assert not is_on(Source("a", "p"), found)
    assert not is_on(Source("a", "somebody else"), overview())
