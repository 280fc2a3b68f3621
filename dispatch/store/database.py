"""The database of the control plane: many readers, one writer.

SQLite in WAL mode. Writes of a process go through ONE connection, each transaction begun with ``BEGIN IMMEDIATE``: what it
reads cannot change under it before it commits, which is what lets a booking be decided by a query (STYLE.md rule 5).
Writers of other processes wait for each other inside SQLite (`busy_timeout`). A disk that takes no more refuses the act in
words (:class:`CannotWrite`); nothing of it is kept, and the next one succeeds as soon as there is space.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dispatch.errors import UserError
from dispatch.store.migrate import head, upgrade
from dispatch.store.site import Site

if TYPE_CHECKING:
    from dispatch.settings import Settings

BUSY_TIMEOUT_MS = 60_000
"""How long a writer waits for the writers of other processes. Every write transaction of ours takes a few milliseconds, but
SQLite lets in whoever asks at the right moment, not who waited longest."""
READERS = 8
RESTORING = ".restoring"
"""Directory inside the data directory while a backup is being restored into it (:mod:`dispatch.operations.restore`)."""


_UNWRITABLE = {
    sqlite3.SQLITE_FULL: "store_full",
    sqlite3.SQLITE_BUSY: "store_busy",
    sqlite3.SQLITE_IOERR: "store_unwritable",
    sqlite3.SQLITE_READONLY: "store_unwritable",
    sqlite3.SQLITE_CANTOPEN: "store_unwritable",
}
"""SQLite's primary result codes (the low eight bits) that are no defect of ours."""


class DatabaseUnavailable(Exception):
    """The database cannot be opened or is not one of this version; the text is one line that says which and why."""


class CannotWrite(UserError):
    """The database took nothing of an act. Codes: "store_full" (the disk), "store_busy" (other writers did not end),
    "store_unwritable" (the file cannot be written)."""

    status = 503


class Database:
    """Made by :meth:`connect` or :meth:`open`. `site` holds what operations need to know of the installation."""

    def __init__(self, url: str, reading: AsyncEngine, writing: AsyncEngine, site: Site) -> None:
        self.url = url
        self.site = site
        self._reading = reading
        self._writing = writing
        self._read_session = async_sessionmaker(reading, expire_on_commit=False)
        self._write_session = async_sessionmaker(writing, expire_on_commit=False)
        self._writer_lock = asyncio.Lock()

    @classmethod
    async def open(cls, settings: Settings) -> Database:
        """Migrate and connect as `settings` say. Raises :class:`DatabaseUnavailable`."""
        if (settings.data / RESTORING).exists():
            raise DatabaseUnavailable(f"a restore into {settings.data} was interrupted: empty the directory and restore again")
        try:
            site = Site.of(settings)
        except OSError as error:
            raise DatabaseUnavailable(f"cannot keep keys in {settings.secrets}: {error.strerror}") from None
        await asyncio.to_thread(migrated, settings.database)
        return await cls.connect(settings.database, site)

    @classmethod
    async def connect(cls, url: str, site: Site | None = None) -> Database:
        """Connect to a migrated database. Raises :class:`DatabaseUnavailable`."""
        address = make_url(url).set(drivername="sqlite+aiosqlite")
        if not Path(str(address.database)).is_file():
            raise DatabaseUnavailable(f"cannot open the database {address.database}: no such file")
        reading, writing = _engine(address, writes=False), _engine(address, writes=True)
        db = cls(url, reading, writing, site or Site())
        try:
            async with reading.connect() as connection:
                found = await connection.run_sync(_revision)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            await db.close()
            raise DatabaseUnavailable(f"cannot open the database {address.database}: {_cause(error)}") from None
        if found != head():
            await db.close()
            raise DatabaseUnavailable(f"the database {address.database} is at revision {found}, not {head()}: run server.py migrate")
        return db

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one moment of the database and can change nothing."""
        async with self._read_session() as session:
            yield session

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[AsyncSession]:
        """A session inside ``BEGIN IMMEDIATE``: committed at the end, rolled back on any exception. Do not nest: the second
        waits for the first. Keep it short and await nothing but the session in it. Raises :class:`CannotWrite`."""
        try:
            async with self._writer_lock, self._write_session.begin() as session:
                yield session
        except DBAPIError as error:
            code = _UNWRITABLE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)
            if code is None:
                raise
            raise CannotWrite(code) from error

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        await self._reading.dispose()
        await self._writing.dispose()


def migrated(url: str) -> None:
    """Bring the database at `url` to this version, making it where there is none. Raises :class:`DatabaseUnavailable`."""
    path = make_url(url).database
    try:
        Path(str(path)).parent.mkdir(parents=True, exist_ok=True)
        upgrade(url)
    except Exception as error:  # whatever it is, there is no database to work with: the one line says so
        raise DatabaseUnavailable(f"cannot open the database {path}: {_cause(error)}") from None


def _cause(error: BaseException) -> str:
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__


def _revision(connection: Connection) -> str | None:
    value = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(value) if value is not None else None


def _engine(url: URL, *, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin them deferred, and late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if writes:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "invalidate")
    def give_up(connection: Any, _record: object, _error: BaseException | None) -> None:
        # A task was stopped in the midst of a statement, and its connection is about to be thrown away. SQLite keeps a closed
        # connection with its lock for as long as some cursor is referred to, by a traceback for instance.
        with suppress(Exception):
            connection.rollback()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
