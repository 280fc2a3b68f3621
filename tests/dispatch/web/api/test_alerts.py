"""Alerts through the API: officers' and clerks' programs read, acknowledge and close them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.console.alerts.raising import end_alert, raise_alert
from dispatch.store.tables import AuditRow
from rooms.commands import RaiseAlert
from tests.dispatch.web.api.conftest import Program, Programs
from tests.dispatch.web.conftest import Site


@pytest.fixture
async def officer(program: Programs) -> Program:
    return await program("officer")


@pytest.fixture
async def disk(site: Site, officer: Program) -> str:
    """An alert of the site that waits; its id."""
    await raise_alert(site.db, "disk_low", "critical", subject="data", data={"free": "0.4"}, now=site.now)
    [alert] = (await officer.get("/alerts"))["items"]
    return str(alert["id"])


async def test_an_alert_is_read_in_words_acknowledged_and_closed_with_a_note(site: Site, officer: Program, disk: str) -> None:
    alert = await officer.get(f"/alerts/{disk}")
    assert (alert["code"], alert["severity"], alert["sitting"], alert["open"]) == ("disk_low", "critical", "", True)
    assert "0.4 GB" in alert["text"]
    assert alert["remedy"]
    status, seen, _ = await officer.ask("POST", f"/alerts/{disk}/acknowledge")
    assert (status, bool(seen["acknowledged_by"]), seen["open"]) == (200, True, True)
    status, closed, _ = await officer.ask("POST", f"/alerts/{disk}/close", {"note": " 已清理 "})
    assert (status, closed["note"], closed["open"], closed["closed_by"]) == (200, "已清理", False, seen["acknowledged_by"])
    assert [step["act"] for step in closed["steps"]] == ["raised", "acknowledged", "closed"]
    assert await officer.get(f"/alerts/{disk}") == closed
    status, refused, _ = await officer.ask("POST", f"/alerts/{disk}/close", {"note": "再关一次"})
    assert (status, refused["code"]) == (409, "alert_over")
    async with site.db.reader() as session:
        found = list(await session.scalars(select(AuditRow.action).where(AuditRow.action.like("alert%")).order_by(AuditRow.seq)))
    assert found == ["alert_acknowledged", "alert_closed"]


async def test_pages_go_from_the_newest_to_the_oldest_and_open_ones_alone_on_wish(site: Site, officer: Program) -> None:
    for number in range(5):
        await raise_alert(site.db, "disk_low", "warning", subject=str(number), now=site.now + timedelta(minutes=number // 2))
    every, cursor = [], ""
    while True:
        page = await officer.get(f"/alerts?limit=2&cursor={cursor}")
        every += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len({each["id"] for each in every}) == 5
    assert [each["raised_at"] for each in every] == sorted((each["raised_at"] for each in every), reverse=True)
    await end_alert(site.db, "disk_low", subject="4", now=site.now + timedelta(minutes=9))
    await officer.ask("POST", f"/alerts/{every[-1]['id']}/close", {"note": "误报"})
    waiting = (await officer.get("/alerts?show=open"))["items"]
    assert {each["id"] for each in waiting} == {each["id"] for each in every[1:-1]}
    assert len((await officer.get("/alerts?show=all"))["items"]) == 5


async def test_what_is_acknowledged_by_a_program_is_seen_in_the_conference(site: Site, officer: Program) -> None:
    sitting = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(sitting)
    await site.context.hub._act(sitting, RaiseAlert("disobedient_client", "critical", data={"name": "刘芳"}))
    await raise_alert(site.db, "disobedient_client", "critical", sitting=sitting, data={"name": "刘芳"}, now=site.now)
    [alert] = (await officer.get("/alerts"))["items"]
    assert (alert["sitting"], "刘芳" in alert["text"]) == (sitting, True)
    assert (await officer.ask("POST", f"/alerts/{alert['id']}/acknowledge"))[0] == 200
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    assert overview.alerts[0]["acknowledged_by"]


@pytest.mark.parametrize(("query", "field"), [("show=some", "show"), ("cursor=x", "cursor"), ("limit=0", "limit")])
async def test_a_wrong_choice_is_told_at_its_parameter(officer: Program, query: str, field: str) -> None:
    status, refused, _ = await officer.ask("GET", f"/alerts?{query}")
    assert (status, refused["errors"][0]["parameter"]) == (422, field)


@pytest.mark.parametrize("note", ["", "  ", "长" * 501])
async def test_a_note_that_says_nothing_or_too_much_closes_nothing(officer: Program, disk: str, note: str) -> None:
    status, refused, _ = await officer.ask("POST", f"/alerts/{disk}/close", {"note": note})
    assert (status, refused["errors"][0]["pointer"]) == (422, "#/note")
    assert (await officer.get(f"/alerts/{disk}"))["open"]


async def test_clerks_handle_them_too_and_others_do_not(program: Programs, disk: str) -> None:
    assert (await (await program("clerk")).ask("POST", f"/alerts/{disk}/acknowledge"))[0] == 200
    stranger = await program("administrator")
    for method, path in (("GET", "/alerts"), ("GET", f"/alerts/{disk}"), ("POST", f"/alerts/{disk}/acknowledge")):
        assert (await stranger.ask(method, path))[0] == 403


async def test_an_alert_that_is_not_there_is_unknown(officer: Program) -> None:
    assert (await officer.ask("GET", f"/alerts/{'0' * 16}"))[1]["code"] == "alert_unknown"
