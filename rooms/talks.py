"""Who may talk aside with whom: by the groups of the version's data, by sides, and by who helps whom. Pure; part of :mod:`rooms.privacy`.

A group has one or more of each of its roles, all on one side: nobody talks with who acts for the other side. With them may be whoever
helps one of them to follow: an interpreter, and the guardian of one who is in it.

Source: Lawyers Law (律师法) article 33; for who acts for whom the seats of the procedure, see :class:`rooms.procedure.seating.Seating`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rooms.state import State

HELPERS = frozenset({"interpreter", "guardian"})
"""Who may be with those who consult: without them one of these could not follow."""


@dataclass(frozen=True, slots=True)
class Talk:
    """One that could begin now: `members`, in the order of the plan, and the `helpers` who may be with them."""

    members: tuple[str, ...]
    helpers: tuple[str, ...] = ()


def provided(state: State, people: Iterable[str]) -> bool:
    """Whether the version lets exactly these talk aside."""
    chosen = frozenset(people)
    role = {p: state.seats[p].participant.role for p in chosen}
    apart = state.plan.kept_from(chosen)
    return apart.isdisjoint(chosen) and any(_is_group(state, chosen, role, group) for group in state.procedure.consults)


def _is_group(state: State, chosen: frozenset[str], role: dict[str, str], group: frozenset[str]) -> bool:
    members = {p for p in chosen if role[p] in group}
    people = state.plan.participants
    sides = dict(zip((p.id for p in people), state.procedure.seating.sides([p.role for p in people]), strict=True))
    return (
        {role[p] for p in members} == group
        and len({sides.get(p) for p in members}) == 1
        and all(_helps(state, p, members) for p in chosen - members)
    )


def _helps(state: State, participant: str, members: Iterable[str]) -> bool:
    found = state.seats[participant].participant
    return found.role in HELPERS and (found.role != "guardian" or found.guards in set(members))


def offered(state: State) -> tuple[Talk, ...]:
    """Every talk of one of each role of a group that could begin now: all inside, known, and in no other talk."""
    free = [p for p in state.seats if state.is_there(p) and not state.member_of(p) and not state.held_back(p)]
    return tuple(_offers(state, free))


def _offers(state: State, free: list[str]) -> Iterator[Talk]:
    for group in state.procedure.consults:
        ranks = [[p for p in free if state.seats[p].participant.role == role] for role in sorted(group)]
        for chosen in itertools.product(*ranks):
            members = tuple(p for p in free if p in chosen)
            if provided(state, members):
                apart = state.plan.kept_from(members)
                yield Talk(members, tuple(p for p in free if p not in apart and _helps(state, p, members)))
