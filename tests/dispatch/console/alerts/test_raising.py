"""Alerts come once, end, and come back without a pile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from dispatch.console.alerts.raising import SAME_WITHIN, end_alert, on_change, raise_alert
from dispatch.store.alert_tables import Alert, AlertStep
from dispatch.store.database import Database
from tests.dispatch.making import NOW

MINUTE = timedelta(minutes=1)


async def kept(db: Database) -> list[Alert]:
    async with db.reader() as session:
        return list(await session.scalars(select(Alert).order_by(Alert.raised_at)))


async def steps(db: Database) -> list[str]:
    async with db.reader() as session:
        return list(await session.scalars(select(AlertStep.act).order_by(AlertStep.at, AlertStep.number)))


async def test_an_alert_is_raised_once_however_often_it_is_noticed(db: Database) -> None:
    assert await raise_alert(db, "disk_low", "critical", subject="data", data={"free": "1 GB"}, now=NOW)
    assert not await raise_alert(db, "disk_low", "critical", subject="data", data={"free": "900 MB"}, now=NOW + MINUTE)
    [alert] = await kept(db)
    assert (alert.raised_at, alert.data, alert.count) == (NOW, {"free": "1 GB"}, 1)
    assert await steps(db) == ["raised"]


async def test_noticed_by_many_at_once_it_is_still_one(db: Database) -> None:
    raised = await asyncio.gather(*(raise_alert(db, "worker_down", "critical", subject="recorder", now=NOW) for _ in range(8)))
    assert sorted(raised) == [False] * 7 + [True]
    assert len(await kept(db)) == 1


async def test_sittings_and_subjects_have_alerts_of_their_own(db: Database) -> None:
    for sitting, subject in (("s1", "p1"), ("s1", "p2"), ("s2", "p1"), ("", "")):
        assert await raise_alert(db, "poor_network", "warning", sitting=sitting, subject=subject, now=NOW)
    assert await end_alert(db, "poor_network", sitting="s1", subject="p1", now=NOW + MINUTE)
    assert [(a.sitting, a.subject) for a in await kept(db) if a.ended_at] == [("s1", "p1")]


async def test_an_alert_that_is_over_is_ended_once(db: Database) -> None:
    assert not await end_alert(db, "disk_low", now=NOW)
    await raise_alert(db, "disk_low", "critical", now=NOW)
    assert await end_alert(db, "disk_low", now=NOW + MINUTE)
    assert not await end_alert(db, "disk_low", now=NOW + 2 * MINUTE)
    assert [a.ended_at for a in await kept(db)] == [NOW + MINUTE]
    assert await steps(db) == ["raised", "ended"]


async def test_what_comes_back_soon_is_counted_on_the_same_alert(db: Database) -> None:
    await raise_alert(db, "worker_down", "warning", now=NOW)
    await end_alert(db, "worker_down", now=NOW + MINUTE)
    assert await raise_alert(db, "worker_down", "critical", data={"n": "2"}, now=NOW + MINUTE + SAME_WITHIN)
    [alert] = await kept(db)
    assert (alert.count, alert.again_at, alert.ended_at) == (2, NOW + MINUTE + SAME_WITHIN, None)
    assert (alert.severity, alert.data) == ("critical", {"n": "2"})
    assert await steps(db) == ["raised", "ended", "again"]


async def test_what_comes_back_much_later_is_another(db: Database) -> None:
    await raise_alert(db, "worker_down", "critical", now=NOW)
    await end_alert(db, "worker_down", now=NOW)
    assert await raise_alert(db, "worker_down", "critical", now=NOW + SAME_WITHIN + MINUTE)
    assert [a.count for a in await kept(db)] == [1, 1]


async def test_the_database_itself_takes_no_second_one_that_is_on(db: Database) -> None:
    await raise_alert(db, "disk_low", "critical", now=NOW)
    with pytest.raises(IntegrityError):
        async with db.writer() as session:
            session.add(Alert(code="disk_low", severity="critical", sitting="", subject="", raised_at=NOW))


async def test_who_listens_is_told_of_changes_only(db: Database) -> None:
    told: list[str] = []
    on_change(db, lambda: told.append("changed"))
    await raise_alert(db, "disk_low", "critical", now=NOW)
    await raise_alert(db, "disk_low", "critical", now=NOW)
    await end_alert(db, "disk_low", now=NOW)
    await end_alert(db, "disk_low", now=NOW)
    assert told == ["changed", "changed"]
