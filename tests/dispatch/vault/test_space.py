"""Disks are measured once each, one row a day is kept, and a warning is given once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from dispatch.store.alert_tables import Alert
from dispatch.store.tables import AuditRow
from dispatch.store.vault_tables import SpaceSample
from dispatch.vault import space
from rooms.vault.store import Space
from tests.dispatch.archive.test_jobs import Clock
from tests.dispatch.archive.vaults import stored_vault
from tests.dispatch.making import Court

TB = 10**12


async def test_a_store_on_the_disk_of_the_recordings_is_not_counted_twice(court: Court) -> None:
    found = space.measured(stored_vault(court))
    assert list(found) == ["recordings"]
    assert 0 < found["recordings"].free <= found["recordings"].total


async def test_one_row_a_day_is_kept_the_last_one(court: Court) -> None:
    clock = Clock()
    for free in (9, 8):
        await space.note(court.db, {"recordings": Space(10, free)}, clock.now)
        clock.now += timedelta(minutes=1)
    async with court.db.reader() as session:
        assert [row.free for row in await session.scalars(select(SpaceSample))] == [8]


async def test_a_warning_is_given_once_until_it_is_over(court: Court) -> None:
    clock, vault = Clock(), stored_vault(court)
    real = space.measured(vault)["recordings"]
    for day in range(3, 0, -1):  # a disk that fills within days
        free = min(real.total, real.free + day * real.free // 4)
        await space.note(court.db, {"recordings": Space(real.total, free)}, clock.now - timedelta(days=day))
    watch = space.Watch(court.db, vault, 3650, clock)
    await watch.work()
    await watch.work()
    async with court.db.reader() as session:
        rows = list(await session.scalars(select(AuditRow).where(AuditRow.action == "space_short")))
        (alert,) = await session.scalars(select(Alert))
    assert [row.result for row in rows] == ["failed"]
    assert (alert.code, alert.subject, alert.count, alert.ended_at) == ("space_short", "recordings", 1, None)
    await space.Watch(court.db, vault, 0, clock).work()  # as where there is enough
    async with court.db.reader() as session:
        (alert,) = await session.scalars(select(Alert))
    assert alert.ended_at is not None
