"""A court with a database of its own for each test. It is founded once and copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from dispatch.store.database import Database, engine, migrated
from dispatch.store.site import Site
from dispatch.store.tables import Room, User, new_id
from tests.dispatch import as_founded, cluster
from tests.dispatch.making import PASSWORD, Court

STAFF = (
    ("赵书宁", "zhao", "clerk"),
    ("何晓岚", "he", "clerk"),
    ("陈明远", "chen", "judge"),
    ("林静姝", "lin", "judge"),
    ("孙立言", "sun", "prosecutor"),
    ("高卫东", "gao", "officer"),
    ("许文博", "xu", "administrator"),
)


QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2id as in the product, but checked in no time: the cost is part of the hash."""


@dataclass(frozen=True)
class FoundedCourt:
    """The file that each test gets a copy of, and who and what is in it."""

    file: Path
    users: dict[str, User]
    rooms: tuple[Room, Room]


@pytest.fixture(scope="session")
def founded_court(tmp_path_factory: pytest.TempPathFactory) -> FoundedCourt:
    file = tmp_path_factory.mktemp("court") / "dispatch.db"
    migrated(f"sqlite:///{file}")
    return FoundedCourt(file, *asyncio.run(_found(f"sqlite:///{file}")))


async def _found(url: str) -> tuple[dict[str, User], tuple[Room, Room]]:
    password_hash = QUICK.hash(PASSWORD)
    users = {
        sign_in_name: User(id=new_id(), name=name, sign_in_name=sign_in_name, role=role, password_hash=password_hash)
        for name, sign_in_name, role in STAFF
    }
    room = Room(id=new_id(), name="第一法庭", name_en="Court room 1", kind="court", position=1)
    other = Room(id=new_id(), name="第二法庭", name_en="Court room 2", kind="court", position=2)
    db = await Database.connect(url)
    async with db.writer() as session:
        session.add_all([*users.values(), room, other])
    await db.close()
    return users, (room, other)


@dataclass(frozen=True)
class Engines:
    """The engines of all tests' databases: one pair, as SQLAlchemy compiles each statement once for an engine, and that takes
    longer than a test. `link` is where they look; it leads to the file of the test that runs."""

    link: Path
    reading: AsyncEngine
    writing: AsyncEngine

    @classmethod
    def by(cls, link: Path) -> Engines:
        address = make_url(f"sqlite+aiosqlite:///{link}")
        return cls(link, engine(address, writes=False), engine(address, writes=True))

    async def opened(self, file: Path, site: Site) -> Database:
        """The database in `file`, which is migrated; the one before it is closed."""
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(file)
        db = Database(f"sqlite:///{file}", self.reading, self.writing, site)
        await db.close()  # connections to another file, which tasks of a test that failed may have left behind
        return db


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    return Engines.by(tmp_path_factory.mktemp("link") / "dispatch.db")


@pytest.fixture
async def sqlite_court(tmp_path: Path, founded_court: FoundedCourt, engines: Engines) -> AsyncIterator[Court]:
    file = tmp_path / "dispatch.db"
    shutil.copy(founded_court.file, file)
    db = await engines.opened(file, Site())
    yield Court(db, file, founded_court.users, *founded_court.rooms)
    await db.close()


@dataclass(frozen=True)
class FoundedOnPostgresql:
    """The same in a cluster of this test process: each test has a copy of the database, under one name."""

    folder: Path
    users: dict[str, User]
    rooms: tuple[Room, Room]
    reading: AsyncEngine
    writing: AsyncEngine

    @property
    def url(self) -> str:
        """Of the test's database."""
        return cluster.url(self.folder, "court")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """A cluster; the directory of its socket. fsync is off: nothing of it outlives the tests."""
    if not cluster.is_possible():
        pytest.skip(cluster.MISSING)
    with cluster.running("fsync=off", "max_connections=120") as folder:
        yield folder


@pytest.fixture(scope="session")
def founded_on_postgresql(postgresql: Path) -> FoundedOnPostgresql:
    cluster.told(postgresql, "CREATE DATABASE founded")
    migrated(cluster.url(postgresql, "founded"))
    users, rooms = asyncio.run(_found(cluster.url(postgresql, "founded")))
    as_founded.keep(postgresql, "founded")
    address = make_url(cluster.url(postgresql, "court"))
    return FoundedOnPostgresql(postgresql, users, rooms, engine(address, writes=False), engine(address, writes=True))


@pytest.fixture
async def postgresql_court(tmp_path: Path, founded_on_postgresql: FoundedOnPostgresql) -> AsyncIterator[Court]:
    founded = founded_on_postgresql
    await as_founded.again(founded.folder, "court", "founded")
    db = Database(founded.url, founded.reading, founded.writing, Site())
    await db.close()
    yield Court(db, tmp_path / "no such file", founded.users, *founded.rooms)
    await db.close()


@pytest.fixture
def court(sqlite_court: Court) -> Court:
    """A court; tests of bookings have it on both databases (tests/dispatch/booking/conftest.py)."""
    return sqlite_court


@pytest.fixture
def db(court: Court) -> Database:
    """The court's database."""
    return court.db
