"""Two ways to say where something is in China: WGS-84, which satellites give, and GCJ-02, in which maps are published. Pure.

GCJ-02 moves every place within China by 100 to 700 m, by a rule that was never published. What is here is the approximation that all open
software uses (an ellipsoid of Krasovsky 1940 and a sum of sines; published pairs: the test vectors of googollee/eviltransform and the
examples of wandergis/coordtransform, which the tests beside this module hold). Its distance from the official rule is not known;
map services agree with it to some metres. :func:`wgs84_from_gcj02` undoes :func:`gcj02_from_wgs84` to :data:`RESIDUAL_M`.

Inside, everything is WGS-84; another system is turned into it where it comes in.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple


class System(StrEnum):
    """A system of coordinates, by the name under which it is known."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


class Place(NamedTuple):
    """A place on the earth in degrees: latitude -90 to 90, longitude -180 to 180."""

    latitude: float
    longitude: float


RESIDUAL_M = 0.001
"""How far there and back ends from where it began, at most, in metres."""

_A = 6_378_245.0
"""Krasovsky 1940: half of the longer axis in metres."""
_E2 = 0.00669342162296594323
"""Its eccentricity, squared."""
_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347
"""The rectangle in which GCJ-02 moves anything. It is larger than China; what lies in it abroad is moved as well."""
_STEPS = 12


def moved(place: Place) -> bool:
    """Whether GCJ-02 says something else of this place than WGS-84: whether it lies in the rectangle around China."""
    return _SOUTH <= place.latitude <= _NORTH and _WEST <= place.longitude <= _EAST


def gcj02_from_wgs84(place: Place) -> Place:
    """The same place in GCJ-02; outside the rectangle around China nothing changes."""
    if not moved(place):
        return place
    north, east = _offset(place)
    return Place(place.latitude + north, place.longitude + east)


def wgs84_from_gcj02(place: Place) -> Place:
    """The same place in WGS-84, to :data:`RESIDUAL_M`. Found step by step: the offset hardly changes over the distance it moves by."""
    if not moved(place):
        return place
    found = place
    for _ in range(_STEPS):
        north, east = _offset(found)
        found = Place(place.latitude - north, place.longitude - east)
    return found


def to_wgs84(place: Place, system: System) -> Place:
    """A place that is said in `system`, in WGS-84."""
    return wgs84_from_gcj02(place) if system is System.GCJ02 else place


def from_wgs84(place: Place, system: System) -> Place:
    """A place in WGS-84, said in `system`."""
    return gcj02_from_wgs84(place) if system is System.GCJ02 else place


def _offset(place: Place) -> tuple[float, float]:
    """By how many degrees GCJ-02 moves a place: to the north, to the east."""
    x, y = place.longitude - 105.0, place.latitude - 35.0
    root = math.sqrt(abs(x))
    short = 20 * (math.sin(6 * math.pi * x) + math.sin(2 * math.pi * x))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += 2 / 3 * (short + 20 * math.sin(math.pi * y) + 40 * math.sin(math.pi * y / 3))
    north += 2 / 3 * (160 * math.sin(math.pi * y / 12) + 320 * math.sin(math.pi * y / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += 2 / 3 * (short + 20 * math.sin(math.pi * x) + 40 * math.sin(math.pi * x / 3))
    east += 2 / 3 * (150 * math.sin(math.pi * x / 12) + 300 * math.sin(math.pi * x / 30))
    flat = 1 - _E2 * math.sin(math.radians(place.latitude)) ** 2
    meridian = _A * (1 - _E2) / flat**1.5
    parallel = _A / math.sqrt(flat) * math.cos(math.radians(place.latitude))
    return math.degrees(north / meridian), math.degrees(east / parallel)
