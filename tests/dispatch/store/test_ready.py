"""Statements that are put together once give what SQLAlchemy gives, belong to its transaction, and fail as it does."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from dispatch.store import direct, ready
from dispatch.store.base import Base
from dispatch.store.database import CannotWrite, Database
from dispatch.store.postgresql import WRITERS
from dispatch.store.ready import Ready
from dispatch.store.tables import Case, CourtSite, Sitting
from tests.dispatch.making import Court, at

SITES = Base.metadata.tables[CourtSite.__tablename__]
ALL = Ready(select(SITES).where(SITES.c.id.in_(bindparam("ids", expanding=True))).order_by(SITES.c.id))
SPANS = Ready(select(Sitting.id, Sitting.starts_at).where(Sitting.starts_at < bindparam("before")).order_by(Sitting.id))


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    found: Court = request.getfixturevalue(f"{request.param}_court")
    return found


async def test_rows_have_the_types_of_their_columns(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(Case(id="c1", number="1号", title="案"))
        for number in (1, 2):
            await direct.insert(session, [Sitting(id=f"s{number}", case_id="c1", title="", starts_at=at("14:00"), ends_at=at("15:00"))])
        given = await ready.rows(session, SPANS, {"before": at("14:01")})
        assert [(row.id, row.starts_at) for row in given] == [("s1", at("14:00")), ("s2", at("14:00"))]
        assert await ready.rows(session, SPANS, {"before": at("14:00")}) == []


async def test_lists_may_have_any_length(court: Court) -> None:
    async with court.db.writer() as session:
        session.add_all(CourtSite(id=f"x{number}", name=f"所{number}") for number in range(3))
        for ids in ([], ["x1"], ["x0", "x2"], ["x2", "x0", "nobody"]):
            found = await ready.rows(session, ALL, {"ids": ids})
            assert [row.id for row in found] == sorted(set(ids) - {"nobody"})


async def test_objects_are_those_that_the_session_knows(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CourtSite(id="x1", name="所", hours={"mon": ["09:00-12:00"]}))
    async with court.db.writer() as session:
        known = await session.get_one(CourtSite, "x1")
        known.name = "改"  # not written before the statement asks
        (found,) = await ready.objects(session, CourtSite, ALL, {"ids": ["x1"]})
        assert found is known
        assert found.name == "改"
    async with court.db.writer() as session:
        (found,) = await ready.objects(session, CourtSite, ALL, {"ids": ["x1"]})
        assert (found.name, found.hours) == ("改", {"mon": ["09:00-12:00"]})
        assert await session.get_one(CourtSite, "x1") is found
        found.name = "再改"
    async with court.db.reader() as session:
        assert (await session.get_one(CourtSite, "x1")).name == "再改"


async def test_it_is_the_first_statement_of_a_transaction(court: Court) -> None:
    """A reader sees one moment, also where it is asked for in this way first."""
    async with court.db.writer() as session:
        session.add(CourtSite(id="x1", name="所"))
    async with court.db.reader() as reader:
        assert [row.name for row in await ready.rows(reader, ALL, {"ids": ["x1"]})] == ["所"]
        async with court.db.writer() as session:
            await session.execute(update(CourtSite).values(name="改"))
        assert [row.name for row in await ready.rows(reader, ALL, {"ids": ["x1"]})] == ["所"]


async def test_what_the_database_refuses_is_raised_as_by_sqlalchemy(court: Court) -> None:
    with pytest.raises(IntegrityError) as raised:
        async with court.db.writer() as session:
            await direct.insert(session, [Sitting(id="s1", case_id="nobody", title="秘密", starts_at=at("14:00"), ends_at=at("15:00"))])
    assert "秘密" not in str(raised.value), "values are people's names"
    async with court.db.writer() as session:  # the connection is as good as before
        session.add(CourtSite(id="x1", name="所"))


async def test_a_savepoint_that_begins_with_it_is_taken_back(court: Court) -> None:
    async with court.db.writer() as session:
        await direct.insert(session, [Case(id="c1", number="1号", title="案")])
        savepoint = await session.begin_nested()
        await direct.insert(session, [Case(id="c2", number="2号", title="案")])
        await savepoint.rollback()
        await direct.insert(session, [Case(id="c3", number="3号", title="案")])
    async with court.db.reader() as session:
        assert sorted(await session.scalars(select(Case.id))) == ["c1", "c3"]


async def test_several_that_read_give_what_each_gives_alone(court: Court) -> None:
    """On PostgreSQL they are one statement: rows come as records, whatever types they have, and none is none."""
    async with court.db.writer() as session:
        session.add_all(CourtSite(id=f"x{number}", name=f"所{number}", hours={"mon": ["09:00-12:00"]}) for number in range(3))
        await direct.insert(session, [Case(id="c1", number="1号", title="案")])
        await direct.insert(session, [Sitting(id="s1", case_id="c1", title="", starts_at=at("14:00"), ends_at=at("15:00"))])
        sites: list[ready.Asked] = [(ALL, {"ids": ["x2", "x0"]}), (ALL, {"ids": []})]
        asked = [*sites, (SPANS, {"before": at("15:00")}), (SPANS, {"before": at("14:00")})]
        assert await ready.together(session, *asked) == [await ready.rows(session, *each) for each in asked]


async def test_what_was_asked_for_ahead_is_the_answer_once(court: Court) -> None:
    async with court.db.writer() as session:
        session.add(CourtSite(id="x1", name="所"))
        await ready.ahead(session, (ALL, {"ids": ["x1"]}), (ALL, {"ids": ["x2"]}))
        await session.execute(update(CourtSite).values(name="改"))
        assert [row.name for row in await ready.rows(session, ALL, {"ids": ["x1"]})] == ["所"]
        assert [row.name for row in await ready.rows(session, ALL, {"ids": ["x1"]})] == ["改"]
        assert [row.name for row in await ready.rows(session, ALL, {"ids": ["x1", "x2"]})] == ["改"], "another question"


async def test_what_was_asked_for_ahead_is_no_answer_past_its_savepoint(court: Court) -> None:
    """With one that is taken back go the locks on what was read in it."""
    asked = (ALL, {"ids": ["x1"]})
    async with court.db.writer() as session:
        session.add(CourtSite(id="x1", name="所"))
        await ready.ahead(session, asked)
        savepoint = await session.begin_nested()
        await session.execute(update(CourtSite).values(name="改"))
        assert [row.name for row in await ready.rows(session, *asked)] == ["改"]
        await ready.ahead(session, asked)
        await savepoint.rollback()
        assert [row.name for row in await ready.rows(session, *asked)] == ["所"]


async def test_what_is_read_ahead_with_a_lock_is_locked(postgresql_court: Court) -> None:
    db = postgresql_court.db
    locking = Ready(select(SITES).where(SITES.c.id.in_(bindparam("ids", expanding=True))).order_by(SITES.c.id).with_for_update())
    asked = (locking, {"ids": ["x1"]})
    async with db.writer() as session:
        session.add(CourtSite(id="x1", name="所"))

    async def changes(session: AsyncSession) -> str:
        await ready.ahead(session, (ALL, {"ids": []}), asked)
        (site,) = await ready.objects(session, CourtSite, *asked)
        site.name += "改"
        await asyncio.sleep(0.05)
        return site.name

    assert sorted(await asyncio.gather(db.act(changes), db.act(changes))) == ["所改", "所改改"]
    assert db.again == 0


async def test_a_server_that_closed_the_connection_is_no_defect(postgresql_court: Court) -> None:
    with pytest.raises(CannotWrite) as raised:
        async with postgresql_court.db.writer() as session:
            session.add(Case(id="c1", number="1号", title="案"))
            await session.flush()
            mine = await session.scalar(text("SELECT pg_backend_pid()"))
            async with postgresql_court.db.reader() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
            await ready.rows(session, ALL, {"ids": []})
    assert raised.value.code == "store_unwritable"
    async with postgresql_court.db.reader() as session:
        assert list(await session.scalars(select(Case.id))) == []


async def test_who_is_stopped_while_he_waits_leaves_good_connections_behind(postgresql_court: Court) -> None:
    db = postgresql_court.db

    async def books(session: AsyncSession) -> int:
        return len(await ready.rows(session, ALL, {"ids": ["x1"]}))

    async with db.writer() as session:
        waiting = [asyncio.create_task(db.act(books)) for _ in range(WRITERS - 1)]  # for the lock that the writer holds
        while await waits_for_locks(db) < len(waiting):
            await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        assert all(isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*waiting, return_exceptions=True))
        session.add(CourtSite(id="x1", name="所"))
    assert await asyncio.gather(*(db.act(books) for _ in range(2 * WRITERS))) == [1] * 2 * WRITERS


async def waits_for_locks(db: Database) -> int:
    """How many advisory locks somebody of this database waits for."""
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    async with db.reader() as session:
        found = await session.scalar(text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {here}"))
        return int(found or 0)
