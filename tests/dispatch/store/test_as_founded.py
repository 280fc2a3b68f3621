"""What each test on PostgreSQL begins with is what was founded, whatever the one before has done."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from dispatch.store.tables import Case, User
from tests.dispatch import as_founded
from tests.dispatch.conftest import FoundedOnPostgresql
from tests.dispatch.making import Court


async def test_rows_are_put_back_and_the_database_stays(postgresql_court: Court, founded_on_postgresql: FoundedOnPostgresql) -> None:
    db = postgresql_court.db
    which = text("SELECT oid FROM pg_database WHERE datname = current_database()")
    async with db.writer() as session:
        before = await session.scalar(which)
        session.add(Case(id="c1", number="1号", title="案"))
        (await session.get_one(User, postgresql_court.users["he"].id)).name = "别人"
    await as_founded.again(founded_on_postgresql.folder, "court", "founded")
    await db.close()
    async with db.reader() as session:
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
        assert sorted(await session.scalars(select(User.name))) == sorted(user.name for user in postgresql_court.users.values())
        assert await session.scalar(which) == before


@pytest.mark.parametrize(
    "change",
    [
        'ALTER TABLE "case" ADD COLUMN colour text',
        "ALTER TABLE field_step DISABLE TRIGGER field_step_append_only",
        "ALTER DATABASE court SET lock_timeout = 1",
        "ALTER DATABASE court SET default_transaction_read_only = on",
        'DROP TABLE "case" CASCADE',
    ],
)
async def test_one_that_is_another_now_is_made_anew(
    postgresql_court: Court, founded_on_postgresql: FoundedOnPostgresql, change: str
) -> None:
    db = postgresql_court.db
    shape = text("SELECT kept.shape() = (SELECT shape FROM kept.as_it_was)")
    async with db.writer() as session:
        await session.execute(text(change))
    await db.close()
    async with db.reader() as session:
        assert not await session.scalar(shape)
    await as_founded.again(founded_on_postgresql.folder, "court", "founded")
    await db.close()
    async with db.reader() as session:
        assert await session.scalar(shape)
        assert await session.scalar(select(func.count()).select_from(Case)) == 0
