"""The administrator's page of webhooks: programs that are told of events, whether they took them, and a test."""

from __future__ import annotations

from dispatch.errors import UserError, ValidationFailed
from dispatch.notices import webhooks
from dispatch.store.notice_tables import Webhook
from dispatch.web.access import ADMINISTRATOR, Route, roles
from dispatch.web.request import Request, Response, ctx, me, render, see_other
from dispatch.web.sitting_form import errors_of


async def _page(
    request: Request,
    *,
    name: str = "",
    url: str = "",
    events: tuple[str, ...] = webhooks.EVENTS,
    made: Webhook | None = None,
    secret: str = "",
    error: UserError | None = None,
) -> Response:
    context = ctx(request)
    return render(
        request,
        "staff/webhooks.html",
        status=error.status if error else 200,
        entries=await webhooks.listed(context.db),
        all_events=webhooks.EVENTS,
        form={"name": name, "url": url, "events": events},
        errors=errors_of(request, error) if error else {},
        private=context.settings.webhook_private,
        made=made,
        secret=secret,
        tested="tested" in request.query,
    )


async def show(request: Request) -> Response:
    """Every subscription with what became of its newest events."""
    return await _page(request)


async def add(request: Request) -> Response:
    """A new subscription. Its secret is on this answer and never again; a refusal keeps what was typed."""
    context, posted = ctx(request), await request.post()
    name, url = str(posted.get("name", "")).strip(), str(posted.get("url", "")).strip()
    events = tuple(str(value) for value in posted.getall("events", ()))
    try:
        draft = webhooks.WebhookDraft(name, url, events)
        secret, made = await webhooks.add(context.db, draft, private=context.settings.webhook_private, by=me(request), now=context.clock())
    except ValidationFailed as error:
        return await _page(request, name=name, url=url, events=events, error=error)
    return await _page(request, made=made, secret=secret)


async def test(request: Request) -> Response:
    """Send an event that tells nothing."""
    await webhooks.test(ctx(request).db, request.match_info["webhook"], me(request), ctx(request).clock())
    return see_other("/webhooks?tested")


async def remove(request: Request) -> Response:
    """Nothing is sent there any more."""
    await webhooks.remove(ctx(request).db, request.match_info["webhook"], me(request), ctx(request).clock())
    return see_other("/webhooks")


KEEPS = roles(ADMINISTRATOR)

ROUTES = (
    Route("GET", "/webhooks", show, KEEPS),
    Route("POST", "/webhooks", add, KEEPS),
    Route("POST", "/webhooks/{webhook}/test", test, KEEPS),
    Route("POST", "/webhooks/{webhook}/remove", remove, KEEPS),
)
