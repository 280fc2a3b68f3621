"""The database of the control plane: SQLite for one machine, PostgreSQL past it. What is true of both is here.

Who writes by :meth:`Database.writer` is alone: what he reads cannot change under him before he commits. Bookings go by
:meth:`Database.act`: on SQLite they take turns as all others do, on PostgreSQL they go beside each other and lock what they
decide on (STYLE.md rule 5). A disk that takes no more refuses the act in words (:class:`CannotWrite`); nothing of it is kept,
and the next one succeeds as soon as there is space.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import Counter
from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from dispatch.errors import UserError
from dispatch.store import postgresql, sqlite
from dispatch.store.checkpoints import Checkpoints
from dispatch.store.migrate import head, upgrade
from dispatch.store.site import Site

if TYPE_CHECKING:
    from dispatch.settings import Settings

RESTORING = ".restoring"
"""Directory inside the data directory while a backup is being restored into it (:mod:`dispatch.operations.restore`)."""

AGAIN = Counter("dispatch_acts_again_total", "Acts that were done once more since two were in each other's way")

Result = TypeVar("Result")


class DatabaseUnavailable(Exception):
    """The database cannot be opened or is not one of this version; the text is one line that says which and why."""


class CannotWrite(UserError):
    """The database took nothing of an act. Codes: "store_full" (the disk), "store_busy" (other writers did not end),
    "store_unwritable" (the file cannot be written, the database server is not there)."""

    status = 503


def is_postgresql(url: str) -> bool:
    """Whether a database's URL names PostgreSQL."""
    return make_url(url).get_backend_name() == "postgresql"


def place(url: str) -> str:
    """What a message calls the database at `url`: the file, or the server's address without its password."""
    address = make_url(url)
    return str(address.database) if address.get_backend_name() == "sqlite" else address.render_as_string(hide_password=True)


class Database:
    """Made by :meth:`connect` or :meth:`open`. `site` holds what operations need to know of the installation."""

    def __init__(self, url: str, reading: AsyncEngine, writing: AsyncEngine, site: Site) -> None:
        self.url = url
        self.site = site
        self.again = 0
        """How many acts had to be tried once more (:meth:`act`)."""
        self._reading = reading
        self._writing = writing
        self._read_session = async_sessionmaker(reading, expire_on_commit=False)
        self._write_session = async_sessionmaker(writing, expire_on_commit=False)
        self._postgresql = is_postgresql(url)
        self._turn = asyncio.Lock()
        self._checkpoints = None if self._postgresql else Checkpoints(Path(place(url)))

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
        address, named = make_url(url), place(url)
        if address.get_backend_name() == "sqlite" and not Path(str(address.database)).is_file():
            raise DatabaseUnavailable(f"cannot open the database {named}: no such file")
        db = cls(url, engine(address, writes=False), engine(address, writes=True), site or Site())
        try:
            async with db._reading.connect() as connection:
                found = await connection.run_sync(_revision)
        except (SQLAlchemyError, sqlite3.Error, OSError, *postgresql.REFUSED) as error:
            await db.close()
            raise DatabaseUnavailable(f"cannot open the database {named}: {cause(error)}") from None
        if found != head():
            await db.close()
            raise DatabaseUnavailable(f"the database {named} is at revision {found}, not {head()}: run server.py migrate")
        return db

    @property
    def on_postgresql(self) -> bool:
        """Whether it is one of PostgreSQL's."""
        return self._postgresql

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncSession]:
        """A session that sees one moment of the database and can change nothing."""
        async with self._read_session() as session:
            yield session

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[AsyncSession]:
        """A session in which nobody else writes: committed at the end, rolled back on any exception. Do not nest: the second
        waits for the first. Keep it short and await nothing but the session in it. Raises :class:`CannotWrite`."""
        async with self._transaction(alone=True) as session:
            yield session

    async def act(self, work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """What `work` gives, done in a transaction that on PostgreSQL goes beside those of others who come by this way: it locks
        what it decides on. Where two were in each other's way after all, it is done once more from the start, and counted in
        `again`. Raises what `work` raises, or :class:`CannotWrite`."""
        try:
            async with self._transaction(alone=False) as session:
                return await work(session)
        except (CannotWrite, DBAPIError) as error:
            cause = error.__cause__ if isinstance(error, CannotWrite) else error
            if postgresql.state(getattr(cause, "orig", None)) not in postgresql.TRY_AGAIN:
                raise
        self.again += 1
        AGAIN.inc()
        async with self._transaction(alone=False) as session:
            return await work(session)

    @asynccontextmanager
    async def _transaction(self, *, alone: bool) -> AsyncIterator[AsyncSession]:
        try:
            if self._postgresql:
                async with self._write_session.begin() as session:
                    await postgresql.begin(session, alone=alone)
                    yield session
            else:
                async with self._turn, self._write_session.begin() as session:
                    yield session
            if self._checkpoints is not None:
                self._checkpoints.written()
        except DBAPIError as error:
            code = postgresql.unwritable(error) if self._postgresql else sqlite.unwritable(error)
            if code is None:
                raise
            raise CannotWrite(code) from error
        except PoolTimeoutError as error:
            raise CannotWrite("store_busy") from error
        except postgresql.REFUSED as error:  # of the connection itself, which the driver raises as they are
            raise CannotWrite("store_unwritable") from error

    async def close(self) -> None:
        """Close all connections. Idempotent."""
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self._reading.dispose()
        await self._writing.dispose()


def engine(address: URL, *, writes: bool) -> AsyncEngine:
    """The connections to the database at `address`: those that write, or those that read."""
    make = sqlite.engine if address.get_backend_name() == "sqlite" else postgresql.engine
    return make(address, writes=writes)


def migrated(url: str) -> None:
    """Bring the database at `url` to this version, making the file where there is none. Raises :class:`DatabaseUnavailable`.

    Not to be called where an event loop runs: :meth:`Database.open` gives it a thread."""
    named = place(url)
    try:
        if not is_postgresql(url):
            Path(named).parent.mkdir(parents=True, exist_ok=True)
        upgrade(url)
    except Exception as error:  # whatever it is, there is no database to work with: the one line says so
        raise DatabaseUnavailable(f"cannot open the database {named}: {cause(error)}") from None


def cause(error: BaseException) -> str:
    """Why a database cannot be had, as its driver or the system says: one line."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__


def _revision(connection: Connection) -> str | None:
    value = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(value) if value is not None else None
