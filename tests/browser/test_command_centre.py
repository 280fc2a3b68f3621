"""The officer's day: sees a sitting begin without reloading, opens it by keyboard, watches silently; later plays the recording, and
takes and closes an alert of the site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.gallery import photographed
from tests.browser.hearing import enter, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import Person
from tests.browser.site import SHORT_COURT, Site

pytestmark = [pytest.mark.main, pytest.mark.alone, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("command"), settings={"ALERT_DISK_GB": "10000"}, adopts=SHORT_COURT) as site:
        yield site


async def test_an_officer_watches_a_hearing_and_plays_its_recording(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    held = await court.sitting((("李明", "party"),), with_clerk=True)
    assert held.clerk is not None
    account = await court.person("officer", "梁雨", rank="lead")
    officer = await person(2)
    page = officer.page
    await officer.sign_in(site.url, account.sign_in_name, account.password)
    await page.goto(f"{site.url}/console")
    row = page.locator(f'[data-sitting="{held.id}"] a')
    await row.wait_for()

    judge, clerk = await person(0), await person(1)
    chair = await take_the_chair(judge, site, held)
    await clerk.sign_in(site.url, held.clerk.sign_in_name, held.clerk.password)
    await enter(clerk, site, held, held.clerk.user.name)
    party = await person(3)
    invited = await to_the_waiting_room(party, held, "李明")
    await chair.admit("李明")
    await invited.until_inside()
    await chair.change_stage("hearing")
    await row.locator(".rec-recording").wait_for()
    assert await officer.accessibility_faults() == []

    await narrowed_down_by_keyboard(officer)

    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/console/sittings/{held.id}")
    await page.locator(".person-quality", has_text="上行").first.wait_for(timeout=30_000)
    await page.click("[data-watch]")
    await page.click("[data-watch-yes]")
    await eventually(lambda: decodes(officer), "the officer sees the hearing")
    await chair.until(lambda f: f["view"]["watchers"] == ["梁雨"], "the chair sees who watches")
    assert await officer.packets_sent("audio") + await officer.packets_sent("video") == 0

    await page.click("[data-break-in]")
    await page.click('#break-in-dialog button:not([data-close])')
    await page.locator("#break-in-dialog [data-error]:not([hidden])").wait_for()
    await page.fill("#break-in-reason", "法庭设备故障，由指挥中心说明")
    assert await officer.accessibility_faults() == []
    await page.click('#break-in-dialog button:not([data-close])')
    theirs = party.page.locator("hearing-tile.tile-officer")
    await theirs.get_by_text("梁雨").wait_for()
    await party.page.locator(".banner", has_text="法庭设备故障").wait_for()
    await chair.until(lambda f: (f["view"]["break_in"] or {}).get("name") == "梁雨", "the chair sees who broke in")
    await eventually(lambda: gets_officer(party), "the party's page gets the officer's picture and sound")
    assert await party.accessibility_faults() == []
    await page.click("[data-break-end]")
    await theirs.wait_for(state="detached")
    await page.locator("[data-break-in]:not([hidden])").wait_for()
    assert await officer.accessibility_faults() == []

    await page.click("[data-talk]")
    await page.locator("#talk-dialog label", has_text="李明").click()
    await page.fill("#talk-reason", "核实其设备情况")
    await photographed(page, "intercom-dialog")
    assert await officer.accessibility_faults() == []
    await page.click("#talk-dialog button.button-primary")
    called = party.page.locator(".banner", has_text="指挥中心正在与您通话")
    await called.wait_for()
    await judge.page.locator(".banner", has_text="与李明单独通话").wait_for()
    await page.locator("[data-talk-key]").wait_for()  # his own page knows that he talks
    await expect(page.locator("[data-talk-key]")).to_be_focused()
    await page.keyboard.down("t")
    await page.locator('[data-talk-key][aria-pressed="true"]').wait_for()
    await eventually(lambda: hears_intercom(party), "who is called hears the officer")
    await called.locator("button").click()
    answers = party.page.locator(".banner", has_text="场内听不到您")
    await answers.wait_for()
    await page.locator("[data-talk-answers]", has_text="李明").wait_for()
    for who, whose in ((page, "officer"), (party.page, "called"), (judge.page, "chair")):
        await photographed(who, f"intercom-{whose}")
    assert await officer.accessibility_faults() == await party.accessibility_faults() == []
    assert await clerk.page.locator("body > audio").count() == await judge.page.locator("body > audio").count() == 0
    await page.keyboard.up("t")
    await page.locator('[data-talk-key][aria-pressed="false"]').wait_for()
    await page.click("[data-talk-end]")
    await answers.wait_for(state="detached")
    await expect(page.locator("[data-talk]")).to_be_focused()
    await invited.until(lambda f: f["media"]["own"]["microphone"] == "off", "his microphone is closed when it is over")
    await page.keyboard.press("Escape")
    await chair.until(lambda f: f["view"]["watchers"] == [], "the chair sees that nobody watches any more")

    await judge.page.click('[data-act="stage"][data-to="closed"]:not([aria-disabled="true"])')
    await judge.page.click('dialog[open] button[type="submit"]')
    await page.locator(f'a[href="/archive/{held.id}"]').click(timeout=30_000)
    await page.locator("video.stage-film").wait_for(timeout=90_000)
    await page.click("[data-log] li:last-child button")
    await eventually(lambda: plays_after(officer, 1.0), "a click on an event seeks there")
    await page.click("[data-open]")
    await page.click("[data-verify]")
    await page.locator(".verdict-well").wait_for()
    assert await officer.accessibility_faults() == []
    assert officer.errors == []

    await page.goto(f"{site.url}/console")
    alarm = page.locator("[data-tasks] li", has_text="数据磁盘空间不足")
    await alarm.wait_for()
    await alarm.locator('[data-act="take"]').press("Enter")
    await alarm.locator(".task-by", has_text="由 梁雨 处置").wait_for()
    await alarm.locator('[data-act="history"]').click()
    await alarm.locator(".task-history li", has_text="接手处置").wait_for()
    await page.click("[data-sound]")
    assert await page.get_attribute("[data-sound]", "aria-pressed") == "false"
    assert await officer.accessibility_faults() == []
    await alarm.locator('[data-act="close"]').click()
    await page.fill("dialog[open] textarea", "已联系技术人员扩容")
    await page.click('dialog[open] button[type="submit"]')
    await alarm.wait_for(state="detached")
    await page.reload()
    assert await page.get_attribute("[data-sound]", "aria-pressed") == "false", "muting is remembered"
    assert officer.errors == []
    await court.close()


async def narrowed_down_by_keyboard(officer: Person) -> None:
    """What goes on, of one kind, without a mouse: saved, called with its digit, and what the page opens with next time."""
    page = officer.page
    rows = page.locator("[data-sittings] > li")
    await page.keyboard.press("l")
    await page.keyboard.press("n")
    await page.get_by_text("没有符合条件的场次").wait_for()
    await page.keyboard.press("l")
    await page.keyboard.press("k")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Escape")
    await rows.first.wait_for()
    await page.click("[data-view-save]")
    await page.fill("dialog[open] input", "进行中的开庭")
    await page.click('dialog[open] button[type="submit"]')
    await page.locator("[data-view][aria-pressed=true]", has_text="进行中的开庭").wait_for()
    await page.click("[data-view-opens]")
    await page.locator(".board-opens").wait_for()
    assert await officer.accessibility_faults() == []
    await page.keyboard.press("0")
    assert await page.get_attribute("[data-view]", "aria-pressed") == "false"
    await page.keyboard.press("1")
    assert await page.get_attribute("[data-view]", "aria-pressed") == "true"
    await page.goto(page.url.split("?")[0])
    await page.locator("[data-filter=session][aria-pressed=true]").wait_for()
    assert await page.input_value("[data-pick=kind]") == "remote_court"
    await page.keyboard.press("0")


async def gets_officer(party: Person) -> bool:
    """His sound comes in and frames of his are decoded, on the tile in the frame."""
    found = await party.inbound("hearing-tile.tile-officer video")
    return found.get("video", {}).get("framesDecoded", 0) > 10 and found.get("audio", {}).get("packetsReceived", 0) > 20


async def hears_intercom(party: Person) -> bool:
    """The officer's sound comes in at the element that plays it."""
    if await party.page.locator("body > audio").count() == 0:  # the track has not come yet
        return False
    return (await party.inbound("body > audio")).get("audio", {}).get("packetsReceived", 0) > 20


async def decodes(person: Person) -> bool:
    return await person.frames_decoded() > 20


async def plays_after(person: Person, seconds: float) -> bool:
    return bool(await person.page.evaluate("document.querySelector('video').currentTime") > seconds)
