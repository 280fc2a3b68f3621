"""What no listing of a docket can cost less than: a linear relaxation in which each sitting may be spread over its starts. Pure.

The time-indexed formulation (Sousa and Wolsey 1992): one variable for each start of each sitting; at each quarter of an hour nobody is
asked for more than once, and no more rooms, or others of whom any will do, than are free. Left out, which can only lower it: which room it
is, gaps that suit nobody, the way between sites. It takes about a second; search by unsatisfiable cores takes minutes to come as far.
"""

from __future__ import annotations

import math

from ortools.linear_solver import pywraplp

from dispatch.booking.finding.bitmaps import each_step, steps_of
from dispatch.booking.finding.slots import Need
from dispatch.booking.listing.docket import CASE_DAY, CHANGED, ROOM_OF_DAY, UNPLACED, Prepared, Waiting

TOLERANCE = 1e-4
"""Of a cost in whole points; what the solver is wrong by is far less."""


def lower_bound(prepared: Prepared, missing: int = 0, seconds: float = 5.0) -> int:
    """The bound; 0 where it was not found in time. `missing`: so much priority stays without a place at least, if that is known."""
    return _Relaxation(prepared, missing).solved(seconds)


class _Relaxation:
    def __init__(self, prepared: Prepared, missing: int) -> None:
        self.prepared = prepared
        self.lp = pywraplp.Solver.CreateSolver("GLOP")
        self.objective = self.lp.Objective()
        self.objective.SetMinimization()
        self.starts: dict[str, dict[int, pywraplp.Variable]] = {}
        self.fixed = 0
        left = self.lp.Constraint(float(missing), self.lp.infinity())
        for each in prepared.docket.waiting:
            self._add(each, left)
        self._add_groups()
        self._add_days()

    def _variable(self, cost: float, most: float = 1.0) -> pywraplp.Variable:
        made = self.lp.NumVar(0.0, most, "")
        self.objective.SetCoefficient(made, float(cost))
        return made

    def _add(self, each: Waiting, left: pywraplp.Constraint) -> None:
        finder = self.prepared.finders[each.id]
        whole = self.lp.Constraint(1.0, 1.0)
        none = self._variable(UNPLACED * each.priority + (CHANGED if each.previous is not None else 0))
        whole.SetCoefficient(none, 1.0)
        left.SetCoefficient(none, float(each.priority))
        if each.required or each.pinned is not None:
            none.SetUb(0.0)
        cheapest: dict[int, int] = {}
        for option in sorted(self.prepared.options[each.id], key=lambda one: -one.cost):
            for step in each_step(option.starts):
                cheapest[step] = option.cost
        stays = finder.step(each.previous.start) if each.previous is not None else None
        starts = {}
        for day, steps in enumerate(self.prepared.days(each)):
            for step in (step for step in cheapest if steps >> step & 1):
                cost = self.prepared.time_cost(each, day, preferred=bool(finder.preferred >> step & 1)) + cheapest[step]
                starts[step] = self._variable(cost + (CHANGED if each.previous is not None and step != stays else 0))
                whole.SetCoefficient(starts[step], 1.0)
        self.starts[each.id] = starts

    def _add_groups(self) -> None:
        """Everybody, and those of whom any will do, at each quarter of an hour."""
        groups: dict[tuple[str, ...], list[tuple[Waiting, Need]]] = {}
        for each in self.prepared.docket.waiting:
            for need in each.needs:
                groups.setdefault(tuple(sorted({one.id for one in need.candidates})), []).append((each, need))
        for ids, own in groups.items():
            users = [use for others, some in groups.items() if set(others) <= set(ids) for use in some]
            finder = self.prepared.finders[own[0][0].id]
            free = [finder.bits(one).free for one in ids]
            at: dict[int, pywraplp.Constraint] = {}
            for each, need in users if len(users) > len(ids) or len(ids) == 1 else ():
                before, after = (min((steps_of(getattr(one, side)) for one in need.candidates), default=0) for side in ("before", "after"))
                length, grain = self.prepared.finders[each.id].length, steps_of(self.prepared.docket.grain)
                for start, variable in self.starts[each.id].items():
                    # Each edge of the whole that is held lies on a step of its own, where one and the next both are.
                    for step in range(max(start - before, 0), start + length + after):
                        if step % grain not in (0, -before % grain):
                            continue
                        if step not in at:
                            at[step] = self.lp.Constraint(0.0, float(sum(mask >> step & 1 for mask in free)))
                        at[step].SetCoefficient(variable, 1.0)

    def _add_days(self) -> None:
        """A day on which a case is heard, or somebody presides in one room at least, costs something."""
        sharing: dict[tuple[str, str], tuple[int, list[Waiting]]] = {}
        for each in self.prepared.docket.waiting:
            if each.case_id in self.prepared.several:
                sharing.setdefault(("case", each.case_id), (CASE_DAY, []))[1].append(each)
            if each.chair_id:
                sharing.setdefault(("chair", each.chair_id), (ROOM_OF_DAY, []))[1].append(each)
        for (kind, key), (cost, sittings) in sharing.items():
            finder = self.prepared.finders[sittings[0].id]
            for steps in self.prepared.days(sittings[0]):
                day = self._variable(cost)
                # Nobody presides for longer than he is free: a day that is half used is half a day at least.
                bits = finder.bits(key) if kind == "chair" else None
                hours = (bits.free & bits.opened & steps).bit_count() if bits is not None else 0
                load = self.lp.Constraint(0.0, self.lp.infinity()) if hours and not self._pinned(sittings) else None
                if load is not None:
                    load.SetCoefficient(day, float(hours))
                for each in sittings:
                    among = [variable for step, variable in self.starts[each.id].items() if steps >> step & 1]
                    if among:
                        row = self.lp.Constraint(0.0, self.lp.infinity())
                        row.SetCoefficient(day, 1.0)
                        for variable in among:
                            row.SetCoefficient(variable, -1.0)
                            if load is not None:
                                load.SetCoefficient(variable, -float(self.prepared.finders[each.id].length))

    @staticmethod
    def _pinned(sittings: list[Waiting]) -> bool:
        """Whether one of them may lie outside working hours."""
        return any(each.pinned is not None for each in sittings)

    def solved(self, seconds: float) -> int:
        self.lp.SetTimeLimit(int(seconds * 1000))
        if self.lp.Solve() != pywraplp.Solver.OPTIMAL:
            return 0
        found: float = self.objective.Value()
        return max(math.ceil(found - TOLERANCE), 0)
