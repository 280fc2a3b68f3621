"""Requests to addresses that an administrator typed, kept out of the site's own network (server-side request forgery).

A name is resolved once, and the connection goes to the very addresses that were judged: a name that leads elsewhere a moment
later (DNS rebinding) leads nowhere. Redirects are not followed.
"""

from __future__ import annotations

import json
import socket
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from cryptography.exceptions import InvalidTag

from dispatch.notices.sender import Act, Line, Rejected, TryLater
from dispatch.notices.webhooks import DELIVERY, EVENT, SIGNATURE, signature
from dispatch.store.notice_tables import WebhookDelivery
from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from dispatch.settings import Settings
    from dispatch.store.database import Database

LIMIT_S = 15.0
_NAT64 = ip_network("64:ff9b::/96")
"""RFC 6052."""
LONGEST_ANSWER_BYTES = 400
AGAIN = frozenset({408, 409, 425, 429})


class PrivateTarget(OSError):
    """The name leads into a network that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet; an IPv4 address inside of it (mapped, 6to4, Teredo, NAT64) is judged instead."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if found in _NAT64:
            return is_public(str(ip_address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def may_be_public(url: str) -> bool:
    """False for an address that is written as a private IP: names are judged when they are resolved, and only then."""
    try:
        return is_public(urlsplit(url).hostname or "")
    except ValueError:
        return True


class PublicResolver(AbstractResolver):
    """Resolves as the system does, and gives public addresses alone."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise PrivateTarget(f"{host} leads into a private network (DISPATCH_WEBHOOK_PRIVATE)")
        return found

    async def close(self) -> None:
        await self._system.close()


class WebhookLine(Line[WebhookDelivery]):
    """Events on their way to programs. One that cannot be reached holds up no other: each delivery waits for itself."""

    name = "webhook"
    row = WebhookDelivery

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._private = settings.webhook_private
        self._client: aiohttp.ClientSession | None = None

    async def pack(self, session: AsyncSession, row: WebhookDelivery, _now: datetime) -> Act | None:
        if not row.webhook.active:
            return None
        url, sealed, owner = row.webhook.url, row.webhook.secret_sealed, row.webhook.id
        return lambda: self._deliver(row, url, sealed, owner)

    async def _deliver(self, row: WebhookDelivery, url: str, sealed: str, owner: str) -> str:
        if not self._private and not may_be_public(url):
            raise Rejected("the address is in a private network (DISPATCH_WEBHOOK_PRIVATE)")
        try:
            secret = self._db.site.sealer.open(sealed, owner)
        except InvalidTag:
            raise Rejected("the installation's key is another: make the subscription anew") from None
        body = json.dumps(row.body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "dispatch",
            EVENT: row.event,
            DELIVERY: row.id,
            SIGNATURE: signature(secret, utc_now(), body),
        }
        try:
            async with self._session().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                said = (await answer.content.read(LONGEST_ANSWER_BYTES)).decode("utf-8", "replace")
        except TimeoutError:
            raise TryLater(f"no answer within {LIMIT_S:.0f} s") from None
        except PrivateTarget as error:
            raise Rejected(str(error)) from None
        except ValueError as error:  # aiohttp.InvalidURL too: an address that only some programs take for one
            raise Rejected(str(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error.__cause__, PrivateTarget):
                raise Rejected(str(error.__cause__)) from None
            raise TryLater(str(error) or type(error).__name__) from None
        words = f"{answer.status} {' '.join(said.split())}".strip()
        if 200 <= answer.status < 300:
            return words
        raise TryLater(words) if answer.status >= 500 or answer.status in AGAIN else Rejected(words)

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            connector = aiohttp.TCPConnector() if self._private else aiohttp.TCPConnector(resolver=PublicResolver(), use_dns_cache=False)
            self._client = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=LIMIT_S))
        return self._client

    async def rest(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
