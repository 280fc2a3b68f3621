"""Marks of the map laid apart: the rule of the page, run by Node without a page."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.dispatch.web.test_pictures import run


def site(x: float, y: float) -> dict[str, float]:
    """A mark with a name, above its place."""
    return {"x": x, "y": y, "left": -90, "top": -50, "width": 180, "height": 42}


def person(x: float, y: float) -> dict[str, float]:
    """A mark without its name, below its place."""
    return {"x": x, "y": y, "left": -15, "top": 8, "width": 30, "height": 30}


def point(x: float, y: float) -> dict[str, float]:
    """A point of a layer."""
    return {"left": x - 13, "top": y - 13, "right": x + 13, "bottom": y + 13}


VIEW = {"left": 0.0, "top": 0.0, "right": 1000.0, "bottom": 800.0}


def moves(boxes: list[dict[str, float]], taken: list[dict[str, float]] | None = None) -> list[dict[str, float]]:
    found: list[dict[str, float]] = run("apart.js", "apart(boxes, taken, view)", boxes=boxes, taken=taken or [], view=VIEW)
    return found


def edges(boxes: list[dict[str, float]], moved: list[dict[str, float]]) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each as it stands."""
    lefts = [(box["x"] + box["left"] + move["dx"], box["y"] + box["top"] + move["dy"], box) for box, move in zip(boxes, moved, strict=True)]
    return [(left, top, left + box["width"], top + box["height"]) for left, top, box in lefts]


def covers(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


STAYS: Any = {"dx": 0, "dy": 0}


def test_marks_far_from_one_another_stay() -> None:
    assert moves([site(100, 100), person(400, 100), person(100, 400)], [point(600, 600)]) == [STAYS, STAYS, STAYS]


def test_of_two_at_one_place_the_first_stays_and_the_other_makes_way_near_by() -> None:
    boxes = [person(300, 300), person(300, 300)]
    moved = moves(boxes)
    assert moved[0] == STAYS
    assert 0 < abs(moved[1]["dx"]) + abs(moved[1]["dy"]) < 150
    assert not covers(*edges(boxes, moved))


@pytest.mark.parametrize("apart", [0, 3, 12, 25])
def test_none_of_many_covers_another(apart: float) -> None:
    boxes = [site(500, 500), site(500 + 2 * apart, 520), *(person(500 + apart * (n % 5), 500 + apart * (n // 5)) for n in range(25))]
    standing = edges(boxes, moves(boxes))
    assert [pair for pair in combinations(range(len(boxes)), 2) if covers(standing[pair[0]], standing[pair[1]])] == []


def test_a_point_of_a_layer_is_not_covered_and_does_not_move() -> None:
    boxes, factory = [person(300, 300)], point(300, 325)
    standing = edges(boxes, moves(boxes, [factory]))
    assert not covers(standing[0], (factory["left"], factory["top"], factory["right"], factory["bottom"]))


@pytest.mark.parametrize(("x", "y"), [(20, 400), (985, 400), (500, 10), (990, 5)])
def test_a_mark_at_the_edge_of_the_map_is_seen_whole(x: float, y: float) -> None:
    boxes = [site(x, y)]
    left, top, right, bottom = edges(boxes, moves(boxes))[0]
    assert VIEW["left"] <= left < right <= VIEW["right"]
    assert VIEW["top"] <= top < bottom <= VIEW["bottom"]


def test_a_mark_of_a_place_that_is_not_seen_goes_with_its_place() -> None:
    assert moves([site(1030, 400)]) == [STAYS]


def test_more_marks_than_there_is_room_for_all_stand_somewhere() -> None:
    boxes = [site(200, 200) for _ in range(80)]
    moved = moves(boxes)
    assert len(moved) == 80
    assert all(abs(move["dx"]) < 2000 and abs(move["dy"]) < 2000 for move in moved)


def test_the_line_ends_in_the_middle_of_the_moved_mark() -> None:
    assert run("apart.js", "tie(box, move)", box=person(10, 20), move={"dx": 50, "dy": -40}) == {"x": 50, "y": -17}
