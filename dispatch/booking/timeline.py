"""What many resources are held for over days or weeks, as a page draws it: rows, and no more of a sitting than it shows.

What was read is kept by resource and day. A resource's revision goes up, in the same transaction, with every change of its holds and of
what is shown of their sittings (migration 0012), so that one small query says what of it is old: also what another process changed.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from prometheus_client import Counter
from sqlalchemy import and_, bindparam, select

from dispatch.booking.holds import LONGEST
from dispatch.sittings.withheld import IN_SIGHT
from dispatch.store import direct
from dispatch.store.tables import Booking, Case, Hold, Participant, Resource, Sitting

if TYPE_CHECKING:
    from dispatch.store.database import Database

MOST_KEPT = 60_000
"""Slots and days of a resource that are kept; what was not asked for longest goes. About a kilobyte each: six weeks of 200 rooms."""
LAST_DAY = date.max.toordinal()
ROWS = Counter("dispatch_booking_timeline_total", "Resources whose times a page asked for, by whether they were kept or read", ["found"])


class Slot(NamedTuple):
    """A sitting in the row of a resource. The hold is the booking with set-up and clear-up."""

    resource_id: str
    id: str
    """of the sitting"""
    kind: str
    title: str
    case_number: str
    status: str
    state: str
    """of the booking"""
    starts_at: datetime
    ends_at: datetime
    held_from: datetime
    held_until: datetime
    closed_at: datetime | None
    chair: str | None
    """who presides"""
    series_id: str | None = None
    """of the series that it is one of"""


_REVISIONS = select(Resource.id, Resource.revision).where(Resource.id.in_(bindparam("ids", expanding=True)))
_SLOTS = (
    select(
        Hold.resource_id,
        Sitting.id,
        Sitting.kind,
        Sitting.title,
        Case.number,
        Sitting.status,
        Booking.state,
        Booking.starts_at,
        Booking.ends_at,
        Hold.starts_at.label("held_from"),
        Hold.ends_at.label("held_until"),
        Sitting.closed_at,
        Participant.name,
        Sitting.series_id,
    )
    .join(Booking, Booking.id == Hold.booking_id)
    .join(Sitting, Sitting.id == Booking.sitting_id)
    .join(Case, Case.id == Sitting.case_id)
    .outerjoin(Participant, and_(Participant.sitting_id == Sitting.id, Participant.presides, Participant.removed_at.is_(None)))
    .where(
        Hold.resource_id.in_(bindparam("ids", expanding=True)),
        Hold.starts_at >= bindparam("first"),
        Hold.starts_at < bindparam("after"),
        Booking.state != "cancelled",
        IN_SIGHT,
    )
    .order_by(Hold.resource_id, Hold.starts_at)
)


class Kept:
    """Slots by the day (UTC) on which their hold begins, and by resource, with the revision that they are of. Pure."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._days: OrderedDict[int, dict[str, tuple[int, Sequence[Slot]]]] = OrderedDict()
        self._most, self.size = most, 0

    def find(self, resource_id: str, revision: int, days: range) -> list[Slot] | None:
        """The slots of these days, in order of time; None where one of them is not known in this revision."""
        found: list[Slot] = []
        for day in days:
            revised, slots = self._days.get(day, {}).get(resource_id, (-1, ()))
            if revised != revision:
                return None
            found += slots
        return found

    def put(self, resource_id: str, revision: int, days: range, slots: Iterable[Slot]) -> None:
        """All there are on these days."""
        by_day: dict[int, list[Slot]] = {day: [] for day in days}
        for slot in slots:
            by_day[slot.held_from.toordinal()].append(slot)
        for day, listed in by_day.items():
            column = self._days.setdefault(day, {})
            _, former = column.get(resource_id, (-1, None))
            self.size += 1 + len(listed) - (0 if former is None else 1 + len(former))
            column[resource_id] = (revision, listed)

    def used(self, days: range) -> None:
        """These days are of interest now; forget others that have been of none for long, where there are too many."""
        for day in days:
            if day in self._days:
                self._days.move_to_end(day)
        while self.size > self._most:
            _, column = self._days.popitem(last=False)
            self.size -= sum(1 + len(slots) for _, slots in column.values())


_KEPT: WeakKeyDictionary[Database, Kept] = WeakKeyDictionary()


async def timeline(db: Database, resource_ids: Collection[str], begin: datetime, end: datetime) -> dict[str, list[Slot]]:
    """What these resources are held for in [begin, end), by resource, in order of time; what was cancelled is not in it, what has
    closed is."""
    kept, days = _KEPT.setdefault(db, Kept()), _days(begin, end)
    async with db.reader() as session:  # one moment of the database: what is read is of the revision that is read
        revisions: Mapping[str, int] = {
            row.id: row.revision for row in await direct.rows(session, _REVISIONS, {"ids": sorted(resource_ids)})
        }
        known = {each: kept.find(each, revision, days) for each, revision in revisions.items()}
        if stale := sorted(each for each, slots in known.items() if slots is None):
            asked = {"ids": stale, "first": _midnight(days.start), "after": _midnight(days.stop)}
            read: dict[str, list[Slot]] = {each: [] for each in stale}
            for row in await direct.rows(session, _SLOTS, asked):
                read[row[0]].append(_slot(row))
            for each, slots in read.items():
                kept.put(each, revisions[each], days, slots)
            known |= read
    kept.used(days)
    ROWS.labels("read").inc(len(stale))
    ROWS.labels("kept").inc(len(known) - len(stale))
    return {each: [slot for slot in known.get(each) or () if slot.held_from < end and slot.held_until > begin] for each in resource_ids}


def _slot(row: Sequence[object]) -> Slot:
    slot = Slot._make(row)
    # Words that are in every other row are kept once.
    intern = sys.intern
    chair = slot.chair if slot.chair is None else intern(slot.chair)
    return slot._replace(
        resource_id=intern(slot.resource_id), kind=intern(slot.kind), status=intern(slot.status), state=intern(slot.state), chair=chair
    )


def _days(begin: datetime, end: datetime) -> range:
    """The days (UTC, by number) on which a hold may begin that has a moment in [begin, end)."""
    return range(max(begin.astimezone(UTC).toordinal() - LONGEST.days, 1), end.astimezone(UTC).toordinal() + 1)


def _midnight(day: int) -> datetime:
    return datetime.fromordinal(day).replace(tzinfo=UTC) if day <= LAST_DAY else datetime.max.replace(tzinfo=UTC)
