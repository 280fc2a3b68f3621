"""Finding a time: the best free slots for what a sitting needs, over all rooms that would do, each with its reasons. Pure.

The answer is exact: no slot that is left out costs less than one that is given, but for those too near to one of the same room.
Starts are not tried one after another. For each room the starts that are possible at all are one number (see `bitmaps`); it is split
by what costs something, the cheapest part first, and only parts that can still win are looked into.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from dispatch.booking.finding.bitmaps import DAY_STEPS, STEP_MINUTES, below, first_step, fitting, last_step, nearest_step, spread, steps_of
from dispatch.booking.finding.obstacles import Obstacle, irreducible
from dispatch.booking.finding.occupancy import Bits, Occupancy
from dispatch.booking.finding.slots import Candidate, Need, Reason, Search, Slot
from dispatch.booking.spans import STEP, Span
from dispatch.booking.wall_clock import day_span

SLACK_MINUTES = 10
"""With less than so much between a sitting and the next thing of a room or person a delay of one is a delay of both."""
USABLE_MINUTES = 30
"""A gap that is shorter can be used by nobody."""

OUTSIDE_HOURS, SHORT_NOTICE, TRAVEL, APPROVAL, NOT_PREFERRED, TIGHT, OTHER_SITE, GAP, A_DAY_OFF = 80, 60, 25, 20, 15, 10, 10, 8, 2
"""What each drawback costs; A_DAY_OFF for each day away from the wanted time."""
LARGE_MOST = 20
"""A room costs one for each seat above twice what is wanted, and no more than so much."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Starts at which one candidate can be had; those within its hours; those with slack on both sides."""

    possible: int
    in_hours: int
    loose: int


@dataclass(frozen=True, slots=True)
class Others:
    """What all needs but the place allow at one site. `pools`: needs of which any of several will do."""

    possible: int
    in_hours: int
    loose: int
    away: int
    pools: tuple[tuple[int, tuple[Candidate, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Starts of a place that share the costs decided so far; `next_split` is the first that is not decided."""

    room: int
    starts: int
    cost: int
    next_split: int
    forward: bool


@dataclass(frozen=True, slots=True)
class _Choice:
    """One start of a place, with a resource for each need."""

    chosen: tuple[Candidate, ...]


def find(occupancy: Occupancy, search: Search) -> list[Slot]:
    """The best slots, cheapest first; of equal cost the nearest to the wanted time.

    Two slots of one place do not overlap each other. Raises KeyError for a resource of which the occupancy knows nothing, ValueError
    for a search without needs or without length.
    """
    return Finder(occupancy, search).best()


def nearest_free(occupancy: Occupancy, search: Search) -> datetime | None:
    """The possible start nearest to the wanted one, of two equally near the later; None where there is none in the window.

    Working hours count unless the search says otherwise, everything else that costs something does not.
    """
    finder = Finder(occupancy, search)
    found = [step for room in range(len(finder.places)) if (step := finder.nearest_assigned(room)) >= 0]
    best = min(found, key=lambda step: (abs(step - finder.near), step < finder.near), default=None)
    return None if best is None else finder.moment(best)


class Finder:
    """One search, in steps of its window with a day on either side, so that its edges are no walls. Two searches over one window and one
    occupancy count the same steps."""

    def __init__(self, occupancy: Occupancy, search: Search) -> None:
        if not search.needs or search.minutes <= 0:
            raise ValueError("a search needs a place and a length")
        self.search = search
        self.places = search.needs[0].candidates
        grid = occupancy.grid
        self._low = max(grid.first_from(search.window.start) - DAY_STEPS, 0)
        self._size = max(min(grid.last_until(search.window.end) + DAY_STEPS, grid.size) - self._low, 0)
        self._mask = below(self._size)
        self._grid = grid
        self._occupancy = occupancy
        self.length = steps_of(search.minutes)
        self.earliest = max(grid.first_from(max(search.window.start, search.earliest)) - self._low, 0)
        last = grid.last_until(search.window.end) - self._low - self.length
        self.in_window = below(last + 1) & ~below(self.earliest)
        self.near = self.earliest if search.near is None else grid.first_from(search.near) - self._low
        self._bits: dict[str, Bits] = {}
        self._fits: dict[tuple[str, str], Fit] = {}
        self._others: dict[str, Others] = {}
        self._splits: dict[int, list[tuple[int, int, str]]] = {}

    def moment(self, step: int) -> datetime:
        """When a step begins."""
        return self._grid.moment(step + self._low)

    def bits(self, resource_id: str) -> Bits:
        """The resource's time in the steps of this search."""
        if resource_id not in self._bits:
            whole = self._occupancy.of(resource_id)
            held_at = {site: self._cut(steps) for site, steps in whole.held_at.items()}
            self._bits[resource_id] = Bits(self._cut(whole.opened), self._cut(whole.free), held_at)
        return self._bits[resource_id]

    def step(self, at: datetime) -> int:
        """The step that begins at a moment, or the first after it."""
        return self._grid.first_from(at) - self._low

    def _cut(self, steps: int) -> int:
        return (steps >> self._low) & self._mask

    def fit(self, candidate: Candidate, need: Need, site_id: str) -> Fit:
        """When one candidate can be had for a sitting at a site."""
        key = (candidate.id, site_id if need.travels else "")
        if key not in self._fits:
            bits = self.bits(candidate.id)
            free = bits.free
            for other, steps in bits.held_at.items() if need.travels else ():
                minutes = self.search.travel_minutes(other, site_id)
                if minutes:
                    free &= ~spread(steps, steps_of(minutes))
            before, slack = steps_of(candidate.before), steps_of(SLACK_MINUTES)
            whole = before + self.length + steps_of(candidate.after)
            possible = fitting(free, whole) << before
            in_hours = fitting(bits.opened, self.length)
            if not self.search.outside_hours:
                possible &= in_hours
            self._fits[key] = Fit(possible, in_hours, fitting(free, whole + 2 * slack) << (before + slack))
        return self._fits[key]

    def others(self, room: int) -> Others:
        """What all needs but the place allow, where the place is."""
        site_id = self.places[room].site_id
        if site_id not in self._others:
            possible = in_hours = loose = self._mask
            away = 0
            pools = []
            for number, need in enumerate(self.search.needs[1:], 1):
                if len(need.candidates) == 1:
                    fit = self.fit(need.candidates[0], need, site_id)
                    possible, in_hours, loose = possible & fit.possible, in_hours & fit.in_hours, loose & fit.loose
                    away |= self._away(need.candidates[0], site_id) if need.travels else 0
                    continue
                pools.append((number, need.candidates))
                any_of = 0
                for candidate in need.candidates:
                    any_of |= self.fit(candidate, need, site_id).possible
                possible &= any_of
            self._others[site_id] = Others(possible, in_hours, loose, away, tuple(pools))
        return self._others[site_id]

    def _away(self, candidate: Candidate, site_id: str) -> int:
        """The days on which it is needed at another site as well, to which there is a way to go."""
        elsewhere = 0
        for other, steps in self.bits(candidate.id).held_at.items():
            if self.search.travel_minutes(other, site_id):
                elsewhere |= steps
        if not elsewhere:
            return 0
        found = 0
        for steps in self.days:
            found |= steps if elsewhere & steps else 0
        return found

    @cached_property
    def days(self) -> list[int]:
        """The steps of each local day."""
        first, last = (self.moment(step).astimezone(self.search.zone).date() for step in (0, self._size))
        days = (day_span(first + timedelta(days=number), self.search.zone) for number in range((last - first).days + 1))
        edges = ((self.step(day.start), self.step(day.end)) for day in days)
        return [below(min(after, self._size)) & ~below(start) for start, after in edges]

    @cached_property
    def preferred(self) -> int:
        """The starts within the preferred hours; every step where none are."""
        hours = self.search.preferred
        if hours is None:
            return self._mask
        shown = self._cut(self._occupancy.steps_shown(hours, self.search.zone, keeps_holidays=False))
        return fitting(shown, self.length)

    def starts(self, room: int) -> int:
        """Every possible start in a place."""
        place, others = self.places[room], self.others(room)
        if any(place.id == need.candidates[0].id for need in self.search.needs[1:] if len(need.candidates) == 1):
            return 0  # it is needed for something else at the same time
        return self.fit(place, self.search.needs[0], place.site_id).possible & others.possible & self.in_window

    def fixed_cost(self, room: int) -> int:
        """What a place costs whenever it is."""
        place = self.places[room]
        elsewhere = OTHER_SITE if self.search.site_id and place.site_id != self.search.site_id else 0
        return self._too_large(place) + elsewhere + (APPROVAL if place.needs_approval else 0)

    def _too_large(self, place: Candidate) -> int:
        wanted = self.search.needs[0].seats
        return min(max(place.seats - 2 * wanted, 0), LARGE_MOST) if wanted else 0

    def splits(self, room: int) -> list[tuple[int, int, str]]:
        """(starts that it costs, cost, code) of all that depends on the start, the dearest first."""
        if room not in self._splits:
            place, others = self.places[room], self.others(room)
            fit = self.fit(place, self.search.needs[0], place.site_id)
            noticed = self.search.noticed_from
            soon = below(self.step(noticed)) if noticed else 0
            self._splits[room] = [
                (self._mask & ~(fit.in_hours & others.in_hours) if self.search.outside_hours else 0, OUTSIDE_HOURS, "outside_hours"),
                (soon, SHORT_NOTICE, "short_notice"),
                (others.away, TRAVEL, "travel"),
                (self._mask & ~self.preferred, NOT_PREFERRED, "not_preferred"),
                (self._mask & ~(fit.loose & others.loose), TIGHT, "tight"),
                (self._gaps(place), GAP, "gap"),
            ]
        return self._splits[room]

    def _gaps(self, place: Candidate) -> int:
        """The starts that leave a gap before or after that is too short for anything."""
        bits = self.bits(place.id)
        usable, short = bits.opened & bits.free, steps_of(USABLE_MINUTES)
        long_enough = fitting(usable, short)
        before = (usable << 1) & ~(long_enough << short)
        after = usable & ~long_enough
        return (before << steps_of(place.before)) | (after >> (self.length + steps_of(place.after)))

    def _time_cost(self, step: int) -> int:
        return A_DAY_OFF * abs(step - self.near) // DAY_STEPS

    def best(self) -> list[Slot]:
        """Best first. Parts of the starts of all places stand in one queue by the least that a slot in them can cost; what has no
        parts any more is one slot and its exact cost."""
        queue: list[tuple[int, int, int, int, int, _Part | _Choice]] = []
        numbers = count()
        blocked, taken = [0] * len(self.places), [0] * len(self.places)

        def push(part: _Part) -> None:
            starts = part.starts & ~blocked[part.room]
            if starts and taken[part.room] < self.search.per_room:
                step = first_step(starts) if part.forward else last_step(starts)
                key = (part.cost + self._time_cost(step), abs(step - self.near), part.room, step, next(numbers))
                heapq.heappush(queue, (*key, replace(part, starts=starts)))

        for room in range(len(self.places)):
            starts, cost = self.starts(room), self.fixed_cost(room)
            push(_Part(room, starts & ~below(self.near), cost, 0, forward=True))
            push(_Part(room, starts & below(self.near), cost, 0, forward=False))
        found: list[Slot] = []
        while queue and len(found) < self.search.most:
            cost, distance, room, step, _, entry = heapq.heappop(queue)
            if isinstance(entry, _Choice):
                if taken[room] < self.search.per_room and not blocked[room] >> step & 1:
                    found.append(self._slot(room, step, entry.chosen, cost))
                    taken[room] += 1
                    blocked[room] |= below(step + self.length) & ~below(step - self.length + 1)
            elif entry.starts & blocked[room] or taken[room] >= self.search.per_room:
                push(entry)
            elif entry.next_split < len(self.splits(room)):
                for part in self._split(entry):
                    push(part)
            else:
                assigned = self.assigned(room, step)
                if assigned is not None:
                    more, chosen = assigned
                    heapq.heappush(queue, (cost + more, distance, room, step, next(numbers), _Choice(chosen)))
                push(replace(entry, starts=entry.starts & ~(1 << step)))
        return found

    def _split(self, part: _Part) -> Iterator[_Part]:
        """The starts that the next thing costs something, and the others."""
        dear, price, _ = self.splits(part.room)[part.next_split]
        for starts, cost in ((part.starts & ~dear, part.cost), (part.starts & dear, part.cost + price)):
            if starts:
                yield replace(part, starts=starts, cost=cost, next_split=part.next_split + 1)

    def assigned(self, room: int, step: int) -> tuple[int, tuple[Candidate, ...]] | None:
        """The cheapest resource for each need at a start, no resource twice; None where they do not go round."""
        place, others = self.places[room], self.others(room)
        needs = self.search.needs
        single = {number: need.candidates[0] for number, need in enumerate(needs) if number and len(need.candidates) == 1}
        used = {place.id, *(each.id for each in single.values())}
        if len(used) < len(single) + 1:
            return None
        best: tuple[int, dict[int, Candidate]] | None = None

        def choose(position: int, cost: int, chosen: dict[int, Candidate]) -> None:
            nonlocal best
            if best is not None and cost >= best[0]:
                return
            if position == len(others.pools):
                best = (cost, dict(chosen))
                return
            number, candidates = others.pools[position]
            for candidate in candidates:
                taken = candidate.id in used or any(candidate.id == each.id for each in chosen.values())
                if not taken and self.fit(candidate, needs[number], place.site_id).possible >> step & 1:
                    chosen[number] = candidate
                    choose(position + 1, cost + self._own_cost(candidate, needs[number], place, step), chosen)
                    del chosen[number]

        choose(0, sum(APPROVAL for each in single.values() if each.needs_approval), {})
        if best is None:
            return None
        every = {0: place, **single, **best[1]}
        return best[0], tuple(every[number] for number in range(len(needs)))

    def _own_cost(self, candidate: Candidate, need: Need, place: Candidate, step: int) -> int:
        """What it costs to take this one of several at a start."""
        outside = not self.fit(candidate, need, place.site_id).in_hours >> step & 1
        return (APPROVAL if candidate.needs_approval else 0) + (OUTSIDE_HOURS if outside else 0)

    def nearest_assigned(self, room: int) -> int:
        """The possible start of a place nearest to the wanted one at which all needs can be met together; -1 where there is none."""
        starts = self.starts(room)
        while starts:
            step = nearest_step(starts, self.near)
            if self.assigned(room, step) is not None:
                return step
            starts ^= 1 << step
        return -1

    def _slot(self, room: int, step: int, chosen: tuple[Candidate, ...], cost: int) -> Slot:
        start = self.moment(step)
        reasons = tuple(sorted(self._reasons(room, step, chosen), key=lambda reason: -reason.cost))
        return Slot(Span(start, start + self.length * STEP), tuple(each.id for each in chosen), cost, reasons)

    def _reasons(self, room: int, step: int, chosen: tuple[Candidate, ...]) -> Iterator[Reason]:
        search, place = self.search, self.places[room]
        if wanted := search.needs[0].seats:
            large = self._too_large(place)
            yield Reason("large_room" if large else "right_size", large, {"seats": place.seats, "wanted": wanted})
        if search.site_id:
            same = place.site_id == search.site_id
            yield Reason("same_site" if same else "other_site", 0 if same else OTHER_SITE, {"site_id": place.site_id})
        costs = {code: price for dear, price, code in self.splits(room) if dear >> step & 1}
        if "outside_hours" not in costs:
            yield Reason("in_hours")
        if search.preferred is not None and "not_preferred" not in costs:
            yield Reason("preferred")
        for code, price in costs.items():
            yield Reason(code, price, self._data(code, room, step))
        for number, candidate in enumerate(chosen):
            if candidate.needs_approval:
                yield Reason("needs_approval", APPROVAL, {"resource_id": candidate.id})
            need = search.needs[number]
            if number and len(need.candidates) > 1 and not self.fit(candidate, need, place.site_id).in_hours >> step & 1:
                yield Reason("outside_hours", OUTSIDE_HOURS, {"resource_id": candidate.id})
        if time_cost := self._time_cost(step):
            yield Reason("days_off", time_cost, {"days": abs(step - self.near) // DAY_STEPS})

    def _data(self, code: str, room: int, step: int) -> dict[str, Any]:
        if code == "short_notice":
            return {"earliest": self.search.noticed_from}
        if code == "gap":
            return {"minutes": self._gap_minutes(room, step)}
        if code == "tight":
            return {"minutes": SLACK_MINUTES}
        if code == "travel":
            return self._travel_of(room, step)
        return {}

    def _gap_minutes(self, room: int, step: int) -> int:
        """The longer of the two gaps that are too short."""
        place = self.places[room]
        bits = self.bits(place.id)
        usable, most = bits.opened & bits.free, steps_of(USABLE_MINUTES)
        ends = step + self.length + steps_of(place.after)
        after = first_step(~(usable >> ends))
        begins = step - steps_of(place.before)
        before = begins - 1 - last_step(~usable & below(begins))
        return max(gap for gap in (before, after, 0) if gap < most) * STEP_MINUTES

    def _travel_of(self, room: int, step: int) -> dict[str, Any]:
        """Who has to come from where on the day of a start."""
        site_id = self.places[room].site_id
        day = next(steps for steps in self.days if steps >> step & 1)
        for need in self.search.needs[1:]:
            if need.travels and len(need.candidates) == 1:
                for other, steps in self.bits(need.candidates[0].id).held_at.items():
                    if steps & day and self.search.travel_minutes(other, site_id):
                        return {"resource_id": need.candidates[0].id, "site_id": other}
        return {}

    def obstacles(self) -> list[Obstacle]:
        """Why there is no slot at all: needs that cannot be met together, none of which can be left out. Empty where there is
        one. With places at several sites the site with the shortest explanation speaks."""
        if any(self.nearest_assigned(room) >= 0 for room in range(len(self.places))):
            return []
        if not self.places:
            return [Obstacle("no_candidate", {"need": 0})]
        found = []
        for site_id in sorted({place.site_id for place in self.places}):
            masks = [(Obstacle("window", {"minutes": self.search.minutes}), self.in_window)]
            for number, need in enumerate(self.search.needs):
                any_of = 0
                for candidate in need.candidates:
                    if number or candidate.site_id == site_id:
                        any_of |= self.fit(candidate, need, site_id).possible
                ids = tuple(candidate.id for candidate in need.candidates)
                code = "no_candidate" if not ids else "resource_not_free" if len(ids) == 1 else "none_free"
                masks.append((Obstacle(code, {"need": number, "resource_ids": ids}), any_of))
            found.append(irreducible(masks) or [Obstacle("shared", {"need": 0})])
        return min(found, key=len)
