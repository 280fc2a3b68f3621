"""One device of a court room, several people: from the clerk's code to the mark of whose voice it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from dispatch.identity import devices
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, switch_on, take_the_chair
from tests.browser.participants import PHONE
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(180)
PICTURES = os.environ.get("SCREENSHOTS", "")


async def look(page: Page, name: str) -> None:
    """Keep screenshots where SCREENSHOTS names a folder for them."""
    if PICTURES:
        size = page.viewport_size
        for width, height in ((1366, 768), (390, 844)):
            await page.set_viewport_size({"width": width, "height": height})
            await page.wait_for_timeout(300)
            await page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page="hearing" not in name)
        if size:
            await page.set_viewport_size(size)


async def test_people_of_a_room_consent_each_come_in_as_one_and_their_voices_are_marked(
    site: Site, court: Court, person: PersonFactory
) -> None:
    held = await court.sitting((("李明", "party"), ("王芳", "party"), ("陈某", "gallery")))
    code, _ = await devices.create(court.db, held.room.id, "第一法庭主机")
    room = await person()
    page = room.page
    await page.goto(f"{site.url}/device")
    await page.fill("#code", code)
    await page.keyboard.press("Enter")
    await look(page, "list")
    await page.get_by_role("link", name="登记就座人员").click()
    for name in ("李明", "王芳"):
        await page.get_by_role("checkbox", name=name).check()
    assert await room.accessibility_faults() == []
    await look(page, "people")
    await page.get_by_role("button", name="继续").click()
    for name in ("李明", "王芳"):
        await expect(page.locator("h1")).to_contain_text(name)
        await look(page, f"consent-{name}")
        await page.check("input[name=agree]")
        await page.locator('button[value="agree"]').click()
    await page.wait_for_url("**/check")
    assert await room.accessibility_faults() == []
    await expect(page.locator("main")).to_contain_text("李明、王芳")
    await look(page, "check")
    await page.goto(f"{site.url}/hearing/{held.id}?via=device")
    await page.wait_for_selector('#hearing[data-screen="waiting"]')
    await switch_on(room)
    await look(page, "waiting")

    chair = await take_the_chair(await person(), site, held)
    await chair.person.page.get_by_role("button", name="准入：李明").click()
    seat = Seat(room, "第一法庭主机")
    await seat.until_inside()
    await page.click('[data-part="entrance-now"]')
    await seat.until(lambda f: f["media"]["own"]["microphone"] == "on", "is heard")
    assert [(await chair.participant(name))["presence"] for name in ("李明", "王芳")] == ["present", "present"]
    tile = chair.tile("第一法庭主机")
    await expect(tile).to_contain_text("李明（当事人）、王芳（当事人）")
    await chair.sees("王芳")

    voice = page.locator("[data-voice]", has_text="王芳")
    await voice.click()
    await expect(voice).to_have_attribute("aria-pressed", "true")
    await expect(tile.locator(".tile-voice")).to_have_text("发言：王芳")
    assert await room.accessibility_faults() == []
    await chair.person.page.click('[data-part="log"] summary')
    await expect(chair.person.page.locator('[data-part="log-lines"]')).to_contain_text("王芳（当事人）发言（第一法庭主机标记）")
    await chair.person.page.get_by_role("button", name="标记李明正在发言").press("Enter")
    await expect(tile.locator(".tile-voice")).to_have_text("发言：李明")
    await look(chair.person.page, "hearing-chair")
    await look(page, "hearing-room")

    # A newcomer consents first, is let in, and takes the microphone from the device: he may not speak.
    await page.get_by_role("button", name="就座人员").click()
    await look(page, "hearing-seats")
    await page.get_by_role("button", name="陈某在本设备就座").click()
    assert await room.accessibility_faults() == []
    await look(page, "hearing-notice")
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="同意并继续").click()
    await expect(chair.person.page.locator('[data-part="waiting"]')).to_contain_text("已在“第一法庭主机”就座，等候准许进入")
    assert (await seat.figures())["media"]["own"]["microphone"] == "on"
    await page.keyboard.press("Escape")
    await chair.admit("陈某")
    await expect(page.locator('[data-part="held-back"]')).to_contain_text("麦克风和摄像头不能打开：陈某（旁听人员）此时无权发言")
    await seat.until(lambda f: f["media"]["own"]["microphone"] == "unavailable", "is not heard")
    await expect(tile.locator(".tile-voice")).to_be_hidden()
    await look(page, "hearing-held-back")
    await look(chair.person.page, "hearing-chair-three")
    assert await chair.person.accessibility_faults() == []
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert (room.errors, chair.person.errors) == ([], [])
