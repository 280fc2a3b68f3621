"""The command centre's pages and lines: who may look, what changes without reloading, and what is written down."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from sqlalchemy import select

from dispatch.identity import sign_in
from dispatch.store.tables import AuditRow, Sitting
from rooms.commands import RaiseAlert
from rooms.protocol import SUBPROTOCOL, CloseCode
from tests.dispatch.web.conftest import Person, Site


async def line(site: Site, person: Person, query: str = "") -> ClientWebSocketResponse:
    return await person.session.ws_connect(f"/ws/console{query}", origin=str(site.server.make_url("")).rstrip("/"))


async def told(socket: ClientWebSocketResponse, *kinds: str) -> dict[str, Any]:
    """The next message of one of these types."""
    async with asyncio.timeout(15):
        while True:
            message = json.loads(await socket.receive_str())
            if message["type"] in kinds:
                return dict(message)


async def told_when(socket: ClientWebSocketResponse, condition: Any) -> dict[str, Any]:
    """The first sitting of the first message for which `condition` holds."""
    while True:
        message = await told(socket, "console", "changes")
        if message["sittings"] and condition(message["sittings"][0]):
            return dict(message["sittings"][0])


async def actions(site: Site) -> list[str]:
    async with site.db.reader() as session:
        return list(await session.scalars(select(AuditRow.action).order_by(AuditRow.seq)))


@pytest.fixture
async def sitting(site: Site) -> str:
    return await site.booked(await site.signed_in("clerk"))


async def test_the_board_lists_todays_sittings(site: Site, sitting: str) -> None:
    page = await (await site.signed_in("officer")).page("/console?language=en")
    [shown] = json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])["sittings"]
    assert (shown["id"], shown["title"], shown["room"]) == (sitting, "云河物业公司与刘芳物业服务合同纠纷案", "Remote Court 1")


@pytest.mark.parametrize("role", ["judge", "prosecutor", "administrator"])
async def test_who_has_no_business_in_the_command_centre_is_refused(site: Site, role: str) -> None:
    person = await site.signed_in(role)
    assert (await person.get("/console")).status == 403
    with pytest.raises(Exception, match="403"):
        await line(site, person)


async def test_a_page_of_another_site_gets_no_line(site: Site) -> None:
    officer = await site.signed_in("officer")
    with pytest.raises(Exception, match="403"):
        await officer.session.ws_connect("/ws/console", origin="https://elsewhere.example")


async def test_the_line_tells_of_a_change_without_being_asked(site: Site, sitting: str) -> None:
    socket = await line(site, await site.signed_in("officer"))
    assert (await told_when(socket, lambda _: True))["trouble"] == "none"
    await site.context.live.ensure_open(sitting)
    await site.context.hub._act(sitting, RaiseAlert("disobedient_client", "critical", data={"name": "刘芳"}))
    shown = await told_when(socket, lambda s: s["trouble"] == "critical")
    assert shown["tasks"][0]["code"] == "disobedient_client"
    await socket.close()


async def test_after_the_whole_only_what_changed_is_told_and_what_went_away(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    other = await site.booked(clerk, case_number="（2026）京0105民初32号", start="16:00", room_id=site.rooms[1].id)
    socket = await line(site, await site.signed_in("officer"))
    whole = await told(socket, "console")
    assert {told["id"] for told in whole["sittings"]} == {sitting, other}
    await site.context.live.ensure_open(sitting)
    changes = await told(socket, "changes")
    assert ([told["id"] for told in changes["sittings"]], changes["gone"], "rooms" in changes) == ([sitting], [], False)
    async with site.db.writer() as session:
        later = timedelta(days=2)
        moved = await session.get_one(Sitting, other)
        moved.starts_at, moved.ends_at = moved.starts_at + later, moved.ends_at + later
    assert (await told(socket, "changes"))["gone"] == [other]
    await socket.close()


async def test_who_has_a_sitting_in_charge_is_told_as_soon_as_he_takes_it(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    socket = await line(site, officer)
    assert (await told_when(socket, lambda s: s["id"] == sitting))["officer"] == ""
    await officer.page("/console/shift")
    assert (await officer.post("/console/shift/come", {"until": "18:00"})).status == 303
    await officer.page("/console/shift")
    assert (await officer.post(f"/console/shift/sittings/{sitting}", {"to": site.users["officer"].id})).status == 303
    assert (await told_when(socket, lambda s: s["officer"]))["officer"] == "Officer"
    await socket.close()


async def test_one_sitting_comes_with_its_people_and_its_log(site: Site, sitting: str) -> None:
    await site.context.live.ensure_open(sitting)
    socket = await line(site, await site.signed_in("officer"), f"?sitting={sitting}")
    shown = await told_when(socket, lambda _: True)
    assert {person["name"] for person in shown["participants"]} >= {"刘芳", "吴译"}
    assert (await told(socket, "log"))["lines"][0]["type"] == "conference_opened"
    await socket.close()


async def test_the_log_goes_on_where_it_broke_off(site: Site, sitting: str) -> None:
    await site.context.live.ensure_open(sitting)
    await site.context.hub._act(sitting, RaiseAlert("disobedient_client", "critical", data={"name": "刘芳"}))
    socket = await line(site, await site.signed_in("officer"), f"?sitting={sitting}&after=1")
    assert (await told(socket, "log"))["lines"][0]["seq"] == 2
    await socket.close()


async def test_who_talks_on_the_line_is_cut_off(site: Site) -> None:
    socket = await line(site, await site.signed_in("officer"))
    await socket.send_str("hello")
    async with asyncio.timeout(15):
        while (message := await socket.receive()).type == WSMsgType.TEXT:
            continue
    assert (message.type, socket.close_code) == (WSMsgType.CLOSE, CloseCode.MALFORMED)


async def test_the_line_ends_with_the_session(site: Site) -> None:
    socket = await line(site, await site.signed_in("officer"))
    await sign_in.revoke_sessions(site.db, site.users["officer"].id)
    async with asyncio.timeout(30):
        while (await socket.receive()).type == WSMsgType.TEXT:
            continue
    assert socket.close_code == CloseCode.UNAUTHORISED


async def test_an_alert_is_acknowledged_by_name(site: Site, sitting: str) -> None:
    await site.context.live.ensure_open(sitting)
    await site.context.hub._act(sitting, RaiseAlert("disobedient_client", "critical", data={"name": "刘芳"}))
    officer = await site.signed_in("officer")
    await officer.page("/console")
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    answer = await officer.send(f"/console/sittings/{sitting}/acknowledge", {"alert": overview.alerts[0]["id"]})
    assert answer.status == 200
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    assert overview.alerts[0]["acknowledged_by"] == site.users["officer"].name


async def test_an_alert_that_is_over_cannot_be_acknowledged(site: Site, sitting: str) -> None:
    await site.context.live.ensure_open(sitting)
    officer = await site.signed_in("officer")
    await officer.page("/console")
    answer = await officer.send(f"/console/sittings/{sitting}/acknowledge", {"alert": "gone"})
    assert (answer.status, (await answer.json())["code"]) == (409, "alert_unknown")


async def test_an_acknowledgement_without_the_token_is_refused(site: Site, sitting: str) -> None:
    officer = await site.signed_in("officer")
    answer = await officer.session.post(f"/console/sittings/{sitting}/acknowledge", json={"alert": "x"})
    assert answer.status == 403


async def test_a_silent_watch_is_listed_logged_and_audited(site: Site, sitting: str) -> None:
    await site.context.live.ensure_open(sitting)
    officer = await site.signed_in("officer")
    socket = await officer.session.ws_connect(
        f"/ws/console/sittings/{sitting}?view=1", origin=str(site.server.make_url("")).rstrip("/"), protocols=(SUBPROTOCOL,)
    )
    await socket.send_json({"type": "hello"})
    assert (await told(socket, "state"))["view"]["place"] == "observing"
    overview = site.context.hub.overview(sitting)
    assert overview is not None
    assert list(overview.watchers) == [site.users["officer"].name]
    await socket.send_json({"type": "leave"})
    async with asyncio.timeout(15):
        while (await socket.receive()).type == WSMsgType.TEXT:
            continue
        while "watch_ended" not in (kept := await actions(site)):
            await asyncio.sleep(0.02)
    assert "watch" in kept
    assert "observer_joined" in [row.type for row in await site.context.hub.rows(sitting)]


async def test_a_clerk_reads_the_console_but_does_not_watch(site: Site, sitting: str) -> None:
    clerk = await site.signed_in("clerk")
    assert "data-watch" not in await clerk.page(f"/console/sittings/{sitting}")
    with pytest.raises(Exception, match="403"):
        await clerk.session.ws_connect(f"/ws/console/sittings/{sitting}", origin=str(site.server.make_url("")).rstrip("/"))


async def test_an_unknown_sitting_has_no_page(site: Site) -> None:
    assert (await (await site.signed_in("officer")).get("/console/sittings/none")).status == 404


async def test_how_well_people_were_connected_is_told_to_the_command_centre_alone(site: Site, sitting: str) -> None:
    address = f"/console/sittings/{sitting}/quality"
    found = json.loads(await (await site.signed_in("officer")).page(address))
    assert (found["people"], found["span_us"]) == ({}, 900_000_000), "nobody has come yet"
    assert (await (await site.signed_in("judge")).get(address)).status == 403
