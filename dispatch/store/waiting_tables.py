"""Sittings that wait for a time, the lists that are made of them, and who waits for a time that is taken."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.tables import Base, Sitting, new_id, utc_now


class WaitingSitting(Base):
    """A sitting that has no time yet (排期). Days are local. `chair_id`, `clerk_id`, `prosecutor_id`: an id, "any" for any of them, or
    empty. Once it is booked `sitting_id` says as what."""

    __tablename__ = "waiting"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20), default="remote_court")
    case_number: Mapped[str] = mapped_column(String(80))
    case_title: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(200), default="")
    minutes: Mapped[int] = mapped_column(Integer, default=60)
    chair_id: Mapped[str] = mapped_column(String(16), default="")
    clerk_id: Mapped[str] = mapped_column(String(16), default="")
    prosecutor_id: Mapped[str] = mapped_column(String(16), default="")
    participants: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """rows of the form: name, role, phone, seat, email, and who guards whom"""
    apart: Mapped[list[list[str]]] = mapped_column(JSON, default=list, server_default="[]")
    """pairs of who must not see or hear whom, by the keys of the rows"""
    room_kind: Mapped[str] = mapped_column(String(20), default="")
    seats: Mapped[int] = mapped_column(Integer, default=0)
    features: Mapped[list[str]] = mapped_column(default=list)
    equipment: Mapped[list[str]] = mapped_column(default=list)
    """ids of equipment and custody slots, all of which are needed"""
    priority: Mapped[int] = mapped_column(Integer, default=1)
    """1 to 9; 9 goes first"""
    not_before: Mapped[date | None]
    deadline: Mapped[date | None]
    """the last day on which it may be held"""
    part: Mapped[str] = mapped_column(String(12), default="")
    """preferred part of the day: "", morning, afternoon"""
    required: Mapped[bool] = mapped_column(default=False)
    """a list without it is none"""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sitting_id: Mapped[str | None] = mapped_column(ForeignKey("sitting.id", ondelete="SET NULL"))
    former_id: Mapped[str | None] = mapped_column(String(16))
    """the sitting that broke off, and that this one is held instead of"""
    received_at: Mapped[datetime | None]
    """when its matter was received, where a sitting broke off before"""
    __table_args__ = (Index("waiting_open", "sitting_id", "created_at"), Index("waiting_former", "former_id", unique=True))


class Listing(Base):
    """A list of some days that is proposed. `state`: queued, running, done, stopped, failed, interrupted (the server ended meanwhile; it
    can be run again). What is wished, how far it is, and what is proposed are documents of :mod:`dispatch.booking.listing.week`."""

    __tablename__ = "listing"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    first: Mapped[date]
    last: Mapped[date]
    rooms: Mapped[list[str]] = mapped_column(default=list)
    """ids; none: all"""
    state: Mapped[str] = mapped_column(String(12), default="queued")
    wishes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    proposal: Mapped[dict[str, Any]] = mapped_column(default=dict)
    owner: Mapped[str] = mapped_column(String(16), default="")
    """the server that has it under way, "" before one took it"""
    leased_until: Mapped[datetime | None]
    """until then its owner is taken to be alive; it says so again each few seconds"""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    asked_by: Mapped[str] = mapped_column(String(16), default="")
    """id of the user or program whose list it is: of those who are no administrators it alone may change and confirm it"""
    note: Mapped[str] = mapped_column(String(200), default="")
    stop_wanted: Mapped[bool] = mapped_column(default=False)
    """whoever has it under way is to end with what is found by now"""
    confirmed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """what was answered to those who confirmed it under a key, by an id of the answer (:mod:`dispatch.booking.listing.confirming`)"""
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    ended_at: Mapped[datetime | None]


class AskedFor(Base):
    """Somebody waits for a time of a room that is taken. `state`: waiting, offered (a tentative booking holds it until `held_until`),
    taken (confirmed), passed (not confirmed in time, or declined), over (the time has come), withdrawn. `draft`: the form as typed."""

    __tablename__ = "asked_for"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    resource_id: Mapped[str] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    sitting_id: Mapped[str | None] = mapped_column(ForeignKey("sitting.id", ondelete="SET NULL"))
    held_until: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sitting: Mapped[Sitting | None] = relationship(lazy="joined")
    __table_args__ = (Index("asked_for_next", "state", "resource_id", "starts_at"),)
