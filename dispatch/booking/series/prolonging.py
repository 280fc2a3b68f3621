"""Prolonging a series: the same rule, more of it. The new sittings are booked whole or not at all, by the act that books any.

They are as the last one of the series is (people, rooms, equipment) and by the rule's own time and length. What there is already is not
looked at, so a sitting that was moved, changed or cancelled stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from sqlalchemy import update

from dispatch.booking import allowed, bookings, orders
from dispatch.booking.draft import draft_of
from dispatch.booking.series.recurrence import Occurrence, Series, expand, series_problems
from dispatch.booking.series.rules import instances
from dispatch.booking.series.series import ACTS, WORDS, calendar_of, kept_as, load, note, read, written
from dispatch.errors import Clash, Conflict, FieldError, NotFound, Refused, SeriesConflict, ValidationFailed
from dispatch.store.tables import SeriesRow, Sitting, User

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.booking.catalogue.calendar_days import WorkingCalendar
    from dispatch.store.database import Database

ACTION = "series_prolonged"
Seen = Callable[[SeriesRow, Series, list[Sitting]], object]
"""Called inside the transaction with the series as it is; raises where that is not what was seen."""


@dataclass(frozen=True, slots=True)
class Further:
    """How far it is to go: `count` of the rule's dates in all (those left out count), or the last day (`until`) by the clock of the
    series; one of the two. `left_out`: new dates (wall times) that do not take place."""

    count: int | None = None
    until: date | None = None
    left_out: tuple[datetime, ...] = ()
    override_reason: str = ""


async def prolong(
    db: Database,
    series_id: str,
    further: Further,
    by: User,
    now: datetime,
    seen: Seen | None = None,
    order: orders.Order | None = None,
) -> list[str]:
    """Book what is to come; the ids of the new sittings in order of time. An `order` that was carried out before gives what it made.

    Raises NotFound, Refused("series_over") where none of its sittings is left to go by, ValidationFailed (count, until, left_out, and the
    fields of a booking), SeriesConflict naming every sitting that cannot be, or UserError("key_reused").
    """

    async def once(session: AsyncSession) -> list[str]:
        if (made := await orders.carried_out(session, order, now)) is not None:
            return [made]
        row = await session.get(SeriesRow, series_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise NotFound("series_unknown")
        _, plan, members = await load(session, row)
        if seen is not None:
            seen(row, plan, members)
        if not members:
            raise Refused("series_over")
        longer, new = further_dates(plan, further, {read(each.occurrence) for each in members}, await calendar_of(session, row))
        sittings = await _book(session, db, row, new, members, further, by, now)
        kept_as(row, longer)
        await session.flush()
        orders.keep(session, order, sittings[0].id, now)
        await note(session, db, by, ACTION, row, sittings, now)
        return [each.id for each in sittings]

    made = await db.act(once)
    ACTS.labels(WORDS[ACTION]).inc()
    return made


def further_dates(
    plan: Series, further: Further, there: Collection[datetime], calendar: WorkingCalendar
) -> tuple[Series, list[Occurrence]]:
    """The series when it goes on, and what of it is new: dates behind all that its rule had, but for those that are `there`. Pure. Raises
    ValidationFailed, or Refused("series_no_rule")."""
    if plan.rule is None:
        raise Refused("series_no_rule")
    if (further.count is None) == (further.until is None):
        raise ValidationFailed([("count", "prolong_one_of", {})])
    had = instances(plan.rule, plan.starts)
    place = "count" if further.until is None else "until"
    if further.count is not None and further.count <= len(had):
        raise ValidationFailed([("count", "number_small", {"least": len(had) + 1})])
    if further.until is not None and further.until <= had[-1].date():
        raise ValidationFailed([("until", "prolong_later", {"day": had[-1].date().isoformat()})])
    until = datetime.combine(further.until, time(23, 59)) if further.until is not None else None
    rule = replace(plan.rule, count=further.count, until=until)
    longer = replace(plan, rule=rule, excluded=plan.excluded | set(further.left_out))
    if found := list(series_problems(longer)):
        raise ValidationFailed(
            [("left_out" if field.startswith("occurrences") else place, code, data) for field, code, data in found]
        )
    new = [each for each in expand(longer, calendar).occurrences if each.id > had[-1] and each.id not in there]
    if not new:
        raise ValidationFailed([(place, "rule_never", {})])
    return longer, new


async def _book(
    session: AsyncSession, db: Database, row: SeriesRow, new: Sequence[Occurrence], members: Sequence[Sitting], further: Further, by: User,
    now: datetime,
) -> list[Sitting]:  # fmt: skip
    """All that is new. The first one locks what they want, which is the same for all."""
    pattern = draft_of(max(members, key=lambda each: each.occurrence))
    people = tuple(replace(each, id="") for each in pattern.participants)
    made: list[tuple[Occurrence, Sitting]] = []
    clashes: list[Clash] = []
    broken: list[FieldError] = []
    for each in new:
        draft = replace(
            pattern, starts_at=each.span.start, ends_at=each.span.end, participants=people, override_reason=further.override_reason
        )
        try:
            made.append((each, await bookings.book(session, db, draft, by, now)))
        except Conflict as conflict:
            clashes.append(Clash(each.id, each.span.start, conflict))
        except ValidationFailed as failed:
            if any(field != allowed.FIELD for field, _, _ in failed.errors):
                raise
            broken += [error for error in failed.errors if error not in broken]
    if broken:
        raise ValidationFailed(broken)
    if clashes:
        raise SeriesConflict(clashes, len(new))
    await session.flush()
    rows = [{"id": sitting.id, "series_id": row.id, "occurrence": written(each.id)} for each, sitting in made]
    await session.execute(update(Sitting), rows)
    return [sitting for _, sitting in made]
