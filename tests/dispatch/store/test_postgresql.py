"""PostgreSQL under the control plane: the same steps lead to the same tables, and writers, readers and refusals are as on SQLite."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from dispatch import audit
from dispatch.store.copy_tables import Copy
from dispatch.store.database import CannotWrite, Database, DatabaseUnavailable, engine, migrated
from dispatch.store.migrate import head
from dispatch.store.tables import AuditRow, Case
from tests.dispatch import cluster
from tests.dispatch.making import NOW, Court, make_sitting

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture
def court(postgresql_court: Court) -> Court:
    return postgresql_court


@pytest.fixture
def empty(postgresql: Path) -> str:
    """The address of a database without tables."""
    cluster.told(postgresql, "DROP DATABASE IF EXISTS empty WITH (FORCE);\nCREATE DATABASE empty")
    return cluster.url(postgresql, "empty")


def looked_at(url: str, look: Callable[[Connection], Any]) -> Any:
    async def ask() -> Any:
        reading = engine(make_url(url), writes=False)
        async with reading.connect() as connection:
            found = await connection.run_sync(look)
        await reading.dispose()
        return found

    return asyncio.run(ask())


def case(number: str) -> Case:
    return Case(number=number, title="案")


async def numbers(db: Database) -> list[str]:
    async with db.reader() as session:
        return list(await session.scalars(select(Case.number).order_by(Case.number)))


# ------------------------------------------------------------------------------------------------ the schema


def test_the_steps_lead_to_the_tables_that_the_program_declares(empty: str) -> None:
    migrated(empty)
    # Of an expression, which each database writes in its own way: the tables cannot declare it.
    options = {"compare_type": True, "include_name": lambda name, kind, _parents: (kind, name) != ("index", "audit_of_sitting")}
    found = looked_at(empty, lambda c: compare_metadata(MigrationContext.configure(c, opts=options), Copy.metadata))
    assert found == []
    migrated(empty)
    assert looked_at(empty, lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()) == [head()]


async def test_servers_that_start_together_make_one_database(empty: str) -> None:
    script = "import sys; from dispatch.store.database import migrated; sys.stdin.readline(); migrated(sys.argv[1])"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, empty, cwd=TOP, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 3, said


@pytest.mark.parametrize("act", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_no_row_of_the_audit_log_is_changed_or_taken_away(court: Court, act: str) -> None:
    await make_sitting(court)
    with pytest.raises(DBAPIError, match="append-only"):
        async with court.db.writer() as session:
            await session.execute(text(act))
    assert (await audit.verify_chain(court.db)).rows == 1


# ------------------------------------------------------------------------------------------------ writers and readers


async def test_an_act_that_fails_leaves_nothing_of_itself(court: Court) -> None:
    with pytest.raises(ZeroDivisionError):
        async with court.db.writer() as session:
            session.add(case("1"))
            await session.flush()
            _ = 1 // 0
    assert await numbers(court.db) == []


async def test_a_reader_changes_nothing_and_sees_one_moment(court: Court) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with court.db.reader() as session:
            session.add(case("1"))
            await session.flush()
    async with court.db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
        async with court.db.writer() as writing:
            writing.add(case("1"))
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
    assert await numbers(court.db) == ["1"]


async def test_what_a_writer_has_read_cannot_change_before_it_commits(court: Court) -> None:
    """Twenty who count and then write, in two servers: without taking turns two of them would count the same."""
    other = await Database.connect(court.db.url)

    async def count_and_write(db: Database) -> None:
        async with db.writer() as session:
            count = await session.scalar(select(func.count()).select_from(Case))
            session.add(case(f"{count:02}"))

    try:
        await asyncio.gather(*(count_and_write(db) for db in (court.db, other) for _ in range(10)))
    finally:
        await other.close()
    assert await numbers(court.db) == [f"{number:02}" for number in range(20)]


async def test_rows_of_the_audit_log_follow_each_other_whoever_writes_them(court: Court) -> None:
    other = await Database.connect(court.db.url)

    async def act(db: Database, number: int) -> None:
        async def work(session: Any) -> None:
            await audit.write(session, "system", "watch", f"{number}", now=NOW)

        await db.act(work)

    try:
        await asyncio.gather(*(act(db, number) for db in (court.db, other) for number in range(25)))
    finally:
        await other.close()
    assert await audit.verify_chain(court.db) == audit.ChainReport(50)
    assert (court.db.again, other.again) == (0, 0)


async def test_a_time_and_a_document_come_back_as_they_went_in(court: Court) -> None:
    await audit.record(court.db, "system", "watch", detail={"案": ["一", None, 2]}, now=NOW)
    async with court.db.reader() as session:
        row = await session.scalar(select(AuditRow))
        shown = await session.scalar(text("SELECT at::text FROM audit"))
    assert row is not None
    assert (row.at, row.detail, shown) == (NOW, {"案": ["一", None, 2]}, "2026-11-24 01:30:00+00")


# ------------------------------------------------------------------------------------------------ what is refused in words


async def test_a_writer_that_waited_too_long_is_told_so_and_nothing_is_kept(court: Court) -> None:
    other = await Database.connect(court.db.url)

    async def impatient(session: Any) -> None:
        await session.execute(text("SET LOCAL lock_timeout = '20ms'"))
        session.add(case("1"))
        await session.execute(text("LOCK TABLE audit"))

    try:
        async with court.db.reader() as session:
            await session.execute(select(AuditRow))
            with pytest.raises(CannotWrite) as told:
                await other.act(impatient)
    finally:
        await other.close()
    assert (told.value.code, told.value.status) == ("store_busy", 503)
    assert await numbers(court.db) == []


async def test_a_server_that_may_not_write_says_so(court: Court, postgresql: Path) -> None:
    cluster.told(postgresql, "ALTER DATABASE court SET default_transaction_read_only = on")
    db = await Database.connect(court.db.url)

    async def write(session: Any) -> None:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        session.add(case("1"))

    with pytest.raises(CannotWrite) as told:
        await db.act(write)
    await db.close()
    assert told.value.code == "store_unwritable"


async def test_who_loses_his_connection_is_told_so_and_the_next_one_gets_a_new_one(court: Court, postgresql: Path) -> None:
    async def cut(session: Any) -> None:
        session.add(case("1"))
        await session.flush()
        await asyncio.to_thread(
            cluster.told, postgresql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'court' AND state <> 'idle'"
        )
        await session.execute(text("SELECT 1"))

    with pytest.raises(CannotWrite) as told:
        await court.db.act(cut)
    assert told.value.code == "store_unwritable"
    async with court.db.writer() as session:
        session.add(case("2"))
    assert await numbers(court.db) == ["2"]


async def test_a_server_that_is_not_there_is_named_in_one_line_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://dispatch:geheim@/court?host={tmp_path}"
    with pytest.raises(DatabaseUnavailable) as told:
        await Database.connect(url)
    with pytest.raises(DatabaseUnavailable) as told_again:
        await asyncio.to_thread(migrated, url)
    for text_ in (str(told.value), str(told_again.value)):
        assert "postgresql://dispatch:***@/court" in text_
        assert "geheim" not in text_
        assert "\n" not in text_


async def test_a_database_without_tables_is_named_and_not_filled_by_connecting(empty: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="alembic_version"):
        await Database.connect(empty)
