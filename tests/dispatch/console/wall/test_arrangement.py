"""What is put where on a wall."""

from __future__ import annotations

import pytest

from dispatch.console.wall import arrangement as walls
from dispatch.console.wall.arrangement import EMPTY, Arrangement
from dispatch.console.wall.layouts import split
from dispatch.console.wall.patrol import Patrol, Source
from dispatch.errors import UserError

A, B, C, D = (Source(name) for name in "abcd")


def wall(*sources: Source | None, patrol: Patrol | None = None) -> Arrangement:
    return Arrangement(split(len(sources)), sources, patrol)


def test_a_source_is_put_into_a_window_and_taken_out() -> None:
    put = walls.placed(EMPTY, 2, A)
    assert put.sources == (None, None, A, None)
    assert walls.placed(put, 2, None) == EMPTY


def test_a_source_that_stands_elsewhere_moves() -> None:
    assert walls.placed(wall(A, B, None, None), 1, A).sources == (None, A, None, None)


def test_windows_exchange_what_they_show() -> None:
    found = walls.exchanged(wall(A, B, None, None, patrol=Patrol((C, D), (3,))), 0, 3)
    assert found.sources == (None, B, None, A)
    assert found.patrol is not None
    assert found.patrol.windows == (0,)


def test_sources_keep_their_order_in_another_layout() -> None:
    assert walls.divided(wall(A, None, B, C), split(9)).sources == (A, B, C, *[None] * 6)
    assert walls.divided(wall(A, None, B, C), split(1)).sources == (A,), "what has no window any more goes"


def test_a_patrol_goes_on_in_the_windows_that_are_left() -> None:
    found = walls.divided(wall(A, B, None, None, patrol=Patrol((C, D), (0, 3))), split(1))
    assert found.patrol == Patrol((C, D), (0,))
    assert found.sources == (None,)
    gone = walls.divided(wall(A, B, None, None, patrol=Patrol((C, D), (3,))), split(1))
    assert gone.patrol is None


def test_a_window_that_grows_keeps_its_source_and_its_turn() -> None:
    before = Arrangement(split(9), (A, B, C, D, *[None] * 5), Patrol((C, D), (8,)), heard=3)
    found = walls.spread(before, 0, 2, 2)
    assert found.sources == (A, C, None, None, None, None), "what it covers goes"
    assert found.patrol is not None
    assert found.patrol.windows == (5,)
    assert found.heard is None, "the window that was heard is covered"


def test_a_patrol_has_its_windows_for_itself() -> None:
    found = walls.patrolled(wall(A, B, None, None), (C, D), (0, 2), 20)
    assert found.standing() == (None, B, None, None)
    assert found.patrol == Patrol((C, D), (0, 2), 20)
    assert found.sittings() == {"b", "c", "d"}


def test_a_window_into_which_something_is_put_takes_no_turns_any_more() -> None:
    turning = walls.patrolled(wall(None, B, None, None), (C, D), (0, 2), 20)
    one = walls.placed(turning, 0, A)
    assert one.standing() == (A, B, None, None)
    assert one.patrol is not None
    assert one.patrol.windows == (2,)
    assert walls.placed(one, 2, None).patrol is None


def test_a_patrol_is_paused_and_goes_on() -> None:
    turning = walls.patrolled(EMPTY, (A, B), (0,), 20)
    stopped = walls.paused(turning, True)
    assert stopped.patrol is not None
    assert stopped.patrol.paused
    assert walls.paused(stopped, False) == turning
    with pytest.raises(UserError, match="no_patrol"):
        walls.paused(EMPTY, True)


def test_one_window_is_heard() -> None:
    put = walls.heard(wall(A, B, None, None), 1)
    assert put.heard == 1
    assert walls.placed(put, 1, None).heard is None, "an empty window has no sound"
    assert walls.heard(put, None).heard is None


@pytest.mark.parametrize("window", [-1, 4])
def test_windows_that_are_not_there_are_refused(window: int) -> None:
    with pytest.raises(UserError, match="window_unknown"):
        walls.placed(EMPTY, window, A)
    with pytest.raises(UserError, match="window_unknown"):
        walls.exchanged(EMPTY, 0, window)
    with pytest.raises(UserError, match="window_unknown"):
        walls.heard(EMPTY, window)
    with pytest.raises(UserError, match="window_unknown"):
        walls.patrolled(EMPTY, (A,), (window,), 20)
    with pytest.raises(UserError, match="window_unknown"):
        walls.spread(EMPTY, window, 1, 1)


def test_an_arrangement_is_plain_data() -> None:
    found = walls.heard(walls.patrolled(wall(A, Source("b", "p"), None, None), (C, D), (2,), 20), 1)
    assert Arrangement.from_json(found.to_json()) == found
    assert Arrangement.from_json(EMPTY.to_json()) == EMPTY
