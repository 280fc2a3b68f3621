"""The waiting sittings that are listed together, where each could be, and what a listing of them costs. Pure.

The cost that a listing is to keep low, in points: the same for whoever makes it, a solver or a clerk.

* UNPLACED × priority for a sitting without a place: more than any place of its own can cost.
* for each day that a sitting waits A_DAY_OFF × priority; NOT_PREFERRED outside the hours that its people prefer.
* the place as in `finding`: too large, another site than before, needs approval; an interpreter or thing that needs approval likewise.
* CASE_DAY for each day on which a case with several sittings is heard: its sittings are kept together.
* ROOM_OF_DAY for each room in which somebody presides on a day: sittings in a row stay in one room.
* CHANGED where a sitting that had a place in the former proposal has another: an adjustment changes little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dispatch.booking.catalogue.hours import WeeklyHours
from dispatch.booking.finding.bitmaps import below, steps_of
from dispatch.booking.finding.finding import A_DAY_OFF, APPROVAL, NOT_PREFERRED, Finder
from dispatch.booking.finding.occupancy import Held, Occupancy
from dispatch.booking.finding.slots import Candidate, Need, Search
from dispatch.booking.spans import Span

UNPLACED, CASE_DAY, ROOM_OF_DAY, CHANGED = 1000, 12, 6, 40
MOST_WAITING = 500
GRAIN_MINUTES = 15
"""Sittings are listed on full quarters of an hour."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and when a sitting is: its start (UTC) and a resource for each of its needs, the place first."""

    start: datetime
    resource_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sitting that waits for a time. `needs` as in a search: the place, then people, equipment, custody slots.

    `chair_id`: who presides, one of the people. `priority` 1 to 9. `not_before`: what statutory notice allows; `deadline`: it has to be
    over by then. `required`: a listing without it is none. `pinned`: the clerk has put it there, also outside hours or notice.
    `previous`: its place in the former proposal.
    """

    id: str
    minutes: int
    needs: tuple[Need, ...]
    case_id: str = ""
    chair_id: str = ""
    priority: int = 1
    not_before: datetime | None = None
    deadline: datetime | None = None
    preferred: WeeklyHours | None = None
    site_id: str = ""
    required: bool = False
    pinned: Placement | None = None
    previous: Placement | None = None


@dataclass(frozen=True, slots=True)
class Docket:
    """What is listed: sittings that wait, the span of days, and minutes of travel between sites (see `Search`)."""

    waiting: tuple[Waiting, ...]
    window: Span
    zone: ZoneInfo
    travel: Mapping[tuple[str, str], int] = field(default_factory=dict)
    grain: int = GRAIN_MINUTES


@dataclass(frozen=True, slots=True)
class Option:
    """A place of a sitting: the starts that are possible there by all that is booked already, and what it costs whenever it is."""

    place: Candidate
    starts: int
    cost: int


class Prepared:
    """A docket on an occupancy: every sitting with its search and options. Steps are the same for all of them.

    Raises ValueError for two sittings of one id, more than MOST_WAITING, or one that is pinned outside the window or to what is
    none of its candidates; KeyError for a resource of which the occupancy knows nothing.
    """

    def __init__(self, docket: Docket, occupancy: Occupancy) -> None:
        self.docket = docket
        self.occupancy = occupancy
        self._days: list[int] = []
        self.sittings = {each.id: each for each in docket.waiting}
        if len(self.sittings) < len(docket.waiting) or len(docket.waiting) > MOST_WAITING:
            raise ValueError(f"a docket lists at most {MOST_WAITING} sittings, each once")
        for each in docket.waiting:
            if each.pinned is not None:
                self._check_pinned(each, each.pinned)
        cases = Counter(each.case_id for each in docket.waiting if each.case_id)
        self.several = {case_id for case_id, sittings in cases.items() if sittings > 1}
        """Cases of which more than one sitting is listed."""
        self.finders = {each.id: Finder(occupancy, self._search(each)) for each in docket.waiting}
        self.aligned = {each.id: self._aligned(each) for each in docket.waiting}
        """The starts that a listing chooses from: on the grain, or that of the former proposal, and over by the deadline."""
        self.options = {each.id: self._options(each) for each in docket.waiting}

    def _search(self, each: Waiting) -> Search:
        window, pinned = self.docket.window, each.pinned is not None
        earliest = window.start if pinned else each.not_before or window.start
        return Search(
            each.minutes, each.needs, window, earliest, self.docket.zone,
            preferred=each.preferred, site_id=each.site_id, travel=self.docket.travel, outside_hours=pinned,
        )  # fmt: skip

    def _check_pinned(self, each: Waiting, pinned: Placement) -> None:
        window, end = self.docket.window, pinned.start + timedelta(minutes=each.minutes)
        known = len(pinned.resource_ids) == len(each.needs) and all(
            any(candidate.id == resource_id for candidate in need.candidates)
            for need, resource_id in zip(each.needs, pinned.resource_ids, strict=True)
        )
        if not known or not window.start <= pinned.start < end <= window.end:
            raise ValueError(f"{each.id} is pinned outside the window or to what is none of its candidates")

    def _aligned(self, each: Waiting) -> int:
        finder = self.finders[each.id]
        some = self.grid_steps(each)
        if each.previous is not None and each.previous.start >= self.docket.window.start:
            some |= 1 << finder.step(each.previous.start)
        return some & self.in_time(each)

    def grid_steps(self, each: Waiting) -> int:
        """The starts on the grain from which a sitting is over by the window's end."""
        finder = self.finders[each.id]
        first, after = finder.step(self.docket.window.start), finder.step(self.docket.window.end) - finder.length
        return sum(1 << step for step in range(first, after + 1, steps_of(self.docket.grain)))

    def in_time(self, each: Waiting) -> int:
        """The starts from which a sitting is over by its deadline."""
        finder = self.finders[each.id]
        end = min(self.docket.window.end, each.deadline or self.docket.window.end)
        return below(finder.step(end) - finder.length + 1)

    def _options(self, each: Waiting) -> list[Option]:
        finder, pinned = self.finders[each.id], each.pinned
        wanted = self.aligned[each.id] if pinned is None else 1 << finder.step(pinned.start)
        every = (Option(place, finder.starts(n) & wanted, finder.fixed_cost(n)) for n, place in enumerate(finder.places))
        return [option for option in every if option.starts and (pinned is None or option.place.id == pinned.resource_ids[0])]

    def days(self, each: Waiting) -> list[int]:
        """The steps of each local day of the window, from its first on: the same for all sittings."""
        if not self._days:
            finder = self.finders[each.id]
            first = finder.step(self.docket.window.start)
            self._days = [steps for steps in finder.days if steps >> first]
        return self._days

    def time_cost(self, each: Waiting, day: int, *, preferred: bool) -> int:
        """What it costs to be on a day, counted from the window's first, within or outside the preferred hours."""
        return A_DAY_OFF * day * each.priority + (0 if preferred else NOT_PREFERRED)

    def day_of(self, each: Waiting, step: int) -> int:
        """The number of the local day on which a step lies."""
        return next(number for number, steps in enumerate(self.days(each)) if steps >> step & 1)

    def holds(self, sitting_id: str, placement: Placement) -> list[tuple[str, Held]]:
        """What a placement takes of each resource, with set-up and clear-up."""
        each = self.sittings[sitting_id]
        place = candidate_of(each.needs[0], placement.resource_ids[0])
        found = []
        for need, resource_id in zip(each.needs, placement.resource_ids, strict=True):
            candidate = candidate_of(need, resource_id)
            start = placement.start - timedelta(minutes=candidate.before)
            end = placement.start + timedelta(minutes=each.minutes + candidate.after)
            found.append((resource_id, Held(Span(start, end), place.site_id)))
        return found

    def cost_of(self, placements: Mapping[str, Placement]) -> int:
        """What a listing costs, as the head of this module says."""
        cost = 0
        case_days: set[tuple[str, int]] = set()
        rooms_of_days: set[tuple[str, int, str]] = set()
        for each in self.docket.waiting:
            placement = placements.get(each.id)
            cost += CHANGED if each.previous is not None and placement != each.previous else 0
            if placement is None:
                cost += UNPLACED * each.priority
                continue
            finder = self.finders[each.id]
            step = finder.step(placement.start)
            day = self.day_of(each, step)
            cost += self.time_cost(each, day, preferred=bool(finder.preferred >> step & 1))
            place = placement.resource_ids[0]
            cost += finder.fixed_cost(next(n for n, candidate in enumerate(finder.places) if candidate.id == place))
            for need, resource_id in zip(each.needs[1:], placement.resource_ids[1:], strict=True):
                cost += choice_cost(need, candidate_of(need, resource_id))
            if each.case_id in self.several:
                case_days.add((each.case_id, day))
            if each.chair_id:
                rooms_of_days.add((each.chair_id, day, place))
        return cost + CASE_DAY * len(case_days) + ROOM_OF_DAY * len(rooms_of_days)


def choice_cost(need: Need, candidate: Candidate) -> int:
    """What it costs to take this one of several."""
    return APPROVAL if candidate.needs_approval and len(need.candidates) > 1 else 0


def candidate_of(need: Need, resource_id: str) -> Candidate:
    """The candidate of that id."""
    return next(candidate for candidate in need.candidates if candidate.id == resource_id)
