"""The map in Chromium: what stands on it, and a layer drawn with the mouse and from the keyboard."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import PersonFactory
from tests.browser.site import Site

pytestmark = [pytest.mark.main, pytest.mark.timeout(600)]


async def test_a_shift_leader_draws_with_the_mouse_and_from_the_keyboard(site: Site, person: PersonFactory) -> None:
    accounts = json.loads((site.data / "secrets" / "demo-accounts.json").read_text(encoding="utf-8"))
    leads = next(each for each in accounts if each["sign_in_name"] == "gao")
    officer = await person(0)
    page = officer.page
    await officer.sign_in(site.url, leads["sign_in_name"], leads["password"])
    await page.goto(f"{site.url}/console/map?language=en")
    await page.locator(".map-mark-site .map-mark-inside").first.wait_for()
    assert await page.locator(".shape-of-river").count() == 2
    assert await officer.accessibility_faults() == []

    await page.goto(f"{site.url}/console/map/layers/new")
    await page.fill("#name", "采样区")
    await page.click('[data-draw="Polygon"]')
    box = await page.locator("[data-map]").bounding_box()
    assert box is not None
    for x, y in ((0.4, 0.4), (0.6, 0.4), (0.5, 0.6)):
        await page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    await page.click("[data-finish]")
    await page.fill("#feature-name", "北河断面")
    assert await officer.accessibility_faults() == []
    await page.locator(".map-corner").first.focus()
    before = await page.input_value("#feature-places")
    await page.keyboard.press("ArrowUp")
    assert await page.input_value("#feature-places") != before
    await page.locator(".map-middle").first.focus()
    await page.keyboard.press("Enter")
    assert await page.locator(".map-corner").count() == 4
    await page.locator(".map-corner").nth(1).focus()
    await page.keyboard.press("Delete")
    assert await page.locator(".map-corner").count() == 3

    await page.focus('[data-draw="LineString"]')
    await page.keyboard.press("Enter")
    for key in ("Space", "ArrowRight", "Space", "Enter"):
        await page.keyboard.press(key)
        await page.wait_for_timeout(400)
    await page.locator('[data-feature="1"]').wait_for()
