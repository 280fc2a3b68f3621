"""Who was lost and does not come back: what was the cause, and what follows. And a sitting that must not go on unrecorded stops. Decides
and folds; part of the conference, see :mod:`rooms.conference`.

Network, equipment, power and force majeure are excused; whoever left is not (人民法院在线诉讼规则, 2021, article 25).
What follows is the procedure's (`Procedure.departure`) and is declared with the cause, once the grace is over or at once where he left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need_desk, seat_of
from rooms.commands import Actor, RaiseAlert, alert_id
from rooms.kept import Departure, Stop
from rooms.protocol import Classify, UserError
from rooms.state import Seat, State

GRACE_US = 120_000_000
"""So long one may be lost before it counts as a departure, microseconds (DOMAIN.md section 7)."""
DUE = "departure_due"
REBOOK = "rebook"
"""The reason with which a sitting is ended that is to be booked anew."""
CONCLUDED = "concluded"
"""The reason with which it is ended all the same."""
AWAY = frozenset({"lost", "left", "absent"})


def classify(state: State, actor: Actor, command: Classify) -> Iterable[Fact]:
    """Chair or clerk say why somebody is not there."""
    need_desk(state, actor)
    seat = seat_of(state, command.participant)
    if seat.presence not in AWAY:
        raise UserError("is_present", "the participant is here", field="participant")
    is_due = command.cause == "left" or alert_id(DUE, command.participant) in state.alerts
    said = said_of(seat)
    if said is not None and said.cause == command.cause and (said.declared or not is_due):
        return []
    by = doer(state, actor)
    data = {"participant": command.participant, "cause": command.cause, "note": command.note.strip(), "by": by}
    facts: list[Fact] = [("departure_classified", data)]
    return [*facts, *(_declared(state, seat, command.cause, by) if is_due else ())]


def _declared(state: State, seat: Seat, cause: str, by: Mapping[str, Any]) -> Iterable[Fact]:
    """The departure with its cause, and what the procedure lets follow."""
    consequence = state.procedure.departure
    data: dict[str, Any] = {"participant": seat.participant.id, "cause": cause, "consequence": consequence}
    data |= {"prompts": seat.prompts, "warnings": seat.warnings, "lost_at_us": seat.lost_at_us, "by": by}
    if consequence == "rebook":
        # A petition keeps the day on which it was received, however often it is booked anew.
        data["receipt_at_us"] = state.plan.received_us
    yield ("departure_declared", data)
    if consequence == "stop":
        yield from stop(state, "equipment", cause)


def overdue(state: State, now_us: int) -> tuple[str, ...]:
    """Whoever is awaited and has been lost for longer than the grace, and nobody was told yet."""
    return tuple(
        p
        for p, seat in state.seats.items()
        if seat.presence == "lost"
        and seat.lost_at_us is not None
        and now_us - seat.lost_at_us >= GRACE_US
        and seat.participant.role in state.procedure.awaited
        and alert_id(DUE, p) not in state.alerts
    )


def due(state: State, now_us: int) -> tuple[RaiseAlert, ...]:
    """What the clock says of them, for chair and clerk."""
    consequence = state.procedure.departure
    return tuple(
        RaiseAlert("departure_due", "warning", p, {"participant": p, "name": state.name(p), "consequence": consequence})
        for p in overdue(state, now_us)
    )


def is_lost(state: State, participant: str) -> bool:
    """Whether his connection is lost: he may have come back since the clock was looked at."""
    seat = state.seats.get(participant)
    return seat is not None and seat.presence == "lost"


def fell_due(state: State, participant: str) -> Iterable[Fact]:
    """What follows by itself when the grace of one who is needed is over: where the cause was said already, his departure is declared."""
    seat = state.seats.get(participant)
    said = said_of(seat) if seat is not None else None
    if seat is not None and said is not None and not said.declared:
        return _declared(state, seat, said.cause, {"system": True})
    return stop(state, "equipment", "unknown") if state.procedure.departure == "stop" else ()


def keeps_waiting(state: State) -> tuple[str, ...]:
    """Where the sitting stops for whoever is gone: those for whom it waits, until they are back or are said to have left."""
    if state.procedure.departure != "stop":
        return ()
    return tuple(p for p, s in state.seats.items() if s.presence == "lost" and alert_id(DUE, p) in state.alerts and not has_gone(s))


def unrecorded(state: State, cause: str) -> Iterable[Fact]:
    """What follows when the recording fails: where there is no sitting without a recording, it stops."""
    must = state.procedure.stops_without_recording and state.now.recorded
    return stop(state, "recording_failed", cause) if must else ()


def stop(state: State, reason: str, cause: str) -> Iterable[Fact]:
    """The system calls the pause of the procedure; nothing where the sitting is not in session or has no pause."""
    pause = next((stage for stage in state.procedure.stages.values() if stage.pause), None)
    if pause is None or state.now.status != "live":
        return ()
    data = {"from": state.stage, "to": pause.name, "status": pause.status, "names": dict(pause.names), "by": {"system": True}}
    return (("stage_changed", data | {"reason": reason}), ("stopped", {"reason": reason, "cause": cause}))


def resumed(state: State, to: str) -> Iterable[Fact]:
    """Going on after the system stopped the sitting: cause and times go into the log, and with it into the record."""
    if state.stopped is None or to == state.procedure.last:
        return ()
    stopped = state.stopped
    return (("resumed", {"reason": stopped.reason, "cause": stopped.cause, "since_us": stopped.at_us}),)


def said_of(seat: Seat) -> Departure | None:
    """What was said of his being away this time, if he is."""
    found = seat.departure
    if seat.presence not in AWAY or found is None or (seat.lost_at_us is not None and found.at_us < seat.lost_at_us):
        return None
    return found


def broken_off(state: State) -> tuple[str, ...]:
    """For whom the sitting may be ended to be booked anew: their departure was declared, and they are not back."""
    if state.procedure.departure != "rebook":
        return ()
    return tuple(p for p, seat in state.seats.items() if (said := said_of(seat)) is not None and said.declared)


def ended(state: State, to: str, reason: str) -> Iterable[Fact]:
    """Ending the sitting for :data:`REBOOK`: what it was about is booked anew and keeps the day of its receipt. Raises UserError
    "reason_not_allowed" where nobody is gone."""
    if to != state.procedure.last or reason != REBOOK:
        return ()
    people = broken_off(state)
    if not people:
        raise UserError("reason_not_allowed", "nobody's departure was declared", field="reason")
    return (("rebooked", {"participants": list(people), "receipt_at_us": state.plan.received_us}),)


def has_gone(seat: Seat) -> bool:
    """Whether he is said to have left, and has not been here since."""
    said = said_of(seat)
    return said is not None and said.cause == "left"


# ------------------------------------------------------------------------------------------------ folded


def _classified(state: State, data: Mapping[str, Any], at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, departure=Departure(data["cause"], at_us))})


def _was_declared(state: State, data: Mapping[str, Any], at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    said = Departure(data["cause"], at_us, declared=True)
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, departure=said)})


def _stopped(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, stopped=Stop(data["reason"], data["cause"], at_us))


def _resumed(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, stopped=None)


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "departure_classified": _classified,
    "departure_declared": _was_declared,
    "stopped": _stopped,
    "resumed": _resumed,
}
