"""Booking among many bookings, on SQLite and on PostgreSQL: how long a decision takes, and how long a week of all rooms.

``book_p99_ms_*``: booking a sitting in a room with judge, clerk and party, from the call to the committed row; every second one is
refused and names what is in the way with the nearest free time. ``timeline_ms_*``: what 200 rooms are held for in a week, each time after
another booking in it; beside it, a week that nobody asked for before.
Its peer is the floor, measured in turn with it: the same database's driver inserts one row of two hundred bytes and commits it.
``book_growth_*``: the first figure's median with the largest number of bookings by that with the smallest. Data reach the disk
(synchronous=FULL, fsync=on).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import uvloop

from bench.load.usage import machine
from dispatch.booking import bookings
from dispatch.booking.days import between
from dispatch.booking.draft import SittingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import Conflict
from dispatch.store.database import Database, migrated
from dispatch.store.tables import Case, Room, User
from tests.dispatch import cluster

ROOMS, A_DAY = 200, 5
NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
WARM, BOOKED, WEEKS, COLD = 20, 600, 20, 8
DATA = "keep the filled databases in this directory, and take those that are kept there"
BOUNDS = {"book_p99_ms": 10, "timeline_ms": 50, "book_growth": 2}


@dataclass
class Seen:
    """Times of one database with one number of bookings, ms."""

    book: list[float] = field(default_factory=list)
    refuse: list[float] = field(default_factory=list)
    week: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    """the same of weeks that nobody asked for before"""
    slots: int = 0
    floor: list[float] = field(default_factory=list)
    """one row, committed by the driver alone"""
    cpu_book: float = 0.0
    """of this process, by booking or refusal, ms; SQLite works in it, PostgreSQL does not"""
    cpu_week: float = 0.0

    @property
    def decisions(self) -> list[float]:
        """Bookings and refusals together."""
        return sorted(self.book + self.refuse)


def working_days(count: int) -> list[datetime]:
    """So many working days around now, at midnight in Shanghai; the week after the present one is in the middle."""
    days: list[datetime] = []
    day = datetime(2026, 11, 30, tzinfo=UTC) - timedelta(hours=8) - timedelta(days=-(-count // 10) * 7)
    while len(days) < count:
        if (day + timedelta(hours=8)).weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


def rows(count: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Table and rows of `count` bookings, each of a room with its judge, in pieces: sittings, bookings, holds, participants."""
    days = working_days(-(-count // (ROOMS * A_DAY)))
    number = 0
    for day in days:
        held: dict[str, list[tuple[Any, ...]]] = {"sitting": [], "booking": [], "hold": [], "participant": []}
        for room in range(ROOMS):
            for hour in range(A_DAY):
                if number == count:
                    break
                starts, key = day + timedelta(hours=9 + hour), f"{number:x}"
                ends, status = starts + timedelta(minutes=50), "closed" if starts < NOW else "planned"
                active = status == "planned"
                held["sitting"].append((key, "remote_court", "c", f"第{number}次开庭", status, 0, starts, ends, "", NOW))
                held["booking"].append((key, key, starts, ends, "confirmed"))
                for place, resource in enumerate((f"r{room}", f"j{room}")):
                    held["hold"].append((f"{key}{'rj'[place]}", key, resource, place, starts, ends, active))
                held["participant"].append((key, key, f"j{room}", f"法官{room}", "judge", "", "link", 0, "", "", ""))
                number += 1
        yield from held.items()


COLUMNS = {
    "sitting": ("id", "kind", "case_id", "title", "status", "log_seq", "starts_at", "ends_at", "cancel_reason", "created_at"),
    "booking": ("id", "sitting_id", "starts_at", "ends_at", "state"),
    "hold": ("id", "booking_id", "resource_id", "position", "starts_at", "ends_at", "active"),
    "participant": (
        "id", "sitting_id", "user_id", "name", "role", "phone", "seat", "position", "consent_version", "consent_sha256", "consent_device",
    ),
}  # fmt: skip


async def furnish(db: Database) -> None:
    """Rooms, judges, a clerk and the case that all sittings are about."""
    async with db.writer() as session:
        session.add_all(Room(id=f"r{n}", name=f"第{n}法庭", kind="court", position=n) for n in range(ROOMS))
        session.add_all(User(id=f"j{n}", name=f"法官{n}", sign_in_name=f"j{n}", role="judge", password_hash="x") for n in range(ROOMS))
        session.add_all(User(id=f"k{n}", name=f"书记员{n}", sign_in_name=f"k{n}", role="clerk", password_hash="x") for n in range(ROOMS))
        session.add(Case(id="c", number="（2026）京0105民初1号", title="案"))


def fill_sqlite(file: Path, count: int) -> None:
    """Bookings, faster than one by one: without waiting for the disk, and with what watches over each row put back afterwards."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        kept = database.execute("SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'hold' AND type = 'trigger'").fetchall()
        database.execute("BEGIN")
        for name, _ in kept:
            database.execute(f"DROP TRIGGER {name}")
        for table, listed in rows(count):
            marks = ", ".join("?" * len(COLUMNS[table]))
            told = (tuple(f"{v:%Y-%m-%d %H:%M:%S.%f}" if isinstance(v, datetime) else v for v in row) for row in listed)
            database.executemany(f"INSERT INTO {table} ({', '.join(COLUMNS[table])}) VALUES ({marks})", told)
        for _, sql in kept:
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def fill_postgresql(url: str, folder: Path, count: int) -> None:
    """The same by COPY; the constraint is made again over all rows, which checks them."""
    connection = await asyncpg.connect(user="postgres", host=str(folder), database=url.partition("@/")[2].partition("?")[0])
    constraint = await connection.fetchval("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'hold_no_overlap'")
    await connection.execute("ALTER TABLE hold DROP CONSTRAINT hold_no_overlap")
    await connection.execute("SET session_replication_role = replica")  # no check of each foreign key: they are made from one count
    for table, listed in rows(count):
        await connection.copy_records_to_table(table, records=listed, columns=list(COLUMNS[table]))
    await connection.execute("SET session_replication_role = DEFAULT")
    await connection.execute(f"ALTER TABLE hold ADD CONSTRAINT hold_no_overlap {constraint}")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def measure(url: str, count: int) -> Seen:
    """The figures of a filled database."""
    db, seen, chance = await Database.connect(url), Seen(), random.Random(1)
    async with db.reader() as session:
        clerk = await session.get_one(User, "k0")
    monday = datetime(2026, 11, 30, tzinfo=UTC) - timedelta(hours=8)
    free = [(room, day, hour) for room in range(ROOMS) for day in range(5) for hour in (15, 16, 17, 18)]
    chance.shuffle(free)
    async with floor(url) as commit:
        for number in range(WARM + BOOKED):
            used = time.process_time()
            taken = await decide(db, clerk, monday, number, free[number], refused=number % 2 == 1)
            used, begun = time.process_time() - used, time.perf_counter()
            await commit("x" * 200)
            if number >= WARM:
                (seen.refuse if number % 2 == 1 else seen.book).append(taken)
                seen.floor.append((time.perf_counter() - begun) * 1000)
                seen.cpu_book += used * 1000 / BOOKED
    for number in range(WEEKS + 2):
        await decide(db, clerk, monday, WARM + BOOKED + number, free[WARM + BOOKED + number], refused=False)
        used, begun = time.process_time(), time.perf_counter()
        found = await between(db, date(2026, 11, 30), date(2026, 12, 6), db.site.zone)
        if number >= 2:
            seen.week.append((time.perf_counter() - begun) * 1000)
            seen.cpu_week += (time.process_time() - used) * 1000 / WEEKS
        seen.slots = sum(len(held) for _, held in found)
    for weeks in range(1, COLD + 1):
        first, begun = date(2026, 11, 30) + timedelta(weeks=weeks), time.perf_counter()
        await between(db, first, first + timedelta(days=6), db.site.zone)
        seen.cold.append((time.perf_counter() - begun) * 1000)
    print(
        f"  {count} bookings: book p50 {median(seen.book):.1f} p99 {p99(seen.book):.1f}, refuse p50 {median(seen.refuse):.1f} p99"
        f" {p99(seen.refuse):.1f}, one commit p50 {median(seen.floor):.1f} p99 {p99(seen.floor):.1f}, week of {seen.slots}"
        f" {median(seen.week):.1f}, for the first time {median(seen.cold):.1f} ms; tried again {db.again}",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    await db.close()
    return seen


@asynccontextmanager
async def floor(url: str) -> AsyncIterator[Callable[[str], Awaitable[object]]]:
    """What inserts one row and commits it, past everything of ours."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")).with_name("floor.db"), isolation_level=None)) as lite:
            lite.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE floor (text TEXT)")

            async def on_sqlite(text: str) -> object:
                return lite.execute("INSERT INTO floor VALUES (?)", (text,))

            yield on_sqlite
    else:
        database, _, folder = url.partition("@/")[2].partition("?host=")
        connection = await asyncpg.connect(user="postgres", host=folder, database=database)
        await connection.execute("CREATE TABLE floor (text TEXT)")
        yield lambda text: connection.execute("INSERT INTO floor VALUES ($1)", text)
        await connection.close()


async def decide(db: Database, clerk: User, monday: datetime, number: int, place: tuple[int, int, int], *, refused: bool) -> float:
    """Book at a free place, or beside what is there, which is `refused`; how long it took, ms."""
    room, day, hour = place
    start = monday + timedelta(days=day, hours=9 + hour % A_DAY if refused else hour, minutes=20 if refused else 0)
    draft = SittingDraft(
        case_number=f"（2026）京0105民初{number + 2}号", case_title="物业服务合同纠纷", title="", room_id=f"r{room}", starts_at=start,
        ends_at=start + timedelta(minutes=45), chair_id=f"j{room}", clerk_id=f"k{room}",
        participants=(ParticipantDraft("刘芳", "party", phone="138 1234 5678"),), override_reason="双方当事人同意",
    )  # fmt: skip
    begun = time.perf_counter()
    try:
        await bookings.create(db, draft, clerk, NOW)
        told = False
    except Conflict:
        told = True
    taken = (time.perf_counter() - begun) * 1000
    assert told == refused, (told, draft)
    return taken


def p99(times: list[float]) -> float:
    """The 99th percentile."""
    return sorted(times)[max(-(-len(times) * 99 // 100) - 1, 0)]


@contextmanager
def on_sqlite(count: int, kept: Path | None) -> Iterator[str]:
    """A filled SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dispatch.db"
        url = f"sqlite:///{file}"
        if kept is None or not kept.exists():
            migrated(url)
            asyncio.run(_furnish(url))
            fill_sqlite(file, count)
            if kept is not None:
                shutil.copyfile(file, part := kept.with_name(kept.name + ".part"))
                part.rename(kept)
        else:
            shutil.copyfile(kept, file)
            migrated(url)
        yield url


@contextmanager
def on_postgresql(count: int, kept: Path | None) -> Iterator[str]:
    """A filled PostgreSQL database in a cluster of its own."""
    options = ("fsync=on", "shared_buffers=256MB", "maintenance_work_mem=256MB", "max_wal_size=4GB")
    if kept is None or not kept.exists():
        with cluster.running(*options) as folder:
            cluster.told(folder, "CREATE DATABASE court")
            url = cluster.url(folder, "court")
            migrated(url)
            asyncio.run(_furnish(url))
            asyncio.run(fill_postgresql(url, folder, count))
            if kept is None:
                yield url
                return
            cluster.keep(folder, kept)
    with cluster.running(*options, kept=kept) as folder:
        url = cluster.url(folder, "court")
        migrated(url)
        yield url


@contextmanager
def filled(name: str, count: int, data: Path | None) -> Iterator[str]:
    """A database with so many bookings, on SQLite or PostgreSQL. `data`: the directory in which filled ones are kept; this is a copy."""
    begun = time.perf_counter()
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    kept = data.resolve() / f"{name}-{count}" if data is not None else None
    with (on_sqlite if name == "sqlite" else on_postgresql)(count, kept) as url:
        print(f"  {name}: filled in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        yield url


async def _furnish(url: str) -> None:
    db = await Database.connect(url)
    await furnish(db)
    await db.close()


def tell(figure: str, value: float, unit: str, conditions: str, floor: float | None = None) -> None:
    """One line of the output; `floor` is the peer, where there is one."""
    line = {"figure": figure, "value": round(value, 2), "unit": unit, "peer": None, "peer_value": None, "ratio": None}
    if floor is not None:
        line |= {"peer": "one row committed by the driver", "peer_value": round(floor, 2), "ratio": round(value / floor, 2)}
    bound = BOUNDS[figure.rpartition("_")[0]]
    print(json.dumps({**line, "conditions": f"{conditions}; bound {bound}; {machine()}"}), flush=True)


def main(counts: list[int], databases: list[str], data: Path | None) -> None:
    """All figures of the databases that there are. `data`: as of :func:`filled`."""
    for name in databases:
        if name == "postgresql" and not cluster.is_possible():
            print(f"  not measured on PostgreSQL: {cluster.MISSING}", file=sys.stderr)
            continue
        seen = {}
        for count in sorted(counts):
            with filled(name, count, data) as url:
                seen[count] = uvloop.run(measure(url, count))  # as the server
        most, least = seen[max(seen)], seen[min(seen)]
        among = f"among {max(seen):,} bookings in {ROOMS} rooms, one of two refused, data on disk"
        cpu = f"median {median(most.decisions):.1f}, of the floor {median(most.floor):.1f}; CPU of this process {most.cpu_book:.1f}"
        what = f"{len(most.decisions)} one after the other {among}; {cpu}"
        tell(f"book_p99_ms_{name}", p99(most.decisions), "ms", what, p99(most.floor))
        cold = f"for the first time {median(most.cold):.1f}"
        what = f"median of {WEEKS}, {cold}; {most.slots} sittings in a week, {among}; CPU of this process {most.cpu_week:.1f}"
        tell(f"timeline_ms_{name}", median(most.week), "ms", what)
        if len(seen) > 1:
            what = f"median of a decision, {max(seen):,} to {min(seen):,} bookings"
            tell(f"book_growth_{name}", median(most.decisions) / median(least.decisions), "", what)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bookings", type=int, nargs="+", default=[10_000, 1_000_000], help="numbers of bookings (default: both)")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path, help=DATA)
    options = parser.parse_args()
    main(options.bookings, options.databases, options.data)
