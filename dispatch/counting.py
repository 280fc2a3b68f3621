"""Figures for Prometheus that are read from the database, again and again: so they are true whichever process changes what they count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger("figures")


async def again_and_again(read: Callable[[], Awaitable[None]], every_s: float) -> None:
    """Read figures until cancelled. A database that is busy does not end them."""
    while True:
        try:
            await read()
        except Exception:
            log.exception("figures_failed")
        await asyncio.sleep(every_s)
