"""How many of what there is in the open conferences, for Prometheus: counted once a second by the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from rooms import needs
from rooms.figures import Score
from rooms.metrics import CONFERENCES, PARTICIPANTS, PRIVATE, RECORDINGS, SCORED, SITTINGS, STAGE_SECONDS, WAITING_FOR

if TYPE_CHECKING:
    from prometheus_client import Gauge

    from rooms.live import Live
    from rooms.state import State

Labels = tuple[str, ...]


class Census:
    """Remembers what it has told, so that what there is no more is told as none."""

    def __init__(self) -> None:
        self._told: dict[Any, set[Labels]] = {}
        self._counted_s: float | None = None

    def count(self, lives: Collection[Live], now_s: float) -> None:
        """Tell what there is now. `now_s`: any clock that only goes forward."""
        passed_s = now_s - self._counted_s if self._counted_s is not None else 0.0
        self._counted_s = now_s
        states = [live.state for live in lives if live.state is not None]
        going = [state for state in states if not state.closed]
        CONFERENCES.set(len(lives))
        recordings = [live.recording.view().state for live in lives]
        for recording in ("starting", "recording", "failed"):
            RECORDINGS.labels(recording).set(recordings.count(recording))
        self._tell(PARTICIPANTS, Counter(each for state in states for each in _people(state)))
        self._tell(SITTINGS, Counter((state.procedure.kind, state.stage) for state in going))
        self._tell(PRIVATE, Counter(each for state in going for each in _private(state)))
        self._tell(WAITING_FOR, Counter(each for state in going for each in _waits_for(state)))
        for state in going:
            STAGE_SECONDS.labels(state.procedure.kind, state.stage).inc(passed_s)
        scores = Counter(network.score or "unknown" for live in lives for network in live.quality.networks.values())
        for score in (*Score, "unknown"):
            SCORED.labels(score).set(scores[score])

    def _tell(self, gauge: Gauge, found: Counter[Labels]) -> None:
        told = self._told.setdefault(gauge, set())
        for labels in told | found.keys():
            gauge.labels(*labels).set(found[labels])
        told.update(found)


def _people(state: State) -> Iterator[Labels]:
    yield from ((s.participant.role, s.presence) for s in state.seats.values() if s.presence in ("present", "waiting"))


def _private(state: State) -> Iterator[Labels]:
    if state.now.private:
        yield ("stage",)
    yield from (("consultation",) for _ in state.consults)


def _waits_for(state: State) -> Iterator[Labels]:
    """What the next stage in order lacks, each once. A pause lacks nothing."""
    following = [stage for stage in state.next_stages if not state.procedure.stages[stage].pause]
    if state.now.status in ("live", "recess") and following:
        yield from {(missing.code,) for missing in needs.missing(state, following[0])}
