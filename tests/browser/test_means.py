"""A template of the court with equipment: made by the administrator, filled in by a clerk, refused at its field where the equipment is
taken, and counted among the use of the rooms. By mouse in Chinese, by keyboard alone in English."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from dispatch.booking import templates
from dispatch.booking.templates import TemplateDraft
from dispatch.store.tables import Hold, Resource, Room, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Account, Court
from tests.browser.participants import Person
from tests.browser.site import Site
from tests.dispatch.making import add_movable

pytestmark = pytest.mark.long
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Desk:
    """A clerk and an administrator at work in a court that has a document camera, and the Wednesday that is booked."""

    clerk: Person
    administrator: Person
    court: Court
    url: str
    room: Room
    other_room: Room
    judge: Account
    camera: Resource
    day: datetime

    async def held(self) -> list[str]:
        """The rooms for whose sittings the camera is held, in the order of time."""
        of_camera = select(Hold.booking_id).where(Hold.resource_id == self.camera.id, Hold.active)
        wanted = select(Room.name).join(Hold, Hold.resource_id == Room.id).where(Hold.booking_id.in_(of_camera)).order_by(Hold.starts_at)
        async with self.court.db.reader() as session:
            return list(await session.scalars(wanted))


@pytest.fixture
async def desk(site: Site, person: PersonFactory) -> Any:
    court = await Court.open(site)
    accounts, people = [await court.person("clerk"), await court.person("administrator")], [await person(), await person()]
    for one, account in zip(people, accounts, strict=True):
        await one.page.set_viewport_size({"width": 1366, "height": 900})
        await one.sign_in(site.url, account.sign_in_name, account.password)
    (camera,) = await add_movable(court.db, "equipment", f"实物展台{secrets.token_hex(3)}", accounts[1].user, utc_now())
    today = utc_now().astimezone(SHANGHAI).replace(hour=10, minute=0, second=0, microsecond=0)
    day, judge = today + timedelta(days=16 - today.weekday()), await court.person("judge", f"Yang {secrets.token_hex(3)}")
    yield Desk(people[0], people[1], court, site.url, await court.room(), await court.room(), judge, camera, day)
    assert [one.errors for one in people] == [[], []]
    await court.close()


async def test_a_template_is_made_filled_in_and_what_is_taken_is_said_at_its_field(desk: Desk) -> None:
    name, page = f"带展台的庭{secrets.token_hex(2)}", desk.administrator.page
    await page.goto(f"{desk.url}/catalogue/templates/new")
    await page.locator("[name=minutes]").fill("45")
    await page.locator("[name=roles-party]").fill("2")
    await page.locator("#means-search").fill(desk.camera.name)
    await page.get_by_label(desk.camera.name).check()
    await page.get_by_role("button", name="添加模板").click()
    await expect(page.locator("#name-error, .field-error").first).to_be_visible()  # it has no name, and nothing that was typed is lost
    await expect(page.locator("[name=minutes]")).to_have_value("45")
    await expect(page.get_by_label(desk.camera.name)).to_be_checked()
    assert await desk.administrator.accessibility_faults() == []
    await page.locator("[name=name]").fill(name)
    await page.get_by_role("button", name="添加模板").click()
    await expect(page.locator("[role=status]")).to_be_visible()
    await expect(page.locator("tr", has_text=name)).to_contain_text("45")
    # A clerk fills the form with it, and then another for the same time in another room.
    clerk = desk.clerk.page
    free = await desk.court.person("judge")
    for room, party, judge in ((desk.room, "孙敏", desk.judge), (desk.other_room, "周敏", free)):
        await clerk.goto(f"{desk.url}/sittings/new?day={desk.day.date()}&room={room.id}")
        form = clerk.locator("[data-sitting-form]")
        await form.locator("[name=case_number]").fill(f"（2026）京0105民初{secrets.randbelow(9000) + 1000}号")
        await form.locator("[name=template]").select_option(label=name)
        await form.locator("button[value=fill]").click()
        await expect(form.get_by_label(desk.camera.name)).to_be_checked()
        await expect(form.locator("[name=participants-1-name]")).to_be_visible()
        await expect(form.locator("[name=case_number]")).not_to_have_value("")
        await form.locator("[name=case_title]").fill("孙某诉某公司劳动争议案")
        await form.locator("[name=start]").fill("10:00")
        await form.locator("[name=participants-0-name]").fill(party)
        await form.locator("[name=chair_id]").select_option(judge.user.id)
        await form.locator("[name=clerk_id]").select_option("")  # he himself cannot be in both
        await form.locator("button[value=save]").click()
        if room is desk.room:
            await clerk.wait_for_url("**/sittings/*saved=1")
            await expect(clerk.locator("body")).to_contain_text("10:45")
    taken = form.locator(".means .field-error")
    await expect(taken).to_contain_text("已被占用")
    await expect(form.get_by_label(desk.camera.name)).to_have_attribute("aria-invalid", "true")
    assert await desk.clerk.accessibility_faults() == []
    await form.get_by_label(desk.camera.name).uncheck()
    await expect(form.locator("[name=participants-0-name]")).to_have_value("周敏")
    await form.locator("button[value=save]").click()
    await clerk.wait_for_url("**/sittings/*saved=1")
    assert await desk.held() == [desk.room.name]
    # Both count among what the rooms were used for.
    month = f"{desk.day:%Y-%m}"
    await page.goto(f"{desk.url}/booking/use?from={month}&until={month}")
    for room in (desk.room, desk.other_room):
        row = page.locator("tr", has_text=room.name)
        await expect(row.locator('[data-label="场次"]')).to_have_text("1")
        await expect(row.locator('[data-label="占用小时"]')).to_have_text("0.8")
    assert await desk.administrator.accessibility_faults() == []
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click()
    assert desk.room.name in (await (await download.value).path()).read_text(encoding="utf-8-sig")


async def reach(page: Page, what: str) -> None:
    """Tab until what a selector names has the focus."""
    for _ in range(500):
        await page.keyboard.press("Tab")
        if await page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"Tab never reaches {what}")


async def test_by_keyboard_alone_in_english(desk: Desk) -> None:
    page, name = desk.clerk.page, f"Camera {secrets.token_hex(3)}"
    by = await desk.court.person("administrator")
    draft = TemplateDraft(name, "remote_court", 45, roles=("party",), name_en=name)
    await templates.add(desk.court.db, draft, by.user, utc_now())
    await page.goto(f"{desk.url}/preferences")
    await page.check('input[name="language"][value="en"]')
    await page.click(".dialog-actions button")
    await page.goto(f"{desk.url}/sittings/new?day={desk.day.date()}&room={desk.room.id}")
    await reach(page, "#template")
    await page.keyboard.type(name)
    await reach(page, "button[value=fill]")
    await page.keyboard.press("Enter")
    await expect(page.locator("[name=former]")).not_to_have_value("remote_court")
    await reach(page, "#case_number")
    await page.keyboard.type(f"（2026）京0105民初{secrets.randbelow(9000) + 1000}号")
    await reach(page, "#case_title")
    await page.keyboard.type("周某诉某公司劳动争议案")
    await reach(page, "#chair_id")
    await page.keyboard.type(desk.judge.user.name)
    await reach(page, "[name=participants-0-name]")
    await page.keyboard.type("周敏")
    # What is searched for is found by its name; Enter goes to it, and does not send the form.
    await reach(page, "#means-search")
    await page.keyboard.type(desk.camera.name)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Space")
    await expect(page.get_by_label(desk.camera.name)).to_be_checked()
    await expect(page.locator("[data-means-count]")).to_have_text("1 chosen")
    await reach(page, "button[value=save]")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sittings/*saved=1")
    assert await desk.held() == [desk.room.name]
    await page.goto(f"{desk.url}/booking/use")
    await reach(page, "#from")
    await expect(page.locator("h1")).to_have_text("Use of the rooms")
    assert await desk.clerk.accessibility_faults() == []
