"""Presence: who gives no sign of life is lost and keeps his place; who does is there, whatever the sign."""

from __future__ import annotations

import asyncio

import pytest

from rooms.protocol import CloseCode
from tests.rooms.courthouse import Courthouse, person, until


@pytest.mark.usefixtures("brisk")
async def test_a_browser_without_pongs_is_lost_and_comes_back_to_its_place(house: Courthouse) -> None:
    pages = await house.opened("li")
    silent = await house.enter("zhang", pongs=False)
    await pages["judge"].send("admit", participants=["zhang"])
    await pages["judge"].send("mute", participant="zhang", source="camera")
    seen = await pages["judge"].sees(lambda view: person(view, "zhang").get("presence") == "lost")
    assert [(a["code"], a["data"]["name"]) for a in seen["alerts"]] == [("participant_lost", "张某")]
    assert (person(seen, "zhang")["lost_at_us"], person(seen, "li")["presence"]) == (house.clock.now_us, "present")
    assert await silent.sent_away() == (CloseCode.RESTARTING, "reconnect")
    await house.routed(lambda routing: "e-zhang" not in routing.publish)
    assert (await pages["li"].sees(lambda view: person(view, "zhang").get("presence") == "lost"))["alerts"] == []

    back = await house.enter("zhang")
    assert back.view["place"] == "inside"
    assert person(back.view, "zhang")["sources"]["camera"]["muted_by_chair"]
    seen = await pages["judge"].sees(lambda view: person(view, "zhang")["presence"] == "present")
    assert seen["alerts"] == []
    await house.routed(lambda routing: "e-zhang" in routing.publish)
    assert house.types()[-4:] == ["endpoint_lost", "alert_raised", "alert_cleared", "endpoint_resumed"]


@pytest.mark.usefixtures("brisk")
async def test_messages_and_pings_of_its_own_are_signs_of_life_too(house: Courthouse) -> None:
    await house.opened()
    page = await house.enter("clerk", pongs=False)
    for number in range(10):
        await asyncio.sleep(0.2)
        await (page.socket.ping() if number % 2 else page.send("quality", rtt_ms=1, lost_percent=0))
    assert "endpoint_lost" not in house.types()


@pytest.mark.usefixtures("brisk")
async def test_a_connection_that_breaks_and_is_made_again_in_time_leaves_no_trace(house: Courthouse) -> None:
    pages = await house.opened("zhang")
    written = house.types()
    await pages["zhang"].vanish()
    await until(lambda: "e-zhang" not in house.live().connections)
    back = await house.enter("zhang")
    assert back.view["place"] == "inside"
    assert house.types() == written


@pytest.mark.usefixtures("brisk")
async def test_every_heartbeat_tells_the_time_and_nobody_is_lost_who_answers(house: Courthouse) -> None:
    page = (await house.opened())["judge"]
    assert (await page.told("welcome"))["heartbeat_s"] == 0.2
    house.clock.forward(5)
    beat = await page.told("heartbeat", count=10)
    assert beat["now_us"] == house.clock.now_us
    assert "endpoint_lost" not in house.types()


@pytest.mark.usefixtures("brisk")
async def test_an_officer_who_vanishes_watches_no_more(house: Courthouse) -> None:
    pages = await house.opened()
    officer = await house.watch()
    await pages["judge"].sees(lambda view: view["watching"] == 1)
    await officer.vanish()
    assert (await pages["judge"].sees(lambda view: view["watching"] == 0))["watchers"] == []
    assert "e-officer" not in (await house.routed(lambda routing: "e-officer" not in routing.watch)).watch
