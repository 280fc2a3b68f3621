"""The court's calendar as the administrator keeps it: holidays, and days off that are worked to make up for them; and the days of a site
that are another there (by `site_id`; "" for the court)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from sqlalchemy import Select, select, update

from dispatch import audit
from dispatch.booking.catalogue.calendar_days import KINDS, CalendarDay, Kind, published, published_years
from dispatch.booking.catalogue.calendar_files import FIRST_YEAR, LAST_YEAR, LONGEST_NAME
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.tables import CalendarDay as DayRow
from dispatch.store.tables import CourtSite, Resource, SiteDay, User
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database


async def list_days(db: Database, year: int | None = None, site_id: str = "") -> list[CalendarDay]:
    """The days that are loaded for the court, or for a site, of one year or all, in order. Raises NotFound("site_unknown")."""
    async with db.reader() as session:
        await _checked(session, site_id)
        wanted = _rows(site_id)
        if year is not None:
            wanted = wanted.where(_table(site_id).day >= date(year, 1, 1), _table(site_id).day <= date(year, 12, 31))
        return [of_row(row) for row in await session.scalars(wanted)]


async def get_day(db: Database, day: date, site_id: str = "") -> CalendarDay:
    """Raises NotFound("site_unknown") or NotFound("calendar_day_unknown")."""
    async with db.reader() as session:
        await _checked(session, site_id)
        return of_row(await _row(session, day, site_id))


async def put_days(db: Database, days: Sequence[CalendarDay], by: User, now: datetime, site_id: str = "") -> int:
    """Load days; one that is there already becomes what is given. How many there were.

    Raises ValidationFailed at "day", "kind", "name" or "like" of a day that is none, or NotFound("site_unknown").
    """
    if found := [error for day in days for error in problems(day)]:
        raise ValidationFailed(found)
    if not days:
        return 0
    async with db.writer() as session:
        at = await _checked(session, site_id)
        wanted = _rows(site_id).where(_table(site_id).day.in_([each.day for each in days]))
        present = {row.day: row for row in await session.scalars(wanted)}
        for each in days:
            row = present.get(each.day)
            if row is None:
                row = present[each.day] = SiteDay(site_id=site_id, day=each.day) if site_id else DayRow(day=each.day)
                session.add(row)
            row.kind, row.name, row.works_like = each.kind, tidy(each.name), each.like
        await session.flush()
        await _all_changed(session)
        first, last = min(each.day for each in days), max(each.day for each in days)
        detail = {"days": len(days), "first": first.isoformat(), "last": last.isoformat(), **_at(at)}
        subject = first.isoformat() if len(days) == 1 else f"{first.isoformat()} – {last.isoformat()}"
        await audit.write(session, by, "calendar_loaded", subject, detail=detail, now=now)
    return len(days)


async def put_day(db: Database, day: CalendarDay, by: User, now: datetime, site_id: str = "") -> None:
    """Say what one day is. Of a year of which no day of the court was loaded the published ones hold: they are loaded with it, so that it
    is not the only one from then on. A site's stands in the place of the court's alone. Raises as :func:`put_days`."""
    year = day.day.year
    published_alone = not site_id and year in published_years() and not await list_days(db, year)
    around = [each for each in published(year) if each.day != day.day] if published_alone else []
    await put_days(db, [*around, day], by, now, site_id)


async def prefill(db: Database, year: int, by: User, now: datetime) -> int:
    """Load what the State Council has published for a year. Raises UserError("calendar_year_unknown")."""
    return await put_days(db, published(year), by, now)


async def remove_day(db: Database, day: date, by: User, now: datetime, site_id: str = "") -> None:
    """The day is again what its weekday says, at a site what the court's calendar says. Raises NotFound("site_unknown") or
    NotFound("calendar_day_unknown")."""
    async with db.writer() as session:
        at = await _checked(session, site_id)
        row = await _row(session, day, site_id)
        detail = {"kind": row.kind, "name": row.name, **_at(at)}
        await session.delete(row)
        await session.flush()
        await _all_changed(session)
        await audit.write(session, by, "calendar_day_removed", day.isoformat(), detail=detail, now=now)


def _table(site_id: str) -> type[DayRow] | type[SiteDay]:
    return SiteDay if site_id else DayRow


def _rows(site_id: str) -> Select[DayRow] | Select[SiteDay]:
    return select(SiteDay).where(SiteDay.site_id == site_id).order_by(SiteDay.day) if site_id else select(DayRow).order_by(DayRow.day)


async def _row(session: AsyncSession, day: date, site_id: str) -> DayRow | SiteDay:
    row = await session.get(SiteDay, (site_id, day)) if site_id else await session.get(DayRow, day)
    if row is None:
        raise NotFound("calendar_day_unknown")
    return row


async def _checked(session: AsyncSession, site_id: str) -> CourtSite | None:
    """The site whose days are meant, None for the court's."""
    site = await session.get(CourtSite, site_id) if site_id else None
    if site_id and site is None:
        raise NotFound("site_unknown")
    return site


def _at(site: CourtSite | None) -> dict[str, str]:
    return {"site": site.name} if site is not None else {}


def of_row(row: DayRow | SiteDay) -> CalendarDay:
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
