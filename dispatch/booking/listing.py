"""Listing (排期): many waiting sittings placed at once by OR-Tools CP-SAT, and how far from the best possible that is. Pure.

What has to hold: working hours, closures and everything booked already (as possible starts of each sitting in each place, see
`docket`); no room, person, thing or custody slot twice, with set-up and clear-up; the way of a person between sites; notice and
deadlines; what is pinned. What is to be low: the cost that `docket` explains. A sitting may stay unplaced, at the highest cost; one
that is required or pinned may not, and where such cannot hold together the answer says which conditions are in each other's way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from dispatch.booking.docket import Docket, Placement, Prepared
from dispatch.booking.first_listing import cheapest_fit, pulled_forward
from dispatch.booking.listing_conflicts import why_not_together, why_unplaced
from dispatch.booking.listing_model import ListingModel
from dispatch.booking.obstacles import Obstacle
from dispatch.booking.occupancy import Occupancy


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is searched. `work`: in the solver's own measure, of which a core does a twentieth to a tenth in a second; with the same
    `seed` and `workers` the same work gives the same listing on any machine. `seconds` ends it on one that is too busy for that.

    One worker goes by unsatisfiable cores, which finds the best listings and the best bound by far; more of them add bounds by linear
    relaxation and search in neighbourhoods, in turns, which is worth it where there are cores to spare.
    """

    work: float = 0.4
    seconds: float = 8.0
    workers: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """A better listing was found: its cost, the lowest that can still be hoped for, and the seconds since the beginning."""

    placed: int
    cost: int
    bound: int
    seconds: float


class Stop:
    """Ends a listing from another thread: what is found by then is the answer."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._solver: cp_model.CpSolver | None = None

    def set(self) -> None:
        """End it now, or as soon as it begins."""
        self._asked.set()
        if self._solver is not None:
            self._solver.stop_search()

    @property
    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._asked.is_set()

    def watch(self, solver: cp_model.CpSolver) -> None:
        """The solver that is to be ended."""
        self._solver = solver


@dataclass(frozen=True, slots=True)
class Proposal:
    """A listing. `unplaced`: why each sitting without a place has none. `impossible`: conditions that cannot hold together, each of which
    is needed for that; then nothing is placed. `bound`: no listing costs less (on the grain of the docket). `ended`: "optimal",
    "work" (the effort is spent), "seconds", "stopped", "impossible", "unknown" (no listing found in time, nor proof that there is none).
    """

    placements: Mapping[str, Placement]
    unplaced: Mapping[str, list[Obstacle]]
    cost: int
    bound: int
    ended: str
    seconds: float
    impossible: list[Obstacle] = field(default_factory=list)

    @property
    def gap(self) -> float:
        """How much of the cost a better listing could save at most, 0 to 1."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0


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
    prepared = Prepared(docket, occupancy)
    effort, stop = effort or Effort(), stop or Stop()
    first = cheapest_fit(prepared)
    model = ListingModel(prepared)
    model.begin_with(first)
    solver = _solver(effort)
    watcher = _Watcher(model, progress, stop, solver)
    stop.watch(solver)
    solver.best_bound_callback = watcher.on_bound
    status = solver.solve(model.cp, watcher)
    if status == cp_model.INFEASIBLE:
        conflict = why_not_together(prepared, effort.seed, stop=lambda: stop.is_set)
        return Proposal({}, {}, 0, 0, "impossible", solver.wall_time, conflict)
    if status == cp_model.MODEL_INVALID:
        raise RuntimeError(model.cp.validate())  # a mistake in this module
    solved = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    found = model.placements(solver) if solved else first
    must = {each.id for each in docket.waiting if each.required or each.pinned}
    if not must <= found.keys():
        return Proposal({}, {}, 0, 0, "unknown", solver.wall_time)
    found = pulled_forward(prepared, found)
    unplaced = {each.id: why_unplaced(prepared, found, each) for each in docket.waiting if each.id not in found}
    ended = "optimal" if status == cp_model.OPTIMAL else "stopped" if stop.is_set else "work"
    if ended == "work" and solver.wall_time >= effort.seconds:
        ended = "seconds"
    cost = prepared.cost_of(found)
    bound = max(round(solver.best_objective_bound), 0) if solved else 0
    return Proposal(found, unplaced, cost, min(bound, cost), ended, solver.wall_time)


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
