"""Microphones, cameras and screens: switched by whose they are, closed and allowed again by chair and clerk. Decides, and does nothing;
part of the conference, see :mod:`rooms.conference`."""

from __future__ import annotations

from collections.abc import Iterable

from rooms.acts import Fact, doer, need, seat_of
from rooms.commands import Actor
from rooms.media.engine import Source
from rooms.protocol import Allow, Mute, MuteAll, SetSource, UserError
from rooms.state import State


def switch(state: State, actor: Actor, command: SetSource) -> Iterable[Fact]:
    """A device's own microphone, camera or screen.

    Raises UserError "not_inside", "source_not_for_all", "source_not_in_stage" or "muted_by_chair".
    """
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


def mute(state: State, actor: Actor, command: Mute) -> Iterable[Fact]:
    """Chair or clerk: a source of his stays closed until they allow it.

    Raises UserError "not_allowed", "participant_unknown" or "chair_not_muted".
    """
    need(state, actor, "admit")
    seat = seat_of(state, command.participant)
    if command.participant == state.chair and not _presides(state, actor):
        raise UserError("chair_not_muted", "nobody closes the chair's microphone", field="participant")
    if command.source in seat.muted:
        return []
    return [("muted", {"participant": command.participant, "source": str(command.source), "by": doer(state, actor)})]


def allow(state: State, actor: Actor, command: Allow) -> Iterable[Fact]:
    """He may switch it on again, by himself. Raises UserError "not_allowed" or "participant_unknown"."""
    need(state, actor, "admit")
    if command.source not in seat_of(state, command.participant).muted:
        return []
    return [("allowed", {"participant": command.participant, "source": str(command.source), "by": doer(state, actor)})]


def mute_all(state: State, actor: Actor, command: MuteAll) -> Iterable[Fact]:
    """The microphones of everybody inside but the bench. Raises UserError "not_allowed"."""
    need(state, actor, "admit")
    others = (
        p
        for p, seat in state.seats.items()
        if seat.participant.role not in state.procedure.bench and seat.admitted and Source.MICROPHONE not in seat.muted
    )
    return [("muted", {"participant": p, "source": str(Source.MICROPHONE), "by": doer(state, actor)}) for p in others]


def _presides(state: State, actor: Actor) -> bool:
    endpoint = state.endpoints.get(actor.endpoint)
    return endpoint is not None and state.chair in endpoint.participants
