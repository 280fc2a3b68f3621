"""The steps of the migrations lead to the very tables that the program declares."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select

from dispatch.booking.catalogue import rooms
from dispatch.store import (  # noqa: F401 - so that their tables are compared too
    alert_tables,
    archive_tables,
    field_tables,
    keeping_tables,
    map_tables,
    roll_call_tables,
    shift_tables,
    vault_tables,
    wall_tables,
)
from dispatch.store.copy_tables import Copy
from dispatch.store.database import Database
from dispatch.store.migrate import configuration, head, upgrade
from dispatch.store.tables import Resource, Sitting

TOP = Path(__file__).resolve().parents[3]
VERSIONS = [step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]
"""The first one first."""


def url_of(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'dispatch.db'}"


def revision(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def schema(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as database:
        return sorted(database.execute("SELECT name, coalesce(sql, '') FROM sqlite_schema"))


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # of the index over a document
def test_an_upgraded_database_has_the_tables_of_this_version(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Copy.metadata)
    engine.dispose()
    assert differences == []


def test_a_fresh_database_is_of_this_version(tmp_path: Path) -> None:
    upgrade(url_of(tmp_path))
    assert revision(tmp_path) == head()


def test_the_steps_are_one_line_without_branches() -> None:
    steps = list(ScriptDirectory.from_config(configuration()).walk_revisions())
    assert [step.down_revision for step in steps] == [*(step.revision for step in steps[1:]), None]


def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    upgrade(url_of(tmp_path))
    before = schema(tmp_path / "dispatch.db")
    upgrade(url_of(tmp_path))
    assert schema(tmp_path / "dispatch.db") == before


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The schema of a database that is made now."""
    folder = tmp_path_factory.mktemp("fresh")
    upgrade(url_of(folder))
    return schema(folder / "dispatch.db")


@pytest.fixture(scope="module")
def of_version(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """An empty database of a version: each is one step from the one before, and made once."""
    folder = tmp_path_factory.mktemp("versions")

    def made(version: str) -> Path:
        file = folder / f"{version}.db"
        if not file.exists():
            position = VERSIONS.index(version)
            if position:
                shutil.copyfile(made(VERSIONS[position - 1]), file)
            step_to(file, version)
        return file

    return made


@pytest.mark.parametrize("start", VERSIONS)
def test_a_database_of_every_earlier_version_comes_to_this_one_with_its_data(
    tmp_path: Path, start: str, of_version: Callable[[str], Path], fresh: list[tuple[str, str]]
) -> None:
    """Each version is reached as it was by the steps up to it; a user of then is there afterwards."""
    shutil.copyfile(of_version(start), tmp_path / "dispatch.db")
    assert revision(tmp_path) == start
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        database.execute(
            "INSERT INTO user (id, name, sign_in_name, role, phone, password_hash, failures, active, language, created_at)"
            " VALUES ('1', '赵书宁', 'zhao', 'clerk', '', 'x', 2, 1, 'zh-CN', '2026-11-24 01:30:00.000000')"
        )
        database.commit()
    upgrade(url_of(tmp_path))
    assert revision(tmp_path) == head()
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        assert database.execute("SELECT name, failures FROM user").fetchall() == [("赵书宁", 2)]
    assert schema(tmp_path / "dispatch.db") == fresh


def step_to(file: Path, revision: str) -> None:
    engine = create_engine(f"sqlite:///{file}")
    config = configuration()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """All steps are one transaction: a table that is in the way of a later step undoes the former ones too."""
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        database.execute("CREATE TABLE order_key (theirs INTEGER)")
    with pytest.raises(Exception, match="order_key"):
        upgrade(url_of(tmp_path))
    assert [name for name, _ in schema(tmp_path / "dispatch.db")] == ["order_key"]


async def test_servers_that_start_together_make_one_database(tmp_path: Path) -> None:
    script = "import sys; from dispatch.store.database import migrated; sys.stdin.readline(); migrated(sys.argv[1])"

    async def one() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, url_of(tmp_path), cwd=TOP, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

    processes = [await one() for _ in range(4)]
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, said
    assert revision(tmp_path) == head()


OF_0005 = """
INSERT INTO user (id, name, sign_in_name, role, phone, password_hash, failures, active, language, created_at)
  VALUES ('chen', '陈明远', 'chen', 'judge', '', 'x', 0, 1, 'zh-CN', '2026-11-24 01:30:00.000000');
INSERT INTO room (id, name, name_en, kind, site, capacity, position, active) VALUES
  ('one', '第一法庭', 'Court room 1', 'court', '云河区', 12, 1, 1),
  ('two', '第二法庭', '', 'court', '云河区', 8, 2, 1),
  ('out', '旧庭', '', 'court', '', 4, 3, 0);
INSERT INTO "case" (id, number, title, created_at) VALUES ('c', '（2026）京0105民初31号', '案', '2026-11-24 01:30:00.000000');
INSERT INTO sitting (id, kind, case_id, title, status, log_seq, starts_at, ends_at, cancel_reason, created_at)
  SELECT id, 'remote_court', 'c', id, status, 0, begins || ':00:00.000000', ends || ':00:00.000000', '', '2026-11-24 01:30:00.000000' FROM
  (SELECT 'to come' id, 'planned' status, '2026-11-25 06' begins, '2026-11-25 07' ends
   UNION SELECT 'over', 'closed', '2026-11-24 01', '2026-11-24 02'
   UNION SELECT 'off', 'cancelled', '2026-11-25 06', '2026-11-25 07');
INSERT INTO booking (id, room_id, sitting_id, starts_at, ends_at, active)
  SELECT 'b ' || id, CASE id WHEN 'over' THEN 'two' ELSE 'one' END, id, starts_at, ends_at, status <> 'cancelled' FROM sitting;
INSERT INTO participant (id, sitting_id, user_id, name, role, phone, seat, position, consent_version, consent_sha256, consent_device,
  removed_at)
  SELECT 'p ' || id, id, 'chen', '陈明远', 'judge', '', 'link', 0, '', '', '', NULL FROM sitting
  UNION SELECT 'gone', 'to come', 'chen', '陈明远', 'judge', '', 'link', 1, '', '', '', '2026-11-24 01:30:00.000000';
"""


async def test_bookings_of_rooms_become_spans_that_hold_rooms_and_people(tmp_path: Path) -> None:
    step_to(tmp_path / "dispatch.db", "0005")
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        database.executescript(OF_0005)
    upgrade(url_of(tmp_path))
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute(
            "SELECT sitting_id, state, resource_id, hold.active, substr(hold.starts_at, 12, 2), substr(hold.ends_at, 12, 2)"
            " FROM hold JOIN booking ON booking.id = booking_id ORDER BY sitting_id, hold.position"
        ).fetchall() == [
            ("off", "cancelled", "one", 0, "06", "07"), ("off", "cancelled", "chen", 0, "06", "07"),
            ("over", "confirmed", "two", 0, "01", "02"), ("over", "confirmed", "chen", 0, "01", "02"),
            ("to come", "confirmed", "one", 1, "06", "07"), ("to come", "confirmed", "chen", 1, "06", "07"),
        ]  # fmt: skip
    db = await Database.connect(url_of(tmp_path))
    try:
        found = {room.id: (room.name, room.site, room.active) for room in await rooms.list_rooms(db, everything=True)}
        assert found == {"one": ("第一法庭", "云河区", True), "two": ("第二法庭", "云河区", True), "out": ("旧庭", "", False)}
        async with db.reader() as session:
            sitting = await session.get_one(Sitting, "to come")
            kinds = dict((await session.execute(select(Resource.id, Resource.kind))).all())
        assert ([room.id for room in sitting.rooms], sitting.booking.state) == (["one"], "confirmed")
        assert kinds == {"one": "room", "two": "room", "out": "room", "chen": "person"}
    finally:
        await db.close()
