"""Alerts as tasks: from the conference to the officer's page, handled there, told back, and over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select

from dispatch.console.alerts import handling
from dispatch.console.alerts.keeper import AlertKeeper
from dispatch.console.alerts.raising import end_alert, raise_alert
from dispatch.store.database import Database
from dispatch.store.tables import AuditRow
from dispatch.web.console.feed import feed_of
from rooms.commands import ClearAlert, RaiseAlert
from tests.dispatch.web.conftest import Person, Site
from tests.rooms.in_memory import MemoryEngine

LOST = RaiseAlert("disobedient_client", "critical", data={"name": "刘芳"})


@pytest.fixture
async def sitting(site: Site) -> str:
    found = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(found)
    return found


@pytest.fixture
def keeper(site: Site) -> AlertKeeper:
    return AlertKeeper(site.db, site.context.hub, site.context.settings, site.context.clock)


async def looked(keeper: AlertKeeper) -> None:
    """It notes what goes on, and what it noted."""
    await keeper.look()
    await keeper.look()


async def shown(site: Site, sitting: str, language: str = "en") -> list[dict[str, Any]]:
    told = (await feed_of(site.context).message(language))["sittings"]
    return [task for each in told if each["id"] == sitting for task in each["tasks"]]


async def officer_of(site: Site) -> Person:
    officer = await site.signed_in("officer")
    await officer.page("/console")
    return officer


async def test_a_conferences_alert_is_one_row_that_ends_with_it(site: Site, sitting: str, keeper: AlertKeeper) -> None:
    await site.context.hub._act(sitting, LOST)
    await looked(keeper)
    await looked(keeper)
    [alert] = await handling.on(site.db)
    assert (alert.sitting, alert.code, alert.severity) == (sitting, "disobedient_client", "critical")
    [task] = await shown(site, sitting)
    assert (task["alert"], task["id"]) == (alert.id, "disobedient_client")
    await site.context.hub._act(sitting, ClearAlert("disobedient_client"))
    await looked(keeper)
    assert await handling.on(site.db) == []
    assert await shown(site, sitting) == []


async def test_an_alert_that_comes_back_is_counted_on_the_same_task(site: Site, sitting: str, keeper: AlertKeeper) -> None:
    for _ in range(3):
        await site.context.hub._act(sitting, LOST)
        await looked(keeper)
        await site.context.hub._act(sitting, ClearAlert("disobedient_client"))
        await looked(keeper)
    assert [(a.count, a.code) for a in await handling.listed(site.db)] == [(3, "disobedient_client")]


async def test_who_takes_an_alert_is_shown_and_the_conference_is_told_that_it_was_seen(
    site: Site, sitting: str, keeper: AlertKeeper
) -> None:
    await site.context.hub._act(sitting, LOST)
    await looked(keeper)
    [alert] = await handling.on(site.db)
    officer = await officer_of(site)
    assert (await officer.send(f"/console/alerts/{alert.id}/take", {})).status == 200
    name = site.users["officer"].name
    [task] = await shown(site, sitting)
    assert (task["owner"], task["acknowledged_by"]) == (name, name)
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    assert overview.alerts[0]["acknowledged_by"] == name
    history = await (await officer.get(f"/console/alerts/{alert.id}/history")).json()
    assert [step["by"] for step in history["steps"]] == ["", name]


async def test_what_the_chair_has_seen_is_seen_here(site: Site, sitting: str, keeper: AlertKeeper) -> None:
    await site.context.hub._act(sitting, LOST)
    await looked(keeper)
    await site.context.hub.acknowledge(sitting, "disobedient_client", "林静姝")
    await looked(keeper)
    assert [a.acknowledged_by for a in await handling.on(site.db)] == ["林静姝"]


async def test_a_closed_alert_is_gone_from_the_board_with_its_note_kept_and_does_not_come_back(
    site: Site, sitting: str, keeper: AlertKeeper
) -> None:
    await site.context.hub._act(sitting, LOST)
    await looked(keeper)
    [alert] = await handling.on(site.db)
    officer = await officer_of(site)
    refused = await officer.send(f"/console/alerts/{alert.id}/close", {"note": "  "})
    assert (refused.status, (await refused.json())["errors"][0]["field"]) == (422, "note")
    assert (await officer.send(f"/console/alerts/{alert.id}/close", {"note": "已电话处理"})).status == 200
    await looked(keeper)
    assert await shown(site, sitting) == []
    assert [(a.note, a.count) for a in await handling.listed(site.db)] == [("已电话处理", 1)]
    assert (await officer.send(f"/console/alerts/{alert.id}/take", {})).status == 409
    async with site.db.reader() as session:
        assert "alert_closed" in list(await session.scalars(select(AuditRow.action)))


@pytest.mark.parametrize("role", ["judge", "prosecutor", "administrator"])
async def test_others_handle_no_alerts(site: Site, role: str) -> None:
    await raise_alert(site.db, "disk_low", "critical", now=site.now)
    [alert] = await handling.on(site.db)
    person = await site.signed_in(role)
    await person.get("/")
    assert (await person.send(f"/console/alerts/{alert.id}/acknowledge", {})).status == 403
    assert (await person.get(f"/console/alerts/{alert.id}/history")).status == 403


async def test_an_alert_that_is_not_there_is_unknown(site: Site) -> None:
    officer = await officer_of(site)
    assert (await officer.send("/console/alerts/none/take", {})).status == 404
    assert (await officer.get("/console/alerts/none/history")).status == 404


async def test_an_alert_of_the_site_is_on_the_board_until_it_is_over(site: Site) -> None:
    await raise_alert(site.db, "disk_low", "critical", subject="data", data={"free": "0.4", "part": "data"}, now=site.now)
    told = (await feed_of(site.context).message("en"))["alerts"]
    [task] = told
    assert (task["code"], task["text"], bool(task["remedy"])) == ("disk_low", "The data disk has only 0.4 GB left", True)
    await end_alert(site.db, "disk_low", subject="data", now=site.now)
    assert (await feed_of(site.context).message("en"))["alerts"] == []


async def test_a_worker_that_stays_away_is_told_of_once_and_no_more_when_it_is_back(site: Site, keeper: AlertKeeper) -> None:
    engine = cast("MemoryEngine", site.context.hub._engine)
    await keeper.look()
    assert [a.code for a in await handling.on(site.db) if a.code == "worker_down"] == []
    engine.lose()
    await keeper.look()
    assert await handling.on(site.db) == [], "it is given time to come back"
    site.now += timedelta(seconds=20)
    await looked(keeper)
    await looked(keeper)
    assert [(a.code, a.subject, a.count) for a in await handling.on(site.db)] == [("worker_down", "engine", 1)]
    engine.up()
    await looked(keeper)
    assert await handling.on(site.db) == []


async def test_one_of_several_media_workers_that_stays_away_is_named_and_a_drained_one_is_not(site: Site, keeper: AlertKeeper) -> None:
    def workers(**connected: bool) -> None:
        told = {name.replace("_", "-"): {"connected": on, "draining": name == "engine_3"} for name, on in connected.items()}
        site.context.hub._engine_workers = told

    workers(engine=True, engine_2=False, engine_3=False)
    await keeper.look()
    site.now += timedelta(seconds=20)
    workers(engine=True, engine_2=False, engine_3=False)
    await looked(keeper)
    await looked(keeper)
    found = [(a.code, a.subject, a.severity, a.count) for a in await handling.on(site.db)]
    assert found == [("media_worker_down", "engine-2", "warning", 1)]
    workers(engine=True, engine_2=True, engine_3=False)
    await looked(keeper)
    assert await handling.on(site.db) == []


async def test_what_another_process_raises_is_on_an_open_board_without_anything_else_happening(site: Site, keeper: AlertKeeper) -> None:
    another = await Database.connect(site.db.url)
    feed = feed_of(site.context)
    assert (await feed.message("en"))["alerts"] == []
    await keeper.look()
    with feed.listen() as board:
        await raise_alert(another, "disk_low", "critical", subject="store", data={"free": "0.4"}, now=site.now)
        await keeper.look()
        assert await board.wait(5)
    await another.close()
    assert [task["code"] for task in (await feed.message("en"))["alerts"]] == ["disk_low"]


async def test_what_nobody_sees_in_time_is_escalated_once(site: Site, keeper: AlertKeeper) -> None:
    await raise_alert(site.db, "recording_spoilt", "critical", subject="x", now=site.now)
    site.now += timedelta(minutes=4)
    await keeper.look()
    assert [a.escalated_at for a in await handling.on(site.db)] == [None]
    site.now += timedelta(minutes=2)
    await keeper.look()
    escalated = site.now
    site.now += timedelta(minutes=9)
    await keeper.look()
    [alert] = await handling.on(site.db)
    assert alert.escalated_at == escalated
    assert [step.act for step in await handling.history(site.db, alert.id)] == ["raised", "escalated"]
