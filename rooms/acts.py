"""Who acts in a sitting and what he may: the questions that all decisions of the conference have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rooms.commands import Actor
from rooms.protocol import UserError
from rooms.state import Seat, State

Fact = tuple[str, Mapping[str, Any]]
"""An event without its time."""


def need(state: State, actor: Actor, right: str) -> None:
    """Raises UserError "not_allowed" for whoever does not have this right now."""
    if not getattr(state.rights(actor.endpoint), right):
        raise UserError("not_allowed", f"needs the right to {right}")


def keeps_the_desk(state: State, endpoint: str) -> bool:
    """Whether a device carries, inside, nobody but who presides, a clerk, or who lets people in: those who call the roll and look at
    documents."""
    found = state.endpoints.get(endpoint)
    if found is None or not state.is_inside(found):
        return False
    return all(p == state.chair or state.seats[p].participant.role == "clerk" or state.rights_in_role(p).admit for p in found.participants)


def need_desk(state: State, actor: Actor) -> None:
    """Raises UserError "not_allowed" for whoever does not keep the desk."""
    if not keeps_the_desk(state, actor.endpoint):
        raise UserError("not_allowed", "for chair and clerk")


def seat_of(state: State, participant: str) -> Seat:
    """His seat; raises UserError "participant_unknown"."""
    if participant not in state.seats:
        raise UserError("participant_unknown", participant, field="participant")
    return state.seats[participant]


def present(seat: Seat) -> bool:
    """Whether he is let in and his connection stands."""
    return seat.admitted and seat.presence == "present"


def doer(state: State, actor: Actor) -> dict[str, Any]:
    """Who did it, as the log says it: those at a device of the sitting, an officer, or the system."""
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint and endpoint.participants:
        return state.acting(endpoint)
    observer = state.observers.get(actor.endpoint)
    if observer:
        return {"user": observer.user, "name": observer.name}
    return {"user": actor.user, "name": actor.name} if actor.name else {"system": True}
