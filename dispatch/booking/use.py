"""How rooms are used over some months: hours held against hours open, what was cancelled and why, when it is busiest.

The database counts, so that a year of many rooms is some thousand rows here: by room, kind and status, and by the times at which
sittings begin and end. A sitting belongs to the span in which it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Float, Select, and_, case, cast, extract, func, literal_column, select

from dispatch.booking import allowed
from dispatch.booking.catalogue.calendar_days import WorkingCalendar
from dispatch.booking.catalogue.hours import WeeklyHours, open_spans
from dispatch.booking.catalogue.rooms import list_rooms
from dispatch.booking.days import bounds
from dispatch.booking.holds import LONGEST
from dispatch.booking.reasons import code_of
from dispatch.booking.spans import Span, within, without
from dispatch.errors import ValidationFailed
from dispatch.store import direct, postgresql
from dispatch.store.tables import Booking, Closure, Hold, Resource, Room, Sitting

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

MOST_DAYS = 366
"""What is asked for at once."""
WEEK, DAY_HOURS = 7, 24


@dataclass(frozen=True, slots=True)
class Use:
    """Figures of a room, of a kind of sitting, or of all. Minutes are whole ones.

    `held`: sittings that were not cancelled; `held_minutes`: booked for them; `missed`: of those, how many were never begun though
    their time is over; `cancelled`: how many were. `ended`, `booked_of_ended`, `lasted`: of those that were opened and closed, how many,
    the minutes booked and the minutes they took. `open_minutes`: when the room could have been had; None where that says nothing (a kind).
    """

    held: int = 0
    held_minutes: int = 0
    missed: int = 0
    cancelled: int = 0
    ended: int = 0
    booked_of_ended: int = 0
    lasted: int = 0
    open_minutes: int | None = None

    @property
    def share(self) -> float | None:
        """What was held of the open time, 1 for all of it; more where sittings lie outside of it. None where nothing was open."""
        return self.held_minutes / self.open_minutes if self.open_minutes else None

    @property
    def average_booked(self) -> int | None:
        """Minutes booked for a sitting that has ended, on average; None where none has."""
        return round(self.booked_of_ended / self.ended) if self.ended else None

    @property
    def average_lasted(self) -> int | None:
        """Minutes that such a sitting took."""
        return round(self.lasted / self.ended) if self.ended else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The use of the rooms from a day to another, both included. `kinds`: of sittings, each counted once; `reasons`: of cancellations, by
    code, how many; `busiest`: minutes held by weekday (Monday first) and hour of the court's clock, of all rooms together."""

    first: date
    last: date
    rooms: Sequence[tuple[Room, Use]]
    kinds: Mapping[str, Use]
    reasons: Mapping[str, int]
    busiest: Sequence[Sequence[int]]

    @property
    def total(self) -> Use:
        """Of all rooms; a sitting of several rooms counts in each."""
        return summed([use for _, use in self.rooms])


def summed(uses: Sequence[Use]) -> Use:
    """Their figures together."""
    figures = {name: sum(getattr(use, name) for use in uses) for name in Use.__slots__ if name != "open_minutes"}
    return Use(**figures, open_minutes=sum(use.open_minutes or 0 for use in uses))


async def statistics(db: Database, first: date, last: date, now: datetime, *, site_id: str = "") -> Statistics:
    """The use of all rooms that are in use, or of those of one site. Raises ValidationFailed (field "until") for days that are none, or
    too many."""
    if last < first:
        raise ValidationFailed([("until", "use_order", {})])
    if (last - first).days >= MOST_DAYS:
        raise ValidationFailed([("until", "use_long", {"most": MOST_DAYS})])
    window = Span(bounds(first, db.site.zone)[0], bounds(last, db.site.zone)[1])
    rooms = await list_rooms(db)
    async with db.reader() as session:
        if site_id:
            of_site = set(await session.scalars(select(Resource.id).where(Resource.site_id == site_id)))
            rooms = [room for room in rooms if room.id in of_site]
        counted = await _counted(session, window, [room.id for room in rooms], now)
        opened = await _open_minutes(session, [room.id for room in rooms], window, db.site.zone)
        busiest = await _busiest(session, window, [room.id for room in rooms], db.site.zone)
    by_room: dict[str, list[Use]] = {}
    by_kind: dict[str, list[Use]] = {}
    reasons: Counter[str] = Counter()
    for row, use in counted:
        by_room.setdefault(row.resource_id, []).append(use)
        if row.first:
            by_kind.setdefault(row.kind, []).append(use)
            if use.cancelled:
                reasons[code_of(row.cancel_reason)] += use.cancelled
    return Statistics(
        first,
        last,
        [(room, _with_open(summed(by_room.get(room.id, [])), opened.get(room.id, 0))) for room in rooms],
        {kind: _with_open(summed(uses), None) for kind, uses in sorted(by_kind.items())},
        dict(reasons.most_common()),
        busiest,
    )


def _with_open(use: Use, minutes: int | None) -> Use:
    return Use(**{name: getattr(use, name) for name in Use.__slots__ if name != "open_minutes"}, open_minutes=minutes)


def _minutes(session: AsyncSession, begin: Any, end: Any) -> ColumnElement[float]:
    """Minutes between two columns, as the database reckons them."""
    if postgresql.is_postgresql(session):
        return cast(extract("epoch", end - begin) / 60, Float)
    return cast((func.julianday(end) - func.julianday(begin)) * 1440, Float)


def _in(window: Span, room_ids: Sequence[str]) -> ColumnElement[bool]:
    # The hold begins before the booking by its set-up; its own index finds it.
    return and_(
        Hold.resource_id.in_(room_ids),
        Hold.starts_at > window.start - LONGEST,
        Hold.starts_at < window.end,
        Booking.starts_at >= window.start,
        Booking.starts_at < window.end,
    )


async def _counted(session: AsyncSession, window: Span, room_ids: Sequence[str], now: datetime) -> list[tuple[Any, Use]]:
    # Literals, not parameters: PostgreSQL would take what is grouped by for another expression than what is shown.
    cancelled = Booking.state == literal_column("'cancelled'")
    ended = and_(Sitting.status == "closed", Sitting.opened_at.is_not(None), Sitting.closed_at.is_not(None))
    missed = and_(Sitting.status.in_(("planned", "open")), Booking.ends_at <= now)
    booked, lasted = _minutes(session, Booking.starts_at, Booking.ends_at), _minutes(session, Sitting.opened_at, Sitting.closed_at)
    first = Hold.position == literal_column("0")
    reason = case((cancelled, Sitting.cancel_reason), else_=literal_column("''"))
    rows: Select[Any] = (
        select(
            Hold.resource_id,
            Sitting.kind,
            first.label("first"),
            cancelled.label("cancelled"),
            reason.label("cancel_reason"),
            func.count().label("sittings"),
            func.sum(booked).label("booked"),
            func.sum(case((missed, 1), else_=0)).label("missed"),
            func.sum(case((ended, 1), else_=0)).label("ended"),
            func.sum(case((ended, booked), else_=0.0)).label("booked_of_ended"),
            func.sum(case((ended, lasted), else_=0.0)).label("lasted"),
        )
        .join(Booking, Booking.id == Hold.booking_id)
        .join(Sitting, Sitting.id == Booking.sitting_id)
        .where(_in(window, room_ids))
        .group_by(Hold.resource_id, Sitting.kind, first, cancelled, reason)
    )
    return [(row, _use(row)) for row in await direct.rows(session, rows)]


def _use(row: Any) -> Use:
    if row.cancelled:
        return Use(cancelled=row.sittings)
    return Use(
        held=row.sittings,
        held_minutes=round(row.booked),
        missed=row.missed,
        ended=row.ended,
        booked_of_ended=round(row.booked_of_ended),
        lasted=round(row.lasted),
    )


async def _open_minutes(session: AsyncSession, room_ids: Sequence[str], window: Span, court: ZoneInfo) -> dict[str, int]:
    """By room, the minutes in which it could have been had: its hours on working days, less its closures and those of its site."""
    resources = list(await session.scalars(select(Resource).where(Resource.id.in_(room_ids))))
    shut = and_(Closure.starts_at < window.end, Closure.ends_at > window.start)
    closures = list(await session.scalars(select(Closure).where(shut)))
    days = [moment.astimezone(court).date() for moment in (window.start, window.end)]
    loaded = await allowed.calendars(session, days[0] - timedelta(days=1), days[1])

    @cache  # most rooms have the hours of the court
    def spans(hours: WeeklyHours, zone: ZoneInfo, days_of: str | None) -> list[Span]:
        return open_spans(window, hours, zone, _NO_HOLIDAYS if days_of is None else loaded.of(days_of))

    found = {}
    for each in resources:
        # Of sites without days of their own, which are most, the court's are reckoned once.
        days_of = (each.site_id if each.site_id in loaded.sites else "") if allowed.keeps_holidays(each) else None
        opened = spans(allowed.hours_of(each, each.site), allowed.zone_of(each.site, court), days_of)
        own = [
            Span(one.starts_at, one.ends_at)
            for one in closures
            if one.resource_id == each.id or (one.site_id and one.site_id == each.site_id)
        ]
        left = without(within(opened, window), own) if own else opened
        found[each.id] = round(sum((span.end - span.start).total_seconds() for span in left) / 60)
    return found


_NO_HOLIDAYS = WorkingCalendar()


async def _busiest(session: AsyncSession, window: Span, room_ids: Sequence[str], zone: ZoneInfo) -> list[list[int]]:
    """Minutes by weekday and hour. Sittings that begin and end together are one row, of which there are few."""
    rows = (
        select(Booking.starts_at, Booking.ends_at, func.count())
        .join(Hold, Hold.booking_id == Booking.id)
        .where(_in(window, room_ids), Booking.state != "cancelled")
        .group_by(Booking.starts_at, Booking.ends_at)
    )
    found = [[0] * DAY_HOURS for _ in range(WEEK)]
    for starts_at, ends_at, count in await direct.rows(session, rows):
        for weekday, hour, minutes in by_hour(starts_at, ends_at, zone):
            found[weekday][hour] += minutes * count
    return found


def by_hour(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[tuple[int, int, int]]:
    """The weekday, the hour of the clock, and the minutes of the span in it, for each hour that it touches."""
    found, at = [], starts_at.astimezone(UTC)
    while at < ends_at:
        local = at.astimezone(zone)
        # What is left of the hour is reckoned in UTC: where the clock is put, an hour may come twice.
        until = min(at + timedelta(minutes=60 - local.minute, seconds=-local.second, microseconds=-local.microsecond), ends_at)
        found.append((local.weekday(), local.hour, round((until - at).total_seconds() / 60)))
        at = until
    return found
