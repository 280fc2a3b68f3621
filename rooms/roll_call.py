"""Roll-call and identity: who is called, what he answered, and who he is by face and document. Decides and folds; pure.

No face is compared by a machine: a person looks at both and says what he found; a still of each is kept as evidence (notice on
online litigation, article 7). The stills themselves are files; the log knows their SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need_desk, present, seat_of
from rooms.commands import Actor, KeepStill
from rooms.floor import hushed
from rooms.protocol import CallRoll, Identify, UserError
from rooms.state import Identity, State

Data = Mapping[str, Any]


def called(state: State) -> tuple[str, ...]:
    """Who is called, in the order of the plan: those who are awaited and those who show a document, but for who calls them and for
    whoever is heard only when it is his turn."""
    roles = (state.procedure.awaited | state.procedure.identified) - state.procedure.apart
    return tuple(p.id for p in state.plan.participants if p.role in roles and p.id != state.chair)


def unanswered(state: State) -> tuple[str, ...]:
    """Who has not been called yet."""
    return tuple(p for p in called(state) if not state.seats[p].roll)


def unidentified(state: State) -> tuple[str, ...]:
    """Who is inside, has to show a document, and has not been found to be who he says."""
    return tuple(p for p, seat in state.seats.items() if present(seat) and state.unidentified(p))


def held_back(state: State) -> tuple[str, ...]:
    """Who came in after the identities were established, and is not heard before his own is."""
    return unidentified(state) if state.identity_due else ()


def answer(state: State, actor: Actor, command: CallRoll) -> Iterable[Fact]:
    """Chair or clerk notes an answer; "" takes it back. Raises UserError "not_allowed", "participant_unknown" or, for one who is not
    there and is said to be, "not_inside"."""
    need_desk(state, actor)
    seat = seat_of(state, command.participant)
    if command.answer in {"present", "late"} and not present(seat):
        raise UserError("not_inside", "the participant is not inside", field="participant")
    if seat.roll == command.answer:
        return []
    return [("roll_called", {"participant": command.participant, "answer": command.answer, "by": doer(state, actor)})]


def identify(state: State, actor: Actor, command: Identify) -> Iterable[Fact]:
    """Chair or clerk looked at face and document. Without both stills, and for a refusal, a note says why. The hand by which one who was
    held back said that his document was ready goes down. Raises UserError "not_allowed", "participant_unknown", "not_inside",
    "still_unknown" or "reason_missing"."""
    need_desk(state, actor)
    seat = seat_of(state, command.participant)
    if not present(seat):
        raise UserError("not_inside", "the participant is not inside", field="participant")
    for name in ("face", "document"):
        still = getattr(command, name)
        if still is not None and still not in state.stills:
            raise UserError("still_unknown", "no such still was kept in this sitting", field=name)
    note = command.note.strip()
    if not note and (command.result == "refused" or command.face is None or command.document is None):
        raise UserError("reason_missing", "say why there is no still, or why it is refused", field="note")
    data = {"participant": command.participant, "result": command.result, "face": command.face, "document": command.document}
    by = doer(state, actor)
    facts: list[Fact] = [("identified", data | {"device": seat.device, "note": note, "by": by})]
    if seat.hand_at_us is not None and command.result == "confirmed" and command.participant in held_back(state):
        facts.append(("hand_lowered", {"participant": command.participant, "by": by}))
    return facts


def keep_still(state: State, actor: Actor, command: KeepStill) -> Iterable[Fact]:
    """A still was put on disk by a member of the desk. Raises UserError "not_allowed"."""
    device = state.seats[command.participant].endpoint if command.participant in state.seats else None
    need_desk(state, Actor(endpoint=device or ""))
    if command.still in state.stills:
        return []
    return [("still_kept", {"still": command.still, "bytes": command.octets, "by": {"participant": command.participant}})]


# ------------------------------------------------------------------------------------------------ fold


def _called(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, roll=data["answer"])}) if seat else state


def _identified(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    identity = Identity(data["result"], data["face"], data["document"], at_us, data.get("device", seat.device))
    return hushed(replace(state, seats={**state.seats, data["participant"]: replace(seat, identity=identity)}))


def reached(state: State) -> State:
    """From a stage on that needs the identities, whoever comes later has to show his."""
    return replace(state, identity_due=True) if "identity" in state.now.needs else state


def _kept(state: State, data: Data, at_us: int) -> State:
    return replace(state, stills=state.stills | {data["still"]})


FOLDS: Mapping[str, Callable[[State, Data, int], State]] = {"roll_called": _called, "identified": _identified, "still_kept": _kept}
