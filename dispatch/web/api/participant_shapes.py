"""What the API shows of a participant and his link, and what it takes of one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.config import JsonDict

from dispatch.booking.draft import LONGEST_NAME, LONGEST_PHONE
from dispatch.booking.roles import roles_for
from dispatch.notices.addresses import LONGEST_EMAIL
from dispatch.store.tables import Participant
from dispatch.web.api.values import Change, Given, Id, IdOrNone, Moment, Resource, Shown, left_out, local, local_or_none
from rooms.procedure import PROCEDURES

PARTY_ROLES = tuple(dict.fromkeys(role for kind in PROCEDURES for role in roles_for(kind)))
"""Roles that a participant can be given; the bench, the clerk and the prosecutor of a sitting are named by themselves."""
Seat = Literal["link", "room"]
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
            consented_at=local_or_none(person.consented_at, zone),
            device_checked_at=local_or_none(person.device_checked_at, zone),
        )

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


class ParticipantChange(Change):
    """What is to be different about a participant. Another seat issues or revokes his link."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    role: str = left_out(json_schema_extra=_ROLE)
    phone: str = left_out(max_length=LONGEST_PHONE)
    email: str = left_out(max_length=LONGEST_EMAIL)
    seat: Seat = left_out()


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
