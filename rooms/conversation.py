"""Hands, written messages and the lock of a sitting. Decides and folds; part of the conference, see :mod:`rooms.conference`.

Who may read a message is decided when it is sent and written into the log with it: whoever enters later, and a witness
who was outside, never sees what was written before. What is written in a private phase lies in the log in a box (:mod:`rooms.sealing`), as
long as there is a log: it is kept, and its members alone read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need, seat_of
from rooms.commands import Actor, Facts, Notify
from rooms.desired import may_observe
from rooms.privacy import is_private, readers_among
from rooms.protocol import Lock, LowerHand, RaiseHand, UserError, Write
from rooms.sealing import Seal
from rooms.state import State, WrittenMessage

MESSAGES_KEPT = 200
"""Written messages that the state keeps; older ones are in the log alone."""


def raise_hand(state: State, actor: Actor, command: RaiseHand) -> Iterable[Fact]:
    """One's own hand; everybody at the device raises or lowers it together."""
    people = _inside(state, actor)
    if command.up:
        return [("hand_raised", {"participant": p}) for p in people if state.seats[p].hand_at_us is None]
    return [("hand_lowered", {"participant": p, "by": {"participant": p}}) for p in people if state.seats[p].hand_at_us is not None]


def lower_hand(state: State, actor: Actor, command: LowerHand) -> Iterable[Fact]:
    """Chair or clerk: the wish was heard."""
    need(state, actor, "admit")
    if seat_of(state, command.participant).hand_at_us is None:
        return []
    return [("hand_lowered", {"participant": command.participant, "by": doer(state, actor)})]


def lock(state: State, actor: Actor, command: Lock) -> Iterable[Fact]:
    """Chair or clerk: nobody more is let in, or people are let in again."""
    need(state, actor, "admit")
    if command.on == state.locked:
        return []
    return [("locked" if command.on else "unlocked", {"by": doer(state, actor)})]


def write(state: State, actor: Actor, command: Write, facts: Facts) -> Iterable[Fact]:
    """A written message of a participant; sealed where he is in a private phase."""
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None or endpoint.pending or not endpoint.participants:
        raise UserError("not_inside", "no place in the sitting")
    inside = state.is_inside(endpoint)
    rights = state.rights(endpoint.id)
    if command.to == "people" and not rights.admit:
        raise UserError("not_allowed", "needs the right to admit")
    if command.to in {"all", "chair"} and not inside:
        raise UserError("not_inside", "whoever waits may write to the clerk")
    if command.to == "all" and not (rights.see or rights.admit):
        raise UserError("not_allowed", "nobody is seen or heard in this stage")
    own = endpoint.participants
    if command.to == "all" and not is_private(state, endpoint) and any(state.held_back(p) for p in own):
        raise UserError("identity_missing", "whoever is not known yet writes to chair and clerk")
    readers = readers_among(state, endpoint, _readers(state, command), to_all=command.to == "all")
    if not set(readers) - set(own):
        raise UserError("nobody_there", "nobody would read it", field="to")
    kind, data = _sent(state, doer(state, actor), command.to, (*readers, *own), command.text, notice=False)
    if not is_private(state, endpoint):
        return [(kind, data)]
    sealed = facts.sealed_with.shut(about_message(data["message"]), data.pop("text"))
    return [(kind, {**data, "observed": False, "private": True, "box": sealed.box, "digest": sealed.digest})]


def about_message(message: str) -> str:
    """What the box of a message of this number is about."""
    return f"message {message}"


def text_of(message: WrittenMessage, seal: Seal | None) -> str:
    """What was written; "" without a `seal`, or where it is of another site."""
    return seal.read(about_message(message.id), message.box) if message.box and seal is not None else message.text


def notify(state: State, actor: Actor, command: Notify) -> Iterable[Fact]:
    """A message of the command centre, shown above everything else; to the people named, or to all who are there."""
    if state.closed or state.now.private or state.consults:
        raise UserError("stage_private", "nobody from outside writes into this stage")
    unknown = [p for p in command.participants if p not in state.seats]
    if unknown:
        raise UserError("participant_unknown", unknown[0], field="participants")
    wanted = command.participants or tuple(state.seats)
    readers = [p for p in wanted if state.seats[p].endpoint is not None]
    if not readers:
        raise UserError("nobody_there", "nobody would read it", field="participants")
    by = {"user": actor.user, "name": actor.name}
    return [_sent(state, by, "people" if command.participants else "all", readers, command.text, notice=True)]


def _sent(state: State, by: Mapping[str, Any], to: str, readers: Iterable[str], text: str, *, notice: bool) -> tuple[str, dict[str, Any]]:
    text = text.strip()
    if not text:
        raise UserError("text_missing", "an empty message", field="text")
    return (
        "message_sent",
        {
            "message": str(state.messages_sent + 1),
            "by": dict(by),
            "to": to,
            "readers": list(dict.fromkeys(readers)),
            "observed": to == "all" and may_observe(state),
            "text": text,
            "notice": notice,
        },
    )


def _readers(state: State, command: Write) -> list[str]:
    if command.to == "chair":
        return [state.chair] if state.chair else []
    if command.to == "clerk":
        return [p for p, seat in state.seats.items() if seat.participant.role == "clerk" and seat.endpoint is not None]
    if command.to == "people":
        unknown = [p for p in command.participants if p not in state.seats]
        if unknown or not command.participants:
            raise UserError("participant_unknown", unknown[0] if unknown else "nobody named", field="participants")
        return [p for p in command.participants if state.seats[p].endpoint is not None]
    return [p for p, seat in state.seats.items() if seat.admitted and (state.rights_in_role(p).see or state.rights_in_role(p).admit)]


def _inside(state: State, actor: Actor) -> tuple[str, ...]:
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None or not state.is_inside(endpoint):
        raise UserError("not_inside", "hands are raised inside")
    return endpoint.participants


# ------------------------------------------------------------------------------------------------ folded


def _hand_raised(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return _with_hand(state, data["participant"], at_us)


def _hand_lowered(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return _with_hand(state, data["participant"], None)


def _locked(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, locked=True)


def _unlocked(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, locked=False)


def _message_sent(state: State, data: Mapping[str, Any], at_us: int) -> State:
    message = WrittenMessage(
        data["message"],
        at_us,
        data["by"],
        data["to"],
        tuple(data["readers"]),
        data["observed"],
        data.get("text", ""),
        data["notice"],
        data.get("box", ""),
    )
    return replace(state, messages=(*state.messages, message)[-MESSAGES_KEPT:], messages_sent=state.messages_sent + 1)


def _with_hand(state: State, participant: str, at_us: int | None) -> State:
    seat = state.seats.get(participant)
    return replace(state, seats={**state.seats, participant: replace(seat, hand_at_us=at_us)}) if seat else state


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "hand_raised": _hand_raised,
    "hand_lowered": _hand_lowered,
    "locked": _locked,
    "unlocked": _unlocked,
    "message_sent": _message_sent,
}
