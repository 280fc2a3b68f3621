"""The floor: who may speak where a stage lets people speak in turn, and how long each has spoken. Decides and folds; pure.

The chair gives the floor and takes it, its holder yields it. It falls by itself when he is no longer there, or in a stage that
does not let him speak. Whoever loses it has his microphone switched off, and his screen where that counts in turn only: it is not
open again by itself the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need, present, seat_of
from rooms.commands import Actor
from rooms.media.engine import Source
from rooms.procedure import Rights
from rooms.protocol import GiveFloor, TakeFloor, UserError, YieldFloor
from rooms.state import State

Data = Mapping[str, Any]
SIDES = ("bench", "left", "right", "middle")


def give(state: State, actor: Actor, command: GiveFloor) -> Iterable[Fact]:
    """The chair gives the floor to somebody inside who may speak in this stage; a mute of his microphone ends with it. Raises UserError
    "not_allowed", "participant_unknown", "not_inside", "identity_missing" or "not_in_stage"."""
    need(state, actor, "direct")
    seat = seat_of(state, command.participant)
    if not present(seat):
        raise UserError("not_inside", "the participant is not inside", field="participant")
    if state.held_back(command.participant):
        raise UserError("identity_missing", state.name(command.participant), field="participant")
    if state.now.private or not _speaks(state, command.participant):
        raise UserError("not_in_stage", f"{command.participant} does not speak in {state.stage}", field="participant")
    if state.floor == command.participant:
        return []
    by = doer(state, actor)
    data = {"participant": command.participant, "by": by}
    allowed: list[Fact] = [("allowed", data | {"source": str(Source.MICROPHONE)})] if Source.MICROPHONE in seat.muted else []
    return [*allowed, ("floor_given", data)]


def take(state: State, actor: Actor, command: TakeFloor) -> Iterable[Fact]:
    """The chair takes the floor back. Raises UserError "not_allowed"."""
    need(state, actor, "direct")
    return [("floor_taken", {"participant": state.floor, "by": doer(state, actor)})] if state.floor else []


def give_up(state: State, actor: Actor, command: YieldFloor) -> Iterable[Fact]:
    """Its holder has finished. Raises UserError "not_allowed" for anybody at another device."""
    endpoint = state.endpoints.get(actor.endpoint)
    if state.floor is None:
        return []
    if endpoint is None or endpoint.pending or state.floor not in endpoint.participants:
        raise UserError("not_allowed", "somebody else has the floor")
    return [("floor_taken", {"participant": state.floor, "by": {"participant": state.floor}})]


# ------------------------------------------------------------------------------------------------ fold


def _given(state: State, data: Data, at_us: int) -> State:
    participant = data["participant"]
    if participant not in state.seats:
        return state
    state = replace(_ended(state, at_us), floor=participant, floor_since_us=at_us)
    state = replace(state, seats={**state.seats, participant: replace(state.seats[participant], hand_at_us=None)})
    return hushed(state)


def _taken(state: State, data: Data, at_us: int) -> State:
    return hushed(_ended(state, at_us))


def settled(state: State, at_us: int) -> State:
    """The floor falls when its holder is not there any more, when the stage does not let him speak, and behind closed doors. To be
    asked after each event."""
    if state.floor is None:
        return state
    seat = state.seats.get(state.floor)
    if seat is not None and present(seat) and not state.now.private and _speaks(state, state.floor):
        return state
    return hushed(_ended(state, at_us))


def hushed(state: State) -> State:
    """Whoever waits for the floor has switched off what he may use with it only."""
    endpoints = dict(state.endpoints)
    for endpoint in state.endpoints.values():
        rights = [state.rights_in_role(p) for p in endpoint.participants]
        if endpoint.on and any(r.speak_in_turn or r.publish_in_turn for r in rights):
            closed = {Source.MICROPHONE, Source.SCREEN} - frozenset[Source].intersection(*(r.sources for r in rights))
            voice = None if Source.MICROPHONE in closed else endpoint.voice
            endpoints[endpoint.id] = replace(
                endpoint, on=endpoint.on - closed, voice=voice, voice_at_us=endpoint.voice_at_us if voice else None
            )
    return replace(state, endpoints=endpoints)


def _ended(state: State, at_us: int) -> State:
    if state.floor is None or state.floor_since_us is None:
        return state
    spoke_us = state.spoke_us.get(state.floor, 0) + max(0, at_us - state.floor_since_us)
    return replace(state, floor=None, floor_since_us=None, spoke_us={**state.spoke_us, state.floor: spoke_us})


FOLDS: Mapping[str, Callable[[State, Data, int], State]] = {"floor_given": _given, "floor_taken": _taken}


# ------------------------------------------------------------------------------------------------ what is seen of it


def side_of(state: State) -> Mapping[str, str]:
    """On whose side each participant sits: "bench", "left", "right" or "middle"."""
    people = state.plan.participants
    hall = state.procedure.seating.hall([p.role for p in people])
    return {people[index].id: side for side in SIDES for index in getattr(hall, side)}


def speaking(state: State) -> tuple[dict[str, Any], ...]:
    """How long each side has had the floor: ``{"side", "seconds", "running"}``; where it runs, up to when the floor was given. Sides
    without anybody who may speak in some stage are left out."""
    sides = side_of(state)
    silent = {p.id for p in state.plan.participants if not any(_may_speak(of.get(p.role)) for of in state.procedure.rights.values())}
    found = []
    for side in SIDES:
        people = [p for p, at in sides.items() if at == side and p not in silent]
        if people:
            seconds = sum(state.spoke_us.get(p, 0) for p in people) / 1e6
            found.append({"side": side, "seconds": seconds, "running": state.floor in people})
    return tuple(found)


def _speaks(state: State, participant: str) -> bool:
    """Whether the stage lets his role speak, of right or in turn, and it is known who he is."""
    if state.held_back(participant):
        return False
    return _may_speak(state.procedure.rights[state.stage].get(state.seats[participant].participant.role))


def _may_speak(rights: Rights | None) -> bool:
    return rights is not None and (rights.speak or rights.speak_in_turn)
