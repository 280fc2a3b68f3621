"""The intercom: an officer of the command centre who watches talks with one, a few or all of a sitting, and is answered. Decides and
folds; part of the conference, see :mod:`rooms.conference`.

With all it is heard by all, and their answers are what they say in the room. With a few nobody else hears a word: the officer is
heard by those he talks with from the first moment, and whoever of them wants to answer says so; until he hangs up what is said at
his device goes to the officer and to the others who are called, and not into the room. Then, or when the talk is over, his microphone
is closed: nobody is heard in the room again without an act of his own.

Who hears nobody before he is called (a witness) is not talked to aside, and a minor not without one who guards him.

Source: DOMAIN.md section 4; for the witness rules of online litigation (人民法院在线诉讼规则) article 26, for the minor Criminal Procedure
Law article 281.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact
from rooms.commands import Actor, EndTalk, Talk
from rooms.kept import Intercom
from rooms.media.engine import Source
from rooms.protocol import AnswerCentre, IntercomView, UserError
from rooms.state import State
from rooms.stepping import about_to_be_heard, by_whom, falls_silent

# ------------------------------------------------------------------------------------------------ decided


def talk(state: State, actor: Actor, command: Talk) -> Iterable[Fact]:
    """By an officer at the endpoint at which he watches; with others than before the former talk is over, and once more with the same
    changes nothing. A higher rank has priority.

    Raises UserError as :func:`rooms.stepping.about_to_be_heard`, "talk_taken" while another officer talks whom his rank does not outdo,
    "talk_broken_in" for who has broken in, and what is said at :func:`_need_apart`.
    """
    observer, reason = about_to_be_heard(state, actor, command, "talk")
    if observer.break_in is not None:
        raise UserError("talk_broken_in", "everybody hears him already")
    people = tuple(p for p in state.seats if p in command.participants)
    _need_apart(state, command, people)
    other = state.intercom
    own = other is not None and other.endpoint == observer.endpoint
    if own and other is not None and other.people == people:
        return []
    if other is not None and not own and command.rank <= other.rank:
        raise UserError("talk_taken", other.name)
    by = {"user": actor.user, "name": actor.name}
    ended = [_ended(other, "changed" if own else "priority", "" if own else reason, by)] if other is not None else []
    named = {"endpoint": observer.endpoint, "user": observer.user, "name": observer.name}
    about = {**named, "office": command.office, "rank": command.rank, "reason": reason, "participants": list(people)}
    return [*ended, ("talk_began" if people else "talk_to_all_began", about)]


def _need_apart(state: State, command: Talk, people: tuple[str, ...]) -> None:
    """Raises UserError at "participants": "participant_unknown", "not_inside", "talk_to_witness", "talk_to_minor" without who guards
    him, "talk_kept_apart" where some must not hear each other, or "talk_overheard" where somebody else sits at the same device."""
    if unknown := [p for p in command.participants if p not in state.seats]:
        raise UserError("participant_unknown", unknown[0], field="participants")
    guarded = {p.guards for p in state.plan.participants if p.guards}
    with_him = {state.seats[p].participant.guards for p in people}
    for participant in people:
        if not state.is_there(participant):
            raise UserError("not_inside", state.name(participant), field="participants")
        if state.seats[participant].participant.role in state.procedure.apart:
            raise UserError("talk_to_witness", state.name(participant), field="participants")
        if participant in guarded and participant not in with_him:
            raise UserError("talk_to_minor", state.name(participant), field="participants")
    if not state.plan.kept_from(people).isdisjoint(people):
        raise UserError("talk_kept_apart", "they must not hear each other", field="participants")
    devices = {state.seats[p].endpoint for p in people}
    if any(not set(state.endpoints[device].participants) <= set(people) for device in devices if device):
        raise UserError("talk_overheard", "somebody else sits at the same device", field="participants")


def end(state: State, actor: Actor, command: EndTalk) -> Iterable[Fact]:
    """By himself, also from another page of his; or by an officer of higher rank, with a reason.

    Raises UserError "nobody_talks", "talk_outranked" or "reason_missing".
    """
    found = state.intercom
    if found is None:
        raise UserError("nobody_talks", "nobody of the command centre talks")
    own, reason = found.user == actor.user, command.reason.strip()
    cause = by_whom(own, command.rank, found.rank, reason, "talk_outranked")
    return [_ended(found, cause, reason, {"user": actor.user, "name": actor.name})]


def answer(state: State, actor: Actor, command: AnswerCentre) -> Iterable[Fact]:
    """At a device with which the command centre talks aside: from now on what is said there goes to it, or into the room again."""
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None or state.intercom is None or not state.called(endpoint) or not state.is_inside(endpoint):
        raise UserError("not_called", "the command centre does not talk with you aside")
    if (endpoint.id in state.intercom.answering) == command.on:
        return []
    data = {"endpoint": endpoint.id, "participants": list(endpoint.participants)}
    return [("talk_answered" if command.on else "talk_hung_up", data)]


def ends_by(state: State, facts: Iterable[Fact]) -> list[Fact]:
    """What else these facts end: the command centre is silent before a private phase or a recess begins, when its officer goes, and when
    he breaks in."""
    found = state.intercom
    if found is None:
        return []
    cause = next((why for kind, data in facts if (why := _cause(state, found, kind, data))), "")
    return [_ended(found, cause, "", {"system": True})] if cause else []


def _cause(state: State, found: Intercom, kind: str, data: Mapping[str, Any]) -> str:
    if kind == "broken_in":
        return "broke_in" if data["endpoint"] == found.endpoint else ""
    return falls_silent(state, found.endpoint, kind, data)


def _ended(found: Intercom, cause: str, reason: str, by: Mapping[str, Any]) -> Fact:
    named = {"endpoint": found.endpoint, "user": found.user, "name": found.name, "participants": list(found.people)}
    return ("talk_ended", {**named, "cause": cause, "reason": reason, "by": dict(by)})


# ------------------------------------------------------------------------------------------------ folded


def _began(state: State, data: Mapping[str, Any], at_us: int) -> State:
    people = tuple(p for p in data["participants"] if p in state.seats)
    who = (data["endpoint"], data["user"], data["name"], data["office"], data["rank"], data["reason"])
    return replace(state, intercom=Intercom(*who, people, at_us))


def _answered(state: State, data: Mapping[str, Any], at_us: int) -> State:
    found, endpoint = state.intercom, state.endpoints.get(data["endpoint"])
    if found is None or endpoint is None:
        return state
    on = {**state.endpoints, endpoint.id: replace(endpoint, on=endpoint.on | {Source.MICROPHONE})}
    return replace(state, endpoints=on, intercom=replace(found, answering=found.answering | {endpoint.id}))


def _hung_up(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return _closed(state, {data["endpoint"]})


def _over(state: State, data: Mapping[str, Any], at_us: int) -> State:
    found = state.intercom
    return replace(_closed(state, found.answering), intercom=None) if found is not None else state


def _closed(state: State, devices: Iterable[str]) -> State:
    """These answer no more, and what was heard aside is not heard in the room."""
    found = state.intercom
    gone = found.answering.intersection(devices) if found is not None else frozenset()
    if found is None or not gone:
        return state
    quiet = {k: replace(e, on=e.on - {Source.MICROPHONE}) if k in gone else e for k, e in state.endpoints.items()}
    return replace(state, endpoints=quiet, intercom=replace(found, answering=found.answering - gone))


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "talk_began": _began,
    "talk_to_all_began": _began,
    "talk_answered": _answered,
    "talk_hung_up": _hung_up,
    "talk_ended": _over,
}


def settled(state: State) -> State:
    """A device at which somebody sits now with whom the command centre does not talk answers no more; one that is lost does."""
    if state.intercom is None or not state.intercom.answering:
        return state
    kept = {e.id for e in state.endpoints.values() if state.called(e)}
    return _closed(state, state.intercom.answering - kept)


# ------------------------------------------------------------------------------------------------ viewed


def view(state: State, viewer: str, *, leads: bool, recorded: bool) -> IntercomView | None:
    """The talk, for whom it concerns: the officer, those he talks with, who leads the sitting, and officers who watch."""
    found = state.intercom
    if found is None:
        return None
    endpoint = state.endpoints.get(viewer)
    called = endpoint is not None and state.called(endpoint)
    if found.people and not (called or leads or viewer in state.observers):
        return None
    answering = tuple(p for p in found.people if state.answers(p))
    return IntercomView(
        endpoint=found.endpoint,
        name=found.name,
        office=found.office,
        reason=found.reason,
        since_us=found.since_us,
        to_all=not found.people,
        participants=found.people,
        answering=answering,
        called=called,
        recorded=recorded,
        you=found.endpoint == viewer,
    )
