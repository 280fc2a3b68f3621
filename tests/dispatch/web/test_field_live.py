"""Live video from a phone, over the site's own interface: who may begin it and for what, how it gets onto the wall, and what is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse
from sqlalchemy import select

from dispatch.console.field import teams
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.store.tables import AuditRow
from dispatch.web.access import ALL_ROLES, FIELD
from rooms.feeds.feeds import id_of
from rooms.protocol import SUBPROTOCOL
from tests.dispatch.web.conftest import NOW, Person, Site
from tests.dispatch.web.test_field import Out


@pytest.fixture
async def out(site: Site) -> Out:
    team = await teams.add(site.db, TeamDraft("望河中队", "Wanghe team", members=(Member(site.users["field"].id),)), "test", NOW)
    officer, phone = await site.signed_in("officer"), await site.signed_in("field")
    await phone.page("/field")
    return Out(site, team.id, officer, phone)


async def line(person: Person, path: str) -> ClientWebSocketResponse:
    origin = str(person.session._base_url).rstrip("/")
    return await person.session.ws_connect(path, origin=origin, protocols=(SUBPROTOCOL,))


async def hear(socket: ClientWebSocketResponse, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            message: dict[str, Any] = json.loads(await socket.receive_str())
            if wanted(message):
                return message


async def begun(out: Out, task: str = "") -> tuple[str, ClientWebSocketResponse]:
    answer = await out.phone.send("/field/live", {"task": task})
    assert answer.status == 200, await answer.text()
    feed = (await answer.json())["feed"]
    socket = await line(out.phone, "/ws/field/live?view=1")
    await socket.send_json({"type": "hello"})
    await hear(socket, lambda m: m["type"] == "state" and m["view"]["place"] == "inside")
    return feed, socket


async def kept(out: Out, *actions: str) -> list[tuple[str, str, str]]:
    async with out.site.db.reader() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.seq))
        return [(row.action, row.subject, str(row.detail.get("cause", ""))) for row in rows]


async def refused(person: Person, body: dict[str, Any]) -> tuple[int, str]:
    answer = await person.send("/field/live", body)
    return answer.status, (await answer.json()).get("code", "")


async def test_a_task_is_shown_live_on_the_wall_in_one_click_and_everything_is_kept(out: Out) -> None:
    task = await out.task()
    feed, socket = await begun(out, task)
    listed = (await (await out.officer.session.get("/console/feeds")).json())["feeds"]
    assert [(one["id"], one["team"], one["task"], one["connected"]) for one in listed] == [(feed, "望河中队", task, True)]
    await out.officer.page("/console/wall")
    answer = await out.officer.send("/console/wall/own/act", {"act": "place", "window": 0, "source": {"sitting": feed, "participant": ""}})
    assert answer.status == 200
    wall = await line(out.officer, "/ws/console/wall/own?console=1")
    shown = await hear(wall, lambda m: m["type"] == "wall" and m["sittings"])
    assert [(one["id"], one["kind"], one["going"], one["observable"]) for one in shown["sittings"]] == [(feed, "field_feed", True, True)]
    assert "查看北河沿排污口" in shown["sittings"][0]["case_number"]
    sources = await hear(wall, lambda m: m["type"] == "sources")
    assert feed in [one["id"] for one in sources["sources"]]
    watch = await line(out.officer, f"/ws/console/wall/own/sittings/{feed}?view=w")
    await watch.send_json({"type": "hello"})
    await hear(watch, lambda m: m["type"] == "state" and m["view"]["rights"]["see"])
    assert (await hear(socket, lambda m: m["type"] == "state" and m["view"]["watching"] == 1))["view"]["watchers"]
    await socket.send_json({"type": "leave"})
    assert (await hear(watch, lambda m: m["type"] == "farewell"))["reason"] == "feed_over"
    await hear(wall, lambda m: m["type"] == "wall" and m["sittings"] == [])
    async with asyncio.timeout(15):
        while len(rows := await kept(out, "feed_started", "feed_ended", "watch", "watch_ended")) < 4:
            await asyncio.sleep(0.05)
    named = out.site.users["field"].name
    assert [(action, cause) for action, _, cause in rows if action.startswith("feed")] == [("feed_started", ""), ("feed_ended", "stopped")]
    assert {(action, subject) for action, subject, _ in rows if action.startswith("watch")} == {("watch", named), ("watch_ended", named)}
    for each in (socket, wall, watch):
        await each.close()


async def test_only_for_a_task_of_ones_own_that_is_not_over_and_by_who_is_in_a_team(out: Out) -> None:
    assert await refused(out.phone, {"task": "nowhere"}) == (404, "task_unknown")
    task = await out.task()
    assert await out.decided(task, "cancel", text="不需要了") == 303
    assert await refused(out.phone, {"task": task}) == (409, "feed_task_over")
    await teams.change(out.site.db, out.team, TeamDraft("望河中队", "Wanghe team"), "test", NOW)
    assert await refused(out.phone, {}) == (409, "feed_no_team")
    assert await kept(out, "feed_started") == []


async def test_before_it_has_begun_and_after_it_ended_the_phone_has_no_line(out: Out) -> None:
    early = await line(out.phone, "/ws/field/live?view=1")
    assert (await hear(early, lambda m: m["type"] == "farewell"))["code"] == 4404
    _, socket = await begun(out)
    await out.site.context.hub.feeds.end(id_of(out.site.users["field"].id), "stopped")
    assert (await hear(socket, lambda m: m["type"] == "farewell"))["reason"] == "feed_over"


async def test_nobody_else_begins_it_and_nobody_else_lists_it(out: Out) -> None:
    for role in (role for role in ALL_ROLES if role != FIELD):
        assert (await (await out.site.signed_in(role)).send("/field/live", {})).status == 403, role
    for role, status in (("field", 403), ("judge", 403), ("clerk", 200), ("officer", 200)):
        assert (await (await out.site.signed_in(role)).session.get("/console/feeds")).status == status, role
    stranger = await out.site.signed_in("clerk")
    answer = await stranger.session.get(f"/ws/console/wall/own/sittings/{id_of(out.site.users['field'].id)}")
    assert answer.status == 403
