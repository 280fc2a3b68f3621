"""A sitting as typed by the clerk, and everything that can be wrong with it without looking at the database. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dispatch.booking import protection
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import CHAIR, STAFF_WORDS, Pair
from dispatch.booking.roles import CLERK, PROSECUTOR, Procedures, chair_role, has_role, quorum_problems, roles_for
from dispatch.errors import FieldError
from dispatch.notices.addresses import is_email
from dispatch.typed import is_phone, tidy
from rooms.procedure import PROCEDURES

if TYPE_CHECKING:
    from dispatch.store.tables import Participant, Sitting

SHORTEST = timedelta(minutes=10)
LONGEST = timedelta(hours=12)
FURTHEST = timedelta(days=730)
"""How far ahead a sitting can be booked; further is a slip of the pen."""
MOST_PARTICIPANTS = 20
MOST_ROOMS = 10
MOST_EQUIPMENT = 30
LONGEST_NUMBER = 80
LONGEST_TITLE = 200
LONGEST_NAME = 80
LONGEST_REASON = 200

SEATS = ("link", "room")

_YEAR = re.compile(r"^[(\[〔【（](\d{4})[)\]〕】）]")


@dataclass(frozen=True, slots=True)
class SittingDraft:
    """The form. Times are aware; None where the clerk typed no time. An empty `title` means the case's."""

    case_number: str
    title: str
    room_id: str
    starts_at: datetime | None
    ends_at: datetime | None
    chair_id: str
    clerk_id: str = ""
    participants: tuple[ParticipantDraft, ...] = ()
    case_title: str = ""
    prosecutor_id: str = ""
    kind: str = "remote_court"
    rooms: tuple[str, ...] = ()
    """ids of all rooms that are held; `room_id` is the first, whether it is named here or not"""
    equipment: tuple[str, ...] = ()
    """ids of equipment that moves, and of custody slots"""
    override_reason: str = ""
    """why it is to be outside working hours, on a day off, at short notice or with a minor whom nobody guards all the same"""
    apart: tuple[Pair, ...] = ()
    """who must not see or hear whom"""

    @property
    def room_ids(self) -> tuple[str, ...]:
        """All rooms, the first in front, each once."""
        return tuple(dict.fromkeys(each for each in (self.room_id, *self.rooms) if each))

    @property
    def user_ids(self) -> tuple[str, ...]:
        """All members of the staff who take part, each once: the bench, the clerk, the prosecutor, then the form's rows."""
        named = (self.chair_id, self.clerk_id, self.prosecutor_id, *(row.user_id for row in self.participants))
        return tuple(dict.fromkeys(each for each in named if each))


def normal_case_number(number: str) -> str:
    """A case number in its one form: full-width brackets round the year, half-width digits, no spaces, nothing invisible:
    （2026）京0105刑初1024号."""
    plain = unicodedata.normalize("NFKC", tidy(number))
    visible = "".join(sign for sign in plain if sign.isprintable() and not sign.isspace())
    # Again: what was taken out may have stood between the parts of one sign.
    return _YEAR.sub(r"（\1）", unicodedata.normalize("NFKC", visible))


def title_of(draft: SittingDraft) -> str:
    """What the sitting is called: its own title, or the case's."""
    return tidy(draft.title) or tidy(draft.case_title)


def staff_of(sitting: Sitting) -> dict[str, Participant]:
    """Field of the form → the participant who is named in it."""
    people = list(sitting.participants)
    found = {CHAIR: next((person for person in people if person.presides and person.user_id), None)}
    for field, role in (("clerk_id", CLERK), ("prosecutor_id", PROSECUTOR)):
        found[field] = next((person for person in people if person.role == role and person.user_id and person is not found[CHAIR]), None)
    return {field: person for field, person in found.items() if person is not None}


def words_of(sitting: Sitting) -> dict[str, str]:
    """Id of each participant who has a field of his own in the form → that field; all others are meant by their ids."""
    return {person.id: field for field, person in staff_of(sitting).items()}


def presided_by(draft: SittingDraft, user_id: str) -> SittingDraft:
    """The form with another member of the staff who presides. Where he had a row, whoever presided takes it."""
    row = next((each for each in draft.participants if each.user_id and each.user_id == user_id), None)
    if row is None or not draft.chair_id:
        return replace(draft, chair_id=user_id)
    former = ParticipantDraft("", row.role, user_id=draft.chair_id)
    own = {row.id, row.key} - {""}
    return replace(
        draft,
        chair_id=user_id,
        participants=tuple(former if each is row else each for each in draft.participants),
        apart=tuple((CHAIR if one in own else one, CHAIR if other in own else other) for one, other in draft.apart),
    )


def draft_of(sitting: Sitting) -> SittingDraft:
    """The form of a sitting that is there already; saved as it is it changes nothing."""
    people, staff = list(sitting.participants), staff_of(sitting)
    chair, clerk, prosecutor = (staff.get(field) for field in STAFF_WORDS)
    words = words_of(sitting)
    return SittingDraft(
        case_number=sitting.case.number,
        case_title=sitting.case.title,
        title=sitting.title,
        room_id=sitting.room.id,
        starts_at=sitting.starts_at,
        ends_at=sitting.ends_at,
        chair_id=(chair and chair.user_id) or "",
        clerk_id=(clerk and clerk.user_id) or "",
        prosecutor_id=(prosecutor and prosecutor.user_id) or "",
        participants=tuple(
            ParticipantDraft(
                name=p.name,
                role=p.role,
                phone=p.phone,
                seat=p.seat,
                id=p.id,
                user_id=p.user_id or "",
                email=p.email,
                minor=p.minor,
                guards=words.get(p.guards_id, p.guards_id),
            )
            for p in people
            if p not in (chair, clerk, prosecutor)
        ),
        kind=sitting.kind,
        rooms=tuple(room.id for room in sitting.rooms),
        equipment=tuple(each.id for each in sitting.equipment),
        override_reason=sitting.booking.override_reason,
        apart=tuple(_in_order(sitting, words)),
    )


def _in_order(sitting: Sitting, words: Mapping[str, str]) -> list[Pair]:
    """The pairs, each and all in the order of the participants; they are kept by their ids."""
    place = {person.id: number for number, person in enumerate(sitting.participants)}
    pairs = [sorted((pair.one_id, pair.other_id), key=lambda one: place.get(one, len(place))) for pair in sitting.apart]
    pairs.sort(key=lambda pair: [place.get(one, len(place)) for one in pair])
    return [(words.get(one, one), words.get(other, other)) for one, other in pairs]


def problems(draft: SittingDraft, now: datetime, procedures: Procedures = PROCEDURES) -> list[FieldError]:
    """Every bad field of the draft. `procedures`: the versions by which the unit holds its sittings."""
    return [*_case(draft), *_times(draft, now), *_people(draft, procedures)]


def rows_of(draft: SittingDraft, procedures: Procedures = PROCEDURES) -> list[ParticipantDraft]:
    """All who take part, in their order: who presides, the clerk, the prosecutor, then the form's rows."""
    rows = [ParticipantDraft("", chair_role(draft.kind, procedures), user_id=draft.chair_id, key=CHAIR)]
    if draft.clerk_id:
        rows.append(ParticipantDraft("", CLERK, user_id=draft.clerk_id, key="clerk_id"))
    if draft.prosecutor_id:
        rows.append(ParticipantDraft("", PROSECUTOR, user_id=draft.prosecutor_id, key="prosecutor_id"))
    return [*rows, *draft.participants]


def _text(field: str, text: str, longest: int, *, required: bool = True) -> Iterator[FieldError]:
    if required and not tidy(text):
        yield (field, "required", {})
    elif len(tidy(text)) > longest:
        yield (field, "too_long", {"most": longest})


def _case(draft: SittingDraft) -> Iterator[FieldError]:
    number = normal_case_number(draft.case_number)
    yield from _text("case_number", number, LONGEST_NUMBER)
    if number and not re.search(r"\d", number):
        yield ("case_number", "case_number_shape", {})
    yield from _text("case_title", draft.case_title, LONGEST_TITLE, required=False)
    yield from _text("title", draft.title, LONGEST_TITLE, required=False)
    if not title_of(draft):
        yield ("title", "title_missing", {})
    if draft.kind not in PROCEDURES:
        yield ("kind", "kind_unknown", {"kind": draft.kind})


def _times(draft: SittingDraft, now: datetime) -> Iterator[FieldError]:
    if not draft.room_id:
        yield ("room_id", "required", {})
    if len(draft.room_ids) > MOST_ROOMS:
        yield ("rooms", "rooms_many", {"most": MOST_ROOMS})
    if len(draft.equipment) > MOST_EQUIPMENT:
        yield ("equipment", "equipment_many", {"most": MOST_EQUIPMENT})
    yield from _text("override_reason", draft.override_reason, LONGEST_REASON, required=False)
    if draft.starts_at is None:
        yield ("starts_at", "required", {})
    if draft.ends_at is None:
        yield ("ends_at", "required", {})
    if draft.starts_at is not None and draft.ends_at is not None:
        yield from span_problems(draft.starts_at, draft.ends_at, now)


def span_problems(starts_at: datetime, ends_at: datetime, now: datetime) -> Iterator[FieldError]:
    """What is wrong with a span of time for a sitting."""
    length = (ends_at - now) - (starts_at - now)  # of two times in one zone Python takes what lies between on the wall clock
    if length < SHORTEST:
        yield ("ends_at", "too_short", {"least": int(SHORTEST.total_seconds() // 60)})
    elif length > LONGEST:
        yield ("ends_at", "too_much_time", {"most": int(LONGEST.total_seconds() // 3600)})
    if ends_at <= now:
        yield ("starts_at", "in_the_past", {})
    elif starts_at > now + FURTHEST:
        yield ("starts_at", "too_far", {})


def _people(draft: SittingDraft, procedures: Procedures) -> Iterator[FieldError]:
    if not draft.chair_id:
        yield ("chair_id", "required", {})
    elif draft.chair_id == draft.clerk_id:
        yield ("clerk_id", "person_twice", {})
    if draft.prosecutor_id and draft.prosecutor_id in (draft.chair_id, draft.clerk_id):
        yield ("prosecutor_id", "person_twice", {})
    for field, named, role in (("clerk_id", draft.clerk_id, CLERK), ("prosecutor_id", draft.prosecutor_id, PROSECUTOR)):
        if named and not has_role(draft.kind, role, procedures):
            yield (field, "role_not_in_kind", {"roles": [role]})
    if not draft.participants:
        yield ("participants", "participants_none", {})
    if len(draft.participants) > MOST_PARTICIPANTS:
        yield ("participants", "participants_many", {"most": MOST_PARTICIPANTS})
    staff = {draft.chair_id, draft.clerk_id, draft.prosecutor_id} - {""}
    present: set[str] = set()
    for number, row in enumerate(draft.participants):
        place = f"participants.{number}."
        yield from row_problems(row, place, draft.kind, procedures)
        if row.user_id in staff or row.id in present:
            yield (place + "name", "person_twice", {})
        staff |= {row.user_id} - {""}
        present |= {row.id} - {""}
    everybody = rows_of(draft, procedures)
    if draft.participants:
        yield from quorum_problems(draft.kind, (row.role for row in everybody), procedures)
    yield from protection.problems(everybody, draft.apart, len(everybody) - len(draft.participants), draft.kind, procedures)


def row_problems(row: ParticipantDraft, place: str, kind: str, procedures: Procedures = PROCEDURES) -> list[FieldError]:
    """Every bad field of one row; `place` goes before the field's name."""
    found = list(_text(place + "name", row.name, LONGEST_NAME, required=not row.user_id))
    if not row.role:
        found.append((place + "role", "required", {}))
    elif kind in procedures and row.role not in roles_for(kind, procedures):
        found.append((place + "role", "role_unknown", {"role": row.role}))
    if row.phone.strip() and not is_phone(row.phone):
        found.append((place + "phone", "phone_shape", {}))
    if row.email.strip() and not is_email(row.email):
        found.append((place + "email", "email_shape", {}))
    if row.seat not in SEATS:
        found.append((place + "seat", "required", {}))
    return found
