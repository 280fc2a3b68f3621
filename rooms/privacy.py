"""Who is among himself: consultations, stepping out of a private phase and back, and what is written there. Decides and folds; part
of the conference, see :mod:`rooms.conference`.

A consultation is a room beside the main room: its members see and hear each other and nobody else, nobody else gets anything of
them, and the recorder takes nothing. In a private stage the members are those whom the procedure lets see it. Whoever comes out,
of his own will or because it is over, comes out with everything switched off: nobody is heard in the main room without an act of
his own.

Source: for lawyer and client Lawyers Law (律师法) article 33, for deliberation Civil Procedure Law article 45.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms import talks
from rooms.acts import Fact, doer, need
from rooms.commands import Actor
from rooms.kept import Consultation
from rooms.protocol import Consult, EndConsult, Listen, PrivateView, Step, TalkOffer, UserError
from rooms.state import Endpoint, State

# ------------------------------------------------------------------------------------------------ decided


def consult(state: State, actor: Actor, command: Consult) -> Iterable[Fact]:
    """The chair lets these talk among themselves: of each role of a group that the procedure names, all of one side, and who helps them
    (:mod:`rooms.talks`)."""
    need(state, actor, "direct")
    people = tuple(p for p in state.seats if p in set(command.participants))
    for participant in command.participants:
        if participant not in state.seats:
            raise UserError("participant_unknown", participant, field="participants")
        if not state.is_there(participant):
            raise UserError("not_inside", "everybody who consults is inside", field="participants")
        if state.member_of(participant):
            raise UserError("consults_already", "one talk at a time", field="participants")
        if state.held_back(participant):
            raise UserError("identity_missing", state.name(participant), field="participants")
    if not talks.provided(state, people):
        raise UserError("consult_not_provided", "the procedure lets others talk among themselves", field="participants")
    devices = {state.seats[p].endpoint: None for p in people}
    if any(not set(state.endpoints[device].participants) <= set(people) for device in devices if device):
        raise UserError("consult_overheard", "somebody else sits at the same device", field="participants")
    data = {"consult": str(state.consults_held + 1), "participants": list(people), "by": doer(state, actor)}
    return [("consult_opened", data)]


def end_consult(state: State, actor: Actor, command: EndConsult) -> Iterable[Fact]:
    """A member who is in it, or the chair."""
    found = state.consults.get(command.consult)
    if found is None:
        raise UserError("consult_unknown", "this talk is over", field="consult")
    if set(_people(state, actor)).isdisjoint(found.members) and not state.rights(actor.endpoint).direct:
        raise UserError("not_allowed", "its members end it, or the chair")
    return [("consult_ended", {"consult": found.id, "by": doer(state, actor)})]


def step(state: State, actor: Actor, command: Step) -> Iterable[Fact]:
    """Out of the private phase, or into it again; everybody at the device goes together."""
    people = _people(state, actor)
    if not people or not all(is_member(state, p) for p in people):
        raise UserError("no_private_phase", "only a member of a private phase steps out of it and in again")
    kind = "stepped_out" if command.out else "stepped_in"
    return [(kind, {"participant": p}) for p in people if (p in state.out) != command.out]


def listen(state: State, actor: Actor, command: Listen) -> Iterable[Fact]:
    """What is played at this device, for everybody at it."""
    people = _people(state, actor)
    if not people:
        raise UserError("not_inside", "no place in the sitting")
    return [("listens", {"participant": p, "to": command.to}) for p in people if state.seats[p].listens != command.to]


def is_member(state: State, participant: str) -> bool:
    """Whether he belongs to a private phase that is going on: a consultation of his, or a stage that only some see; stepped out or not."""
    seat = state.seats.get(participant)
    if seat is None or not seat.admitted:
        return False
    return bool(state.member_of(participant)) or (state.now.private and sees_stage(state, participant))


def sees_stage(state: State, participant: str) -> bool:
    """Whether the procedure lets his role see the stage as it is now, whether or not he is there."""
    return state.procedure.rights_of(state.seats[participant].participant.role, state.stage).see


def is_private(state: State, endpoint: Endpoint) -> bool:
    """Whether what is said and written at this device stays among the members of a private phase."""
    return state.circle_at(endpoint) != "" or (state.now.private and state.rights(endpoint.id).see)


def readers_among(state: State, endpoint: Endpoint, readers: Iterable[str], *, to_all: bool) -> list[str]:
    """Of `readers` those who may read what is written at this device: in a private phase its members; never one whom a sender must
    not hear. What is written to all does not go into a talk that is apart."""
    circle, hidden = state.circle_at(endpoint), state.plan.kept_from(endpoint.participants)
    found = [p for p in readers if p not in hidden]
    if circle != "":
        return [p for p in found if state.circle(p) == circle]
    if is_private(state, endpoint):
        return [p for p in found if state.circle(p) == "" and state.rights_in_role(p).see]
    return [p for p in found if state.circle(p) == ""] if to_all else found


def _people(state: State, actor: Actor) -> tuple[str, ...]:
    endpoint = state.endpoints.get(actor.endpoint)
    return endpoint.participants if endpoint and not endpoint.pending else ()


# ------------------------------------------------------------------------------------------------ folded


def _opened(state: State, data: Mapping[str, Any], at_us: int) -> State:
    people = tuple(p for p in data["participants"] if p in state.seats)
    found = Consultation(data["consult"], people, at_us)
    return replace(
        state, consults={**state.consults, found.id: found}, consults_held=state.consults_held + 1, out=state.out.difference(people)
    )


def _ended(state: State, data: Mapping[str, Any], at_us: int) -> State:
    found = state.consults.get(data["consult"])
    if found is None:
        return state
    state = silenced(state, (p for p in found.members if p not in state.out))
    return replace(state, consults={k: c for k, c in state.consults.items() if k != found.id}, out=state.out.difference(found.members))


def _stepped_out(state: State, data: Mapping[str, Any], at_us: int) -> State:
    participant = data["participant"]
    return replace(silenced(state, [participant]), out=state.out | {participant}) if participant in state.seats else state


def _stepped_in(state: State, data: Mapping[str, Any], at_us: int) -> State:
    return replace(state, out=state.out - {data["participant"]})


def _listens(state: State, data: Mapping[str, Any], at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, listens=data["to"])}) if seat else state


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "consult_opened": _opened,
    "consult_ended": _ended,
    "stepped_out": _stepped_out,
    "stepped_in": _stepped_in,
    "listens": _listens,
}


def opened_doors(state: State) -> State:
    """The stage ends, and with it every private phase: whoever was in one is heard no more until he opens his microphone again."""
    if not (state.consults or state.now.private):
        return state
    inside = (p for p in state.seats if p not in state.out and is_member(state, p))
    return replace(silenced(state, inside), consults={}, out=frozenset())


def settled(state: State) -> State:
    """Whoever is no longer in the sitting is no member of a private phase either; who lost his connection is."""
    if not (state.consults or state.out):
        return state
    kept = {c.id: tuple(p for p in c.members if p in state.seats and state.seats[p].admitted) for c in state.consults.values()}
    if any(kept[c.id] != c.members for c in state.consults.values()):
        state = replace(state, consults={k: replace(c, members=kept[k]) for k, c in state.consults.items() if kept[k]})
    out = frozenset(p for p in state.out if is_member(state, p))
    return state if out == state.out else replace(state, out=out)


def silenced(state: State, people: Iterable[str]) -> State:
    """Everything at the devices of `people` is switched off."""
    devices = {state.seats[p].endpoint for p in people if p in state.seats}
    if not devices:
        return state
    off = {k: replace(e, on=frozenset(), voice=None, voice_at_us=None) if k in devices else e for k, e in state.endpoints.items()}
    return replace(state, endpoints=off)


# ------------------------------------------------------------------------------------------------ viewed


def private_view(state: State, viewer: str, *, seen: bool) -> PrivateView | None:
    """The private phase that concerns this viewer: his own with its members, of another one only of what kind it is. Who waits
    (not `seen`) knows of a private stage and not of a talk aside."""
    endpoint = state.endpoints.get(viewer)
    people = endpoint.participants if endpoint and not endpoint.pending else ()
    hidden = state.plan.kept_from(people).difference(people)
    own = next((state.consults[found] for p in people if (found := state.member_of(p))), None)
    if own is not None:
        return _consultation(own, hidden, member=True, out=any(p in state.out for p in people))
    if state.now.private:
        member = bool(people) and all(is_member(state, p) for p in people)
        members = tuple(p for p in state.seats if is_member(state, p) and p not in hidden) if member else ()
        out = member and any(p in state.out for p in people)
        return PrivateView(kind="deliberation", id="", members=members, member=member, out=out, since_us=state.stage_since_us)
    if state.consults and seen:
        since_us = min(c.since_us for c in state.consults.values())
        return PrivateView(kind="consultation", id="", members=(), member=False, out=False, since_us=since_us)
    return None


def consultations(state: State) -> tuple[PrivateView, ...]:
    """All talks that are going on, for who leads the sitting."""
    return tuple(_consultation(found, frozenset(), member=False, out=False) for found in state.consults.values())


def offers(state: State) -> tuple[TalkOffer, ...]:
    """The talks that could begin now, for who leads the sitting."""
    return tuple(TalkOffer(members=each.members, helpers=each.helpers) for each in talks.offered(state))


def _consultation(found: Consultation, hidden: frozenset[str], *, member: bool, out: bool) -> PrivateView:
    members = tuple(p for p in found.members if p not in hidden)
    return PrivateView(kind="consultation", id=found.id, members=members, member=member, out=out, since_us=found.since_us)


class Doors:
    """What is behind closed doors for one viewer (an endpoint or an observer): of whoever is there, not even whether his microphone
    is open is told."""

    def __init__(self, state: State, viewer: str) -> None:
        endpoint = state.endpoints.get(viewer)
        self._state = state
        self._circle = state.circle_at(endpoint) if endpoint is not None else ""
        self._shut = state.now.private and self._circle == "" and not state.rights(viewer).see

    @property
    def key(self) -> tuple[str | None, bool]:
        """Equal for viewers from whom the same is hidden."""
        return (self._circle, self._shut)

    def hide(self, participant: str) -> bool:
        """Whether somebody else is where the viewer neither sees nor hears."""
        return self._shut or self._state.circle(participant) != self._circle
