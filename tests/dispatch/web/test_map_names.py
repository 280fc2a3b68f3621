"""Where a line on the map bears its name."""

from __future__ import annotations

import pytest

from tests.dispatch.web.test_pictures import run

RIVER = [[116.0, 0.0], [116.5, 0.0], [117.0, 0.0]]


@pytest.mark.parametrize(
    ("points", "longitude"),
    [
        ([], 116.5),
        ([[116.5, 0.01]], 116.4),
        ([[116.5, 0.5]], 116.5),
        ([[116.5, 0.0], [116.4, 0.0]], 116.6),
        ([[116 + part, 0.0] for part in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85)], 116.8),
    ],
)
def test_a_river_is_named_in_its_middle_or_beside_the_point_that_lies_there(points: list[list[float]], longitude: float) -> None:
    found = run("line-name.js", "placeOfName(river, points)", river=RIVER, points=points)
    assert found == pytest.approx([longitude, 0.0])


def test_a_line_of_no_length_is_named_where_it_is() -> None:
    assert run("line-name.js", "placeOfName(line, [])", line=[[116.0, 39.0], [116.0, 39.0]]) == [116.0, 39.0]
