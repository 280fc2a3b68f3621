"""Why sittings cannot be listed: which conditions cannot hold together, and why a single one found no place. Pure.

Conditions are literals that are assumed; the solver names some that contradict each other, and each is left out in turn to see whether
the others still do. What remains is irreducible: without any one of it there would be a listing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

from ortools.sat.python import cp_model

from dispatch.booking.finding.bitmaps import STEP_MINUTES, below, each_step, following, runs, steps_of
from dispatch.booking.finding.finding import Finder
from dispatch.booking.finding.obstacles import Obstacle, irreducible
from dispatch.booking.finding.slots import Candidate, Need, Search
from dispatch.booking.listing.docket import Placement, Prepared, Waiting

TRY_WORK = 0.1
"""So much work (see `listing.Effort`), a second or two, is spent on each try to do without a condition."""

Literal = cp_model.IntVar


def why_not_together(prepared: Prepared, seed: int, stop: Callable[[], bool] = lambda: False) -> list[Obstacle]:
    """Conditions of the required and pinned sittings that cannot hold together, in the order of the docket.

    Codes: required, pinned, notice, deadline (`sitting_id`); no_candidate (`sitting_id`, `need`); hours, booked, one_at_a_time, travel
    (`resource_id`); or overfull alone (`resource_ids`, `sitting_ids`, `minutes` that these need, `free` minutes in which they could be):
    so many sittings do not fit into what is left of a person, or of the rooms of which each needs one. Others are looked for among the
    sittings of one person, then of the same rooms or others, then among all. With `stop` true in between fewer conditions are tried, and
    some may be needless. Where nothing was found in time: the sittings alone.
    """
    must = [each for each in prepared.docket.waiting if each.required or each.pinned]
    full = _overfull(prepared, [each for each in must if each.pinned is None])
    if full is not None:
        return [full]
    for sittings in [*_groups(must), must]:
        model = _Assumed(prepared, sittings)
        kept = model.contradiction(list(range(len(model.assumed))), seed)
        if kept is None:
            if stop():
                break
            continue
        for each in list(kept):
            less = model.contradiction([other for other in kept if other != each], seed) if each in kept and not stop() else None
            kept = kept if less is None else less
        return [model.assumed[number][0] for number in sorted(kept)]
    return [Obstacle("pinned" if each.pinned else "required", {"sitting_id": each.id}) for each in must]


def _overfull(prepared: Prepared, sittings: list[Waiting]) -> Obstacle | None:
    """The fewest sittings that need more of some resources, on some days in a row, than these are free for."""
    groups: dict[tuple[str, ...], dict[str, tuple[Waiting, Need]]] = {}
    for each in sittings:
        for need in each.needs:
            groups.setdefault(tuple(sorted(candidate.id for candidate in need.candidates)), {})[each.id] = (each, need)
    found = []
    for ids in groups:
        users = [use for others, some in groups.items() if set(others) <= set(ids) for use in some.values()]
        days = prepared.days(users[0][0])
        for first, last in combinations(range(len(days) + 1), 2):
            among = 0
            for day in days[first:last]:
                among |= day
            inside = [use for use in users if (starts := _union(prepared, use[0])) and not starts & ~among]
            if _needed(prepared, inside) > _free(prepared, inside):
                for use in sorted(inside, key=lambda one: prepared.finders[one[0].id].length):
                    fewer = [other for other in inside if other is not use]
                    inside = fewer if _needed(prepared, fewer) > _free(prepared, fewer) else inside
                found.append((len(inside), ids, inside))
    if not found:
        return None
    _, ids, inside = min(found, key=lambda one: one[:2])
    minutes, free = (steps * STEP_MINUTES for steps in (_needed(prepared, inside), _free(prepared, inside)))
    return Obstacle(
        "overfull", {"resource_ids": ids, "sitting_ids": tuple(each.id for each, _ in inside), "minutes": minutes, "free": free}
    )


def _union(prepared: Prepared, each: Waiting) -> int:
    """The starts that a sitting could have anywhere."""
    starts = 0
    for option in prepared.options[each.id]:
        starts |= option.starts
    return starts


def _needed(prepared: Prepared, uses: list[tuple[Waiting, Need]]) -> int:
    """The steps that sittings take at least of the one they need."""
    return sum(
        prepared.finders[each.id].length + min(steps_of(one.before) + steps_of(one.after) for one in need.candidates) for each, need in uses
    )


def _free(prepared: Prepared, uses: list[tuple[Waiting, Need]]) -> int:
    """The steps of the candidates in which any of the sittings could be."""
    covered: dict[str, int] = {}
    for each, need in uses:
        starts = _union(prepared, each)
        for one in need.candidates:
            wide = steps_of(one.before) + prepared.finders[each.id].length + steps_of(one.after)
            covered[one.id] = covered.get(one.id, 0) | following(starts, wide) >> steps_of(one.before)
    return sum(steps.bit_count() for steps in covered.values())


def _groups(sittings: list[Waiting]) -> list[list[Waiting]]:
    """Sittings that need the same person, or one of the same rooms or others; the smallest groups first."""
    needed: dict[frozenset[str], dict[str, Waiting]] = {}
    for each in sittings:
        for need in each.needs:
            needed.setdefault(frozenset(candidate.id for candidate in need.candidates), {})[each.id] = each
    inside = [{key: each for ids, some in needed.items() if ids <= group for key, each in some.items()} for group in needed]
    groups = {tuple(sorted(group)): list(group.values()) for group in inside if len(group) < len(sittings)}
    return [groups[key] for key in sorted(groups, key=lambda key: (len(key), key))]


class _Assumed:
    """Some sittings, all of which have to be listed, each condition behind a literal of its own."""

    def __init__(self, prepared: Prepared, sittings: list[Waiting]) -> None:
        self.cp = cp_model.CpModel()
        self.prepared = prepared
        self.assumed: list[tuple[Obstacle, Literal]] = []
        self._known: dict[tuple[str, str], Literal] = {}
        self._starts: dict[str, cp_model.IntVar] = {}
        self._sites: dict[str, dict[str, Literal]] = {}
        self._uses: dict[str, list[tuple[Waiting, Candidate, Need, Literal]]] = {}
        for each in sittings:
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
    base = prepared.finders[each.id]
    holders: dict[str, list[tuple[str, int]]] = {}
    for sitting_id, placement in placements.items():
        for resource_id, held in prepared.holds(sitting_id, placement):
            occupancy.hold(resource_id, held)
            steps = below(base.step(held.span.end)) & ~below(base.step(held.span.start))
            holders.setdefault(resource_id, []).append((sitting_id, steps))
    now = Finder(occupancy, base.search)
    left = _first_left(now, prepared.aligned[each.id])
    if left >= 0:
        return [Obstacle("left_over", {"start": now.moment(left)})]
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
                wanted = following(before & base.in_window & prepared.in_time(each), base.length)
                others = tuple(sorted({key for resource_id in ids for key, steps in holders.get(resource_id, ()) if steps & wanted}))
                taken.append((Obstacle("listed", {"need": number, "resource_ids": ids, "sitting_ids": others}), after))
        last = [(Obstacle("window", {"minutes": each.minutes}), prepared.grid_steps(each))]
        if each.not_before is not None:
            last.append((Obstacle("notice", {"sitting_id": each.id}), -1 << max(base.step(each.not_before), 0)))
        if each.deadline is not None:
            last.append((Obstacle("deadline", {"sitting_id": each.id}), prepared.in_time(each)))
        explanations.append(irreducible([*taken, *times, *last]) or [Obstacle("shared", {"sitting_id": each.id})])
    return min(explanations, key=len)


def _first_left(finder: Finder, wanted: int) -> int:
    """The first of the wanted starts at which all needs can be met somewhere; -1 where there is none."""
    found = []
    for number in range(len(finder.places)):
        steps = each_step(finder.starts(number) & wanted)
        found += [next((step for step in steps if finder.assigned(number, step) is not None), -1)]
    return min((step for step in found if step >= 0), default=-1)
