"""The steps of the migrations lead to the very tables that the program declares."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from dispatch.store.migrate import configuration, head, upgrade
from dispatch.store.notice_tables import Message

TOP = Path(__file__).resolve().parents[3]


def url_of(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'dispatch.db'}"


def revision(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def schema(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as database:
        return sorted(database.execute("SELECT name, coalesce(sql, '') FROM sqlite_schema"))


def test_an_upgraded_database_has_the_tables_of_this_version(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Message.metadata)
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


@pytest.mark.parametrize("start", [step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()])
def test_a_database_of_every_earlier_version_comes_to_this_one_with_its_data(tmp_path: Path, start: str) -> None:
    """Each version is reached as it was by the steps up to it; a user of then is there afterwards."""
    step_to(tmp_path / "dispatch.db", start)
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
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    upgrade(url_of(fresh))
    assert schema(tmp_path / "dispatch.db") == schema(fresh / "dispatch.db")


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
