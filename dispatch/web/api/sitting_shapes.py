"""What the API shows of a sitting, and what it takes to book, move, change and cancel one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from dispatch.booking.draft import (
    LONGEST_NUMBER,
    LONGEST_REASON,
    LONGEST_TITLE,
    MOST_EQUIPMENT,
    MOST_PARTICIPANTS,
    MOST_ROOMS,
    SittingDraft,
    draft_of,
    presided_by,
    words_of,
)
from dispatch.booking.orders import Order
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import MOST_PAIRS
from dispatch.store.tables import Sitting, User
from dispatch.web.access import CLERK
from dispatch.web.api.paging import Page, Paging
from dispatch.web.api.participant_shapes import ParticipantView, PlannedParticipant, Word
from dispatch.web.api.values import (
    Asked,
    Change,
    Day,
    Given,
    Id,
    IdOrNone,
    Moment,
    Resource,
    Shown,
    left_out,
    local,
    local_or_none,
)
from dispatch.web.api.versions import IfMatch
from rooms.procedure import PROCEDURES

BookingState = Literal["tentative", "requested", "confirmed", "cancelled"]
Status = Literal["planned", "open", "live", "recess", "closed", "cancelled"]
_KIND: JsonDict = {"enum": list(PROCEDURES)}
_NUMBER = "As on paper, for instance （2026）京0105民初31号; brackets and spaces are put right."
_CASE_TITLE = "Title of the case where the number is a new one; a case that is known keeps its own."
_ROOMS = "All rooms that it holds; `room_id` is the first of them, whether it is named here or not."
_EQUIPMENT = "Ids of equipment, custody slots, interpreters and judicial police that it holds."
_OVERRIDE = (
    "Why it is to be outside working hours, on a day off, at short notice or with a minor without his guardian all the same; without it"
    " such a booking is refused."
)
APART = "Who must not see or hear whom. All pairs that there are to be; another list takes the place of the former."
_TITLE = "What the sitting is called; empty: as the case."


class KeptApart(Given):
    """Two people who must not see or hear each other, in no stage and at no device. Each is the id of a participant, the `key` of one who
    is new in the same request, or `clerk_id` or `prosecutor_id` for whoever is named there. Whoever presides is kept from nobody."""

    one: Word
    other: Word


class CaseView(Shown):
    """The case that a sitting is about."""

    number: str
    title: str


class RoomName(Shown):
    """A room by its names."""

    id: Id
    name: str
    name_en: str


Means = Literal["equipment", "custody", "interpreter", "police"]


class EquipmentName(Shown):
    """Equipment, a slot of a custody place, an interpreter or somebody of the judicial police, by name."""

    id: Id
    kind: Means
    name: str
    name_en: str


class SittingView(Resource):
    """A sitting: a case, rooms and a time, and who takes part. Times carry the offset of the court's time zone."""

    id: Id
    kind: str
    status: Status = Field(
        description="planned, open (people wait to be admitted), live, recess, closed, or cancelled. It follows the hearing itself."
    )
    case: CaseView
    title: str
    room: RoomName = Field(description="The first of the rooms.")
    rooms: list[RoomName] = Field(description="All rooms that it holds, in order.")
    equipment: list[EquipmentName] = Field(description="Equipment, custody slots, interpreters and judicial police that it holds.")
    booking: BookingState = Field(
        description="tentative (lapses unless it is confirmed), requested (somebody has to approve it), confirmed or cancelled."
    )
    override_reason: str = Field(description="Why it is outside working hours, on a day off or at short notice; empty where it is not.")
    held_until: Moment | None = Field(description="When a tentative booking lapses; null for any other.")
    series_id: str | None = Field(description="Of the series that it is one of; null where it is in none.")
    occurrence: str | None = Field(description="Which of the series it is: the wall time at which the rule puts it.")
    starts_at: Moment
    ends_at: Moment
    opened_at: Moment | None = Field(description="When the hearing was opened.")
    closed_at: Moment | None
    cancel_reason: str
    created_at: Moment
    participants: list[ParticipantView]
    apart: list[KeptApart] | None = Field(
        description="Who must not see or hear whom, by ids of participants; null for programs that keep no bookings."
    )

    @classmethod
    def of(cls, sitting: Sitting, now: datetime, zone: ZoneInfo) -> SittingView:
        """All there is to show."""
        rooms = [RoomName(id=room.id, name=room.name, name_en=room.name_en) for room in sitting.rooms]
        return cls(
            id=sitting.id,
            kind=sitting.kind,
            status=cast("Status", sitting.status),
            case=CaseView(number=sitting.case.number, title=sitting.case.title),
            title=sitting.title,
            room=rooms[0],
            rooms=rooms,
            equipment=[
                EquipmentName(id=each.id, kind=cast("Means", each.kind), name=each.name, name_en=each.name_en) for each in sitting.equipment
            ],
            booking=cast("BookingState", sitting.booking.state),
            override_reason=sitting.booking.override_reason,
            held_until=local_or_none(sitting.booking.held_until, zone) if sitting.booking.state == "tentative" else None,
            series_id=sitting.series_id,
            occurrence=sitting.occurrence or None,
            starts_at=local(sitting.starts_at, zone),
            ends_at=local(sitting.ends_at, zone),
            opened_at=local_or_none(sitting.opened_at, zone),
            closed_at=local_or_none(sitting.closed_at, zone),
            cancel_reason=sitting.cancel_reason,
            created_at=local(sitting.created_at, zone),
            participants=[ParticipantView.of(person, now, zone) for person in sitting.participants],
            apart=[KeptApart(one=pair.one_id, other=pair.other_id) for pair in sitting.apart],
        )

    def shown_to(self, role: str) -> SittingView:
        """What somebody in that role needs; who is kept from whom is for those who keep bookings."""
        return self if role == CLERK else self.only(apart=None, participants=[person.shown_to(role) for person in self.participants])

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/sittings/{self.id}"


class SittingList(Page[SittingView]):
    """One page of sittings, in order of their start."""


class SittingQuery(Paging):
    """Which sittings."""

    day: Day | None = Field(None, description="Those that lie, wholly or in part, on this day of the court.")
    from_day: Day | None = Field(None, alias="from", description="Those that end after this day begins.")
    until_day: Day | None = Field(None, alias="until", description="Those that begin before this day ends.")
    room: str = Field("", max_length=16, description="Id of the room.")
    status: list[Status] = Field([], max_length=6, description="One or more statuses: the parameter may be repeated.")
    case_number: str = Field("", max_length=LONGEST_NUMBER, description="The whole number of the case.")


def _without_default(schema: dict[str, Any]) -> None:
    """What is left out is left out: no program gives it as null."""
    schema.pop("default", None)


class SittingPlan(Given):
    """What is booked, but for its time."""

    case_number: str = Field(min_length=1, max_length=LONGEST_NUMBER, description=_NUMBER)
    case_title: str = Field("", max_length=LONGEST_TITLE, description=_CASE_TITLE)
    title: str = Field("", max_length=LONGEST_TITLE, description=_TITLE)
    kind: str = Field("remote_court", json_schema_extra=_KIND)
    room_id: Id
    rooms: list[Id] = Field([], max_length=MOST_ROOMS, description=_ROOMS)
    equipment: list[Id] = Field([], max_length=MOST_EQUIPMENT, description=_EQUIPMENT)
    chair_id: Id = Field(description="The presiding judge, a member of the staff.")
    clerk_id: IdOrNone = ""
    prosecutor_id: IdOrNone = ""
    participants: list[PlannedParticipant] = Field(min_length=1, max_length=MOST_PARTICIPANTS)
    apart: list[KeptApart] = Field([], max_length=MOST_PAIRS, description=APART)
    override_reason: str = Field("", max_length=LONGEST_REASON, description=_OVERRIDE)
    held_until: Moment = left_out(
        description="Keep the time tentatively until then, at most 14 days: it becomes free unless it is confirmed. Left out: it is firm.",
        json_schema_extra=_without_default,
    )

    def drafted(self, starts_at: datetime | None, ends_at: datetime | None) -> SittingDraft:
        """The form that the operation checks."""
        rows = tuple(ParticipantDraft(**row.model_dump()) for row in self.participants)
        names = SittingPlan.model_fields.keys() - {"participants", "rooms", "equipment", "held_until", "apart"}
        plain: dict[str, Any] = {name: getattr(self, name) for name in names}
        return SittingDraft(
            **plain,
            rooms=tuple(self.rooms),
            equipment=tuple(self.equipment),
            participants=rows,
            apart=tuple((pair.one, pair.other) for pair in self.apart),
            starts_at=starts_at,
            ends_at=ends_at,
        )


class NewSitting(SittingPlan):
    """A sitting to be booked. Each participant who joins from outside gets a personal link."""

    starts_at: Moment
    ends_at: Moment

    def draft(self) -> SittingDraft:
        """The form that the operation checks."""
        return self.drafted(self.starts_at, self.ends_at)


class SittingChange(Change):
    """What is to be different. Another room or time issues all personal links anew. While the sitting is live, room and time
    are fixed. Participants are changed at addresses of their own."""

    case_number: str = left_out(min_length=1, max_length=LONGEST_NUMBER, description=_NUMBER)
    case_title: str = left_out(max_length=LONGEST_TITLE, description=_CASE_TITLE)
    title: str = left_out(max_length=LONGEST_TITLE, description=_TITLE)
    room_id: Id = left_out()
    rooms: list[Id] = left_out(max_length=MOST_ROOMS, description=_ROOMS)
    equipment: list[Id] = left_out(max_length=MOST_EQUIPMENT, description=_EQUIPMENT)
    starts_at: Moment = left_out()
    ends_at: Moment = left_out()
    chair_id: Id = left_out()
    clerk_id: IdOrNone = left_out()
    prosecutor_id: IdOrNone = left_out()
    override_reason: str = left_out(max_length=LONGEST_REASON, description=_OVERRIDE)
    apart: list[KeptApart] = left_out(max_length=MOST_PAIRS, description=APART + " Until the sitting is open.")

    def draft(self, sitting: Sitting) -> SittingDraft:
        """The form of the sitting with what is to be different. Another `room_id` alone takes the place of the first room; another
        `chair_id` of whoever takes part already changes places with who presided."""
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in self.given().items()}
        if "room_id" in given and "rooms" not in given:
            given["rooms"] = tuple(room.id for room in sitting.rooms[1:])
        # What was said for one time is not said for another.
        given.setdefault("override_reason", "")
        if "apart" in given:
            words = words_of(sitting)
            given["apart"] = tuple((words.get(pair.one, pair.one), words.get(pair.other, pair.other)) for pair in given["apart"])
        chair = given.pop("chair_id", "")
        former = draft_of(sitting)
        return replace(presided_by(former, chair) if chair else former, **given)


class MoveOrder(Given):
    """Where and when instead."""

    room_id: Id
    starts_at: Moment
    ends_at: Moment
    override_reason: str = Field("", max_length=LONGEST_REASON, description=_OVERRIDE)


class CancelOrder(Given):
    """Why; participants are told."""

    reason: str = Field(min_length=1, max_length=LONGEST_REASON)


class Once(Asked):
    """Sending an order again without doubling it."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="A word of your choice, new for each order, good for a day: an order that is sent again under its key is carried out"
        " once, and what it made is the answer again. Another order under a key that was used is refused.",
    )

    def order(self, owner: User, what: str, body: BaseModel, *, without: str = "") -> Order | None:
        """The order of `what` ("" of sittings) that the body is, None where it has no key. `without`: a field that is to leave no trace."""
        content = f"{what} {body.model_dump_json(exclude={without} if without else None)}".lstrip().encode()
        return Order(owner.id, self.idempotency_key, content) if self.idempotency_key else None


class OnceIfMatch(Once, IfMatch):
    """Sending an order again without doubling it, on the version that was seen."""
