"""Hands, written messages, the lock and the notices of the command centre, as people see them."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(180)


async def write(page: Page, text: str, to: str = "") -> None:
    if to:
        await page.select_option("#message-to", label=to)
    await page.fill("#message-text", text)
    await page.keyboard.press("Enter")


async def test_what_is_written_is_read_by_whom_it_is_for(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(viewport=PHONE), held, "李明", devices=False)
    wang = await to_the_waiting_room(await person(), held, "王芳", devices=False)
    await chair.admit_all()
    for seat in (li, wang):
        await seat.until_inside()
    page, phone, other = chair.person.page, li.person.page, wang.person.page

    await phone.click('[data-part="tool-messages"]')
    await write(phone, "请求提交新证据", "主持人")
    await expect(page.locator('[data-part="messages-count"]')).to_have_text("1")
    await page.keyboard.press("c")
    await expect(page.locator("#messages-panel .message-text")).to_have_text("请求提交新证据")
    await write(page, "请双方看第二页", "场内全体")
    await expect(phone.locator("#messages-panel .message-text")).to_have_text(["请求提交新证据", "请双方看第二页"])
    await other.keyboard.press("c")
    await expect(other.locator("#messages-panel .message-text")).to_have_text("请双方看第二页")
    for one in (chair, li):
        assert await one.person.accessibility_faults() == []
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    await page.keyboard.press("Escape")
    await expect(page.locator("#messages-panel")).to_be_hidden()
    await other.keyboard.press("Escape")
    await other.keyboard.press("h")
    await expect(chair.tile("王芳").locator(".tile-hand")).to_contain_text("1")
    if await page.locator('[data-part="drawer"]').is_hidden():
        await page.keyboard.press("p")
    await page.click('[data-act="lower-hand"]')
    await expect(other.locator('[data-part="tool-hand"]')).to_have_attribute("aria-pressed", "false")


async def test_whoever_waits_writes_to_the_clerk_and_a_locked_hearing_says_so(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "party"),), with_clerk=True)
    assert held.clerk is not None
    chair = await take_the_chair(await person(), site, held)
    clerk = await person()
    await clerk.sign_in(site.url, held.clerk.sign_in_name, held.clerk.password)
    await clerk.page.goto(f"{site.url}/hearing/{held.id}")
    await clerk.page.click('[data-part="enter"]')
    li = await to_the_waiting_room(await person(viewport=PHONE), held, "李明", devices=False)
    await li.person.page.fill("#clerk-text", "我听不到声音")
    await li.person.page.get_by_role("button", name="发送").click()
    await expect(clerk.page.locator('[data-part="messages-count"]')).to_have_text("1")
    await clerk.page.keyboard.press("c")
    await write(clerk.page, "请检查扬声器", "李明（当事人）")
    await expect(li.person.page.locator('[data-part="clerk-messages"] .message-text')).to_have_text(["我听不到声音", "请检查扬声器"])

    await chair.person.page.click('[data-act="lock"]')
    await expect(li.person.page.locator('[data-part="before-title"]')).to_have_text("等候中 · 暂不准许进入")
    await chair.admit("李明")
    await expect(chair.person.page.locator("#toasts")).to_contain_text("会场已锁定")
    assert await li.person.accessibility_faults() == []
    await chair.person.page.click('[data-act="lock"]')
    await expect(li.person.page.locator('[data-part="before-title"]')).to_have_text("等候中 · 书记员将请您进入")
    await chair.admit("李明")
    await li.until_inside()


async def test_the_command_centre_writes_above_everything_else(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "party"),))
    chair = await take_the_chair(await person(), site, held)
    account = await court.person("officer", "梁雨")
    officer = await person()
    await officer.sign_in(site.url, account.sign_in_name, account.password)
    await officer.page.goto(f"{site.url}/console/sittings/{held.id}")
    await officer.page.click("[data-write]")
    await officer.page.fill("#write-text", "网络将于五分钟后切换")
    assert await officer.accessibility_faults() == []
    await officer.page.click("[data-write-send]")
    notice = chair.person.page.locator('[data-part="notices"]')
    await expect(notice).to_contain_text("指挥中心：网络将于五分钟后切换")
    await expect(notice).to_contain_text("梁雨")
    assert await chair.person.accessibility_faults() == []
    await notice.get_by_role("button", name="已知悉").click()
    await expect(notice.locator("li")).to_have_count(0)
    await chair.person.page.reload()
    await chair.until_inside()
    await expect(notice.locator("li")).to_have_count(0)


async def test_the_chair_is_given_more_time_or_told_what_is_in_the_way(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "party"),))
    chair = await take_the_chair(await person(), site, held)
    page = chair.person.page
    before = (await chair.view())["sitting"]["ends_at_us"]
    await page.click('[data-act="extend"][data-minutes="30"]')
    await chair.until(lambda f: f["view"]["sitting"]["ends_at_us"] == before + 1_800_000_000, "sees the later end")


async def test_what_nobody_can_read_yet_is_back_in_its_field_and_why_is_said_beside_it(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    page = (await to_the_waiting_room(await person(viewport=PHONE), held, "李明", devices=False)).person.page
    await page.fill("#clerk-text", "我到了")
    await page.keyboard.press("Enter")
    await expect(page.locator("#clerk-text + .field-error")).to_have_text("目前没有可以收到留言的人。")
    await expect(page.locator("#clerk-text")).to_have_value("我到了")
    await page.fill("#clerk-text", "我还在等")
    await expect(page.locator("#clerk-text + .field-error")).to_be_hidden()


#: The first written message gets no further than the browser, whose connection breaks with it.
BREAKS = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (!String(data).includes('"write"')) return send.call(this, data);
    WebSocket.prototype.send = send;
    this.close();
  };
}"""


@pytest.mark.long
async def test_what_was_lost_with_the_connection_is_back_in_its_field_and_what_arrived_is_not(
    site: Site, court: Court, person: PersonFactory
) -> None:
    held = await court.sitting((("李明", "party"),))
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明", devices=False)
    await chair.admit("李明")
    await li.until_inside()
    page = li.person.page
    await page.keyboard.press("c")
    await write(page, "第一份材料已上传", "主持人")
    await expect(page.locator("#messages-panel .message-text")).to_have_text("第一份材料已上传")
    await page.evaluate(BREAKS)
    await write(page, "第二份材料已上传", "主持人")
    await expect(page.locator("#message-text + .field-error")).to_have_text("连接在送达之前中断，请重新发送。", timeout=20_000)
    await expect(page.locator("#message-text")).to_have_value("第二份材料已上传")
    await page.focus("#message-text")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages-panel .message-text")).to_have_text(["第一份材料已上传", "第二份材料已上传"])
    await expect(page.locator("#message-text")).to_have_value("")
    await expect(page.locator("#message-text + .field-error")).to_be_hidden()
    await expect(chair.person.page.locator('[data-part="messages-count"]')).to_have_text("2")
