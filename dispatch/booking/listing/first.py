"""Listings made in a moment, sitting by sitting: the floor of the measurements, and where the solver begins. Pure.

:func:`earliest_fit` takes sittings by priority and deadline and gives each the first start that is left. :func:`cheapest_fit` takes the
least free first, gives each what costs least by then, and begins anew a few times with those in front that found nothing (squeaky wheel
optimisation, Joslin and Clements 1999). :func:`improved` takes a few sittings out again and again and puts them back in another order
(ruin and recreate, Schrimpf et al. 2000).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from dispatch.booking.finding.bitmaps import below, first_step, steps_of
from dispatch.booking.finding.slots import Candidate, Need
from dispatch.booking.listing.docket import CASE_DAY, ROOM_OF_DAY, Placement, Prepared, Waiting, choice_cost

ROUNDS = 100
TRIES_EACH = 8
FEWEST, MOST = 3, 14
"""So many sittings are taken out at once."""
WORSE = 40
"""By so many points a listing may get worse on the way at first, by none in the end."""


class _Book:
    """A listing while it is made: what is possible by former bookings is known from the docket, what is taken since is kept here."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.placed: dict[str, Placement] = {}
        self._case_days: Counter[tuple[str, int]] = Counter()
        self._chair_rooms: Counter[tuple[str, int, str]] = Counter()
        self._taken: dict[str, list[tuple[int, int, str]]] = {}

    def take(self, each: Waiting, placement: Placement) -> None:
        """Put a sitting there."""
        self.placed[each.id] = placement
        self._count(each, placement, 1)
        for resource_id, first, after, site_id in self._holds(each, placement):
            self._taken.setdefault(resource_id, []).append((first, after, site_id))

    def drop(self, each: Waiting) -> None:
        """Take a sitting out again."""
        placement = self.placed.pop(each.id)
        self._count(each, placement, -1)
        for resource_id, first, after, site_id in self._holds(each, placement):
            self._taken[resource_id].remove((first, after, site_id))

    def _count(self, each: Waiting, placement: Placement, by: int) -> None:
        day = self.prepared.day_of(each, self.prepared.finders[each.id].step(placement.start))
        self._case_days[each.case_id, day] += by
        self._chair_rooms[each.chair_id, day, placement.resource_ids[0]] += by

    def _holds(self, each: Waiting, placement: Placement) -> list[tuple[str, int, int, str]]:
        """(resource, first step, the one after the last, site) of all that a placement takes."""
        finder, chosen = self.prepared.finders[each.id], _candidates(each, placement)
        step = finder.step(placement.start)
        ends = step + finder.length
        return [(one.id, step - steps_of(one.before), ends + steps_of(one.after), chosen[0].site_id) for one in chosen]

    def _blocked(self, each: Waiting, candidate: Candidate, need: Need, site_id: str) -> int:
        """The starts at which a candidate is taken for a sitting at that site, or on the way."""
        taken = self._taken.get(candidate.id)
        if not taken:
            return 0
        finder = self.prepared.finders[each.id]
        whole, before = finder.length + steps_of(candidate.after), steps_of(candidate.before)
        found = 0
        for first, after, site in taken:
            way = steps_of(finder.search.travel_minutes(site, site_id)) if need.travels else 0
            found |= below(after + way + before) & ~below(first - way - whole + 1)
        return found

    def _open(self, each: Waiting, candidate: Candidate, need: Need, site_id: str) -> int:
        """The starts at which a candidate can be had by now."""
        return self.prepared.finders[each.id].fit(candidate, need, site_id).possible & ~self._blocked(each, candidate, need, site_id)

    def starts(self, each: Waiting) -> list[int]:
        """The starts that are left in each of a sitting's options."""
        by_site: dict[str, int] = {}
        found = []
        for option in self.prepared.options[each.id]:
            site_id = option.place.site_id
            if site_id not in by_site:
                by_site[site_id] = self._others(each, site_id)
            found.append(option.starts & by_site[site_id] & ~self._blocked(each, option.place, each.needs[0], site_id))
        return found

    def _others(self, each: Waiting, site_id: str) -> int:
        left = -1
        for need in each.needs[1:]:
            if len(need.candidates) == 1:
                left &= ~self._blocked(each, need.candidates[0], need, site_id)
                continue
            any_of = 0
            for candidate in need.candidates:
                any_of |= self._open(each, candidate, need, site_id)
            left &= any_of
        return left

    def placement(self, each: Waiting, place: Candidate, step: int) -> Placement | None:
        """There, with the cheapest of the others who are free; None where they do not go round."""
        ids = [place.id]
        for need in each.needs[1:]:
            some = [one for one in need.candidates if one.id not in ids and self._open(each, one, need, place.site_id) >> step & 1]
            if not some:
                return None
            ids.append(min(some, key=lambda one, need=need: choice_cost(need, one)).id)  # type: ignore[misc]
        return Placement(self.prepared.finders[each.id].moment(step), tuple(ids))

    def possible(self, each: Waiting, placement: Placement) -> int:
        """The starts that a sitting could have with the resources of a placement."""
        chosen = _candidates(each, placement)
        if len(chosen) < len(each.needs) or len(set(placement.resource_ids)) < len(placement.resource_ids):
            return 0  # some are no candidates any more
        left = self.prepared.finders[each.id].in_window
        for need, candidate in zip(each.needs, chosen, strict=True):
            left &= self._open(each, candidate, need, chosen[0].site_id)
        return left

    def keep(self) -> None:
        """What is pinned, then what had a place, stays there where it can."""
        for kept in ("pinned", "previous"):
            for each in self.prepared.docket.waiting:
                wanted: Placement | None = getattr(each, kept)
                if each.id in self.placed or wanted is None or (kept == "previous" and each.pinned is not None):
                    continue
                left = self.possible(each, wanted)
                if kept == "previous":
                    left &= self.prepared.aligned[each.id]
                if left >> self.prepared.finders[each.id].step(wanted.start) & 1:
                    self.take(each, wanted)

    def fill(self, order: Iterable[Waiting], choose: Callable[[Waiting], Placement | None]) -> None:
        """Place the others in that order."""
        for each in order:
            if each.id not in self.placed and each.pinned is None:
                found = choose(each)
                if found is not None:
                    self.take(each, found)

    def earliest(self, each: Waiting) -> Placement | None:
        """The first start that is left, there the place that costs least."""
        options = self.prepared.options[each.id]
        left = {number: starts for number, starts in enumerate(self.starts(each)) if starts}
        while left:
            number = min(left, key=lambda one: (left[one] & -left[one], options[one].cost, one))
            found = self.placement(each, options[number].place, first_step(left[number]))
            if found is not None:
                return found
            left[number] &= left[number] - 1
            if not left[number]:
                del left[number]
        return None

    def cheapest(self, each: Waiting) -> Placement | None:
        """What costs least by now, of that the earliest."""
        prepared, finder = self.prepared, self.prepared.finders[each.id]
        together = each.case_id in prepared.several
        found: list[tuple[int, int, int]] = []
        for number, (option, left) in enumerate(zip(prepared.options[each.id], self.starts(each), strict=True)):
            for day, steps in enumerate(prepared.days(each)) if left else ():
                of_day = left & steps
                if not of_day:
                    continue
                cost = option.cost + CASE_DAY * (together and not self._case_days[each.case_id, day])
                cost += ROOM_OF_DAY * (each.chair_id != "" and not self._chair_rooms[each.chair_id, day, option.place.id])
                for likes, some in ((True, of_day & finder.preferred), (False, of_day & ~finder.preferred)):
                    if some:
                        found.append((cost + prepared.time_cost(each, day, preferred=likes), first_step(some), number))
        for _, step, number in sorted(found):
            placement = self.placement(each, prepared.options[each.id][number].place, step)
            if placement is not None:
                return placement
        return self.earliest(each) if found else None


def _candidates(each: Waiting, placement: Placement) -> list[Candidate]:
    """The candidates of a placement, the place first."""
    return [one for need, key in zip(each.needs, placement.resource_ids, strict=False) for one in need.candidates if one.id == key]


def earliest_fit(prepared: Prepared) -> dict[str, Placement]:
    """By priority and deadline, each at the first start that is left, there in the place that costs least."""
    book, late = _Book(prepared), prepared.docket.window.end
    book.keep()
    order = sorted(prepared.docket.waiting, key=lambda one: (not one.required, -one.priority, one.deadline or late))
    book.fill(order, book.earliest)
    return book.placed


def cheapest_fit(prepared: Prepared, rounds: int = ROUNDS, stop: Callable[[], bool] = lambda: False) -> dict[str, Placement]:
    """The best of some rounds, one at least; what found no place in one is among the first of the next."""
    waiting = prepared.docket.waiting
    freedom = {each.id: _starts(prepared, each) / each.minutes / each.priority for each in waiting}
    blame = dict.fromkeys(freedom, 0)
    best: tuple[int, int, dict[str, Placement]] | None = None
    for _ in range(rounds):
        book = _Book(prepared)
        book.keep()
        book.fill(sorted(waiting, key=lambda one: (not one.required, -blame[one.id], freedom[one.id], one.id)), book.cheapest)
        missing = [each for each in waiting if each.id not in book.placed]
        rank = (sum(each.required for each in missing), prepared.cost_of(book.placed))
        if best is None or rank < best[:2]:
            best = (*rank, book.placed)
        if not missing or stop():
            break
        for each in missing:
            blame[each.id] += each.priority
    return best[2] if best else {}


def improved(
    prepared: Prepared, placed: Mapping[str, Placement], seed: int, tries: int | None = None, stop: Callable[[], bool] = lambda: False
) -> dict[str, Placement]:
    """The best of many listings, TRIES_EACH for each sitting, that differ in a few sittings from the one before; never worse than the
    first."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    waiting = [each for each in prepared.docket.waiting if prepared.options[each.id] and each.pinned is None]
    if not waiting:
        return dict(placed)
    tries = TRIES_EACH * len(waiting) if tries is None else tries
    freedom = {each.id: _starts(prepared, each) / each.minutes / each.priority for each in waiting}
    users: dict[str, set[str]] = {}
    for each in waiting:
        for resource_id in _named(each):
            users.setdefault(resource_id, set()).add(each.id)
    book = _Book(prepared)
    for sitting_id, placement in placed.items():
        book.take(prepared.sittings[sitting_id], placement)
    best, cost = dict(placed), prepared.cost_of(placed)
    best_cost = cost
    for number in range(tries):
        if stop():
            break
        before = dict(book.placed)
        missing = [each for each in waiting if each.id not in before]
        first = chance.choice(missing) if missing and chance.random() < 0.7 else chance.choice(waiting)
        out = [prepared.sittings[sitting_id] for sitting_id in _related(first, before, users, waiting, chance)]
        for each in out:
            book.drop(each)
        order = {each.id: (not each.required, each is not first, freedom[each.id] * (0.3 + chance.random())) for each in (*out, *missing)}
        book.fill(sorted((*out, *missing), key=lambda one: order[one.id]), book.cheapest)
        now = prepared.cost_of(book.placed)
        lost = any(each.required and each.id in before and each.id not in book.placed for each in out)
        if not lost and now <= cost + WORSE * (tries - number) // tries - 1:
            cost = now
            if cost < best_cost:
                best, best_cost = dict(book.placed), cost
        else:
            _go_back(book, before)
    return best


def _go_back(book: _Book, before: Mapping[str, Placement]) -> None:
    """Make the book what it was."""
    changed = [sitting_id for sitting_id, placement in book.placed.items() if before.get(sitting_id) != placement]
    for sitting_id in changed:
        book.drop(book.prepared.sittings[sitting_id])
    for sitting_id in before.keys() - book.placed.keys():
        book.take(book.prepared.sittings[sitting_id], before[sitting_id])


def _named(each: Waiting) -> list[str]:
    """The people of a sitting for whom nobody else will do."""
    return [need.candidates[0].id for need in each.needs if len(need.candidates) == 1]


def _related(
    first: Waiting, placed: Mapping[str, Placement], users: Mapping[str, Collection[str]], waiting: list[Waiting], chance: random.Random
) -> list[str]:
    """Some placed sittings that stand in the way of one, or could change places with it: mostly those of its people."""
    near = sorted({sitting_id for resource_id in _named(first) for sitting_id in users[resource_id]} & placed.keys())
    others = [each.id for each in waiting if each.id in placed and each.id not in near]
    many = chance.randint(FEWEST, MOST)
    some = chance.sample(near, min(len(near), max(many * 2 // 3, 1)))
    return some + chance.sample(others, min(len(others), many - len(some)))


def pulled_forward(prepared: Prepared, placed: Mapping[str, Placement]) -> dict[str, Placement]:
    """The same listing, each sitting as early as it can be in its place on its day with the same people, at the same cost. What is
    pinned, or where it was before, stays."""
    book = _Book(prepared)
    for sitting_id, placement in sorted(placed.items(), key=lambda item: (item[1].start, item[0])):
        each = prepared.sittings[sitting_id]
        start = placement.start
        if placement not in (each.pinned, each.previous) and each.pinned is None:
            # Those that follow are not in the book yet. They begin after this one ends, so none is in the way of an earlier start.
            finder = prepared.finders[each.id]
            step = finder.step(start)
            day = prepared.days(each)[prepared.day_of(each, step)]
            likes = finder.preferred if finder.preferred >> step & 1 else ~finder.preferred
            earlier = book.possible(each, placement) & prepared.aligned[each.id] & day & likes & below(step)
            start = finder.moment(first_step(earlier)) if earlier else start
        book.take(each, Placement(start, placement.resource_ids))
    return book.placed


def _starts(prepared: Prepared, each: Waiting) -> int:
    """At how many starts a sitting could be anywhere."""
    union = 0
    for option in prepared.options[each.id]:
        union |= option.starts
    return union.bit_count()
