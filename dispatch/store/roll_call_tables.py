"""Roll-calls of the centre; see :mod:`dispatch.console.roll_call`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.tables import Base, new_id, utc_now

__all__ = ["RollCallGroup", "RollCallRow"]


class RollCallRow(Base):
    """A roll-call with everybody on it, in order. `state`: calling, paused, ended."""

    __tablename__ = "roll_call"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    limit_s: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(8), index=True)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """as :class:`dispatch.console.roll_call.rules.Line`, times in RFC 3339"""
    started_at: Mapped[datetime] = mapped_column(index=True)
    started_name: Mapped[str] = mapped_column(String(80))
    ended_at: Mapped[datetime | None]


class RollCallGroup(Base):
    """Rooms and teams that are called together, under a name, for all officers."""

    __tablename__ = "roll_call_group"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    members: Mapped[list[str]] = mapped_column(JSON)
    """"room/<id>" or "team/<id>", in the order in which they are called"""
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)
