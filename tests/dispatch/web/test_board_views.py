"""Saved views of the board: everybody's own, replaced by name, one of them opens the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.console.views import LONGEST_NAME, MOST
from dispatch.store.tables import AuditRow
from tests.dispatch.web.conftest import Person, Site

INTERROGATIONS: dict[str, Any] = {"show": "session", "kind": "remote_interrogation", "alerts": True}


@pytest.fixture
async def officer(site: Site) -> Person:
    found = await site.signed_in("officer")
    await found.page("/console")
    return found


async def data(person: Person) -> dict[str, Any]:
    """What the board is given."""
    page = await person.page("/console")
    found: dict[str, Any] = json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])
    return found


async def save(person: Person, name: str, opens: bool = False, **shown: Any) -> list[dict[str, Any]]:
    answer = await person.send("/console/views", {"name": name, "shown": shown, "opens": opens})
    assert answer.status == 200, await answer.text()
    views: list[dict[str, Any]] = (await answer.json())["views"]
    return views


def opening(views: list[dict[str, Any]]) -> set[str]:
    return {view["name"] for view in views if view["opens"]}


async def test_a_view_is_saved_with_all_that_it_shows_and_is_there_on_the_next_computer(site: Site, officer: Person) -> None:
    await save(officer, " 提讯 ", opens=True, **INTERROGATIONS)
    elsewhere = await site.signed_in("officer")
    [view] = (await data(elsewhere))["views"]
    whole = {"show": "session", "alerts": True, "mine": False, "kind": "remote_interrogation", "room": "", "officer": "", "text": ""}
    assert (view["name"], view["opens"], view["shown"]) == ("提讯", True, whole)
    async with site.db.reader() as session:
        rows = list(await session.scalars(select(AuditRow.subject).where(AuditRow.action == "view_saved")))
    assert rows == ["提讯"]


async def test_saved_again_under_its_name_it_is_replaced(officer: Person) -> None:
    await save(officer, "提讯", **INTERROGATIONS)
    [view] = await save(officer, "提讯", mine=True)
    assert (view["shown"]["mine"], view["shown"]["kind"]) == (True, "")


async def test_one_view_at_most_opens_the_page_and_it_can_be_none(officer: Person) -> None:
    await save(officer, "甲", opens=True)
    views = await save(officer, "乙", opens=True, mine=True)
    assert opening(views) == {"乙"}
    first = next(view["id"] for view in views if view["name"] == "甲")
    for now in ({"甲"}, set()):
        answer = await officer.send(f"/console/views/{first}/opens", {})
        assert opening((await answer.json())["views"]) == now


async def test_nobody_sees_changes_or_removes_anothers_views(site: Site, officer: Person) -> None:
    [view] = await save(officer, "提讯")
    clerk = await site.signed_in("clerk")
    assert (await data(clerk))["views"] == []
    for act in ("opens", "remove"):
        answer = await clerk.send(f"/console/views/{view['id']}/{act}", {})
        assert answer.status == 404
    assert len((await data(officer))["views"]) == 1
    assert (await (await officer.send(f"/console/views/{view['id']}/remove", {})).json())["views"] == []


@pytest.mark.parametrize("name", ["", "  ", "长" * (LONGEST_NAME + 1)])
async def test_a_name_that_is_none_is_refused_at_its_field(officer: Person, name: str) -> None:
    answer = await officer.send("/console/views", {"name": name, "shown": {}})
    assert answer.status == 422
    assert [error["field"] for error in (await answer.json())["errors"]] == ["name"]


@pytest.mark.parametrize("shown", [{"show": "tomorrow"}, {"mine": "yes"}, {"text": "长" * 101}, {"colour": "red"}, None])
async def test_what_is_no_view_is_not_saved(officer: Person, shown: Any) -> None:
    assert (await officer.send("/console/views", {"name": "提讯", "shown": shown})).status == 400


async def test_there_is_an_end_to_how_many_somebody_has(officer: Person) -> None:
    for number in range(MOST):
        await save(officer, f"视图{number}")
    answer = await officer.send("/console/views", {"name": "又一个", "shown": {}})
    assert answer.status == 422
    await save(officer, "视图3", mine=True)


async def test_a_judge_has_no_board(site: Site) -> None:
    judge = await site.signed_in("judge")
    assert (await judge.send("/console/views", {"name": "提讯", "shown": {}})).status == 403
