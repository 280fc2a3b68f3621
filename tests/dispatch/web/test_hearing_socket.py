"""Who gets to a conference's WebSocket: what its handler says to everybody else, by the close codes of docs/protocol.md."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from dispatch.identity import invitations
from dispatch.sittings import sittings
from dispatch.store.tables import Participant
from rooms.protocol import SUBPROTOCOL
from rooms.sqlite_log import SqliteLog
from tests.dispatch.web.conftest import Person, Site

CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture
async def sitting(site: Site) -> str:
    return await site.booked(await site.signed_in("clerk"))


async def party_of(site: Site, sitting: str) -> Participant:
    return next(p for p in (await sittings.get(site.db, sitting)).participants if p.name == "刘芳")


async def invited(site: Site, sitting: str) -> Person:
    """The party has opened her link and not consented yet."""
    token = await invitations.link_of(site.db, (await party_of(site, sitting)).id)
    visitor = site.visitor()
    answer = await visitor.get(f"/join/{token}", headers={"User-Agent": CHROMIUM})
    assert answer.status == 303
    return visitor


async def consented(site: Site, sitting: str) -> Person:
    """She has consented too."""
    visitor = await invited(site, sitting)
    page = await visitor.page(f"/join/sitting/{sitting}/")
    words = re.search(r'name="sha256" value="(\w+)"', page)
    assert words is not None
    assert (await visitor.post(f"/join/sitting/{sitting}/consent", {"sha256": words[1], "agree": "yes"})).status == 303
    return visitor


async def connect(site: Site, person: Person, sitting: str, origin: str = "") -> ClientWebSocketResponse:
    origin = origin or str(site.server.make_url("")).rstrip("/")
    socket = await person.session.ws_connect(f"/ws/sittings/{sitting}", origin=origin, protocols=(SUBPROTOCOL,))
    await socket.send_json({"type": "hello"})
    return socket


async def told(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of that type."""
    async with asyncio.timeout(15):
        while True:
            message = json.loads(await socket.receive_str())
            if message["type"] == kind:
                return dict(message)


async def sent_away(socket: ClientWebSocketResponse) -> tuple[int, str]:
    """Code and reason of the farewell; the socket is closed with the same code behind it."""
    farewell = await told(socket, "farewell")
    async with asyncio.timeout(15):
        while (await socket.receive()).type is WSMsgType.TEXT:
            pass
    assert socket.close_code == farewell["code"]
    return farewell["code"], farewell["reason"]


async def test_whoever_has_opened_the_link_and_consented_waits(site: Site, sitting: str) -> None:
    socket = await connect(site, await consented(site, sitting), sitting)
    view = (await told(socket, "state"))["view"]
    assert (view["place"], [p["name"] for p in view["participants"]]) == ("waiting", ["刘芳"])


async def test_somebody_unknown_is_told_that_he_is(site: Site, sitting: str) -> None:
    assert await sent_away(await connect(site, site.visitor(), sitting)) == (4401, "unauthorised")


async def test_a_link_opens_its_own_sitting_and_no_other(site: Site, sitting: str) -> None:
    other = await site.booked(await site.signed_in("clerk"), start="16:00")
    person = await consented(site, sitting)
    assert await sent_away(await connect(site, person, other)) == (4401, "unauthorised")


async def test_staff_who_are_not_part_of_it_do_not_get_in(site: Site, sitting: str) -> None:
    assert await sent_away(await connect(site, await site.signed_in("prosecutor"), sitting)) == (4401, "unauthorised")


async def test_whoever_has_not_consented_is_led_to_the_notice(site: Site, sitting: str) -> None:
    assert await sent_away(await connect(site, await invited(site, sitting), sitting)) == (4403, "consent_missing")


async def test_a_page_of_another_site_gets_no_socket(site: Site, sitting: str) -> None:
    person = await consented(site, sitting)
    with pytest.raises(WSServerHandshakeError, match="403"):
        await connect(site, person, sitting, origin="https://elsewhere.example")


async def test_who_is_a_day_early_is_told_so(site: Site) -> None:
    tomorrow = await site.booked(await site.signed_in("clerk"), day="2026-11-26")
    assert await sent_away(await connect(site, await consented(site, tomorrow), tomorrow)) == (4404, "not_open")


async def test_where_there_is_no_sitting_there_is_no_hearing(site: Site, sitting: str) -> None:
    assert await sent_away(await connect(site, await consented(site, sitting), "nowhere")) == (4404, "sitting_unknown")


async def test_who_comes_to_a_cancelled_sitting_is_told_so(site: Site, sitting: str) -> None:
    person = await consented(site, sitting)
    clerk = await site.signed_in("clerk")
    await clerk.page(f"/sittings/{sitting}")
    assert (await clerk.post(f"/sittings/{sitting}/cancel", {"reason": "moved"})).status == 303
    assert await sent_away(await connect(site, person, sitting)) == (4411, "cancelled")


async def test_a_link_that_has_run_out_opens_nothing(site: Site, sitting: str) -> None:
    person = await consented(site, sitting)
    site.now += timedelta(days=30)
    assert await sent_away(await connect(site, person, sitting)) == (4401, "link_expired")


async def test_who_is_inside_when_his_link_is_revoked_is_put_out_and_unknown_afterwards(site: Site, sitting: str) -> None:
    person = await consented(site, sitting)
    socket = await connect(site, person, sitting)
    await told(socket, "state")
    party = await party_of(site, sitting)
    await invitations.revoke(site.db, party.id, now=site.now)
    await site.context.live.link_revoked(party.id, "withdrawn")
    assert await sent_away(socket) == (4410, "revoked")
    assert await sent_away(await connect(site, person, sitting)) == (4401, "unauthorised")


async def test_while_the_log_cannot_be_written_the_first_to_come_is_asked_to_come_back(site: Site, sitting: str, tmp_path: Path) -> None:
    """Not sent away for good: what opens the conference is refused, and the page tries again by itself."""
    person = await consented(site, sitting)
    log = site.context.hub._log
    assert isinstance(log, SqliteLog)
    await log._run(lambda: log._db.execute("PRAGMA busy_timeout=20").fetchone())
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await sent_away(await connect(site, person, sitting)) == (4503, "log_unwritable")
    other.execute("ROLLBACK")
    other.close()
    assert (await told(await connect(site, person, sitting), "state"))["view"]["place"] == "waiting"
