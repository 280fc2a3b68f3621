"""The event log on SQLite: a file of its own, WAL, ``synchronous=FULL``, one thread.

Of its own, because a durable append behind another writer of the same file takes hundreds of times longer. Whatever the
operating system or SQLite says against a write is :class:`LogUnwritable`; nothing of the batch is kept then.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from rooms.log import GENESIS, Event, LogRefused, LogUnwritable, Row, canonical, chain
from rooms.metrics import LOG_APPEND_SECONDS

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lease (sitting TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    sitting TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (sitting, seq)
);
CREATE TRIGGER IF NOT EXISTS event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""
_STAGES = """
SELECT l.sitting,
       (SELECT json_extract(data, '$.to') FROM event e WHERE e.sitting = l.sitting AND type = 'stage_changed' ORDER BY seq DESC LIMIT 1),
       (SELECT count(*) FROM event e WHERE e.sitting = l.sitting AND type = 'stage_changed' AND json_extract(data, '$.to') <> 'closed'),
       (SELECT count(*) FROM event e WHERE e.sitting = l.sitting AND type = 'conference_cancelled'),
       (SELECT count(*) FROM event e WHERE e.sitting = l.sitting AND type = 'sealed')
FROM lease l WHERE EXISTS (SELECT 1 FROM event e WHERE e.sitting = l.sitting)
"""
Result = TypeVar("Result")


class SqliteLog:
    """:class:`rooms.log.EventLog` in one SQLite file. `page_limit` bounds the file (pages of 4 KiB), for tests of a full disk."""

    def __init__(self, path: Path, page_limit: int | None = None) -> None:
        """Opens the file; raises sqlite3.Error or OSError if it cannot be opened or written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="event-log")
        try:
            self._db = self._thread.submit(_connect, path, page_limit).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self._closed = False

    async def lease(self, sitting: str, owner: str) -> int:
        """See :meth:`rooms.log.EventLog.lease`; raises :class:`LogUnwritable`."""
        return await self._run(lambda: _lease(self._db, sitting, owner))

    async def append(self, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
        """See :meth:`rooms.log.EventLog.append`."""
        with LOG_APPEND_SECONDS.time():
            return await self._run(lambda: _append(self._db, sitting, epoch, expected_seq, events))

    async def read(self, sitting: str, after_seq: int = 0) -> Sequence[Row]:
        """See :meth:`rooms.log.EventLog.read`."""
        return await self._run(lambda: _read(self._db, sitting, after_seq))

    async def sittings(self) -> Mapping[str, str]:
        """Each sitting with its last stage; "sealing" where it was held and closed and has no manifest yet."""
        return await self._run(lambda: _sittings(self._db))

    async def close(self) -> None:
        """Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown()

    async def _run(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise LogUnwritable(str(error)) from error


def _connect(path: Path, page_limit: int | None) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=2.0)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(_SCHEMA)
    if page_limit is not None:
        db.execute(f"PRAGMA max_page_count={int(page_limit)}")
    return db


def _transaction(db: sqlite3.Connection, work: Callable[[], Result]) -> Result:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work()
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return result


def _lease(db: sqlite3.Connection, sitting: str, owner: str) -> int:
    def take() -> int:
        row = db.execute(
            "INSERT INTO lease (sitting, epoch, owner) VALUES (?, 1, ?)"
            " ON CONFLICT (sitting) DO UPDATE SET epoch = epoch + 1, owner = excluded.owner RETURNING epoch",
            (sitting, owner),
        ).fetchone()
        return int(row[0])

    return _transaction(db, take)


def _append(db: sqlite3.Connection, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
    def put() -> Sequence[Row]:
        held = db.execute("SELECT epoch FROM lease WHERE sitting = ?", (sitting,)).fetchone()
        if held is None or held[0] != epoch:
            raise LogRefused(f"epoch {epoch} of {sitting}: the lease is at {held[0] if held else None}")
        last = db.execute("SELECT seq, hash FROM event WHERE sitting = ? ORDER BY seq DESC LIMIT 1", (sitting,)).fetchone()
        seq, prev = last or (0, GENESIS)
        if expected_seq != seq + 1:
            raise LogRefused(f"seq {expected_seq} of {sitting}: the log is at {seq}")
        rows: list[Row] = []
        for event in events:
            row = chain(sitting, epoch, seq + 1, prev, event)
            seq, prev = row.seq, row.hash
            rows.append(row)
        db.executemany(
            "INSERT INTO event (sitting, seq, epoch, at_us, type, data, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(r.sitting, r.seq, r.epoch, r.at_us, r.type, canonical(r.data), r.prev, r.hash) for r in rows],
        )
        return rows

    return _transaction(db, put)


def _read(db: sqlite3.Connection, sitting: str, after_seq: int) -> Sequence[Row]:
    found = db.execute(
        "SELECT epoch, seq, at_us, type, data, prev, hash FROM event WHERE sitting = ? AND seq > ? ORDER BY seq", (sitting, after_seq)
    )
    return [Row(sitting, epoch, seq, at_us, kind, json.loads(data), prev, digest) for epoch, seq, at_us, kind, data, prev, digest in found]


def _sittings(db: sqlite3.Connection) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for sitting, stage, held, cancelled, sealed in db.execute(_STAGES):
        over = cancelled or stage == "closed"
        found[sitting] = ("sealing" if held and not sealed else "closed") if over else stage or "waiting"
    return found
