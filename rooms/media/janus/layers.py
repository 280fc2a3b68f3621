"""Which simulcast layer is enough for a tile. Pure."""

from __future__ import annotations

from collections.abc import Sequence

LINES = 720
"""Of the highest layer; each below it has half as many."""


def level_of(height: int | None, layers: Sequence[str]) -> int | None:
    """The simulcast layer, counted from the lowest, for a picture that is shown so high; None: it is not shown. A height that is not
    known is the full one. Layers halve the height from 720 lines (static/js), so one that is as high as the tile is enough."""
    if height == 0:
        return None
    above = sum((LINES >> (len(layers) - 1 - level)) < height for level in range(len(layers) - 1)) if height is not None else len(layers)
    return max(0, min(above, len(layers) - 1))
