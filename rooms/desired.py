"""What the engine and the recorder should be doing, computed from the state alone. Pure; complete each time.

Who is not inside is in nothing. Watching follows the rights of the stage and not the mutes, so that a mute changes no
connection; the mute is enforced where packets arrive, in `Routing.publish`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rooms.media.engine import Routing, Source, TrackKey
from rooms.state import State

CROWD, THRONG = 4, 8
"""Above so many people inside, video is sent small, and smallest: eleven pictures then make 1.65 Mbit/s."""
LARGE = (720, 1_500_000)
SMALL = (360, 500_000)
SMALLEST = (180, 150_000)


def ceiling(people: int) -> tuple[int, int]:
    """Ceiling for each camera when so many people are inside: (height in lines, bit/s)."""
    if people > THRONG:
        return SMALLEST
    return SMALL if people > CROWD else LARGE


def quality(state: State) -> tuple[int, int]:
    """Ceiling for each camera now."""
    return ceiling(state.people_inside())


def tracks(state: State) -> frozenset[TrackKey]:
    """Every track that the stage permits, whether or not it is switched on or muted just now."""
    return frozenset(TrackKey(e.id, s) for e in state.inside() for s in state.publishable(e))


def may_observe(state: State) -> bool:
    """Whether the command centre may watch this stage."""
    return state.now.observable and not state.now.private and not state.closed


def floor(state: State) -> frozenset[str]:
    """Whose pictures come first on a weak connection: who presides, who has the floor, and at whose room's device somebody is marked
    as speaking."""
    first = {state.chair, state.floor} - {None}
    return frozenset(e.id for e in state.inside() if e.voice is not None or first.intersection(e.participants))


def continuous(state: State) -> frozenset[str]:
    """Rooms' devices, whose microphone stands far from some of those who sit there: a voice that a browser takes for a pause would
    be missing from the record."""
    return frozenset(e.id for e in state.inside() if e.shared)


def routing(state: State) -> Routing:
    """All that the router of this sitting may do now."""
    if state.closed:
        return Routing()
    inside = list(state.inside())
    permitted = tracks(state)
    publish: dict[str, frozenset[Source]] = {e.id: state.passing(e) for e in inside}
    watch = {e.id: frozenset(t for t in permitted if t.endpoint != e.id) for e in inside if state.rights(e.id).see}
    if may_observe(state):
        for observer in state.observers:
            publish[observer] = frozenset()
            watch[observer] = permitted
    record = permitted if recording(state).on else frozenset()
    return Routing(publish, watch, record, quality(state)[1], state.now.private, floor(state), continuous(state))


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recorder should be doing. `open`: the folder exists and takes the log; `on`: media is captured; `seal`: the
    sitting is over and what was recorded waits for its manifest."""

    open: bool
    on: bool
    seal: bool


def recording(state: State) -> Recording:
    """The recorder's desired state. A sitting that never reached a recorded stage leaves no recording behind."""
    recorded = state.is_recorded
    gathered = any(True for _ in state.inside())
    seal = state.closed and state.recording.ever and not state.sealed
    return Recording(open=recorded or gathered or (state.recording.ever and not state.sealed), on=recorded, seal=seal)
