"""The administrator's page of programs: making a token, which is shown once, and revoking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.errors import UserError
from dispatch.identity import programs
from dispatch.store.tables import ApiToken
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, form, gettext, me, render, see_other
from dispatch.web.sitting_form import errors_of

LIFETIMES = (30, 90, 180, 366)
"""Days offered."""
BLANK: Mapping[str, str] = {"name": "", "role": programs.ROLES[0], "days": "90"}


@dataclass(frozen=True)
class Entry:
    """A token as the page lists it: "good", "expired" or "revoked"."""

    token: ApiToken
    state: str


async def _page(
    request: Request, fields: Mapping[str, str] = BLANK, *, made: ApiToken | None = None, secret: str = "", error: UserError | None = None
) -> Response:
    context, _ = ctx(request), gettext(request)
    now = context.clock()
    entries = [
        Entry(token, "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "good")
        for token in await programs.list_tokens(context.db)
    ]
    data: dict[str, Any] = {"entries": entries, "form": fields, "made": made, "secret": secret}
    data["errors"] = errors_of(request, error) if error else {}
    data["roles"] = [(role, _(f"account.{role}")) for role in programs.ROLES]
    data["lifetimes"] = LIFETIMES
    data["base"] = f"{context.settings.public_url}/api/v1"
    return render(request, "staff/programs.html", status=error.status if error else 200, **data)


async def show(request: Request) -> Response:
    """Every token, the newest first."""
    return await _page(request)


async def make(request: Request) -> Response:
    """A new token. It is on this answer and never again; a refusal keeps what was typed."""
    context, fields = ctx(request), {**BLANK, **await form(request)}
    days = int(fields["days"]) if fields["days"].isascii() and fields["days"].isdigit() and len(fields["days"]) < 6 else 0
    try:
        secret, made = await programs.issue(
            context.db, name=fields["name"], role=fields["role"], days=days, by=me(request), now=context.clock()
        )
    except UserError as error:
        return await _page(request, fields, error=error)
    return await _page(request, made=made, secret=secret)


async def revoke(request: Request) -> Response:
    """The program is refused from its next request on."""
    await programs.revoke(ctx(request).db, request.match_info["program"], me(request), ctx(request).clock())
    return see_other("/programs")


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", "/programs", show, KEEPS),
    Route("POST", "/programs", make, KEEPS),
    Route("POST", "/programs/{program}/revoke", revoke, KEEPS),
)
