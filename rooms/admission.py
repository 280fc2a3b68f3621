"""Who is let in, sent back to the waiting room, given another device, removed and readmitted. Decides, and does nothing; part of the
conference, see :mod:`rooms.conference`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rooms.acts import Fact, doer, need, seat_of
from rooms.alerts import clear_lost
from rooms.commands import Actor
from rooms.protocol import Admit, AdmitDevice, Readmit, Remove, ReturnToWaiting, UserError
from rooms.state import State


def admit(state: State, actor: Actor, command: Admit) -> Iterable[Fact]:
    """Whoever waits at the devices of those who are named, or everybody who waits, as far as the stage has a place for him.

    Raises UserError "not_allowed", "sitting_locked", "participant_unknown", "not_in_stage" or "not_waiting".
    """
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
        if waiting and not any(has_place(state, p) for p in waiting):
            raise UserError("not_in_stage", f"{state.stage} has no place for {waiting[0]}", field="participants")
        if not waiting and not all(state.seats[p].admitted for p in command.participants):
            raise UserError("not_waiting", "nobody of these is in the waiting room", field="participants")
    return [("admitted", {"participant": p, "by": doer(state, actor)}) for p in dict.fromkeys(waiting) if has_place(state, p)]


def return_to_waiting(state: State, actor: Actor, command: ReturnToWaiting) -> Iterable[Fact]:
    """Everybody at the participant's device goes back to the waiting room.

    Raises UserError "not_allowed", "participant_unknown", "needs_no_admission" or "not_inside".
    """
    need(state, actor, "admit")
    seat = seat_of(state, command.participant)
    device = state.endpoints.get(seat.endpoint or "")
    people = device.participants if device else (command.participant,)
    if any(enters_at_once(state, p) for p in people):
        raise UserError("needs_no_admission", "chair and clerk do not wait", field="participant")
    if not seat.admitted or seat.presence != "present":
        raise UserError("not_inside", "the participant is not inside", field="participant")
    return [("returned_to_waiting", {"participant": p, "by": doer(state, actor)}) for p in people if state.seats[p].admitted]


def admit_device(state: State, actor: Actor, command: AdmitDevice) -> Iterable[Fact]:
    """Whether another device takes the place of the one at which its people sit. Raises UserError "not_allowed" or "device_unknown"."""
    need(state, actor, "admit")
    endpoint = state.endpoints.get(command.endpoint)
    if endpoint is None or not endpoint.pending:
        raise UserError("device_unknown", "no such device asks to come in", field="endpoint")
    if not command.accept:
        return [("device_refused", {"endpoint": endpoint.id, "participants": list(endpoint.participants), "by": doer(state, actor)})]
    return replace_device(state, endpoint.id, endpoint.participants, doer(state, actor))


def replace_device(state: State, endpoint: str, people: Iterable[str], who: Mapping[str, Any]) -> list[Fact]:
    """These people go on at this endpoint, in the places that they had."""
    people = list(people)
    facts = clear_lost(state, people)
    for p in people:
        facts.append(("device_replaced", {"participant": p, "endpoint": endpoint, "former": state.seats[p].endpoint, "by": dict(who)}))
        if enters_at_once(state, p) and not state.seats[p].admitted:
            facts.append(("admitted", {"participant": p, "by": {"system": True}}))
    return facts


def remove(state: State, actor: Actor, command: Remove) -> Iterable[Fact]:
    """Out of the sitting, until he is readmitted.

    Raises UserError "not_allowed", "participant_unknown", "chair_not_removed" or "reason_missing".
    """
    need(state, actor, "direct")
    seat = seat_of(state, command.participant)
    if command.participant == state.chair:
        raise UserError("chair_not_removed", "the chair cannot be removed", field="participant")
    if not command.reason.strip():
        raise UserError("reason_missing", "say why", field="reason")
    if seat.presence == "removed":
        return []
    data = {"participant": command.participant, "reason": command.reason.strip(), "by": doer(state, actor)}
    return [*clear_lost(state, [command.participant]), ("removed", data)]


def readmit(state: State, actor: Actor, command: Readmit) -> Iterable[Fact]:
    """Who was removed may come again. Raises UserError "not_allowed", "participant_unknown" or "not_removed"."""
    need(state, actor, "direct")
    if seat_of(state, command.participant).presence != "removed":
        raise UserError("not_removed", "the participant was not removed", field="participant")
    return [("readmitted", {"participant": command.participant, "by": doer(state, actor)})]


def has_place(state: State, participant: str) -> bool:
    """Who is heard only when he is called is let in only where the stage has a place for him."""
    role = state.seats[participant].participant.role
    return role not in state.procedure.apart or role in state.procedure.rights[state.stage]


def enters_at_once(state: State, participant: str) -> bool:
    """Whether he does not wait for anybody to let him in: chair and clerk."""
    return state.seats[participant].participant.role in state.procedure.enters_at_once
