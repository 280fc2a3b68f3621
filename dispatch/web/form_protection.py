"""What the form of a sitting says of minors and guardians, of who must not see or hear whom, and of who presides where several could."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dispatch.booking import protection
from dispatch.booking.protection import STAFF_WORDS, Pair
from dispatch.booking.roles import CLERK, Procedures, roles_for
from dispatch.store.tables import Sitting
from dispatch.web.request import Request, gettext, rows

_KEY = re.compile(r"p(\d{1,6})")
OFFERED = STAFF_WORDS[1:]
"""Fields of the form whose people may be one of a pair; whoever presides is kept from nobody."""


class Row(Protocol):
    """What is asked of a row of the form."""

    @property
    def word(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True)
class Choice:
    """Somebody of the form. `word`: what the form means him by; `words`: what he is called; `ward`: whether he can be guarded."""

    word: str
    words: str
    ward: bool


def typed_pairs(fields: Mapping[str, str]) -> tuple[Pair, ...]:
    """The pairs as they were sent; a line in which nobody was chosen is none."""
    found = ((line.get("one", ""), line.get("other", "")) for line in rows(fields, "apart"))
    return tuple(pair for pair in found if any(pair))


def with_pairs(pairs: tuple[Pair, ...], act: str) -> tuple[Pair, ...] | None:
    """The pairs with a line more ("add-pair") or less ("remove-pair-2"); None when `act` is neither."""
    if act == "add-pair":
        return (*pairs, ("", ""))
    number = act.removeprefix("remove-pair-")
    if act.startswith("remove-pair-") and number.isascii() and number.isdigit():
        return tuple(pair for place, pair in enumerate(pairs) if place != int(number))
    return None


def without(pairs: Iterable[Pair], word: str) -> tuple[Pair, ...]:
    """The pairs of all others."""
    return tuple(pair for pair in pairs if word not in pair)


def first_free(keys: Iterable[str], least: int) -> int:
    """A number that no key of a row has, nor any number up to it, and no less than `least`."""
    return max([least, *(int(found[1]) + 1 for key in keys if (found := _KEY.fullmatch(key)))])


def choices(
    request: Request, people: Sequence[Row], kind: str, staff: Mapping[str, str], named: Mapping[str, str], versions: Procedures
) -> list[Choice]:
    """Everybody who is in the form, but for whoever presides. `staff`: id → name; `named`: field → the id that is chosen in it."""
    _, guarded = gettext(request), protection.wards(kind, versions)
    found = [
        Choice(field, f"{staff[named[field]]} · {_('role.' + field.removesuffix('_id'))}", False)
        for field in OFFERED
        if named.get(field) in staff
    ]
    for row in people:
        name = row.name or staff.get(row.user_id, "")
        if name:
            found.append(Choice(row.word, f"{name} · {_('role.' + row.role)}", not row.user_id and row.role in guarded))
    return found


def presiding_roles(kind: str, versions: Procedures) -> tuple[str, ...]:
    """The roles of rows from which one may be taken to preside: others of the bench."""
    procedure = versions.get(kind)
    return tuple(role for role in roles_for(kind, versions) if procedure is not None and role in procedure.bench and role != CLERK)


@dataclass(frozen=True)
class Protected:
    """What a sitting's page tells of it, to whoever keeps the booking or presides."""

    guards: Mapping[str, str]
    """id of a guardian → name of whom he guards"""
    minors: frozenset[str]
    pairs: tuple[tuple[str, str], ...]


def of_sitting(sitting: Sitting) -> Protected:
    """In names."""
    names = {person.id: person.name for person in sitting.participants}
    order, kept = list(names), [(pair.one_id, pair.other_id) for pair in sitting.apart]
    pairs = (sorted(pair, key=order.index) for pair in kept if names.keys() >= set(pair))
    return Protected(
        {person.id: names[person.guards_id] for person in sitting.participants if person.guards_id in names},
        frozenset(person.id for person in sitting.participants if person.minor),
        tuple((names[one], names[other]) for one, other in pairs),
    )
