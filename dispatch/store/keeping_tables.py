"""What is kept of how long recordings are kept: classes, legal holds, juvenile records that are sealed, and destructions.

People are kept as names and ids, not as references: what they did stays when their account goes, and a program has none.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.archive_tables import Recording
from dispatch.store.tables import Base, new_id, utc_now


class RetentionDefault(Base):
    """Which class a recording of a kind of sitting has at first, where an administrator said so."""

    __tablename__ = "retention_default"
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    retention: Mapped[str] = mapped_column(String(12))
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


class Keeping(Base):
    """How long one recording is kept. `counted_from`: the day on which its case was closed or filed, local; None: the day of sealing.
    `minor_left_open`: why its juvenile record was not sealed though a minor took part, "" where nobody has said."""

    __tablename__ = "keeping"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("recording.sitting_id", ondelete="CASCADE"), primary_key=True)
    retention: Mapped[str] = mapped_column(String(12))
    counted_from: Mapped[date | None]
    minor_left_open: Mapped[str] = mapped_column(String(400), default="", server_default="")
    revision: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class LegalHold(Base):
    """A hold on one recording (`sitting_id`) or on all of a case (`case_id`), those that are still to come too. It is in force
    until `lifted_at`."""

    __tablename__ = "legal_hold"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    sitting_id: Mapped[str | None] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("case.id", ondelete="CASCADE"), index=True)
    reference: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(400))
    placed_by: Mapped[str] = mapped_column(String(80))
    placed_by_id: Mapped[str] = mapped_column(String(16))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str] = mapped_column(String(80), default="")
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str] = mapped_column(String(400), default="")


class JuvenileSeal(Base):
    """One time that a sitting's juvenile record was sealed, and opened again. That it is sealed now says `Sitting.withheld_at`."""

    __tablename__ = "juvenile_seal"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    ground: Mapped[str] = mapped_column(String(400))
    sealed_by: Mapped[str] = mapped_column(String(80))
    sealed_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(80), default="")
    opened_at: Mapped[datetime | None]
    open_ground: Mapped[str] = mapped_column(String(400), default="")


class JuvenileLook(Base):
    """A look at a sealed juvenile record by one person, on a ground that he stated, until a moment."""

    __tablename__ = "juvenile_look"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    ground: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime]
    until: Mapped[datetime]
    __table_args__ = (Index("juvenile_look_of", "user_id", "sitting_id"),)


class KeepingRight(Base):
    """What an administrator lets one person do. `power`: one of :data:`dispatch.keeping.rules.POWERS`."""

    __tablename__ = "keeping_right"
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    power: Mapped[str] = mapped_column(String(12), primary_key=True)
    given_by: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime]


class Destruction(Base):
    """A list of recordings that are to be destroyed. `state`: see :data:`dispatch.keeping.rules.NEXT`. `order_reference`: of the
    order of a court that takes the place of expiry, "" where there is none. `certificate`: the canonical JSON that was signed."""

    __tablename__ = "destruction"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    year: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    running: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """of the destructions that were proposed in that year of the court, from 1"""
    state: Mapped[str] = mapped_column(String(12), default="proposed", index=True)
    reason: Mapped[str] = mapped_column(String(400))
    order_reference: Mapped[str] = mapped_column(String(80), default="")
    proposed_by: Mapped[str] = mapped_column(String(80))
    proposed_by_id: Mapped[str] = mapped_column(String(16))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(80), default="")
    approved_by_id: Mapped[str] = mapped_column(String(16), default="")
    approved_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    stopped_by: Mapped[str] = mapped_column(String(80), default="")
    stopped_at: Mapped[datetime | None]
    stop_reason: Mapped[str] = mapped_column(String(400), default="")
    done_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(400), default="")
    """why it does not go on, "" where it does"""
    certificate: Mapped[str] = mapped_column(Text, default="")
    items: Mapped[list[DestructionItem]] = relationship(
        lazy="selectin", back_populates="destruction", cascade="all, delete-orphan", order_by="DestructionItem.position"
    )

    @property
    def number(self) -> str:
        """As it is written on everything: 2026-0007."""
        return f"{self.year}-{self.running:04d}"


class DestructionItem(Base):
    """One recording of the list. `state`: listed, begun (from here on it can only be gone on with), destroyed, kept (`kept_why`: the
    rule that forbade it at that moment). `files` were taken down before the first of them was removed."""

    __tablename__ = "destruction_item"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    destruction_id: Mapped[str] = mapped_column(ForeignKey("destruction.id", ondelete="CASCADE"))
    sitting_id: Mapped[str] = mapped_column(ForeignKey("recording.sitting_id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12), default="listed")
    kept_why: Mapped[str] = mapped_column(String(40), default="")
    retention: Mapped[str] = mapped_column(String(12), default="")
    expired_on: Mapped[date | None]
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    destroyed_at: Mapped[datetime | None]
    destruction: Mapped[Destruction] = relationship(back_populates="items")
    recording: Mapped[Recording] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("destruction_id", "sitting_id"),)
