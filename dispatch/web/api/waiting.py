"""Sittings that wait for a time, from which the week's list is made."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.config import JsonDict

from dispatch.booking.catalogue.features import FEATURES
from dispatch.booking.catalogue.rooms import MOST_SEATS
from dispatch.booking.draft import LONGEST, LONGEST_NAME, LONGEST_NUMBER, LONGEST_TITLE, MOST_EQUIPMENT, MOST_PARTICIPANTS, SHORTEST
from dispatch.booking.listing import waiting
from dispatch.booking.listing.waiting import HIGHEST, LOWEST, WaitingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.protection import MOST_PAIRS
from dispatch.notices.addresses import LONGEST_EMAIL
from dispatch.store.waiting_tables import WaitingSitting
from dispatch.typed import LONGEST_PHONE
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.participant_shapes import GUARDS, KEY, MINOR, PARTY_ROLES, Seat, Word
from dispatch.web.api.rooms import Kind
from dispatch.web.api.sitting_shapes import APART, KeptApart, Once
from dispatch.web.api.slots import Feature
from dispatch.web.api.values import Change, Day, Given, Id, Moment, Resource, left_out, local
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone
from rooms.procedure import PROCEDURES

_WHO = "An id, `any` for any of them, or empty for nobody."
_PATTERN = r"^([0-9a-f]{16}|any)?$"
_NOT_BEFORE = "The first day on which it may be held; null: as soon as notice allows."
_DEADLINE = "The last day on which it may be held."
_PRIORITY = "9 goes first."
_REQUIRED = "A list without it is none."
_MINUTES: dict[str, Any] = {"ge": SHORTEST // timedelta(minutes=1), "le": LONGEST // timedelta(minutes=1)}
_KINDS: JsonDict = {"enum": list(PROCEDURES)}
Part = Literal["", "morning", "afternoon"]
_MEANS = "Equipment, custody slots, interpreters and judicial police, all of whom are needed."


class WaitingParticipant(Given):
    """A person who is to take part."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    role: str = Field(json_schema_extra={"enum": list(PARTY_ROLES)})
    phone: str = Field("", max_length=LONGEST_PHONE)
    seat: Seat = "link"
    email: str = Field("", max_length=LONGEST_EMAIL)
    key: Word = Field("", description=KEY)
    minor: bool = Field(False, description=MINOR)
    guards: Word = Field("", description=GUARDS)

    @classmethod
    def of(cls, draft: ParticipantDraft) -> WaitingParticipant:
        """As it is kept."""
        return cls(
            name=draft.name,
            role=draft.role,
            phone=draft.phone,
            seat=cast("Seat", draft.seat),
            email=draft.email,
            key=draft.key,
            minor=draft.minor,
            guards=draft.guards,
        )


class WaitingView(Resource):
    """A sitting that waits for a time."""

    id: Id
    case_number: str
    case_title: str
    title: str
    kind: str
    minutes: int
    chair_id: str = Field(description=_WHO)
    clerk_id: str = Field(description=_WHO)
    prosecutor_id: str = Field(description=_WHO)
    participants: list[WaitingParticipant]
    apart: list[KeptApart] = Field(description=APART)
    room_kind: Kind | Literal[""]
    seats: int
    features: list[str] = Field(description="What the room must have.")
    equipment: list[Id] = Field(description=_MEANS)
    priority: int = Field(description=_PRIORITY)
    not_before: Day | None = Field(description=_NOT_BEFORE)
    deadline: Day | None = Field(description=_DEADLINE)
    part: Part = Field(description="Preferred part of the day.")
    required: bool = Field(description=_REQUIRED)
    created_at: Moment
    sitting_id: Id | None = Field(description="The sitting that it was booked as; null while it waits.")
    former_id: Id | None = Field(description="The sitting that broke off and is held anew by this one; null for others.")
    received_at: Moment | None = Field(description="When its matter was received, where a sitting broke off before; else null.")

    @classmethod
    def of(cls, row: WaitingSitting, tz: ZoneInfo) -> WaitingView:
        """As it is."""
        draft = waiting.draft_of(row)
        plain = {name: value for name, value in asdict(draft).items() if name not in ("participants", "apart")}
        plain |= {"features": list(draft.features), "equipment": list(draft.equipment)}
        people = [WaitingParticipant.of(each) for each in draft.participants]
        apart = [KeptApart(one=one, other=other) for one, other in draft.apart]
        received = local(row.received_at, tz) if row.received_at is not None else None
        kept = {"sitting_id": row.sitting_id, "former_id": row.former_id, "received_at": received}
        return cls(**plain, **kept, id=row.id, participants=people, apart=apart, created_at=local(row.created_at, tz))

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/waiting/{self.id}"


class WaitingList(Page[WaitingView]):
    """One page of waiting sittings, the first that came in front."""


class NewWaiting(Given):
    """A sitting that is to wait."""

    case_number: str = Field(min_length=1, max_length=LONGEST_NUMBER)
    case_title: str = Field("", max_length=LONGEST_TITLE)
    title: str = Field("", max_length=LONGEST_TITLE)
    kind: str = Field("remote_court", json_schema_extra=_KINDS)
    minutes: int = Field(60, **_MINUTES)
    chair_id: str = Field(pattern=_PATTERN, description=_WHO)
    clerk_id: str = Field("", pattern=_PATTERN, description=_WHO)
    prosecutor_id: str = Field("", pattern=_PATTERN, description=_WHO)
    participants: list[WaitingParticipant] = Field(min_length=1, max_length=MOST_PARTICIPANTS)
    apart: list[KeptApart] = Field([], max_length=MOST_PAIRS, description=APART)
    room_kind: Kind | Literal[""] = ""
    seats: int = Field(0, ge=0, le=MOST_SEATS)
    features: list[Feature] = Field([], max_length=len(FEATURES), description="What the room must have.")
    equipment: list[Id] = Field([], max_length=MOST_EQUIPMENT, description=_MEANS)
    priority: int = Field(LOWEST, ge=LOWEST, le=HIGHEST, description=_PRIORITY)
    not_before: Day | None = Field(None, description=_NOT_BEFORE)
    deadline: Day | None = Field(None, description=_DEADLINE)
    part: Part = Field("", description="Preferred part of the day.")
    required: bool = Field(False, description=_REQUIRED)


class WaitingChange(Change):
    """What is to be different."""

    minutes: int = left_out(**_MINUTES)
    seats: int = left_out(ge=0, le=MOST_SEATS)
    priority: int = left_out(ge=LOWEST, le=HIGHEST, description=_PRIORITY)
    not_before: Day = left_out(description=_NOT_BEFORE)
    deadline: Day = left_out(description=_DEADLINE)
    part: Part = left_out(description="Preferred part of the day.")
    required: bool = left_out(description=_REQUIRED)
    chair_id: str = left_out(pattern=_PATTERN, description=_WHO)
    title: str = left_out(max_length=LONGEST_TITLE)


async def search(request: Request, query: Paging) -> WaitingList:
    """List sittings that wait for a time."""
    rows, goes_on = slice_of(await waiting.listed(ctx(request).db), query)
    return WaitingList(items=[WaitingView.of(row, zone(request)) for row in rows], next=goes_on)


async def show(request: Request) -> WaitingView:
    """Show one sitting that waits for a time."""
    return WaitingView.of(await waiting.get(ctx(request).db, request.match_info["waiting"]), zone(request))


async def add(request: Request, body: NewWaiting, headers: Once) -> WaitingView:
    """Have a sitting wait for a time.

    The week's list places it with all others that wait.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "waiting", body)
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body}
    given["participants"] = tuple(ParticipantDraft(**each.model_dump()) for each in body.participants)
    given["apart"] = tuple((pair.one, pair.other) for pair in body.apart)
    return WaitingView.of(await waiting.add(context.db, WaitingDraft(**given), user, context.clock(), order), zone(request))


async def change(request: Request, body: WaitingChange, headers: IfMatch) -> WaitingView:
    """Change what a waiting sitting needs.

    One that is booked by now is changed as the sitting it is.
    """
    context = ctx(request)

    def changed(row: WaitingSitting) -> WaitingDraft:
        headers.check(WaitingView.of(row, zone(request)))
        return replace(waiting.draft_of(row), **body.given())

    row = await waiting.change(context.db, request.match_info["waiting"], changed, me(request), context.clock())
    return WaitingView.of(row, zone(request))


async def remove(request: Request, headers: IfMatch) -> None:
    """Take a sitting off that waits."""
    context = ctx(request)
    await waiting.remove(
        context.db,
        request.match_info["waiting"],
        me(request),
        context.clock(),
        lambda row: headers.check(WaitingView.of(row, zone(request))),
    )


BOOKS = programs(CLERK)

ROUTES = (
    operation("GET", "/waiting", search, BOOKS),
    operation("POST", "/waiting", add, BOOKS, status=201, refuses=(409,)),
    operation("GET", "/waiting/{waiting}", show, BOOKS),
    operation("PATCH", "/waiting/{waiting}", change, BOOKS, refuses=(409,)),
    operation("DELETE", "/waiting/{waiting}", remove, BOOKS, status=204, refuses=(409,)),
)
