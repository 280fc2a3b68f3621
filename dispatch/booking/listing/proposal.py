"""What making a list tells while it is made and in the end, and how it is stopped. Who only asks for it need not load the solver."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatch.booking.finding.obstacles import Obstacle
from dispatch.booking.listing.docket import Placement

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpSolver


@dataclass(frozen=True, slots=True)
class Progress:
    """A better listing was found: its cost, the lowest that can still be hoped for, and the seconds that the solver has searched."""

    placed: int
    cost: int
    bound: int
    seconds: float


class Stop:
    """Ends a listing from another thread: what is found by then is the answer."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._solver: CpSolver | None = None

    def set(self) -> None:
        """End it now, or as soon as it begins."""
        self._asked.set()
        if self._solver is not None:
            self._solver.stop_search()

    @property
    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._asked.is_set()

    def watch(self, solver: CpSolver) -> None:
        """The solver that is to be ended."""
        self._solver = solver


@dataclass(frozen=True, slots=True)
class Proposal:
    """A listing. `unplaced`: why each sitting without a place has none. `impossible`: conditions that cannot hold together, each of which
    is needed for that; then nothing is placed. `bound`: no listing costs less (on the grain of the docket).

    `ended`: "optimal", "work" (the effort is spent), "seconds", "stopped", "impossible", "unknown" (no listing with all that is required
    was found in time, nor proof that there is none: nothing is placed, `unplaced` says what is in the way of those that are missing).
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
