"""Live video from a phone in the field to the wall of the command centre, in Chromium: begun by one press, on the wall by one click, seen
and heard there, and over when its sender ends it. GALLERY=folder keeps pictures of each state in both languages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from dispatch.console.field import orders, teams
from dispatch.console.field.orders import Doing, TaskDraft
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.store.tables import utc_now
from tests.browser import gallery
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import eventually
from tests.browser.participants import Person
from tests.browser.site import Site

PHONE = {"width": 390, "height": 844}


async def kept(page: Page, name: str, english: bool = True) -> None:
    """Nothing is wider than the window; a picture where GALLERY names a folder."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, name
    if gallery.FOLDER:
        language = await page.evaluate("document.documentElement.lang")
        await page.screenshot(path=Path(gallery.FOLDER) / f"live-{name}-{language}.png", full_page=english)


async def frames(officer: Person) -> int:
    """Pictures decoded in the first window of the wall."""
    if not await officer.page.locator("wall-tile:nth-of-type(1) video").count():
        return 0
    return (await officer.inbound("wall-tile:nth-of-type(1) video")).get("video", {}).get("framesDecoded", 0)


async def plays(officer: Person) -> None:
    """Wait until pictures go on there."""
    before = await frames(officer)

    async def more() -> bool:
        return await frames(officer) > before + 5

    await eventually(more, "the wall shows the phone's picture", 40)


@pytest.mark.main
@pytest.mark.parametrize("language", ["zh-CN", pytest.param("en", marks=pytest.mark.long)])
async def test_a_phone_goes_live_for_a_task_and_an_officer_has_it_on_the_wall_in_one_click(
    site: Site, person: PersonFactory, language: str
) -> None:
    court = await Court.open(site)
    in_the_field = await court.person("field", "林涛", language)
    account = await court.person("officer", "梁雨", language, rank="watch")
    now = utc_now()
    called = TeamDraft(f"望河中队{in_the_field.sign_in_name}", "Wanghe team", members=(Member(in_the_field.user.id),))
    team = await teams.add(court.db, called, "test", now)
    wanted = TaskDraft("查看北河沿排污口", "北河沿街桥东", team.id, now + timedelta(hours=2))
    task = await orders.draft(court.db, wanted, account.user, now)
    await orders.act(court.db, task.id, "send", account.user, now)
    await orders.act(court.db, task.id, "sign", in_the_field.user, now, Doing(key=f"sign-{task.id}"))

    phone, officer = await person(0, viewport=PHONE, language=language), await person(1, devices=False, language=language)
    await phone.sign_in(site.url, in_the_field.sign_in_name, in_the_field.password)
    await officer.sign_in(site.url, account.sign_in_name, account.password)
    await phone.page.goto(f"{site.url}/field")
    await expect(phone.page.locator("[data-begin]")).to_be_visible()
    await kept(phone.page, "idle")
    card = phone.page.locator(f'[data-task="{task.id}"]')
    await card.locator("summary").click()
    await kept(phone.page, "task")
    await card.locator("[data-act=live]").press("Enter")
    await expect(phone.page.locator("field-live.is-live video")).to_be_visible()
    await expect(phone.page.locator("[data-stop]")).to_be_focused()
    unwatched = {"zh-CN": "暂无人观看", "en": "nobody in the command centre is watching yet"}[language]
    await expect(phone.page.locator(".live-state")).to_contain_text(unwatched)
    await expect(card.locator("[data-act=live]")).to_have_count(0)  # it is live for this task
    assert await phone.accessibility_faults() == []
    await kept(phone.page, "unwatched")

    await officer.page.goto(f"{site.url}/console/tasks/{task.id}")
    put = officer.page.locator("[data-feed] a")
    await put.wait_for()
    await kept(officer.page, "task-page")
    assert await officer.accessibility_faults() == []
    await put.click()
    await officer.page.locator("wall-tile:nth-of-type(1)[data-sitting^=feed-]").wait_for()
    await plays(officer)
    await expect(phone.page.locator(".live-watchers")).to_contain_text("梁雨")
    await expect(phone.page.locator(".live-state")).not_to_contain_text(unwatched)
    await kept(phone.page, "watched")
    await kept(officer.page, "wall", english=False)
    assert await officer.accessibility_faults() == []
    await officer.page.locator("wall-tile:nth-of-type(1)").click()
    await officer.page.keyboard.press("m")

    async def heard() -> bool:
        return await officer.packets_received("audio") > 20

    await eventually(heard, "the phone is heard on the wall", 30)

    await phone.context.set_offline(True)
    await expect(phone.page.locator("field-live.is-away")).to_be_visible()
    await kept(phone.page, "away")
    await phone.context.set_offline(False)
    await expect(phone.page.locator("field-live.is-away")).to_have_count(0)
    await plays(officer)

    await phone.page.locator("[data-sound]").click()
    await expect(phone.page.locator("[data-sound]")).to_have_attribute("aria-pressed", "false")
    await phone.page.locator("[data-stop]").click()
    await expect(phone.page.locator("[data-begin]")).to_be_focused()
    await expect(card.locator("[data-act=live]")).to_be_visible()
    await expect(officer.page.locator("wall-tile:nth-of-type(1) video")).to_have_count(0)
    await kept(officer.page, "wall-over", english=False)
    assert phone.errors == officer.errors == []
    await court.close()


@pytest.mark.long
async def test_a_phone_that_refuses_its_camera_is_told_what_to_do(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    account = await court.person("field", "赵一")
    await teams.add(court.db, TeamDraft(f"试点中队{account.sign_in_name}", members=(Member(account.user.id),)), "test", utc_now())
    phone = await person(0, viewport=PHONE, granted=False, devices=False)
    await phone.sign_in(site.url, account.sign_in_name, account.password)
    await phone.page.goto(f"{site.url}/field")
    await phone.page.locator("[data-begin]").click()
    await expect(phone.page.locator("field-live [role=alert]")).to_be_visible()
    await kept(phone.page, "refused")
    assert await phone.accessibility_faults() == []
    await expect(phone.page.locator("[data-begin]")).to_be_enabled()
    await court.close()
