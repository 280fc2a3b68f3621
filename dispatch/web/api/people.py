"""The staff. The administrator adds and changes; clerks see who can be asked to preside, to keep the record, to prosecute."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from pydantic import Field

from dispatch.identity import people
from dispatch.identity.passwords import MAX_LENGTH, MIN_LENGTH
from dispatch.identity.people import LONGEST_NAME, UserDraft
from dispatch.notices.addresses import LONGEST_EMAIL
from dispatch.store.tables import User
from dispatch.typed import LONGEST_PHONE
from dispatch.web.access import ADMINISTRATOR, CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, slice_of
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Change, Given, Id, Moment, Resource, Shown, left_out, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

Role = Literal["clerk", "judge", "prosecutor", "officer", "administrator", "field"]
Rank = Literal["watch", "lead", "command"]
Language = Literal["zh-CN", "en"]
_ACTIVE = "Whether he can sign in and be booked. An account is never deleted: what was done under it stays."


class Account(Shown):
    """What the administrator knows of somebody's account."""

    sign_in_name: str
    phone: str
    email: str
    language: Language
    locked_until: Moment | None = Field(description="Set while the name is locked after too many wrong passwords.")
    created_at: Moment


class PersonView(Resource):
    """A member of the staff."""

    id: Id
    name: str
    role: Role
    rank: Rank | None = Field(description="Of an officer of the command centre; null for everybody else.")
    active: bool = Field(description=_ACTIVE)
    account: Account | None = Field(description="For administrators; null for everybody else.")

    def shown_to(self, role: str) -> PersonView:
        """What somebody in that role needs."""
        return self if role == ADMINISTRATOR else self.only(account=None)

    def address(self) -> str:
        """The path under which he is found again."""
        return f"/api/v1/people/{self.id}"


class PersonList(Page[PersonView]):
    """One page of the staff, by role and name."""


class PersonQuery(Paging):
    """Which members of the staff."""

    role: list[Role] = Field([], max_length=6, description="One or more roles: the parameter may be repeated.")
    active: bool | None = Field(None, description="Only those who can sign in, or only those who cannot.")


class NewPerson(Given):
    """Somebody who is to sign in."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    sign_in_name: str = Field(min_length=2, max_length=LONGEST_NAME, description="Letters, digits and . _ - @; case does not matter.")
    role: Role
    rank: Rank = Field("watch", description="Of an officer of the command centre; of anybody else it is not kept.")
    password: str = Field(
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        description="Of three of the four classes: small letters, capitals, digits, other signs.",
    )
    phone: str = Field("", max_length=LONGEST_PHONE)
    email: str = Field("", max_length=LONGEST_EMAIL, description="Where he is told of his sittings.")
    language: Language = "zh-CN"


class PersonChange(Change):
    """What is to be different about somebody. A new password and deactivation end all of his sessions at once."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    role: Role = left_out()
    rank: Rank = left_out()
    password: str = left_out(min_length=MIN_LENGTH, max_length=MAX_LENGTH)
    phone: str = left_out(max_length=LONGEST_PHONE)
    email: str = left_out(max_length=LONGEST_EMAIL)
    language: Language = left_out()
    active: bool = left_out(description=_ACTIVE)


def view(request: Request, user: User) -> PersonView:
    """The person as he is, all of him: his version too."""
    tz, now = zone(request), ctx(request).clock()
    locked = user.locked_until if user.locked_until is not None and user.locked_until > now else None
    return PersonView(
        id=user.id,
        name=user.name,
        role=cast("Role", user.role),
        rank=cast("Rank", user.rank) if user.rank else None,
        active=user.active,
        account=Account(
            sign_in_name=user.sign_in_name,
            phone=user.phone,
            email=user.email,
            language=cast("Language", user.language),
            locked_until=local_or_none(locked, tz),
            created_at=local(user.created_at, tz),
        ),
    )


def _shown(request: Request, user: User) -> PersonView:
    return view(request, user).shown_to(me(request).role)


async def search(request: Request, query: PersonQuery) -> PersonList:
    """List the staff."""
    found = await people.list_users(ctx(request).db, query.role, active=query.active)
    page, goes_on = slice_of(found, query)
    return PersonList(items=[_shown(request, user) for user in page], next=goes_on)


async def show(request: Request) -> PersonView:
    """Show one member of the staff."""
    return _shown(request, await people.get_user(ctx(request).db, request.match_info["person"]))


async def add(request: Request, body: NewPerson, headers: Once) -> PersonView:
    """Add a member of the staff.

    Under one `Idempotency-Key` the password alone may differ: it is not kept with the key.
    """
    order = headers.order(me(request), "person", body, without="password")
    return _shown(request, await people.add_user(ctx(request).db, **body.model_dump(), by=me(request), order=order))


async def change(request: Request, body: PersonChange, headers: IfMatch) -> PersonView:
    """Change a member of the staff.

    The last administrator who can sign in stays one.
    """
    context = ctx(request)

    def changed(user: User) -> UserDraft:
        headers.check(view(request, user))
        return replace(people.draft_of(user), **body.given())

    user, ended = await people.change_user(context.db, request.match_info["person"], changed, me(request))
    if ended:
        await context.live.sessions_revoked(user.id)
    return _shown(request, user)


KEEPS = programs(ADMINISTRATOR)

ROUTES = (
    operation("GET", "/people", search, programs(CLERK, ADMINISTRATOR)),
    operation("POST", "/people", add, KEEPS, status=201),
    operation("GET", "/people/{person}", show, programs(CLERK, ADMINISTRATOR)),
    operation("PATCH", "/people/{person}", change, KEEPS, refuses=(409,)),
)
