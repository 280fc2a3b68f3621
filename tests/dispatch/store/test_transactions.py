"""One writer, many readers: what a transaction sees, what it leaves behind, and who waits for whom. Real files."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from dispatch.identity import sign_in
from dispatch.identity.tokens import new_token
from dispatch.store.database import CannotWrite, Database
from dispatch.store.tables import Case, Hold, Session, User
from tests.dispatch.making import NOW, PASSWORD, Court, make_sitting

HOUR = timedelta(hours=1)
TOP = Path(__file__).resolve().parents[3]


def case(number: str) -> Case:
    return Case(number=number, title="案")


async def numbers(db: Database) -> list[str]:
    async with db.reader() as session:
        return list(await session.scalars(select(Case.number).order_by(Case.number)))


async def test_what_was_written_is_there_for_every_reader(db: Database) -> None:
    async with db.writer() as session:
        session.add(case("1"))
    assert await numbers(db) == ["1"]


async def test_an_act_that_fails_leaves_nothing_of_itself(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writer() as session:
            session.add(case("1"))
            await session.flush()
            _ = 1 // 0
    assert await numbers(db) == []
    async with db.writer() as session:
        session.add(case("2"))
    assert await numbers(db) == ["2"]


async def test_a_reader_changes_nothing(db: Database) -> None:
    with pytest.raises(DBAPIError, match="readonly"):
        async with db.reader() as session:
            session.add(case("1"))
            await session.flush()
    assert await numbers(db) == []


async def test_a_reader_sees_one_moment_while_others_write(db: Database) -> None:
    async with db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
        async with db.writer() as writing:
            writing.add(case("1"))
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
    assert await numbers(db) == ["1"]


async def test_readers_do_not_wait_for_a_writer(db: Database) -> None:
    async with db.writer() as session:
        session.add(case("1"))
        await session.flush()
        assert await numbers(db) == []


async def test_what_a_writer_has_read_cannot_change_before_it_commits(court: Court) -> None:
    """The transaction is begun IMMEDIATE: another process is kept out from the first look on, before anything was written."""
    with closing(sqlite3.connect(court.file, timeout=0, isolation_level=None)) as another:
        async with court.db.writer() as session:
            assert await session.scalar(select(func.count()).select_from(Case)) == 0
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                another.execute("BEGIN IMMEDIATE")
        another.execute("BEGIN IMMEDIATE")
        another.execute("ROLLBACK")


async def test_writers_of_one_process_take_turns_in_the_order_they_came(db: Database) -> None:
    inside = 0
    order: list[int] = []

    async def write(number: int) -> None:
        nonlocal inside
        async with db.writer() as session:
            inside += 1
            assert inside == 1
            session.add(case(f"{number:02}"))
            await session.flush()
            order.append(number)
            inside -= 1

    await asyncio.gather(*(write(number) for number in range(20)))
    assert order == list(range(20))
    assert len(await numbers(db)) == 20


async def test_a_writer_waits_for_the_writer_of_another_process(court: Court) -> None:
    with closing(sqlite3.connect(court.file, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        another.execute("INSERT INTO \"case\" (id, number, title, created_at) VALUES ('1', 'theirs', '', '2026-11-24 01:30:00.000000')")

        async def write() -> None:
            async with court.db.writer() as session:
                assert await session.scalar(select(Case.number)) == "theirs"
                session.add(case("ours"))

        writing = asyncio.create_task(write())
        await asyncio.sleep(0.2)
        assert not writing.done()
        another.execute("COMMIT")
        await writing
    assert await numbers(court.db) == ["ours", "theirs"]


async def test_a_writer_that_waited_too_long_is_told_so_in_words_and_nothing_is_kept(court: Court) -> None:
    async with court.db.writer() as session:
        await session.execute(text("PRAGMA busy_timeout = 20"))
    with closing(sqlite3.connect(court.file, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotWrite) as told:
            async with court.db.writer() as session:
                session.add(case("1"))
        assert (told.value.code, told.value.status) == ("store_busy", 503)
        another.execute("ROLLBACK")
    assert await numbers(court.db) == []
    async with court.db.writer() as session:
        session.add(case("2"))
    assert await numbers(court.db) == ["2"]


async def test_who_is_stopped_in_the_midst_leaves_nothing_and_holds_up_nobody(db: Database) -> None:
    """Stopped at every point of the way, from waiting for the turn to committing; and whoever stopped it looks at how it ended."""
    ends: list[object] = []

    async def write(number: int) -> None:
        async with db.writer() as session:
            session.add(case(f"{number:02}"))
            await session.flush()
            await session.execute(text("SELECT 1"))

    for steps in range(40):
        task = asyncio.create_task(write(steps))
        for _ in range(steps):
            await asyncio.sleep(0.0002)
        task.cancel()
        ends += await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(20), db.writer() as session:
            session.add(case(f"x{steps:02}"))
    assert any(isinstance(end, asyncio.CancelledError) for end in ends)
    found = await numbers(db)
    assert [number for number in found if number.startswith("x")] == [f"x{steps:02}" for steps in range(40)]
    kept = {f"{steps:02}" for steps, end in enumerate(ends) if end is None}
    assert kept <= set(found)


async def test_what_belongs_to_nothing_is_refused(court: Court) -> None:
    sitting = await make_sitting(court)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with court.db.writer() as session:
            session.add(Hold(resource_id="no such room", booking_id=sitting.booking.id, starts_at=NOW, ends_at=NOW + HOUR))


async def test_what_is_still_needed_is_not_taken_away(court: Court) -> None:
    await make_sitting(court)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with court.db.writer() as session:
            await session.execute(text("DELETE FROM resource WHERE id = :id"), {"id": court.room.id})


async def test_sessions_go_with_their_user(court: Court) -> None:
    await sign_in.sign_in(court.db, "gao", PASSWORD, "127.0.0.1", NOW)
    async with court.db.writer() as session:
        await session.delete(await session.get_one(User, court.users["gao"].id))
    async with court.db.reader() as session:
        assert list(await session.scalars(select(Session))) == []


async def test_a_commit_survives_the_death_of_the_process(court: Court) -> None:
    script = """
import asyncio, os, signal, sys
from dispatch.store.database import Database
from dispatch.store.tables import Case

async def main() -> None:
    db = await Database.connect(f"sqlite:///{sys.argv[1]}")
    async with db.writer() as session:
        session.add(Case(number="kept", title=""))
    async with db.writer() as session:
        session.add(Case(number="not committed", title=""))
        await session.flush()
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(court.file), cwd=TOP)
    assert await process.wait() == -signal.SIGKILL
    assert await numbers(court.db) == ["kept"]
    async with court.db.writer() as session:
        session.add(case("after"))
    assert await numbers(court.db) == ["after", "kept"]


async def test_closing_twice_is_closing_once(court: Court) -> None:
    db = await Database.connect(f"sqlite:///{court.file}")
    assert await sign_in.session(db, new_token(), NOW) is None
    await db.close()
    await db.close()
