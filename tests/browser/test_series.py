"""A clerk repeats a sitting and changes his mind, by mouse in Chinese and by keyboard alone in English; bookings that are not firm are
confirmed and approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from dispatch.booking.catalogue.details import Details
from dispatch.store.tables import Hold, Room, Sitting, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Account, Court
from tests.browser.participants import Person
from tests.browser.site import Site
from tests.dispatch.making import set_terms

pytestmark = pytest.mark.main
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Desk:
    """A clerk at work: his page, the court behind it, a room of his own and a judge, and the Wednesday on which it begins."""

    one: Person
    court: Court
    url: str
    room: Room
    judge: Account
    first: datetime

    @property
    def page(self) -> Page:
        return self.one.page

    def day(self, weeks: int) -> str:
        return str((self.first + weeks * WEEK).date())

    async def sittings(self) -> list[Sitting]:
        """What is booked in the room, in order."""
        held = select(Hold.booking_id).where(Hold.resource_id == self.room.id, Hold.active)
        async with self.court.db.reader() as session:
            wanted = select(Sitting).where(Sitting.status == "planned").order_by(Sitting.starts_at)
            found = list(await session.scalars(wanted))
            active = set(await session.scalars(held))
        return [each for each in found if each.booking.id in active]

    async def starts(self) -> list[str]:
        return [f"{each.starts_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" for each in await self.sittings()]


@pytest.fixture
async def desk(site: Site, person: PersonFactory) -> Any:
    court = await Court.open(site)
    account = await court.person("clerk")
    one = await person()
    await one.page.set_viewport_size({"width": 1366, "height": 900})
    await one.sign_in(site.url, account.sign_in_name, account.password)
    today = utc_now().astimezone(SHANGHAI).replace(hour=10, minute=0, second=0, microsecond=0)
    yield Desk(one, court, site.url, await court.room(), await court.person("judge"), today + timedelta(days=16 - today.weekday()))
    assert one.errors == []
    await court.close()


async def test_by_mouse_in_chinese(desk: Desk) -> None:
    page = desk.page
    taken = await desk.court.sitting(room=desk.room, starts_at=desk.first + WEEK + timedelta(minutes=30))
    await page.goto(f"{desk.url}/booking?day={desk.day(0)}")
    await page.click(f'[data-new-sitting][data-room-id="{desk.room.id}"]')
    form = page.locator("#panel [data-sitting-form]")
    await form.locator("[name=case_number]").fill("（2026）京0105民初1909号")
    await form.locator("[name=case_title]").fill("孙某诉某公司劳动争议案")
    await form.locator("[name=start]").fill("10:00")
    await form.locator("[name=participants-0-name]").fill("孙敏")
    await form.locator("[name=chair_id]").select_option(desk.judge.user.id)
    # Repeated weekly: the dates are shown, and the one that is taken is left out.
    await expect(form.locator("[name=repeat_count]")).to_be_hidden()
    await form.locator("[name=repeat]").select_option("weekly")
    await form.locator("[name=repeat_count]").fill("5")
    await form.locator("button[value=save]").click()
    dates = form.locator(".dates li")
    await expect(dates).to_have_count(5)
    await expect(form.locator("#dates")).to_contain_text("每周三 10:00，共 5 次")
    await expect(dates.nth(1)).to_have_attribute("data-state", "taken")
    await expect(dates.nth(1)).to_contain_text("第一次开庭")
    await dates.nth(1).get_by_label("这次不安排").check()
    assert await desk.one.accessibility_faults() == []
    await form.locator("button[value=save]").click()
    await page.wait_for_url("**/sittings/*saved=1")
    await expect(page.locator("dl.pairs").first).to_contain_text("第 1 次，共 4 次")
    clashing = f"{(desk.first + WEEK + timedelta(minutes=30)).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    assert await desk.starts() == [f"{desk.day(0)} 10:00", clashing, *(f"{desk.day(week)} 10:00" for week in (2, 3, 4))]
    # One of them is cancelled.
    third = next(each for each in await desk.sittings() if f"{each.occurrence}".startswith(desk.day(2)))
    await page.goto(f"{desk.url}/booking?day={desk.day(2)}")
    await page.locator(f'.bg-item[data-sitting="{third.id}"] .bg-link').click()
    await page.click('#panel [data-dialog="cancel-dialog"]')
    dialog = page.locator("#cancel-dialog")
    await expect(dialog.get_by_label("仅这一次")).to_be_checked()
    await dialog.locator("[name=reason_code]").select_option("official_absent")
    await dialog.locator("button.solid").click()
    await expect(page.locator(f'.bg-item[data-sitting="{third.id}"]')).to_have_count(0)
    assert await desk.starts() == [f"{desk.day(0)} 10:00", clashing, *(f"{desk.day(week)} 10:00" for week in (3, 4))]
    # This one and those after it are dragged to another time.
    fourth = next(each for each in await desk.sittings() if f"{each.occurrence}".startswith(desk.day(3)))
    await page.goto(f"{desk.url}/booking?day={desk.day(3)}")
    item = page.locator(f'.bg-item[data-sitting="{fourth.id}"]')
    box = await item.bounding_box()
    track = await page.locator(f'.bg-room[data-room="{desk.room.id}"] .bg-track').bounding_box()
    assert box is not None
    assert track is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 1.5, box["y"] + box["height"] / 2, steps=8)
    await page.mouse.up()
    moving = page.locator("#move-dialog")
    await expect(moving).to_contain_text("11:00–12:00")
    await moving.get_by_label("这一次及以后各次").check()
    await moving.locator("[data-move-go]").click()
    await expect(page.locator(f'.bg-item[data-sitting="{fourth.id}"][data-from="660"]')).to_be_attached()
    assert await desk.starts() == [f"{desk.day(0)} 10:00", clashing, f"{desk.day(3)} 11:00", f"{desk.day(4)} 11:00"]
    assert taken.id in {each.id for each in await desk.sittings()}
    assert await desk.one.accessibility_faults() == []


async def test_by_keyboard_alone_in_english(desk: Desk) -> None:
    page = desk.page
    await desk.court.person("judge", "Yang Zhen")
    await page.goto(f"{desk.url}/preferences")
    await page.check('input[name="language"][value="en"]')
    await page.click(".dialog-actions button")

    async def press(*keys: str) -> None:
        for key in keys:
            await page.keyboard.press(key)

    async def reach(what: str) -> None:
        """Tab until what a selector names has the focus."""
        for _ in range(500):
            await page.keyboard.press("Tab")
            if await page.evaluate("what => document.activeElement.matches(what)", what):
                return
        raise AssertionError(f"Tab never reaches {what}")

    await page.goto(f"{desk.url}/booking?day={desk.day(0)}")
    await reach(f'[data-new-sitting][data-room-id="{desk.room.id}"]')
    await press("Enter")
    await expect(page.locator("#case_number")).to_be_focused()
    await page.keyboard.type("（2026）京0105民初1910号")
    await press("Tab")
    await page.keyboard.type("周某诉某公司劳动争议案")
    await reach("#chair_id")
    await page.keyboard.type("Yang Zhen")
    await reach("[name=participants-0-name]")
    await page.keyboard.type("周敏")
    await reach("#repeat")
    await page.keyboard.type("Every day")
    await expect(page.locator("#repeat")).to_have_value("daily")
    await reach("#repeat_n")
    await press("Control+a")
    await page.keyboard.type("7")
    await reach("[name=repeat_count]")
    await press("Control+a")
    await page.keyboard.type("4")
    await press("Enter")
    await expect(page.locator("#panel .dates li")).to_have_count(4)
    await expect(page.locator("#dates")).to_contain_text("Every 7 days at 09:00, 4 times")
    await reach("#panel button[value=save]")
    await press("Enter")
    await page.wait_for_url("**/sittings/*saved=1")
    assert await desk.starts() == [f"{desk.day(week)} 09:00" for week in range(4)]
    # The second one alone is cancelled.
    second = (await desk.sittings())[1]
    await page.goto(f"{desk.url}/booking?day={desk.day(1)}")
    await reach(f'.bg-item[data-sitting="{second.id}"] .bg-link')
    await press("Enter")
    await expect(page.locator("#panel .panel-title")).to_be_visible()
    await reach('#panel [data-dialog="cancel-dialog"]')
    await press("Enter")
    await expect(page.locator("#cancel-dialog").get_by_label("This one only")).to_be_checked()
    await reach("#cancel-code")
    await page.keyboard.type("Application")
    await expect(page.locator("#cancel-code")).to_have_value("withdrawn")
    await reach("#cancel-dialog button.solid")
    await press("Enter")
    await expect(page.locator(f'.bg-item[data-sitting="{second.id}"]')).to_have_count(0)
    assert await desk.starts() == [f"{desk.day(week)} 09:00" for week in (0, 2, 3)]
    # From the third one on they are cancelled.
    third = (await desk.sittings())[1]
    await page.goto(f"{desk.url}/booking?day={desk.day(2)}")
    await reach(f'.bg-item[data-sitting="{third.id}"] .bg-link')
    await press("Enter")
    await expect(page.locator("#panel .panel-title")).to_be_visible()
    await reach('#panel [data-dialog="cancel-dialog"]')
    await press("Enter")
    await expect(page.locator("#cancel-dialog")).to_be_visible()
    if not await page.evaluate("document.activeElement.matches('#cancel-dialog [name=scope]')"):
        await reach("#cancel-dialog [name=scope]")
    await press("ArrowDown")
    await expect(page.locator("#cancel-dialog").get_by_label("This one and those after it")).to_be_checked()
    await reach("#cancel-code")
    await page.keyboard.type("Another")
    await reach("#cancel-code")
    await page.keyboard.type("Application")
    await expect(page.locator("#cancel-code")).to_have_value("withdrawn")
    await reach("#cancel-dialog button.solid")
    await press("Enter")
    await expect(page.locator(f'.bg-item[data-sitting="{third.id}"]')).to_have_count(0)
    assert await desk.starts() == [f"{desk.day(0)} 09:00"]


async def test_a_tentative_one_is_confirmed_and_a_requested_one_is_approved(desk: Desk, person: PersonFactory) -> None:
    page = desk.page
    administrator = await desk.court.person("administrator")
    await set_terms(desk.court.db, desk.room.id, Details(needs_approval=True), administrator.user, utc_now())
    await page.goto(f"{desk.url}/sittings/new?day={desk.day(0)}&room={desk.room.id}")
    form = page.locator("[data-sitting-form]")
    await form.locator("[name=case_number]").fill("（2026）京0105民初1911号")
    await form.locator("[name=case_title]").fill("吴某诉某公司劳动争议案")
    await form.locator("[name=participants-0-name]").fill("吴敏")
    await form.locator("[name=chair_id]").select_option(desk.judge.user.id)
    await form.locator("#hold").check()
    await form.locator("button[value=save]").click()
    await page.wait_for_url("**/sittings/*saved=1")
    await expect(page.locator(".decision")).to_contain_text("暂定保留至")
    (sitting,) = await desk.sittings()
    await page.goto(f"{desk.url}/booking?day={desk.day(0)}")
    item = page.locator(f'.bg-item[data-sitting="{sitting.id}"]')
    await expect(item).to_have_attribute("data-state", "tentative")
    await expect(item).to_contain_text("暂定")
    await item.locator(".bg-link").click()
    await page.locator("#panel .decision button").click()
    await expect(page.locator("#panel .decision")).to_contain_text("等待审批")
    await expect(item).to_contain_text("待审批")
    # The administrator approves it on his page.
    other = await person()
    await other.sign_in(desk.url, administrator.sign_in_name, administrator.password)
    await other.page.goto(f"{desk.url}/booking/requests")
    row = other.page.locator(f'[data-sitting="{sitting.id}"]')
    await row.get_by_role("button", name="批准").click()
    await expect(row).to_have_count(0)
    assert await other.accessibility_faults() == []
    await page.goto(f"{desk.url}/booking/requests")
    await expect(page.locator('[aria-labelledby="outcomes"]')).to_contain_text("已批准")
    assert await desk.one.accessibility_faults() == []
    assert (await desk.sittings())[0].booking.state == "confirmed"
    assert other.errors == []
