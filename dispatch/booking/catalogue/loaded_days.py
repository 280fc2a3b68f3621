"""The court's calendar as the administrator keeps it: holidays, and days off that are worked to make up for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete, select, update

from dispatch import audit
from dispatch.booking.catalogue.calendar_days import KINDS, CalendarDay, Kind, published, published_years
from dispatch.booking.catalogue.calendar_files import FIRST_YEAR, LAST_YEAR, LONGEST_NAME
from dispatch.booking.draft import tidy
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.tables import CalendarDay as DayRow
from dispatch.store.tables import Resource, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def list_days(db: Database, year: int | None = None) -> list[CalendarDay]:
    """The days that are loaded, of one year or all, in order."""
    wanted = select(DayRow).order_by(DayRow.day)
    if year is not None:
        wanted = wanted.where(DayRow.day >= date(year, 1, 1), DayRow.day <= date(year, 12, 31))
    async with db.reader() as session:
        return [of_row(row) for row in await session.scalars(wanted)]


async def get_day(db: Database, day: date) -> CalendarDay:
    """Raises NotFound("calendar_day_unknown")."""
    async with db.reader() as session:
        row = await session.get(DayRow, day)
        if row is None:
            raise NotFound("calendar_day_unknown")
        return of_row(row)


async def put_days(db: Database, days: Sequence[CalendarDay], by: User, now: datetime) -> int:
    """Load days; one that is there already becomes what is given. How many there were.

    Raises ValidationFailed at "day", "kind", "name" or "like" of a day that is none.
    """
    if found := [error for day in days for error in problems(day)]:
        raise ValidationFailed(found)
    if not days:
        return 0
    async with db.writer() as session:
        present = {row.day: row for row in await session.scalars(select(DayRow).where(DayRow.day.in_([each.day for each in days])))}
        for each in days:
            row = present.get(each.day)
            if row is None:
                row = present[each.day] = DayRow(day=each.day)
                session.add(row)
            row.kind, row.name, row.works_like = each.kind, tidy(each.name), each.like
        await session.flush()
        await _all_changed(session)
        first, last = min(each.day for each in days), max(each.day for each in days)
        detail = {"days": len(days), "first": first.isoformat(), "last": last.isoformat()}
        subject = first.isoformat() if len(days) == 1 else f"{first.isoformat()} – {last.isoformat()}"
        await audit.write(session, by, "calendar_loaded", subject, detail=detail, now=now)
    return len(days)


async def put_day(db: Database, day: CalendarDay, by: User, now: datetime) -> None:
    """Say what one day is. Of a year of which no day was loaded the published ones hold: they are loaded with it, so that it is
    not the only one from then on. Raises as :func:`put_days`."""
    year = day.day.year
    around = (
        [each for each in published(year) if each.day != day.day] if year in published_years() and not await list_days(db, year) else []
    )
    await put_days(db, [*around, day], by, now)


async def prefill(db: Database, year: int, by: User, now: datetime) -> int:
    """Load what the State Council has published for a year. Raises UserError("calendar_year_unknown")."""
    return await put_days(db, published(year), by, now)


async def remove_day(db: Database, day: date, by: User, now: datetime) -> None:
    """The day is again what its weekday says. Raises NotFound("calendar_day_unknown")."""
    async with db.writer() as session:
        row = await session.get(DayRow, day)
        if row is None:
            raise NotFound("calendar_day_unknown")
        await session.execute(delete(DayRow).where(DayRow.day == day))
        await _all_changed(session)
        await audit.write(session, by, "calendar_day_removed", day.isoformat(), detail={"kind": row.kind, "name": row.name}, now=now)


def of_row(row: DayRow) -> CalendarDay:
    """A day as the rules read it."""
    return CalendarDay(row.day, cast("Kind", row.kind), row.name, row.works_like)


def problems(day: CalendarDay) -> list[FieldError]:
    """What is wrong with a day: out_of_range, day_kind, too_long, day_not_off, weekday_unknown."""
    found: list[FieldError] = []
    if not FIRST_YEAR <= day.day.year <= LAST_YEAR:
        found.append(("day", "out_of_range", {"least": FIRST_YEAR, "most": LAST_YEAR}))
    if day.kind not in KINDS:
        found.append(("kind", "day_kind", {"typed": str(day.kind)[:40]}))
    if len(tidy(day.name)) > LONGEST_NAME:
        found.append(("name", "too_long", {"most": LONGEST_NAME}))
    if day.like is not None and not 0 <= day.like <= 6:
        found.append(("like", "weekday_unknown", {"typed": str(day.like)[:40]}))
    if day.kind == "working" and day.day.weekday() < 5 and day.like is None:
        found.append(("day", "day_not_off", {"day": day.day.isoformat()}))
    return found


async def _all_changed(session: AsyncSession) -> None:
    """What was reckoned of any resource by the calendar as it was is old."""
    await session.execute(update(Resource).values(revision=Resource.revision + 1).execution_options(synchronize_session=False))
