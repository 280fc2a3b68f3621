"""A clerk finds a time and books it, by mouse and by keyboard alone, and has a week listed and books some of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from dispatch.booking.listing import waiting
from dispatch.booking.listing.waiting import WaitingDraft
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.store.tables import utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.gallery import photographed
from tests.browser.site import Site

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def tabbed_to(page: Page, selector: str, limit: int = 120) -> None:
    """Press Tab until the focus is there."""
    for _ in range(limit):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"Tab never came to {selector}")


@pytest.fixture
async def clerk(site: Site, person: PersonFactory) -> Any:
    court = await Court.open(site)
    account = await court.person("clerk")
    one = await person()
    await one.page.set_viewport_size({"width": 1366, "height": 900})
    await one.sign_in(site.url, account.sign_in_name, account.password)
    yield court, one.page, account
    assert one.errors == []
    await court.close()


async def test_a_time_is_found_and_booked_by_mouse_in_chinese(clerk: Any, site: Site) -> None:
    court, page, _account = clerk
    judge = await court.person("judge")
    await page.goto(f"{site.url}/booking")
    await photographed(page, "booking-zh")
    await page.click("text=查找空闲时间")
    await page.select_option("#chair_id", judge.user.id)
    await page.select_option("#part", "afternoon")
    await page.fill("#first", f"{utc_now().astimezone(SHANGHAI) + timedelta(days=6):%Y-%m-%d}")
    await page.fill("#last", f"{utc_now().astimezone(SHANGHAI) + timedelta(days=20):%Y-%m-%d}")
    await page.click("form.finding-form button.button-primary")
    first = page.locator(".finding-slot").first
    await expect(first).to_contain_text(judge.user.name)
    await expect(first).to_contain_text("在工作时间内")
    await photographed(page, "find-zh")
    await first.locator("a.button").click()
    await expect(page.locator("#chair_id")).to_have_value(judge.user.id)
    await page.fill("#case_number", "（2026）京0105民初901号")
    await page.fill("#case_title", "甲诉乙买卖合同纠纷")
    await page.fill("#participants-0-name", "刘芳")
    await page.click('form.sitting-form button[value="save"]')
    await expect(page.locator("h1")).to_contain_text("甲诉乙买卖合同纠纷")


async def test_a_time_is_found_and_booked_by_keyboard_in_english(clerk: Any, site: Site) -> None:
    court, page, _account = clerk
    await court.person("judge")
    await page.goto(f"{site.url}/booking")
    await page.click("a.language-switch")
    await page.goto(f"{site.url}/booking/find?first={utc_now().astimezone(SHANGHAI) + timedelta(days=6):%Y-%m-%d}")
    await tabbed_to(page, "#chair_id")
    await page.keyboard.press("ArrowDown")  # any judge
    await tabbed_to(page, "form.finding-form button.button-primary")
    await page.keyboard.press("Enter")
    await expect(page.locator("#results")).to_be_attached()
    await expect(page.locator(".finding-slot").first).to_contain_text("Within working hours")
    await photographed(page, "find-en")
    await tabbed_to(page, ".finding-slot a.button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sittings/new?**")
    for field, text in (("#case_number", "(2026)京0105民初902号"), ("#case_title", "Sale of goods"), ("#participants-0-name", "Liu")):
        await tabbed_to(page, field)
        await page.keyboard.type(text)
    await tabbed_to(page, 'form.sitting-form button[value="save"]')
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("Sale of goods")


async def test_a_week_is_listed_and_some_of_it_is_booked(clerk: Any, site: Site) -> None:
    court, page, account = clerk
    judges = [await court.person("judge") for _ in range(2)]
    for number in range(4):
        draft = WaitingDraft(
            case_number=f"（2026）京0105民初{910 + number}号",
            case_title="劳动争议",
            minutes=60 + number * 30,
            chair_id=judges[number % 2].user.id,
            participants=(ParticipantDraft("刘芳", "party"),),
        )
        await waiting.add(court.db, draft, account.user, utc_now())
    await page.goto(f"{site.url}/booking/waiting")
    await photographed(page, "waiting-zh")
    await page.goto(f"{site.url}/booking/waiting/new")
    await photographed(page, "waiting-form-zh")
    await page.goto(f"{site.url}/booking/listing")
    await photographed(page, "listings-zh")
    await page.click("form.card button.button-primary")
    await expect(page.locator(".listing-picture")).to_be_visible(timeout=90_000)
    await expect(page.locator("#listing-state")).to_contain_text("已排入 4 场")
    await photographed(page, "listing-zh")
    await page.locator('.listing-table input[name^="take-"]').first.uncheck()
    await page.locator('button[value="book"]').first.click()
    await expect(page.locator(".listing-table .badge-well")).to_have_count(3)
    assert len([row for row in await waiting.listed(court.db) if row.case_number.startswith("（2026）京0105民初91")]) == 1
    await page.goto(f"{site.url}/booking/asked")
    await photographed(page, "asked-zh")
