"""How far places are from each other."""

from __future__ import annotations

import math

from dispatch.console.map.coordinates import Place

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG), metres."""


def distance_m(one: Place, other: Place) -> float:
    """Metres between two places along the surface of a sphere (haversine); within half a percent of the ellipsoid's."""
    north, east = math.radians(other.latitude - one.latitude), math.radians(other.longitude - one.longitude)
    narrow = math.cos(math.radians(one.latitude)) * math.cos(math.radians(other.latitude))
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(math.sin(north / 2) ** 2 + narrow * math.sin(east / 2) ** 2)))
