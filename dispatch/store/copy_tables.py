"""Copies of recordings: who asked, for whom and why, who decided, and what was made; see :mod:`dispatch.copies`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.tables import Base, Sitting, new_id, utc_now

__all__ = ["Copy"]


class Copy(Base):
    """A copy of a recording for somebody outside of the archive. The row stays for good; the file is removed after some days.

    `state`: requested, approved (being made), ready, failed, refused, revoked, removed (:mod:`dispatch.copies.rules`). `content`: package
    (originals and film), film, span (a part of the film). `form`: folder, zip, iso. Ids of people may be those of programs, so that
    they refer to no table; names are as they were then.
    """

    __tablename__ = "recording_copy"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    year: Mapped[int] = mapped_column(Integer)
    running: Mapped[int] = mapped_column(Integer)
    """of the copies that were asked for in that year of the court, from 1"""
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="requested", index=True)
    content: Mapped[str] = mapped_column(String(8))
    form: Mapped[str] = mapped_column(String(8))
    from_s: Mapped[float | None]
    """where the span begins in the film"""
    to_s: Mapped[float | None]
    receiver: Mapped[str] = mapped_column(String(80))
    unit: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(400))
    basis: Mapped[str] = mapped_column(String(200))
    """the article of law by which it is given"""
    originals_reason: Mapped[str] = mapped_column(String(400), default="")
    """why originals are needed, which carry no watermark; "" where none are given"""
    requested_by: Mapped[str] = mapped_column(String(16), index=True)
    requested_name: Mapped[str] = mapped_column(String(80))
    requested_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_by: Mapped[str] = mapped_column(String(16), default="")
    decided_name: Mapped[str] = mapped_column(String(80), default="")
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")
    """why it was refused or revoked"""
    file: Mapped[str] = mapped_column(String(80), default="")
    """its name below the directory of copies, while it is there"""
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """of the file; of a folder, of its package.json"""
    sm3: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    """until when it can be fetched; its file is removed then"""
    fetched_at: Mapped[datetime | None]
    """for the first time"""
    fetches: Mapped[int] = mapped_column(Integer, default=0)
    revoked_name: Mapped[str] = mapped_column(String(80), default="")
    ended_at: Mapped[datetime | None]
    """when it was refused or revoked, or its file was removed"""
    sitting: Mapped[Sitting] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("year", "running"), Index("recording_copy_listed", "requested_at", "id"))

    @property
    def number(self) -> str:
        """As it is written on everything: 2026-0007."""
        return f"{self.year}-{self.running:04d}"
