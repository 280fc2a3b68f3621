"""PostgreSQL through asyncpg: pools of writers and readers, and the locks that stand in for SQLite's single writer.

A transaction of :meth:`dispatch.store.database.Database.writer` is alone: it holds the writers' lock, as ``BEGIN IMMEDIATE``
would. Bookings go beside each other (they share that lock) and lock what they decide on: the sitting's row, then the
resources in the order of their ids, the audit log last.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import Integer, bindparam, event, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dispatch.store import ready
from dispatch.store.ready import Ready

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.pool import ConnectionPoolEntry

READERS = 8
WRITERS = 8
ASKED_AFTER_S = 5.0
"""A connection that was not used for so long is asked whether the server still is there."""
LOCK_TIMEOUT_MS = 60_000
"""How long a writer waits for another one, or for its turn among the writers of this process."""

SCHEMA, WRITING, AUDIT = 0x646973_01, 0x646973_02, 0x646973_03
"""Numbers of the advisory locks: bringing the schema up to date, writing, appending to the audit log."""

_LOCK = Ready(select(func.pg_advisory_xact_lock(bindparam("number", type_=Integer))))

_UNWRITABLE = {
    "53100": "store_full",  # disk_full
    "53200": "store_busy",  # out_of_memory
    "53300": "store_busy",  # too_many_connections
    "55P03": "store_busy",  # lock_not_available: lock_timeout
    "40P01": "store_busy",  # deadlock_detected, also when it was tried once more
    "40001": "store_busy",  # serialization_failure
    "25006": "store_unwritable",  # read_only_sql_transaction: a standby
    "57P01": "store_unwritable",  # admin_shutdown
    "57P02": "store_unwritable",  # crash_shutdown
    "57P03": "store_unwritable",  # cannot_connect_now
    "58030": "store_unwritable",  # io_error
}
"""SQLSTATE (PostgreSQL, appendix A) that are no defect of ours; those of class 08, the connection, are none either."""

REFUSED = (PostgresError, InterfaceError, ConnectionError, TimeoutError)
"""What the driver raises when it gets no connection."""

TRY_AGAIN = frozenset({"40P01", "40001", "23P01"})
"""deadlock_detected, serialization_failure, exclusion_violation: the same order may well succeed, or learn what is in its way."""


def state(error: BaseException | None) -> str:
    """The SQLSTATE of what the driver raised, "" where it has none."""
    return str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")


def unwritable(error: DBAPIError) -> str | None:
    """Why nothing could be written, as a code of :class:`dispatch.store.database.CannotWrite`; None where it is a defect."""
    code = state(error.orig)
    if code.startswith("08") or error.connection_invalidated:
        return "store_unwritable"
    return _UNWRITABLE.get(code)


def engine(url: URL, *, writes: bool) -> AsyncEngine:
    """A pool of connections that write, or of those that read; a reader sees one moment of the database."""
    made = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=WRITERS if writes else READERS,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT_MS / 1000,
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        connect_args={
            "server_settings": {
                "application_name": "dispatch",
                "timezone": "UTC",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "default_transaction_read_only": "off" if writes else "on",
                # A plan that was made for a table with a hundred rows serves one with a million badly; but who writes goes by keys, the
                # checks of foreign keys do, and to plan each of them anew takes longer than to carry it out.
                "plan_cache_mode": "auto" if writes else "force_custom_plan",
                "jit": "off",
            }
        },
    )
    _look_whether_alive(made)
    return made


def _look_whether_alive(made: AsyncEngine) -> None:
    """The server may have been restarted. A connection that it closed is known by that; one that nobody used for a while is asked, for
    what lies between may have forgotten it. To ask each time would take three ways to the server and back."""

    @event.listens_for(made.sync_engine, "checkin")
    def given_back(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(made.sync_engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        driver = record.driver_connection
        if driver is None or driver.is_closed():
            raise DisconnectionError("the server closed it")
        if time.monotonic() - record.info.get("used", time.monotonic()) > ASKED_AFTER_S:
            try:
                made.sync_engine.dialect.do_ping(connection)
            except Exception as error:
                raise DisconnectionError("the server does not answer on it") from error


def is_postgresql(session: AsyncSession) -> bool:
    """Whether the session works on PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


async def begin(session: AsyncSession, *, alone: bool) -> None:
    """Begin a transaction that writes: alone, or beside others that are not."""
    await ready.begin(session, f"SELECT pg_advisory_xact_lock{'' if alone else '_shared'}({WRITING})")


async def lock(session: AsyncSession, number: int) -> None:
    """Hold an advisory lock until the transaction ends; on SQLite, where a writer is alone, there is nothing to do."""
    if is_postgresql(session):
        await ready.rows(session, _LOCK, {"number": number})


async def lock_words(session: AsyncSession, words: str) -> None:
    """As :func:`lock`, on what `words` name: a row that may not be there yet."""
    if is_postgresql(session):
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(words, 0))))
