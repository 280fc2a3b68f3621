"""Alerts of the command centre as tasks, and what was done about each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.base import Base, new_id, utc_now

_ON = text("ended_at IS NULL")


class Alert(Base):
    """Something that needs somebody. `code` names its words ("alert.<code>", "remedy.<code>"), `data` fills them. It is on until what it
    is about is over (`ended_at`); a task until then or until somebody closed it."""

    __tablename__ = "alert"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(8))
    """info, warning or critical"""
    sitting: Mapped[str] = mapped_column(String(16), default="", index=True)
    """id of the sitting it is about, "" for the whole site"""
    subject: Mapped[str] = mapped_column(String(64), default="")
    """what it is about within that: a participant, a disk, a task"""
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    raised_at: Mapped[datetime] = mapped_column(default=utc_now)
    again_at: Mapped[datetime | None]
    """when it came back last"""
    count: Mapped[int] = mapped_column(Integer, default=1)
    """how often it came"""
    ended_at: Mapped[datetime | None]
    owner_id: Mapped[str] = mapped_column(String(16), default="")
    owner_name: Mapped[str] = mapped_column(String(80), default="")
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(String(80), default="")
    escalated_at: Mapped[datetime | None]
    """when it had waited too long for somebody"""
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(80), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    """with which it was closed"""
    __table_args__ = (
        Index("alert_on", "code", "sitting", "subject", unique=True, sqlite_where=_ON, postgresql_where=_ON),
        Index("alert_listed", "raised_at", "id"),
    )


class AlertStep(Base):
    """A step of an alert's history, `number` from 1. `act`: raised, again, ended, taken, acknowledged, escalated, closed."""

    __tablename__ = "alert_step"
    alert_id: Mapped[str] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(String(16))
    by_id: Mapped[str] = mapped_column(String(16), default="")
    by_name: Mapped[str] = mapped_column(String(80), default="")
    """"" for the system"""
    text: Mapped[str] = mapped_column(Text, default="")
