"""What people are told, and where their calendars look; see :mod:`dispatch.notices`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.tables import ApiToken, Base, Participant, Sitting, User, new_id, utc_now


class Outgoing:
    """What is on its way out. Written in the transaction of the act it tells of, and sent by whoever holds its lease
    (:mod:`dispatch.notices.sender`). `state`: queued, sending, sent, failed, superseded (it is so no longer, and was not sent)."""

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    state: Mapped[str] = mapped_column(String(12), default="queued")
    next_at: Mapped[datetime]
    """when it is to be tried next"""
    good_until: Mapped[datetime]
    """when it is given up: later it would be of no use"""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str] = mapped_column(String(32), default="")
    """which run of the sender is at it"""
    leased_until: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(400), default="")
    """what the other side said last, or why it was not sent"""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    settled_at: Mapped[datetime | None]
    """when it was sent, failed or was superseded"""


class Message(Outgoing, Base):
    """Something that one participant is told of one sitting by one way. Its words are made when it is sent, so that no personal link
    lies here.

    `channel`: mail, sms. `kind`: invitation, changed, link, cancelled, removed, reminder; to whoever asked for the
    booking approved, declined, lapsed; offered, a time that was waited for.
    """

    __tablename__ = "message"
    channel: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(12))
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    sequence: Mapped[int] = mapped_column(Integer)
    """of the sitting it tells of"""
    invitation_id: Mapped[str | None] = mapped_column(String(16))
    """of the personal link it brings, if any"""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """what it says of time and place, and of the former ones; of a reminder its hours"""
    newest: Mapped[bool] = mapped_column(default=False)
    """of what this participant was told by this way, reminders aside"""
    sitting: Mapped[Sitting] = relationship(lazy="raise")
    participant: Mapped[Participant] = relationship(lazy="raise")
    __table_args__ = (Index("message_due", "channel", "state", "next_at"), Index("message_listed", "created_at", "id"))


class AskerMessage(Outgoing, Base):
    """What somebody of the staff is told of a booking that he asked for: by e-mail where he takes no part in it (who takes part has a
    :class:`Message`), and by text message. `kind`: approved, declined, lapsed; offered, a time that he waited for;
    copy_…, of a copy of a recording (:mod:`dispatch.copies.telling`); destroy_ask, of a destruction (:mod:`dispatch.keeping.telling`)."""

    __tablename__ = "asker_message"
    channel: Mapped[str] = mapped_column(String(8), default="mail", server_default="mail")
    kind: Mapped[str] = mapped_column(String(12))
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """time and place, as in a :class:`Message`; of a copy its id, number, receiver and reason; of a destruction its id, number, reason, who
    proposed it and how many recordings it lists"""
    __table_args__ = (Index("asker_message_due", "state", "next_at"),)

    @classmethod
    def queued(
        cls,
        user: User,
        kind: str,
        sitting_id: str,
        detail: dict[str, Any],
        now: datetime,
        *,
        until: datetime,
        channel: str = "mail",
        address: str = "",
    ) -> Self:
        """One to be sent at once, to the user's e-mail address unless another is given, and given up at `until`."""
        return cls(
            kind=kind,
            sitting_id=sitting_id,
            user_id=user.id,
            channel=channel,
            address=address or user.email,
            detail=detail,
            state="queued",
            attempts=0,
            next_at=now,
            good_until=until,
            created_at=now,
        )


class CalendarFeed(Base):
    """Sittings that a calendar program fetches by a secret address, as its owner may see them: a member of the staff, or a program that
    made it by the API. `kind`: "person" (his own), "room" (`target` is its id), "site" (`target` is the site's name, "" for all rooms). The
    token is kept as that of an :class:`~dispatch.store.tables.Invitation` is; a feed that is revoked is gone."""

    __tablename__ = "calendar_feed"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    program_id: Mapped[str | None] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    target: Mapped[str] = mapped_column(String(80), default="")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_sealed: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    used_at: Mapped[datetime | None]
    user: Mapped[User | None] = relationship(lazy="joined")
    program: Mapped[ApiToken | None] = relationship(lazy="joined")
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "target"),
        UniqueConstraint("program_id", "kind", "target"),
        CheckConstraint("(user_id IS NULL) <> (program_id IS NULL)"),
    )

    @property
    def owner_id(self) -> str:
        """Of the member of the staff or the program."""
        return self.user_id or self.program_id or ""

    @property
    def language(self) -> str:
        """In which it speaks: its reader's; what a program fetches is read by people of the court."""
        return self.user.language if self.user is not None else "zh-CN"

    def role(self, now: datetime) -> str | None:
        """As whom it looks; None where its owner is nobody here any more."""
        if self.user is not None:
            return self.user.role if self.user.active else None
        good = self.program is not None and self.program.revoked_at is None and self.program.expires_at > now
        return self.program.role if self.program is not None and good else None


class ImportKey(Base):
    """A row of a file that was imported: the hash of its key, so that it is imported once (:mod:`dispatch.exchange.importing`)."""

    __tablename__ = "import_key"
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ImportDraft(Base):
    """A file that was sent to be imported, and what became of its rows (:mod:`dispatch.exchange.drafts`). `owner`: the id of who sent it,
    a user or a program. `rows`: number and texts of each; `judged`: state, errors and sitting of each, as of `judged_at`. `state`:
    preview, booked. Forgotten after a day: it holds names and telephone numbers."""

    __tablename__ = "import_draft"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    owner: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(200))
    rows: Mapped[list[Any]] = mapped_column(JSON)
    judged: Mapped[list[Any]] = mapped_column(JSON)
    chair_id: Mapped[str] = mapped_column(String(16))
    clerk_id: Mapped[str] = mapped_column(String(16))
    override_reason: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(8), default="preview")
    created_at: Mapped[datetime] = mapped_column(index=True)
    judged_at: Mapped[datetime]


class Webhook(Base):
    """A program that is told of events by HTTP. `events`: names of :data:`dispatch.notices.webhooks.EVENTS`. The secret is sealed, as we
    sign with it; it is shown once."""

    __tablename__ = "webhook"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(400))
    events: Mapped[list[str]] = mapped_column(JSON)
    secret_sealed: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class WebhookDelivery(Outgoing, Base):
    """One event on its way to one program."""

    __tablename__ = "webhook_delivery"
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    body: Mapped[dict[str, Any]]
    webhook: Mapped[Webhook] = relationship(lazy="joined")
    __table_args__ = (Index("webhook_due", "state", "next_at"), Index("webhook_listed", "webhook_id", "created_at"))
