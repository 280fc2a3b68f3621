"""A PostgreSQL database out of it and into another: pg_dump at one moment, pg_restore into an empty one, all of it or nothing.

Both are PostgreSQL's own programs. Where the database is, and the name to go there with, they learn from their environment, and the
password from a file that its owner alone can read: a command line is seen by everybody on the machine.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from dispatch.store import postgresql
from dispatch.store.database import cause, place

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each major version."""
CONNECT_S = 15
LOCKS_MS = 60_000
"""How long a table is waited for that somebody alters."""

_TABLE = re.compile(r'(?:dumping contents of|processing data for) table "(?:[^".]+\.)?([^"]+)"')
_LISTED = re.compile(r"^\d+; \d+ \d+ TABLE DATA \S+ (\S+) ", re.MULTILINE)
_HINT = "install the package postgresql-client"
# What extensions brought along is no content: an administrator may have installed btree_gist beforehand.
_FIRST_OBJECT = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind = 'r' DESC, c.relname LIMIT 1
"""
_PATIENT = "SET LOCAL idle_in_transaction_session_timeout = 0"
_VERSION = "SHOW server_version_num"
_SIZES = "SELECT c.relname, pg_table_size(c.oid) FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"

Progress = Callable[[str, int], None]
"""Called with the name of what is worked on and the bytes done since the last call."""


class DumpFailed(Exception):
    """The database cannot be dumped or restored; the text is one line that says why and holds no password."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a database, which lasts as long as :func:`moment`: its exported snapshot, the server's major version, the schema's
    revision, the tables with their sizes in bytes, and the folders of recordings that are sealed, and of those destroyed."""

    url: str
    snapshot: str
    major: int
    revision: str
    tables: dict[str, int]
    sealed: tuple[str, ...]
    destroyed: tuple[str, ...] = ()


@contextmanager
def moment(url: str) -> Iterator[Moment]:
    """Hold a moment of the database: whatever is committed after it is not in it. Raises DumpFailed."""
    with _connected(url, "REPEATABLE READ") as (runner, connection):
        try:
            found = runner.run(_moment(url, connection))
        except (SQLAlchemyError, OSError, *postgresql.REFUSED) as error:
            raise DumpFailed(f"{place(url)}: {cause(error)}") from None
        yield found


async def _moment(url: str, connection: AsyncConnection) -> Moment:
    # It lies idle while pg_dump works.
    await connection.execute(text(_PATIENT))
    return Moment(
        url,
        str(await connection.scalar(text("SELECT pg_export_snapshot()"))),
        await _major(connection),
        str(await connection.scalar(text("SELECT version_num FROM alembic_version"))),
        {row[0]: row[1] for row in await connection.execute(text(_SIZES))},
        tuple(await connection.scalars(text("SELECT folder FROM recording WHERE sealed_at IS NOT NULL"))),
        # As a document: a database of an earlier version has no such column.
        tuple(await connection.scalars(text("SELECT folder FROM recording WHERE to_jsonb(recording) ->> 'destroyed_at' IS NOT NULL"))),
    )


async def _major(connection: AsyncConnection) -> int:
    return int(str(await connection.scalar(text(_VERSION)))) // 10_000


def write(found: Moment, target: Path, progress: Progress) -> None:
    """Dump the moment to a new file in pg_dump's custom format, and look whether every table is in it. Raises DumpFailed."""
    done: list[str] = []

    def tell(table: str) -> None:
        done.append(table)
        progress(target.name, found.tables.get(table, 0))

    options = ["--format=custom", f"--snapshot={found.snapshot}", "--no-owner", "--no-privileges"]
    with _environment(found.url) as environment:
        _run(
            [_program("pg_dump", found.major), *options, f"--lock-wait-timeout={LOCKS_MS}", "--verbose", f"--file={target}"],
            environment,
            tell,
        )
    if missing := found.tables.keys() - set(_tables_in(target, found.major)):
        raise DumpFailed(f"pg_dump left out the table {min(missing)}")
    progress(target.name, sum(size for table, size in found.tables.items() if table not in done))


def refuse_full(url: str, made_by: int) -> None:
    """Raises DumpFailed unless the database is there, empty, and on a server that can take a dump of major version `made_by`."""
    with _connected(url, "READ COMMITTED") as (runner, connection):
        try:
            major = runner.run(_major(connection))
            there = runner.run(connection.scalar(text(_FIRST_OBJECT)))
        except (SQLAlchemyError, OSError, *postgresql.REFUSED) as error:
            raise DumpFailed(f"{place(url)}: {cause(error)}") from None
    if there is not None:
        raise DumpFailed(f"{place(url)} is not empty ({there}); a backup is restored into an empty database only")
    if major < made_by:
        raise DumpFailed(f"{place(url)} is on PostgreSQL {major}; the backup was made on PostgreSQL {made_by}")
    _program("pg_restore", max(major, made_by))


def read_back(url: str, source: Path, made_by: int, progress: Progress) -> None:
    """Restore a dump into an empty database in one transaction. Raises DumpFailed; nothing of it is in the database then."""
    tables = _tables_in(source, made_by)
    part, left = divmod(source.stat().st_size, max(len(tables), 1))
    # Whoever restores owns what he restores; a comment on an extension is its owner's alone.
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments", "--verbose"]
    with _environment(url) as environment:
        command = [_program("pg_restore", made_by), *options, "--dbname=postgresql://", str(source)]
        _run(command, environment, lambda _table: progress(source.name, part))
    progress(source.name, left)


def _tables_in(file: Path, major: int) -> list[str]:
    """The tables whose rows are in a dump. Raises DumpFailed where it is none."""
    command = [_program("pg_restore", major), "--list", str(file)]
    listed = subprocess.run(command, env=_plain(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise DumpFailed(f"{file}: {_said(listed.stderr.splitlines())}")
    return _LISTED.findall(listed.stdout)


# ------------------------------------------------------------------------------------------------ the programs


def _program(name: str, at_least: int) -> str:
    """The program of the oldest version that is not older than the server: a dump of a newer one than need be is read by fewer.
    Raises DumpFailed where there is none."""
    versions = {int(path.parent.parent.name): path for path in PROGRAMS.glob(f"*/bin/{name}") if path.parent.parent.name.isdigit()}
    fitting = [version for version in sorted(versions) if version >= at_least]
    if fitting:
        return str(versions[fitting[0]])
    found = None if versions else shutil.which(name)  # what Debian has in the PATH leads to the same ones
    if found is None:
        raise DumpFailed(f"{name} of PostgreSQL {at_least} or later is not here; {_HINT}")
    return found


def _plain() -> dict[str, str]:
    """Programs speak English, whose words we know."""
    return {**os.environ, "LC_ALL": "C"}


@contextmanager
def _environment(url: str) -> Iterator[dict[str, str]]:
    """By which PostgreSQL's programs find the database and are let in."""
    address = make_url(url).set(drivername="postgresql+asyncpg")
    _, given = address.get_dialect()().create_connect_args(address)
    # The driver calls them otherwise than PostgreSQL's own library (libpq, section "Environment Variables").
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "database": "PGDATABASE", "ssl": "PGSSLMODE", "passfile": "PGPASSFILE"}
    found = {names[name]: _listed(value) for name, value in given.items() if name in names and value not in (None, "", [])}
    environment = {**_plain(), "PGCONNECT_TIMEOUT": str(CONNECT_S), "PGAPPNAME": "dispatch"} | found
    with tempfile.TemporaryDirectory(prefix="dispatch-") as folder:  # 0700
        if address.password is not None:
            file = Path(folder) / "passwords"
            file.touch(mode=0o600)
            file.write_text("*:*:*:*:" + re.sub(r"([\\:])", r"\\\1", str(address.password)) + "\n", encoding="utf-8")
            environment["PGPASSFILE"] = str(file)
            environment.pop("PGPASSWORD", None)
        yield environment


def _listed(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _run(command: Sequence[str], environment: dict[str, str], tell: Callable[[str], None]) -> None:
    """Run a program to its end; `tell` hears of each table that it begins. Raises DumpFailed with what it said."""
    said: list[str] = []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as process:
        try:
            for line in process.stderr or ():
                if found := _TABLE.search(line):
                    tell(found[1])
                else:
                    said.append(line.rstrip())
        except BaseException:
            process.kill()
            raise
    name = Path(command[0]).name
    if process.returncode < 0:
        raise DumpFailed(f"{name} was ended: {signal.strsignal(-process.returncode)}")
    if process.returncode:
        raise DumpFailed(_said(said) or f"{name} ended with {process.returncode}")


def _said(lines: list[str]) -> str:
    """The first error among many words."""
    return next((line for line in lines if "error:" in line or "FATAL:" in line), lines[-1] if lines else "")


@contextmanager
def _connected(url: str, isolation: str) -> Iterator[tuple[asyncio.Runner, AsyncConnection]]:
    """A connection for a program that is not asynchronous; the loop runs while something is asked."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        isolation_level=isolation,
        connect_args={"timeout": CONNECT_S, "server_settings": {"application_name": "dispatch", "lock_timeout": str(LOCKS_MS)}},
    )
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            try:
                connection = runner.run(stack.enter_async_context(engine.connect()))
            except (SQLAlchemyError, OSError, *postgresql.REFUSED) as error:
                raise DumpFailed(f"cannot open the database {place(url)}: {cause(error)}") from None
            yield runner, connection
        finally:
            runner.run(stack.aclose())
            runner.run(engine.dispose())
