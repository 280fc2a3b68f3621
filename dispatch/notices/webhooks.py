"""Programs that are told of what happens to sittings, by signed HTTP requests: who is, what of, and the outbox of it.

An event is written in the transaction of the act, as messages to people are. It tells which sitting, what happened and when;
whoever wants to know more asks the API for it with a token of his own, so that no personal data goes by this way.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import select

from dispatch import audit
from dispatch.booking.draft import tidy
from dispatch.errors import FieldError, NotFound, ValidationFailed
from dispatch.store.notice_tables import Webhook, WebhookDelivery
from dispatch.store.tables import new_id

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
_ACTIVE = select(Webhook).where(Webhook.active)
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


async def add(db: Database, *, name: str, url: str, events: Sequence[str], private: bool, by: User, now: datetime) -> tuple[str, Webhook]:
    """A new subscription and its secret, which is shown this once. Raises ValidationFailed (name, url, events)."""
    found: list[FieldError] = []
    if not tidy(name):
        found.append(("name", "required", {}))
    elif len(tidy(name)) > LONGEST_NAME:
        found.append(("name", "too_long", {"most": LONGEST_NAME}))
    if problem := url_problem(url, private=private):
        found.append(("url", problem, {}))
    if not events or not set(events) <= set(EVENTS):
        found.append(("events", "webhook_events", {}))
    if found:
        raise ValidationFailed(found)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    webhook_id = new_id()
    async with db.writer() as session:
        webhook = Webhook(
            id=webhook_id,
            name=tidy(name),
            url=url,
            events=[event for event in EVENTS if event in events],
            secret_sealed=db.site.sealer.seal(secret, webhook_id),
            active=True,
            created_at=now,
        )
        session.add(webhook)
        detail = {"webhook": webhook.id, "host": urlsplit(url).hostname, "events": webhook.events}
        await audit.write(session, by, "webhook_added", webhook.name, detail=detail, now=now)
    return secret, webhook


async def remove(db: Database, webhook_id: str, by: User, now: datetime) -> None:
    """Nothing is sent there any more, and what waits is dropped. Raises NotFound."""
    async with db.writer() as session:
        webhook = await _get(session, webhook_id)
        await session.delete(webhook)
        await audit.write(session, by, "webhook_removed", webhook.name, detail={"webhook": webhook.id}, now=now)


async def test(db: Database, webhook_id: str, by: User, now: datetime) -> None:
    """Send an event that tells nothing. Raises NotFound."""
    async with db.writer() as session:
        webhook = await _get(session, webhook_id)
        session.add(_delivery(webhook, TEST, {}, now))
        await audit.write(session, by, "webhook_tested", webhook.name, detail={"webhook": webhook.id}, now=now)


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
    for webhook in await session.scalars(_ACTIVE):
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
