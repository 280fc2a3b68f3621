"""What a page shows of many resources is kept, and still is what the database says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from dispatch.booking import bookings
from dispatch.booking.timeline import ROWS, Kept, Slot, timeline
from dispatch.store.database import Database
from dispatch.store.tables import Participant, Sitting
from tests.dispatch.making import NOW, Court, at, bring_to, make_draft, make_sitting, other_sitting

DAY = (at("00:00"), at("00:00", 1))


@pytest.fixture
def elsewhere(court: Court) -> Database:
    """The same database as another process has it open: what was kept of the first is not known to it."""
    return Database(court.db.url, court.db._reading, court.db._writing, court.db.site)


async def seen(db: Database, court: Court) -> list[tuple[str, str, str | None, str]]:
    rooms = [court.room.id, court.other_room.id]
    found = await timeline(db, rooms, *DAY)
    return [(slot.title, slot.status, slot.chair, f"{slot.starts_at:%H:%M}") for room in rooms for slot in found[room]]


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(db._reading.sync_engine, "before_cursor_execute", note)
    yield asked
    event.remove(db._reading.sync_engine, "before_cursor_execute", note)


async def test_who_asks_again_reads_the_revisions_alone(court: Court) -> None:
    await make_sitting(court)
    first = await seen(court.db, court)
    kept, read = (ROWS.labels(found)._value.get() for found in ("kept", "read"))
    with statements(court.db) as asked:
        assert await seen(court.db, court) == first
    assert [ROWS.labels(found)._value.get() for found in ("kept", "read")] == [kept + 2, read]
    assert [statement for statement in asked if "hold" in statement] == []


async def test_only_what_has_changed_is_read_again(court: Court) -> None:
    await make_sitting(court)
    await seen(court.db, court)
    await other_sitting(court)
    read: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "JOIN booking" in statement:
            read.append([each for each in parameters if each in (court.room.id, court.other_room.id)])

    event.listen(court.db._reading.sync_engine, "before_cursor_execute", note)
    assert [title for title, *_ in await seen(court.db, court)] == ["云河物业公司与刘芳物业服务合同纠纷案", "另案"]
    event.remove(court.db._reading.sync_engine, "before_cursor_execute", note)
    assert read == [[court.other_room.id]]


async def test_each_change_is_seen_by_the_next_who_looks_wherever_it_was_made(court: Court, elsewhere: Database) -> None:
    sitting = await make_sitting(court, title="甲")

    async def both() -> list[tuple[str, str, str | None, str]]:
        found = await seen(court.db, court)
        assert await seen(elsewhere, court) == found
        return found

    assert await both() == [("甲", "planned", "陈明远", "06:00")]
    retitled = make_draft(court, title="乙", chair_id=court.other_judge.id)
    await bookings.update_sitting(court.db, sitting.id, retitled, court.clerk, NOW)
    assert await both() == [("乙", "planned", "林静姝", "06:00")]
    await bookings.move(elsewhere, sitting.id, court.other_room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason="同意")
    assert await both() == [("乙", "planned", "林静姝", "07:00")]
    await bring_to(court.db, sitting, "live")
    assert await both() == [("乙", "live", "林静姝", "07:00")]
    other = await make_sitting(court, "10:00", title="丙", case_number="（2026）京0105民初32号")
    assert [title for title, *_ in await both()] == ["丙", "乙"]
    await bookings.cancel(elsewhere, other.id, "撤诉", court.clerk, NOW)
    assert [title for title, *_ in await both()] == ["乙"]


@pytest.mark.parametrize("table", ["sitting", "participant"])
async def test_not_even_a_bare_statement_is_missed(court: Court, table: str) -> None:
    sitting = await make_sitting(court)
    await seen(court.db, court)
    async with court.db.writer() as session:
        if table == "sitting":
            await session.execute(update(Sitting).where(Sitting.id == sitting.id).values(title="改"))
        else:
            await session.execute(
                update(Participant).where(Participant.sitting_id == sitting.id, Participant.role == "judge").values(name="改")
            )
    [(title, _, chair, _)] = await seen(court.db, court)
    assert "改" in (title, chair)


async def test_an_act_that_failed_leaves_what_is_shown(court: Court) -> None:
    await make_sitting(court)
    before = await seen(court.db, court)
    with pytest.raises(ZeroDivisionError):
        async with court.db.writer() as session:
            await session.execute(update(Sitting).values(title="改"))
            raise ZeroDivisionError
    assert await seen(court.db, court) == before


async def test_a_sitting_over_midnight_is_on_both_days_and_read_once(court: Court) -> None:
    await make_sitting(court, "23:30", 60)
    for day in range(3):
        found = await timeline(court.db, [court.room.id], at("00:00", day), at("00:00", day + 1))
        assert len(found[court.room.id]) == (1, 1, 0)[day]
    assert len((await timeline(court.db, [court.room.id], at("00:00"), at("00:00", 3)))[court.room.id]) == 1


def slot(day: int) -> Slot:
    moment = datetime.fromordinal(day).replace(tzinfo=UTC)
    return Slot("r", "s", "remote_court", "", "", "planned", "confirmed", moment, moment, moment, moment + timedelta(hours=1), None, None)


def test_what_is_kept_is_bounded_and_what_was_asked_for_last_stays() -> None:
    kept = Kept(most=10)
    for day in range(1, 9):
        kept.put("r", 1, range(day, day + 1), [slot(day), slot(day)])
        kept.used(range(day, day + 1))
    assert kept.size == 9
    assert kept.find("r", 1, range(5, 6)) is None
    found = kept.find("r", 1, range(6, 9))
    assert found is not None
    assert len(found) == 6


def test_another_revision_is_not_taken_and_replaces_the_former() -> None:
    kept, days = Kept(), range(1, 3)
    kept.put("r", 1, days, [slot(1)])
    assert kept.find("r", 2, days) is None
    kept.put("r", 2, days, [replaced := slot(2)._replace(title="改")])
    assert (kept.find("r", 1, days), kept.find("r", 2, days), kept.size) == (None, [replaced], 3)
    assert kept.find("r", 2, range(1, 4)) is None
