"""The form of a sitting in a browser: guardians and who must not see or hear whom, by keyboard, on a phone's width, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from dispatch.store.tables import utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.site import Site

pytestmark = pytest.mark.main
WORDS = {
    "zh-CN": ("添加一对", "请选择两个不同的人。", "互不可见、不可闻的人员", "未满十八周岁", "小明 · 当事人"),
    "en": ("Add a pair", "Choose two different people.", "Who must not see or hear whom", "Under 18", "小明 · Party"),
}


async def filled(page: Page, row: int, name: str, role: str) -> None:
    await page.fill(f"#participants-{row}-name", name)
    await page.select_option(f"#participants-{row}-role", role)


async def chosen_by_keyboard(page: Page, select: str, words: str) -> None:
    """Focus on the list and go down to what is wanted."""
    await page.focus(select)
    for _ in range(8):
        if (await page.locator(f"{select} option:checked").inner_text()).startswith(words):
            return
        await page.keyboard.press("ArrowDown")
    raise AssertionError(f"{words} is not in {select}")


@pytest.mark.parametrize(("language", "width", "start"), [("zh-CN", 1366, "19:30"), ("en", 390, "20:45")])
async def test_a_guardian_and_a_pair_are_booked_shown_and_changed(
    site: Site, person: PersonFactory, language: str, width: int, start: str
) -> None:
    add, different, heading, minor, child = WORDS[language]
    court = await Court.open(site)
    account = await court.person("clerk")
    one = await person(language=language)
    page = one.page
    await page.set_viewport_size({"width": width, "height": 900})
    await one.sign_in(site.url, account.sign_in_name, account.password)
    await page.goto(f"{site.url}/preferences")
    await page.check(f'input[name="language"][value="{language}"]')
    await page.click(".dialog-actions button")
    await page.goto(f"{site.url}/sittings/new?day={(utc_now() + timedelta(days=20)).date()}&start={start}")
    await page.fill("#case_number", f"（2026）京0105民初{900 + width}号")
    await page.fill("#case_title", "抚养费纠纷案")
    await page.select_option("#room_id", index=1)
    await page.select_option("#chair_id", index=1)
    await filled(page, 0, "小明", "party")
    await page.locator('[name="participants-0-minor"]').check()
    await filled(page, 1, "王母", "guardian")
    await expect(page.locator("#participants-1-guards")).to_be_visible()
    await expect(page.locator("#participants-0-guards")).to_be_hidden()
    await chosen_by_keyboard(page, "#participants-1-guards", "小明")
    await expect(page.locator("#participants-1-guards option:checked")).to_have_text(child)
    await page.locator("participant-rows [data-add-row]").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-row]")).to_have_count(3)
    await page.keyboard.type("证人甲")  # the new row's name has the focus
    row = page.locator("participant-rows > [data-row]").last
    await row.locator("select[name$=-role]").select_option("witness")
    await page.get_by_role("button", name=add).press("Enter")
    pair = page.locator("kept-apart > [data-pair]")
    await expect(pair).to_have_count(1)
    await chosen_by_keyboard(page, '[name="apart-0-one"]', "小明")
    await chosen_by_keyboard(page, '[name="apart-0-other"]', "小明")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width

    async def sent() -> None:
        async with page.expect_navigation():
            await page.locator(".form-actions .button-primary").press("Enter")

    await sent()
    await expect(page.locator(".pair-row .field-error").first).to_have_text(different)
    await expect(page.locator("#participants-1-guards option:checked")).to_have_text(child)
    await chosen_by_keyboard(page, '[name="apart-0-other"]', "证人甲")
    await sent()
    await page.fill("#override_reason", "当事人工作日无法到场")  # in the evening
    await sent()
    await expect(page.locator("#protection")).to_have_text(heading)
    await expect(page.locator("ul.kept-apart")).to_contain_text("证人甲")
    await expect(page.locator("section[aria-labelledby=people]")).to_contain_text(minor)
    await page.goto(page.url.partition("?")[0] + "/edit")
    await expect(page.locator('[name="apart-0-one"] option:checked')).to_have_text(child)
    witness = await page.locator('[name="apart-0-other"]').input_value()
    await page.locator("[data-remove-pair]").press("Enter")
    await expect(pair).to_have_count(0)
    # Whoever is taken out of the form is kept from nobody: the line goes with him.
    await page.get_by_role("button", name=add).press("Enter")
    await pair.locator("select").nth(0).select_option(label=child)
    await pair.locator("select").nth(1).select_option(value=witness)
    await page.locator("participant-rows > [data-row]").last.locator("[data-remove-row]").press("Enter")
    await expect(pair).to_have_count(0)
    await sent()
    await expect(page.locator("section[aria-labelledby=people]")).to_contain_text(minor)
    await expect(page.locator("ul.kept-apart")).to_have_count(0)
    await court.close()
