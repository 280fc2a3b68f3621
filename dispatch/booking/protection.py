"""Who is protected in a sitting: minors and whoever guards them, and who must not see or hear whom. Pure.

Within a form people are told apart by a word: the id of a participant who is there already, the `key` of a row that is new, and
of the staff that have a field of their own the name of that field (:data:`STAFF_WORDS`).
Source: Criminal Procedure Law art. 281 (guardian or appropriate adult of a minor), art. 64 (protection of witnesses and victims);
Rules of Online Litigation of the People's Courts (2021), art. 26.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.roles import Procedures
from dispatch.errors import FieldError
from rooms.procedure import PROCEDURES

Pair = tuple[str, str]
"""Two people by their words."""
CHAIR = "chair_id"
STAFF_WORDS = (CHAIR, "clerk_id", "prosecutor_id")
GUARDIAN = "guardian"
"""The role of a guardian or appropriate adult."""
WARDS = ("party", "petitioner", "suspect", "witness")
"""Roles in which a minor, or somebody else who is guarded, takes part."""
MOST_PAIRS = 40
UNGUARDED = "unguarded"
"""The rule that a minor does not take part without his guardian; who books against it says why (:mod:`dispatch.booking.allowed`)."""


def wards(kind: str, procedures: Procedures = PROCEDURES) -> tuple[str, ...]:
    """The roles of a kind in which somebody can be a minor or be guarded; none where the kind knows no guardian."""
    procedure = procedures.get(kind)
    if procedure is None or GUARDIAN not in procedure.roles:
        return ()
    return tuple(role for role in WARDS if role in procedure.roles)


def words_of(row: ParticipantDraft) -> tuple[str, ...]:
    """The words by which a row is meant."""
    return tuple(word for word in (row.id, row.key) if word)


def by_word(rows: Iterable[ParticipantDraft]) -> dict[str, int]:
    """Word → place in `rows`, who presides first. A word that two rows have means the first."""
    found: dict[str, int] = {}
    for place, row in enumerate(rows):
        for word in words_of(row):
            found.setdefault(word, place)
    return found


def problems(
    rows: Sequence[ParticipantDraft], pairs: Sequence[Pair], before: int, kind: str, procedures: Procedures = PROCEDURES
) -> Iterator[FieldError]:
    """What is wrong with guardians and pairs: at "participants.<n>.guards", ".minor" and ".key", and at "apart.<n>". `rows`: all who take
    part; `before`: how many of them come before the form's own rows."""
    known, guarded = by_word(rows), wards(kind, procedures)
    for place, row in enumerate(rows):
        field = f"participants.{place - before}."
        earlier = [rows[known[word]] for word in words_of(row) if known[word] != place]
        if any(not row.id or other.id != row.id for other in earlier):  # who is there twice, draft.py says at his name
            yield (field + "key", "key_twice", {})
        if row.minor and (row.user_id or row.role not in guarded):
            yield (field + "minor", "minor_role", {"roles": list(guarded)})
        if code := _wrong_guardian(row, place, rows, known, guarded):
            yield (field + "guards", code, {"roles": list(guarded)})
    yield from _wrong_pairs(rows, pairs, known)


def unguarded(rows: Sequence[ParticipantDraft]) -> tuple[ParticipantDraft, ...]:
    """The minors whom nobody guards."""
    known = by_word(rows)
    cared_for = {known.get(row.guards) for row in rows if row.role == GUARDIAN and row.guards}
    return tuple(row for place, row in enumerate(rows) if row.minor and place not in cared_for)


def differs(
    former: Sequence[ParticipantDraft], former_pairs: Iterable[Pair], latter: Sequence[ParticipantDraft], latter_pairs: Iterable[Pair]
) -> bool:
    """Whether minors, guardians or pairs become different among those who were there and stay; who is new, or leaves, changes nothing."""
    before, after = (_of_those_who_stay(rows, pairs, former, latter) for rows, pairs in ((former, former_pairs), (latter, latter_pairs)))
    return before != after


def _of_those_who_stay(
    rows: Sequence[ParticipantDraft], pairs: Iterable[Pair], former: Sequence[ParticipantDraft], latter: Sequence[ParticipantDraft]
) -> set[tuple[str, ...]]:
    staying = {word for row in former for word in words_of(row)} & {word for row in latter for word in words_of(row)}
    mine = [row for row in rows if not staying.isdisjoint(words_of(row))]
    facts: set[tuple[str, ...]] = {ordered(*pair) for pair in pairs if staying.issuperset(pair)}
    facts |= {("minor", words_of(row)[0]) for row in mine if row.minor}
    return facts | {("guards", words_of(row)[0], row.guards) for row in mine if row.guards in staying}


def ordered(one: str, other: str) -> Pair:
    """A pair as it is kept: the lesser id first."""
    return (one, other) if one < other else (other, one)


def _wrong_guardian(
    row: ParticipantDraft, place: int, rows: Sequence[ParticipantDraft], known: Mapping[str, int], guarded: Sequence[str]
) -> str:
    """The code of what is wrong with whom a row guards, "" for nothing."""
    if row.role != GUARDIAN:
        return "guards_role" if row.guards else ""
    if not row.guards:
        return "guards_missing"
    ward = known.get(row.guards)
    if ward is None:
        return "guards_unknown"
    if ward == place:
        return "guards_himself"
    if rows[ward].role == GUARDIAN:
        return "guards_guardian"
    return "guards_ward" if rows[ward].user_id or rows[ward].role not in guarded else ""


def _wrong_pairs(rows: Sequence[ParticipantDraft], pairs: Sequence[Pair], known: Mapping[str, int]) -> Iterator[FieldError]:
    if len(pairs) > MOST_PAIRS:
        yield ("apart", "apart_many", {"most": MOST_PAIRS})
    guards = {(place, known.get(row.guards)) for place, row in enumerate(rows) if row.role == GUARDIAN and row.guards}
    present: set[frozenset[int]] = set()
    for number, (one, other) in enumerate(pairs):
        field, first, second = f"apart.{number}", known.get(one), known.get(other)
        if not one or not other:
            yield (field, "apart_both", {})
        elif first is None or second is None:
            yield (field, "apart_unknown", {})
        elif first == second:
            yield (field, "apart_himself", {})
        elif 0 in (first, second):
            yield (field, "apart_chair", {})
        elif frozenset((first, second)) in present:
            yield (field, "apart_twice", {})
        elif (first, second) in guards or (second, first) in guards:
            yield (field, "apart_guardian", {})
        else:
            present.add(frozenset((first, second)))
