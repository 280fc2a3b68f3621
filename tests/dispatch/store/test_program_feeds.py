"""Feeds of people stay when programs get theirs, and go back; those of programs go with the step back (migration 0017)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from dispatch.store.migrate import configuration, steps
from tests.dispatch import cluster

FORMER = str(ScriptDirectory.from_config(configuration()).get_revision("0017").down_revision)
PEOPLE = (
    (
        'INSERT INTO "user" (id, name, sign_in_name, role, phone, password_hash, failures, active, language, created_at, email)'
        " VALUES ('zhao', '赵书宁', 'zhao', 'clerk', '', 'x', 0, true, 'zh-CN', '2026-11-24 01:30:00.000000', '')"
    ),
    (
        "INSERT INTO calendar_feed (id, user_id, kind, target, token_hash, token_sealed, created_at)"
        " VALUES ('theirs', 'zhao', 'site', '', 'h1', 's1', '2026-11-24 01:30:00.000000')"
    ),
)
PROGRAMS = (
    (
        "INSERT INTO api_token (id, name, role, token_hash, created_at, expires_at)"
        " VALUES ('files', 'Case files', 'clerk', 'h', '2026-11-24 01:30:00.000000', '2027-11-24 01:30:00.000000')"
    ),
    (
        "INSERT INTO calendar_feed (id, program_id, kind, target, token_hash, token_sealed, created_at)"
        " VALUES ('its', 'files', 'site', '', 'h2', 's2', '2026-11-24 01:30:00.000000')"
    ),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'dispatch.db'}"
    folder: Path = request.getfixturevalue("postgresql")
    cluster.told(folder, "DROP DATABASE IF EXISTS stepped WITH (FORCE);\nCREATE DATABASE stepped")
    return cluster.url(folder, "stepped").replace("postgresql:", "postgresql+asyncpg:")


def done(url: str, work: Callable[[Connection], object]) -> None:
    async def do() -> None:
        engine = create_async_engine(make_url(url))
        async with engine.begin() as connection:
            await connection.run_sync(work)
        await engine.dispose()

    asyncio.run(do())


def said(statements: Sequence[str], connection: Connection) -> None:
    for statement in statements:
        connection.execute(text(statement))


def back(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.downgrade(config, FORMER)


def feeds(connection: Connection, expected: list[str]) -> None:
    assert list(connection.execute(text("SELECT id FROM calendar_feed ORDER BY id")).scalars()) == expected


def test_feeds_of_people_stay_and_those_of_programs_come_and_go(url: str) -> None:
    done(url, lambda connection: steps(connection, FORMER))
    done(url, partial(said, PEOPLE))
    done(url, steps)
    done(url, partial(said, PROGRAMS))
    done(url, lambda connection: feeds(connection, ["its", "theirs"]))
    for owners in ("NULL, NULL", "'zhao', 'files'"):
        columns = "id, user_id, program_id, kind, target, token_hash, token_sealed, created_at"
        nobodys = f"INSERT INTO calendar_feed ({columns}) VALUES ('x', {owners}, 'room', 'r', 'h3', 's', '2026-11-24 01:30:00.000000')"
        with pytest.raises(IntegrityError):
            done(url, partial(said, [nobodys]))
    done(url, back)
    done(url, lambda connection: feeds(connection, ["theirs"]))
    done(url, steps)
    done(url, lambda connection: feeds(connection, ["theirs"]))
