"""The archive's tables: sealed sittings, what is made of them, what is explained of their faults."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.base import Base, new_id, utc_now
from dispatch.store.tables import Sitting


class Recording(Base):
    """A sealed sitting in the archive's catalogue. `folder` is below the recordings directory."""

    __tablename__ = "recording"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id"), primary_key=True)
    folder: Mapped[str] = mapped_column(String(200))
    sealed_at: Mapped[datetime | None]
    manifest_sha256: Mapped[str] = mapped_column(String(64), default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    composite: Mapped[str] = mapped_column(String(12), default="none")
    """none, queued, running, done, failed"""
    verified_at: Mapped[datetime | None]
    verified_ok: Mapped[bool | None]
    signed_by: Mapped[str] = mapped_column(String(200), default="")
    """subject of the certificate that signed the manifest; "" where nobody did"""
    stamped_at: Mapped[datetime | None]
    """when the time-stamping authority says that the signature was there"""
    stamp_by: Mapped[str] = mapped_column(String(200), default="")
    stamp_next_at: Mapped[datetime | None]
    """when it is asked again, after it could not be asked"""
    stamp_attempts: Mapped[int] = mapped_column(Integer, default=0)
    stamp_error: Mapped[str] = mapped_column(Text, default="")
    destroyed_at: Mapped[datetime | None]
    """when its files were destroyed; the entry stays"""
    stored_at: Mapped[datetime | None]
    """when it was put away, encrypted, into the store"""
    looked_at: Mapped[datetime | None] = mapped_column(index=True)
    """when all its originals were last digested again"""
    spoilt: Mapped[list[str]] = mapped_column(default=list)
    """which of them were not as they were sealed, or gone; empty where all was well"""
    spoilt_at: Mapped[datetime | None]
    """when that was found first"""
    sitting: Mapped[Sitting] = relationship(lazy="joined")


class Job(Base):
    """Work of the jobs process. `kind`: one of those in :mod:`dispatch.archive.work`. `state`: queued, running, done, failed."""

    __tablename__ = "job"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id"))
    subject: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """what it is about, by its id, where a sitting has several jobs of the kind; a sitting has one job of a kind and subject"""
    state: Mapped[str] = mapped_column(String(12), default="queued", index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    went_on_from: Mapped[float | None]
    """how much was made already when this attempt began"""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str] = mapped_column(String(32), default="")
    """which run of the jobs process has claimed it"""
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("kind", "sitting_id", "subject", name="job_of_subject"),)


class Explanation(Base):
    """What whoever presided says of the faults of a recording; asked for when it is sealed. `statement` is what he signed
    (:mod:`dispatch.archive.explanations`), "" until then."""

    __tablename__ = "explanation"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("recording.sitting_id", ondelete="CASCADE"), primary_key=True)
    faults: Mapped[int] = mapped_column(Integer)
    asked_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[str] = mapped_column(String(80), default="", server_default="")
    statement: Mapped[str] = mapped_column(Text, default="", server_default="")
