"""Written opinions of a closed phase: one of each member, sealed until all are in, then opened together. Decides and folds; part of
the conference, see :mod:`rooms.conference`.

The members are those whom the procedure lets see a stage with `opinions`; those of them who are let in have to write. Nobody but its
writer reads a text before, not the chair and nobody who has the log: there it lies in a box (:mod:`rooms.sealing`), with its digest. They
are opened by the step into the stage that needs them; the log then says who wrote what, and each text has the digest it had before.

Source: rules on hearings of the procuratorate (人民检察院审查案件听证工作规定, 2020) articles 15 and 16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact
from rooms.commands import Actor, Facts
from rooms.kept import OpenedOpinion, Opinion
from rooms.protocol import GiveOpinion, OpinionsView, OpinionText, UserError
from rooms.sealing import Seal, SealBroken
from rooms.state import Seat, State

AFTER: str = "opinions"
"""The need of a stage into which one steps only with every opinion."""


def give(state: State, actor: Actor, command: GiveOpinion, facts: Facts) -> Iterable[Fact]:
    """A member writes, and writes again until he says that it is final; at a device of his own. What does not open any more, because
    the site has another key, he may write anew."""
    endpoint = state.endpoints.get(actor.endpoint)
    people = endpoint.participants if endpoint and state.is_inside(endpoint) else ()
    if not state.now.opinions or not people or not all(_member(state, state.seats[p]) for p in people):
        raise UserError("no_opinion_asked", "only a member of the closed phase writes an opinion")
    if len(people) > 1:
        raise UserError("device_of_ones_own", "several people sit at this device")
    before = state.opinions.get(people[0])
    about, seal = _about(people[0]), facts.sealed_with
    if before is not None and before.final and seal.opens(about, before.box):
        raise UserError("opinion_final", "it was given as final")
    text = command.text.strip()
    if not text:
        raise UserError("text_missing", "an empty opinion", field="text")
    sealed = seal.shut(about, text)
    if before is not None and (before.box, before.final) == (sealed.box, command.final):
        return []
    return [("opinion_given", {"participant": people[0], "box": sealed.box, "digest": sealed.digest, "final": command.final})]


def due(state: State) -> tuple[str, ...]:
    """Those who have to write, in the order of the plan: members who are let in, whether or not their connection stands."""
    return tuple(p for p, seat in state.seats.items() if _member(state, seat)) if state.now.opinions else ()


def missing(state: State) -> tuple[str, ...]:
    """Those whose final opinion is not there yet."""
    return tuple(p for p in due(state) if not (p in state.opinions and state.opinions[p].final))


def opened(state: State, to: str, facts: Facts) -> Iterable[Fact]:
    """The step into the stage that needs the opinions opens them. Raises UserError "opinion_unreadable" with those who have to write
    anew."""
    if AFTER not in state.procedure.stages[to].needs or not state.opinions:
        return []
    given, broken = [], []
    for opinion in state.opinions.values():
        if opinion.final:
            try:
                found = facts.sealed_with.open(_about(opinion.participant), opinion.box)
            except SealBroken:
                broken.append(opinion.participant)
            else:
                given.append({"participant": opinion.participant, "text": found.text, "salt": found.salt, "digest": opinion.digest})
    if broken:
        raise UserError("opinion_unreadable", "、".join(state.name(p) for p in broken), field="to")
    return [("opinions_opened", {"opinions": given})]


def _about(participant: str) -> str:
    return f"opinion of {participant}"


def _member(state: State, seat: Seat) -> bool:
    return seat.admitted and not state.held_back(seat.participant.id) and state.procedure.rights_of(seat.participant.role, state.stage).see


# ------------------------------------------------------------------------------------------------ folded


def _given(state: State, data: Mapping[str, Any], at_us: int) -> State:
    # A log of before has the plain text: that was never sealed, and is written anew.
    if data["participant"] not in state.seats or "box" not in data:
        return state
    opinion = Opinion(data["participant"], data["box"], data["digest"], data["final"], at_us)
    return replace(state, opinions={**state.opinions, opinion.participant: opinion})


def _opened(state: State, data: Mapping[str, Any], at_us: int) -> State:
    found = tuple(OpenedOpinion(o["participant"], o["text"], at_us) for o in data["opinions"])
    return replace(state, opinions={}, opinions_opened=(*state.opinions_opened, *found))


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {"opinion_given": _given, "opinions_opened": _opened}


def reconsidered(state: State) -> State:
    """Entering the closed phase again, before anything was opened: whoever gave his opinion may change it."""
    if not (state.now.opinions and state.opinions):
        return state
    return replace(state, opinions={p: replace(o, final=False) for p, o in state.opinions.items()})


# ------------------------------------------------------------------------------------------------ viewed


def view(state: State, people: tuple[str, ...], *, seen: bool, leads: bool, seal: Seal | None) -> OpinionsView | None:
    """For a member and for who leads: of whom an opinion is awaited and who gave his; each reads his own; all read what was opened.
    Without a `seal` nobody reads his own."""
    member = bool(people) and all(_member(state, state.seats[p]) for p in people if p in state.seats)
    sealed = state.now.opinions and (member or leads)
    if not seen or not (sealed or state.opinions_opened):
        return None
    hidden = state.plan.kept_from(people).difference(people)
    own = state.opinions.get(people[0]) if sealed and member and len(people) == 1 else None
    return OpinionsView(
        due=tuple(p for p in due(state) if p not in hidden) if sealed else (),
        given=tuple(p for p in due(state) if p not in hidden and p not in missing(state)) if sealed else (),
        mine=seal.read(_about(own.participant), own.box) if own and seal else "",
        mine_final=own is not None and own.final,
        opened=tuple(OpinionText(participant=o.participant, text=o.text) for o in state.opinions_opened if o.participant not in hidden),
    )
