"""Who forwards media, and whether the relay of people behind firewalls answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatch.operations import janus
from dispatch.operations.findings import Finding, mend, ok
from dispatch.settings import SettingsError
from rooms.relay import Relay

if TYPE_CHECKING:
    from dispatch.settings import Settings

LIMIT_S = 5.0


def engine(settings: Settings) -> Finding:
    """The media engine, and that it can be started."""
    workers = settings.media_workers
    if settings.engine == "embedded":
        return ok("engine", "embedded", workers=workers)
    try:
        janus.look(settings)
    except janus.JanusRefused as error:
        return mend("engine", "refused", why=error)
    if settings.janus_urls:
        return ok("engine", "elsewhere", urls=", ".join(settings.janus_addresses))
    return ok("engine", "janus", workers=workers)


def relay(settings: Settings) -> Iterator[Finding]:
    """Each address of the TURN servers, used from here with credentials as browsers get them."""
    from rooms.participant import turn

    if not settings.turn_servers:
        yield ok("turn", "none")
        return
    try:
        secret = settings.read_turn_secret()
    except SettingsError as error:
        yield mend("turn", "secret", why=error)
        return
    for url in settings.turn_servers:
        server = Relay((url,), secret).ice_for("check", time.time()).servers[0]
        try:
            asyncio.run(turn.allocate(server, LIMIT_S))
        except turn.Unreachable as error:
            yield mend("turn", error.code, url=url, why=error)
        else:
            yield ok("turn", "forced" if settings.force_relay else "well", url=url)
