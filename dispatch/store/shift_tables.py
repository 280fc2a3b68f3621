"""Shifts of the command centre: who is on, who has which sitting in charge, and the shift log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.base import Base, new_id, utc_now

_ON = text("left_at IS NULL")


class Duty(Base):
    """An officer's time on shift: since `came_at`, meant until `until`, over at `left_at`. Nobody is on twice at once."""

    __tablename__ = "duty"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    officer_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    came_at: Mapped[datetime] = mapped_column(default=utc_now)
    until: Mapped[datetime]
    left_at: Mapped[datetime | None]
    __table_args__ = (Index("duty_on", "officer_id", unique=True, sqlite_where=_ON, postgresql_where=_ON),)


class InCharge(Base):
    """The officer who looks after a sitting."""

    __tablename__ = "in_charge"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), primary_key=True)
    officer_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    since: Mapped[datetime] = mapped_column(default=utc_now)


class ShiftEntry(Base):
    """A line of the shift log. `act`: came, left, given, taken, handed, noted. Names stay as they were then."""

    __tablename__ = "shift_entry"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    act: Mapped[str] = mapped_column(String(8))
    by_id: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(80))
    to_name: Mapped[str] = mapped_column(String(80), default="")
    """who has the sitting since, or takes over the shift"""
    from_name: Mapped[str] = mapped_column(String(80), default="")
    """who had it before"""
    sitting: Mapped[str] = mapped_column(String(16), default="")
    text: Mapped[str] = mapped_column(Text, default="")
