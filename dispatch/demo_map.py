"""The demonstration's map: a district, its river and what its sand table shows, drawn by hand. All made up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dispatch.console.map import layers
from dispatch.console.map.layers import LayerDraft

if TYPE_CHECKING:
    from dispatch.store.database import Database
    from dispatch.store.tables import User

Line = tuple[tuple[float, float], ...]

DISTRICT: Line = (
    (116.572, 39.905), (116.585, 39.938), (116.603, 39.957), (116.631, 39.971), (116.662, 39.966), (116.688, 39.978), (116.716, 39.969),
    (116.733, 39.944), (116.729, 39.921), (116.741, 39.898), (116.728, 39.872), (116.702, 39.861), (116.681, 39.866), (116.655, 39.848),
    (116.627, 39.853), (116.604, 39.866), (116.588, 39.862), (116.575, 39.884), (116.572, 39.905),
)  # fmt: skip
RIVER: Line = (
    (116.585, 39.938), (116.601, 39.934), (116.613, 39.926), (116.629, 39.925), (116.641, 39.918), (116.652, 39.921), (116.664, 39.914),
    (116.676, 39.902), (116.690, 39.899), (116.704, 39.888), (116.716, 39.883), (116.728, 39.872),
)  # fmt: skip
NORTH_BROOK: Line = ((116.662, 39.966), (116.656, 39.953), (116.661, 39.941), (116.655, 39.930), (116.652, 39.921))
RIVERS = (("云河", RIVER), ("北河", NORTH_BROOK))
HERITAGE = (("运河支队旧址", (116.618, 39.919)), ("红军小学", (116.697, 39.912)), ("云河渡口纪念碑", (116.659, 39.9165)))
POLLUTERS = (("北河沿排污口", (116.657, 39.955)), ("城南电镀厂", (116.668, 39.872)), ("东滩砂场", (116.712, 39.8905)))
SITES = (("滨河小学", (116.634, 39.899)), ("云河区人民医院", (116.651, 39.896)))


async def draw(db: Database, by: User, now: datetime) -> None:
    """Draw the layers where there are none yet."""
    if await layers.list_layers(db):
        return
    drafts = (
        LayerDraft("云河区界", "boundary", "violet", "District", features=[_feature("Polygon", [_line(DISTRICT)], "云河区")]),
        LayerDraft("河流水系", "river", "blue", "Rivers", features=[_feature("LineString", _line(each), name) for name, each in RIVERS]),
        LayerDraft("红色遗址", "heritage", "red", "Heritage sites", features=_points(HERITAGE)),
        LayerDraft("污染源", "factory", "amber", "Polluters", features=_points(POLLUTERS)),
        LayerDraft("公共机构", "office", "grey", "Public places", visible=False, features=_points(SITES)),
    )  # fmt: skip
    for draft in drafts:
        await layers.add_layer(db, draft, by, now)


def _points(named: tuple[tuple[str, tuple[float, float]], ...]) -> list[dict[str, Any]]:
    return [_feature("Point", list(place), name) for name, place in named]


def _line(places: Line) -> list[list[float]]:
    return [list(place) for place in places]


def _feature(kind: str, coordinates: list[Any], name: str) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": {"name": name, "note": "", "case": ""}}
