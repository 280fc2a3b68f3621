"""Everything that goes out of a site, for the process that sends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from dispatch.notices.lines import AskerLine, AskerTextLine, MailLine, TextLine
from dispatch.notices.sender import Line, Sender
from dispatch.notices.targets import WebhookLine
from dispatch.store.database import Database
from dispatch.store.site import Site

if TYPE_CHECKING:
    from dispatch.notices.letters import Words
    from dispatch.settings import Settings


WEBHOOK_LINES = 3


def lines(db: Database, settings: Settings, words: Words) -> list[Line[Any]]:
    """The lines that the settings open."""
    found: list[Line[Any]] = []
    if settings.smtp_host:
        found += [MailLine(db, settings, words), AskerLine(settings, words)]
    if settings.sms_url:
        found += [TextLine(db, settings, words), AskerTextLine(settings, words)]
    # One that answers slowly holds up no other.
    return [*found, *(WebhookLine(db, settings) for _ in range(WEBHOOK_LINES))]


async def run(settings: Settings, words: Words) -> None:
    """Send until cancelled. Raises DatabaseUnavailable."""
    db = await Database.connect(settings.database, Site.of(settings))
    try:
        await asyncio.gather(*(Sender(db, line).run() for line in lines(db, settings, words)))
    finally:
        await db.close()
