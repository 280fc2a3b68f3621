"""A database that cannot be used stops the start with one line that says which and why, and is left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from dispatch.settings import Settings
from dispatch.store.database import Database, DatabaseUnavailable, migrated
from dispatch.store.migrate import head
from tests.dispatch.conftest import FoundedCourt


def settings(folder: Path) -> Settings:
    return Settings(data=folder)


async def opened(folder: Path) -> Database:
    return await Database.open(settings(folder))


async def connected(folder: Path) -> Database:
    return await Database.connect(settings(folder).database)


async def line(attempt: Callable[[Path], Awaitable[Database]], folder: Path) -> str:
    """What a start is refused with."""
    with pytest.raises(DatabaseUnavailable) as told:
        await attempt(folder)
    text = str(told.value)
    assert len(text.splitlines()) == 1
    return text


async def test_a_new_site_gets_a_database_a_key_and_nothing_else(tmp_path: Path) -> None:
    db = await opened(tmp_path / "var")
    await db.close()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "var/dispatch.db",
        "var/secrets/links.key",
    ]


@pytest.mark.parametrize("attempt", [opened, connected])
async def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path, attempt: Callable[[Path], Awaitable[Database]]) -> None:
    minutes = "these are minutes, not a database. " * 200
    (tmp_path / "dispatch.db").write_text(minutes)
    told = await line(attempt, tmp_path)
    assert str(tmp_path / "dispatch.db") in told
    assert "file is not a database" in told
    assert (tmp_path / "dispatch.db").read_text() == minutes


@pytest.mark.parametrize("attempt", [opened, connected])
async def test_a_directory_in_its_place_is_named(tmp_path: Path, attempt: Callable[[Path], Awaitable[Database]]) -> None:
    (tmp_path / "dispatch.db").mkdir()
    assert str(tmp_path / "dispatch.db") in await line(attempt, tmp_path)


async def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file" / "var") in await line(opened, tmp_path / "file" / "var")
    with pytest.raises(DatabaseUnavailable, match=r"file/var/dispatch\.db"):
        migrated(f"sqlite:///{tmp_path}/file/var/dispatch.db")


async def test_a_database_that_is_not_there_is_not_made_by_connecting(tmp_path: Path) -> None:
    assert "no such file" in await line(connected, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_database_without_tables_is_named_and_not_filled_by_connecting(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "dispatch.db")) as empty:
        empty.execute("VACUUM")
    assert "alembic_version" in await line(connected, tmp_path)


def set_revision(folder: Path, founded: FoundedCourt, revision: str) -> None:
    (folder / "dispatch.db").write_bytes(founded.file.read_bytes())
    with closing(sqlite3.connect(folder / "dispatch.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()


async def test_a_database_of_an_earlier_version_is_told_with_the_command_that_mends_it(tmp_path: Path, founded_court: FoundedCourt) -> None:
    set_revision(tmp_path, founded_court, "0001")
    told = await line(connected, tmp_path)
    assert "at revision 0001" in told
    assert f"not {head()}" in told
    assert "server.py migrate" in told


async def test_a_database_of_a_later_version_is_neither_used_nor_touched(tmp_path: Path, founded_court: FoundedCourt) -> None:
    set_revision(tmp_path, founded_court, "9999")
    before = (tmp_path / "dispatch.db").read_bytes()
    assert "9999" in await line(opened, tmp_path)
    assert "9999" in await line(connected, tmp_path)
    assert (tmp_path / "dispatch.db").read_bytes() == before


async def test_a_key_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    assert str(tmp_path / "secrets") in await line(opened, tmp_path)


async def test_a_key_that_was_cut_short_is_named_instead_of_replaced(tmp_path: Path) -> None:
    """A new key would make every link that was handed out unreadable for the clerk."""
    db = await opened(tmp_path)
    await db.close()
    key = tmp_path / "secrets" / "links.key"
    key.chmod(0o600)
    key.write_bytes(key.read_bytes()[:7])
    assert "links.key" in await line(opened, tmp_path)
    assert len(key.read_bytes()) == 7
