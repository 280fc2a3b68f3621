"""What SQLite has in its log is carried over into the file while nobody writes, and no writer waits for it. Real files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from dispatch.store.checkpoints import LONGEST_LOG, Checkpoints
from dispatch.store.database import Database, migrated
from dispatch.store.tables import Case

PAGE = 4096
NEVER_QUIET_S = 3600.0


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """One whose writers never pause for long enough."""
    url = f"sqlite:///{tmp_path / 'court.db'}"
    await asyncio.to_thread(migrated, url)
    made = await Database.connect(url)
    begins_after(made, NEVER_QUIET_S)
    yield made
    await made.close()


def begins_after(db: Database, quiet_s: float) -> None:
    assert db._checkpoints is not None
    db._checkpoints.quiet_s = quiet_s


def file_of(db: Database) -> Path:
    return Path(db.url.removeprefix("sqlite:///"))


async def write(db: Database, number: str, pages: int = 1) -> None:
    async with db.writer() as session:
        session.add(Case(number=number, title="案" * (PAGE * pages // 3)))


def in_the_file_alone(db: Database, aside: Path) -> list[str]:
    """The cases that the file has without its log."""
    aside.write_bytes(file_of(db).read_bytes())
    with closing(sqlite3.connect(aside)) as alone:
        return [number for (number,) in alone.execute('SELECT number FROM "case" ORDER BY number')]


async def test_it_is_carried_over_once_nobody_writes_any_more(db: Database, tmp_path: Path) -> None:
    begins_after(db, 0.05)
    await write(db, "1")
    while in_the_file_alone(db, tmp_path / "aside.db") != ["1"]:
        await asyncio.sleep(0.02)
    await write(db, "2")
    while in_the_file_alone(db, tmp_path / "aside.db") != ["1", "2"]:
        await asyncio.sleep(0.02)


async def test_no_writer_among_many_waits_for_it(db: Database, tmp_path: Path) -> None:
    before = file_of(db).read_bytes()
    for number in range(20):
        await write(db, f"{number}", pages=100)  # twice the thousand at which SQLite would do it by itself
    assert file_of(db).read_bytes() == before
    assert in_the_file_alone(db, tmp_path / "aside.db") == []


async def test_the_log_does_not_grow_without_end_where_writers_never_pause(db: Database) -> None:
    for number in range(40):
        await write(db, f"{number}", pages=LONGEST_LOG // 20)
    log = file_of(db).with_name("court.db-wal").stat().st_size
    assert LONGEST_LOG * PAGE < log < LONGEST_LOG * PAGE * 1.25


async def test_a_reader_keeps_what_he_sees_and_nobody_waits_for_him(db: Database, tmp_path: Path) -> None:
    await write(db, "1")
    async with db.reader() as session:
        assert await session.get(Case, "unknown") is None
        await write(db, "2")
        begins_after(db, 0.0)
        await write(db, "3")
    await db.close()
    assert in_the_file_alone(db, tmp_path / "aside.db") == ["1", "2", "3"]


async def test_closing_waits_for_nothing_and_leaves_all_of_it_in_the_file(db: Database, tmp_path: Path) -> None:
    await write(db, "1")
    await asyncio.wait_for(db.close(), NEVER_QUIET_S / 60)
    await db.close()
    assert not file_of(db).with_name("court.db-wal").exists()
    assert in_the_file_alone(db, tmp_path / "aside.db") == ["1"]


async def test_a_file_that_is_gone_is_named_in_the_log_of_the_program(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = Checkpoints(tmp_path / "gone.db", quiet_s=0.0)
    checkpoints.written()
    while not caplog.records:
        await asyncio.sleep(0.01)
    assert "not carried over" in caplog.text
    assert not (tmp_path / "gone.db").exists()
    await checkpoints.close()
