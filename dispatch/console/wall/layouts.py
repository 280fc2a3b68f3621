"""How a wall is divided: windows in a grid, each over one cell or several. Plain data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from dispatch.errors import UserError

SPLITS = (1, 4, 9, 16)
MOST_WINDOWS = 16
MOST_CELLS = 8
"""columns and rows at most"""

Cell = tuple[int, int]
"""column, row"""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of cells: its first column and row, from 0, and how many it covers."""

    column: int
    row: int
    width: int = 1
    height: int = 1

    def cells(self) -> Iterator[Cell]:
        """Every cell that it covers."""
        return product(range(self.column, self.column + self.width), range(self.row, self.row + self.height))

    def to_json(self) -> dict[str, int]:
        """Plain JSON values."""
        return {"column": self.column, "row": self.row, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class Layout:
    """A grid with windows in it. None covers another's cell; a cell that none covers stays dark."""

    columns: int
    rows: int
    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        """Raises UserError("layout_wrong") for what fits no wall."""
        if not (0 < self.columns <= MOST_CELLS and 0 < self.rows <= MOST_CELLS and 0 < len(self.windows) <= MOST_WINDOWS):
            raise UserError("layout_wrong", "layout", most=MOST_WINDOWS, cells=MOST_CELLS)
        taken: set[Cell] = set()
        for window in self.windows:
            inside = window.column >= 0 and window.row >= 0 and window.width > 0 and window.height > 0
            inside = inside and window.column + window.width <= self.columns and window.row + window.height <= self.rows
            if not inside or not taken.isdisjoint(window.cells()):
                raise UserError("layout_wrong", "layout", most=MOST_WINDOWS, cells=MOST_CELLS)
            taken.update(window.cells())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"columns": self.columns, "rows": self.rows, "windows": [window.to_json() for window in self.windows]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """Inverse of :meth:`to_json`."""
        return cls(int(data["columns"]), int(data["rows"]), tuple(Window(**window) for window in data["windows"]))


def split(count: int) -> Layout:
    """A square of 1, 4, 9 or 16 windows. Raises UserError("layout_wrong")."""
    if count not in SPLITS:
        raise UserError("layout_wrong", "layout", most=MOST_WINDOWS, cells=MOST_CELLS)
    side = int(count**0.5)
    return grid(side, side)


def grid(columns: int, rows: int) -> Layout:
    """Windows of one cell each, row by row. Raises UserError("layout_wrong")."""
    if not (0 < columns <= MOST_CELLS and 0 < rows <= MOST_CELLS):
        raise UserError("layout_wrong", "layout", most=MOST_WINDOWS, cells=MOST_CELLS)
    return Layout(columns, rows, tuple(Window(column, row) for row in range(rows) for column in range(columns)))


def spanned(layout: Layout, number: int, width: int, height: int) -> tuple[Layout, tuple[int | None, ...]]:
    """The layout in which window `number` covers so many cells from its own first one, and for each of its windows which one of before
    it is (None: a new one).

    What it grows over goes, and of a window that it covers in part each cell that is left becomes a window. What it shrinks from becomes
    windows too, while there may be more. Raises UserError("layout_wrong") where it does not fit.
    """
    if not 0 <= number < len(layout.windows):
        raise UserError("window_unknown", "window")
    before = layout.windows[number]
    grown = Window(before.column, before.row, width, height)
    if width < 1 or height < 1 or grown.column + width > layout.columns or grown.row + height > layout.rows:
        raise UserError("layout_wrong", "layout", most=MOST_WINDOWS, cells=MOST_CELLS)
    covered = set(grown.cells())
    kept: list[tuple[Window, int | None]] = []
    left: list[Cell] = [cell for cell in before.cells() if cell not in covered]
    for other, window in enumerate(layout.windows):
        if other == number:
            kept.append((grown, number))
        elif covered.isdisjoint(window.cells()):
            kept.append((window, other))
        else:
            left += [cell for cell in window.cells() if cell not in covered]
    room = MOST_WINDOWS - len(kept)
    kept += [(Window(column, row), None) for column, row in sorted(left, key=lambda cell: (cell[1], cell[0]))[:room]]
    kept.sort(key=lambda each: (each[0].row, each[0].column))
    return Layout(layout.columns, layout.rows, tuple(window for window, _ in kept)), tuple(former for _, former in kept)
