"""Prompts and warnings, and the wish to record where a stage leaves it to somebody. Decides and folds; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need, seat_of
from rooms.commands import Actor, Facts
from rooms.protocol import RecordWish, UserError, Warn
from rooms.state import Admonition, State

Data = Mapping[str, Any]


def warn(state: State, actor: Actor, command: Warn) -> Iterable[Fact]:
    """The chair prompts or warns somebody, with a reason that he sees. Raises UserError "not_allowed", "participant_unknown" or
    "reason_missing"."""
    need(state, actor, "direct")
    seat_of(state, command.participant)
    reason = command.reason.strip()
    if not reason:
        raise UserError("reason_missing", "a warning needs a reason", field="reason")
    data = {"participant": command.participant, "degree": command.degree, "reason": reason}
    return [("warned", data | {"by": doer(state, actor)})]


def record(state: State, actor: Actor, command: RecordWish, facts: Facts) -> Iterable[Fact]:
    """Who has the right to run the recording wants this stage recorded, or does not any more; the wish holds for every stage that
    leaves it to him. Raises UserError "not_allowed", "not_in_stage" or "recording_not_ready"."""
    need(state, actor, "record")
    if not state.now.recordable:
        raise UserError("not_in_stage", f"{state.stage} is recorded by rule or not at all", field="on")
    if command.on == state.recording_wanted:
        return []
    if command.on and not facts.recorder_ready:
        raise UserError("recording_not_ready", "the recorder does not write to disk yet")
    return [("recording_wanted" if command.on else "recording_unwanted", {"by": doer(state, actor)})]


# ------------------------------------------------------------------------------------------------ fold


def _warned(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    prompts, warnings = (1, 0) if data["degree"] == "prompt" else (0, 1)
    told = replace(
        seat,
        prompts=seat.prompts + prompts,
        warnings=seat.warnings + warnings,
        admonition=Admonition(data["degree"], data["reason"], at_us),
    )
    return replace(state, seats={**state.seats, data["participant"]: told})


def _wanted(state: State, data: Data, at_us: int) -> State:
    return reached(replace(state, recording_wanted=True))


def _unwanted(state: State, data: Data, at_us: int) -> State:
    return replace(state, recording_wanted=False)


def _anew(state: State, data: Data, at_us: int) -> State:
    return replace(state, recording=replace(state.recording, orders=state.recording.orders + 1, ordered_by=data["by"]))


def reached(state: State) -> State:
    """A sitting of which something is recorded leaves a recording behind."""
    return replace(state, recording=replace(state.recording, ever=True)) if state.is_recorded else state


FOLDS: Mapping[str, Callable[[State, Data, int], State]] = {
    "warned": _warned,
    "recording_wanted": _wanted,
    "recording_unwanted": _unwanted,
    "recording_restart_ordered": _anew,
}
