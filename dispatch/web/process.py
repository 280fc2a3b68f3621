"""The web process: pages, API, signalling and conferences, put together."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web

from dispatch.archive import seals
from dispatch.console.alerts.keeper import AlertKeeper
from dispatch.console.field import figures as field_figures
from dispatch.copies import figures as copies
from dispatch.keeping import figures as keeping_figures
from dispatch.notices import figures
from dispatch.operations import turn, upkeep, workers
from dispatch.operations.certificate import CertificateRefused, Served
from dispatch.sittings.live import LivePlane
from dispatch.store.database import Database
from dispatch.store.site import Site, key_file
from dispatch.store.tables import utc_now
from dispatch.supervise import StartRefused, listen
from dispatch.vault import site as site_vault
from dispatch.web.app import make_app, make_runner
from dispatch.web.context import Context
from rooms.hub import Hub
from rooms.lasting import go_round, keep_what_is_loaded
from rooms.media.client import EngineClient
from rooms.media.pool import EnginePool
from rooms.recording.client import RecorderClient
from rooms.sealing import Sealing
from rooms.sqlite_log import SqliteLog

if TYPE_CHECKING:
    from dispatch.settings import Settings


@asynccontextmanager
async def serving(settings: Settings, listen_fd: int | None, tls_listen_fd: int | None) -> AsyncIterator[None]:
    """Serve until the block ends, on these sockets that were opened already, or else on the ports of the settings. Raises StartRefused."""
    listener = socket.socket(fileno=listen_fd) if listen_fd is not None else listen(settings.host, settings.port)
    try:
        served = Served(settings, datetime.now(UTC)) if settings.has_certificate else None
    except CertificateRefused as error:
        raise StartRefused(str(error)) from None
    run = settings.run.resolve()
    db = await Database.connect(settings.database, Site.of(settings))
    log = SqliteLog(settings.data / "log.db")
    hub = Hub(
        log=log,
        engine=EnginePool({worker.name: EngineClient(worker.socket) for worker in workers.of(settings)}),
        recorder=RecorderClient(run / "recorder.sock"),
        reserve=settings.data / "reserve.log",
        clock_us=lambda: time.time_ns() // 1000,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        relay=turn.relay_of(settings),
        sealing=Sealing(key_file(settings.secrets / "sealing.key")),
    )
    live = LivePlane(db, hub, settings)
    runner = make_runner(make_app(Context(settings, db, hub, live, site_vault.of(settings))))
    await hub.start()
    await live.start()
    await runner.setup()
    await web.SockSite(runner, listener, backlog=1024).start()
    if served is not None:
        secure = (
            socket.socket(fileno=tls_listen_fd)
            if tls_listen_fd is not None
            else listen(settings.host, settings.tls_port, "DISPATCH_TLS_PORT")
        )
        await web.SockSite(runner, secure, backlog=1024, ssl_context=served.context).start()
    keep_what_is_loaded()
    stamps = bool(settings.tsa_url)
    counted = (figures.run(db), copies.run(db), seals.run(db, stamps), keeping_figures.run(db, utc_now))
    alerts = AlertKeeper(db, hub, settings).run()
    field = field_figures.run(db, settings.field_files, utc_now)
    duties = (alerts, go_round(lambda: hub.is_quiet), upkeep.run(settings, db, served), field, *counted)
    care = [asyncio.create_task(duty) for duty in duties]
    yield
    for task in care:
        task.cancel()
    await asyncio.gather(*care, return_exceptions=True)
    await hub.close()  # browsers are told to come back before their sockets go
    await live.close()
    await runner.cleanup()
    await log.close()
    await db.close()
