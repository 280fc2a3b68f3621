"""Programs that are told of events: subscriptions, a test, and what became of each event. The page *Webhooks* has the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import Field

from dispatch.notices import webhooks
from dispatch.notices.webhooks import EVENTS, LONGEST_NAME, LONGEST_URL, WebhookDraft
from dispatch.store.notice_tables import Webhook, WebhookDelivery
from dispatch.web.access import ADMINISTRATOR
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.paging import Page, Paging, cursor_of, place
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.values import Change, Given, Id, Moment, Resource, left_out, local, local_or_none
from dispatch.web.api.versions import IfMatch
from dispatch.web.request import Request, ctx, me, zone

Event = Literal[
    "sitting.booked",
    "sitting.moved",
    "sitting.changed",
    "sitting.extended",
    "sitting.cancelled",
    "sitting.opened",
    "sitting.closed",
]
State = Literal["queued", "sending", "sent", "failed", "superseded"]
_URL = "Where events are sent: https; http and addresses in the own network where the site allows them."
_ACTIVE = "Whether it is told of anything; what waits for one that is not is dropped."


class WebhookView(Resource):
    """A program that is told of events."""

    id: Id
    name: str
    url: str = Field(description=_URL)
    events: list[Event]
    active: bool = Field(description=_ACTIVE)
    secret: str | None = Field(description="By which requests are signed: only in the answer that made it, else null.")
    created_at: Moment

    @classmethod
    def of(cls, webhook: Webhook, tz: ZoneInfo) -> WebhookView:
        """All there is to show again."""
        return cls(
            id=webhook.id,
            name=webhook.name,
            url=webhook.url,
            events=[cast("Event", event) for event in webhook.events],
            active=webhook.active,
            secret=None,
            created_at=local(webhook.created_at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/webhooks/{self.id}"


class WebhookList(Page[WebhookView]):
    """One page of webhooks, the oldest first."""


class NewWebhook(Given):
    """A program to be told of events."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    url: str = Field(min_length=1, max_length=LONGEST_URL, description=_URL)
    events: list[Event] = Field(min_length=1, max_length=len(EVENTS))


class WebhookChange(Change):
    """What is to be different about a webhook. What waits goes to the new address."""

    name: str = left_out(min_length=1, max_length=LONGEST_NAME)
    url: str = left_out(min_length=1, max_length=LONGEST_URL, description=_URL)
    events: list[Event] = left_out(min_length=1, max_length=len(EVENTS))
    active: bool = left_out(description=_ACTIVE)


class DeliveryView(Resource):
    """One event on its way to one program."""

    id: Id = Field(description="As the request's header X-Dispatch-Delivery has it.")
    webhook_id: Id
    event: str = Field(description="One of the events, or test.")
    sitting_id: Id | None
    state: State = Field(description="sent: the program took it. superseded: the webhook was switched off before.")
    attempts: int
    outcome: str = Field(description="What the program answered last.")
    created_at: Moment
    next_at: Moment | None = Field(description="When it is tried next; null once that is over.")
    settled_at: Moment | None = Field(description="When it was sent, given up or superseded.")

    @classmethod
    def of(cls, delivery: WebhookDelivery, tz: ZoneInfo) -> DeliveryView:
        """All there is to show."""
        waits: datetime | None = delivery.next_at if delivery.state == "queued" else None
        return cls(
            id=delivery.id,
            webhook_id=delivery.webhook_id,
            event=delivery.event,
            sitting_id=delivery.body["data"].get("sitting"),
            state=cast("State", delivery.state),
            attempts=delivery.attempts,
            outcome=delivery.outcome,
            created_at=local(delivery.created_at, tz),
            next_at=local_or_none(waits, tz),
            settled_at=local_or_none(delivery.settled_at, tz),
        )

    def address(self) -> str:
        """The path under which it is found again."""
        return f"/api/v1/webhooks/{self.webhook_id}/deliveries/{self.id}"


class DeliveryList(Page[DeliveryView]):
    """One page of deliveries, the newest first."""


class DeliveryQuery(Paging):
    """Which deliveries."""

    state: list[State] = Field([], max_length=5, description="One or more states: the parameter may be repeated.")


def _after(cursor: str) -> webhooks.Place | None:
    found = place(cursor)
    return webhooks.Place(*found) if found else None


async def search(request: Request, query: Paging) -> WebhookList:
    """List webhooks."""
    found, goes_on = await webhooks.page(ctx(request).db, _after(query.cursor), query.limit)
    items = [WebhookView.of(webhook, zone(request)) for webhook in found]
    return WebhookList(items=items, next=cursor_of(goes_on.created_at, goes_on.id) if goes_on else None)


async def show(request: Request) -> WebhookView:
    """Show one webhook."""
    return WebhookView.of(await webhooks.get(ctx(request).db, request.match_info["webhook"]), zone(request))


async def add(request: Request, body: NewWebhook, headers: Once) -> WebhookView:
    """Add a webhook.

    The secret by which its requests are signed is in this answer and in no other.
    """
    context, user = ctx(request), me(request)
    order = headers.order(user, "webhook", body)
    draft = WebhookDraft(body.name, body.url, tuple(body.events))
    private = context.settings.webhook_private
    secret, webhook = await webhooks.add(context.db, draft, private=private, by=user, now=context.clock(), order=order)
    return WebhookView.of(webhook, zone(request)).only(secret=secret)


async def change(request: Request, body: WebhookChange, headers: IfMatch) -> WebhookView:
    """Change a webhook.

    Its secret stays: for another one, make another webhook.
    """
    context, tz = ctx(request), zone(request)

    def changed(webhook: Webhook) -> WebhookDraft:
        headers.check(WebhookView.of(webhook, tz))
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body.given().items()}
        return replace(webhooks.draft_of(webhook), **given)

    webhook = await webhooks.change(
        context.db,
        request.match_info["webhook"],
        changed,
        private=context.settings.webhook_private,
        by=me(request),
        now=context.clock(),
    )
    return WebhookView.of(webhook, tz)


async def remove(request: Request, headers: IfMatch) -> None:
    """Remove a webhook.

    The program is told nothing more, and what waits is dropped.
    """
    context, tz = ctx(request), zone(request)
    await webhooks.remove(
        context.db,
        request.match_info["webhook"],
        me(request),
        context.clock(),
        lambda webhook: headers.check(WebhookView.of(webhook, tz)),
    )


async def test(request: Request) -> DeliveryView:
    """Send a test.

    An event that tells nothing. It is on its way; what became of it is read at its address.
    """
    delivery = await webhooks.test(ctx(request).db, request.match_info["webhook"], me(request), ctx(request).clock())
    return DeliveryView.of(delivery, zone(request))


async def deliveries(request: Request, query: DeliveryQuery) -> DeliveryList:
    """List what a program was told.

    The newest first, a page at a time.
    """
    found, goes_on = await webhooks.deliveries(
        ctx(request).db, request.match_info["webhook"], query.state, _after(query.cursor), query.limit
    )
    items = [DeliveryView.of(delivery, zone(request)) for delivery in found]
    return DeliveryList(items=items, next=cursor_of(goes_on.created_at, goes_on.id) if goes_on else None)


async def delivery(request: Request) -> DeliveryView:
    """Show one delivery."""
    found = await webhooks.delivery(ctx(request).db, request.match_info["webhook"], request.match_info["delivery"])
    return DeliveryView.of(found, zone(request))


KEEPS = programs(ADMINISTRATOR)
_ONE = "/webhooks/{webhook}"

ROUTES = (
    operation("GET", "/webhooks", search, KEEPS),
    operation("POST", "/webhooks", add, KEEPS, status=201),
    operation("GET", _ONE, show, KEEPS),
    operation("PATCH", _ONE, change, KEEPS),
    operation("DELETE", _ONE, remove, KEEPS, status=204),
    operation("POST", f"{_ONE}/test", test, KEEPS, status=201),
    operation("GET", f"{_ONE}/deliveries", deliveries, KEEPS),
    operation("GET", f"{_ONE}/deliveries/{{delivery}}", delivery, KEEPS),
)
