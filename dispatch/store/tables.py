"""The tables of people, sittings and who takes part; the others stand beside it. Times are UTC (:class:`UtcDateTime`); ids are random and
say nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.base import Base, UtcDateTime, new_id, utc_now
from dispatch.store.resources import (
    MEANS,
    Booking,
    CalendarDay,
    Closure,
    CourtSite,
    Hold,
    Resource,
    Room,
    SiteDay,
    SittingTemplate,
    keep_in_step,
)
from dispatch.store.series_tables import SeriesRow

__all__ = [
    "ApiToken",
    "AuditRow",
    "Base",
    "Booking",
    "Browser",
    "CalendarDay",
    "Case",
    "Closure",
    "CourtSite",
    "Hold",
    "Invitation",
    "OrderKey",
    "Participant",
    "ProcedureVersion",
    "QualityHour",
    "Resource",
    "Room",
    "RoomDevice",
    "SeriesRow",
    "Session",
    "SiteDay",
    "Sitting",
    "SittingApart",
    "SittingTemplate",
    "UnknownName",
    "User",
    "UtcDateTime",
    "new_id",
    "utc_now",
]


class User(Base):
    """Who signs in. `role`: clerk, judge, prosecutor, officer, administrator, or field for those who are sent out."""

    __tablename__ = "user"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    sign_in_name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    rank: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """of an officer of the command centre: watch, lead, command; "" for everybody else"""
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    """of the newest attempt that was counted"""
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(8), default="zh-CN")
    theme: Mapped[str] = mapped_column(String(8), default="light", server_default="light")
    """of the office pages: light or dark"""
    text: Mapped[str] = mapped_column(String(8), default="normal", server_default="normal")
    """size: normal or large"""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class UnknownName(Base):
    """Failures to sign in with a name that nobody has: locked like a real one, so that the refusal tells no stranger which
    names exist. Forgotten after the lock-out."""

    __tablename__ = "unknown_name"
    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None]
    failed_at: Mapped[datetime] = mapped_column(index=True)


class Session(Base):
    """A signed-in browser, revocable. The cookie holds a random token; only its SHA-256 is kept."""

    __tablename__ = "session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="")
    user: Mapped[User] = relationship(lazy="joined")


class ApiToken(Base):
    """A program's bearer token for the API: it acts under its own name in one role. Only the token's SHA-256 is kept."""

    __tablename__ = "api_token"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    """of the program, as the audit log names it"""
    role: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RoomDevice(Base):
    """A room's own fixed device: signs in with a code shown once to the clerk, revocable. Only the hash is kept."""

    __tablename__ = "room_device"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    code_expires_at: Mapped[datetime | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    enrolled_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    room: Mapped[Room] = relationship(lazy="joined")


class Case(Base):
    """A case; its number is as on paper, for instance （2026）京0105刑初1024号."""

    __tablename__ = "case"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Sitting(Base):
    """What takes place in a booking. `status` is a projection of the event log: planned, open, live, recess, closed, cancelled.

    `log_seq` is the row the projection has reached.
    """

    __tablename__ = "sitting"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20), default="remote_court")
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"))
    title: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12), default="planned", index=True)
    log_seq: Mapped[int] = mapped_column(Integer, default=0)
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    cancel_reason: Mapped[str] = mapped_column(String(200), default="")
    received_at: Mapped[datetime | None]
    """when its matter was received, where another sitting broke off before this one; the clocks of the replies run from it"""
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    watcher_ids: Mapped[str] = mapped_column(String(400), default="", server_default="")
    """officers who are named to watch it, where only those may; ids with a blank between them"""
    sequence: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """of its entry in people's calendars, see :meth:`revise`"""
    revised_at: Mapped[datetime | None]
    series_id: Mapped[str | None] = mapped_column(ForeignKey("series.id"))
    """of the series that it is one of, if any"""
    occurrence: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """which of them (RECURRENCE-ID): the wall time at which the rule puts it, wherever it was moved since"""
    withheld_at: Mapped[datetime | None]
    """since when its juvenile record is sealed: it is in no list and no search, and for whoever has not opened it it does not exist
    (:mod:`dispatch.sittings.withheld`)"""
    __table_args__ = (Index("sitting_of_series", "series_id", "occurrence"),)
    case: Mapped[Case] = relationship(lazy="joined")
    bookings: Mapped[list[Booking]] = relationship(lazy="selectin", back_populates="sitting", cascade="all, delete-orphan")
    participants: Mapped[list[Participant]] = relationship(
        primaryjoin="and_(Participant.sitting_id == Sitting.id, Participant.removed_at.is_(None))",
        lazy="selectin",
        back_populates="sitting",
        order_by="Participant.position",
    )
    apart: Mapped[list[SittingApart]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="SittingApart.one_id, SittingApart.other_id"
    )

    @property
    def booking(self) -> Booking:
        """Its time, its resources, and how firm they are. A sitting has one booking in this version."""
        return self.bookings[0]

    @property
    def rooms(self) -> list[Room]:
        """The booked rooms, in order."""
        return [hold.room for booking in self.bookings for hold in booking.holds if hold.room is not None]

    def is_in(self, room_id: str) -> bool:
        """Whether it is held in that room, among others, and was not cancelled."""
        return any(hold.resource_id == room_id for booking in self.bookings if booking.active for hold in booking.holds)

    @property
    def room(self) -> Room:
        """The first of the booked rooms: where the bench sits."""
        return self.rooms[0]

    def revise(self, now: datetime) -> None:
        """Time or place were changed, or it was cancelled: calendars follow what has the higher number (RFC 5545 section 3.8.7.4)."""
        self.sequence += 1
        self.revised_at = now

    @property
    def equipment(self) -> list[Resource]:
        """Equipment that was booked with it, slots of a custody place, interpreters and judicial police, in order."""
        return [hold.resource for booking in self.bookings for hold in booking.holds if hold.resource.kind in MEANS]


class OrderKey(Base):
    """A booking that a program may send twice and that is made once (header Idempotency-Key). `owner` is who sent it, a user
    or a program; `fingerprint` tells the same order from another one under the same key. Forgotten after a day."""

    __tablename__ = "order_key"
    owner: Mapped[str] = mapped_column(String(16), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(index=True)


class CreationKey(Base):
    """The same for what is no sitting: `made_id` is what was made, which may be gone since."""

    __tablename__ = "creation_key"
    owner: Mapped[str] = mapped_column(String(16), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    made_id: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(index=True)


class Participant(Base):
    """One person in one sitting, in one role of the procedure. Staff have a `user_id` and enter from their own page.

    `seat`: "link" (joins by a personal link) or "room" (sits at the booked room's own device).
    """

    __tablename__ = "participant"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20))
    presides: Mapped[bool] = mapped_column(default=False, server_default=false())
    """a sitting has one who does"""
    minor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """under 18"""
    guards_id: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """of a guardian: the participant whose guardian he is"""
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    """of somebody who is none of the staff; theirs is with their account"""
    seat: Mapped[str] = mapped_column(String(8), default="link")
    position: Mapped[int] = mapped_column(Integer, default=0)
    device_check: Mapped[dict[str, Any] | None]
    device_checked_at: Mapped[datetime | None]
    consented_at: Mapped[datetime | None]
    consent_version: Mapped[str] = mapped_column(String(20), default="")
    consent_sha256: Mapped[str] = mapped_column(String(64), default="")
    """of the very words that were consented to"""
    consent_device: Mapped[str] = mapped_column(String(200), default="")
    removed_at: Mapped[datetime | None]
    """taken out of the sitting by the clerk; the row stays, so that the link can say so"""
    sitting: Mapped[Sitting] = relationship(back_populates="participants")
    user: Mapped[User | None] = relationship(lazy="joined")
    invitations: Mapped[list[Invitation]] = relationship(
        lazy="selectin", back_populates="participant", cascade="all, delete-orphan", order_by="Invitation.created_at"
    )


class AgreedWords(Base):
    """A text to which somebody consented, as it was shown to him; a participant's `consent_sha256` names it. It says nothing of anybody,
    and is the same for all who read that version in that language: so it stays when a sitting goes."""

    __tablename__ = "agreed_words"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class ProcedureVersion(Base):
    """A version of a kind of sitting that the unit has adopted, or had; of each kind at most one is `adopted`. `text`: the file."""

    __tablename__ = "procedure_version"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20), index=True)
    version: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(default=utc_now)
    adopted: Mapped[bool]


class SittingApart(Base):
    """Two participants of a sitting who must not see or hear each other, the lesser id first."""

    __tablename__ = "sitting_apart"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), primary_key=True)
    one_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True)


class Invitation(Base):
    """A personal link. Reusable until the sitting closes, revocable, expiring.

    The token is a secret: the lookup goes by its SHA-256, and `token_sealed` (AES-GCM under the installation's key) lets
    the clerk show the same link and QR code again.
    """

    __tablename__ = "invitation"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    participant: Mapped[Participant] = relationship(back_populates="invitations")


class Browser(Base):
    """A browser that opened a link or enters as staff or device: its resume secret (HttpOnly cookie) by hash, and its endpoint id."""

    __tablename__ = "browser"
    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(32), unique=True)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    room_device_id: Mapped[str | None] = mapped_column(ForeignKey("room_device.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(8), default="zh-CN")
    device: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class AuditRow(Base):
    """Append-only, hash-chained (:mod:`dispatch.audit`): who, what, when, from where, result."""

    __tablename__ = "audit"
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    actor_id: Mapped[str] = mapped_column(String(16), default="")
    action: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    result: Mapped[str] = mapped_column(String(20))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class QualityHour(Base):
    """How well a participant was connected in one hour of a sitting and one direction ("up": to the court, "down"). `begins_at`: the hour.
    `steps` of five seconds, of which `good` … `bad` were so; `spread`: how the figures were distributed and over which paths
    (:mod:`rooms.hours`). A row grows while its hour lasts; it goes with its sitting."""

    __tablename__ = "quality_hour"
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), primary_key=True)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), primary_key=True, index=True)
    direction: Mapped[str] = mapped_column(String(4), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    steps: Mapped[int] = mapped_column(Integer)
    good: Mapped[int] = mapped_column(Integer)
    fair: Mapped[int] = mapped_column(Integer)
    poor: Mapped[int] = mapped_column(Integer)
    bad: Mapped[int] = mapped_column(Integer)
    freezes: Mapped[int] = mapped_column(Integer)
    frozen_ms: Mapped[int] = mapped_column(Integer)
    spread: Mapped[dict[str, Any]]


keep_in_step(User, "person")
