"""The event log on SQLite: a file of its own, WAL, ``synchronous=FULL``, one thread.

Of its own, because a durable append behind another writer of the same file takes hundreds of times longer. What is to be appended
while the disk writes goes there together, in one transaction: a hundred sittings wait for one disk. Whatever the operating system
or SQLite says against a write is :class:`LogUnwritable`; nothing of the batch is kept then, and what others append is tried alone.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
_LAST = """
SELECT l.epoch, e.seq, e.hash
FROM lease l LEFT JOIN event e ON e.sitting = l.sitting AND e.seq = (SELECT max(seq) FROM event WHERE sitting = l.sitting)
WHERE l.sitting = ?
"""
Result = TypeVar("Result")


@dataclass(slots=True)
class _Append:
    """What somebody wants appended, and what became of it."""

    sitting: str
    epoch: int
    expected_seq: int
    events: Sequence[Event]
    rows: Sequence[Row] = ()
    refused: Exception | None = None


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
        self._waiting: deque[_Append] = deque()

    async def lease(self, sitting: str, owner: str) -> int:
        """See :meth:`rooms.log.EventLog.lease`; raises :class:`LogUnwritable`."""
        return await self._run(lambda: _lease(self._db, sitting, owner))

    async def append(self, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
        """See :meth:`rooms.log.EventLog.append`."""
        wanted = _Append(sitting, epoch, expected_seq, events)
        with LOG_APPEND_SECONDS.time():
            self._waiting.append(wanted)
            await self._run(self._append_waiting)  # or it was taken along with one before
        if wanted.refused is not None:
            raise wanted.refused
        return wanted.rows

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

    def _append_waiting(self) -> None:
        together = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if together and not _tried(self._db, together) and len(together) > 1:
            for alone in together:
                _tried(self._db, [alone])

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


def _tried(db: sqlite3.Connection, together: Sequence[_Append]) -> bool:
    """Append in one transaction what can be appended; False if none of it could, and why stands in each."""
    try:
        _transaction(db, lambda: _append_all(db, together))
    except Exception as error:  # whoever wanted it is told
        failed = LogUnwritable(str(error)) if isinstance(error, sqlite3.Error | OSError) else error
        for each in together:
            each.rows, each.refused = (), failed
        return False
    return True


def _append_all(db: sqlite3.Connection, together: Sequence[_Append]) -> None:
    for each in together:
        _append(db, each)


def _append(db: sqlite3.Connection, wanted: _Append) -> None:
    """Within a transaction. What is refused wrote nothing and costs nobody else his rows."""
    sitting, wanted.refused = wanted.sitting, None
    held, last, last_hash = db.execute(_LAST, (sitting,)).fetchone() or (None, None, None)
    seq, prev = (int(last), str(last_hash)) if last is not None else (0, GENESIS)
    if held != wanted.epoch:
        wanted.refused = LogRefused(f"epoch {wanted.epoch} of {sitting}: the lease is at {held}")
    elif wanted.expected_seq != seq + 1:
        wanted.refused = LogRefused(f"seq {wanted.expected_seq} of {sitting}: the log is at {seq}")
    if wanted.refused is not None:
        return
    rows: list[Row] = []
    for event in wanted.events:
        row = chain(sitting, wanted.epoch, seq + 1, prev, event)
        seq, prev = row.seq, row.hash
        rows.append(row)
    db.executemany(
        "INSERT INTO event (sitting, seq, epoch, at_us, type, data, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(r.sitting, r.seq, r.epoch, r.at_us, r.type, canonical(r.data), r.prev, r.hash) for r in rows],
    )
    wanted.rows = rows


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
