"""How much space there was, day by day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.store.base import Base


class SpaceSample(Base):
    """The last look at a disk on one day. `place`: "recordings" or "store"; `day`: ISO date in the court's zone."""

    __tablename__ = "space_sample"
    place: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    at: Mapped[datetime]
    total: Mapped[int] = mapped_column(BigInteger)
    free: Mapped[int] = mapped_column(BigInteger)
