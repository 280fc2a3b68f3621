"""What differs between two versions of a kind of sitting, stage by stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rooms.procedure.model import CENTRE, IN_TURN, NOTHING, Procedure, Quorum, Rights, Stage
from rooms.procedure.reading import ROLE_MARKS, STAGE_MARKS


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `stage` and `role` say where; "" of the whole. `what`: a word of the catalogue ("difference.<what>").

    `gone` was only in the one version and `come` is only in the other: of "name" and "source" texts as the files have them; of "number" and
    "consults" the roles, joined by +, and of "number" from how many to how many; of "right" letters, each with its °; of all others
    words of the format.
    """

    what: str
    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()
    stage: str = ""
    role: str = ""


def differences(before: Procedure, after: Procedure) -> tuple[Difference, ...]:
    """From the one version to the other: of the whole first, then of each stage in the order of the later version, at the end the stages
    that are there no more. That they are called differently is a difference; by which number they go is none."""
    return tuple(each for each in _all(before, after) if each.gone or each.come)


def _all(before: Procedure, after: Procedure) -> Iterator[Difference]:
    yield Difference("name", *_texts(before.names, after.names))
    yield Difference("source", *_values(before.source, after.source))
    yield Difference("departure", *_values(before.departure, after.departure))
    marks = [("stops_without_recording",) if each.stops_without_recording else () for each in (before, after)]
    yield Difference("mark", *_sets(*marks))
    yield Difference("centre", *_sets(centre_of(before), centre_of(after)))
    yield Difference("number", *_sets(map(_number, before.quorum), map(_number, after.quorum)))
    yield Difference("consults", *_sets(map(_group, before.consults), map(_group, after.consults)))
    yield Difference("role", *_sets(before.order, after.order))
    for role in after.order:
        if role in before.roles:
            yield Difference("role_mark", *_sets(role_marks(before, role), role_marks(after, role)), role=role)
            yield Difference("seat", *_values(_seat(before, role), _seat(after, role)), role=role)
            yield Difference("source", *_values(before.role_sources.get(role, ""), after.role_sources.get(role, "")), role=role)
    kept = [[name for name in each.stages if name in before.stages and name in after.stages] for each in (before, after)]
    if kept[0] != kept[1]:
        yield Difference("order", tuple(kept[0]), tuple(kept[1]))
    for name, stage in after.stages.items():
        if name not in before.stages:
            yield Difference("stage", (), (name,), name)
        else:
            yield from _of_stage(before, after, before.stages[name], stage)
    for name in before.stages:
        if name not in after.stages:
            yield Difference("stage", (name,), (), name)


def _of_stage(before: Procedure, after: Procedure, was: Stage, is_now: Stage) -> Iterator[Difference]:
    name = is_now.name
    yield Difference("name", *_texts(was.names, is_now.names), name)
    yield Difference("status", *_values(was.status, is_now.status), name)
    yield Difference("mark", *_sets(marks_of(was), marks_of(is_now)), name)
    yield Difference("need", *_sets(sorted(was.needs), sorted(is_now.needs)), name)
    yield Difference("reason", *_sets(was.reasons, is_now.reasons), name)
    yield Difference("next", *_sets(before.changes[name], after.changes[name]), name)
    for role in dict.fromkeys((*after.order, *before.order)):
        rights = (each.rights[name].get(role, NOTHING) for each in (before, after))
        yield Difference("right", *_sets(*map(letters_of, rights)), name, role)
    yield Difference("source", *_values(was.source, is_now.source), name)


def centre_of(procedure: Procedure) -> tuple[str, ...]:
    """What the command centre may do, in order."""
    return tuple(act for act in CENTRE if act in procedure.centre)


def marks_of(stage: Stage) -> tuple[str, ...]:
    """The marks of a stage, in their order; that a private one cannot be observed goes without saying."""
    found = [mark for mark in STAGE_MARKS if mark != "unobservable" and getattr(stage, mark)]
    return (*found, "unobservable") if not stage.observable and not stage.private else tuple(found)


def letters_of(rights: Rights) -> tuple[str, ...]:
    """The letters one by one, each with its °."""
    found: list[str] = []
    for letter in rights.letters:
        if letter == IN_TURN:
            found[-1] += letter
        else:
            found.append(letter)
    return tuple(found)


def role_marks(procedure: Procedure, role: str) -> tuple[str, ...]:
    """The marks of a role, in their order."""
    found = {"at_once": procedure.enters_at_once} | {mark: getattr(procedure, mark) for mark in ROLE_MARKS if mark != "at_once"}
    return tuple(mark for mark in ROLE_MARKS if role in found[mark])


def _seat(procedure: Procedure, role: str) -> str:
    seating = procedure.seating
    at = {"bench": seating.bench, "left": seating.left, "right": seating.right, "opposed": seating.opposed, "beside": seating.beside}
    return next((seat for seat, who in at.items() if role in who), "")


def _number(quorum: Quorum) -> str:
    most = "" if quorum.most is None else str(quorum.most)
    return f"{'+'.join(sorted(quorum.roles))} {quorum.least}-{most}"


def _group(roles: frozenset[str]) -> str:
    return "+".join(sorted(roles))


def _texts(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _values(" / ".join(before.values()), " / ".join(after.values()))


def _values(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ((), ()) if before == after else ((before,) if before else (), (after,) if after else ())


def _sets(before: Iterable[str], after: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    was, now = tuple(before), tuple(after)
    return tuple(each for each in was if each not in now), tuple(each for each in now if each not in was)
