"""Teams in the field: who belongs to which, where their people are, their tasks, each step of a task, and its files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.store.base import Base, new_id, utc_now
from dispatch.store.tables import Case, User


class Team(Base):
    """A team that can be sent out. One that is no longer `active` is sent nowhere; its tasks of the past stay."""

    __tablename__ = "team"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(80), default="")
    area: Mapped[str] = mapped_column(String(120), default="")
    """where it is at home, in words"""
    phone: Mapped[str] = mapped_column(String(40), default="")
    position: Mapped[int] = mapped_column(Integer, default=0)
    """its place in lists"""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    members: Mapped[list[TeamMember]] = relationship(lazy="selectin", order_by="TeamMember.leads.desc(), TeamMember.user_id")


class TeamMember(Base):
    """Somebody with an account of role "field", in one team. `duty`: "officer" or "grid_worker"; `leads`: he acts for the whole team."""

    __tablename__ = "team_member"
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id"), index=True)
    duty: Mapped[str] = mapped_column(String(12))
    leads: Mapped[bool] = mapped_column(default=False, server_default=false())
    agreed_at: Mapped[datetime | None]
    """since when he agrees that his position is sent while a task is under way; None: he does not"""
    user: Mapped[User] = relationship(lazy="joined")


class FieldPosition(Base):
    """Where somebody was last, in WGS-84 degrees. Only the last is kept: nobody's ways are recorded."""

    __tablename__ = "field_position"
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    latitude: Mapped[float] = mapped_column(Double)
    longitude: Mapped[float] = mapped_column(Double)
    accuracy_m: Mapped[float] = mapped_column(Double)
    at: Mapped[datetime]
    """when the phone found it"""


class FieldTask(Base):
    """A task for a team, or for one of its people. `state`: see :mod:`dispatch.console.field.tasks`; `steps` counts those of its log."""

    __tablename__ = "field_task"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    year: Mapped[int] = mapped_column(Integer)
    running: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(String(200))
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("case.id"), index=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user.id"))
    """for whom it is; None: for anybody of the team"""
    state: Mapped[str] = mapped_column(String(12), index=True)
    deadline: Mapped[datetime] = mapped_column(index=True)
    steps: Mapped[int] = mapped_column(Integer, default=0)
    created_by: Mapped[str] = mapped_column(String(16))
    created_name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
    """to the team that has it now"""
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[str] = mapped_column(String(16), default="")
    signed_name: Mapped[str] = mapped_column(String(80), default="")
    arrived_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """when it was closed or cancelled"""
    urged_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    """when the centre was alarmed that it is overdue"""
    team: Mapped[Team] = relationship(lazy="joined")
    user: Mapped[User | None] = relationship(lazy="joined")
    case: Mapped[Case | None] = relationship(lazy="joined")
    __table_args__ = (UniqueConstraint("year", "running"), Index("field_task_listed", "created_at", "id"))

    @property
    def number(self) -> str:
        """As it is written on everything: 2026-0007."""
        return f"{self.year}-{self.running:04d}"


class FieldStep(Base):
    """A step of a task: who, when, where. Append-only: the database refuses to change or remove one."""

    __tablename__ = "field_step"
    task_id: Mapped[str] = mapped_column(ForeignKey("field_task.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """within its task, from 1"""
    at: Mapped[datetime]
    """when the server took it"""
    done_at: Mapped[datetime]
    """when it was done: earlier, where a phone had no connection, by that phone's clock"""
    by_id: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(80))
    act: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    """of the task afterwards"""
    text: Mapped[str] = mapped_column(Text, default="")
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    accuracy_m: Mapped[float | None] = mapped_column(Double)
    key: Mapped[str | None] = mapped_column(String(64))
    """by which whoever did it names it: sent twice, it is done once"""
    __table_args__ = (UniqueConstraint("by_id", "key"),)


class FieldFile(Base):
    """A file of a task: material that goes out with it, or what was brought from the field with step `step`. It arrives in parts;
    `received` of `bytes` are there. Below :attr:`dispatch.settings.Settings.field_files` it has its id as name."""

    __tablename__ = "field_file"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    task_id: Mapped[str] = mapped_column(ForeignKey("field_task.id"), index=True)
    step: Mapped[int | None] = mapped_column(Integer)
    """None: material, or what waits for its report"""
    purpose: Mapped[str] = mapped_column(String(8))
    """material, or a report"""
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40), default="")
    """by what is in it, once it is whole"""
    bytes: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64))
    by_id: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    whole_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("by_id", "key"),)
