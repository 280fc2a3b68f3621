"""Programs that are told of what happens to sittings, by signed HTTP requests: who is, what of, and the outbox of it.

An event is written in the transaction of the act, as messages to people are. It tells which sitting, what happened and when;
whoever wants to know more asks the API for it with a token of his own, so that no personal data goes by this way.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import and_, or_, select

from dispatch import audit
from dispatch.booking import orders
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store import ready
from dispatch.store.base import Base
from dispatch.store.notice_tables import Webhook, WebhookDelivery
from dispatch.store.ready import Ready
from dispatch.store.tables import new_id
from dispatch.typed import tidy

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.store.database import Database
    from dispatch.store.tables import Sitting, User

EVENTS = (
    "sitting.booked",
    "sitting.moved",
    "sitting.changed",
    "sitting.extended",
    "sitting.cancelled",
    "sitting.opened",
    "sitting.closed",
)
OF_ACT: Mapping[str, str] = {
    "sitting_booked": "sitting.booked",
    "sitting_moved": "sitting.moved",
    "sitting_changed": "sitting.changed",
    "sitting_extended": "sitting.extended",
    "sitting_cancelled": "sitting.cancelled",
    "booking_confirmed": "sitting.changed",
    "booking_approved": "sitting.changed",
    "booking_declined": "sitting.cancelled",
    "booking_lapsed": "sitting.cancelled",
}
"""Act of the audit log → what other programs are told."""
_WEBHOOKS = Base.metadata.tables[Webhook.__tablename__]
ASKED: ready.Asked = (Ready(select(_WEBHOOKS).where(_WEBHOOKS.c.active)), {})
"""What :func:`note` asks for."""
TEST = "test"
"""What the button sends."""
SECRET_PREFIX = "whsec_"  # noqa: S105  what every secret begins with, so that one in a file is found
LONGEST_NAME = 80
LONGEST_URL = 400
KEPT = timedelta(hours=72)
"""For how long an event is tried."""
SIGNATURE = "X-Dispatch-Signature"
EVENT = "X-Dispatch-Event"
DELIVERY = "X-Dispatch-Delivery"


def signature(secret: str, at: datetime, body: bytes) -> str:
    """The header's value: `t=<Unix time>,v1=<HMAC-SHA-256 over "<t>.<body>", hex>`. The time is signed too: whoever keeps a request to send
    it again is found out by its age."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={hmac.new(secret.encode(), f'{seconds}.'.encode() + body, hashlib.sha256).hexdigest()}"


def url_problem(url: str, *, private: bool) -> str:
    """What is wrong with an address, "" for nothing. http is for the own network alone (`private`); where a name leads to is looked at
    again when it is sent (:mod:`dispatch.notices.targets`)."""
    try:
        parts = urlsplit(url)
        good = parts.hostname and parts.port != 0 and not parts.username and not parts.password and not parts.fragment
    except ValueError:
        good = None
    if not good or len(url) > LONGEST_URL or parts.scheme not in ("http", "https") or any(sign.isspace() for sign in url):
        return "webhook_url"
    return "webhook_plain" if parts.scheme == "http" and not private else ""


@dataclass(frozen=True, slots=True)
class WebhookDraft:
    """What a subscription is to be."""

    name: str
    url: str
    events: tuple[str, ...]
    active: bool = True

    def problems(self, *, private: bool) -> list[FieldError]:
        """Every bad field; `private`: whether addresses in the own network are good."""
        found: list[FieldError] = []
        if not tidy(self.name):
            found.append(("name", "required", {}))
        elif len(tidy(self.name)) > LONGEST_NAME:
            found.append(("name", "too_long", {"most": LONGEST_NAME}))
        if problem := url_problem(self.url, private=private):
            found.append(("url", problem, {}))
        if not self.events or not set(self.events) <= set(EVENTS):
            found.append(("events", "webhook_events", {}))
        return found

    def put(self, webhook: Webhook) -> None:
        """Have the subscription be so."""
        webhook.name, webhook.url, webhook.active = tidy(self.name), self.url, self.active
        webhook.events = [event for event in EVENTS if event in self.events]


def draft_of(webhook: Webhook) -> WebhookDraft:
    """What a subscription is."""
    return WebhookDraft(webhook.name, webhook.url, tuple(webhook.events), webhook.active)


async def add(
    db: Database, draft: WebhookDraft, *, private: bool, by: User, now: datetime, order: orders.Order | None = None
) -> tuple[str, Webhook]:
    """A new subscription and its secret, which is shown this once. An `order` that was carried out before gives what it made, whose secret
    its sender may not have got. Raises ValidationFailed (name, url, events), UserError("key_reused")."""
    if found := draft.problems(private=private):
        raise ValidationFailed(found)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    webhook_id = new_id()
    async with db.writer() as session:
        if (made := await orders.made_before(session, order, now)) and (there := await session.get(Webhook, made)) is not None:
            return db.site.sealer.open(there.secret_sealed, there.id), there
        webhook = Webhook(id=webhook_id, secret_sealed=db.site.sealer.seal(secret, webhook_id), created_at=now)
        draft.put(webhook)
        session.add(webhook)
        await orders.keep_made(session, order, webhook.id, now)
        await audit.write(session, by, "webhook_added", webhook.name, detail=_detail(webhook), now=now)
    return secret, webhook


async def change(
    db: Database, webhook_id: str, changed: Callable[[Webhook], WebhookDraft], *, private: bool, by: User, now: datetime
) -> Webhook:
    """Have it be what `changed` makes of it inside the transaction; what waits goes to the new address. Raises NotFound,
    ValidationFailed."""
    async with db.writer() as session:
        webhook = await _get(session, webhook_id)
        draft = changed(webhook)
        if found := draft.problems(private=private):
            raise ValidationFailed(found)
        if draft != draft_of(webhook):
            draft.put(webhook)
            await audit.write(session, by, "webhook_changed", webhook.name, detail=_detail(webhook), now=now)
    return webhook


def _detail(webhook: Webhook) -> dict[str, Any]:
    state = {} if webhook.active else {"active": False}
    return {"webhook": webhook.id, "host": urlsplit(webhook.url).hostname, "events": webhook.events, **state}


async def remove(db: Database, webhook_id: str, by: User, now: datetime, seen: Callable[[Webhook], object] | None = None) -> None:
    """Nothing is sent there any more, and what waits is dropped. `seen` as of :func:`dispatch.notices.feeds.revoke`. Raises NotFound."""
    async with db.writer() as session:
        webhook = await _get(session, webhook_id)
        if seen is not None:
            seen(webhook)
        await session.delete(webhook)
        await audit.write(session, by, "webhook_removed", webhook.name, detail={"webhook": webhook.id}, now=now)


async def test(db: Database, webhook_id: str, by: User, now: datetime) -> WebhookDelivery:
    """Send an event that tells nothing. Raises NotFound."""
    async with db.writer() as session:
        webhook = await _get(session, webhook_id)
        delivery = _delivery(webhook, TEST, {}, now)
        session.add(delivery)
        await audit.write(session, by, "webhook_tested", webhook.name, detail={"webhook": webhook.id}, now=now)
    return delivery


async def get(db: Database, webhook_id: str) -> Webhook:
    """One subscription. Raises NotFound."""
    async with db.reader() as session:
        return await _get(session, webhook_id)


@dataclass(frozen=True, slots=True)
class Place:
    """The last entry of a page: the next page begins behind it."""

    created_at: datetime
    id: str


async def page(db: Database, after: Place | None, size: int) -> tuple[list[Webhook], Place | None]:
    """At most `size` subscriptions, the oldest first, and where the next page begins (None: nowhere)."""
    rows = select(Webhook)
    if after is not None:
        same = and_(Webhook.created_at == after.created_at, Webhook.id > after.id)
        rows = rows.where(or_(Webhook.created_at > after.created_at, same))
    async with db.reader() as session:
        found = list(await session.scalars(rows.order_by(Webhook.created_at, Webhook.id).limit(size + 1)))
    shown = found[:size]
    return shown, Place(shown[-1].created_at, shown[-1].id) if len(found) > size else None


async def deliveries(
    db: Database, webhook_id: str, states: Sequence[str], after: Place | None, size: int
) -> tuple[list[WebhookDelivery], Place | None]:
    """What one was sent, the newest first; as :func:`page`. Raises NotFound."""
    row = WebhookDelivery
    rows = select(row).where(row.webhook_id == webhook_id)
    if states:
        rows = rows.where(row.state.in_(states))
    if after is not None:
        rows = rows.where(or_(row.created_at < after.created_at, and_(row.created_at == after.created_at, row.id < after.id)))
    async with db.reader() as session:
        await _get(session, webhook_id)
        found = list(await session.scalars(rows.order_by(row.created_at.desc(), row.id.desc()).limit(size + 1)))
    shown = found[:size]
    return shown, Place(shown[-1].created_at, shown[-1].id) if len(found) > size else None


async def delivery(db: Database, webhook_id: str, delivery_id: str) -> WebhookDelivery:
    """One of them. Raises NotFound."""
    async with db.reader() as session:
        found = await session.get(WebhookDelivery, delivery_id)
    if found is None or found.webhook_id != webhook_id:
        raise NotFound("delivery_unknown")
    return found


async def listed(db: Database, newest: int = 5) -> list[tuple[Webhook, list[WebhookDelivery]]]:
    """Every subscription by name, with its newest deliveries."""
    async with db.reader() as session:
        webhooks = list(await session.scalars(select(Webhook).order_by(Webhook.name, Webhook.id)))
        found = []
        for webhook in webhooks:
            rows = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
            newest_first = rows.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id).limit(newest)
            found.append((webhook, list(await session.scalars(newest_first))))
    return found


async def note(session: AsyncSession, event: str, sitting: Sitting, now: datetime) -> None:
    """Inside the transaction of the act: tell whoever wants to know of such events."""
    body = {
        "sitting": sitting.id,
        "sequence": sitting.sequence,
        "status": sitting.status,
        "starts_at": sitting.starts_at.astimezone(UTC).isoformat(),
        "ends_at": sitting.ends_at.astimezone(UTC).isoformat(),
    }
    for webhook in await ready.objects(session, Webhook, *ASKED):
        if event in webhook.events:
            session.add(_delivery(webhook, event, body, now))


def _delivery(webhook: Webhook, event: str, data: dict[str, Any], now: datetime) -> WebhookDelivery:
    delivery_id = new_id()
    body = {"id": delivery_id, "event": event, "at": now.astimezone(UTC).isoformat(), "data": data}
    return WebhookDelivery(
        id=delivery_id,
        webhook_id=webhook.id,
        event=event,
        body=body,
        state="queued",
        attempts=0,
        next_at=now,
        good_until=now + KEPT,
        created_at=now,
    )


async def _get(session: AsyncSession, webhook_id: str) -> Webhook:
    webhook = await session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFound("webhook_unknown")
    return webhook
