"""What is known of everybody's time, read from the database and kept ready between searches.

Each search reads one short row of every resource that could do, among it its revision, and has the holds, closures and hours of those
loaded whose revision is another than the one that is kept. The answer is a moment of the past when it is shown: whether a slot is still
free is decided when it is booked. Two things are known then only: a sitting that runs over beyond its planned end, and a tentative
booking that has lapsed but was not cleared away yet (it looks taken for a minute longer than it is).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from prometheus_client import Counter, Histogram
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from dispatch.booking.allowed import calendars as loaded_calendars
from dispatch.booking.allowed import hours_of, keeps_holidays, zone_of
from dispatch.booking.catalogue.calendar_days import Calendars
from dispatch.booking.finding.occupancy import Held, Occupancy, Times
from dispatch.booking.finding.slots import Candidate
from dispatch.booking.holds import LONGEST
from dispatch.booking.spans import Span
from dispatch.booking.wall_clock import day_span
from dispatch.store.resources import TRAVELS
from dispatch.store.tables import Closure, CourtSite, Hold, Resource, Room

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database

KEPT_DAYS = 140
"""So many days from the first of the month on are kept ready; who searches beyond has them loaded for himself."""
AT_ONCE = 25
"""So many resources are loaded in one step: others are served in between."""
LOADED = Counter("dispatch_occupancy_loaded_total", "Resources whose time was read from the database for a search")
SECONDS = Histogram(
    "dispatch_occupancy_seconds", "Time to have everybody's time at hand for a search", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Bookable:
    """A resource as a search sees it. `kind`: that of a :class:`Resource`; `position` orders lists."""

    candidate: Candidate
    kind: str
    name: str
    name_en: str
    position: int

    @property
    def id(self) -> str:
        """The resource's id."""
        return self.candidate.id


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The time of resources at one moment, and what they are. The occupancy is the caller's own."""

    occupancy: Occupancy
    bookables: Mapping[str, Bookable]
    sites: Mapping[str, str]
    """names of the sites by id"""

    def candidates(self, ids: Iterable[str]) -> tuple[Candidate, ...]:
        """Those of the resources that are in use, in the order of their ids given."""
        return tuple(self.bookables[each].candidate for each in ids if each in self.bookables)

    def of_kind(self, kind: str) -> list[Bookable]:
        """All in use of that kind, in their order."""
        return sorted((each for each in self.bookables.values() if each.kind == kind), key=lambda each: (each.position, each.name, each.id))


class OccupancyStore:
    """Keeps the time of the resources of one database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: Occupancy | None = None
        self._calendar = Calendars()
        self._hours: Mapping[str, object] = {}

    async def over(self, window: Span, now: datetime, people: Collection[str] = ()) -> Snapshot:
        """Everything that can be booked but people, and the `people` named, over a window with a day on either side."""
        began = time.perf_counter()
        async with self._db.reader() as session:
            revisions, bookables = await _bookables(session, people)
            sites = {row.id: row for row in await session.scalars(select(CourtSite))}
            occupancy = await self._occupancy(session, window, now, sites)
            stale = occupancy.stale(revisions)
            for first in range(0, len(stale), AT_ONCE):
                ids = stale[first : first + AT_ONCE]
                for resource_id, times in (await _times(session, ids, occupancy.grid.span, self._db.site.zone, sites)).items():
                    occupancy.put(resource_id, revisions[resource_id], times)
        LOADED.inc(len(stale))
        SECONDS.observe(time.perf_counter() - began)
        return Snapshot(occupancy.copy(), bookables, {each.id: each.name for each in sites.values()})

    async def _occupancy(self, session: AsyncSession, window: Span, now: datetime, sites: Mapping[str, CourtSite]) -> Occupancy:
        """The one that is kept, where the window lies in it and neither the calendar nor a site's hours have changed since."""
        calendar = await loaded_calendars(session)
        hours = {each.id: (each.hours, each.zone) for each in sites.values()}
        first = day_span(now.astimezone(self._db.site.zone).date().replace(day=1) - timedelta(days=1), self._db.site.zone).start
        origin = first.astimezone(UTC)
        kept = Span(origin, origin + timedelta(days=KEPT_DAYS))
        a_day = timedelta(days=1)
        if window.start - a_day < kept.start or window.end + a_day > kept.end:
            begin = (window.start - a_day).replace(minute=0, second=0, microsecond=0)
            return Occupancy(begin, (window.end - begin).days + 3, calendar)
        if self._kept is None or (self._kept.grid.origin, self._calendar, self._hours) != (origin, calendar, hours):
            self._kept, self._calendar, self._hours = Occupancy(origin, KEPT_DAYS, calendar), calendar, hours
        return self._kept


_STORES: WeakKeyDictionary[Database, OccupancyStore] = WeakKeyDictionary()


def store_of(db: Database) -> OccupancyStore:
    """The one of a database: all searches in it use what any of them has loaded."""
    if db not in _STORES:
        _STORES[db] = OccupancyStore(db)
    return _STORES[db]


def travel_between(sites: Collection[str], minutes: int) -> dict[tuple[str, str], int]:
    """So many minutes from any site to any other."""
    return {(one, other): minutes for one in sites for other in sites if one < other} if minutes else {}


async def _bookables(session: AsyncSession, people: Collection[str]) -> tuple[dict[str, int], dict[str, Bookable]]:
    """What can be booked, and its revision."""
    wanted = (
        select(
            Resource.id, Resource.revision, Resource.kind, Resource.name, Resource.name_en, Resource.site_id, Resource.position,
            Resource.before_minutes, Resource.after_minutes, Resource.needs_approval, Resource.room_kind, Resource.features,
            Room.capacity,
        )
        .outerjoin(Room, Room.id == Resource.id)
        .where(Resource.active, or_(Resource.kind != "person", Resource.id.in_(sorted(people))))
    )  # fmt: skip
    revisions, bookables = {}, {}
    for key, revision, kind, name, name_en, site_id, position, before, after, approval, room_kind, features, seats in await session.execute(
        wanted
    ):
        revisions[key] = revision
        candidate = Candidate(key, room_kind or kind, site_id or "", seats or 0, frozenset(features), before, after, approval)
        bookables[key] = Bookable(candidate, kind, name, name_en, position)
    return revisions, bookables


async def _times(
    session: AsyncSession, ids: Collection[str], span: Span, zone: ZoneInfo, sites: Mapping[str, CourtSite]
) -> dict[str, Times]:
    """The rows of some resources. Sites at which they are needed are known of people and things that move alone."""
    resources = list(await session.scalars(select(Resource).where(Resource.id.in_(ids))))
    travel = [each.id for each in resources if each.kind in TRAVELS]
    held: dict[str, list[Held]] = {each.id: [] for each in resources}
    first, place = aliased(Hold), aliased(Resource)
    wanted = select(Hold.resource_id, Hold.starts_at, Hold.ends_at).where(
        Hold.active, Hold.starts_at < span.end, Hold.starts_at > span.start - LONGEST, Hold.ends_at > span.start
    )
    for resource_id, starts_at, ends_at in await session.execute(wanted.where(Hold.resource_id.in_(held.keys() - set(travel)))):
        held[resource_id].append(Held(Span(starts_at, ends_at)))
    with_site = (
        wanted.add_columns(place.site_id)
        .outerjoin(first, (first.booking_id == Hold.booking_id) & (first.position == 0))
        .outerjoin(place, place.id == first.resource_id)
        .where(Hold.resource_id.in_(travel))
    )
    for resource_id, starts_at, ends_at, site_id in await session.execute(with_site) if travel else ():
        held[resource_id].append(Held(Span(starts_at, ends_at), site_id or ""))
    closures = list(
        await session.scalars(
            select(Closure).where(
                or_(Closure.resource_id.in_(ids), Closure.site_id.in_({each.site_id for each in resources} - {None})),
                Closure.starts_at < span.end,
                Closure.ends_at > span.start,
            )
        )
    )
    return {
        each.id: Times(
            hours_of(each, sites.get(each.site_id or "")),
            zone_of(sites.get(each.site_id or ""), zone),
            held[each.id],
            [
                Span(closure.starts_at, closure.ends_at)
                for closure in closures
                if closure.resource_id == each.id or (closure.site_id is not None and closure.site_id == each.site_id)
            ],
            keeps_holidays=keeps_holidays(each),
            days_of=each.site_id or "",
        )
        for each in resources
    }


def names_of(snapshot: Snapshot, *, english: bool) -> Callable[[str], str]:
    """Gives the name of a resource or site by its id, as a page shows it."""

    def name(key: str) -> str:
        found = snapshot.bookables.get(key)
        if found is None:
            return snapshot.sites.get(key, "")
        return found.name_en or found.name if english else found.name

    return name
