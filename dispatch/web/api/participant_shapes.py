"""What the API shows of a participant and his link, and what it takes of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.config import JsonDict

from dispatch.booking.draft import LONGEST_NAME, LONGEST_REASON
from dispatch.booking.roles import roles_for
from dispatch.notices.addresses import LONGEST_EMAIL
from dispatch.store.tables import Participant
from dispatch.typed import LONGEST_PHONE
from dispatch.web.access import CLERK, OFFICER
from dispatch.web.api.values import Asked, Change, Given, Id, IdOrNone, Moment, Resource, Shown, left_out, local, local_or_none
from rooms.procedure import PROCEDURES

PARTY_ROLES = tuple(dict.fromkeys(role for kind in PROCEDURES for role in roles_for(kind)))
"""Roles that a participant can be given; the bench, the clerk and the prosecutor of a sitting are named by themselves."""
Seat = Literal["link", "room"]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,40}$")]
KEY = "A word of your choice by which `guards` and `apart` of this request mean him."
MINOR = "Whether he is under 18. A minor without a guardian needs an `override_reason`."
GUARDS = "Of a guardian or appropriate adult: whom he guards, by id or, of one who is new in the same request, by `key`."
_OVERRIDE = "Why a minor is to take part without his guardian; without it such a change is refused."
_ROLE: JsonDict = {"enum": list(PARTY_ROLES)}


class LinkState(Shown):
    """How it stands with a personal link. The link itself is a secret, and shown to clerks alone at an address of its own."""

    state: Literal["good", "expired", "revoked"]
    issued_at: Moment
    expires_at: Moment

    @classmethod
    def of(cls, person: Participant, now: datetime, zone: ZoneInfo) -> LinkState | None:
        """None where no link was ever issued."""
        if not person.invitations:
            return None
        newest = person.invitations[-1]
        state: Literal["good", "expired", "revoked"] = "good" if newest.expires_at > now else "expired"
        if newest.revoked_at is not None:
            state = "revoked"
        return cls(state=state, issued_at=local(newest.created_at, zone), expires_at=local(newest.expires_at, zone))


class ParticipantView(Resource):
    """A person who takes part in a sitting, in one role."""

    id: Id
    sitting_id: Id
    name: str
    role: str = Field(description="Role in the procedure: judge, clerk, prosecutor, party …")
    user_id: Id | None = Field(description="Set for a member of the staff, who enters after signing in and needs no link.")
    phone: str | None = Field(description="Null where the one who asks does not need it for his work.")
    email: str | None = Field(description="Where he is told of the sitting; likewise. Staff are told at the address of their account.")
    seat: Seat = Field(description="Where from: by a personal link, or at the device of the booked room. Of no meaning for staff.")
    link: LinkState | None
    presides: bool = Field(description="Whether he presides; one does.")
    minor: bool | None = Field(description="Whether he is under 18; null for programs that keep no bookings.")
    guards: str | None = Field(description="Id of whom he guards, empty where nobody; likewise.")
    consented_at: Moment | None = Field(description="When the notice was agreed to.")
    device_checked_at: Moment | None = Field(description="When the devices were last checked.")

    @classmethod
    def of(cls, person: Participant, now: datetime, zone: ZoneInfo) -> ParticipantView:
        """All there is to show."""
        return cls(
            id=person.id,
            sitting_id=person.sitting_id,
            name=person.name,
            role=person.role,
            user_id=person.user_id,
            phone=person.phone,
            email=person.email,
            seat="room" if person.seat == "room" else "link",
            link=LinkState.of(person, now, zone),
            presides=person.presides,
            minor=person.minor,
            guards=person.guards_id,
            consented_at=local_or_none(person.consented_at, zone),
            device_checked_at=local_or_none(person.device_checked_at, zone),
        )

    def shown_to(self, role: str) -> ParticipantView:
        """What somebody in that role needs: an officer calls nobody, and whom to protect from whom is for those who keep bookings."""
        if role == CLERK:
            return self
        return self.only(minor=None, guards=None) if role != OFFICER else self.only(minor=None, guards=None, phone=None, email=None)

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/sittings/{self.sitting_id}/participants/{self.id}"


class ParticipantList(Shown):
    """Everybody who takes part in a sitting, the bench first."""

    items: list[ParticipantView]


class NewParticipant(Given):
    """A person who is to take part. Give either a name or the `user_id` of a member of the staff."""

    name: str = Field("", max_length=LONGEST_NAME)
    role: str = Field(json_schema_extra=_ROLE)
    phone: str = Field("", max_length=LONGEST_PHONE)
    seat: Seat = "link"
    user_id: IdOrNone = ""
    email: str = Field("", max_length=LONGEST_EMAIL)
    minor: bool = Field(False, description=MINOR)
    guards: Word = Field("", description=GUARDS)


class PlannedParticipant(NewParticipant):
    """A person of a sitting that is to be booked."""

    key: Word = Field("", description=KEY)


class AddedParticipant(NewParticipant):
    """A person who joins a sitting that is there."""

    override_reason: str = Field("", max_length=LONGEST_REASON, description=_OVERRIDE)


class ParticipantChange(Change):
    """What is to be different about a participant. Another seat issues or revokes his link."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    role: str = left_out(json_schema_extra=_ROLE)
    phone: str = left_out(max_length=LONGEST_PHONE)
    email: str = left_out(max_length=LONGEST_EMAIL)
    seat: Seat = left_out()
    minor: bool = left_out(description=MINOR + " Until the sitting is open.")
    guards: Word = left_out(description=GUARDS + " Until the sitting is open.")
    override_reason: str = left_out(max_length=LONGEST_REASON, description=_OVERRIDE)


class Removal(Asked):
    """Taking somebody out."""

    override_reason: str = Field("", max_length=LONGEST_REASON, description=_OVERRIDE)


class LinkView(Resource):
    """A participant's personal link. Whoever has it comes in as that person: hand it to nobody else."""

    participant_id: Id
    sitting_id: Id
    url: str
    issued_at: Moment
    expires_at: Moment

    @classmethod
    def of(cls, person: Participant, token: str, public_url: str, zone: ZoneInfo) -> LinkView:
        """The link that is good now."""
        newest = next(each for each in reversed(person.invitations) if each.revoked_at is None)
        return cls(
            participant_id=person.id,
            sitting_id=person.sitting_id,
            url=f"{public_url}/join/{token}",
            issued_at=local(newest.created_at, zone),
            expires_at=local(newest.expires_at, zone),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/sittings/{self.sitting_id}/participants/{self.participant_id}/link"
