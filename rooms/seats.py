"""Who sits at a room's own device, and whose voice comes from it: decides, and does nothing. Part of the conference, see
:mod:`rooms.conference`.

Sitting down needs one's own consent and never widens anything: the device may do what all who sit there may. Before the
device has come, or while it waits, whoever sits down waits with it. At a device that was let in, chair or clerk let a
newcomer in first; until then he has no place there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rooms.acts import Fact, need
from rooms.alerts import clear_lost
from rooms.commands import Actor, SitDown, StandUp
from rooms.media.engine import Source
from rooms.protocol import Seat, Unseat, UserError, Voice
from rooms.state import Endpoint, State
from rooms.state import Seat as Place


def sit_down(state: State, actor: Actor, command: SitDown) -> Iterable[Fact]:
    """Somebody at the device says that the participant sits there."""
    return _seated(state, command.participant, command.endpoint, command.device, _at(command.device))


def stand_up(state: State, actor: Actor, command: StandUp) -> Iterable[Fact]:
    """Somebody at the device says that the participant does not sit there."""
    seat = state.seats.get(command.participant)
    if seat is None or seat.device != command.endpoint:
        return []
    return _unseated(state, command.participant, command.device, _at(command.device))


def seat(state: State, actor: Actor, command: Seat) -> Iterable[Fact]:
    """Chair or clerk: he sits there, and is let in where the device is."""
    need(state, actor, "admit")
    endpoint = state.endpoints.get(command.endpoint)
    if endpoint is None or not endpoint.shared:
        raise UserError("device_unknown", "no such device of a room", field="endpoint")
    who = state.acting(state.endpoints[actor.endpoint])
    facts = list(_seated(state, command.participant, endpoint.id, endpoint.device, who))
    if state.admitted_at(endpoint.id) and not state.seats[command.participant].admitted:
        if state.locked:
            raise UserError("sitting_locked", "unlock it first")
        facts.append(("admitted", {"participant": command.participant, "by": who}))
    return facts


def unseat(state: State, actor: Actor, command: Unseat) -> Iterable[Fact]:
    """Chair or clerk, or somebody at the device itself: he does not sit there any more."""
    found = state.seats.get(command.participant)
    if found is None:
        raise UserError("participant_unknown", command.participant, field="participant")
    if found.device != actor.endpoint:
        need(state, actor, "admit")
    device = state.endpoints.get(found.device or "")
    if device is None or not device.shared:
        raise UserError("not_seated", "the participant sits at no room's device", field="participant")
    return _unseated(state, command.participant, device.device, _by(state, actor, device))


def voice(state: State, actor: Actor, command: Voice) -> Iterable[Fact]:
    """Chair or clerk, or somebody at the device itself: who speaks there now."""
    device = command.endpoint or actor.endpoint
    if device != actor.endpoint:
        need(state, actor, "admit")
    endpoint = state.endpoints.get(device)
    if endpoint is None or not endpoint.shared:
        raise UserError("device_unknown", "no such device of a room", field="endpoint")
    if not state.is_inside(endpoint):
        raise UserError("not_inside", "nobody is heard from there")
    if command.participant is not None and command.participant not in endpoint.participants:
        raise UserError("not_seated", "the participant does not sit there", field="participant")
    if command.participant is not None and Source.MICROPHONE not in state.publishable(endpoint):
        raise UserError("nobody_heard", "the microphone there has no right to be open", field="participant")
    if command.participant == endpoint.voice:
        return []
    return [("voice", {"endpoint": endpoint.id, "participant": command.participant, "by": _by(state, actor, endpoint)})]


def _seated(state: State, participant: str, device: str, name: str, who: Mapping[str, Any]) -> Iterable[Fact]:
    found = state.seats.get(participant)
    if found is None:
        raise UserError("participant_unknown", participant, field="participant")
    if found.device == device:
        return []
    _may_sit_down(state, found)
    role, apart, others = found.participant.role, state.procedure.apart, state.sitting_at(device)
    if others and (role in apart or any(state.seats[p].participant.role in apart for p in others)):
        raise UserError("sits_apart", "a witness or an expert sits alone", field="participant")
    if not state.plan.kept_from([participant]).isdisjoint(others):
        raise UserError("sits_apart", "the participant sits at another device", field="participant")
    return [("seated", {"participant": participant, "endpoint": device, "device": name, "by": dict(who)})]


def _may_sit_down(state: State, found: Place) -> None:
    if state.closed:
        raise UserError("sitting_over", "nobody sits down any more")
    if found.presence == "removed":
        raise UserError("was_removed", "the chair takes a removal back first", field="participant")
    if found.participant.role in state.procedure.enters_at_once:
        raise UserError("enters_by_himself", "chair and clerk have accounts of their own", field="participant")
    if not found.consent:
        raise UserError("consent_missing", "the notice is read first", field="participant")
    if found.endpoint is not None:
        raise UserError("seated_elsewhere", "the participant is here at another device", field="participant")


def _unseated(state: State, participant: str, name: str, who: Mapping[str, Any]) -> Iterable[Fact]:
    device = state.seats[participant].device
    return [
        *clear_lost(state, [participant]),
        ("unseated", {"participant": participant, "endpoint": device, "device": name, "by": dict(who)}),
    ]


def _by(state: State, actor: Actor, device: Endpoint) -> dict[str, Any]:
    return _at(device.device) if actor.endpoint == device.id else state.acting(state.endpoints[actor.endpoint])


def _at(device: str) -> dict[str, Any]:
    """Somebody at a room's device did it."""
    return {"user": "", "name": device}
