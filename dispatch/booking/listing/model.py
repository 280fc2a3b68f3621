"""The waiting sittings as a model of OR-Tools CP-SAT: what has to hold, and what is to be low (see `docket`). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from ortools.sat.python import cp_model

from dispatch.booking.finding.bitmaps import each_step, first_step, following, runs, steps_of
from dispatch.booking.finding.slots import Candidate, Need
from dispatch.booking.listing.docket import CASE_DAY, CHANGED, ROOM_OF_DAY, UNPLACED, Option, Placement, Prepared, Waiting, choice_cost

Literal = cp_model.IntVar
NEVER = -1


@dataclass(frozen=True, slots=True)
class _Start:
    """The start of a sitting: step `first` + `pace` × the variable. On the grain the variable has few holes, which it is fast by."""

    variable: cp_model.IntVar
    first: int
    pace: int

    @property
    def step(self) -> cp_model.LinearExprT:
        return self.first + self.pace * self.variable

    def domain(self, steps: int) -> cp_model.Domain:
        """Those steps as values of the variable."""
        return _domain(steps, self.first, self.pace)


def _domain(steps: int, first: int, pace: int) -> cp_model.Domain:
    packed = sum(1 << (step - first) // pace for step in each_step(steps))
    return cp_model.Domain.from_intervals([[begin, after - 1] for begin, after in runs(packed)])


class ListingModel:
    """The docket as constraints and the cost of a listing.

    Variables of a sitting: `starts` (its step), `placed`, one literal for each option and choice.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.cp = cp_model.CpModel()
        self.prepared = prepared
        self.starts: dict[str, _Start] = {}
        self.placed: dict[str, Literal] = {}
        self.places: dict[str, dict[str, Literal]] = {}
        self.choices: dict[str, dict[int, dict[str, Literal]]] = {}
        self._cells: dict[str, list[tuple[int, int, Literal]]] = {}
        self._sites: dict[str, dict[str, Literal]] = {}
        self._uses: dict[str, list[tuple[str, Candidate, Need, Literal]]] = {}
        self._before: dict[tuple[str, str], Literal] = {}
        self._stays: dict[str, Literal] = {}
        self._follows: list[tuple[Literal, list[tuple[Literal, ...]]]] = []
        """Literals that are true when all of some others are: what a listing says of them without being asked."""
        self._costs: list[cp_model.LinearExprT] = []
        for each in prepared.docket.waiting:
            self._add(each)
        self._add_resources()
        self._add_days()
        self._add_cases()
        self._add_chairs()
        self.cp.minimize(cp_model.LinearExpr.sum([*self._costs, UNPLACED * self._missing()]))

    def _missing(self) -> cp_model.LinearExpr:
        """The priorities of the sittings without a place."""
        priorities = [self.prepared.sittings[key].priority for key in self.placed]
        return cp_model.LinearExpr.weighted_sum([~literal for literal in self.placed.values()], priorities)

    def aim_at_placing(self) -> None:
        """What counts is that sittings have a place, each by its priority; where they are does not."""
        self.cp.clear_objective()  # type: ignore[no-untyped-call]
        self.cp.minimize(self._missing())

    def expect_missing(self, least: int) -> None:
        """So much priority stays without a place in every listing, as is known already."""
        if least:
            self.cp.add(self._missing() >= least)

    def _add(self, each: Waiting) -> None:
        options = self.prepared.options[each.id]
        placed = self.cp.new_bool_var(f"{each.id}")
        self.placed[each.id] = placed
        if each.required or each.pinned:
            self.cp.add(placed == 1)
        if not options:
            self.cp.add(placed == 0)
            self.places[each.id] = {}
            self._costs.append(CHANGED if each.previous else 0)
            return
        union = 0
        for option in options:
            union |= option.starts
        first, pace = first_step(union), steps_of(self.prepared.docket.grain)
        if union & ~self.prepared.grid_steps(each):
            pace = 1
        start = _Start(self.cp.new_int_var_from_domain(_domain(union, first, pace), f"{each.id}.start"), first, pace)
        self.starts[each.id] = start
        # What is not placed has one start, so that no time is spent on others.
        self.cp.add(start.variable == 0).only_enforce_if(~placed)
        self._add_places(each, options, union)
        self._add_choices(each, union)
        self._add_cells(each, options, union)
        if each.previous is not None:
            self._add_previous(each, each.previous)

    def _in(self, each: Waiting, steps: int) -> cp_model.Constraint:
        """The start is one of the steps."""
        start = self.starts[each.id]
        return self.cp.add_linear_expression_in_domain(start.variable, start.domain(steps))

    def _add_places(self, each: Waiting, options: list[Option], union: int) -> None:
        places = {option.place.id: self.cp.new_bool_var(f"{each.id}@{option.place.id}") for option in options}
        self.places[each.id] = places
        self.cp.add(sum(places.values()) == self.placed[each.id])
        by_site: dict[str, list[Literal]] = {}
        for option in options:
            here = places[option.place.id]
            if option.starts != union:
                self._in(each, option.starts).only_enforce_if(here)
            self._uses.setdefault(option.place.id, []).append((each.id, option.place, each.needs[0], here))
            self._costs.append(option.cost * here)
            by_site.setdefault(option.place.site_id, []).append(here)
        sites = {}
        for site_id, literals in by_site.items():
            sites[site_id] = self.placed[each.id]
            if len(by_site) > 1:
                sites[site_id] = self.cp.new_bool_var(f"{each.id}@@{site_id}")
                self.cp.add(sum(literals) == sites[site_id])
                self._follows.append((sites[site_id], [(literal,) for literal in literals]))
        self._sites[each.id] = sites

    def _add_choices(self, each: Waiting, union: int) -> None:
        """Who of several serves. Needs of one candidate only have no choice; when it can be had is in the options."""
        self.choices[each.id] = {}
        for number, need in enumerate(each.needs[1:], 1):
            if len(need.candidates) == 1:
                self._uses.setdefault(need.candidates[0].id, []).append((each.id, need.candidates[0], need, self.placed[each.id]))
                continue
            chosen = {candidate.id: self.cp.new_bool_var(f"{each.id}.{number}={candidate.id}") for candidate in need.candidates}
            self.choices[each.id][number] = chosen
            self.cp.add(sum(chosen.values()) == self.placed[each.id])
            for candidate in need.candidates:
                literal = chosen[candidate.id]
                self._uses.setdefault(candidate.id, []).append((each.id, candidate, need, literal))
                self._costs.append(choice_cost(need, candidate) * literal)
                for site_id, at_site in self._sites[each.id].items():
                    possible = self.prepared.finders[each.id].fit(candidate, need, site_id).possible & union
                    if not possible:
                        self.cp.add_bool_or([~literal, ~at_site])
                    elif possible != union:
                        in_domain = self._in(each, possible)
                        in_domain.only_enforce_if(literal, at_site)
            if each.pinned is not None:
                self.cp.add(chosen[each.pinned.resource_ids[number]] == 1)

    def _add_cells(self, each: Waiting, options: list[Option], union: int) -> None:
        """A literal for each day, within and outside the preferred hours: what the start costs, and with which others it shares a day."""
        preferred = self.prepared.finders[each.id].preferred
        cells = []
        for day, steps in enumerate(self.prepared.days(each)):
            for likes, within in ((True, union & steps & preferred), (False, union & steps & ~preferred)):
                if not within:
                    continue
                literal = self.cp.new_bool_var(f"{each.id}#{day}{'+' if likes else '-'}")
                self._in(each, within).only_enforce_if(literal)
                for option in options:
                    if not option.starts & within:
                        self.cp.add_bool_or([~literal, ~self.places[each.id][option.place.id]])
                cells.append((day, within, literal))
                self._costs.append(self.prepared.time_cost(each, day, preferred=likes) * literal)
        self.cp.add(sum(literal for _, _, literal in cells) == self.placed[each.id])
        self._cells[each.id] = cells

    def _add_previous(self, each: Waiting, previous: Placement) -> None:
        step = self.prepared.finders[each.id].step(previous.start)
        wanted = self._literals_of(each, previous)
        options = {option.place.id: option for option in self.prepared.options[each.id]}
        place = previous.resource_ids[0]
        if wanted is None or place not in options or not options[place].starts >> step & 1:
            self._costs.append(CHANGED)
            return
        same = self.cp.new_bool_var(f"{each.id} stays")
        self._in(each, 1 << step).only_enforce_if(same)
        for literal in wanted:
            self.cp.add_implication(same, literal)
        self._stays[each.id] = same
        self._costs.append(CHANGED * (1 - same))

    def _literals_of(self, each: Waiting, placement: Placement) -> list[Literal] | None:
        """The literals that say where a placement is and who serves; None where one of them is no candidate any more."""
        found = [self.places[each.id].get(placement.resource_ids[0])]
        for number, (need, resource_id) in enumerate(zip(each.needs, placement.resource_ids, strict=False)):
            if number in self.choices[each.id]:
                found.append(self.choices[each.id][number].get(resource_id))
            elif number and need.candidates[0].id != resource_id:
                return None
        known = [literal for literal in found if literal is not None]
        return known if len(known) == len(found) and len(placement.resource_ids) == len(each.needs) else None

    def _add_resources(self) -> None:
        """Nothing and nobody twice, and the way between sites."""
        for resource_id, uses in self._uses.items():
            intervals = []
            for sitting_id, candidate, _, literal in uses:
                before = steps_of(candidate.before)
                size = before + self.prepared.finders[sitting_id].length + steps_of(candidate.after)
                start = self.starts[sitting_id].step - before
                intervals.append(self.cp.new_optional_fixed_size_interval_var(start, size, literal, f"{sitting_id} in {resource_id}"))
            if len(intervals) > 1:
                self.cp.add_no_overlap(intervals)
            for one, other in combinations([use for use in uses if use[2].travels], 2):
                self._add_way(one, other)

    def _add_days(self) -> None:
        """What a day holds at most of each person, and of the places or others of whom one is needed. Implied by the above, but the
        bound cannot see it: that nobody is in two places says little of a day as a whole."""
        groups: dict[tuple[str, ...], list[tuple[Waiting, int]]] = {}
        for each in self.prepared.docket.waiting:
            for number, need in enumerate(each.needs) if each.id in self.starts else ():
                possible = self.places[each.id] if number == 0 else [candidate.id for candidate in need.candidates]
                groups.setdefault(tuple(sorted(possible)), []).append((each, number))
        for ids, own in groups.items():
            # Also those who need one of some of them only.
            users = [user for others, some in groups.items() if set(others) <= set(ids) for user in some]
            for day in range(len(self.prepared.days(own[0][0]))):
                self._add_day(ids, users, day)

    def _add_day(self, ids: tuple[str, ...], users: list[tuple[Waiting, int]], day: int) -> None:
        covered = dict.fromkeys(ids, 0)
        lengths: list[tuple[int, Literal]] = []
        for each, number in users:
            finder = self.prepared.finders[each.id]
            candidates = [candidate for candidate in each.needs[number].candidates if candidate.id in covered]
            before, after = (min(steps_of(getattr(one, side)) for one in candidates) for side in ("before", "after"))
            size = before + finder.length + after
            cells = [(within, literal) for of_day, within, literal in self._cells[each.id] if of_day == day]
            lengths += [(size, literal) for _, literal in cells]
            for candidate in candidates:
                for within, _ in cells:
                    wide = steps_of(candidate.before) + finder.length + steps_of(candidate.after)
                    covered[candidate.id] |= following(within, wide) >> steps_of(candidate.before)
        room = sum(steps.bit_count() for steps in covered.values())
        if sum(size for size, _ in lengths) > room:
            self.cp.add(sum(size * literal for size, literal in lengths) <= room)

    def _add_way(self, one: tuple[str, Candidate, Need, Literal], other: tuple[str, Candidate, Need, Literal]) -> None:
        (first, candidate, _, here), (second, candidate_there, _, there) = one, other
        if first == second:
            return
        for site, at_site in self._sites[first].items():
            for site_there, at_site_there in self._sites[second].items():
                minutes = self.prepared.finders[first].search.travel_minutes(site, site_there)
                if not minutes:
                    continue
                before = self._before.get((first, second))
                if before is None:
                    before = self._before[first, second] = self.cp.new_bool_var(f"{first} before {second}")
                way = steps_of(minutes)
                ends = self.starts[first].step + self.prepared.finders[first].length + steps_of(candidate.after) + way
                ends_there = self.starts[second].step + self.prepared.finders[second].length + steps_of(candidate_there.after) + way
                both = (at_site, at_site_there, here, there)
                self.cp.add(self.starts[second].step - steps_of(candidate_there.before) >= ends).only_enforce_if(before, *both)
                self.cp.add(self.starts[first].step - steps_of(candidate.before) >= ends_there).only_enforce_if(~before, *both)

    def _add_cases(self) -> None:
        days: dict[tuple[str, int], list[tuple[Literal, ...]]] = {}
        for each in self.prepared.docket.waiting:
            for day, _, cell in self._cells.get(each.id, []) if each.case_id in self.prepared.several else ():
                days.setdefault((each.case_id, day), []).append((cell,))
        for (case_id, day), cells in days.items():
            literal = self._whenever(f"case {case_id}#{day}", cells)
            self._costs.append(CASE_DAY * literal)

    def _add_chairs(self) -> None:
        rooms: dict[tuple[str, int, str], list[tuple[Literal, ...]]] = {}
        for each in self.prepared.docket.waiting:
            for day, within, cell in self._cells.get(each.id, []) if each.chair_id else ():
                for option in self.prepared.options[each.id]:
                    if option.starts & within:
                        here = self.places[each.id][option.place.id]
                        rooms.setdefault((each.chair_id, day, option.place.id), []).append((cell, here))
        of_cell: dict[int, tuple[Literal, list[Literal]]] = {}
        for (chair_id, day, place_id), pairs in rooms.items():
            literal = self._whenever(f"{chair_id} in {place_id}#{day}", pairs)
            self._costs.append(ROOM_OF_DAY * literal)
            for cell, _ in pairs:
                of_cell.setdefault(cell.index, (cell, []))[1].append(literal)
        for cell, literals in of_cell.values():
            # Implied by the above; it lets the bound know that a day costs one room at least.
            self.cp.add_bool_or([~cell, *literals])

    def _whenever(self, name: str, conditions: list[tuple[Literal, ...]]) -> Literal:
        """A literal that is true where all of one of the conditions are."""
        literal = self.cp.new_bool_var(name)
        for both in conditions:
            self.cp.add_bool_or([literal, *(~each for each in both)])
        self._follows.append((literal, conditions))
        return literal

    def begin_with(self, placements: Mapping[str, Placement]) -> None:
        """Where the search begins: a value for each variable, or the solver would have to find them anew."""
        shown = {each.id: self._shown(each, placements.get(each.id)) for each in self.prepared.docket.waiting if each.id in self.starts}
        for sitting_id, (step, literals) in shown.items():
            start = self.starts[sitting_id]
            self.cp.add_hint(start.variable, (step - start.first) // start.pace if step >= 0 else 0)
            for literal, value in literals:
                self.cp.add_hint(literal, value)
        true = {literal.index for _, literals in shown.values() for literal, value in literals if value}
        for literal, whenever in self._follows:
            self.cp.add_hint(literal, any(all(each.index in true for each in both) for both in whenever))
        for (first, second), before in self._before.items():
            self.cp.add_hint(before, shown[first][0] <= shown[second][0])

    def _shown(self, each: Waiting, placement: Placement | None) -> tuple[int, list[tuple[Literal, bool]]]:
        """The step of a placement, -1 for none, and the value of each literal of the sitting."""
        step = NEVER if placement is None else self.prepared.finders[each.id].step(placement.start)
        ids = placement.resource_ids if placement else ("",) * len(each.needs)
        found = [(self.placed[each.id], placement is not None)]
        found += [(literal, place_id == ids[0]) for place_id, literal in self.places[each.id].items()]
        for number, chosen in self.choices[each.id].items():
            found += [(literal, resource_id == ids[number]) for resource_id, literal in chosen.items()]
        found += [(literal, step >= 0 and bool(within >> step & 1)) for _, within, literal in self._cells[each.id]]
        if each.id in self._stays:
            found.append((self._stays[each.id], placement == each.previous))
        return step, found

    def placements(self, solver: cp_model.CpSolver) -> dict[str, Placement]:
        """The listing that the solver found."""
        found = {}
        for each in self.prepared.docket.waiting:
            if not solver.boolean_value(self.placed[each.id]):
                continue
            place = next(key for key, literal in self.places[each.id].items() if solver.boolean_value(literal))
            ids = [place]
            for number, need in enumerate(each.needs[1:], 1):
                chosen = self.choices[each.id].get(number)
                served = next((key for key, literal in (chosen or {}).items() if solver.boolean_value(literal)), need.candidates[0].id)
                ids.append(served)
            found[each.id] = Placement(self.prepared.finders[each.id].moment(solver.value(self.starts[each.id].step)), tuple(ids))
        return found
