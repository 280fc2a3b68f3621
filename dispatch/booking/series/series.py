"""Sittings that repeat, on the database: booked all in one transaction, or none.

Of a series only the rule is kept (:class:`~dispatch.store.series_tables.SeriesRow`). Which of its dates were left out, added or moved is
what its sittings say: :func:`plan_of` puts both together. Each sitting is an entry of its own in people's calendars, with a UID of its
own, since each has its own personal links; so it is told, changed and called off like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from prometheus_client import Counter
from sqlalchemy import select, update

from dispatch import audit
from dispatch.booking import allowed, bookings, orders
from dispatch.booking.draft import SittingDraft
from dispatch.booking.series.recurrence import Occurrence, Override, Series, expand, occurrence_ids, series_problems
from dispatch.booking.series.rules import read_rule, rule_text
from dispatch.booking.wall_clock import moment, wall_time
from dispatch.errors import Clash, Conflict, FieldError, NotFound, SeriesConflict, ValidationFailed
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store.tables import Resource, SeriesRow, Sitting, User, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.booking.catalogue.calendar_days import WorkingCalendar
    from dispatch.store.database import Database

ACTS = Counter("dispatch_booking_series_total", "Acts on series of sittings that were done", ["act"])
WORDS = {
    "series_booked": "book",
    "series_prolonged": "prolong",
    "series_changed": "change",
    "series_moved": "move",
    "series_cancelled": "cancel",
}
"""Act of the audit log → label of the metrics."""
SITTINGS = Counter("dispatch_booking_series_sittings_total", "Sittings booked, changed or cancelled by acts on series", ["act"])


@dataclass(frozen=True, slots=True)
class Outlook:
    """What booking a series would come to: its sittings in order, dates left out as holidays, and what is in the way of which."""

    occurrences: tuple[Occurrence, ...]
    skipped: tuple[datetime, ...] = ()
    clashes: tuple[Clash, ...] = ()


class _TakenBack(Exception):
    """Ends a transaction without a trace."""


async def create(
    db: Database,
    draft: SittingDraft,
    plan: Series,
    by: User,
    now: datetime,
    order: orders.Order | None = None,
    *,
    held_until: datetime | None = None,
) -> str:
    """Book every sitting of `plan`, each as `draft` says but for its time, in one transaction; the series' id. What is to be left out
    is in `plan.excluded`. An `order` that was carried out before gives the series that it made.

    Raises ValidationFailed, SeriesConflict naming every sitting that cannot be, or UserError("key_reused").
    """

    async def once(session: AsyncSession) -> str:
        if (made := await orders.carried_out(session, order, now)) is not None:
            return (await session.get_one(Sitting, made)).series_id or ""
        outlook, series_id = await _book(session, db, draft, plan, by, now, order, held_until)
        if outlook.clashes:
            raise SeriesConflict(outlook.clashes, len(outlook.occurrences))
        return series_id

    made = await db.act(once)
    ACTS.labels("book").inc()
    return made


async def try_out(db: Database, draft: SittingDraft, plan: Series, by: User, now: datetime, held_until: datetime | None = None) -> Outlook:
    """What :func:`create` would come to, found by doing it and taking it back: so by the very rules that hold for good.

    Raises ValidationFailed.
    """
    found: list[Outlook] = []

    async def rehearse(session: AsyncSession) -> None:
        found.append((await _book(session, db, draft, plan, by, now, None, held_until))[0])
        raise _TakenBack

    with suppress(_TakenBack):
        await db.act(rehearse)
    return found[-1]


async def look_ahead(db: Database, draft: SittingDraft, plan: Series) -> Outlook:
    """The dates of `plan` without a look at what is in the way. Raises ValidationFailed."""
    async with db.reader() as session:
        return await _outlook(session, plan, await _site_of(session, draft))


async def _site_of(session: AsyncSession, draft: SittingDraft) -> str:
    """The site of its first room; "" where there is none."""
    room = await session.get(Resource, draft.room_ids[0]) if draft.room_ids else None
    return (room.site_id or "") if room is not None else ""


async def calendar_of(session: AsyncSession, row: SeriesRow) -> WorkingCalendar:
    """By which a series leaves out holidays."""
    return (await allowed.calendars(session)).of(row.site_id)


async def _outlook(session: AsyncSession, plan: Series, site_id: str) -> Outlook:
    if found := list(series_problems(plan)):
        raise ValidationFailed(found)
    expansion = expand(plan, (await allowed.calendars(session)).of(site_id))
    if not expansion.occurrences:
        raise ValidationFailed([("rule", "rule_never", {})])
    return Outlook(tuple(expansion.occurrences), tuple(expansion.skipped))


async def _book(
    session: AsyncSession,
    db: Database,
    draft: SittingDraft,
    plan: Series,
    by: User,
    now: datetime,
    order: orders.Order | None,
    held_until: datetime | None,
) -> tuple[Outlook, str]:
    """All that can be booked; the transaction is to be taken back where the outlook has clashes. All of them want the same resources:
    the first one locks them, in the order of their ids, and nothing is locked after them but the case and the audit log."""
    site_id = await _site_of(session, draft)
    outlook = await _outlook(session, plan, site_id)
    row = SeriesRow(id=new_id(), site_id=site_id, created_by=None, created_at=now)
    kept_as(row, plan)
    session.add(row)
    await session.flush()
    made: dict[datetime, Sitting] = {}
    clashes: list[Clash] = []
    broken: list[FieldError] = []
    for each in outlook.occurrences:
        own = replace(draft, starts_at=each.span.start, ends_at=each.span.end)
        try:
            sitting = await bookings.book(session, db, own, by, now, held_until=held_until)
        except Conflict as conflict:
            clashes.append(Clash(each.id, each.span.start, conflict))
            continue
        except ValidationFailed as failed:
            if any(field != allowed.FIELD for field, _, _ in failed.errors):
                raise ValidationFailed(_of_the_series(failed.errors)) from None
            broken += [error for error in failed.errors if error not in broken]
            continue
        made[each.id] = sitting
    if broken:  # rules that any of them breaks: one reason is asked for, for all
        raise ValidationFailed(broken)
    if clashes:
        return replace(outlook, clashes=tuple(clashes)), row.id
    first, *_ = made.values()
    row.created_by = first.created_by
    await session.flush()
    members = [{"id": sitting.id, "series_id": row.id, "occurrence": written(occurrence)} for occurrence, sitting in made.items()]
    await session.execute(update(Sitting), members)
    orders.keep(session, order, first.id, now)
    await note(session, db, by, "series_booked", row, list(made.values()), now)
    return outlook, row.id


def _of_the_series(errors: Iterable[FieldError]) -> list[FieldError]:
    """A sitting's bad fields as those of the series' form: its end is the length."""
    return [("minutes" if field == "ends_at" else field, code, data) for field, code, data in errors]


async def note(session: AsyncSession, db: Database, by: User, action: str, row: SeriesRow, sittings: Sequence[Sitting], now: datetime,
               **detail: str) -> None:  # fmt: skip
    """The audit row of an act on a series, beside those of its sittings: of how many, of which, by which rule."""
    await session.flush()
    ordered = sorted(sittings, key=lambda each: each.starts_at)
    clock = db.site.clock
    told = {
        "series": row.id,
        "count": len(ordered),
        "rule": row.rule,
        "first": clock(ordered[0].starts_at),
        "last": clock(ordered[-1].starts_at),
        "sittings": [each.id for each in ordered],
    }
    await audit.write(session, by, action, f"{ordered[0].case.number} {ordered[0].title}", detail=told | detail, now=now)
    SITTINGS.labels(WORDS[action]).inc(len(ordered))


# ------------------------------------------------------------------------------------------------ what a series is now


@dataclass(frozen=True, slots=True)
class Membership:
    """A sitting as one of a series: all that take place in order of time, and which of them it is, from 1."""

    series_id: str
    plan: Series
    sittings: tuple[Sitting, ...]
    number: int


async def get(db: Database, series_id: str) -> tuple[SeriesRow, Series, list[Sitting]]:
    """A series, how it repeats, and those of its sittings that take place, in order of time. Raises NotFound."""
    async with db.reader() as session:
        row = await session.get(SeriesRow, series_id)
        if row is None:
            raise NotFound("series_unknown")
        return await load(session, row)


async def load(session: AsyncSession, row: SeriesRow) -> tuple[SeriesRow, Series, list[Sitting]]:
    """The same inside a transaction."""
    wanted = select(Sitting).where(IN_SIGHT, Sitting.series_id == row.id, Sitting.status != "cancelled")
    sittings = list(await session.scalars(wanted.order_by(Sitting.starts_at, Sitting.id)))
    return row, plan_of(row, sittings, await calendar_of(session, row)), sittings


async def membership(db: Database, sitting: Sitting) -> Membership | None:
    """What a sitting is in its series; None where it is in none, or cancelled."""
    if sitting.series_id is None:
        return None
    _, plan, sittings = await get(db, sitting.series_id)
    number = next((n for n, each in enumerate(sittings, 1) if each.id == sitting.id), None)
    return Membership(sitting.series_id, plan, tuple(sittings), number) if number is not None else None


def plan_of(row: SeriesRow, sittings: Iterable[Sitting], calendar: WorkingCalendar) -> Series:
    """How a series repeats, told by its rule and by the sittings that take place."""
    base = _base(row)
    present = {read(each.occurrence): each for each in sittings}
    by_rule = set(occurrence_ids(base))
    skipped = set(expand(base, calendar).skipped)
    overrides = {}
    for occurrence, sitting in present.items():
        minutes = round((sitting.ends_at - sitting.starts_at).total_seconds() / 60)
        if (sitting.starts_at, minutes) != (moment(occurrence, base.zone), base.minutes):
            overrides[occurrence] = Override(wall_time(sitting.starts_at, base.zone), minutes)
    left_out = by_rule - present.keys() - skipped
    return replace(base, added=frozenset(present.keys() - by_rule), excluded=frozenset(left_out), overrides=overrides)


def _base(row: SeriesRow) -> Series:
    zone = ZoneInfo(row.zone)
    rule = read_rule(row.rule, zone) if row.rule else None
    return Series(read(row.starts), row.minutes, zone, rule, skip_holidays=row.skip_holidays)


def kept_as(row: SeriesRow, plan: Series) -> None:
    """Have the row say how `plan` repeats."""
    row.rule = rule_text(plan.rule, plan.zone) if plan.rule is not None else ""
    row.starts, row.zone, row.minutes = written(plan.starts), plan.zone.key, plan.minutes
    row.skip_holidays = plan.skip_holidays


def written(wall: datetime) -> str:
    """A wall time as it is kept: 2026-11-24T09:00."""
    return wall.isoformat(timespec="minutes")


def read(text: str) -> datetime:
    """Inverse of :func:`written`."""
    return datetime.fromisoformat(text)
