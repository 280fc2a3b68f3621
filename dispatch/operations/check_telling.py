"""By which ways people are told, and whether these answer."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatch.notices.mail import MailServer
from dispatch.notices.sender import Unreachable
from dispatch.operations.findings import Finding, mend, note, ok
from dispatch.settings import SettingsError, is_loopback

if TYPE_CHECKING:
    from dispatch.settings import Settings

LIMIT_S = 10.0


def mail(settings: Settings) -> Finding:
    """Whether the mail server answers and lets us in; nothing is sent."""
    if not settings.smtp_host:
        return note("mail", "off")
    at = f"{settings.smtp_host}:{settings.smtp_port}"

    async def greet() -> str:
        async with asyncio.timeout(LIMIT_S):
            return await MailServer(settings).greet()

    try:
        name = asyncio.run(greet())
    except (Unreachable, TimeoutError) as error:
        return mend("mail", "silent", at=at, why=str(error) or f"no answer within {LIMIT_S:.0f} s")
    if settings.smtp_tls == "none" and not is_loopback(settings.smtp_host):
        return note("mail", "plain", at=at, name=name)
    return ok("mail", "well", at=at, name=name)


def sms(settings: Settings) -> Finding:
    """Whether something listens where the gateway should be, and its keys can be read; nothing is asked of it, as each message costs."""
    if not settings.sms_url:
        return note("sms", "off")
    parts = urlsplit(settings.sms_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        settings.read_sms_headers()
        socket.create_connection((parts.hostname or "", port), timeout=LIMIT_S).close()
    except (SettingsError, OSError) as error:
        return mend("sms", "silent", at=f"{parts.hostname}:{port}", why=error)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return note("sms", "plain", at=f"{parts.hostname}:{port}")
    return ok("sms", "well", at=f"{parts.hostname}:{port}")
