"""The page on which a new site gets its first administrator. It is gone once there is one."""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.errors import NotFound, UserError
from dispatch.identity import first_run
from dispatch.web.access import PUBLIC, Route
from dispatch.web.attempts import ENROL_ATTEMPTS
from dispatch.web.request import Request, Response, address, ctx, form, language, render, see_other
from dispatch.web.sitting_form import errors_of

BLANK: Mapping[str, str] = {"code": "", "name": "", "sign_in_name": ""}


def _page(request: Request, fields: Mapping[str, str], error: UserError | None = None) -> Response:
    return render(
        request,
        "admin/first_run.html",
        status=error.status if error else 200,
        form=fields,
        errors=errors_of(request, error) if error else {},
    )


async def show(request: Request) -> Response:
    """The form, while there is nobody."""
    if not await first_run.is_due(ctx(request).db):
        return see_other("/sign-in")
    first_run.code(ctx(request).settings.secrets)
    return _page(request, BLANK)


async def submit(request: Request) -> Response:
    """Make the administrator; a refusal keeps what was typed, but for the password."""
    context = ctx(request)
    if not await first_run.is_due(context.db):
        raise NotFound("first_run_over")
    fields = {**BLANK, **await form(request)}
    if not request.app[ENROL_ATTEMPTS].allowed(f"first run {address(request)}", context.clock().timestamp()):
        return _page(request, fields, UserError("too_many_tries"))
    posted = await request.post()
    try:
        await first_run.make_administrator(
            context.db,
            context.settings.secrets,
            given=fields["code"],
            name=fields["name"],
            sign_in_name=fields["sign_in_name"],
            password=str(posted.get("password", "")),
            language=language(request),
        )
    except UserError as error:
        return _page(request, fields, error)
    return see_other("/sign-in?next=/users")


ROUTES = (
    Route("GET", "/first-run", show, PUBLIC),
    Route("POST", "/first-run", submit, PUBLIC),
)
