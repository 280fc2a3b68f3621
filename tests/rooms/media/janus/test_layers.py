"""Simulcast pictures in Janus as the choice of layers takes them."""

from __future__ import annotations

from typing import Any

import pytest

from rooms.media.engine import Source, TrackKey
from rooms.media.forwarding.choice import Picture, choose
from rooms.media.janus.layers import Rates, picture

KEY = TrackKey("ana", Source.CAMERA)


def media(*octets: int) -> dict[str, Any]:
    """What Janus counts of layers, lowest first."""
    layers = [{"packets": each, "bytes": each} for each in octets]
    return {"stats": {"in": {**layers[0], **{f"video-simulcast-{i}": layer for i, layer in enumerate(layers) if i}}}}


def of(rates: Rates, *, shown: int | None = None, flows: bool = True) -> Picture:
    return picture(KEY, rates, flows=flows, floor=False, shown=shown, held=-1, thins=False)


@pytest.mark.parametrize(
    ("height", "level"), [(None, 2), (0, -1), (1, 0), (180, 0), (257, 0), (258, 1), (360, 1), (515, 2), (720, 2), (16_384, 2)]
)
def test_the_layer_is_the_lowest_that_is_high_enough_for_the_tile(height: int | None, level: int) -> None:
    assert choose([of(Rates(3), shown=height)], None)[KEY].level == level


def test_a_picture_of_one_layer_is_sent_or_not() -> None:
    assert [choose([of(Rates(0), shown=height)], None)[KEY].level for height in (None, 0, 90, 720)] == [0, -1, 0, 0]


def test_what_a_layer_needs_is_what_comes_of_it_and_what_came_while_it_pauses() -> None:
    rates = Rates(3)
    assert all(rung.bps > 0 for rung in of(rates).rungs), "before anything is known it is assumed"
    rates.received(media(0, 0, 0), 0.0)
    rates.received(media(10_000, 40_000, 100_000), 1.0)
    assert [rung.bps for rung in of(rates).rungs] == [80_000, 320_000, 800_000]
    rates.received(media(20_000, 80_000, 100_000), 2.0)
    assert [rung.bps for rung in of(rates).rungs] == [80_000, 320_000, 800_000]


def test_what_is_muted_needs_nothing() -> None:
    assert [rung.bps for rung in of(Rates(3), flows=False).rungs] == [0, 0, 0]
