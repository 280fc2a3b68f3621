"""What a stage needs before it can be entered, told to the chair beforehand and refused without. Pure.

`minutes` is the chair's own word that they were read and signed: the reason :data:`SIGNED` with the change of stage. The end of a
sitting needs nothing else: nothing keeps a sitting from being closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms import consents, departures, opinions, roll_call
from rooms.acts import present
from rooms.procedure.model import Need, Stage
from rooms.protocol import UserError
from rooms.state import State

SIGNED = "minutes_signed"


@dataclass(frozen=True, slots=True)
class Missing:
    """One need that is not met. `code` is a word of the catalogue ("error.<code>"), `people` are those on whom it waits."""

    code: str
    people: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def _roll_call(state: State, to: str) -> list[Missing]:
    found = roll_call.unanswered(state)
    return [Missing("roll_call_missing", found)] if found else []


def _identity(state: State, to: str) -> list[Missing]:
    found = roll_call.unidentified(state)
    return [Missing("identity_missing", found)] if found else []


def _quorum(state: State, to: str) -> list[Missing]:
    found = []
    for quorum in state.procedure.quorum:
        people = [seat for seat in state.seats.values() if seat.participant.role in quorum.roles]
        here = sum(present(seat) and not state.held_back(seat.participant.id) for seat in people)
        if here < quorum.least or (quorum.most is not None and here > quorum.most):
            away = tuple(s.participant.id for s in people if not present(s) or state.held_back(s.participant.id))
            data = {"least": quorum.least, "most": quorum.most, "present": here, "roles": sorted(quorum.roles)}
            found.append(Missing("quorum_missing", away, data))
    return found


def _consents(state: State, to: str) -> list[Missing]:
    here = (p for p, seat in state.seats.items() if present(seat) and not state.held_back(p))
    found = tuple(p for p in here if to in consents.missing(state, p))
    return [Missing("consent_missing", found)] if found else []


def _opinions(state: State, to: str) -> list[Missing]:
    found = opinions.missing(state)
    return [Missing("opinions_missing", found)] if found else []


def _people(state: State, to: str) -> list[Missing]:
    """The kind's own consequence: where the sitting stops for one who is gone, it does not go on without him."""
    found = departures.keeps_waiting(state) if state.procedure.stages[to].status == "live" else ()
    return [Missing("people_gone", found)] if found else []


CHECKS: Mapping[Need, Callable[[State, str], list[Missing]]] = {
    "roll_call": _roll_call,
    "identity": _identity,
    "quorum": _quorum,
    "consents": _consents,
    "opinions": _opinions,
}


def missing(state: State, to: str) -> tuple[Missing, ...]:
    """What the stage `to` waits for now, in the order of the check; without the minutes, which :func:`reasons` asks for."""
    stage = state.procedure.stages[to]
    if to == state.procedure.last:
        return ()
    found = (each for need, check in CHECKS.items() if need in stage.needs for each in check(state, to))
    return (*_people(state, to), *found)


def reasons(state: State, to: Stage) -> tuple[str, ...]:
    """The only reasons with which the stage can be entered now, () for any. The minutes were signed before where it was left for a
    pause."""
    if "minutes" in to.needs and not (state.now.pause and state.called_from == to.name):
        return (SIGNED,)
    return to.reasons


def check(state: State, to: Stage, reason: str) -> None:
    """Raises UserError with the code of the first need that is not met, or "minutes_missing", or "reason_not_allowed"."""
    for each in missing(state, to.name):
        raise UserError(each.code, "、".join(state.name(p) for p in each.people) or str(dict(each.data)), field="to")
    allowed = reasons(state, to)
    if allowed == (SIGNED,) and reason != SIGNED:
        raise UserError("minutes_missing", "the minutes have to be read and signed", field="reason")
    if allowed and reason not in allowed:
        raise UserError("reason_not_allowed", f"{to.name} is entered for {', '.join(allowed)}", field="reason")
