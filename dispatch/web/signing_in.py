"""Sign-in and sign-out of the staff."""

from __future__ import annotations

from urllib.parse import urlsplit

from dispatch.errors import UserError
from dispatch.identity import first_run, sign_in
from dispatch.web.access import PUBLIC, SIGNED_IN, Route
from dispatch.web.middleware import SESSION_COOKIE
from dispatch.web.navigation import home
from dispatch.web.request import Request, Response, address, ctx, error_text, form, render, see_other, set_cookie, visitor


def safe_aim(aim: str) -> str:
    """The page to go on to after signing in: one of ours, never another site's ("//host", "https:…", "/\\host")."""
    parts = urlsplit(aim)
    own = aim.startswith("/") and not aim.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return aim if own and not any(ord(sign) < 32 for sign in aim) else "/"


async def show(request: Request) -> Response:
    """The sign-in page; who is signed in already goes on."""
    aim = safe_aim(request.query.get("next", "/"))
    user = visitor(request)
    if user is not None:
        return see_other(home(user.role) if aim == "/" else aim)
    if await first_run.is_due(ctx(request).db):
        return see_other("/first-run")
    return render(request, "staff/sign_in.html", next=aim, name="", error="")


async def submit(request: Request) -> Response:
    """Check name and password. A refusal keeps the name and says why; after five the account waits."""
    fields = await form(request)
    aim, name = safe_aim(fields.get("next", "/")), fields.get("name", "")
    context = ctx(request)
    posted = await request.post()
    try:
        token, session = await sign_in.sign_in(context.db, name, str(posted.get("password", "")), address(request), context.clock())
    except UserError as error:
        return render(request, "staff/sign_in.html", status=error.status, next=aim, name=name, error=error_text(request, error))
    response = see_other(home(session.user.role) if aim == "/" else aim)
    seconds = int((session.expires_at - context.clock()).total_seconds())
    set_cookie(request, response, SESSION_COOKIE, token, max_age=seconds, same_site="Strict")
    return response


async def leave(request: Request) -> Response:
    """Sign out: the session is gone at once, whoever still holds the cookie."""
    await sign_in.sign_out(ctx(request).db, request.cookies[SESSION_COOKIE])
    response = see_other("/sign-in")
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


ROUTES = (
    Route("GET", "/sign-in", show, PUBLIC),
    Route("POST", "/sign-in", submit, PUBLIC),
    Route("POST", "/sign-out", leave, SIGNED_IN),
)
