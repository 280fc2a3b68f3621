"""Where things stand on the composite picture: a hall with its bench and two sides, a row, one large with the others over it, or a
large screen with the people beside it. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 1280, 720
HEAD = 44
"""Height of the strip with title and clock."""
LABEL = 30
"""Height of the name under each tile."""
MARGIN = 8


_SIDES = range(240, 521, 20)
_LOWER = range(20, 61, 5)
_INSET_HEIGHT = 208
_LARGER = 1.5
"""A picture of the bench is to be so much wider than the others."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture, pixels."""

    x: int
    y: int
    width: int
    height: int


def grid(count: int, area: Box) -> list[Box]:
    """`count` equal boxes in `area`, as large as 16:9 pictures with a label can be; the last row is centred."""
    if not count:
        return []
    columns = max(range(1, count + 1), key=lambda n: _picture_width(n, math.ceil(count / n), area))
    rows = math.ceil(count / columns)
    width, height = area.width // columns, area.height // rows
    boxes = []
    for index in range(count):
        row, column = divmod(index, columns)
        in_row = columns if row < rows - 1 else count - columns * (rows - 1)
        left = area.x + (area.width - in_row * width) // 2
        boxes.append(Box(left + column * width, area.y + row * height, width, height))
    return boxes


def _picture_width(columns: int, rows: int, area: Box) -> float:
    return min(area.width / columns - 2 * MARGIN, (area.height / rows - LABEL - 2 * MARGIN) * 16 / 9)


def picture(cell: Box) -> Box:
    """The 16:9 part of a tile that the camera fills, in the middle; even numbers for the encoder's sake."""
    width = int(min(cell.width - 2 * MARGIN, (cell.height - LABEL - 2 * MARGIN) * 16 / 9)) // 2 * 2
    height = width * 9 // 16 // 2 * 2
    return Box(cell.x + (cell.width - width) // 2, cell.y + (cell.height - LABEL - height) // 2, width, height)


def caption(cell: Box) -> Box:
    """The strip under the picture of a tile, for the name."""
    above = picture(cell)
    return Box(cell.x, above.y + above.height, cell.width, LABEL)


def people(count: int) -> list[Box]:
    """Tiles while nobody shares a screen."""
    return grid(count, Box(0, HEAD, WIDTH, HEIGHT - HEAD))


def court(bench: int, left: int, right: int, middle: int) -> list[Box]:
    """Tiles while nobody shares a screen, in a room with a bench: those of the bench, then of the left, the right and the middle.

    The sides stand in columns along the edges, the bench large between them, whoever sits in the middle under it. How wide
    the columns are and how high the bench: so that nobody is small, with the bench larger than anybody else.
    """
    halls = [_hall(bench, left, right, middle, side, lower) for side in _SIDES for lower in _LOWER]

    def worth(hall: list[list[Box]]) -> tuple[float, int]:
        widths = [picture(zone[0]).width for zone in hall if zone]
        front = picture(hall[0][0]).width if hall[0] else 0
        return min([front / _LARGER, *widths[1:]] if front else widths), front

    return [box for zone in max(halls, key=worth) for box in zone] if bench + left + right + middle else []


def _hall(bench: int, left: int, right: int, middle: int, side: int, lower: int) -> list[list[Box]]:
    """One way to divide the picture: columns of `side` pixels, the middle's part of the height `lower` per cent."""
    height = HEIGHT - HEAD
    from_x, to_x = (side if left else 0), WIDTH - (side if right else 0)
    under = 0 if not middle else height if not bench else height * lower // 100
    return [
        grid(bench, Box(from_x, HEAD, to_x - from_x, height - under)),
        grid(left, Box(0, HEAD, side, height)),
        grid(right, Box(to_x, HEAD, side, height)),
        grid(middle, Box(from_x, HEIGHT - under, to_x - from_x, under)),
    ]


def picture_in_picture(large: int, inset: int) -> list[Box]:
    """Tiles of an interrogation while nobody shares a screen: those who are questioned over the whole picture, then the others over
    its right edge, the first of them lowest. Names stay readable: an inset ends above the strip with the name of the large picture."""
    whole = grid(large, Box(0, HEAD, WIDTH, HEIGHT - HEAD))
    if not inset:
        return whole
    height = min(_INSET_HEIGHT, (HEIGHT - HEAD - LABEL - MARGIN) // inset)
    width = (height - LABEL - 2 * MARGIN) * 16 // 9 + 2 * MARGIN
    lowest = HEIGHT - LABEL - MARGIN
    return whole + [Box(WIDTH - width, lowest - height * (number + 1), width, height) for number in range(inset)]


def people_beside_screen(count: int) -> list[Box]:
    """Tiles while somebody does: a column, or two, at the right."""
    return grid(count, Box(WIDTH - 320, HEAD, 320, HEIGHT - HEAD))


def screen() -> Box:
    """Where a shared screen stands."""
    return Box(0, HEAD, WIDTH - 320, HEIGHT - HEAD)
