"""Walls of the command centre: one of each officer, and the screens of the room; presets. See :mod:`dispatch.console.wall`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.tables import Base, new_id, utc_now

__all__ = ["Preset", "Wall"]


class Wall(Base):
    """What one wall shows, so that it shows the same after a restart: an officer's own (`owner_id`) or a screen of the room (`number`).

    A screen signs in by a code that is shown once, as a room's device does; only hashes are kept. `answers`: for each sitting that it
    names, the officer (user, name) who put it there: it is watched in his name.
    """

    __tablename__ = "wall"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)
    number: Mapped[int | None] = mapped_column(Integer, unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    arrangement: Mapped[dict[str, Any]]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_expires_at: Mapped[datetime | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    enrolled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Preset(Base):
    """An arrangement with a name (预案), for all officers. `key`: the digit that calls it, "" for none."""

    __tablename__ = "wall_preset"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    key: Mapped[str] = mapped_column(String(1), default="")
    arrangement: Mapped[dict[str, Any]]
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
