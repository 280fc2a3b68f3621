"""Where things stand on the composite picture: whole, in the picture, beside each other, as large as they can be."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from rooms.recording.layout import HEAD, HEIGHT, LABEL, WIDTH, Box, caption, court, grid, people, people_beside_screen, picture, screen

COUNTS = (*range(1, 13), 20, 32)
EVERY_COUNT = pytest.mark.parametrize("count", COUNTS)
BOTH = pytest.mark.parametrize("tiles", [people, people_beside_screen], ids=["alone", "beside a screen"])


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x or other.x + other.width <= one.x or one.y + one.height <= other.y or other.y + other.height <= one.y
    )


@BOTH
@EVERY_COUNT
def test_everybody_has_a_tile_below_the_clock_and_beside_the_others(tiles: Callable[[int], list[Box]], count: int) -> None:
    found = tiles(count)
    assert len(found) == count
    assert all(inside(tile, Box(0, HEAD, WIDTH, HEIGHT - HEAD)) for tile in found)
    assert all(apart(one, other) for one, other in itertools.combinations(found, 2))
    assert len({(tile.width, tile.height) for tile in found}) == 1


@BOTH
@EVERY_COUNT
def test_a_tile_holds_a_picture_of_16_to_9_with_the_name_under_it(tiles: Callable[[int], list[Box]], count: int) -> None:
    for tile in tiles(count):
        shown, name = picture(tile), caption(tile)
        assert inside(shown, tile)
        assert inside(name, tile)
        assert apart(shown, name)
        assert name.height == LABEL
        assert shown.width > 0
        assert abs(shown.height - shown.width * 9 / 16) < 2
        assert (shown.width % 2, shown.height % 2) == (0, 0), "the encoder takes even numbers"


@EVERY_COUNT
def test_no_other_number_of_columns_would_show_people_larger(count: int) -> None:
    area = Box(0, HEAD, WIDTH, HEIGHT - HEAD)
    chosen = picture(grid(count, area)[0]).width
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        assert picture(Box(0, 0, area.width // columns, area.height // rows)).width <= chosen + 2


def test_a_last_row_that_is_not_full_stands_in_the_middle() -> None:
    first, *_, last = people(5)
    row = [tile for tile in people(5) if tile.y == last.y]
    assert len(row) < len([tile for tile in people(5) if tile.y == first.y])
    assert abs((row[0].x + row[-1].x + row[-1].width) / 2 - WIDTH / 2) <= 1


@EVERY_COUNT
def test_a_shared_screen_hides_nobody(count: int) -> None:
    assert all(apart(screen(), tile) for tile in people_beside_screen(count))
    assert inside(screen(), Box(0, HEAD, WIDTH, HEIGHT - HEAD))
    assert screen().width > WIDTH / 2


@pytest.mark.parametrize(
    ("bench", "left", "right", "middle"), [(1, 1, 1, 0), (1, 1, 1, 1), (3, 2, 2, 2), (3, 6, 6, 4), (1, 1, 0, 0), (1, 0, 0, 3), (0, 2, 2, 1)]
)
def test_in_a_hall_nobody_covers_another_and_the_bench_is_largest(bench: int, left: int, right: int, middle: int) -> None:
    tiles = court(bench, left, right, middle)
    assert len(tiles) == bench + left + right + middle
    assert all(inside(tile, Box(0, HEAD, WIDTH, HEIGHT - HEAD)) for tile in tiles)
    assert all(apart(one, other) for one, other in itertools.combinations(tiles, 2))
    widths = [picture(tile).width for tile in tiles]
    assert min(widths) >= 120
    assert all(front > other for front in widths[:bench] for other in widths[bench:])


def test_nobody_is_no_tile() -> None:
    assert people(0) == people_beside_screen(0) == court(0, 0, 0, 0) == []
