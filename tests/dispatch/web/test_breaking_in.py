"""An officer breaks in over the site's own interface: by rank, at his own watch, with a reason; what is done and refused is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse
from sqlalchemy import select, update

from dispatch.store.tables import AuditRow, User
from rooms.protocol import SUBPROTOCOL
from tests.dispatch.web.conftest import Person, Site


@pytest.fixture
async def sitting(site: Site) -> str:
    sitting = await site.booked(await site.signed_in("clerk"))
    await site.context.live.ensure_open(sitting)
    return sitting


async def officer(site: Site, rank: str) -> Person:
    async with site.db.writer() as session:
        await session.execute(update(User).where(User.role == "officer").values(rank=rank))
    return await site.signed_in("officer")


async def watch(site: Site, person: Person, sitting: str) -> ClientWebSocketResponse:
    origin = str(site.server.make_url("")).rstrip("/")
    socket = await person.session.ws_connect(f"/ws/console/sittings/{sitting}?view=1", origin=origin, protocols=(SUBPROTOCOL,))
    await socket.send_json({"type": "hello"})
    await sees(socket, lambda view: view["place"] == "observing")
    return socket


async def sees(socket: ClientWebSocketResponse, condition: Any) -> None:
    async with asyncio.timeout(15):
        while True:
            message = json.loads(await socket.receive_str())
            if message["type"] == "state" and condition(message["view"]):
                return


async def kept(site: Site) -> list[tuple[str, str, str]]:
    """What the audit has of stepping in: action, act and code."""
    async with site.db.reader() as session:
        wanted = select(AuditRow).where(AuditRow.action.in_(("stepped_in", "stepping_in_refused")))
        rows = await session.scalars(wanted.order_by(AuditRow.seq))
        found = [(row.action, row.detail) for row in rows]
    details = [(action, json.loads(detail) if isinstance(detail, str) else detail) for action, detail in found]
    return [(action, detail["act"], detail.get("code", "")) for action, detail in details]


async def test_a_shift_leader_breaks_in_where_he_watches_and_ends_it(site: Site, sitting: str) -> None:
    person = await officer(site, "lead")
    assert 'data-may="yes"' in await person.page(f"/console/sittings/{sitting}")
    path = f"/console/sittings/{sitting}/break-in"
    refused = await person.send(f"{path}?view=1", {"reason": "设备故障说明"})
    assert (refused.status, (await refused.json())["code"]) == (409, "not_watching")
    socket = await watch(site, person, sitting)
    unsaid = await person.send(f"{path}?view=1", {"reason": "  "})
    assert unsaid.status == 422
    assert (await person.send(f"{path}?view=1", {"reason": "设备故障说明"})).status == 200
    await sees(socket, lambda view: view["break_in"] and view["break_in"]["you"] and view["break_in"]["office"] == "lead")
    assert (await person.send(f"{path}/end", {})).status == 200
    await sees(socket, lambda view: view["break_in"] is None)
    assert await kept(site) == [
        ("stepping_in_refused", "break_in", "not_watching"),
        ("stepped_in", "break_in", ""),
        ("stepped_in", "break_in_end", ""),
    ]
    assert [row.type for row in await site.context.hub.rows(sitting)][-2:] == ["broken_in", "break_in_ended"]
    await socket.close()


async def test_a_watch_officer_does_not_and_nobody_else_may_ask(site: Site, sitting: str) -> None:
    person = await officer(site, "watch")
    assert 'data-may="no"' in await person.page(f"/console/sittings/{sitting}")
    socket = await watch(site, person, sitting)
    refused = await person.send(f"/console/sittings/{sitting}/break-in?view=1", {"reason": "试试"})
    assert (refused.status, (await refused.json())["code"]) == (403, "rank_lead")
    assert await kept(site) == [("stepping_in_refused", "break_in", "rank_lead")]
    clerk = await site.signed_in("clerk")
    for path in ("break-in?view=1", "break-in/end"):
        assert (await clerk.send(f"/console/sittings/{sitting}/{path}", {"reason": "试试"})).status == 403
    await socket.close()
