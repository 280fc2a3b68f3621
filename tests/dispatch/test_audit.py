"""The audit log: one row for each act, in the act's own transaction; nobody can change one unnoticed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from dispatch import audit
from dispatch.store.database import Database
from dispatch.store.tables import AuditRow, Case
from tests.dispatch.making import NOW, Court, at, audited
from tests.effort import examples

COLUMNS = ("at", "actor", "actor_id", "action", "subject", "address", "result", "detail")
TAMPERED = {"at": "2026-11-24 01:30:00.000001", "detail": '{"sitting": "another"}'}


async def written(db: Database, count: int) -> None:
    for number in range(1, count + 1):
        await audit.record(db, "system", "playback", f"{number}", detail={"sitting": f"s{number}"}, now=NOW + timedelta(seconds=number))


def tamper(court: Court, *statements: str) -> None:
    """What somebody with the file and a will does: the guards taken off, the statements carried out."""
    with closing(sqlite3.connect(court.file)) as database:
        for guard in ("update", "delete", "replace"):
            database.execute(f"DROP TRIGGER audit_no_{guard}")
        for statement in statements:
            database.execute(statement)
        database.commit()


async def found(court: Court) -> tuple[int, int | None, str]:
    report = await audit.verify_chain(court.db)
    assert report.ok == (report.broken_at is None)
    return report.rows, report.broken_at, report.cause


# ------------------------------------------------------------------------------------------------ writing


async def test_a_row_says_who_what_when_from_where_and_with_what_result(court: Court) -> None:
    async with court.db.writer() as session:
        await audit.write(session, court.clerk, "link_revoked", "（2026）1号 刘芳", "10.0.0.7", "failed", {"n": 1}, now=NOW)
    (row,) = await audited(court.db)
    assert (row.seq, row.at, row.actor, row.actor_id, row.action) == (1, NOW, "赵书宁", court.clerk.id, "link_revoked")
    assert (row.subject, row.address, row.result, row.detail) == ("（2026）1号 刘芳", "10.0.0.7", "failed", {"n": 1})
    assert row.prev == audit.GENESIS == "0" * 64


async def test_the_hash_can_be_computed_by_anybody_who_has_the_row(db: Database) -> None:
    await audit.record(db, "system", "playback", "庭审", detail={"b": 1, "a": "值"}, now=NOW)
    (row,) = await audited(db)
    body = (
        '{"action":"playback","actor":"system","actor_id":"","address":"","at":"2026-11-24T01:30:00.000000+00:00",'
        f'"detail":{{"a":"值","b":1}},"prev":"{"0" * 64}","result":"done","seq":1,"subject":"庭审"}}'
    )
    assert row.hash == hashlib.sha256(body.encode()).hexdigest()


async def test_the_address_is_that_of_the_request_unless_another_is_given(db: Database) -> None:
    audit.ADDRESS.set("10.0.0.9")
    await audit.record(db, "system", "playback")
    await audit.record(db, "system", "playback", address="")
    assert [row.address for row in await audited(db)] == ["10.0.0.9", ""]


async def test_what_is_too_long_is_cut_and_verifies(db: Database) -> None:
    await audit.record(db, "演员" * 100, "playback", "主题" * 100, address="1" * 500)
    (row,) = await audited(db)
    assert (len(row.actor), len(row.subject), len(row.address)) == (80, 80, 64)
    assert (await audit.verify_chain(db)).ok


async def test_an_act_that_fails_leaves_no_row_and_a_row_that_fails_leaves_no_act(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writer() as session:
            await audit.write(session, "system", "playback")
            _ = 1 // 0
    with pytest.raises(TypeError):
        async with db.writer() as session:
            session.add(Case(number="1", title=""))
            await audit.write(session, "system", "playback", detail={"not json": object()})
    async with db.reader() as session:
        assert list(await session.scalars(select(Case))) == []
    assert await audited(db) == []


async def test_rows_of_many_writers_and_servers_make_one_chain(court: Court) -> None:
    other = await Database.connect(court.db.url)
    await asyncio.gather(*(audit.record((court.db, other)[n % 2], "system", "playback", f"{n}") for n in range(60)))
    await other.close()
    rows = await audited(court.db)
    assert [row.seq for row in rows] == list(range(1, 61))
    assert {row.subject for row in rows} == {f"{n}" for n in range(60)}
    assert await found(court) == (60, None, "")


plain = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(detail=st.dictionaries(plain, values, max_size=4), subject=plain)
def test_whatever_is_written_verifies_when_it_is_read_again(court: Court, detail: dict[str, Any], subject: str) -> None:
    async def write_and_verify() -> None:
        db = await Database.connect(court.db.url)
        await audit.record(db, "system", "playback", subject, detail=detail, now=NOW.astimezone(ZoneInfo("Asia/Shanghai")))
        report = await audit.verify_chain(db)
        await db.close()
        assert report.ok, report

    asyncio.run(write_and_verify())


async def test_what_json_has_no_number_for_is_refused_before_anything_is_written(db: Database) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        await audit.record(db, "system", "playback", "", detail={"seconds": float("inf")})
    assert (await audit.verify_chain(db)).ok


# ------------------------------------------------------------------------------------------------ nobody changes a row


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'somebody else' WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT seq, at, 'x', actor_id, action, subject, address, result, detail, prev, hash FROM audit",
        "INSERT OR REPLACE INTO audit SELECT seq + 50, at, 'x', actor_id, action, subject, address, result, detail, prev, hash FROM audit",
        "REPLACE INTO audit SELECT seq, at, 'x', actor_id, action, subject, address, result, detail, prev, 'h' FROM audit WHERE seq = 2",
    ],
)
async def test_the_database_refuses_to_change_a_row(court: Court, statement: str) -> None:
    await written(court.db, 3)
    with closing(sqlite3.connect(court.file)) as database, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(statement)
    assert await found(court) == (3, None, "")


async def test_our_own_writer_cannot_change_a_row_either(db: Database) -> None:
    await written(db, 1)
    with pytest.raises(DBAPIError, match="append-only"):
        async with db.writer() as session:
            (await session.get_one(AuditRow, 1)).actor = "somebody else"
    assert (await audit.verify_chain(db)).ok


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_changed_value_is_found_at_its_row(court: Court, column: str) -> None:
    await written(court.db, 5)
    tamper(court, f"UPDATE audit SET {column} = '{TAMPERED.get(column, 'x')}' WHERE seq = 3")
    assert await found(court) == (2, 3, "changed")


@pytest.mark.parametrize(("gone", "rows"), [(1, 0), (3, 2), (4, 3)])
async def test_a_row_that_was_taken_out_is_found(court: Court, gone: int, rows: int) -> None:
    await written(court.db, 5)
    tamper(court, f"DELETE FROM audit WHERE seq = {gone}")
    assert await found(court) == (rows, gone, "missing")


async def test_rows_moved_up_into_the_gap_do_not_follow_their_predecessor(court: Court) -> None:
    await written(court.db, 5)
    tamper(court, "DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5")
    assert await found(court) == (2, 3, "unlinked")


async def test_a_row_written_anew_with_a_hash_that_fits_it_breaks_the_chain_behind_it(court: Court) -> None:
    await written(court.db, 5)
    row = (await audited(court.db))[2]
    row.actor = "somebody else"
    tamper(court, f"UPDATE audit SET actor = 'somebody else', hash = '{audit.digest(row)}' WHERE seq = 3")
    assert await found(court) == (3, 4, "unlinked")


async def test_two_rows_that_changed_places_are_found(court: Court) -> None:
    await written(court.db, 4)
    tamper(court, *(f"UPDATE audit SET seq = {to} WHERE seq = {seq}" for seq, to in ((2, 99), (3, 2), (99, 3))))
    assert await found(court) == (1, 2, "unlinked")


async def test_an_empty_log_is_whole(court: Court) -> None:
    assert await found(court) == (0, None, "")


# ------------------------------------------------------------------------------------------------ reading


async def test_rows_are_listed_newest_first_page_by_page(db: Database) -> None:
    await written(db, 7)
    first, count = await audit.list_rows(db, size=3)
    last, _ = await audit.list_rows(db, size=3, page=3)
    assert ([row.seq for row in first], [row.seq for row in last], count) == ([7, 6, 5], [1], 7)
    assert [row.seq for row in (await audit.list_rows(db, size=3, page=0))[0]] == [7, 6, 5]


async def test_rows_are_found_by_action_actor_words_and_day(court: Court) -> None:
    db = court.db
    await audit.record(db, court.clerk, "playback", "（2026）1号 100%", now=at("23:59", -1))
    await audit.record(db, "system", "playback", "（2026）2号", address="10.0.0.7", now=at("00:00"))
    await audit.record(db, court.clerk, "watched", "（2026）1号", now=at("00:00", 1))

    async def seqs(**wanted: Any) -> list[int]:
        return [row.seq for row in (await audit.list_rows(db, **wanted))[0]]

    assert await seqs(action="playback") == [2, 1]
    assert await seqs(actor="赵书宁") == [3, 1]
    assert await seqs(text="1号") == [3, 1]
    assert await seqs(text="10.0.0.7") == [2]
    assert await seqs(text="100%") == [1]
    assert await seqs(text="1_0%") == []
    assert await seqs(day_from=at("00:00"), day_to=at("00:00", 1)) == [2]
    assert await seqs(action="playback", actor="赵书宁", text="1号") == [1]
    assert await audit.actions(db) == ["playback", "watched"]


async def test_a_row_is_json_that_others_can_read(court: Court) -> None:
    await written(court.db, 1)
    with closing(sqlite3.connect(court.file)) as database:
        (detail,) = database.execute("SELECT detail FROM audit").fetchone()
    assert json.loads(detail) == {"sitting": "s1"}
