"""Event in, next state out: `apply` is the whole meaning of the log. Unknown events change nothing, so an older server can
read a newer log; an event about somebody who is no longer in the plan changes nothing either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from rooms import alerts, breaking_in, consents, conversation, departures, desk, floor, intercom, opinions, privacy, roll_call, votes
from rooms.media.engine import Source
from rooms.plan import SittingPlan
from rooms.procedure import intersection
from rooms.state import Endpoint, Observer, RecordingSpan, Seat, State

Data = Mapping[str, Any]


class Happened(Protocol):
    """An event or a row of the log."""

    @property
    def type(self) -> str: ...
    @property
    def at_us(self) -> int: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


def apply(state: State | None, happened: Happened) -> State:
    """The state after `happened`. Only `conference_opened` may come first; raises ValueError otherwise."""
    if state is None:
        if happened.type != "conference_opened":
            raise ValueError(f"a log begins with conference_opened, not {happened.type}")
        return _opened(SittingPlan.from_json(happened.data["plan"]), happened.at_us)
    change = _CHANGES.get(happened.type)
    if change is None:
        return state
    return floor.settled(intercom.settled(privacy.settled(change(state, happened.data, happened.at_us))), happened.at_us)


def fold(happened: Iterable[Happened]) -> State | None:
    """The state after all of them, None for an empty log."""
    state: State | None = None
    for one in happened:
        state = apply(state, one)
    return state


# ------------------------------------------------------------------------------------------------ plan


def _opened(plan: SittingPlan, at_us: int) -> State:
    state = State(plan=plan, stage="", stage_since_us=at_us, seats={p.id: Seat(p) for p in plan.participants})
    return replace(state, stage=state.procedure.first)


def _plan_revised(state: State, data: Data, at_us: int) -> State:
    plan = SittingPlan.from_json(data["plan"])
    kept = {p.id for p in plan.participants}
    for gone in [p for p in state.seats if p not in kept]:
        state = _off_device(state, gone)
    seats = {p.id: replace(state.seats[p.id], participant=p) if p.id in state.seats else Seat(p) for p in plan.participants}
    return replace(state, plan=plan, seats=seats)


def _cancelled(state: State, data: Data, at_us: int) -> State:
    return replace(_over(state), stage=state.procedure.last, stage_since_us=at_us, reason=data["reason"], cancelled=True)


def _consented(state: State, data: Data, at_us: int) -> State:
    return _seat(state, data["participant"], consent=data["version"])


def _device_checked(state: State, data: Data, at_us: int) -> State:
    return _seat(state, data["participant"], device_check=data["result"])


# ------------------------------------------------------------------------------------------------ coming and going


def _endpoint_arrived(state: State, data: Data, at_us: int) -> State:
    people = tuple(p for p in data["participants"] if p in state.seats)
    state = _endpoint(state, Endpoint(data["endpoint"], people, data["device"], shared=data.get("shared", False)))
    for participant in people:
        state = _seat(state, participant, endpoint=data["endpoint"], beside=None, presence="waiting", admitted=False, lost_at_us=None)
    return state


def _endpoint_lost(state: State, data: Data, at_us: int) -> State:
    endpoint = state.endpoints.get(data["endpoint"])
    if endpoint is None:
        return state
    if endpoint.pending:
        return _without_endpoint(state, endpoint.id)
    state = _endpoint(state, replace(endpoint, connected=False))
    for participant in endpoint.participants:
        state = _seat(state, participant, presence="lost", lost_at_us=at_us)
    return state


def _endpoint_resumed(state: State, data: Data, at_us: int) -> State:
    endpoint = state.endpoints.get(data["endpoint"])
    if endpoint is None:
        return state
    state = _endpoint(state, replace(endpoint, connected=True))
    for participant in endpoint.participants:
        presence = "present" if state.seats[participant].admitted else "waiting"
        state = _seat(state, participant, presence=presence, lost_at_us=None)
    return state


def _seated(state: State, data: Data, at_us: int) -> State:
    """He waits with the others of the device; beside it while it has not come, or was let in without him."""
    participant, device = data["participant"], data["endpoint"]
    seat = state.seats.get(participant)
    if seat is None or seat.endpoint == device:
        return state
    state = _off_device(state, participant)
    if state.admitted_at(device):
        return _seat(state, participant, beside=device, presence="waiting", admitted=False, lost_at_us=None)
    if device in state.endpoints:
        return _joined(state, participant, state.endpoints[device], admitted=False, at_us=at_us)
    presence = "absent" if seat.presence == "waiting" else seat.presence
    return _seat(state, participant, beside=device, presence=presence)


def _joined(state: State, participant: str, endpoint: Endpoint, *, admitted: bool, at_us: int) -> State:
    """What a newcomer has no right to is switched off, and not on again by itself when he goes."""
    people = (*endpoint.participants, participant)
    given = intersection(state.rights_in_role(p) for p in people).sources
    voice = endpoint.voice if Source.MICROPHONE in given else None
    state = _endpoint(state, replace(endpoint, participants=people, on=endpoint.on & given, voice=voice))
    presence = "lost" if not endpoint.connected else "present" if admitted else "waiting"
    lost_at_us = None if endpoint.connected else at_us
    return _seat(state, participant, endpoint=endpoint.id, beside=None, presence=presence, admitted=admitted, lost_at_us=lost_at_us)


def _unseated(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    presence = "left" if seat.presence in {"waiting", "present", "lost"} else seat.presence
    return _seat(_off_device(state, data["participant"]), data["participant"], presence=presence, admitted=False, lost_at_us=None)


def _voice(state: State, data: Data, at_us: int) -> State:
    endpoint = state.endpoints.get(data["endpoint"])
    return _endpoint(state, replace(endpoint, voice=data["participant"], voice_at_us=at_us)) if endpoint else state


def _left(state: State, data: Data, at_us: int) -> State:
    return _seat(_off_device(state, data["participant"]), data["participant"], presence="left", admitted=False, lost_at_us=None)


def _device_pending(state: State, data: Data, at_us: int) -> State:
    people = tuple(p for p in data["participants"] if p in state.seats)
    return _endpoint(state, Endpoint(data["endpoint"], people, data["device"], pending=True))


def _device_replaced(state: State, data: Data, at_us: int) -> State:
    participant, new = data["participant"], state.endpoints.get(data["endpoint"])
    if new is None or participant not in state.seats:
        return state
    if state.seats[participant].endpoint != new.id:
        state = _off_device(state, participant, keep=new.id)
    state = _endpoint(state, replace(new, pending=False))
    presence = "present" if state.seats[participant].admitted else "waiting"
    return _seat(state, participant, endpoint=new.id, presence=presence, lost_at_us=None)


def _device_refused(state: State, data: Data, at_us: int) -> State:
    return _without_endpoint(state, data["endpoint"])


def _observer_joined(state: State, data: Data, at_us: int) -> State:
    observer = Observer(data["endpoint"], data["name"], data["user"])
    return replace(state, observers={**state.observers, observer.endpoint: observer})


def _observer_left(state: State, data: Data, at_us: int) -> State:
    return replace(state, observers={k: v for k, v in state.observers.items() if k != data["endpoint"]})


# ------------------------------------------------------------------------------------------------ acts of chair and clerk


def _admitted(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    device = state.endpoints.get(seat.beside) if seat and seat.beside else None
    if device:
        return _joined(state, data["participant"], device, admitted=True, at_us=at_us)
    return _seat(state, data["participant"], admitted=True, presence="present")


def _returned(state: State, data: Data, at_us: int) -> State:
    state = _seat(state, data["participant"], admitted=False, presence="waiting", hand_at_us=None)
    return _switch_off(state, data["participant"], frozenset(Source))


def _muted(state: State, data: Data, at_us: int) -> State:
    participant, source = data["participant"], Source(data["source"])
    if participant not in state.seats:
        return state
    state = _seat(state, participant, muted=state.seats[participant].muted | {source})
    return _switch_off(state, participant, frozenset({source}))


def _allowed(state: State, data: Data, at_us: int) -> State:
    participant, source = data["participant"], Source(data["source"])
    if participant not in state.seats:
        return state
    return _seat(state, participant, muted=state.seats[participant].muted - {source})


def _source_switched(state: State, data: Data, at_us: int) -> State:
    endpoint = state.endpoints.get(data["endpoint"])
    if endpoint is None:
        return state
    source = frozenset({Source(data["source"])})
    return _endpoint(state, replace(endpoint, on=endpoint.on | source if data["on"] else endpoint.on - source))


def _removed(state: State, data: Data, at_us: int) -> State:
    return _seat(_off_device(state, data["participant"]), data["participant"], presence="removed", admitted=False, lost_at_us=None)


def _absent_again(state: State, data: Data, at_us: int) -> State:
    return _seat(_off_device(state, data["participant"]), data["participant"], presence="absent", admitted=False, lost_at_us=None)


def _stage_changed(state: State, data: Data, at_us: int) -> State:
    state = privacy.opened_doors(state)
    called_from = data["from"] if state.procedure.stages[data["to"]].pause and not state.now.pause else ""
    state = replace(state, stage=data["to"], stage_since_us=at_us, stage_by=data["by"], reason=data["reason"], called_from=called_from)
    state = opinions.reconsidered(_outside(roll_call.reached(state)))
    state = desk.reached(floor.hushed(state))
    if state.now.closes_sources:
        closed = {k: replace(e, on=frozenset(), voice=None, voice_at_us=None) for k, e in state.endpoints.items()}
        state = replace(state, endpoints=closed)
        state = replace(state, seats={k: replace(s, hand_at_us=None) for k, s in state.seats.items()})
    return _over(state) if state.closed else state


def _outside(state: State) -> State:
    """Who is heard only when he is called goes back to the waiting room where the stage has no place for him."""
    placed = state.procedure.rights[state.stage]
    for participant, seat in state.seats.items():
        role = seat.participant.role
        if seat.admitted and role in state.procedure.apart and role not in placed:
            presence = "waiting" if seat.presence == "present" else seat.presence
            state = _seat(state, participant, admitted=False, presence=presence, hand_at_us=None)
            state = _switch_off(state, participant, frozenset(Source))
    return state


def _over(state: State) -> State:
    """Nobody is connected to a sitting that is over."""
    gone = {"waiting", "present", "lost"}
    seats = {
        k: replace(s, presence="left" if s.presence in gone else s.presence, admitted=False, endpoint=None, beside=None, lost_at_us=None)
        for k, s in state.seats.items()
    }
    stays = {"recording_failed", "recorder_lost", "recording_elsewhere", "log_unwritable"}
    alerts = {k: a for k, a in state.alerts.items() if a.code in stays}
    return replace(state, seats=seats, endpoints={}, observers={}, alerts=alerts, next_booking=None, consults={}, out=frozenset())


# ------------------------------------------------------------------------------------------------ recording


def _recording_started(state: State, data: Data, at_us: int) -> State:
    span = state.recording
    since = span.running_since_us if span.running_since_us is not None else at_us
    return replace(state, recording=replace(span, running_since_us=since, failure=""))


def _recording_stopped(state: State, data: Data, at_us: int) -> State:
    return replace(state, recording=replace(_paused(state.recording, at_us), failure=""))


def _recording_failed(state: State, data: Data, at_us: int) -> State:
    span = _paused(state.recording, at_us)
    return replace(state, recording=replace(span, failure=data["cause"], interruptions=span.interruptions + 1))


def _recorder_restored(state: State, data: Data, at_us: int) -> State:
    """Another process writes on: that is an interruption, unless the failure was counted already."""
    span = state.recording
    again = bool(data.get("replaced")) and span.running_since_us is not None and not span.failure
    return replace(state, recording=replace(span, interruptions=span.interruptions + 1)) if again else state


def _paused(span: RecordingSpan, at_us: int) -> RecordingSpan:
    if span.running_since_us is None:
        return span
    return replace(span, running_since_us=None, seconds=span.seconds + max(0, at_us - span.running_since_us) / 1e6)


def _sealed(state: State, data: Data, at_us: int) -> State:
    return replace(state, sealed=data["manifest_sha256"])


def _next_booking(state: State, data: Data, at_us: int) -> State:
    return replace(state, next_booking=data["booking"])


# ------------------------------------------------------------------------------------------------ small steps


def _seat(state: State, participant: str, **changes: Any) -> State:
    seat = state.seats.get(participant)
    return replace(state, seats={**state.seats, participant: replace(seat, **changes)}) if seat else state


def _endpoint(state: State, endpoint: Endpoint) -> State:
    return replace(state, endpoints={**state.endpoints, endpoint.id: endpoint})


def _without_endpoint(state: State, endpoint: str) -> State:
    """Whoever sat down beside it and was not let in is nowhere."""
    for participant, seat in state.seats.items():
        if seat.beside == endpoint:
            state = _seat(state, participant, beside=None, presence="absent" if seat.presence == "waiting" else seat.presence)
    return replace(state, endpoints={k: v for k, v in state.endpoints.items() if k != endpoint})


def _off_device(state: State, participant: str, keep: str = "") -> State:
    """Take a participant off every device but `keep`; a device that carries nobody any more is forgotten."""
    for endpoint in list(state.endpoints.values()):
        if participant in endpoint.participants and endpoint.id != keep:
            others = tuple(p for p in endpoint.participants if p != participant)
            kept = replace(endpoint, participants=others, voice=endpoint.voice if endpoint.voice != participant else None)
            state = _endpoint(state, kept) if others else _without_endpoint(state, endpoint.id)
    return _seat(state, participant, endpoint=None, beside=None, hand_at_us=None)


def _switch_off(state: State, participant: str, sources: frozenset[Source]) -> State:
    seat = state.seats.get(participant)
    endpoint = state.endpoints.get(seat.endpoint) if seat and seat.endpoint else None
    return _endpoint(state, replace(endpoint, on=endpoint.on - sources)) if endpoint else state


_CHANGES: Mapping[str, Callable[[State, Data, int], State]] = {
    "plan_revised": _plan_revised,
    "conference_cancelled": _cancelled,
    "consented": _consented,
    "seated": _seated,
    "unseated": _unseated,
    "voice": _voice,
    "device_checked": _device_checked,
    "endpoint_arrived": _endpoint_arrived,
    "endpoint_lost": _endpoint_lost,
    "endpoint_resumed": _endpoint_resumed,
    "left": _left,
    "device_pending": _device_pending,
    "device_replaced": _device_replaced,
    "device_refused": _device_refused,
    "observer_joined": _observer_joined,
    "observer_left": _observer_left,
    "admitted": _admitted,
    "returned_to_waiting": _returned,
    "muted": _muted,
    "allowed": _allowed,
    "source_switched": _source_switched,
    "removed": _removed,
    "readmitted": _absent_again,
    "revoked": _absent_again,
    "stage_changed": _stage_changed,
    "recording_started": _recording_started,
    "recording_stopped": _recording_stopped,
    "recording_failed": _recording_failed,
    "recording_restored": _recording_started,
    "recorder_restored": _recorder_restored,
    "sealed": _sealed,
    "next_booking": _next_booking,
    **alerts.FOLDS,
    **breaking_in.FOLDS,
    **intercom.FOLDS,
    **floor.FOLDS,
    **roll_call.FOLDS,
    **consents.FOLDS,
    **conversation.FOLDS,
    **desk.FOLDS,
    **privacy.FOLDS,
    **opinions.FOLDS,
    **votes.FOLDS,
    **departures.FOLDS,
}
