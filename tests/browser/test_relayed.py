"""People whose browsers send through the site's relay alone: they see and hear each other, and the device check tells which way it went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.async_api import Page, expect

from tests import turn
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import take_the_chair, to_the_waiting_room
from tests.browser.site import SHORT_COURT, Site
from tests.browser.test_joining import consent, seen_by_the_clerk
from tests.turn import Turn

pytestmark = pytest.mark.skipif(not turn.PROGRAM, reason=turn.MISSING)
WAYS = """async () => {
  const { relayOf } = await import(document.querySelector('script[src*="/js/"]').src.replace(/\\/js\\/.*/, '/js/ice.js'));
  return Promise.all(window.__connections.filter((pc) => pc.connectionState === 'connected').map(relayOf));
}"""


@pytest.fixture
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turn]:
    made = Turn(tmp_path_factory.mktemp("turn")).start()
    yield made
    made.stop()


@pytest.fixture(params=[*(pytest.param(way, marks=pytest.mark.long) for way in ("udp", "tcp")), "tls"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def relayed_site(tmp_path_factory: pytest.TempPathFactory, relay: Turn, way: str) -> Iterator[Site]:
    settings = relay.site_settings(way, forced=True)
    with Site(tmp_path_factory.mktemp("relayed"), command="demo", settings=settings, adopts=SHORT_COURT) as site:
        yield site


@pytest.fixture
def comer(relay: Turn, person: PersonFactory) -> PersonFactory:
    """People whose browsers take the relay's certificate for a good one."""
    return partial(person, flags=(f"--ignore-certificate-errors-spki-list={relay.pin}",))


async def ways(page: Page) -> list[str]:
    """By which way each connection of a page goes."""
    found: list[str] = await page.evaluate(WAYS)
    return found


@pytest.mark.main
async def test_a_hearing_through_the_relay_alone(relayed_site: Site, relay: Turn, way: str, comer: PersonFactory) -> None:
    court = await Court.open(relayed_site)
    held = await court.sitting((("李明", "party"),))
    judge, other = await asyncio.gather(comer(0), comer(1))
    chair = await take_the_chair(judge, relayed_site, held)
    party = await to_the_waiting_room(other, held, "李明")
    await chair.admit("李明")
    await party.until_inside()
    await chair.change_stage("hearing")
    await chair.sees("李明")
    await party.sees(chair.name)
    for seat in (chair, party):
        assert await ways(seat.person.page) == [way, way]
    endpoints = {endpoint["endpoint"] for endpoint in (await chair.view())["participants"] if endpoint["endpoint"]}
    assert {user.partition(":")[2] for user in relay.users()} >= endpoints, "each with credentials of its own"
    blocked = party.person.page.get_by_text("影像和声音无法通过您的网络")
    await expect(blocked).to_have_count(0)
    relay.stop()
    await expect(blocked).to_be_visible(timeout=60_000)
    await court.close()


async def test_the_device_check_tells_of_the_relay_and_of_one_that_is_blocked(
    relayed_site: Site, relay: Turn, way: str, comer: PersonFactory
) -> None:
    court = await Court.open(relayed_site)
    held = await court.sitting((("李明", "party"),))
    li = await comer()
    await consent(li.page, held.links["李明"])
    await li.page.click('[data-part="start"]')
    await li.page.get_by_role("button", name="听到了").click(timeout=30_000)
    row = li.page.locator('[data-check="network"]')
    await expect(row).to_contain_text(f"经由本单位的中继服务器（{way.upper()}）", timeout=40_000)
    told = (await seen_by_the_clerk(court, held, "李明"))["network"]
    assert (told["ok"], told["relay"]) == (True, way)

    relay.stop()
    await li.page.reload()
    await li.page.click('[data-part="start"]')
    await li.page.get_by_role("button", name="听到了").click(timeout=30_000)
    await expect(row).to_contain_text("您的网络阻断了影像和声音的所有通路", timeout=60_000)
    await court.close()
