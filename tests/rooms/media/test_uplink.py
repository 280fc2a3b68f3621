"""What a publisher is told to send at most."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.media.forwarding.uplink import AUDIO_BPS, LEAST_BPS, Uplink, ceiling, worth

MOST = 1_500_000 + AUDIO_BPS


def test_what_is_wanted_is_summed_layer_by_layer() -> None:
    assert ceiling([180, 360, 720], 1_500_000) == 150_000 + 500_000 + 1_500_000
    assert ceiling([180, 360, 720], 400_000) == 150_000 + 400_000 + 400_000, "no layer is worth more than a whole picture may have"
    assert ceiling([180], 1_500_000) == 1_500_000, "a large one is allowed at any time"
    assert ceiling([], 1_500_000) == 1_500_000
    assert worth(None, 1_500_000) == 1_500_000


def tell(uplink: Uplink, seconds: int, arrived: int, *, lost: float = 0.0, way_s: float = 0.02, start: float = 1.0) -> list[int]:
    """What it is told each second while so much arrives."""
    told = []
    for second in range(seconds):
        now = start + second
        uplink.delayed(way_s, now)
        told.append(uplink.allowed(MOST, arrived, lost, now))
    return told


def test_a_path_without_trouble_has_no_limit() -> None:
    uplink = Uplink(0.0)
    assert set(tell(uplink, 10, 900_000)) == {MOST}
    assert uplink.limit_bps is None


def test_some_loss_is_left_to_the_browser() -> None:
    assert set(tell(Uplink(0.0), 10, 900_000, lost=0.1)) == {MOST}


def test_heavy_loss_and_a_queue_lower_it_below_what_arrives() -> None:
    seconds = tell(Uplink(0.0), 4, 900_000, lost=0.3)
    assert seconds[0] == MOST, "in one second so much may be lost by chance"
    assert seconds[-1] < 900_000
    assert tell(Uplink(0.0), 1, 900_000, lost=0.5)[0] < 900_000
    uplink = Uplink(0.0)
    tell(uplink, 3, 900_000)
    assert tell(uplink, 1, 300_000, way_s=0.5, start=4.0)[0] < 300_000


def test_without_trouble_it_rises_to_all_that_is_wanted_again() -> None:
    uplink = Uplink(0.0)
    tell(uplink, 3, 900_000)
    low = tell(uplink, 3, 300_000, way_s=0.5, start=4.0)[-1]
    told = tell(uplink, 40, 300_000, start=7.0)
    assert low < told[0] < told[10] < told[-1] == MOST


@given(st.lists(st.tuples(st.integers(0, 5_000_000), st.floats(0, 1), st.floats(-1e10, 1e10)), max_size=40))
def test_sound_always_has_its_share(seconds: list[tuple[int, float, float]]) -> None:
    uplink = Uplink(0.0)
    for second, (arrived, lost, way_s) in enumerate(seconds):
        uplink.delayed(way_s, float(second))
        told = uplink.allowed(MOST, arrived, lost, float(second))
        assert LEAST_BPS <= told <= MOST
