"""Who may take part in a kind of sitting, as its procedure says: who presides, which roles a row may have, how many there must be. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from dispatch.errors import FieldError
from rooms.procedure import PROCEDURES, Procedure

Procedures = Mapping[str, Procedure]
"""By kind, the version by which the unit holds it."""
CLERK, PROSECUTOR = "clerk", "prosecutor"
"""Roles that have a field of their own in the form."""
PRESIDES: Mapping[str, tuple[str, ...]] = {"remote_court": ("judge",)}
"""Kind → roles of the accounts that may preside; of every other kind a prosecutor does, or a judge where a court holds it (Organic Law
of the People's Courts, art. 30; rules of public hearings, 2020, art. 13; Rules of Criminal Procedure of the Procuratorates, art. 182)."""
_OTHERS = ("prosecutor", "judge")
PRESIDENTS = ("judge", "prosecutor")
"""Roles of accounts that may preside something."""


def chair_role(kind: str, procedures: Procedures = PROCEDURES) -> str:
    """The role in which one presides; of a kind that cannot be held, a judge's."""
    procedure = procedures.get(kind)
    return procedure.chair if procedure is not None else "judge"


def accounts_that_preside(kind: str) -> tuple[str, ...]:
    """The roles of the members of the staff who may preside."""
    return PRESIDES.get(kind, _OTHERS)


def has_role(kind: str, role: str, procedures: Procedures = PROCEDURES) -> bool:
    """Whether somebody can take part in that role; of a kind that cannot be held nobody knows."""
    procedure = procedures.get(kind)
    return procedure is None or role in procedure.roles


def roles_for(kind: str, procedures: Procedures = PROCEDURES) -> tuple[str, ...]:
    """Roles that a row of the form may have, in the order of the procedure. Who presides and the clerk have fields of their own; a
    second one who does what the chair does is a row where the procedure counts them (two interrogators)."""
    procedure = procedures.get(kind)
    if procedure is None:
        return ()
    several = any(procedure.chair in quorum.roles for quorum in procedure.quorum)
    order = procedure.order or tuple(procedure.rights[procedure.first])
    return tuple(role for role in order if role != CLERK and (several or role != procedure.chair))


def quorum_problems(
    kind: str, roles: Iterable[str], procedures: Procedures = PROCEDURES, *, field: str = "participants", least: bool = True
) -> Iterator[FieldError]:
    """Where there are too many of a role, or with `least` too few. `roles`: of all who take part, each as often as it is there."""
    procedure = procedures.get(kind)
    present = Counter(roles)
    for quorum in procedure.quorum if procedure is not None else ():
        found = sum(present[role] for role in quorum.roles)
        data = {"roles": sorted(quorum.roles), "present": found}
        if least and found < quorum.least:
            yield (field, "quorum_few", data | {"least": quorum.least})
        elif quorum.most is not None and found > quorum.most:
            yield (field, "quorum_many", data | {"most": quorum.most})
