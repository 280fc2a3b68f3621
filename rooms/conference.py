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
    admission,
    alerts,
    arrivals,
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
    sources,
    stepping,
    votes,
)
from rooms.acts import Fact, doer, need, seat_of
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
)
from rooms.log import Event
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
from rooms.state import State


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


# ------------------------------------------------------------------------------------------------ plan and booking


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
    return [*alerts.clear_lost(state, sorted(gone)), ("plan_revised", {"plan": plan.to_json()}), *left]


def _cancel(state: State, actor: Actor, command: Cancel) -> Iterable[Fact]:
    return [] if state.closed else [("conference_cancelled", {"reason": command.reason})]


def _check_device(state: State, actor: Actor, command: CheckDevice) -> Iterable[Fact]:
    seat_of(state, command.participant)
    return [("device_checked", {"participant": command.participant, "result": dict(command.result)})]


def _revoke(state: State, actor: Actor, command: Revoke) -> Iterable[Fact]:
    if state.closed or command.participant not in state.seats:
        return []
    return [*alerts.clear_lost(state, [command.participant]), ("revoked", {"participant": command.participant, "reason": command.reason})]


def _set_next_booking(state: State, actor: Actor, command: SetNextBooking) -> Iterable[Fact]:
    if state.closed or (dict(command.booking) if command.booking else None) == (dict(state.next_booking) if state.next_booking else None):
        return []
    fact: Fact = ("next_booking", {"booking": dict(command.booking) if command.booking else None})
    if command.booking is None:
        return [fact, *alerts.clear_alert(state, actor, ClearAlert("overrun_soon"))]
    data = {key: str(value) for key, value in command.booking.items()}
    return [fact, *alerts.raise_alert(state, actor, RaiseAlert("overrun_soon", "warning", data=data))]


# ------------------------------------------------------------------------------------------------ stages and observations


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
    data = {"from": state.stage, "to": to.name, "status": to.status, "names": dict(to.names), "by": doer(state, actor)}
    return [
        ("stage_changed", data | {"reason": command.reason.strip()}),
        *opinions.opened(state, to.name, facts),
        *departures.resumed(state, to.name),
        *departures.ended(state, to.name, command.reason.strip()),
    ]


def _note(state: State, actor: Actor, command: Observe) -> Iterable[Fact]:
    fact: Fact = (command.type, dict(command.data))
    return [fact, *departures.unrecorded(state, str(command.data["cause"]))] if command.type == "recording_failed" else [fact]


_Handler = Callable[[State, Actor, Any], Iterable[Fact]]
_HANDLERS: Mapping[type[Any], _Handler] = cast(
    "Mapping[type[Any], _Handler]",
    {
        Revise: _revise,
        Cancel: _cancel,
        Consent: consents.consent_to_notice,
        CheckDevice: _check_device,
        Arrive: arrivals.arrive,
        Disappear: arrivals.disappear,
        Revoke: _revoke,
        SetNextBooking: _set_next_booking,
        RaiseAlert: alerts.raise_alert,
        ClearAlert: alerts.clear_alert,
        Observe: _note,
        SetSource: sources.switch,
        Leave: arrivals.leave,
        Admit: admission.admit,
        ReturnToWaiting: admission.return_to_waiting,
        AdmitDevice: admission.admit_device,
        Mute: sources.mute,
        Allow: sources.allow,
        MuteAll: sources.mute_all,
        Remove: admission.remove,
        Readmit: admission.readmit,
        AcknowledgeAlert: alerts.acknowledge,
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
