"""What the engine and the recorder should be doing, computed from the state alone. Pure; complete each time.

Who is not inside is in nothing. Watching follows the rights of the stage and not the mutes, so that a mute changes no
connection; the mute is enforced where packets arrive, in `Routing.publish`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rooms.media.engine import Routing, Source, TrackKey
from rooms.state import Endpoint, State

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
    """Every track that the stage permits in the main room, whether or not it is switched on or muted just now."""
    return circles(state).get("", frozenset())


def circles(state: State) -> Mapping[str, frozenset[TrackKey]]:
    """The tracks that the stage permits, by the consultation in which they are: "" is the main room. Nothing passes from one to
    another."""
    found: dict[str, set[TrackKey]] = {}
    for endpoint in state.inside():
        circle = state.circle_at(endpoint)
        heard = circle or not state.now.private or state.rights(endpoint.id).see
        if circle is not None and heard:
            aside = {Source.MICROPHONE} if state.answers_at(endpoint) else ()
            found.setdefault(circle, set()).update(TrackKey(endpoint.id, s) for s in state.publishable(endpoint).difference(aside))
    return {circle: frozenset(tracks) for circle, tracks in found.items()}


def may_observe(state: State) -> bool:
    """Whether the command centre may watch now: it may not while somebody consults (DOMAIN.md section 4)."""
    return state.now.observable and not state.now.private and not state.closed and not state.consults


def officers(state: State) -> frozenset[TrackKey]:
    """What an officer sends who broke in, or talks with all: to everybody inside, and to nobody while the command centre may not watch,
    or in a recess."""
    if not may_observe(state) or state.now.closes_sources:
        return frozenset()
    his = ((o.endpoint, o.break_in) for o in state.observers.values())
    seen = (
        TrackKey(endpoint, source)
        for endpoint, break_in in his
        if break_in is not None
        for source in (Source.MICROPHONE, Source.CAMERA)
        if source is Source.MICROPHONE or break_in.camera
    )
    talk = state.intercom
    heard = [TrackKey(talk.endpoint, Source.MICROPHONE)] if talk is not None and not talk.people else []
    return frozenset((*seen, *heard))


def aside(state: State) -> Mapping[str, frozenset[TrackKey]]:
    """Who hears what of a talk of the command centre with a few: the officer and the devices that are called. Nobody else is named."""
    talk = state.intercom
    if talk is None or not talk.people or not may_observe(state) or state.now.closes_sources:
        return {}
    called = [endpoint for endpoint in state.inside() if state.called(endpoint)]
    answers = frozenset(TrackKey(e.id, Source.MICROPHONE) for e in called if state.answers_at(e))
    officer = TrackKey(talk.endpoint, Source.MICROPHONE)
    found = {talk.endpoint: answers}
    for endpoint in called:
        unheard = kept_from(state, endpoint) | {endpoint.id}
        found[endpoint.id] = frozenset(track for track in answers if track.endpoint not in unheard) | {officer}
    return found


def speaks(state: State, endpoint: str) -> bool:
    """Whether an officer who watches there may send."""
    talk, observer = state.intercom, state.observers.get(endpoint)
    return observer is not None and (observer.break_in is not None or (talk is not None and talk.endpoint == endpoint))


def floor(state: State) -> frozenset[str]:
    """Whose pictures come first on a weak connection: who presides, who has the floor, at whose room's device somebody is marked
    as speaking, and who broke in."""
    first = {state.chair, state.floor} - {None}
    spoken = frozenset(e.id for e in state.inside() if e.voice is not None or first.intersection(e.participants))
    return spoken | {track.endpoint for track in officers(state)}


def continuous(state: State) -> frozenset[str]:
    """Rooms' devices, whose microphone stands far from some of those who sit there: a voice that a browser takes for a pause would
    be missing from the record."""
    return frozenset(e.id for e in state.inside() if e.shared)


def routing(state: State) -> Routing:
    """All that the router of this sitting may do now."""
    if state.closed:
        return Routing()
    inside = list(state.inside())
    permitted = circles(state)
    main = permitted.get("", frozenset())
    interpreters, officer, called = interpreting(state), officers(state), aside(state)
    publish: dict[str, frozenset[Source]] = {e.id: state.passing(e) for e in inside}
    watch: dict[str, frozenset[TrackKey]] = {}
    for endpoint in inside:
        if state.rights(endpoint.id).see:
            unseen = kept_from(state, endpoint) | {endpoint.id}
            given = frozenset(t for t in permitted.get(state.circle_at(endpoint) or "", ()) if t.endpoint not in unseen)
            watch[endpoint.id] = _chosen(state, endpoint, given, interpreters) | officer | called.get(endpoint.id, frozenset())
    told = frozenset[TrackKey]().union(*called.values())
    for observer in state.observers:
        # Without a source it keeps his connection also while all is hidden from him: the picture comes back at once.
        publish[observer] = frozenset(track.source for track in officer | told if track.endpoint == observer)
        if may_observe(state):
            watch[observer] = main | {track for track in officer if track.endpoint != observer} | called.get(observer, frozenset())
    record = main | officer | told if recording(state).on else frozenset()
    return Routing(publish, watch, record, quality(state)[1], state.now.private, floor(state), continuous(state))


def kept_from(state: State, endpoint: Endpoint) -> frozenset[str]:
    """Devices at which somebody sits whom somebody here must not see or hear."""
    hidden = state.plan.kept_from(endpoint.participants)
    return frozenset(e.id for e in state.endpoints.values() if not hidden.isdisjoint(e.participants)) if hidden else frozenset()


def interpreting(state: State) -> frozenset[str]:
    """The devices of interpreters who are inside."""
    roles = {p.id for p in state.plan.participants if p.role == "interpreter"}
    return frozenset(e.id for e in state.inside() if roles.issuperset(e.participants)) if roles else frozenset()


def listening(state: State, endpoint: Endpoint) -> str:
    """What those at a device want to hear; everything where they do not want the same."""
    wanted = {state.seats[p].listens for p in endpoint.participants if p in state.seats}
    return wanted.pop() if len(wanted) == 1 else "mix"


def _chosen(state: State, endpoint: Endpoint, given: frozenset[TrackKey], interpreters: frozenset[str]) -> frozenset[TrackKey]:
    """Of what a device may get, what those at it want to hear. Pictures are not concerned, and an interpreter who is not there is not
    waited for."""
    wanted = listening(state, endpoint)
    interpreted = any(t.endpoint in interpreters and t.source is Source.MICROPHONE for t in given)
    if wanted == "mix" or not interpreted:
        return given
    original = wanted == "original"
    return frozenset(t for t in given if t.source is not Source.MICROPHONE or (t.endpoint in interpreters) != original)


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
