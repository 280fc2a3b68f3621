"""The unit whose site it is: its names, clock and map; who signs in for how long, and when links and waiting rooms are open."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator


class Unit(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

    time_zone: str = Field("Asia/Shanghai", description="The court's time zone, an IANA name.")
    court: str = Field("京州市云河区人民法院", description="Name of the unit, Chinese; shown on every page and in every notice.")
    court_en: str = Field("Yunhe District People's Court, Jingzhou", description="Name of the unit, English.")
    clerk_phone: str = Field("010-5550 1200", description="Telephone of the clerks' office, shown wherever a citizen is stuck.")

    map_tiles: Path | None = Field(
        None, description="Map tiles of the site's own: a directory z/x/y.png, or one MBTiles file; empty: the map is drawn of its layers."
    )
    map_tiles_system: Literal["wgs84", "gcj02"] = Field("wgs84", description="System of coordinates in which those tiles are cut.")
    travel_minutes: int = Field(30, ge=0, le=480, description="Minutes that people and things need from one site of the court to another.")

    session_hours: float = Field(12, gt=0, le=168, description="Hours after which a member of staff signs in again.")
    lockout_failures: int = Field(5, ge=1, le=100, description="Wrong passwords in a row after which a sign-in name is locked.")
    lockout_minutes: float = Field(30, gt=0, le=1440, description="Minutes for which it stays locked.")
    link_hours: float = Field(24, gt=0, le=720, description="Hours after the planned end at which a personal link expires.")
    open_hours: float = Field(24, gt=0, le=168, description="Hours before the start from which the waiting room can be entered.")
    device_code_minutes: float = Field(60, gt=0, le=1440, description="Minutes for which a room device's one-time code is good.")

    @property
    def zone(self) -> ZoneInfo:
        """The court's time zone."""
        return ZoneInfo(self.time_zone)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone") from None
        return value
