"""How long the space lasts, by what was used and by what is booked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.vault.forecast import LONGEST_DAYS, Sample, forecast, growth

TB = 10**12


def days(*used: float, total: int = TB) -> list[Sample]:
    return [Sample(float(day), total, round(total - each)) for day, each in enumerate(used)]


def test_space_that_fills_evenly_lasts_as_long_as_it_says() -> None:
    found = forecast(days(*(day * 10e9 for day in range(20))), 0, 1e6, 30)
    assert found.daily == pytest.approx(10e9)
    assert found.days == pytest.approx((1e12 - 190e9) / 10e9)
    assert not found.is_short


def test_what_is_booked_counts_where_it_is_more_than_the_growth_so_far() -> None:
    found = forecast(days(500e9, 500e9), 60_000, 10e6, 30)
    assert found.booked == 600_000_000_000
    assert found.days == pytest.approx(25.0)
    assert found.is_short


def test_a_disk_that_was_cleared_up_or_exchanged_is_reckoned_from_then_on() -> None:
    assert growth(days(800e9, 900e9, 100e9, 110e9, 120e9)) == pytest.approx(10e9)
    assert growth([*days(800e9, 900e9), Sample(2.0, 2 * TB, TB), Sample(3.0, 2 * TB, TB - 10**9)]) == pytest.approx(1e9)


def test_too_little_says_nothing_and_a_use_that_shrinks_does_not_grow() -> None:
    assert growth(days(1e9)) == 0
    assert growth(days(100e9, 99e9, 98e9)) == 0
    assert forecast(days(100e9, 99e9), 0, 1e6, 30).days is None
    with pytest.raises(ValueError, match="no sample"):
        forecast([], 0, 1, 30)


@given(st.lists(st.integers(0, TB), min_size=1, max_size=40), st.floats(0, 1e6), st.floats(0, 1e9))
def test_a_forecast_is_never_negative_and_never_beyond_ten_years(used: list[int], minutes: float, per_minute: float) -> None:
    found = forecast(days(*used), minutes, per_minute, 30)
    assert found.daily >= 0
    assert found.days is None or 0 <= found.days <= LONGEST_DAYS
