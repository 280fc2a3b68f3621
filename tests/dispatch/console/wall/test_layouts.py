"""How a wall is divided."""

from __future__ import annotations

import pytest

from dispatch.console.wall.layouts import Layout, Window, grid, spanned, split
from dispatch.errors import UserError


@pytest.mark.parametrize("count", [1, 4, 9, 16])
def test_a_split_covers_every_cell_once(count: int) -> None:
    layout = split(count)
    cells = [cell for window in layout.windows for cell in window.cells()]
    assert len(layout.windows) == len(set(cells)) == count == layout.columns * layout.rows


@pytest.mark.parametrize("count", [0, 2, 6, 25, -4])
def test_there_are_four_splits(count: int) -> None:
    with pytest.raises(UserError, match="layout_wrong"):
        split(count)


@pytest.mark.parametrize(
    ("columns", "rows", "windows"),
    [
        (2, 2, ()),
        (0, 1, (Window(0, 0),)),
        (9, 1, (Window(0, 0),)),
        (2, 2, (Window(0, 0, 2, 2), Window(1, 1))),
        (2, 2, (Window(1, 0, 2, 1),)),
        (2, 2, (Window(-1, 0),)),
        (2, 2, (Window(0, 0, 0, 1),)),
        (5, 4, tuple(Window(column, row) for row in range(4) for column in range(5))),
    ],
)
def test_a_layout_that_fits_no_wall_is_refused(columns: int, rows: int, windows: tuple[Window, ...]) -> None:
    with pytest.raises(UserError, match="layout_wrong"):
        Layout(columns, rows, windows)


def test_a_layout_is_plain_data() -> None:
    layout, _ = spanned(grid(3, 2), 1, 2, 2)
    assert Layout.from_json(layout.to_json()) == layout


def test_a_window_grows_over_its_neighbours() -> None:
    layout, was = spanned(split(9), 0, 2, 2)
    assert layout.windows[0] == Window(0, 0, 2, 2)
    assert len(layout.windows) == 6, "one large and five small"
    assert was == (0, 2, 5, 6, 7, 8)


def test_a_neighbour_that_is_covered_in_part_leaves_its_other_cells_as_windows() -> None:
    wide, _ = spanned(split(9), 3, 3, 1)
    layout, was = spanned(wide, 1, 1, 2)
    assert set(layout.windows) >= {Window(1, 0, 1, 2), Window(0, 1), Window(2, 1)}
    assert was.count(None) == 2, "the two ends of the wide one are new"


def test_a_window_that_shrinks_gives_its_cells_back() -> None:
    large, _ = spanned(split(9), 0, 2, 2)
    layout, was = spanned(large, 0, 1, 1)
    assert layout == split(9)
    assert was == (0, None, 1, None, None, 2, 3, 4, 5)


@pytest.mark.parametrize(("width", "height"), [(3, 1), (1, 3), (0, 1), (1, 0)])
def test_a_window_stays_within_the_wall(width: int, height: int) -> None:
    with pytest.raises(UserError, match="layout_wrong"):
        spanned(split(4), 0, width, height)


def test_only_a_window_that_is_there_grows() -> None:
    with pytest.raises(UserError, match="window_unknown"):
        spanned(split(4), 4, 1, 1)
