"""By what people are in sittings: the browser or the room's device behind each endpoint, and the site at which a room's device stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from dispatch.store.tables import Browser, Resource, Room, RoomDevice

if TYPE_CHECKING:
    from dispatch.store.database import Database


@dataclass(frozen=True, slots=True)
class Device:
    """`words`: "Chrome · Windows", or the name of a room's device. `site`: where that stands, both names "" for a browser of one's own."""

    words: str
    site: str = ""
    site_en: str = ""

    def site_in(self, language: str) -> str:
        """The site's name in a language."""
        return (language == "en" and self.site_en) or self.site


async def behind(db: Database, endpoints: Collection[str]) -> dict[str, Device]:
    """By endpoint; without those that are not known."""
    rows = (
        select(Browser.endpoint, Browser.device, RoomDevice.name, Resource)
        .outerjoin(RoomDevice, RoomDevice.id == Browser.room_device_id)
        .outerjoin(Room, Room.id == RoomDevice.room_id)
        .outerjoin(Resource, Resource.id == Room.id)
        .where(Browser.endpoint.in_(endpoints))
    )
    async with db.reader() as session:
        found = (await session.execute(rows)).all()
    return {
        endpoint: Device(name or words, resource.site.name, resource.site.name_en) if resource and resource.site else Device(name or words)
        for endpoint, words, name, resource in found
    }
