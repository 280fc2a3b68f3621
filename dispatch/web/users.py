"""The administrator's pages of the staff: who is who, who is locked, who is signed in; adding, changing, ending sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.errors import UserError
from dispatch.identity import passwords, people, sign_in
from dispatch.identity.people import UserDraft
from dispatch.store.tables import Session, User
from dispatch.web import lookups
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, form, gettext, language, me, render, see_other
from dispatch.web.sitting_form import errors_of


@dataclass(frozen=True)
class Entry:
    """A member of the staff with the sessions that are open."""

    user: User
    locked: bool
    sessions: list[Session]

    @property
    def seen_at(self) -> datetime:
        """When one of the sessions was last used."""
        return max(session.seen_at for session in self.sessions)


@dataclass(frozen=True)
class Made:
    """An account whose password was made here: it is shown this once."""

    name: str
    sign_in_name: str
    password: str


BLANK: Mapping[str, Any] = {
    "name": "",
    "sign_in_name": "",
    "role": "clerk",
    "rank": "watch",
    "language": "zh-CN",
    "phone": "",
    "email": "",
    "active": True,
}


async def show(request: Request) -> Response:
    """Everybody, the inactive too."""
    return await _list(request)


async def _list(request: Request, made: Made | None = None) -> Response:
    context = ctx(request)
    now = context.clock()
    sessions = await lookups.sessions(context.db, now)
    entries = [
        Entry(user, user.locked_until is not None and user.locked_until > now, sessions.get(user.id, []))
        for user in await people.list_users(context.db)
    ]
    ended = request.query.get("ended", "")
    return render(
        request,
        "staff/users.html",
        users=entries,
        ended=int(ended) if ended.isascii() and ended.isdigit() else None,
        saved="saved" in request.query,
        made=made,
    )


def _page(request: Request, fields: Mapping[str, Any], user: User | None, error: UserError | None = None) -> Response:
    _ = gettext(request)
    return render(
        request,
        "admin/user.html",
        status=error.status if error else 200,
        user=user,
        form=fields,
        errors=errors_of(request, error) if error else {},
        heading=_("Change the account") if user else _("New account"),
        action=f"/users/{user.id}" if user else "/users/new",
        roles=[(role, _(f"account.{role}")) for role in people.ROLES],
        ranks=[(rank, _(f"rank.{rank}")) for rank in people.RANKS],
        languages=[("zh-CN", "中文"), ("en", "English")],
    )


async def new(request: Request) -> Response:
    """The empty form."""
    return _page(request, {**BLANK, "language": language(request)}, None)


async def create(request: Request) -> Response:
    """Add a member of the staff; a refusal keeps what was typed, but for the password."""
    fields = {**BLANK, **await form(request)}
    typed = str((await request.post()).get("password", ""))
    password = typed or passwords.generate()
    try:
        user = await people.add_user(
            ctx(request).db,
            name=fields["name"],
            sign_in_name=fields["sign_in_name"],
            role=fields["role"],
            password=password,
            phone=fields["phone"],
            email=fields["email"],
            rank=fields["rank"],
            language=fields["language"],
            by=me(request),
        )
    except UserError as error:
        return _page(request, fields, None, error)
    # Never by way of an address, which browsers and logs remember: the password is in this one answer alone.
    return await _list(request, Made(user.name, user.sign_in_name, password if not typed else ""))


async def edit(request: Request) -> Response:
    """The form of one account."""
    user = await people.get_user(ctx(request).db, request.match_info["user"])
    return _page(request, {name: getattr(user, name) for name in BLANK} | {"rank": user.rank or people.RANKS[0]}, user)


async def change(request: Request) -> Response:
    """Change an account. A new password and deactivation sign the person out everywhere, at once."""
    user = await people.get_user(ctx(request).db, request.match_info["user"])
    posted = await form(request)
    fields = {**BLANK, **posted, "active": "active" in posted}
    password = str((await request.post()).get("password", ""))
    named = {name: fields[name] for name in ("name", "role", "phone", "language", "email", "rank", "active")}
    draft = UserDraft(**named, password=password)
    try:
        _user, ended = await people.change_user(ctx(request).db, user.id, lambda _was: draft, me(request))
    except UserError as error:
        return _page(request, fields, user, error)
    if ended:
        await ctx(request).live.sessions_revoked(user.id)
    return see_other("/users?saved")


async def end_sessions(request: Request) -> Response:
    """Sign a person out everywhere, at once."""
    user = await people.get_user(ctx(request).db, request.match_info["user"])
    ended = await sign_in.revoke_sessions(ctx(request).db, user.id, me(request))
    await ctx(request).live.sessions_revoked(user.id)
    return see_other("/" if user.id == me(request).id else f"/users?ended={ended}")


ROUTES = (
    Route("GET", "/users", show, roles(ADMINISTRATOR)),
    Route("GET", "/users/new", new, roles(ADMINISTRATOR)),
    Route("POST", "/users/new", create, roles(ADMINISTRATOR)),
    Route("GET", "/users/{user}", edit, roles(ADMINISTRATOR)),
    Route("POST", "/users/{user}", change, roles(ADMINISTRATOR)),
    Route("POST", "/users/{user}/end-sessions", end_sessions, roles(ADMINISTRATOR)),
)
