"""A version of a procedure in words of one language: its stages, roles and rights as tables, and what differs from another version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dispatch.sittings.stage_names import stage_name
from rooms.procedure import NOTHING, Procedure, Rights, Stage
from rooms.procedure.difference import Difference, centre_of, differences, letters_of, marks_of, role_marks
from rooms.procedure.model import NEEDS

Words = Callable[..., str]
_WHOLE = ("name", "source", "status", "departure", "seat", "order")
"""Differences of which there is one value before and one after; of the others some are there no more and some are new."""


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of a version. `rights`: of each stage, in their order, letters and what they mean."""

    role: str
    words: str
    marks: str
    source: str
    rights: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage of a version."""

    name: str
    words: str
    marks: tuple[str, ...]
    needs: str
    following: str
    reasons: str
    source: str


@dataclass(frozen=True, slots=True)
class Told:
    """What differs in one place: a stage, or "" for the whole. `state` is "new" or "gone" where the whole stage is."""

    stage: str
    words: str
    state: Literal["", "new", "gone"]
    lines: tuple[str, ...]


def title(procedure: Procedure, language: str) -> str:
    """What the version is called."""
    return procedure.names[language]


def stage_rows(procedure: Procedure, _: Words) -> list[StageRow]:
    """Every stage, in order."""
    return [
        StageRow(
            name,
            _stage(stage, _),
            tuple(_("mark." + mark) for mark in marks_of(stage)),
            _listed((_("need." + need) for need in NEEDS if need in stage.needs), _),
            _listed((_stage(procedure.stages[each], _) for each in procedure.changes[name]), _),
            _listed((_reason(reason, _) for reason in stage.reasons), _),
            stage.source,
        )
        for name, stage in procedure.stages.items()
    ]


def role_rows(procedure: Procedure, _: Words) -> list[RoleRow]:
    """Every role, in order, with what it may do in each stage."""
    return [
        RoleRow(
            role,
            _("role." + role),
            _listed((_("role_mark." + mark) for mark in role_marks(procedure, role)), _),
            procedure.role_sources.get(role, ""),
            tuple((found.letters, rights_words(found, _)) for found in _rights_of(procedure, role)),
        )
        for role in procedure.order
    ]


def facts(procedure: Procedure, _: Words) -> list[tuple[str, str]]:
    """What is said of the whole, as label and text."""
    found = [(_("Source"), procedure.source), (_("Presides"), _("role." + procedure.chair))]
    found += [(_("Number"), f"{_number(_quorum(each.roles, each.least, each.most), _)}（{each.source}）") for each in procedure.quorum]
    found += [(_("May confer aside"), _roles(sorted(group, key=procedure.order.index), _)) for group in procedure.consults]
    found.append((_("When somebody is gone"), _("departure." + procedure.departure)))
    if procedure.stops_without_recording:
        found.append((_("Recording"), _("mark.stops_without_recording")))
    found.append((_("Command centre"), _listed((_("centre." + act) for act in centre_of(procedure)), _) or "–"))
    return found


def rights_words(rights: Rights, _: Words) -> str:
    """What somebody may do."""
    return _listed((_("right." + letter) for letter in letters_of(rights)), _) or _("right.none")


def told(before: Procedure, after: Procedure, _: Words) -> list[Told]:
    """What differs, place by place: of the whole, then stage by stage; empty where nothing does."""
    by_place: dict[str, list[Difference]] = {}
    for each in differences(before, after):
        by_place.setdefault(each.stage, []).append(each)
    found = []
    for stage, listed in by_place.items():
        state: Literal["", "new", "gone"] = next(("new" if each.come else "gone" for each in listed if each.what == "stage"), "")
        known = after.stages.get(stage) or before.stages.get(stage)
        lines = tuple(line for each in listed if each.what != "stage" for line in _lines(each, before, after, _))
        found.append(Told(stage, _stage(known, _) if known is not None else "", state, lines))
    return found


def _lines(each: Difference, before: Procedure, after: Procedure, _: Words) -> Iterator[str]:
    what = _("difference." + each.what)
    if each.role:
        what = _("{role}: {what}", role=_("role." + each.role), what=what)
    gone, come = ([_value(each.what, word, of, _) for word in words] for words, of in ((each.gone, before), (each.come, after)))
    if each.what == "order":
        yield _("{what}: {before} → {after}", what=what, before=" · ".join(gone), after=" · ".join(come))
    elif each.what in _WHOLE:
        yield _("{what}: {before} → {after}", what=what, before=_listed(gone, _) or "–", after=_listed(come, _) or "–")
    else:
        if come:
            yield _("{what}, new: {items}", what=what, items=_listed(come, _))
        if gone:
            yield _("{what}, no more: {items}", what=what, items=_listed(gone, _))


def _value(what: str, word: str, of: Procedure, _: Words) -> str:
    """A word of the format, in those of people."""
    if what in ("next", "order"):
        return _stage(of.stages[word], _)
    if what == "consults":
        return " + ".join(_("role." + role) for role in word.split("+"))
    if what == "number":
        return _number(word, _)
    if what == "reason":
        return _reason(word, _)
    prefix = _PREFIXES.get(what, "")
    return _(prefix + word) if prefix else word


_PREFIXES: Mapping[str, str] = {
    "centre": "centre.",
    "departure": "departure.",
    "status": "stage_status.",
    "mark": "mark.",
    "role_mark": "role_mark.",
    "seat": "hall_seat.",
    "need": "need.",
    "role": "role.",
    "right": "right.",
}


def _quorum(roles: Iterable[str], least: int, most: int | None) -> str:
    return f"{'+'.join(sorted(roles))} {least}-{'' if most is None else most}"


def _number(word: str, _: Words) -> str:
    roles, span = word.split(" ")
    least, most = span.split("-")
    return f"{_roles(roles.split('+'), _)} {least}–{most}" if most else f"{_roles(roles.split('+'), _)} ≥ {least}"


def _rights_of(procedure: Procedure, role: str) -> Iterator[Rights]:
    for stage in procedure.stages:
        yield procedure.rights[stage].get(role, NOTHING)


def _reason(word: str, _: Words) -> str:
    """A reason for a pause; one that is the unit's own as its file has it."""
    known = _(f"log.pause.{word}")
    return word if known == f"log.pause.{word}" else known


def _stage(stage: Stage, _: Words) -> str:
    return stage_name(stage.name, stage.names, _)


def _roles(roles: Iterable[str], _: Words) -> str:
    return _listed((_("role." + role) for role in roles), _)


def _listed(words: Iterable[str], _: Words) -> str:
    return _(", ").join(words)
