"""A procedure read from its file (YAML 1.2 as PyYAML reads it, one mapping), with everything that is wrong in it, line by line. Pure.

What a file says is in docs/procedures.md. Roles are those that the program knows; stages are the file's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, cast

import yaml

from rooms.procedure.model import (
    CENTRE,
    CENTRE_USUAL,
    DEPARTURES,
    LETTERS,
    NEEDS,
    Departure,
    Need,
    Procedure,
    Quorum,
    Rights,
    Stage,
)
from rooms.procedure.seating import Seating

LONGEST_TEXT = 100_000
MOST_STAGES = 40
LANGUAGES = ("zh-CN", "en")
KINDS = ("remote_court", "petition_intake", "public_hearing", "round_table", "remote_interrogation")
ROLES = (
    *("judge", "panel", "clerk", "prosecutor", "party", "agent", "defender", "witness", "expert", "interpreter", "guardian"),
    *("gallery", "custody_officer", "receiver", "petitioner", "officer", "lawyer", "police", "chair", "hearing_officer", "investigator"),
    *("supervisor", "media", "convenor", "member", "guest", "interrogator", "suspect"),
)
"""Every role that a procedure can give rights to."""
STATUSES = ("open", "live", "recess", "closed")
SEATS = ("bench", "left", "right", "opposed", "beside")
ROLE_MARKS = ("at_once", "bench", "awaited", "consents", "apart", "identified")
STAGE_MARKS = ("recorded", "recordable", "private", "unobservable", "broadcast", "closes_sources", "pause", "opinions", "votes")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one line (from 1). `code` is a word of the catalogue ("procedure_…"), `data` fills its text."""

    line: int
    code: str
    data: Mapping[str, str] = field(default_factory=dict)


class ProcedureRefused(ValueError):
    """A file that is no procedure; `problems` has every bad line, in order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"line {p.line}: {p.code} {dict(p.data)}" for p in problems))
        self.problems = problems


@lru_cache(maxsize=128)
def read_procedure(text: str) -> Procedure:
    """The procedure that a file says; raises ProcedureRefused with every bad line."""
    reader = _Reader()
    found = reader.read(text)
    if reader.problems or found is None:
        raise ProcedureRefused(sorted(reader.problems, key=lambda p: p.line))
    return found


class _Reader:
    """Goes through the nodes of a file and notes what is wrong where."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def bad(self, node: yaml.Node, code: str, **data: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, f"procedure_{code}", data))

    # -- nodes ------------------------------------------------------------------------------------------------

    def mapping(self, node: yaml.Node | None, known: tuple[str, ...] | None = None) -> dict[str, yaml.Node]:
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.bad(node, "mapping_expected")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.word(key)
            if known is not None and name not in known:
                self.bad(key, "word_unknown", word=name, known=", ".join(known))
            elif name in found:
                self.bad(key, "word_twice", word=name)
            else:
                found[name] = value
        return found

    def word(self, node: yaml.Node | None) -> str:
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.bad(node, "word_expected")
            return ""
        return str(node.value).strip()

    def one_of(self, node: yaml.Node, known: tuple[str, ...]) -> str:
        found = self.word(node)
        if found not in known:
            self.bad(node, "word_unknown", word=found, known=", ".join(known))
            return known[0]
        return found

    def words(self, node: yaml.Node | None, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self.bad(node, "list_expected")
            return ()
        found = []
        for each in node.value:
            name = self.word(each)
            if known is not None and name not in known:
                self.bad(each, "word_unknown", word=name, known=", ".join(known))
            else:
                found.append(name)
        return tuple(dict.fromkeys(found))

    def names(self, node: yaml.Node | None, of: yaml.Node) -> Mapping[str, str]:
        found = {language: self.word(name) for language, name in self.mapping(node, LANGUAGES).items()}
        missing = [language for language in LANGUAGES if not found.get(language)]
        if missing:
            self.bad(node or of, "name_missing", languages=", ".join(missing))
        return MappingProxyType(found)

    # -- the parts of a procedure -----------------------------------------------------------------------------

    def read(self, text: str) -> Procedure | None:
        if len(text) > LONGEST_TEXT:
            self.problems.append(Problem(1, "procedure_long", {"most": str(LONGEST_TEXT)}))
            return None
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.problems.append(Problem(mark.line + 1 if mark else 1, "procedure_unreadable", {"why": error.problem or ""}))
            return None
        except (yaml.YAMLError, RecursionError) as error:
            self.problems.append(Problem(1, "procedure_unreadable", {"why": str(error)[:80]}))
            return None
        if root is None:
            self.problems.append(Problem(1, "procedure_empty"))
            return None
        parts = self.mapping(
            root,
            (
                *("kind", "version", "names", "source", "chair", "departure", "stops_without_recording", "roles", "quorum", "consults"),
                *("centre", "stages"),
            ),
        )
        for name in ("kind", "version", "names", "chair", "roles", "stages"):
            if name not in parts:
                self.bad(root, "part_missing", part=name)
        if self.problems:
            return None
        kind = self.one_of(parts["kind"], KINDS)
        roles = self.roles(parts["roles"])
        stages, changes, rights = self.stages(parts["stages"], tuple(roles))
        chair = self.one_of(parts["chair"], tuple(roles) or ("",))
        self.whole(parts, stages, changes, rights, chair)
        if self.problems:
            return None
        marked = {mark: frozenset(role for role, about in roles.items() if mark in about["is"]) for mark in ROLE_MARKS}
        return Procedure(
            kind=kind,
            first=next(iter(stages)),
            last=next(name for name, stage in stages.items() if stage.status == "closed"),
            stages=MappingProxyType(stages),
            changes=MappingProxyType(changes),
            rights=MappingProxyType(rights),
            enters_at_once=marked["at_once"],
            bench=marked["bench"],
            awaited=marked["awaited"],
            consents=marked["consents"],
            apart=marked["apart"],
            identified=marked["identified"],
            seating=_seating(roles),
            chair=chair,
            quorum=self.quorum(parts.get("quorum"), tuple(roles)),
            consults=self.consults(parts.get("consults"), tuple(roles)),
            departure=cast("Departure", self.one_of(parts["departure"], DEPARTURES)) if "departure" in parts else "chair_decides",
            stops_without_recording=self.word(parts.get("stops_without_recording")) == "true",
            centre=frozenset(self.words(parts["centre"], CENTRE)) if "centre" in parts else CENTRE_USUAL,
            version=self.word(parts["version"]),
            names=self.names(parts["names"], root),
            source=self.word(parts.get("source")),
            role_sources=MappingProxyType({role: about["source"] for role, about in roles.items()}),
            order=tuple(roles),
            text=text,
        )

    def roles(self, node: yaml.Node) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, about in self.mapping(node, ROLES).items():
            parts = self.mapping(about, ("is", "seat", "source"))
            seat = self.one_of(parts["seat"], SEATS) if "seat" in parts else ""
            found[name] = {"is": self.words(parts.get("is"), ROLE_MARKS), "seat": seat, "source": self.word(parts.get("source"))}
        return found

    def stages(
        self, node: yaml.Node, roles: tuple[str, ...]
    ) -> tuple[dict[str, Stage], dict[str, tuple[str, ...]], dict[str, Mapping[str, Rights]]]:
        stages: dict[str, Stage] = {}
        changes: dict[str, tuple[str, ...]] = {}
        rights: dict[str, Mapping[str, Rights]] = {}
        given = self.mapping(node)
        if not 2 <= len(given) <= MOST_STAGES:
            self.bad(node, "stages_number", most=str(MOST_STAGES))
        for name, about in given.items():
            parts = self.mapping(about, ("names", "status", "is", "needs", "reasons", "next", "rights", "source"))
            if not _NAME.fullmatch(name):
                self.bad(about, "stage_name", word=name)
            for part in ("status", "next", "rights"):
                if part not in parts:
                    self.bad(about, "part_missing", part=part)
            marks = self.words(parts.get("is"), STAGE_MARKS)
            stages[name] = Stage(
                name,
                status=self.one_of(parts["status"], STATUSES) if "status" in parts else "live",
                recorded="recorded" in marks,
                recordable="recordable" in marks,
                private="private" in marks,
                observable="unobservable" not in marks and "private" not in marks,
                broadcast="broadcast" in marks,
                closes_sources="closes_sources" in marks,
                pause="pause" in marks,
                opinions="opinions" in marks,
                votes="votes" in marks,
                needs=cast("frozenset[Need]", frozenset(self.words(parts.get("needs"), cast("tuple[str, ...]", NEEDS)))),
                reasons=self.words(parts.get("reasons")),
                names=self.names(parts.get("names"), about),
                source=self.word(parts.get("source")),
            )
            changes[name] = self.words(parts.get("next"), tuple(given))
            rights[name] = self.rights(parts.get("rights"), roles)
            self.marks(about, stages[name], rights[name])
        return stages, changes, rights

    def rights(self, node: yaml.Node | None, roles: tuple[str, ...]) -> Mapping[str, Rights]:
        found: dict[str, Rights] = {}
        for role, letters in self.mapping(node, roles).items():
            try:
                found[role] = Rights.of(self.word(letters))
            except KeyError:
                self.bad(letters, "letters", letters=self.word(letters), known="".join(LETTERS))
        return MappingProxyType(found)

    def marks(self, node: yaml.Node, stage: Stage, rights: Mapping[str, Rights]) -> None:
        """What contradicts itself within one stage."""
        if stage.private and (stage.recorded or stage.recordable or stage.broadcast):
            self.bad(node, "private_recorded", stage=stage.name)
        if stage.private and any(r.speak and not r.see for r in rights.values()):
            # Whoever speaks into a closed phase without hearing it is no member of it.
            self.bad(node, "private_member", stage=stage.name)
        if stage.private and any(r.admit for r in rights.values()):
            self.bad(node, "private_admits", stage=stage.name)
        if stage.pause and stage.status != "recess":
            self.bad(node, "pause_status", stage=stage.name)

    def quorum(self, node: yaml.Node | None, roles: tuple[str, ...]) -> tuple[Quorum, ...]:
        found = []
        for each in node.value if isinstance(node, yaml.SequenceNode) else ():
            parts = self.mapping(each, ("roles", "least", "most", "source"))
            least, most = (self.number(parts.get(name), each) for name in ("least", "most"))
            if least is None or (most is not None and most < least):
                self.bad(each, "quorum")
                continue
            found.append(Quorum(frozenset(self.words(parts.get("roles"), roles)), least, most, self.word(parts.get("source"))))
        return tuple(found)

    def number(self, node: yaml.Node | None, of: yaml.Node) -> int | None:
        found = self.word(node)
        if found and not (found.isascii() and found.isdigit() and int(found) <= 1000):
            self.bad(node or of, "number", word=found)
            return None
        return int(found) if found else None

    def consults(self, node: yaml.Node | None, roles: tuple[str, ...]) -> tuple[frozenset[str], ...]:
        groups = node.value if isinstance(node, yaml.SequenceNode) else ()
        return tuple(frozenset(self.words(self.mapping(each, ("roles", "source")).get("roles"), roles)) for each in groups)

    def whole(
        self,
        parts: Mapping[str, yaml.Node],
        stages: Mapping[str, Stage],
        changes: Mapping[str, tuple[str, ...]],
        rights: Mapping[str, Mapping[str, Rights]],
        chair: str,
    ) -> None:
        """What contradicts itself between the stages: a sitting has to be able to begin, to go on and to end."""
        node = parts["stages"]
        ends = [name for name, stage in stages.items() if stage.status == "closed"]
        if len(ends) != 1 or (ends and (changes[ends[0]] or any(rights[ends[0]].values()))):
            self.bad(node, "one_end")
            return
        if stages and next(iter(stages.values())).status != "open":
            self.bad(node, "first_open")
        reached = {next(iter(stages), ""), *_from(next(iter(stages), ""), changes)}
        for name, about in self.mapping(node).items():
            stage = stages[name]
            if name not in reached:
                self.bad(about, "stage_unreached", stage=name)
            if stage.status != "closed" and not rights[name].get(chair, Rights()).direct:
                self.bad(about, "chair_directs", stage=name)
            if stage.status != "closed" and not stage.pause and ends[0] not in _from(name, changes):
                self.bad(about, "stage_endless", stage=name)


def _from(name: str, changes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Every stage that can be reached from one."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for following in changes.get(waiting.pop(), ()):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
                yield following


def _seating(roles: Mapping[str, Mapping[str, Any]]) -> Seating:
    at = {seat: tuple(role for role, about in roles.items() if about["seat"] == seat) for seat in SEATS}
    return Seating(at["bench"], *(frozenset(at[seat]) for seat in SEATS[1:]))
