"""WGS-84 and GCJ-02: published pairs of points, there and back, and abroad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.console.map.coordinates import RESIDUAL_M, Place, System, from_wgs84, gcj02_from_wgs84, moved, to_wgs84, wgs84_from_gcj02
from tests.dispatch.distances import distance_m

PUBLISHED = [
    # googollee/eviltransform: Shanghai, Shenzhen, Beijing
    (Place(31.1774276, 121.5272106), Place(31.17530398364597, 121.531541859215)),
    (Place(22.543847, 113.912316), Place(22.540796131694766, 113.9171764808363)),
    (Place(39.911954, 116.377817), Place(39.91334545536069, 116.38404722455657)),
    # wandergis/coordtransform
    (Place(39.915, 116.404), Place(39.91640428150164, 116.41024449916938)),
]
IN_CHINA = st.builds(Place, st.floats(18.1, 53.5), st.floats(73.6, 134.7))


@pytest.mark.parametrize(("wgs84", "gcj02"), PUBLISHED)
def test_published_pairs_of_points_are_met_within_a_metre(wgs84: Place, gcj02: Place) -> None:
    assert distance_m(gcj02_from_wgs84(wgs84), gcj02) < 0.5
    assert distance_m(wgs84_from_gcj02(gcj02), wgs84) < 0.5
    assert distance_m(wgs84, gcj02) > 300


@given(IN_CHINA)
def test_there_and_back_ends_where_it_began(place: Place) -> None:
    assert distance_m(wgs84_from_gcj02(gcj02_from_wgs84(place)), place) < RESIDUAL_M


@given(IN_CHINA)
def test_a_place_in_china_is_moved_by_less_than_a_kilometre(place: Place) -> None:
    assert 20 < distance_m(gcj02_from_wgs84(place), place) < 1000


@pytest.mark.parametrize("place", [Place(48.85, 2.35), Place(40.7128, -74.006), Place(-33.87, 151.2), Place(0.0, 0.0), Place(60.0, 100.0)])
def test_abroad_both_systems_say_the_same(place: Place) -> None:
    assert not moved(place)
    assert gcj02_from_wgs84(place) == place
    assert wgs84_from_gcj02(place) == place


def test_a_system_is_called_by_its_name() -> None:
    wgs84, gcj02 = PUBLISHED[0]
    assert to_wgs84(wgs84, System("wgs84")) == wgs84
    assert from_wgs84(wgs84, System("wgs84")) == wgs84
    assert distance_m(to_wgs84(gcj02, System("gcj02")), wgs84) < 0.5
    assert distance_m(from_wgs84(wgs84, System("gcj02")), gcj02) < 0.5


def test_a_degree_of_latitude_is_some_111_kilometres() -> None:
    assert distance_m(Place(30.0, 120.0), Place(31.0, 120.0)) == pytest.approx(111_195, abs=10)
    assert distance_m(Place(60.0, 10.0), Place(60.0, 11.0)) == pytest.approx(55_597, abs=10)
