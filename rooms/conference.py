"""The conference: a command in, events out. Decides, and does nothing.

:func:`handle` looks at the state, who asks and what for, and returns the events that say so, in order; the caller
appends them to the log, folds them (:mod:`rooms.fold`) and only then lets them take effect. No event means that there
is nothing to change. A refusal is a :class:`UserError` (the person sees it) or a :class:`ProtocolError` (the connection
is closed); neither changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from rooms import (
    breaking_in,
    consents,
    conversation,
    departures,
    desk,
    floor,
    intercom,
    needs,
    opinions,
    privacy,
    roll_call,
    seats,
    stepping,
    votes,
)
from rooms.acts import Fact, need, seat_of
from rooms.commands import (
    SYSTEM,
    Actor,
    Arrive,
    BreakIn,
    Cancel,
    CheckDevice,
    ClearAlert,
    Command,
    Consent,
    Disappear,
    EndBreakIn,
    EndTalk,
    Facts,
    KeepStill,
    Notify,
    Observe,
    Open,
    RaiseAlert,
    RefuseConsent,
    Revise,
    Revoke,
    SetNextBooking,
    SitDown,
    StandUp,
    StepIn,
    Talk,
    alert_id,
)
from rooms.log import Event
from rooms.media.engine import Source
from rooms.procedure import procedure_of
from rooms.protocol import (
    AcknowledgeAlert,
    Admit,
    AdmitDevice,
    Allow,
    AnswerCentre,
    CallRoll,
    CastVote,
    ChangeStage,
    Classify,
    CloseCode,
    CloseQuestion,
    ConsentToStages,
    Consult,
    EndConsult,
    GiveFloor,
    GiveOpinion,
    Identify,
    Leave,
    Listen,
    Lock,
    LowerHand,
    Mute,
    MuteAll,
    ProtocolError,
    PutQuestion,
    RaiseHand,
    Readmit,
    RecordWish,
    Remove,
    ReturnToWaiting,
    SetSource,
    Step,
    TakeFloor,
    Unseat,
    UserError,
    Voice,
    Warn,
    Write,
    YieldFloor,
)
from rooms.protocol import Seat as TakeSeat
from rooms.state import Endpoint, State


def handle(state: State | None, actor: Actor, command: Command, now_us: int, facts: Facts | None = None) -> tuple[Event, ...]:
    """The events that follow from `command`.

    Raises UserError when it is refused and ProtocolError when the connection has to end; `state` is None only for `Open`.
    """
    if isinstance(command, Open):
        found = _open(state, command)
    elif state is None:
        raise UserError("sitting_unknown", "no such conference")
    elif type(command) in _WITH_FACTS:
        found = _WITH_FACTS[type(command)](state, actor, command, facts or Facts())
    else:
        found = _HANDLERS[type(command)](state, actor, command)
    found = list(found)
    before = [] if state is None else [*breaking_in.ends_by(state, found), *intercom.ends_by(state, found)]
    return tuple(Event(kind, now_us, data) for kind, data in [*before, *found])


def by(state: State, actor: Actor) -> dict[str, Any]:
    """Who did it, as the log says it."""
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint and endpoint.participants:
        return state.acting(endpoint)
    observer = state.observers.get(actor.endpoint)
    if observer:
        return {"user": observer.user, "name": observer.name}
    return {"user": actor.user, "name": actor.name} if actor.name else {"system": True}


# ------------------------------------------------------------------------------------------------ from the control plane


def _open(state: State | None, command: Open) -> Iterable[Fact]:
    if procedure_of(command.plan.procedure).kind != command.plan.kind:
        raise UserError("kind_unknown", f"no procedure for {command.plan.kind!r}")
    if state is None:
        return [("conference_opened", {"plan": command.plan.to_json()})]
    return _revise(state, SYSTEM, Revise(command.plan))


def _revise(state: State, actor: Actor, command: Revise) -> Iterable[Fact]:
    # A sitting is held to its end by the version with which it was opened.
    plan = replace(command.plan, procedure=state.plan.procedure)
    if state.closed or state.plan == plan:
        return []
    if plan.kind != state.plan.kind:
        raise UserError("kind_fixed", "the kind of a sitting does not change")
    gone = state.seats.keys() - {p.id for p in plan.participants}
    revised = replace(state, plan=plan)
    unnamed = [o for o in state.observers.values() if not stepping.may_watch(revised, o.user)]
    left: list[Fact] = [("observer_left", {"endpoint": o.endpoint, "name": o.name}) for o in unnamed]
    return [*_clear_lost(state, sorted(gone)), ("plan_revised", {"plan": plan.to_json()}), *left]


def _cancel(state: State, actor: Actor, command: Cancel) -> Iterable[Fact]:
    return [] if state.closed else [("conference_cancelled", {"reason": command.reason})]


def _check_device(state: State, actor: Actor, command: CheckDevice) -> Iterable[Fact]:
    seat_of(state, command.participant)
    return [("device_checked", {"participant": command.participant, "result": dict(command.result)})]


def _revoke(state: State, actor: Actor, command: Revoke) -> Iterable[Fact]:
    if state.closed or command.participant not in state.seats:
        return []
    return [*_clear_lost(state, [command.participant]), ("revoked", {"participant": command.participant, "reason": command.reason})]


def _set_next_booking(state: State, actor: Actor, command: SetNextBooking) -> Iterable[Fact]:
    if state.closed or (dict(command.booking) if command.booking else None) == (dict(state.next_booking) if state.next_booking else None):
        return []
    fact: Fact = ("next_booking", {"booking": dict(command.booking) if command.booking else None})
    if command.booking is None:
        return [fact, *_clear_alert(state, actor, ClearAlert("overrun_soon"))]
    data = {key: str(value) for key, value in command.booking.items()}
    return [fact, *_raise_alert(state, actor, RaiseAlert("overrun_soon", "warning", data=data))]


# ------------------------------------------------------------------------------------------------ coming and going


def _arrive(state: State, actor: Actor, command: Arrive) -> Iterable[Fact]:
    ticket = command.ticket
    if state.closed:
        raise ProtocolError(CloseCode.CLOSED, "cancelled" if state.cancelled else "closed")
    if ticket.kind == "observer":
        return _observe(state, command)
    if ticket.shared:
        return _arrive_in_room(state, command)
    known = [p for p in ticket.participants if p in state.seats]
    if not known:
        raise ProtocolError(CloseCode.FORBIDDEN, "not_invited")
    people = [p for p in known if state.seats[p].presence != "removed"]
    if not people:
        raise ProtocolError(CloseCode.REMOVED, "removed")
    mine = state.endpoints.get(ticket.endpoint)
    if mine:
        return _resume(state, mine, command.awaited)
    seated = [p for p in people if state.seats[p].endpoint is not None]
    if seated and not ticket.user:
        return [("device_pending", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name})]
    if seated:
        me = {"participant": people[0]}
        return [
            ("device_pending", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name}),
            *_replace(state, ticket.endpoint, people, me),
        ]
    return [
        ("endpoint_arrived", {"endpoint": ticket.endpoint, "participants": people, "device": ticket.name}),
        *(("admitted", {"participant": p, "by": {"system": True}}) for p in people if _enters_at_once(state, p)),
    ]


def _arrive_in_room(state: State, command: Arrive) -> Iterable[Fact]:
    ticket = command.ticket
    mine = state.endpoints.get(ticket.endpoint)
    if mine:
        return _resume(state, mine, command.awaited)
    people = state.sitting_at(ticket.endpoint)
    if not people:
        raise ProtocolError(CloseCode.FORBIDDEN, "nobody_seated")
    return [("endpoint_arrived", {"endpoint": ticket.endpoint, "participants": list(people), "device": ticket.name, "shared": True})]


def _observe(state: State, command: Arrive) -> Iterable[Fact]:
    ticket = command.ticket
    if state.now.private or not state.now.observable:
        raise ProtocolError(CloseCode.FORBIDDEN, "private")
    if not stepping.may_watch(state, ticket.user):
        raise ProtocolError(CloseCode.FORBIDDEN, "not_named")
    if ticket.endpoint in state.observers:
        return []
    return [("observer_joined", {"endpoint": ticket.endpoint, "name": ticket.name, "user": ticket.user})]


def _resume(state: State, endpoint: Endpoint, awaited: bool) -> Iterable[Fact]:
    if endpoint.pending or (endpoint.connected and not awaited):
        return []
    return [*_clear_lost(state, endpoint.participants), ("endpoint_resumed", {"endpoint": endpoint.id})]


def _disappear(state: State, actor: Actor, command: Disappear) -> Iterable[Fact]:
    observer = state.observers.get(command.endpoint)
    if observer:
        return [("observer_left", {"endpoint": observer.endpoint, "name": observer.name})]
    endpoint = state.endpoints.get(command.endpoint)
    if endpoint is None or not endpoint.connected:
        return []
    facts: list[Fact] = [("endpoint_lost", {"endpoint": endpoint.id, "participants": list(endpoint.participants)})]
    if not endpoint.pending:
        for participant in endpoint.participants:
            if state.seats[participant].admitted:
                data = {"participant": participant, "name": state.name(participant)}
                facts += _raise_alert(state, actor, RaiseAlert("participant_lost", "warning", participant, data))
    return facts


def _leave(state: State, actor: Actor, command: Leave) -> Iterable[Fact]:
    observer = state.observers.get(actor.endpoint)
    if observer:
        return [("observer_left", {"endpoint": observer.endpoint, "name": observer.name})]
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None:
        return []
    if endpoint.pending:
        return [("device_refused", {"endpoint": endpoint.id, "participants": list(endpoint.participants), "by": by(state, actor)})]
    if (state.now.recorded or state.is_recorded) and state.chair in endpoint.participants:
        raise UserError("chair_cannot_leave", "call a recess or close the hearing first")
    return [*_clear_lost(state, endpoint.participants), *(("left", {"participant": p}) for p in endpoint.participants)]


def _set_source(state: State, actor: Actor, command: SetSource) -> Iterable[Fact]:
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None or endpoint.pending:
        raise UserError("not_inside", "this device has no place in the sitting")
    if command.on:
        given = [command.source in state.sources_in_role(p) for p in endpoint.participants]
        if any(given) and not all(given):
            raise UserError("source_not_for_all", f"somebody at this device has no right to {command.source}", field="source")
        if not all(given):
            raise UserError("source_not_in_stage", f"{command.source} has no right in stage {state.stage}", field="source")
        if command.source in state.muted(endpoint):
            raise UserError("muted_by_chair", f"{command.source} is closed by the chair", field="source")
    if (command.source in endpoint.on) == command.on:
        return []
    data = {"endpoint": endpoint.id, "source": str(command.source), "on": command.on}
    return [("source_switched", state.acting(endpoint) | data)]


# ------------------------------------------------------------------------------------------------ acts of chair and clerk


def _admit(state: State, actor: Actor, command: Admit) -> Iterable[Fact]:
    need(state, actor, "admit")
    if state.locked:
        raise UserError("sitting_locked", "unlock it first")
    waiting = [p for p, seat in state.seats.items() if seat.presence == "waiting"]
    if command.participants:
        unknown = [p for p in command.participants if p not in state.seats]
        if unknown:
            raise UserError("participant_unknown", unknown[0], field="participants")
        devices = {state.seats[p].device for p in command.participants}
        waiting = [p for p in waiting if state.seats[p].device in devices]
        if waiting and not any(_has_place(state, p) for p in waiting):
            raise UserError("not_in_stage", f"{state.stage} has no place for {waiting[0]}", field="participants")
        if not waiting and not all(state.seats[p].admitted for p in command.participants):
            raise UserError("not_waiting", "nobody of these is in the waiting room", field="participants")
    return [("admitted", {"participant": p, "by": by(state, actor)}) for p in dict.fromkeys(waiting) if _has_place(state, p)]


def _to_waiting(state: State, actor: Actor, command: ReturnToWaiting) -> Iterable[Fact]:
    need(state, actor, "admit")
    seat = seat_of(state, command.participant)
    device = state.endpoints.get(seat.endpoint or "")
    people = device.participants if device else (command.participant,)
    if any(_enters_at_once(state, p) for p in people):
        raise UserError("needs_no_admission", "chair and clerk do not wait", field="participant")
    if not seat.admitted or seat.presence != "present":
        raise UserError("not_inside", "the participant is not inside", field="participant")
    return [("returned_to_waiting", {"participant": p, "by": by(state, actor)}) for p in people if state.seats[p].admitted]


def _admit_device(state: State, actor: Actor, command: AdmitDevice) -> Iterable[Fact]:
    need(state, actor, "admit")
    endpoint = state.endpoints.get(command.endpoint)
    if endpoint is None or not endpoint.pending:
        raise UserError("device_unknown", "no such device asks to come in", field="endpoint")
    if not command.accept:
        return [("device_refused", {"endpoint": endpoint.id, "participants": list(endpoint.participants), "by": by(state, actor)})]
    return _replace(state, endpoint.id, endpoint.participants, by(state, actor))


def _replace(state: State, endpoint: str, people: Iterable[str], who: Mapping[str, Any]) -> list[Fact]:
    people = list(people)
    facts = _clear_lost(state, people)
    for p in people:
        facts.append(("device_replaced", {"participant": p, "endpoint": endpoint, "former": state.seats[p].endpoint, "by": dict(who)}))
        if _enters_at_once(state, p) and not state.seats[p].admitted:
            facts.append(("admitted", {"participant": p, "by": {"system": True}}))
    return facts


def _mute(state: State, actor: Actor, command: Mute) -> Iterable[Fact]:
    need(state, actor, "admit")
    seat = seat_of(state, command.participant)
    if command.participant == state.chair and state.chair not in _people(state, actor):
        raise UserError("chair_not_muted", "nobody closes the chair's microphone", field="participant")
    if command.source in seat.muted:
        return []
    return [("muted", {"participant": command.participant, "source": str(command.source), "by": by(state, actor)})]


def _allow(state: State, actor: Actor, command: Allow) -> Iterable[Fact]:
    need(state, actor, "admit")
    if command.source not in seat_of(state, command.participant).muted:
        return []
    return [("allowed", {"participant": command.participant, "source": str(command.source), "by": by(state, actor)})]


def _mute_all(state: State, actor: Actor, command: MuteAll) -> Iterable[Fact]:
    need(state, actor, "admit")
    others = (
        p
        for p, seat in state.seats.items()
        if seat.participant.role not in state.procedure.bench and seat.admitted and Source.MICROPHONE not in seat.muted
    )
    return [("muted", {"participant": p, "source": str(Source.MICROPHONE), "by": by(state, actor)}) for p in others]


def _remove(state: State, actor: Actor, command: Remove) -> Iterable[Fact]:
    need(state, actor, "direct")
    seat = seat_of(state, command.participant)
    if command.participant == state.chair:
        raise UserError("chair_not_removed", "the chair cannot be removed", field="participant")
    if not command.reason.strip():
        raise UserError("reason_missing", "say why", field="reason")
    if seat.presence == "removed":
        return []
    data = {"participant": command.participant, "reason": command.reason.strip(), "by": by(state, actor)}
    return [*_clear_lost(state, [command.participant]), ("removed", data)]


def _readmit(state: State, actor: Actor, command: Readmit) -> Iterable[Fact]:
    need(state, actor, "direct")
    if seat_of(state, command.participant).presence != "removed":
        raise UserError("not_removed", "the participant was not removed", field="participant")
    return [("readmitted", {"participant": command.participant, "by": by(state, actor)})]


def _change_stage(state: State, actor: Actor, command: ChangeStage, facts: Facts) -> Iterable[Fact]:
    need(state, actor, "direct")
    if command.to not in state.procedure.stages:
        raise UserError("stage_unknown", command.to, field="to")
    if command.to not in state.next_stages:
        raise UserError("stage_not_next", f"{command.to} does not follow {state.stage}", field="to")
    to = state.procedure.stages[command.to]
    if (to.recorded or (to.recordable and state.recording_wanted)) and not facts.recorder_ready:
        raise UserError("recording_not_ready", "the recorder does not write to disk yet")
    needs.check(state, to, command.reason.strip())
    data = {"from": state.stage, "to": to.name, "status": to.status, "names": dict(to.names), "by": by(state, actor)}
    return [
        ("stage_changed", data | {"reason": command.reason.strip()}),
        *opinions.opened(state, to.name, facts),
        *departures.resumed(state, to.name),
        *departures.ended(state, to.name, command.reason.strip()),
    ]


# ------------------------------------------------------------------------------------------------ alerts and observations


def _raise_alert(state: State, actor: Actor, command: RaiseAlert) -> list[Fact]:
    alert = alert_id(command.code, command.subject)
    if alert in state.alerts or (command.code == departures.DUE and not departures.is_lost(state, command.subject)):
        return []
    fact: Fact = ("alert_raised", {"alert": alert, "code": command.code, "severity": command.severity, "data": dict(command.data)})
    return [fact, *departures.fell_due(state, command.subject)] if command.code == departures.DUE else [fact]


def _clear_alert(state: State, actor: Actor, command: ClearAlert) -> list[Fact]:
    alert = alert_id(command.code, command.subject)
    return [("alert_cleared", {"alert": alert})] if alert in state.alerts else []


def _acknowledge(state: State, actor: Actor, command: AcknowledgeAlert) -> Iterable[Fact]:
    if actor.endpoint and actor.endpoint not in state.observers:
        need(state, actor, "admit")
    found = state.alerts.get(command.alert)
    if found is None:
        raise UserError("alert_unknown", "this alert is over", field="alert")
    if found.acknowledged_by is not None:
        return []
    who = by(state, actor)
    return [("alert_acknowledged", {"alert": command.alert, "by": who, "name": state.doer(who)})]


def _note(state: State, actor: Actor, command: Observe) -> Iterable[Fact]:
    fact: Fact = (command.type, dict(command.data))
    return [fact, *departures.unrecorded(state, str(command.data["cause"]))] if command.type == "recording_failed" else [fact]


def _clear_lost(state: State, participants: Iterable[str]) -> list[Fact]:
    return [
        fact
        for p in participants
        for code in ("participant_lost", departures.DUE)
        for fact in _clear_alert(state, SYSTEM, ClearAlert(code, p))
    ]


# ------------------------------------------------------------------------------------------------ small questions


def _people(state: State, actor: Actor) -> tuple[str, ...]:
    endpoint = state.endpoints.get(actor.endpoint)
    return endpoint.participants if endpoint else ()


def _has_place(state: State, participant: str) -> bool:
    """Who is heard only when he is called is let in only where the stage has a place for him."""
    role = state.seats[participant].participant.role
    return role not in state.procedure.apart or role in state.procedure.rights[state.stage]


def _enters_at_once(state: State, participant: str) -> bool:
    return state.seats[participant].participant.role in state.procedure.enters_at_once


_Handler = Callable[[State, Actor, Any], Iterable[Fact]]
_HANDLERS: Mapping[type[Any], _Handler] = cast(
    "Mapping[type[Any], _Handler]",
    {
        Revise: _revise,
        Cancel: _cancel,
        Consent: consents.consent_to_notice,
        CheckDevice: _check_device,
        Arrive: _arrive,
        Disappear: _disappear,
        Revoke: _revoke,
        SetNextBooking: _set_next_booking,
        RaiseAlert: _raise_alert,
        ClearAlert: _clear_alert,
        Observe: _note,
        SetSource: _set_source,
        Leave: _leave,
        Admit: _admit,
        ReturnToWaiting: _to_waiting,
        AdmitDevice: _admit_device,
        Mute: _mute,
        Allow: _allow,
        MuteAll: _mute_all,
        Remove: _remove,
        Readmit: _readmit,
        AcknowledgeAlert: _acknowledge,
        RaiseHand: conversation.raise_hand,
        LowerHand: conversation.lower_hand,
        Lock: conversation.lock,
        Notify: conversation.notify,
        StepIn: stepping.step_in,
        BreakIn: breaking_in.break_in,
        EndBreakIn: breaking_in.end,
        Talk: intercom.talk,
        EndTalk: intercom.end,
        AnswerCentre: intercom.answer,
        SitDown: seats.sit_down,
        StandUp: seats.stand_up,
        RefuseConsent: consents.refuse_notice,
        TakeSeat: seats.seat,
        Unseat: seats.unseat,
        Voice: seats.voice,
        GiveFloor: floor.give,
        TakeFloor: floor.take,
        YieldFloor: floor.give_up,
        CallRoll: roll_call.answer,
        Identify: roll_call.identify,
        KeepStill: roll_call.keep_still,
        ConsentToStages: consents.consent,
        Warn: desk.warn,
        Consult: privacy.consult,
        EndConsult: privacy.end_consult,
        Step: privacy.step,
        Listen: privacy.listen,
        Classify: departures.classify,
    },
)
_WITH_FACTS: Mapping[type[Any], Callable[[State, Actor, Any, Facts], Iterable[Fact]]] = {
    ChangeStage: _change_stage,
    RecordWish: desk.record,
    GiveOpinion: opinions.give,
    PutQuestion: votes.put,
    CastVote: votes.vote,
    Write: conversation.write,
    CloseQuestion: votes.close,
}
