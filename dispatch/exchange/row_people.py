"""Who takes part in a sitting that a row of a file describes: people in their roles, minors, guardians, who is kept from whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dispatch.booking import protection, templates
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import Pair
from dispatch.booking.roles import Procedures, accounts_that_preside, has_role, roles_for
from dispatch.errors import FieldError
from rooms.procedure import PROCEDURES

STAFF = ("judge", "clerk", "prosecutor")
"""Roles of accounts that a file may name."""
_COLUMN = {"chair_id": "chair", "clerk_id": "clerk", "prosecutor_id": "prosecutor"}


@dataclass(frozen=True, slots=True)
class Known:
    """Rooms and people by the names that a file may give them; a name that two have names nobody. `procedures`: the versions in force."""

    rooms: Mapping[str, str]
    people: Mapping[str, Mapping[str, str]]
    """role of the account → name → id"""
    emails: Mapping[str, tuple[str, str]]
    """address → role and id of a member of the staff"""
    procedures: Procedures

    def of_name(self, name: str, accounts: Iterable[str]) -> str:
        """The id of the one member of the staff with such an account whom a name means, "" where there is none or more."""
        found = {self.people[role][name.casefold()] for role in accounts if name.casefold() in self.people.get(role, {})}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a row. `staff`: field of the form → id."""

    staff: Mapping[str, str]
    participants: tuple[ParticipantDraft, ...]
    apart: tuple[Pair, ...]


def cast(
    fields: Mapping[str, str], kind: str, known: Known, role_words: Mapping[str, str], given: Mapping[str, str], errors: list[FieldError]
) -> Cast:
    """What the row says. `given`: by field, of rows that name nobody; what names nothing here is added to `errors` at its column."""
    people, invited = _participants(fields, kind, known, role_words, errors)
    staff = _staff(fields, kind, known, invited, given, errors)
    names = _names(people, staff, known, fields)
    return Cast(staff, _protected(people, fields, names, errors), _pairs(fields, names, errors))


def default_role(kind: str, procedures: Procedures = PROCEDURES) -> str:
    """The role of somebody of whom a file says none: a party's, or that of whom the kind is about."""
    standard = templates.standard(kind).roles
    return "party" if "party" in roles_for(kind, procedures) or not standard else standard[0]


def column_of(field: str) -> str:
    """The column that a field of the form comes from, where it is one of people."""
    head, _, tail = field.partition(".")
    if head == "participants" and tail.endswith((".guards", ".minor")):
        return "guardians" if tail.endswith(".guards") else "minors"
    return _COLUMN.get(head, head)


def parts(cell: str) -> list[str]:
    """What semicolons part."""
    return [part.strip() for part in re.split(r"[;；\n]", cell) if part.strip()]


def _participants(
    fields: Mapping[str, str], kind: str, known: Known, role_words: Mapping[str, str], errors: list[FieldError]
) -> tuple[list[ParticipantDraft], dict[str, str]]:
    """The participants of the cell, or those invited to a calendar's entry; of these, staff by their addresses (role → id)."""
    people: list[ParticipantDraft] = []
    staff: dict[str, str] = {}
    usual = default_role(kind, known.procedures)
    procedure = known.procedures.get(kind)
    bench = procedure.bench if procedure is not None else frozenset()
    for text in parts(fields.get("participants", "")):
        name, said, phone, email, seat = ([*(part.strip() for part in re.split(r"[|｜]", text)), "", "", "", ""])[:5]
        role = role_words.get(said.casefold(), "") if said else usual
        if not role:
            errors.append(("participants", "role_unknown", {"role": said}))
        user_id = known.of_name(name, STAFF) if role in bench else ""
        where = "room" if seat.casefold() in ("room", "现场") else "link"
        people.append(ParticipantDraft(name, role or usual, phone, where, user_id=user_id, email="" if user_id else email))
    for text in filter(None, fields.get("attendees", "").split(";")):
        name, _, email = text.partition("|")
        account, user_id = known.emails.get(email.casefold(), ("", ""))
        if account in STAFF and account not in staff:
            staff[account] = user_id
        elif not account:
            people.append(ParticipantDraft(name, usual, email=email))
    return [replace(row, key=f"p{number}") for number, row in enumerate(people)], staff


def _staff(
    fields: Mapping[str, str],
    kind: str,
    known: Known,
    invited: Mapping[str, str],
    given: Mapping[str, str],
    errors: list[FieldError],
) -> dict[str, str]:
    accounts = {"chair_id": accounts_that_preside(kind), "clerk_id": ("clerk",), "prosecutor_id": ("prosecutor",)}
    found: dict[str, str] = {}
    for field, roles in accounts.items():
        free = (invited[role] for role in roles if role in invited and invited[role] not in found.values())
        knows = field != "prosecutor_id" or has_role(kind, "prosecutor", known.procedures)
        found[field] = next(free, given.get(field, "")) if knows else ""
        if said := fields.get(_COLUMN[field], ""):
            found[field] = known.of_name(said, roles)
            if not found[field]:
                errors.append((_COLUMN[field], "import_unknown", {"name": said}))
    return found


def _names(people: Sequence[ParticipantDraft], staff: Mapping[str, str], known: Known, fields: Mapping[str, str]) -> dict[str, str]:
    """Name → the word by which the form means whoever has it, "" where two have it."""
    found: dict[str, str] = {}
    named = {fields[column].casefold(): field for field, column in _COLUMN.items() if fields.get(column)}
    for account in known.people.values():
        named |= {name: field for name, user_id in account.items() for field, chosen in staff.items() if user_id and user_id == chosen}
    for name, word in (*named.items(), *((row.name.casefold(), row.key) for row in people)):
        found[name] = "" if found.get(name, word) != word else word
    return found


def _meant(name: str, column: str, names: Mapping[str, str], errors: list[FieldError]) -> str:
    word = names.get(name.casefold(), "")
    if name and not word:
        errors.append((column, "import_person", {"name": name}))
    return word


def _protected(
    people: list[ParticipantDraft], fields: Mapping[str, str], names: Mapping[str, str], errors: list[FieldError]
) -> tuple[ParticipantDraft, ...]:
    minors = {_meant(name, "minors", names, errors) for name in parts(fields.get("minors", ""))}
    guards: dict[str, str] = {}
    for text in parts(fields.get("guardians", "")):
        guardian, ward = _two(text)
        word, of = _meant(guardian, "guardians", names, errors), _meant(ward, "guardians", names, errors)
        if word:
            guards[word] = of
    return tuple(replace(row, minor=row.key in minors, guards=guards.get(row.key, "")) for row in _bound(people, guards))


def _bound(people: Sequence[ParticipantDraft], guards: dict[str, str]) -> Sequence[ParticipantDraft]:
    """A guardian of whom nothing is said guards the only one there is to be guarded."""
    wards = [row.key for row in people if row.role in protection.WARDS and not row.user_id]
    for row in people:
        if row.role == protection.GUARDIAN and row.key not in guards and len(wards) == 1:
            guards[row.key] = wards[0]
    return people


def _pairs(fields: Mapping[str, str], names: Mapping[str, str], errors: list[FieldError]) -> tuple[Pair, ...]:
    found = []
    for text in parts(fields.get("apart", "")):
        one, other = _two(text)
        if not one or not other:
            errors.append(("apart", "apart_both", {}))
            continue
        pair = (_meant(one, "apart", names, errors), _meant(other, "apart", names, errors))
        if all(pair):
            found.append(pair)
    return tuple(found)


def _two(text: str) -> tuple[str, str]:
    one, _, other = re.sub(r"[｜↔→>]", "|", text).partition("|")
    return one.strip(), other.strip()
