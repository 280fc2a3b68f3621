"""Brings a database to the present schema (Alembic; the steps are in dispatch/store/migrations/versions)."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from dispatch.store.postgresql import SCHEMA

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@cache
def head() -> str:
    """The revision of this version of the program."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    if revision is None:
        raise RuntimeError(f"no migrations in {MIGRATIONS}")
    return revision


def is_known(revision: str) -> bool:
    """Whether this version of the program can bring a database of that revision up to date."""
    return any(step.revision == revision for step in ScriptDirectory.from_config(configuration()).walk_revisions())


def upgrade(url: str) -> None:
    """Upgrade the database at `url`, all steps in one transaction; two processes at once wait for each other.

    Raises the errors of SQLAlchemy and of the driver. Not to be called where an event loop runs.
    """
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        asyncio.run(_upgrade_postgresql(address))
    else:
        _upgrade_sqlite(address)


def steps(connection: Connection, revision: str = "head") -> None:
    """All steps up to a revision, inside the connection's transaction."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def _upgrade_postgresql(address: URL) -> None:
    engine = create_async_engine(address.set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(SCHEMA)))
            await connection.run_sync(steps)
    finally:
        await engine.dispose()


def _upgrade_sqlite(address: URL) -> None:
    engine = create_engine(address.set(drivername="sqlite+pysqlite"), poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        steps(connection)
    engine.dispose()
