"""How people are connected: chair, command centre and they themselves see one truth, on a path that loses, is cut and mends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court, Held
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE, Person
from tests.browser.site import Site
from tests.relay import Relay

pytestmark = pytest.mark.timeout(280)
NOTICED_S = 60.0
"""A step of five seconds, ten seconds without consent, and much for a busy machine."""


class Hall:
    """A chair, and a party behind a relay that the test can make lose or swallow everything."""

    def __init__(self, site: Site, held: Held, relay: Relay, chair: Seat, party: Seat, officer: Person) -> None:
        self.site, self.held, self.relay, self.chair, self.party, self.officer = site, held, relay, chair, party, officer

    async def network(self) -> dict[str, Any]:
        """The party's connection as the chair sees it."""
        return dict((await self.chair.participant(self.party.name))["network"] or {})

    async def is_graded(self, *scores: str, way: str = "score") -> None:
        """Until the chair, the party's own page and the command centre call it so."""

        async def by_the_chair() -> bool:
            return (await self.network()).get(way) in scores

        async def by_himself() -> bool:
            own = (await self.party.participant(self.party.name))["network"] or {}
            return own.get(way) in scores

        await eventually(by_the_chair, f"the chair sees {way} in {scores}", NOTICED_S)
        await eventually(by_himself, f"he himself sees {way} in {scores}", NOTICED_S)

    async def points(self) -> dict[str, Any]:
        """What the command centre's graphs are made of, of the party."""
        answer = await self.officer.page.request.get(f"{self.site.url}/console/sittings/{self.held.id}/quality")
        participant = (await self.chair.participant(self.party.name))["id"]
        return dict(json.loads(await answer.body())["people"].get(participant, {}))


@pytest.fixture
async def hall(site: Site, person: PersonFactory) -> AsyncIterator[Hall]:
    court = await Court.open(site)
    held = await court.sitting((("李明", "party"),))
    account = await court.person("officer")
    async with Relay(site.udp_port, seed=11) as relay:
        judge, li, officer = await person(0), await person(1), await person(2)
        await li.speaks_through(relay.port)
        chair = await take_the_chair(judge, site, held)
        party = await to_the_waiting_room(li, held, "李明")
        await chair.admit("李明")
        await party.until_inside()
        await li.page.locator('[data-part="entrance"] button').first.click()
        await officer.sign_in(site.url, account.sign_in_name, account.password)
        await chair.sees("李明", 60)
        await party.sees(held.chair.user.name, 60)
        yield Hall(site, held, relay, chair, party, officer)
    await court.close()


async def test_a_good_path_is_told_with_all_its_figures_and_read_without_a_mouse(hall: Hall) -> None:
    page = hall.officer.page
    await hall.is_graded("good", "fair")
    await page.goto(f"{hall.site.url}/console/sittings/{hall.held.id}")
    await page.click(".pane-link")
    section = page.locator("section.connection", has_text="李明")
    for way in ("上行", "下行"):
        told = section.locator(".connection-now li", has_text=way)
        for part in ("丢包", "往返", "抖动", "kbit/s", "×", "帧", "VP8", "直连（UDP）"):
            await expect(told).to_contain_text(part, timeout=60_000)

    async def has_history() -> bool:
        return int(await section.locator("[data-graphs]").get_attribute("aria-valuemax") or 0) >= 2

    await eventually(has_history, "there are three points", NOTICED_S)
    graphs = section.locator("[data-graphs]")
    await graphs.focus()
    await page.keyboard.press("Home")
    assert (await graphs.get_attribute("aria-valuenow"), await section.locator(".graph-mark").count()) == ("0", 4)
    first = await graphs.get_attribute("aria-valuetext")
    await page.keyboard.press("ArrowRight")
    second = await graphs.get_attribute("aria-valuetext")
    assert first != second
    assert "上行：" in str(second)
    await section.locator("summary").click()
    assert await section.locator("tbody[data-rows] tr").count() >= 1
    assert await hall.officer.accessibility_faults() == []
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert hall.officer.errors == hall.chair.person.errors == hall.party.person.errors == []


async def test_what_is_lost_on_the_way_up_is_told_by_the_court_and_what_is_lost_on_the_way_down_by_the_browser(hall: Hall) -> None:
    await hall.is_graded("good", "fair")
    hall.relay.up_drop = 0.3
    await hall.is_graded("poor", "bad", way="up")

    async def lost() -> bool:
        return ((await hall.network())["lost_percent"] or 0) > 15

    await eventually(lost, "the engine's loss is told", NOTICED_S)
    await expect(hall.party.person.page.locator('[data-part="banners"]')).to_contain_text("连接较弱", timeout=60_000)
    hall.relay.up_drop = 0.0
    await hall.is_graded("good", "fair", way="up")
    hall.relay.down_drop = 0.3
    await hall.is_graded("poor", "bad", way="down")

    async def in_the_graph() -> bool:
        return max(point[2] or 0 for point in (await hall.points())["down"]["points"]) > 2  # what repair did not bring back

    await eventually(in_the_graph, "the browser's loss is in the graph", NOTICED_S)


async def test_while_nothing_gets_through_nobody_calls_it_good(hall: Hall) -> None:
    await hall.is_graded("good", "fair")
    hall.relay.everything = True
    hall.relay.up_drop = hall.relay.down_drop = 1.0
    await hall.is_graded("bad")

    async def blocked() -> bool:
        return bool((await hall.network())["blocked"])

    await eventually(blocked, "the chair is told that nothing gets through", NOTICED_S)
    bars = hall.party.tile("李明").locator(".bars")

    async def own_bars_say_so() -> bool:
        return await bars.get_attribute("data-bars") == "1"

    await eventually(own_bars_say_so, "the own tile has one bar", NOTICED_S)
    await asyncio.sleep(10)  # two steps in which it stays so
    assert (await hall.network())["score"] == "bad"
    assert await own_bars_say_so()
    newest = {way: direction["points"][-1][1] for way, direction in (await hall.points()).items()}
    assert newest == {"up": "bad", "down": "bad"}
    hall.relay.up_drop = hall.relay.down_drop = 0.0
    await hall.is_graded("good", "fair")
