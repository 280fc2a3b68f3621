"""Sittings that repeat; see :mod:`dispatch.booking.series.series`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.base import Base, new_id, utc_now


class SeriesRow(Base):
    """How a series repeats. Dates added, left out (RDATE, EXDATE) and moved are not kept here: they are what its sittings differ by from
    the rule. So whoever moves or cancels one by itself need not know of the series.
    """

    __tablename__ = "series"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    rule: Mapped[str] = mapped_column(String(500), default="")
    """RRULE (RFC 5545 section 3.3.10); "" where one date, and those added, are all"""
    starts: Mapped[str] = mapped_column(String(16))
    """DTSTART, a wall time of `zone`, ISO 8601 to the minute: it has no offset, so no column of moments takes it"""
    zone: Mapped[str] = mapped_column(String(64))
    minutes: Mapped[int] = mapped_column(Integer)
    skip_holidays: Mapped[bool] = mapped_column(default=False)
    site_id: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """by whose calendar they are holidays: that of the site at which it is held, which may have gone since; "" for the court's"""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
