"""What each viewer may see of the procedure and of the chair's desk, computed from the state. Pure; part of :mod:`rooms.views`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from rooms import consents, floor
from rooms.procedure import procedure_of
from rooms.protocol import AdmonitionView, ConsentDue, FloorView, IdentityView, ProcedureView, SpeakingView, StageView
from rooms.state import Seat, State


def course(state: State, *, seen: bool) -> dict[str, Any]:
    """Where the sitting stands in its procedure and, for whoever sees the hearing, whose turn it is: fields of SittingView."""
    found: dict[str, Any] = dict(_procedure(state.plan.procedure))
    if seen and state.floor:
        found["floor"] = FloorView(participant=state.floor, since_us=state.floor_since_us or 0)
    if seen:
        found["speaking"] = tuple(SpeakingView(**each) for each in floor.speaking(state))
    found["called_from"] = state.called_from
    return found | {"recordable": state.now.recordable, "recording_wanted": state.recording_wanted}


@lru_cache(maxsize=128)
def _procedure(text: str) -> Mapping[str, Any]:
    """What a version says of itself, made once."""
    procedure = procedure_of(text)
    stages = (StageView(**{name: _plain(getattr(s, name)) for name in StageView.model_fields}) for s in procedure.stages.values())
    about = ProcedureView(names=dict(procedure.names), version=procedure.version)
    return {"stages": tuple(stages), "procedure": about, "floor": None, "speaking": ()}


def on_the_desk(state: State, seat: Seat, *, you: bool, desk: bool) -> dict[str, Any]:
    """What chair and clerk know of a participant, and he of himself: fields of ParticipantView."""
    participant = seat.participant.id
    found: dict[str, Any] = {"spoke_s": state.spoke_us.get(participant, 0) / 1e6}
    if you:
        found["consents_given"] = tuple(stage for stage in consents.stages_of(state.procedure) if stage in seat.consents)
        found["consents_due"] = tuple(ConsentDue(**each) for each in consents.due(state, participant))
    if you or desk:
        found |= {
            "roll": seat.roll,
            "consents_missing": consents.missing(state, participant),
            "prompts": seat.prompts,
            "warnings": seat.warnings,
            "admonition": _as(AdmonitionView, seat.admonition),
            "held_back": state.held_back(participant) and seat.presence in {"present", "waiting"},
        }
    if desk:
        found["identity"] = _as(IdentityView, seat.identity)
        found["identity_missing"] = state.unidentified(participant)
    return found


def _as(view: type[BaseModel], thing: object | None) -> BaseModel | None:
    """What a view shows of a thing that has the same fields."""
    return None if thing is None else view(**{name: getattr(thing, name) for name in view.model_fields})


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
