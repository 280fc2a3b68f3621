"""What is known of each resource's time, kept ready for searches and renewed only where something changed. Pure.

Each change of a resource's holds, closures or hours gives it another revision in the same transaction. A search reads the
revisions (one small query), has the rows of those that changed loaded, and works on the rest as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.calendar_days import Calendars, WorkingCalendar
from dispatch.booking.catalogue.hours import WeeklyHours, open_spans
from dispatch.booking.finding.bitmaps import DAY_STEPS, Grid
from dispatch.booking.spans import Span


@dataclass(frozen=True, slots=True)
class Held:
    """A time for which a resource is held, with set-up and clear-up, and the site at which it is needed."""

    span: Span
    site_id: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """What the rows of a resource say. `keeps_holidays`: whether the calendar of holidays is its own; the cells of a detention house
    know none. `closed`: closures, maintenance, leave. `days_of`: the site whose days hold for it."""

    hours: WeeklyHours
    zone: ZoneInfo
    held: Collection[Held] = ()
    closed: Collection[Span] = ()
    keeps_holidays: bool = True
    days_of: str = ""


@dataclass(frozen=True, slots=True)
class Bits:
    """A resource's time on the grid: when it is open, when neither held nor closed, and for which site it is held when."""

    opened: int
    free: int
    held_at: Mapping[str, int] = field(default_factory=dict)


Load = Callable[[Collection[str]], Mapping[str, Times]]
"""Reads the rows of the named resources."""


class Occupancy:
    """The time of resources over a span of days. One who searches beyond it makes another; a changed calendar needs another too."""

    def __init__(self, origin: datetime, days: int, calendar: WorkingCalendar | Calendars | None = None) -> None:
        """`origin`: UTC, on full five minutes; the first moment that is known."""
        self.grid = Grid(origin, days * DAY_STEPS)
        self._calendar = Calendars(calendar) if isinstance(calendar, WorkingCalendar) else calendar
        self._known: dict[str, tuple[int, Bits]] = {}
        self._hours: dict[tuple[WeeklyHours, ZoneInfo, str | None], int] = {}

    def stale(self, revisions: Mapping[str, int]) -> list[str]:
        """Those of the resources of which another revision is known, or nothing."""
        return [each for each, revision in revisions.items() if each not in self._known or self._known[each][0] != revision]

    def put(self, resource_id: str, revision: int, times: Times) -> None:
        """Take what the rows say. `revision` is the one that was read before or with them, in one transaction."""
        opened = self.steps_shown(times.hours, times.zone, keeps_holidays=times.keeps_holidays, days_of=times.days_of)
        closed = self.grid.touched(times.closed) if times.closed else 0
        by_site: dict[str, list[Span]] = {}
        for held in times.held:
            by_site.setdefault(held.site_id, []).append(held.span)
        held_at = {site: self.grid.touched(spans) for site, spans in by_site.items()}
        taken = closed
        for steps in held_at.values():
            taken |= steps
        self._known[resource_id] = (revision, Bits(opened & ~closed, self.grid.all & ~taken, held_at))

    def refresh(self, revisions: Mapping[str, int], load: Load) -> list[str]:
        """Load those that changed; answers which. What the loader does not give any more is forgotten."""
        changed = self.stale(revisions)
        loaded = load(changed) if changed else {}
        for resource_id in changed:
            if resource_id in loaded:
                self.put(resource_id, revisions[resource_id], loaded[resource_id])
            else:
                self.forget([resource_id])
        return changed

    def forget(self, resource_ids: Iterable[str]) -> None:
        """Drop what is known of resources that are no more."""
        for resource_id in resource_ids:
            self._known.pop(resource_id, None)

    def of(self, resource_id: str) -> Bits:
        """The time of a resource. Raises KeyError for one that was never put."""
        return self._known[resource_id][1]

    def __contains__(self, resource_id: str) -> bool:
        return resource_id in self._known

    def steps_shown(self, hours: WeeklyHours, zone: ZoneInfo, *, keeps_holidays: bool, days_of: str = "") -> int:
        """The steps in which a clock of the zone shows such hours; reckoned once for all who have them."""
        calendars = self._calendar if keeps_holidays else None
        key = (hours, zone, None if calendars is None else days_of if days_of in calendars.sites else "")
        if key not in self._hours:
            calendar = None if calendars is None else calendars.of(days_of)
            self._hours[key] = self.grid.within(open_spans(self.grid.span, hours, zone, calendar))
        return self._hours[key]

    def copy(self) -> Occupancy:
        """The same knowledge, to try holds on."""
        other = Occupancy(self.grid.origin, 0, self._calendar)
        other.grid, other._known, other._hours = self.grid, dict(self._known), self._hours
        return other

    def hold(self, resource_id: str, held: Held) -> None:
        """As if the resource were held as well; a later :meth:`put` forgets it. Raises KeyError for one that was never put."""
        revision, bits = self._known[resource_id]
        steps = self.grid.touched([held.span])
        held_at = {**bits.held_at, held.site_id: bits.held_at.get(held.site_id, 0) | steps}
        self._known[resource_id] = (revision, Bits(bits.opened, bits.free & ~steps, held_at))
