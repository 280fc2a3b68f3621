"""The unit's own version of a procedure, in a browser: loaded, mended, compared and adopted by mouse; another by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import PROCEDURES
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.participants import DESK, PHONE
from tests.browser.site import Site

TABLE = PROCEDURES["round_table"]
MENDED = TABLE.text.replace("version: 2026-1", "version: 云河 2027").replace("departure: wait", "departure: chair_decides")
BAD = MENDED.replace("departure: chair_decides", "departure: never")


async def chosen_language(page: Page, site: Site, language: str) -> None:
    await page.goto(f"{site.url}/preferences")
    await page.check(f'input[name="language"][value="{language}"]')
    await page.click(".dialog-actions button")
    await page.wait_for_selector("[role=status]")


async def press(page: Page, target: Locator) -> None:
    """Tab to what is meant and press Enter."""
    for _ in range(200):
        if await target.evaluate("element => element === document.activeElement"):
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {target}")


@pytest.mark.main
async def test_a_version_is_loaded_mended_compared_and_adopted(site: Site, person: PersonFactory, tmp_path: Path) -> None:
    court = await Court.open(site)
    administrator = await court.person("administrator")
    one = await person()
    page = one.page
    file = tmp_path / "圆桌会议.yaml"
    file.write_text(BAD, encoding="utf-8")
    line = BAD.partition("departure: never")[0].count("\n") + 1
    try:
        await one.sign_in(site.url, administrator.sign_in_name, administrator.password)

        await chosen_language(page, site, "zh-CN")
        await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
        await page.click('a[href="/catalogue/rooms"]')
        await page.click('.catalogue-tabs a[href="/settings/procedures"]')
        await page.click('a[href="/settings/procedures/write"]')
        await page.set_input_files("#file", file)
        await page.click('button[value="load"]')
        await expect(page.locator(".bad-lines li")).to_have_count(1)
        await expect(page.locator(".bad-lines")).to_contain_text(f"第 {line} 行")
        await page.click(".bad-lines a")
        selected = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"
        assert (await page.locator("#text").evaluate(selected)).startswith("departure: never")
        await page.keyboard.insert_text("departure: chair_decides")
        await page.click('button[value="check"]')
        await expect(page.locator("#checked-title")).to_contain_text("云河 2027")
        await expect(page.locator(".differences")).to_contain_text("掉线后果：表决等候其返回 → 由主持人决定")
        assert await one.accessibility_faults() == []
        await page.click('button[value="adopt"]')
        card = page.locator("#round_table")
        await expect(card.locator(".version-held")).to_contain_text(f"{administrator.user.name} 于")
        await expect(card.get_by_role("status")).to_contain_text("该版本已生效")
        assert (await procedures.held_by(court.db, "round_table")).departure == "chair_decides"

        await chosen_language(page, site, "en")
        await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        await page.goto(f"{site.url}/settings/procedures")
        await press(page, page.locator(f'a[href="/settings/procedures/round_table-{TABLE.version}"]'))
        await expect(page.locator(".differences")).to_contain_text("When somebody is gone: the chair decides → his vote waits")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await press(page, page.get_by_role("link", name="Adopt this version…"))
        await expect(page.locator("#checked-title")).to_contain_text("No mistakes: Round table")
        await press(page, page.locator('button[value="adopt"]'))
        await expect(page.locator("#round_table").get_by_role("status")).to_contain_text("This version is in force")
        assert await procedures.held_by(court.db, "round_table") == TABLE
        assert one.errors == []
    finally:
        await procedures.adopt(court.db, TABLE.text, administrator.user, utc_now())
        await court.close()
