"""Layers of the map: what the centre draws on it; see :mod:`dispatch.console.map`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.tables import Base, new_id, utc_now

__all__ = ["MapLayer"]


class MapLayer(Base):
    """What is drawn together and shown or hidden together: rivers, heritage sites, polluters, boundaries."""

    __tablename__ = "map_layer"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(80), default="")
    glyph: Mapped[str] = mapped_column(String(12))
    """how its points look (:data:`dispatch.console.map.layers.GLYPHS`)"""
    colour: Mapped[str] = mapped_column(String(8))
    """a word of :data:`dispatch.console.map.layers.COLOURS`"""
    position: Mapped[int] = mapped_column(Integer, default=0)
    """the layer with the smallest lies lowest"""
    visible: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    """counts what was saved, so that nobody overwrites what he has not seen"""
    features: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """GeoJSON features (RFC 7946), in WGS-84"""
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_name: Mapped[str] = mapped_column(String(80))
