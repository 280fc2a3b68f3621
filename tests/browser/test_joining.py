"""A citizen joins by a personal link, or is told in words why not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from dispatch.booking import bookings
from dispatch.identity import invitations
from dispatch.sittings import participants
from dispatch.store.tables import Invitation, utc_now
from tests.browser.conftest import PersonFactory
from tests.browser.court import Court, Held
from tests.browser.participants import PHONE, Person

WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0.49"


async def consent(page: Page, link: str) -> None:
    await page.goto(link)
    await page.check("input[name=agree]")
    await page.click("form[action$=consent] button")
    await page.wait_for_url(re.compile("/check$"))


async def reads(page: Page, *words: str) -> None:
    for text in words:
        await expect(page.locator("main")).to_contain_text(text)


async def is_accessible(person: Person) -> None:
    assert await person.accessibility_faults() == []


@pytest.mark.main
async def test_the_whole_way_from_the_link_to_the_waiting_room_on_a_phone(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(viewport=PHONE)
    page = li.page
    await page.goto(held.links["李明"])
    assert held.links["李明"].rsplit("/", 1)[1] not in page.url, "the token is still in the address"
    await reads(page, "录音录像", "您的权利", "李明")
    await is_accessible(li)

    await page.click("form[action$=consent] button")
    await reads(page, "如您同意，请先勾选")
    await page.check("input[name=agree]")
    await page.click("form[action$=consent] button")
    await page.wait_for_url(re.compile("/check$"))

    await page.click('[data-part="start"]')
    await page.get_by_role("button", name="听到了").click(timeout=30_000)
    await expect(page.locator('[data-part="verdict"]')).to_contain_text("一切正常", timeout=40_000)
    assert await page.locator('.check-row[data-state="ok"]').count() == 4
    await is_accessible(li)
    clerk = await seen_by_the_clerk(court, held, "李明")
    assert {part: clerk[part]["ok"] for part in ("camera", "microphone", "speaker", "network")} == {
        "camera": True,
        "microphone": True,
        "speaker": True,
        "network": True,
    }
    assert clerk["network"]["frames"] >= 15

    await page.click('[data-part="next"]')
    await page.wait_for_selector('#hearing[data-screen="waiting"]')
    await reads(page, "等候中", "书记员将请您进入", "没有人能看到或听到您")
    await is_accessible(li)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert li.errors == []


async def seen_by_the_clerk(court: Court, held: Held, name: str) -> dict[str, Any]:
    found = await participants.get(court.db, held.participants[name])
    assert found.consented_at is not None
    assert found.device_check is not None
    return found.device_check


async def test_the_same_browser_needs_no_second_consent_and_fetching_the_link_consumes_nothing(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person()
    for _ in range(3):
        assert (await li.context.request.get(held.links["李明"])).ok
    await consent(li.page, held.links["李明"])
    await li.page.goto(held.links["李明"])
    await reads(li.page, "您已于")
    await li.page.get_by_role("link", name="设备检测").click()
    await li.page.wait_for_url(re.compile("/check$"))


async def test_who_does_not_agree_is_told_whom_to_call(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(viewport=PHONE)
    await li.page.goto(held.links["李明"])
    await li.page.click("form[action$=refuse] button")
    await reads(li.page, "您未同意在线参加", "010-5550 1200")
    await is_accessible(li)
    await li.page.goto(f"{court.site.url}/join/sitting/{held.id}/waiting")
    assert li.page.url.endswith(f"/join/sitting/{held.id}/"), "the waiting room opened without consent"


async def test_links_that_do_not_open_say_why(court: Court, person: PersonFactory) -> None:
    moved, expired, cancelled = await court.sitting(), await court.sitting(), await court.sitting()
    clerk = (await court.person("clerk")).user
    await invitations.revoke(court.db, moved.participants["李明"], "clerk")
    async with court.db.writer() as session:
        for invitation in await session.run_sync(
            lambda s: s.query(Invitation).filter_by(participant_id=expired.participants["李明"]).all()
        ):
            invitation.expires_at = utc_now() - timedelta(minutes=1)
    await bookings.cancel(court.db, cancelled.id, "法官生病", clerk, utc_now())
    li = await person(viewport=PHONE)
    for link, words in (
        (f"{court.site.url}/join/{'x' * 43}", "无法识别此链接"),
        (moved.links["李明"], "此链接已失效"),
        (expired.links["李明"], "此链接已过期"),
        (cancelled.links["李明"], "本场已取消"),
    ):
        await li.page.goto(link)
        await reads(li.page, words, "010-5550 1200")
        await is_accessible(li)


async def test_before_the_waiting_room_opens_devices_can_be_checked_and_the_day_is_named(court: Court, person: PersonFactory) -> None:
    held = await court.sitting(starts_in=timedelta(days=3))
    li = await person(viewport=PHONE)
    await consent(li.page, held.links["李明"])
    await li.page.click('[data-part="start"]')
    await expect(li.page.locator('[data-check="camera"]')).to_have_attribute("data-state", "ok")
    await li.page.goto(f"{court.site.url}/join/sitting/{held.id}/waiting")
    await reads(li.page, "您来早了", "等候室将于")
    await is_accessible(li)
    await li.page.goto(f"{court.site.url}/hearing/{held.id}?via=link")
    await reads(li.page, "您来早了")


async def test_a_refused_camera_has_a_cause_a_remedy_and_a_second_try(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(granted=False, viewport=PHONE)
    await consent(li.page, held.links["李明"])
    await li.page.click('[data-part="start"]')
    row = li.page.locator('[data-check="camera"]')
    await expect(row).to_have_attribute("data-state", "failed")
    await expect(row).to_contain_text("浏览器未获准使用摄像头")
    await li.page.get_by_role("button", name="听到了").click(timeout=30_000)
    # The path is proven all the same, with a picture of the page's own.
    await expect(li.page.locator('[data-check="network"]')).to_have_attribute("data-state", "ok", timeout=30_000)
    await reads(li.page, "书记员会看到缺少的项目")
    checked = await seen_by_the_clerk(court, held, "李明")
    assert (checked["camera"]["ok"], checked["camera"]["code"]) == (False, "denied")
    await is_accessible(li)
    await li.context.grant_permissions(["camera", "microphone"])
    await row.get_by_role("button", name="重试").click()
    await expect(row).to_have_attribute("data-state", "ok")


async def test_without_a_camera_the_page_says_so(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(devices=False)
    await consent(li.page, held.links["李明"])
    await li.page.click('[data-part="start"]')
    await expect(li.page.locator('[data-check="camera"]')).to_contain_text("未找到摄像头")
    await expect(li.page.locator('[data-check="microphone"]')).to_contain_text("未找到麦克风")


async def test_a_blocked_udp_path_is_named(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person()
    # A network that swallows what goes to the court's port: the answer names a port where nobody listens.
    await li.context.add_init_script(
        """const take = RTCPeerConnection.prototype.setRemoteDescription;
        RTCPeerConnection.prototype.setRemoteDescription = function (description) {
          return take.call(this, { type: description.type, sdp: description.sdp.replace(/127\\.0\\.0\\.1 \\d+ typ/g, '127.0.0.1 9 typ') });
        };"""
    )
    await consent(li.page, held.links["李明"])
    await li.page.click('[data-part="start"]')
    await li.page.get_by_role("button", name="听到了").click(timeout=30_000)
    await expect(li.page.locator('[data-check="network"]')).to_contain_text("UDP", timeout=40_000)
    assert (await seen_by_the_clerk(court, held, "李明"))["network"]["code"] == "udp_blocked"


async def test_wechat_is_told_to_open_the_link_in_a_browser(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(viewport=PHONE)
    await li.page.set_extra_http_headers({"User-Agent": WECHAT})
    await li.page.goto(held.links["李明"])
    await reads(li.page, "请换用其他浏览器打开链接", "WeChat", "在浏览器打开")
    assert await li.page.input_value("#link") == held.links["李明"]
    await expect(li.page.get_by_role("button", name="复制链接")).to_be_visible()
    assert not [cookie for cookie in await li.context.cookies() if cookie["name"].startswith("resume-")]
    await is_accessible(li)


async def test_a_browser_without_webrtc_is_told_what_to_do(court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person(viewport=PHONE)
    await li.context.add_init_script("delete window.RTCPeerConnection")
    await li.page.goto(held.links["李明"])
    await li.page.wait_for_url(re.compile("/unsupported"))
    await reads(li.page, "请换用其他浏览器打开链接", "010-5550 1200")
    assert await li.page.input_value("#link") == held.links["李明"]
