"""A court with a database of its own for each test. It is founded once and copied."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from dispatch.store.database import Database, _engine, migrated
from dispatch.store.site import Site
from dispatch.store.tables import Room, User, new_id
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
    url = f"sqlite:///{file}"
    migrated(url)

    async def found() -> FoundedCourt:
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
        return FoundedCourt(file, users, (room, other))

    return asyncio.run(found())


@dataclass(frozen=True)
class Engines:
    """The engines of all tests' databases: one pair, as SQLAlchemy compiles each statement once for an engine, and that takes
    longer than a test. `link` is where they look; it leads to the file of the test that runs."""

    link: Path
    reading: AsyncEngine
    writing: AsyncEngine


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    link = tmp_path_factory.mktemp("link") / "dispatch.db"
    address = make_url(f"sqlite+aiosqlite:///{link}")
    return Engines(link, _engine(address, writes=False), _engine(address, writes=True))


@pytest.fixture
async def court(tmp_path: Path, founded_court: FoundedCourt, engines: Engines) -> AsyncIterator[Court]:
    file = tmp_path / "dispatch.db"
    shutil.copy(founded_court.file, file)
    engines.link.unlink(missing_ok=True)
    engines.link.symlink_to(file)
    db = Database(f"sqlite:///{file}", engines.reading, engines.writing, Site())
    await db.close()  # connections to another file, which tasks of a test that failed may have left behind
    yield Court(db, file, founded_court.users, *founded_court.rooms)
    await db.close()


@pytest.fixture
def db(court: Court) -> Database:
    """The court's database."""
    return court.db
