"""What the command centre does in a sitting: decides, and does nothing. Part of the conference, see :mod:`rooms.conference`.

Which acts a kind of sitting knows is data of its procedure; in deliberation, and while somebody consults, there is none
(DOMAIN.md section 4). Which officer may do what is the control plane's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rooms import departures
from rooms.acts import Fact, present, seat_of
from rooms.commands import Actor, BreakIn, Notify, StepIn, Talk
from rooms.conversation import notify
from rooms.desired import may_observe
from rooms.protocol import UserError
from rooms.state import Observer, State


def need_open(state: State, act: str) -> None:
    """Raises UserError: "sitting_over", "centre_private" (a private stage, or somebody consults), "centre_not_here" (not in this kind)."""
    if state.closed:
        raise UserError("sitting_over", "the sitting is over")
    if not may_observe(state):
        raise UserError("centre_private", f"nobody of the command centre steps into {state.stage} now")
    if act not in state.procedure.centre:
        raise UserError("centre_not_here", f"{state.plan.kind} knows no {act!r} by the command centre")


def may_watch(state: State, user: str) -> bool:
    """Whether this officer may watch a sitting of this kind at all."""
    centre = state.procedure.centre
    return "watch" in centre and ("named" not in centre or user in state.plan.watchers)


def step_in(state: State, actor: Actor, command: StepIn) -> Iterable[Fact]:
    """The act and what is told of it. Raises UserError as :func:`need_open`, "reason_missing", and what the act itself refuses."""
    need_open(state, command.act)
    reason = command.reason.strip()
    if not reason:
        raise UserError("reason_missing", "say why", field="reason")
    facts = _ACTS[command.act](state, command, {"by": {"user": actor.user, "name": actor.name}, "reason": reason})
    told = Notify(command.notice)
    return [*facts, *(notify(state, actor, told) if facts and any(seat.endpoint is not None for seat in state.seats.values()) else ())]


def _mute(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    seat = seat_of(state, command.participant)
    if command.participant == state.chair:
        raise UserError("chair_not_muted", "nobody closes the chair's microphone", field="participant")
    if command.source in seat.muted:
        return []
    return [("muted", {"participant": command.participant, "source": str(command.source), **why})]


def _admit(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    seat = seat_of(state, command.participant)
    if state.locked:
        raise UserError("sitting_locked", "the chair has locked it", field="participant")
    if seat.presence != "waiting":
        raise UserError("not_waiting", "he is not in the waiting room", field="participant")
    role = seat.participant.role
    if role in state.procedure.apart and role not in state.procedure.rights[state.stage]:
        raise UserError("not_in_stage", f"{state.stage} has no place for him", field="participant")
    return [("admitted", {"participant": command.participant, **why})]


def _to_waiting(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    seat = seat_of(state, command.participant)
    device = state.endpoints.get(seat.endpoint or "")
    people = device.participants if device else (command.participant,)
    if any(state.seats[p].participant.role in state.procedure.enters_at_once for p in people):
        raise UserError("needs_no_admission", "chair and clerk do not wait", field="participant")
    if not present(seat):
        raise UserError("not_inside", "the participant is not inside", field="participant")
    return [("returned_to_waiting", {"participant": p, **why}) for p in people if state.seats[p].admitted]


def _restart(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    if not state.is_recorded:
        raise UserError("not_recorded", "nothing is recorded in this stage")
    return [("recording_restart_ordered", why)]


def _time(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    return [("time_added", why)]


def _release(state: State, command: StepIn, why: dict[str, Any]) -> list[Fact]:
    to = state.procedure.stages[state.procedure.last]
    data = {"from": state.stage, "to": to.name, "status": to.status, "names": dict(to.names), "forced": True, **why}
    return [("stage_changed", data), *departures.ended(state, to.name, why["reason"])]


_ACTS = {"mute": _mute, "admit": _admit, "waiting": _to_waiting, "restart": _restart, "time": _time, "release": _release}
ACTS = tuple(_ACTS)
"""The acts of :class:`rooms.commands.StepIn`."""


def about_to_be_heard(state: State, actor: Actor, command: BreakIn | Talk, act: str) -> tuple[Observer, str]:
    """The officer at the endpoint at which he watches, and his reason to be heard from there.

    Raises UserError as :func:`need_open`, "nobody_hears" in a recess, "reason_missing" or "not_watching".
    """
    need_open(state, act)
    if state.now.closes_sources:
        raise UserError("nobody_hears", "in a recess nobody is seen or heard")
    reason = command.reason.strip()
    if not reason:
        raise UserError("reason_missing", "say why", field="reason")
    observer = state.observers.get(command.endpoint)
    if observer is None or observer.user != actor.user:
        raise UserError("not_watching", "only who watches is heard")
    return observer, reason


def falls_silent(state: State, endpoint: str, kind: str, data: Mapping[str, Any]) -> str:
    """Why an officer who is heard from this endpoint is no longer heard once this fact is true, "" where he still is: the command centre
    leaves before a private phase, a recess or the end, and with the officer's connection."""
    match kind:
        case "consult_opened":
            return "private"
        case "conference_cancelled":
            return "over"
        case "observer_left":
            return "left" if data["endpoint"] == endpoint else ""
        case "stage_changed":
            to = state.procedure.stages[data["to"]]
            if to.name == state.procedure.last:
                return "over"
            return "private" if to.private or not to.observable else "stage" if to.closes_sources else ""
    return ""


def by_whom(own: bool, rank: int, of_rank: int, reason: str, outranked: str) -> str:
    """How an officer's act is ended: "ended" by himself, or "released" by a higher rank with a reason. Raises UserError with the code
    `outranked`, or "reason_missing"."""
    if own:
        return "ended"
    if rank <= of_rank:
        raise UserError(outranked, "it takes a higher rank than his")
    if not reason:
        raise UserError("reason_missing", "say why", field="reason")
    return "released"
