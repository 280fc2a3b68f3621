"""Why sittings cannot be listed: which conditions cannot hold together, and why a single one found no place. Pure.

Conditions are literals that are assumed; the solver names some that contradict each other, and each is left out in turn to see whether
the others still do. What remains is irreducible: without any one of it there would be a listing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

from ortools.sat.python import cp_model

from dispatch.booking.bitmaps import runs, steps_of
from dispatch.booking.docket import Placement, Prepared, Waiting
from dispatch.booking.finding import Finder
from dispatch.booking.first_listing import first_start
from dispatch.booking.obstacles import Obstacle, irreducible
from dispatch.booking.slots import Candidate, Need, Search

TRY_WORK = 3.0
"""So much work (see `listing.Effort`) is spent on each try to do without a condition."""

Literal = cp_model.IntVar


def why_not_together(prepared: Prepared, seed: int, stop: Callable[[], bool] = lambda: False) -> list[Obstacle]:
    """Conditions of the required and pinned sittings that cannot hold together, in the order of the docket.

    Codes: required, pinned, notice, deadline (`sitting_id`); no_candidate (`sitting_id`, `need`); hours, booked, one_at_a_time, travel
    (`resource_id`); window. With `stop` true in between fewer conditions are tried, and some may be needless.
    """
    model = _Assumed(prepared)
    kept = list(range(len(model.assumed)))
    core = model.contradiction(kept, seed)
    if core is None:
        return [obstacle for obstacle, _ in model.assumed]
    kept = core
    for each in list(core):
        if each not in kept or stop():
            continue
        less = model.contradiction([other for other in kept if other != each], seed)
        if less is not None:
            kept = less
    return [model.assumed[number][0] for number in sorted(kept)]


class _Assumed:
    """The required and pinned sittings, each condition behind a literal of its own."""

    def __init__(self, prepared: Prepared) -> None:
        self.cp = cp_model.CpModel()
        self.prepared = prepared
        self.assumed: list[tuple[Obstacle, Literal]] = []
        self._known: dict[tuple[str, str], Literal] = {}
        self._starts: dict[str, cp_model.IntVar] = {}
        self._sites: dict[str, dict[str, Literal]] = {}
        self._uses: dict[str, list[tuple[Waiting, Candidate, Need, Literal]]] = {}
        for each in prepared.docket.waiting:
            if each.required or each.pinned:
                self._add(each)
        for resource_id, uses in self._uses.items():
            self._one_at_a_time(resource_id, uses)
            for one, other in combinations([use for use in uses if use[2].travels], 2):
                self._way(resource_id, one, other)

    def contradiction(self, numbers: list[int], seed: int) -> list[int] | None:
        """Some of the conditions of those numbers that contradict each other, None where they do not, or not provably in time."""
        by_index = {self.assumed[number][1].index: number for number in numbers}
        self.cp.clear_assumptions()
        self.cp.add_assumptions([self.assumed[number][1] for number in numbers])
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed
        solver.parameters.max_deterministic_time = TRY_WORK
        if solver.solve(self.cp) != cp_model.INFEASIBLE:
            return None
        return sorted(by_index[index] for index in solver.sufficient_assumptions_for_infeasibility() if index in by_index)

    def _guard(self, code: str, key: str, name: str) -> Literal:
        """The literal of a condition, made when it is first needed."""
        if (code, key) not in self._known:
            literal = self.cp.new_bool_var(f"{code} {key}")
            self._known[code, key] = literal
            self.assumed.append((Obstacle(code, {name: key}), literal))
        return self._known[code, key]

    def _add(self, each: Waiting) -> None:
        finder, pinned = self.prepared.finders[each.id], each.pinned
        present = self._guard("pinned" if pinned else "required", each.id, "sitting_id")
        first, after = finder.step(self.prepared.docket.window.start), finder.step(self.prepared.docket.window.end) - finder.length
        starts = self.cp.new_int_var(min(first, after), max(first, after), each.id)
        self._starts[each.id] = starts
        if pinned is not None:
            self.cp.add(starts == finder.step(pinned.start)).only_enforce_if(present)
        else:
            grain = steps_of(self.prepared.docket.grain)
            self._only(starts, sum(1 << step for step in range(first, after + 1, grain)), present)
            if each.not_before is not None:
                self.cp.add(starts >= finder.step(each.not_before)).only_enforce_if(present, self._guard("notice", each.id, "sitting_id"))
            if each.deadline is not None:
                last = finder.step(each.deadline) - finder.length
                self.cp.add(starts <= last).only_enforce_if(present, self._guard("deadline", each.id, "sitting_id"))
        for number, need in enumerate(each.needs):
            self._add_need(each, number, need, present)

    def _add_need(self, each: Waiting, number: int, need: Need, present: Literal) -> None:
        if not need.candidates:
            obstacle = Obstacle("no_candidate", {"sitting_id": each.id, "need": number})
            literal = self.cp.new_bool_var(f"{each.id} need {number}")
            self.assumed.append((obstacle, literal))
            self.cp.add_bool_or([~present, ~literal])
            return
        chosen = {candidate.id: self.cp.new_bool_var(f"{each.id}.{number}={candidate.id}") for candidate in need.candidates}
        self.cp.add(sum(chosen.values()) == present)
        if each.pinned is not None:
            self.cp.add_implication(present, chosen[each.pinned.resource_ids[number]])
        if number == 0:
            sites: dict[str, list[Literal]] = {}
            for candidate in need.candidates:
                sites.setdefault(candidate.site_id, []).append(chosen[candidate.id])
            self._sites[each.id] = {site_id: self.cp.new_bool_var(f"{each.id}@{site_id}") for site_id in sites}
            for site_id, literals in sites.items():
                self.cp.add(sum(literals) == self._sites[each.id][site_id])
        for candidate in need.candidates:
            self._uses.setdefault(candidate.id, []).append((each, candidate, need, chosen[candidate.id]))
            self._times(each, candidate, need, chosen[candidate.id])

    def _times(self, each: Waiting, candidate: Candidate, need: Need, literal: Literal) -> None:
        """Hours and former bookings of a resource, for one sitting."""
        outside = Finder(self.prepared.occupancy, _outside_hours(self.prepared.finders[each.id].search))
        if each.pinned is None:
            hours = outside.fit(candidate, need, "").in_hours
            self._only(self._starts[each.id], hours, literal, self._guard("hours", candidate.id, "resource_id"))
        for site_id, at_site in self._sites.get(each.id, {}).items():
            free = outside.fit(candidate, need, site_id).possible
            if free & outside.in_window != outside.in_window:
                self._only(self._starts[each.id], free, literal, at_site, self._guard("booked", candidate.id, "resource_id"))

    def _only(self, starts: cp_model.IntVar, steps: int, *literals: Literal) -> None:
        """The start is one of the steps where all literals hold."""
        allowed = cp_model.Domain.from_intervals([[first, after - 1] for first, after in runs(steps)])
        self.cp.add_linear_expression_in_domain(starts, allowed).only_enforce_if(*literals)

    def _one_at_a_time(self, resource_id: str, uses: list[tuple[Waiting, Candidate, Need, Literal]]) -> None:
        if len(uses) < 2:
            return
        guard = self._guard("one_at_a_time", resource_id, "resource_id")
        intervals = []
        for each, candidate, _, literal in uses:
            counts = self.cp.new_bool_var(f"{each.id} counts in {resource_id}")
            self.cp.add_bool_or([~literal, ~guard, counts])
            before = steps_of(candidate.before)
            size = before + self.prepared.finders[each.id].length + steps_of(candidate.after)
            intervals.append(
                self.cp.new_optional_fixed_size_interval_var(self._starts[each.id] - before, size, counts, f"{each.id} {before}")
            )
        self.cp.add_no_overlap(intervals)

    def _way(
        self, resource_id: str, one: tuple[Waiting, Candidate, Need, Literal], other: tuple[Waiting, Candidate, Need, Literal]
    ) -> None:
        (first, candidate, _, here), (second, candidate_there, _, there) = one, other
        if first.id == second.id:
            return
        finder, finder_there = self.prepared.finders[first.id], self.prepared.finders[second.id]
        before = None
        for site, at_site in self._sites.get(first.id, {}).items():
            for site_there, at_site_there in self._sites.get(second.id, {}).items():
                way = steps_of(finder.search.travel_minutes(site, site_there))
                if not way:
                    continue
                before = before if before is not None else self.cp.new_bool_var(f"{first.id} before {second.id} for {resource_id}")
                holds = (at_site, at_site_there, here, there, self._guard("travel", resource_id, "resource_id"))
                ends = self._starts[first.id] + finder.length + steps_of(candidate.after) + way
                ends_there = self._starts[second.id] + finder_there.length + steps_of(candidate_there.after) + way
                self.cp.add(self._starts[second.id] - steps_of(candidate_there.before) >= ends).only_enforce_if(before, *holds)
                self.cp.add(self._starts[first.id] - steps_of(candidate.before) >= ends_there).only_enforce_if(~before, *holds)


def _outside_hours(search: Search) -> Search:
    return Search(search.minutes, search.needs, search.window, search.window.start, search.zone, outside_hours=True, travel=search.travel)


def why_unplaced(prepared: Prepared, placements: Mapping[str, Placement], each: Waiting) -> list[Obstacle]:
    """Why a sitting found no place among those that did: conditions that leave no start, none of which can be left out.

    Codes: resource_not_free, none_free (`resource_ids`, `need`: by hours, closures and what was booked before), listed (`resource_ids`,
    `need`, `sitting_ids`: taken by sittings of this listing), notice, deadline, window, no_candidate, shared (one thing cannot serve for
    two needs), left_over (`start`: there is a time yet, the search ended before it was used or better uses were found).
    """
    occupancy = prepared.occupancy.copy()
    holders: dict[str, list[str]] = {}
    for sitting_id, placement in placements.items():
        for resource_id, held in prepared.holds(sitting_id, placement):
            occupancy.hold(resource_id, held)
            holders.setdefault(resource_id, []).append(sitting_id)
    base = prepared.finders[each.id]
    now = Finder(occupancy, base.search)
    aligned = prepared.aligned(each)
    found = first_start(now, {number: now.starts(number) & aligned for number in range(len(now.places))})
    if found is not None:
        return [Obstacle("left_over", {"start": found.start})]
    explanations = []
    for site_id in sorted({place.site_id for place in base.places}) or [""]:
        taken, times = [], []
        for number, need in enumerate(each.needs):
            candidates = [candidate for candidate in need.candidates if number or candidate.site_id == site_id]
            ids = tuple(candidate.id for candidate in candidates)
            before = after = 0
            for candidate in candidates:
                before |= base.fit(candidate, need, site_id).possible
                after |= now.fit(candidate, need, site_id).possible
            code = "no_candidate" if not ids else "resource_not_free" if len(ids) == 1 else "none_free"
            times.append((Obstacle(code, {"need": number, "resource_ids": ids}), before))
            if after != before:
                others = tuple(sorted({sitting_id for resource_id in ids for sitting_id in holders.get(resource_id, ())}))
                taken.append((Obstacle("listed", {"need": number, "resource_ids": ids, "sitting_ids": others}), after))
        last = [(Obstacle("window", {"minutes": each.minutes}), prepared.grid_steps(each))]
        if each.not_before is not None:
            last.append((Obstacle("notice", {"sitting_id": each.id}), -1 << base.step(each.not_before)))
        if each.deadline is not None:
            last.append((Obstacle("deadline", {"sitting_id": each.id}), prepared.in_time(each)))
        explanations.append(irreducible([*taken, *times, *last]) or [Obstacle("shared", {"sitting_id": each.id})])
    return min(explanations, key=len)
