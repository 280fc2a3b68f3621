"""Breaking in: an officer of the command centre who watches is seen and heard by everybody inside, until he ends it, an officer of
higher rank does, or the command centre may not be there. Decides and folds; part of the conference, see :mod:`rooms.conference`.

Source: DOMAIN.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact
from rooms.commands import Actor, BreakIn, EndBreakIn
from rooms.kept import BreakIn as Kept
from rooms.protocol import UserError
from rooms.state import Observer, State
from rooms.stepping import about_to_be_heard, by_whom, falls_silent

# ------------------------------------------------------------------------------------------------ decided


def break_in(state: State, actor: Actor, command: BreakIn) -> Iterable[Fact]:
    """By an officer at the endpoint at which he watches; once more changes nothing.

    Raises UserError as :func:`rooms.stepping.about_to_be_heard`, or "break_in_taken" while another officer has broken in.
    """
    observer, reason = about_to_be_heard(state, actor, command, "break_in")
    other = state.broken_in
    if other is not None and other.endpoint != observer.endpoint:
        raise UserError("break_in_taken", other.name)
    if other is not None:
        return []
    named = {"endpoint": observer.endpoint, "user": observer.user, "name": observer.name}
    return [("broken_in", {**named, "office": command.office, "rank": command.rank, "reason": reason, "camera": command.camera})]


def end(state: State, actor: Actor, command: EndBreakIn) -> Iterable[Fact]:
    """By himself, also from another page of his; or by an officer of higher rank, with a reason.

    Raises UserError "nobody_broke_in", "break_in_outranked" or "reason_missing".
    """
    officer = state.broken_in
    if officer is None or officer.break_in is None:
        raise UserError("nobody_broke_in", "nobody has broken in")
    own, reason = officer.user == actor.user, command.reason.strip()
    cause = by_whom(own, command.rank, officer.break_in.rank, reason, "break_in_outranked")
    return [_ended(officer, cause, reason, {"user": actor.user, "name": actor.name})]


def ends_by(state: State, facts: Iterable[Fact]) -> list[Fact]:
    """What else these facts end: the command centre leaves before a private phase or a recess begins, and with the officer's connection."""
    officer = state.broken_in
    if officer is None:
        return []
    cause = next((found for kind, data in facts if (found := falls_silent(state, officer.endpoint, kind, data))), "")
    return [_ended(officer, cause, "", {"system": True})] if cause else []


def _ended(officer: Observer, cause: str, reason: str, by: Mapping[str, Any]) -> Fact:
    named = {"endpoint": officer.endpoint, "user": officer.user, "name": officer.name}
    return ("break_in_ended", {**named, "cause": cause, "reason": reason, "by": dict(by)})


# ------------------------------------------------------------------------------------------------ folded


def _broken_in(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return _with(state, data["endpoint"], Kept(data["office"], data["rank"], data["reason"], data["camera"], at_us))


def _break_in_ended(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return _with(state, data["endpoint"], None)


def _with(state: State, endpoint: str, his: Kept | None) -> State:
    observer = state.observers.get(endpoint)
    return replace(state, observers={**state.observers, endpoint: replace(observer, break_in=his)}) if observer else state


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "broken_in": _broken_in,
    "break_in_ended": _break_in_ended,
}
