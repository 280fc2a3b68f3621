"""Listing (排期): many waiting sittings placed at once by OR-Tools CP-SAT, and how far from the best possible that is. Pure,
but for the seconds that it counts.

What has to hold: working hours, closures and everything booked already (as possible starts of each sitting in each place, see
`docket`); no room, person, thing or custody slot twice, with set-up and clear-up; the way of a person between sites; notice and
deadlines; what is pinned. What is to be low: the cost that `docket` explains. A sitting may stay unplaced, at the highest cost; one
that is required or pinned may not, and where such cannot hold together the answer says which conditions are in each other's way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from dispatch.booking.finding.occupancy import Occupancy
from dispatch.booking.listing.bound import TOLERANCE, lower_bound
from dispatch.booking.listing.conflicts import why_not_together, why_unplaced
from dispatch.booking.listing.docket import Docket, Placement, Prepared
from dispatch.booking.listing.first import cheapest_fit, improved, pulled_forward
from dispatch.booking.listing.model import ListingModel
from dispatch.booking.listing.proposal import Progress, Proposal, Stop

RELAXED = 0.7
"""So much of the time that is left may go into the linear relaxation; it takes a second of a core, and is worth more than the rest."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is searched. `work`: in the solver's own measure, of which a core does a twentieth to a tenth in a second; with the same
    `seed` and `workers` the same work gives the same listing on any machine. `seconds` ends it on one that is too busy for that.

    One worker goes by unsatisfiable cores, which finds the best listings and the best bound by far; more of them add bounds by linear
    relaxation and search in neighbourhoods, in turns, which is worth it where there are cores to spare.
    """

    work: float = 0.8
    seconds: float = 8.5
    workers: int = 1
    seed: int = 1


def propose(
    docket: Docket,
    occupancy: Occupancy,
    effort: Effort | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Stop | None = None,
) -> Proposal:
    """Place the sittings of a docket. It blocks for as long as the effort says: call it in a thread or a process of its own.

    To adjust a proposal, give each sitting its `previous` place and pin those that are to stay; little else is changed then.
    `progress` is called from a thread of the solver. Raises ValueError and KeyError as `docket.Prepared` says.
    """
    began = time.monotonic()
    prepared = Prepared(docket, occupancy)
    effort, stop = effort or Effort(), stop or Stop()

    def left() -> float:
        return max(began + effort.seconds - time.monotonic(), 0.1)

    def enough() -> bool:
        return stop.is_set or left() < effort.seconds * 2 / 3

    first = improved(prepared, cheapest_fit(prepared, stop=enough), effort.seed, stop=enough)
    must = {each.id for each in docket.waiting if each.required or each.pinned}
    least = 0
    if len(first) < len(docket.waiting):
        placing = _most_placed(prepared, first if must <= first.keys() else {}, effort, left() / 3, stop)
        if placing.impossible:
            return Proposal(
                {}, {}, 0, 0, "impossible", time.monotonic() - began, why_not_together(prepared, effort.seed, lambda: stop.is_set)
            )
        least = placing.least
        if placing.found is not None and (not must <= first.keys() or prepared.cost_of(placing.found) < prepared.cost_of(first)):
            first = improved(prepared, placing.found, effort.seed, 3 * len(docket.waiting), stop=enough)
    relaxed = 0 if stop.is_set else lower_bound(prepared, least, left() * RELAXED)
    model = ListingModel(prepared)
    model.begin_with(first)
    model.expect_missing(least)
    solver = _solver(effort)
    solver.parameters.max_time_in_seconds = left()
    watcher = _Watcher(model, progress, stop, solver)
    stop.watch(solver)
    solver.best_bound_callback = watcher.on_bound
    status = solver.solve(model.cp, watcher)
    seconds = time.monotonic() - began
    if status == cp_model.INFEASIBLE:
        return Proposal({}, {}, 0, 0, "impossible", seconds, why_not_together(prepared, effort.seed, lambda: stop.is_set))
    if status == cp_model.MODEL_INVALID:
        raise RuntimeError(model.cp.validate())  # a mistake in this module
    solved = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    found = model.placements(solver) if solved else first
    if not must <= found.keys():
        missing = {each.id: why_unplaced(prepared, found, each) for each in docket.waiting if each.id in must - found.keys()}
        return Proposal({}, missing, 0, 0, "unknown", seconds)
    found = pulled_forward(prepared, found)
    unplaced = {each.id: why_unplaced(prepared, found, each) for each in docket.waiting if each.id not in found}
    ended = "optimal" if status == cp_model.OPTIMAL else "stopped" if stop.is_set else "work"
    if ended == "work" and solver.deterministic_time < effort.work:
        ended = "seconds"
    cost = prepared.cost_of(found)
    bound = min(max(round(solver.best_objective_bound) if solved else 0, relaxed, 0), cost)
    return Proposal(found, unplaced, cost, bound, "optimal" if bound == cost else ended, seconds)


@dataclass(frozen=True, slots=True)
class _Placing:
    """What can have a place at all. `least`: so much priority stays without one in every listing."""

    impossible: bool
    found: dict[str, Placement] | None
    least: int


def _most_placed(prepared: Prepared, first: Mapping[str, Placement], effort: Effort, seconds: float, stop: Stop) -> _Placing:
    """A listing in which as much as possible has a place, wherever that is: found in a moment, where the search for a good one takes long
    to leave one out less, and with proof in most cases. Half of the effort at most."""
    model = ListingModel(prepared)
    model.begin_with(first)
    model.aim_at_placing()
    solver = _solver(effort)
    solver.parameters.subsolvers.clear()
    solver.parameters.max_deterministic_time = effort.work / 2
    solver.parameters.max_time_in_seconds = seconds
    stop.watch(solver)
    status = solver.solve(model.cp)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return _Placing(status == cp_model.INFEASIBLE, None, 0)
    return _Placing(False, model.placements(solver), max(math.ceil(solver.best_objective_bound - TOLERANCE), 0))


def _solver(effort: Effort) -> cp_model.CpSolver:
    """Parameters as tried on dockets of 100 sittings: two thirds of a short search went into probing before it began."""
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = effort.workers
    parameters.subsolvers.extend(["core"] if effort.workers == 1 else ["core", "max_lp"])
    parameters.interleave_search = effort.workers > 1  # the one way of several workers that gives the same answer each time
    parameters.cp_model_probing_level = 0
    parameters.symmetry_level = 0
    parameters.max_presolve_iterations = 1
    parameters.random_seed = effort.seed
    parameters.max_deterministic_time = effort.work
    parameters.max_time_in_seconds = effort.seconds
    return solver


class _Watcher(cp_model.CpSolverSolutionCallback):
    """Tells of each better listing, and ends the search when that is asked for."""

    def __init__(self, model: ListingModel, progress: Callable[[Progress], None] | None, stop: Stop, solver: cp_model.CpSolver) -> None:
        super().__init__()
        self._model, self._progress, self._stop, self._solver = model, progress, stop, solver

    def on_solution_callback(self) -> None:
        if self._progress is not None:
            placed = sum(self.boolean_value(literal) for literal in self._model.placed.values())
            self._progress(Progress(placed, round(self.objective_value), round(self.best_objective_bound), self.wall_time))
        self.on_bound(0)

    def on_bound(self, _: float) -> None:
        """Also asked here: the end may have been asked for just before the search began."""
        if self._stop.is_set:
            self._solver.stop_search()
