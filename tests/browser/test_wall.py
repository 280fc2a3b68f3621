"""The officer builds a wall of sittings that are held, keeps it as a preset and calls it, has sources take turns; a private stage leaves no
picture, what is taken off is watched no more, and a screen of the room shows what it is told in the name of who put it there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import BRIEF_COURT
from tests.browser.conftest import PersonFactory
from tests.browser.court import Account, Court, Held
from tests.browser.hearing import eventually
from tests.browser.participants import Person
from tests.browser.site import Site
from tests.browser.walk import switch_on
from tests.robot import Robot

pytestmark = pytest.mark.timeout(600)

DELIBERATES = (
    BRIEF_COURT.text.replace("version: 2025-1", "version: 2026-wall")
    .replace(
        "    next: [recess, closed]\n",
        "    next: [recess, deliberation, closed]\n",
    )
    .replace(
        "  closed:\n",
        "  deliberation:\n"
        "    names: {zh-CN: 休庭评议, en: Deliberation}\n"
        "    status: recess\n"
        "    is: [private, closes_sources]\n"
        "    next: [hearing, closed]\n"
        "    rights: {judge: SVPD, panel: SVP}\n"
        "    source: 民事诉讼法第四十五条\n"
        "  closed:\n",
    )
)
"""The court in four stages and a private one."""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("wall")) as site:
        yield site


@dataclass
class Day:
    """Two sittings that are held: one of a judge and a party, one of a judge alone; and an officer."""

    court: Court
    officer: Account
    first: Held
    second: Held
    robots: dict[str, Robot]

    def chair(self, held: Held) -> Robot:
        return self.robots[held.chair.user.name]


@pytest_asyncio.fixture
async def day(site: Site) -> AsyncIterator[Day]:
    court = await Court.open(site)
    administrator = await court.person("administrator")
    await procedures.adopt(court.db, DELIBERATES, administrator.user, utc_now())
    officer = await court.person("officer", "梁雨", rank="lead")
    first = await court.sitting((("李明", "party"),), room=await court.room("第一法庭"))
    second = await court.sitting((("王芳", "party"),), room=await court.room("第二法庭"))
    robots = [await Robot.signed_in(site, held, held.chair) for held in (first, second)]
    robots.append(await Robot.by_link(site, first, "李明"))
    await robots[0].admit_everybody(1)
    for number, robot in enumerate(robots):
        await robot.take_part(grey=60 + 60 * number)
    yield Day(court, officer, first, second, {robot.name: robot for robot in robots})
    await asyncio.gather(*(robot.close() for robot in robots))
    await court.close()


async def frames(person: Person, number: int) -> int:
    """Pictures that were decoded in a window of the wall, all of its tiles."""
    videos = f"wall-tile:nth-of-type({number}) video"
    count = await person.page.locator(videos).count()
    counters = {one["trackIdentifier"]: one for one in (await person.counters())["inbound"] if one["kind"] == "video"}
    total = 0
    for n in range(count):
        tracks = await person.page.locator(videos).nth(n).evaluate("v => v.srcObject?.getTracks().map((t) => t.id) ?? []")
        total += sum(int(counters[track]["framesDecoded"]) for track in tracks if track in counters)
    return total


async def plays(person: Person, number: int) -> None:
    """Wait until pictures go on in a window."""
    last = await frames(person, number)

    async def more() -> bool:
        return await frames(person, number) > last + 3

    await eventually(more, f"window {number} plays", 40)


async def watched(person: Person) -> set[str]:
    """The sittings that this browser window watches, by its own account."""
    return set(await person.page.evaluate("document.querySelector('wall-view').figures()"))


async def stands(person: Person, number: int, held: Held | None) -> None:
    """Wait until a window shows a sitting, or nothing."""
    await person.page.locator(f'wall-tile:nth-of-type({number})[data-sitting="{held.id if held else ""}"]').wait_for()


async def watchers(robot: Robot, names: list[str]) -> None:
    """Wait until the chair is told that these watch."""
    await robot.until(lambda view: view["watchers"] == names, f"sees that {names} watch")


@pytest.mark.main
async def test_an_officer_builds_a_wall_and_drives_a_screen(site: Site, day: Day, person: PersonFactory) -> None:
    officer = await person(0, granted=False, devices=False)
    page = officer.page
    await officer.sign_in(site.url, day.officer.sign_in_name, day.officer.password)
    await page.goto(f"{site.url}/console/wall")

    # By keyboard into the first window, by hand into the second.
    await page.locator(f'[data-sources] [data-source="{day.first.id}/"]').wait_for()
    await page.locator("wall-tile").first.focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("第一法庭")
    await page.keyboard.press("Enter")
    await stands(officer, 1, day.first)
    await page.locator(f'[data-sources] [data-source="{day.second.id}/"]').drag_to(page.locator("wall-tile").nth(1))
    await stands(officer, 2, day.second)
    await plays(officer, 1)
    await plays(officer, 2)
    assert await page.locator("wall-tile").first.locator("video").count() == 2, "the judge and the party"
    await watchers(day.chair(day.first), ["梁雨"])
    assert await watched(officer) == {day.first.id, day.second.id}
    assert await officer.accessibility_faults() == []

    # A preset: kept, and called by its digit.
    await page.click('[data-do="keep"]')
    await page.fill("#wall-preset-name", "两庭")
    await page.click('#wall-preset button:not([type="button"])')
    await page.locator("[data-presets] kbd", has_text="1").wait_for()
    await page.click('[data-do="clear"]')
    await stands(officer, 1, None)
    await watchers(day.chair(day.second), [])
    await page.keyboard.press("1")
    await stands(officer, 2, day.second)
    await plays(officer, 1)

    # A patrol in the third window, over the two and one that is not held.
    await page.locator("wall-tile").nth(2).click()
    await page.click('[data-do="patrol"]')
    await page.click("[data-patrol-all]")
    await page.click('#wall-patrol button:not([type="button"])')
    await page.locator("[data-patrol-list] .wall-here").wait_for()
    turn = await page.locator("wall-tile").nth(2).get_attribute("data-sitting")
    other = day.second if turn == day.first.id else day.first
    await page.keyboard.press(".")
    await stands(officer, 3, other)
    await page.keyboard.press("p")
    await page.locator("wall-tile").nth(2).locator(".wall-turn", has_text="暂停").wait_for()
    await page.click('[data-do="end"]')
    await stands(officer, 3, None)

    # A private stage: words, and no picture.
    await day.chair(day.first).open_hearing()
    await day.chair(day.first).send(type="stage", to="deliberation", reason="")
    await page.locator("wall-tile").first.locator(".wall-state", has_text="休庭评议").wait_for()
    assert await page.locator("wall-tile").first.locator("video").count() == 0, "no last picture either"
    await day.chair(day.first).send(type="stage", to="hearing", reason="")
    await switch_on(day.chair(day.first), "camera")
    await plays(officer, 1)

    # Taken off, it is watched no more.
    await page.locator("wall-tile").nth(1).focus()
    await page.keyboard.press("Delete")
    await stands(officer, 2, None)
    await watchers(day.chair(day.second), [])
    assert await watched(officer) == {day.first.id}

    await screen_of_the_room(site, day, officer, await person(1, granted=False, devices=False))
    assert officer.errors == []


async def screen_of_the_room(site: Site, day: Day, officer: Person, kiosk: Person) -> None:
    """A screen signs in by its code and shows what is put on it from the officer's desk."""
    page = officer.page
    await page.click('[data-do="screens"]')
    await page.fill("#wall-screen-name", "大屏")
    await page.click("#wall-screens form button")
    code = await page.locator(".wall-code").inner_text()
    await kiosk.page.goto(f"{site.url}/wall-screen")
    await kiosk.page.fill("#code", code)
    await kiosk.page.keyboard.press("Enter")
    await kiosk.page.wait_for_url("**/console/wall/screens/1")
    await page.click("#wall-screens [data-close]")
    await page.click('[data-walls] [data-wall="1"]')
    await page.locator("[data-elsewhere]").wait_for()
    await watchers(day.chair(day.first), [])
    await page.locator("wall-tile").nth(3).focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("第二法庭")
    await page.keyboard.press("Enter")
    await stands(kiosk, 4, day.second)
    await plays(kiosk, 4)
    await watchers(day.chair(day.second), ["梁雨"])
    assert await watched(officer) == set(), "the desk itself watches nothing"
    assert kiosk.errors == []


@pytest.mark.long
async def test_a_screen_comes_back_by_itself(site: Site, day: Day, person: PersonFactory) -> None:
    """The web server is killed under it; then all of the server is away while the screen's computer starts."""
    officer, kiosk = await person(0, granted=False, devices=False), await person(1, granted=False, devices=False)
    await officer.sign_in(site.url, day.officer.sign_in_name, day.officer.password)
    await officer.page.goto(f"{site.url}/console/wall")
    await screen_of_the_room(site, day, officer, kiosk)
    await kiosk.page.wait_for_function("navigator.serviceWorker.controller !== null")
    former = {"web": site.pid("web")}
    site.kill("web")
    await eventually(_is(lambda: site.restarted(former) and site.answers("/readyz")), "the web server is back", 60)
    await plays(kiosk, 4)

    site.stop()
    await kiosk.page.reload()
    await kiosk.page.locator(".wall-waits").wait_for()
    site.start()
    await kiosk.page.locator("wall-view").wait_for(timeout=60_000)
    await stands(kiosk, 4, day.second)


def _is(condition: Any) -> Any:
    async def now() -> bool:
        return bool(condition())

    return now
