"""What every handler works with, made once by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from dispatch.store.tables import utc_now

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.sittings.live import LivePlane
    from dispatch.store.database import Database
    from rooms.hub import Hub
    from rooms.vault.vault import Vault


@dataclass(frozen=True)
class Context:
    """`live` ties sittings to the hub; `vault` has the sealed recordings; `clock` gives now (aware, UTC) and is the only clock of the
    handlers."""

    settings: Settings
    db: Database
    hub: Hub
    live: LivePlane
    vault: Vault
    clock: Callable[[], datetime] = utc_now


CONTEXT = web.AppKey("context", Context)
