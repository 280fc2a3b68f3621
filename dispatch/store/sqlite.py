"""SQLite: one file in WAL mode, one connection that writes, each of its transactions begun with ``BEGIN IMMEDIATE``."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dispatch.store import one_hop
from dispatch.store.checkpoints import LONGEST_LOG

BUSY_TIMEOUT_MS = 60_000
"""How long a writer waits for the writers of other processes. Every write transaction of ours takes a few milliseconds, but
SQLite lets in whoever asks at the right moment, not who waited longest."""
READERS = 8

_UNWRITABLE = {
    sqlite3.SQLITE_FULL: "store_full",
    sqlite3.SQLITE_BUSY: "store_busy",
    sqlite3.SQLITE_IOERR: "store_unwritable",
    sqlite3.SQLITE_READONLY: "store_unwritable",
    sqlite3.SQLITE_CANTOPEN: "store_unwritable",
}
"""SQLite's primary result codes (the low eight bits) that are no defect of ours."""


def unwritable(error: DBAPIError) -> str | None:
    """Why nothing could be written, as a code of :class:`dispatch.store.database.CannotWrite`; None where it is a defect."""
    return _UNWRITABLE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)


def engine(url: URL, *, writes: bool) -> AsyncEngine:
    """The one connection that writes, or a pool of those that read."""
    made = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )
    one_hop.use(made)

    @event.listens_for(made.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin them deferred, and late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if writes:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_LOG}")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(made.sync_engine, "invalidate")
    def give_up(connection: Any, _record: object, _error: BaseException | None) -> None:
        # A task was stopped in the midst of a statement, and its connection is about to be thrown away. SQLite keeps a closed
        # connection with its lock for as long as some cursor is referred to, by a traceback for instance.
        with suppress(Exception):
            connection.rollback()

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made
