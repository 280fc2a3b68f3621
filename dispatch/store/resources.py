"""What can be booked, and what is booked: sites, resources, closures, bookings and their holds.

A *booking* is the span that a sitting takes, a *hold* one resource held for it, with the resource's set-up and clear-up. No
two active holds of a resource have a moment in common: the database itself sees to that (an exclusion constraint on
PostgreSQL, a trigger on SQLite; migration 0006).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Double, ForeignKey, Index, Integer, String, delete, event, insert, inspect, text, update
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from dispatch.store.base import Base, new_id

MEANS = ("equipment", "custody", "interpreter", "police")
"""Kinds of what a sitting may hold beside rooms and staff."""
TRAVELS = ("person", "equipment", "interpreter", "police")
"""Kinds that need their time between two sites."""

if TYPE_CHECKING:
    from dispatch.store.tables import Sitting


class CourtSite(Base):
    """A building of the court, or a place outside it that has rooms, equipment or custody slots (a detention house)."""

    __tablename__ = "site"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(80), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)
    hours: Mapped[dict[str, Any] | None]
    """weekly working hours of what is there; null: the court's"""
    zone: Mapped[str | None] = mapped_column(String(64))
    """whose clock its hours are by, as Europe/Berlin; null: the court's"""
    latitude: Mapped[float | None] = mapped_column(Double)
    """where it stands on the map, degrees in WGS-84; null, like its longitude: not known"""
    longitude: Mapped[float | None] = mapped_column(Double)


class Resource(Base):
    """Something that one sitting at a time can have. `kind`: room, person (a member of the staff), equipment, custody (one slot of a
    detention house), interpreter, police (judicial police); the last two have no account, and are booked by name.

    A room's and a staff member's has the id of the room or user, and is made and renamed with it (:func:`keep_in_step`).
    """

    __tablename__ = "resource"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(12), index=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80), default="")
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)
    before_minutes: Mapped[int] = mapped_column(Integer, default=0)
    """set-up: held so long before a sitting"""
    after_minutes: Mapped[int] = mapped_column(Integer, default=0)
    """clear-up: held so long after it"""
    hours: Mapped[dict[str, Any] | None]
    """weekly working hours; null: those of its site"""
    needs_approval: Mapped[bool] = mapped_column(default=False)
    """whoever books it asks for it"""
    booked_by: Mapped[list[str] | None]
    """roles that may book it, others ask; null: every role that books"""
    features: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """what it has to offer (:data:`dispatch.booking.catalogue.features.FEATURES`)"""
    room_kind: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """of a room, as in its own row; empty for everything else"""
    photo: Mapped[str] = mapped_column(String(80), default="", server_default="")
    """name of the file below the directory of photos; empty: there is none"""
    revision: Mapped[int] = mapped_column(Integer, default=1)
    """goes up, in the same transaction, with every change of its holds, closures or hours"""
    site: Mapped[CourtSite | None] = relationship(lazy="joined")


class Room(Base):
    """A function room. `kind`: court, intake, hearing, round_table, interrogation, virtual."""

    __tablename__ = "room"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(80), default="")
    kind: Mapped[str] = mapped_column(String(20))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"))
    capacity: Mapped[int] = mapped_column(Integer, default=6)
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)
    at: Mapped[CourtSite | None] = relationship(lazy="joined")

    @property
    def site(self) -> str:
        """Name of the building or place, "" where none is known."""
        return self.at.name if self.at is not None else ""


class Closure(Base):
    """A span in which a resource, or a whole site, cannot be had. `kind`: closed, maintenance, leave."""

    __tablename__ = "closure"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    resource_id: Mapped[str | None] = mapped_column(ForeignKey("resource.id", ondelete="CASCADE"), index=True)
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(200), default="")


class CalendarDay(Base):
    """A day that is not what its weekday says. `kind`: holiday, or working (a weekend's day that makes up for a holiday)."""

    __tablename__ = "calendar_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(80), default="")
    works_like: Mapped[int | None] = mapped_column(Integer)
    """weekday whose hours a working day has, 0 for Monday; null: the nearest"""


class SiteDay(Base):
    """The same for one site: there it stands in the place of what the court's calendar says of the day."""

    __tablename__ = "site_day"
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(80), default="")
    works_like: Mapped[int | None] = mapped_column(Integer)


class Booking(Base):
    """The span [starts_at, ends_at) that a sitting takes.

    `state`: tentative (lapses at `held_until` unless confirmed), requested (a room asks for approval), confirmed, cancelled.
    """

    __tablename__ = "booking"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    sitting_id: Mapped[str] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default="confirmed")
    held_until: Mapped[datetime | None]
    override_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """why it is outside working hours, on a day off or at short notice; empty: it is not"""
    sitting: Mapped[Sitting] = relationship(back_populates="bookings")
    holds: Mapped[list[Hold]] = relationship(
        lazy="selectin", back_populates="booking", cascade="all, delete-orphan", order_by="Hold.position, Hold.resource_id"
    )
    __table_args__ = (
        Index(
            "booking_held_until",
            "held_until",
            sqlite_where=text("state = 'tentative'"),
            postgresql_where=text("state = 'tentative'"),
        ),
    )

    @property
    def active(self) -> bool:
        """Whether it was not cancelled."""
        return self.state != "cancelled"


class Hold(Base):
    """A resource held for a booking during [starts_at, ends_at), set-up and clear-up in it. `position`: of the rooms first,
    the order in which they were named. While it is `active` nobody else has the resource; it is not once the sitting was
    cancelled or has closed, or the tentative booking lapsed. At most two days long (a constraint), so that whoever looks for
    what overlaps need not look far back."""

    __tablename__ = "hold"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    booking_id: Mapped[str] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"), index=True)
    resource_id: Mapped[str] = mapped_column(ForeignKey("resource.id"))
    position: Mapped[int] = mapped_column(Integer, default=0)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True)
    booking: Mapped[Booking] = relationship(back_populates="holds")
    resource: Mapped[Resource] = relationship(lazy="joined")
    room: Mapped[Room | None] = relationship(
        lazy="joined", primaryjoin="foreign(Hold.resource_id) == Room.id", viewonly=True, uselist=False, innerjoin=False
    )
    __table_args__ = (Index("hold_span", "resource_id", "starts_at", "ends_at"),)


class SittingTemplate(Base):
    """What the form of a sitting is filled with to begin with. `kind`: of the sitting. `roles`: one row of the form each; `means`: ids of
    further rooms, equipment and custody slots; `room_kind`: what suits, "" for any room."""

    __tablename__ = "sitting_template"
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    name_en: Mapped[str] = mapped_column(String(80), default="")
    kind: Mapped[str] = mapped_column(String(20))
    minutes: Mapped[int] = mapped_column(Integer)
    room_kind: Mapped[str] = mapped_column(String(20), default="")
    roles: Mapped[list[str]]
    means: Mapped[list[str]]
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)


def keep_in_step(table: type[Base], kind: str) -> None:
    """Have each row of `table` (rooms, users) be a resource of that kind, with its id and name: made, renamed and taken out of use
    with it, whoever does it."""
    resources = Base.metadata.tables[Resource.__tablename__]

    def named(row: Any) -> dict[str, Any]:
        if kind != "room":  # who works in the field is sent there by his task, not booked into a room
            return {"name": row.name, "active": row.active and row.role != "field"}
        shared = {"name": row.name, "active": row.active}
        return shared | {"name_en": row.name_en, "position": row.position, "site_id": row.site_id, "room_kind": row.kind}

    @event.listens_for(table, "after_insert")
    def made(_mapper: Mapper[Any], connection: Connection, row: Any) -> None:
        connection.execute(insert(Resource).values(id=row.id, kind=kind, **named(row)))

    @event.listens_for(table, "after_update")
    def changed(_mapper: Mapper[Any], connection: Connection, row: Any) -> None:
        shared = named(row)
        own = {"kind" if name == "room_kind" else name for name in shared} | ({"role"} if kind == "person" else set())
        if any(inspect(row).attrs[name].history.has_changes() for name in own):  # each sign-in changes a user too
            connection.execute(update(resources).where(resources.c.id == row.id).values(**shared))

    @event.listens_for(table, "after_delete")
    def gone(_mapper: Mapper[Any], connection: Connection, row: Any) -> None:
        connection.execute(delete(resources).where(resources.c.id == row.id))


keep_in_step(Room, "room")
