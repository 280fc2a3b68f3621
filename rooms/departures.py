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
from rooms.commands import Actor, alert_id
from rooms.kept import Departure, Stop
from rooms.protocol import Classify, UserError
from rooms.state import Seat, State

GRACE_US = 120_000_000
"""So long one may be lost before it counts as a departure, microseconds (DOMAIN.md section 7)."""
DUE = "departure_due"
AWAY = frozenset({"lost", "left", "absent"})


def classify(state: State, actor: Actor, command: Classify) -> Iterable[Fact]:
    """Chair or clerk say why somebody is not there."""
    need_desk(state, actor)
    seat = seat_of(state, command.participant)
    if seat.presence not in AWAY:
        raise UserError("is_present", "the participant is here", field="participant")
    data = {"participant": command.participant, "cause": command.cause, "note": command.note.strip(), "by": doer(state, actor)}
    facts: list[Fact] = [("departure_classified", data)]
    if command.cause != "left" and alert_id(DUE, command.participant) not in state.alerts:
        return facts
    consequence = state.procedure.departure
    declared: dict[str, Any] = {"participant": command.participant, "cause": command.cause, "consequence": consequence}
    declared |= {"prompts": seat.prompts, "warnings": seat.warnings, "lost_at_us": seat.lost_at_us, "by": data["by"]}
    if consequence == "rebook":
        # A petition keeps the day on which it was received, however often it is booked anew.
        declared["receipt_at_us"] = state.plan.starts_at_us
    facts.append(("departure_declared", declared))
    return [*facts, *(stop(state, "equipment", command.cause) if consequence == "stop" else ())]


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


def fell_due(state: State) -> Iterable[Fact]:
    """What follows by itself when the grace of one who is needed is over."""
    return stop(state, "equipment", "unknown") if state.procedure.departure == "stop" else ()


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


def has_gone(seat: Seat) -> bool:
    """Whether he is said to have left, and has not been here since."""
    found = seat.departure
    away = seat.presence in AWAY and found is not None and (seat.lost_at_us is None or found.at_us >= seat.lost_at_us)
    return away and found is not None and found.cause == "left"


# ------------------------------------------------------------------------------------------------ folded


def _classified(state: State, data: Mapping[str, Any], at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, departure=Departure(data["cause"], at_us))})


def _stopped(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, stopped=Stop(data["reason"], data["cause"], at_us))


def _resumed(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, stopped=None)


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "departure_classified": _classified,
    "stopped": _stopped,
    "resumed": _resumed,
}
