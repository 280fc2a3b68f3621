"""Listings made in a moment, sitting by sitting: the floor of the measurements, and where the solver begins. Pure.

:func:`earliest_fit` takes sittings by priority and deadline and gives each the first start that is left. :func:`cheapest_fit` takes the
least free first, gives each what costs least by then, and begins anew a few times with those in front that found nothing (squeaky wheel
optimisation, Joslin and Clements 1999).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from dispatch.booking.bitmaps import below, each_step, first_step
from dispatch.booking.docket import CASE_DAY, ROOM_OF_DAY, Placement, Prepared, Waiting
from dispatch.booking.finding import Finder

ROUNDS = 16


class _Book:
    """A listing while it is made."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.placed: dict[str, Placement] = {}
        self.case_days: set[tuple[str, int]] = set()
        self.chair_rooms: set[tuple[str, int, str]] = set()
        self._occupancy = prepared.occupancy.copy()

    def finder(self, each: Waiting) -> Finder:
        """The search of a sitting among what is placed by now."""
        return Finder(self._occupancy, self.prepared.finders[each.id].search)

    def take(self, each: Waiting, placement: Placement) -> None:
        self.placed[each.id] = placement
        day = self.prepared.day_of(each, self.prepared.finders[each.id].step(placement.start))
        self.case_days.add((each.case_id, day))
        self.chair_rooms.add((each.chair_id, day, placement.resource_ids[0]))
        for resource_id, held in self.prepared.holds(each.id, placement):
            self._occupancy.hold(resource_id, held)

    def keep(self) -> None:
        """What is pinned, then what had a place, stays there where it can."""
        for kept in ("pinned", "previous"):
            for each in self.prepared.docket.waiting:
                wanted: Placement | None = getattr(each, kept)
                if each.id not in self.placed and wanted is not None and can_be(each, self.finder(each), wanted):
                    self.take(each, wanted)

    def fill(self, order: Iterable[Waiting], choose: Callable[[Waiting, Finder], Placement | None]) -> None:
        """Place the others in that order."""
        for each in order:
            if each.id not in self.placed and each.pinned is None and self.prepared.options[each.id]:
                found = choose(each, self.finder(each))
                if found is not None:
                    self.take(each, found)

    def cheapest(self, each: Waiting, finder: Finder) -> Placement | None:
        """What costs least by now."""
        aligned, several = self.prepared.aligned(each), self.prepared.several
        found: list[tuple[int, int, int, int]] = []
        for number, place in enumerate(finder.places):
            starts = finder.starts(number) & aligned
            for day, steps in enumerate(self.prepared.days(each)) if starts else ():
                cost = finder.fixed_cost(number)
                if each.case_id in several and (each.case_id, day) not in self.case_days:
                    cost += CASE_DAY
                if each.chair_id and (each.chair_id, day, place.id) not in self.chair_rooms:
                    cost += ROOM_OF_DAY
                for likes, some in ((True, starts & steps & finder.preferred), (False, starts & steps & ~finder.preferred)):
                    if some:
                        found.append((cost + self.prepared.time_cost(each, day, preferred=likes), first_step(some), number, some))
        for _, _, number, some in sorted(found):
            placement = first_start(finder, {number: some})
            if placement is not None:
                return placement
        return None


def earliest_fit(prepared: Prepared) -> dict[str, Placement]:
    """By priority and deadline, each at the first start that is left, there in the place that costs least."""
    book, late = _Book(prepared), prepared.docket.window.end
    book.keep()
    order = sorted(prepared.docket.waiting, key=lambda one: (not one.required, -one.priority, one.deadline or late))

    def first(each: Waiting, finder: Finder) -> Placement | None:
        aligned = prepared.aligned(each)
        return first_start(finder, {number: finder.starts(number) & aligned for number in range(len(finder.places))})

    book.fill(order, first)
    return book.placed


def cheapest_fit(prepared: Prepared, rounds: int = ROUNDS) -> dict[str, Placement]:
    """The best of some rounds; what found no place in one is among the first of the next."""
    waiting = prepared.docket.waiting
    freedom = {each.id: _starts(prepared, each) / each.minutes / each.priority for each in waiting}
    blame = dict.fromkeys(freedom, 0)
    best: tuple[int, dict[str, Placement]] | None = None
    for _ in range(rounds):
        book = _Book(prepared)
        book.keep()
        order = sorted(waiting, key=lambda one: (not one.required, -blame[one.id], freedom[one.id], one.id))
        book.fill(order, book.cheapest)
        cost = prepared.cost_of(book.placed)
        if best is None or cost < best[0]:
            best = (cost, book.placed)
        missing = [each for each in waiting if each.id not in book.placed]
        if not missing:
            break
        for each in missing:
            blame[each.id] += each.priority
    return best[1] if best else {}


def pulled_forward(prepared: Prepared, placed: Mapping[str, Placement]) -> dict[str, Placement]:
    """The same listing, each sitting as early as it can be in its place on its day with the same people, at the same cost. What is
    pinned, or where it was before, stays."""
    book = _Book(prepared)
    for sitting_id, placement in sorted(placed.items(), key=lambda item: (item[1].start, item[0])):
        each = prepared.sittings[sitting_id]
        if placement not in (each.pinned, each.previous):
            # Those that follow are not in the book yet. They begin after this one ends, so none is in the way of an earlier start.
            finder = book.finder(each)
            step = finder.step(placement.start)
            day = prepared.days(each)[prepared.day_of(each, step)]
            likes = finder.preferred if finder.preferred >> step & 1 else ~finder.preferred
            earlier = prepared.aligned(each) & day & likes & below(step)
            possible = (Placement(finder.moment(one), placement.resource_ids) for one in each_step(earlier))
            placement = next((one for one in possible if can_be(each, finder, one)), placement)
        book.take(each, placement)
    return book.placed


def _starts(prepared: Prepared, each: Waiting) -> int:
    """At how many starts a sitting could be anywhere."""
    union = 0
    for option in prepared.options[each.id]:
        union |= option.starts
    return union.bit_count()


def can_be(each: Waiting, finder: Finder, placement: Placement) -> bool:
    """Whether every resource of a placement can be had for it, and none twice."""
    step = finder.step(placement.start)
    ids = placement.resource_ids
    if not finder.in_window >> step & 1 or len(set(ids)) < len(each.needs) or len(ids) != len(each.needs):
        return False
    chosen = [(need, one) for need, key in zip(each.needs, ids, strict=True) for one in need.candidates if one.id == key]
    if len(chosen) < len(ids):
        return False  # no candidate any more
    site_id = chosen[0][1].site_id
    return all(finder.fit(candidate, need, site_id).possible >> step & 1 for need, candidate in chosen)


def first_start(finder: Finder, wanted: dict[int, int]) -> Placement | None:
    """The earliest of the starts wanted in each place at which all needs can be met, in the cheapest place that has it."""
    left = {number: starts for number, starts in wanted.items() if starts}
    while left:
        number = min(left, key=lambda room: (left[room] & -left[room], finder.fixed_cost(room), room))
        step = first_step(left[number])
        assigned = finder.assigned(number, step)
        if assigned is not None:
            return Placement(finder.moment(step), tuple(candidate.id for candidate in assigned[1]))
        left[number] ^= 1 << step
        if not left[number]:
            del left[number]
    return None
