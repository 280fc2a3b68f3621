"""A clerk at the calendar: books, drags, pulls, meets a clash, by mouse and by keyboard alone, in the day, the week and the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Locator, Page, expect

from dispatch.store.tables import Room, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.site import Site

pytestmark = pytest.mark.main
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Calendar:
    """A clerk's page, on a Tuesday in a fortnight."""

    page: Page
    url: str
    day: datetime

    async def show(self, view: str, days: int = 0) -> None:
        day = (self.day + timedelta(days=days)).date()
        await self.page.goto(f"{self.url}/booking?day={day}&view={view}")

    def item(self, sitting: str) -> Locator:
        return self.page.locator(f'.bg-item[data-sitting="{sitting}"]').first

    async def is_at(self, sitting: str, room: Room, start: str, end: str, days: int = 0) -> None:
        """Until the sitting is shown there."""
        first, last = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (start, end))
        day = (self.day + timedelta(days=days)).date()
        item = f'.bg-item[data-sitting="{sitting}"][data-from="{first}"][data-to="{last}"]'
        in_day = f'booking-grid[data-day="{day}"] .bg-room[data-room="{room.id}"] {item}'
        in_cell = f'.bw-cell[data-day="{day}"] {item}[data-room="{room.id}"]'
        await expect(self.page.locator(f"{in_day}, {in_cell}")).to_be_attached(timeout=30_000)

    async def drag(self, what: Locator, x: float, y: float, *, at: float = 0.5) -> None:
        """Press at a share of its width, move to a point of the page, let go."""
        await what.scroll_into_view_if_needed()
        box = await what.bounding_box()
        assert box is not None
        await self.page.mouse.move(box["x"] + box["width"] * at, box["y"] + box["height"] / 2)
        await self.page.mouse.down()
        await self.page.mouse.move(x, y, steps=8)
        await self.page.mouse.up()

    async def point_at(self, room: Room, clock: str) -> tuple[float, float]:
        """Where a time of the day's grid is."""
        grid = self.page.locator("booking-grid")
        first, last = [int(str(await grid.get_attribute(name))) for name in ("data-from", "data-to")]
        box = await self.page.locator(f'.bg-room[data-room="{room.id}"] .bg-track').bounding_box()
        assert box is not None
        minutes = int(clock[:2]) * 60 + int(clock[3:])
        return box["x"] + box["width"] * (minutes - first) / (last - first), box["y"] + box["height"] / 2

    async def agree(self) -> None:
        await self.page.click("[data-move-go]")
        await expect(self.page.locator("#move-dialog")).to_be_hidden()


@pytest.fixture
async def clerk(site: Site, person: PersonFactory) -> Any:
    court = await Court.open(site)
    account = await court.person("clerk")
    one = await person()
    await one.page.set_viewport_size({"width": 1366, "height": 900})
    await one.sign_in(site.url, account.sign_in_name, account.password)
    today = utc_now().astimezone(SHANGHAI).replace(hour=10, minute=0, second=0, microsecond=0)
    day = today + timedelta(days=15 - today.weekday())  # a Tuesday
    while day.month != (day + timedelta(days=8)).month:  # in a month that has the next week too
        day += timedelta(days=7)
    yield court, Calendar(one.page, site.url, day), one
    assert one.errors == []
    await court.close()


async def test_by_mouse_in_chinese(clerk: Any) -> None:
    court, calendar, one = clerk
    page = calendar.page
    first, second = await court.room(), await court.room()
    sitting = (await court.sitting(room=first, starts_at=calendar.day)).id
    other = (await court.sitting(room=second, starts_at=calendar.day + timedelta(hours=3))).id
    await calendar.show("day")
    # Dragged to another room and time.
    x, y = await calendar.point_at(second, "15:30")
    await calendar.drag(calendar.item(sitting), x, y)
    await expect(page.locator("#move-dialog")).to_contain_text("15:00–16:00")
    await calendar.agree()
    await calendar.is_at(sitting, second, "15:00", "16:00")
    # An edge is pulled.
    edge = calendar.item(sitting).locator('[data-edge="end"]')
    x, y = await calendar.point_at(second, "16:30")
    await calendar.drag(edge, x, y)
    await calendar.agree()
    await calendar.is_at(sitting, second, "15:00", "16:30")
    # Onto another sitting: the clash is named, and the nearest free time is one press away.
    x, y = await calendar.point_at(second, "13:45")
    await calendar.drag(calendar.item(sitting), x, y)
    await calendar.agree()
    conflict = page.locator("#conflict-dialog")
    await expect(conflict).to_contain_text("第一次开庭")
    await conflict.locator("[data-conflict-nearest]").click()
    await calendar.is_at(sitting, second, "14:00", "15:30")
    await calendar.is_at(other, second, "13:00", "14:00")
    # An empty time is clicked and booked.
    judge = await court.person("judge")
    await page.mouse.click(*await calendar.point_at(first, "09:10"))
    form = page.locator("#panel [data-sitting-form]")
    await expect(form.locator("[name=start]")).to_have_value("09:00")
    await form.locator("[name=case_number]").fill("（2026）京0105民初909号")
    await form.locator("[name=case_title]").fill("赵某诉某公司合同纠纷案")
    await form.locator("[name=participants-0-name]").fill("赵敏")
    await form.locator("[name=chair_id]").select_option(judge.user.id)
    await form.locator('button[value="save"]').click()
    await page.wait_for_url(lambda address: "/sittings/" in address or "sitting=" in address)
    await calendar.show("day")
    await expect(page.locator(f'.bg-room[data-room="{first.id}"] .bg-item[data-from="540"]')).to_contain_text("赵某诉某公司")
    # In the week to the next day, in the month to the week after.
    await calendar.show("week")
    target = page.locator(f'.bw-cell[data-room="{first.id}"][data-day="{(calendar.day + timedelta(days=1)).date()}"]')
    box = await target.bounding_box()
    assert box is not None
    await calendar.drag(calendar.item(sitting), box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    await calendar.agree()
    await calendar.is_at(sitting, first, "14:00", "15:30", days=1)
    await calendar.show("month")
    await page.locator(f'.bw-cell[data-day="{(calendar.day + timedelta(days=8)).date()}"]').scroll_into_view_if_needed()
    box = await page.locator(f'.bw-cell[data-day="{(calendar.day + timedelta(days=8)).date()}"]').bounding_box()
    assert box is not None
    await calendar.drag(calendar.item(sitting), box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    await calendar.agree()
    await calendar.is_at(sitting, first, "14:00", "15:30", days=8)
    assert await one.accessibility_faults() == []


async def test_a_move_outside_working_hours_asks_for_the_reason(clerk: Any) -> None:
    court, calendar, one = clerk
    page = calendar.page
    room = await court.room()
    sitting = (await court.sitting(room=room, starts_at=calendar.day)).id
    await calendar.show("day")
    x, y = await calendar.point_at(room, "12:45")
    await calendar.drag(calendar.item(sitting), x, y)
    await calendar.agree()
    asked = page.locator("dialog[open]")
    await expect(asked).to_contain_text("09:00-12:00, 13:30-17:30")
    assert await one.accessibility_faults() == []
    # Escape leaves it where it is; an empty reason is none.
    await page.keyboard.press("Escape")
    await calendar.is_at(sitting, room, "10:00", "11:00")
    await calendar.drag(calendar.item(sitting), x, y)
    await calendar.agree()
    await asked.locator("button[type=submit]").click()
    await expect(asked.locator("[role=alert]")).to_be_visible()
    await asked.locator("textarea").fill("证人下午出境")
    await asked.locator("button[type=submit]").click()
    await calendar.is_at(sitting, room, "12:15", "13:15")
    await calendar.item(sitting).locator(".bg-link").click()
    await expect(page.locator("#panel")).to_contain_text("证人下午出境")


async def test_by_keyboard_alone_in_english(clerk: Any) -> None:
    court, calendar, one = clerk
    page = calendar.page
    room = await court.room()
    sitting = (await court.sitting(room=room, starts_at=calendar.day)).id
    await court.sitting(room=room, starts_at=calendar.day + timedelta(hours=2))
    await page.goto(f"{calendar.url}/preferences")
    await page.check('input[name="language"][value="en"]')
    await page.click(".dialog-actions button")

    async def press(*keys: str) -> None:
        for key in keys:
            await page.keyboard.press(key)

    async def reach() -> None:
        """Tab until the sitting has the focus."""
        for _ in range(400):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.closest('.bg-item')?.dataset.sitting ?? ''") == sitting:
                return
        raise AssertionError("Tab never reaches the sitting")

    await calendar.show("day")
    await reach()
    await press("Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+Shift+ArrowRight")
    await expect(page.locator('[aria-live="polite"], [role=status]').filter(has_text="09:30–10:45").first).to_be_attached()
    await press("Enter")
    await expect(page.locator("#move-dialog")).to_contain_text("09:30–10:45")
    await press("Enter")
    await calendar.is_at(sitting, room, "09:30", "10:45")
    # Onto the other one: Escape leaves it, Enter is refused in words, and the nearest time is taken.
    await reach()
    await press(*["Alt+ArrowRight"] * 8, "Escape")
    await calendar.is_at(sitting, room, "09:30", "10:45")
    await press(*["Alt+ArrowRight"] * 8, "Enter")
    await expect(page.locator("#move-dialog")).to_contain_text("11:30–12:45")
    await press("Enter")
    conflict = page.locator("#conflict-dialog")
    await expect(conflict).to_be_visible()
    await press("Tab")
    await expect(conflict.locator("[data-conflict-nearest]")).to_be_focused()
    await press("Enter")
    await calendar.is_at(sitting, room, "10:45", "12:00")
    await calendar.show("week")
    await reach()
    await press("Alt+ArrowRight", "Alt+Shift+ArrowLeft", "Enter")
    await expect(page.locator("#move-dialog")).to_contain_text("10:30–11:45")
    await press("Enter")
    await calendar.is_at(sitting, room, "10:30", "11:45", days=1)
    await calendar.show("month")
    await reach()
    await press("Alt+ArrowDown", "Enter")
    await expect(page.locator("#move-dialog")).to_be_visible()
    await press("Enter")
    await calendar.is_at(sitting, room, "10:30", "11:45", days=8)
    assert await one.accessibility_faults() == []
