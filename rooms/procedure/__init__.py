"""Procedures as data: roles, stages and the rights of each role in each stage. A file of kinds/ is a version of one kind of sitting."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from rooms.procedure.model import NOTHING, Procedure, Rights, Stage, intersection
from rooms.procedure.reading import KINDS, Problem, ProcedureRefused, read_procedure


def _shipped() -> Mapping[tuple[str, str], Procedure]:
    found = (read_procedure(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.iterdir(), key=str) if file.name.endswith(".yaml"))
    return MappingProxyType({(each.kind, each.version): each for each in found})


_FOLDER = files(__name__) / "kinds"
SHIPPED = _shipped()
"""Every version that comes with the program, by kind and version."""
PROCEDURES: Mapping[str, Procedure] = MappingProxyType(
    {kind: max((each for each in SHIPPED.values() if each.kind == kind), key=lambda each: each.version) for kind in KINDS}
)
"""Every kind of sitting that can be held, in its newest version that comes with the program: by it a unit holds the kind that has
adopted no other."""
BRIEF_COURT = SHIPPED["remote_court", "2025-1"]
"""A court in four stages: what every sitting was held by before logs said by which version."""


def procedure_of(text: str) -> Procedure:
    """The version that a sitting is held by, from what its log keeps of it; raises ProcedureRefused."""
    return read_procedure(text) if text else BRIEF_COURT


__all__ = [
    "BRIEF_COURT",
    "NOTHING",
    "PROCEDURES",
    "SHIPPED",
    "Problem",
    "Procedure",
    "ProcedureRefused",
    "Rights",
    "Stage",
    "intersection",
    "procedure_of",
    "read_procedure",
]
