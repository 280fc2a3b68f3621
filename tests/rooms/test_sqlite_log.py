"""The event log on SQLite: chain, lease, a full disk, a killed process. Real files."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from rooms.log import GENESIS, Event, LogRefused, LogUnwritable, Row, canonical
from rooms.sqlite_log import SqliteLog
from tests.disks import fill


def event(number: int = 0, kind: str = "admitted") -> Event:
    return Event(kind, 1_000 + number, {"participant": f"p{number}", "by": {"system": True}})


def assert_chain(rows: Sequence[Row]) -> None:
    prev = GENESIS
    for seq, row in enumerate(rows, 1):
        body = {"sitting": row.sitting, "epoch": row.epoch, "seq": row.seq, "at_us": row.at_us, "type": row.type, "data": row.data}
        assert (row.seq, row.prev) == (seq, prev)
        assert row.hash == hashlib.sha256(canonical({**body, "prev": prev}).encode()).hexdigest()
        prev = row.hash


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db")
    yield log
    await log.close()


async def test_rows_are_chained_and_numbered_without_gaps(log: SqliteLog) -> None:
    epoch = await log.lease("s", "one")
    written = [*await log.append("s", epoch, 1, [event(1), event(2)]), *await log.append("s", epoch, 3, [event(3)])]
    assert list(await log.read("s")) == written
    assert_chain(written)
    assert list(await log.read("s", 2)) == written[2:]


async def test_sittings_have_chains_of_their_own(log: SqliteLog) -> None:
    for sitting in ("a", "b"):
        await log.append(sitting, await log.lease(sitting, "one"), 1, [event(1), event(2)])
        assert_chain(await log.read(sitting))


async def test_another_expected_seq_is_refused_and_nothing_is_kept(log: SqliteLog) -> None:
    epoch = await log.lease("s", "one")
    await log.append("s", epoch, 1, [event(1)])
    for wrong in (1, 3):
        with pytest.raises(LogRefused):
            await log.append("s", epoch, wrong, [event(2)])
    assert len(await log.read("s")) == 1


async def test_what_is_appended_at_the_same_time_goes_to_the_disk_together_in_its_order(log: SqliteLog) -> None:
    sittings = [f"s{n}" for n in range(40)]
    epochs = {sitting: await log.lease(sitting, "one") for sitting in sittings}
    commits = 0

    def committed(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await log._run(lambda: log._db.set_trace_callback(committed))
    wanted = [log.append(sitting, epochs[sitting], seq, [event(seq)]) for seq in (1, 2) for sitting in sittings]
    written = await asyncio.gather(*wanted)
    await log._run(lambda: log._db.set_trace_callback(None))
    assert 1 <= commits <= len(wanted) // 2
    for number, sitting in enumerate(sittings):
        assert list(await log.read(sitting)) == [*written[number], *written[number + len(sittings)]]
        assert_chain(await log.read(sitting))


async def test_who_is_refused_costs_nobody_else_his_rows(log: SqliteLog) -> None:
    one, other = await log.lease("one", "server"), await log.lease("other", "server")
    too_late, unspeakable = Event("admitted", 1, {"participant": "p1"}), Event("admitted", 1, {"participant": "\ud800"})
    answers = await asyncio.gather(
        log.append("one", one, 1, [event(1)]),
        log.append("one", one - 1, 2, [too_late]),
        log.append("other", other, 1, [event(1), unspeakable]),
        log.append("one", one, 2, [event(2)]),
        log.append("other", other, 1, [event(3)]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [list, LogRefused, UnicodeEncodeError, list, list]
    assert [row.at_us for row in await log.read("one")] == [1_001, 1_002]
    assert [row.at_us for row in await log.read("other")] == [1_003]


async def test_a_new_lease_ends_the_old_one(tmp_path: Path, log: SqliteLog) -> None:
    first = await log.lease("s", "one")
    other = SqliteLog(tmp_path / "log.db")
    try:
        second = await other.lease("s", "two")
        assert second > first
        with pytest.raises(LogRefused):
            await log.append("s", first, 1, [event(1)])
        await other.append("s", second, 1, [event(1)])
    finally:
        await other.close()


async def test_a_row_is_neither_changed_nor_deleted(tmp_path: Path, log: SqliteLog) -> None:
    await log.append("s", await log.lease("s", "one"), 1, [event(1)])
    db = sqlite3.connect(tmp_path / "log.db")
    for statement in ("UPDATE event SET type = 'x'", "DELETE FROM event"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            db.execute(statement)
    db.close()


async def test_it_tells_which_sittings_have_to_be_taken_up(log: SqliteLog) -> None:
    def stage(to: str) -> Event:
        return Event("stage_changed", 1, {"from": "x", "to": to, "by": {}, "reason": ""})

    cancelled, sealed = Event("conference_cancelled", 1, {"reason": ""}), Event("sealed", 1, {"manifest_sha256": "ab"})
    told = {
        "gathering": ([], "waiting"),
        "live": ([stage("hearing")], "hearing"),
        "unsealed": ([stage("hearing"), stage("closed")], "sealing"),
        "done": ([stage("hearing"), stage("closed"), sealed], "closed"),
        "never_opened": ([stage("closed")], "closed"),
        "cancelled": ([cancelled], "closed"),
        "cancelled_live": ([stage("hearing"), cancelled], "sealing"),
    }
    for sitting, (events, _) in told.items():
        await log.append(sitting, await log.lease(sitting, "one"), 1, [event(), *events])
    await log.lease("leased_and_empty", "one")
    assert await log.sittings() == {sitting: stage for sitting, (_, stage) in told.items()}


async def test_a_full_file_takes_nothing_and_what_was_there_stays(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", page_limit=12)
    epoch = await log.lease("s", "one")
    seq = 0
    with pytest.raises(LogUnwritable):
        while seq < 1000:
            await log.append("s", epoch, seq + 1, [event(seq + 1)])
            seq += 1
    assert len(await log.read("s")) == seq
    assert_chain(await log.read("s"))
    await log.close()


@pytest.mark.parametrize("big", [False, True])
async def test_a_really_full_disk(small_disk: Path, big: bool) -> None:
    log = SqliteLog(small_disk / "log.db")
    epoch = await log.lease("s", "one")
    await log.append("s", epoch, 1, [event(1)])
    ballast = fill(small_disk)
    written = 1
    with pytest.raises(LogUnwritable):
        while written < 2000:
            await log.append("s", epoch, written + 1, [Event("gap", 1, {"x": "y" * (50_000 if big else 10)})])
            written += 1
    ballast.unlink()
    await log.append("s", epoch, written + 1, [event(2)])
    assert_chain(await log.read("s"))
    await log.close()


@pytest.mark.parametrize("way", ["a directory", "another file", "a damaged file", "below a file"])
def test_a_log_that_cannot_be_opened_says_so_at_once(tmp_path: Path, way: str) -> None:
    path = tmp_path / "log.db"
    if way == "a directory":
        path.mkdir()
    elif way == "another file":
        path.write_text("the minutes of another house\n" * 100)
    elif way == "a damaged file":
        asyncio.run(SqliteLog(path).close())
        path.write_bytes(path.read_bytes()[:24] + os.urandom(4072))
    else:
        (tmp_path / "file").write_text("x")
        path = tmp_path / "file" / "log.db"
    before = threading.active_count()
    with pytest.raises((sqlite3.Error, OSError)):
        SqliteLog(path)
    assert threading.active_count() == before


APPENDER = """
import asyncio, sys
from pathlib import Path
from rooms.log import Event
from rooms.sqlite_log import SqliteLog

async def main():
    log = SqliteLog(Path(sys.argv[1]))
    epoch = await log.lease("s", "killed")
    seq = 0
    while True:
        rows = await log.append("s", epoch, seq + 1, [Event("gap", seq, {"n": seq}), Event("gap", seq, {"n": -seq})])
        seq = rows[-1].seq
        print(seq, flush=True)

asyncio.run(main())
"""


async def test_what_was_acknowledged_before_a_kill_is_there_and_the_chain_is_whole(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPENDER, str(tmp_path / "log.db"), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    acknowledged = 0
    while acknowledged < 100:
        acknowledged = int(await process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    await process.wait()
    acknowledged = max([acknowledged, *map(int, rest)])
    log = SqliteLog(tmp_path / "log.db")
    rows = await log.read("s")
    assert len(rows) >= acknowledged
    assert len(rows) % 2 == 0
    assert_chain(rows)
    epoch = await log.lease("s", "next")
    await log.append("s", epoch, len(rows) + 1, [event(1)])
    await log.close()
