"""A copy from asking to its receiver's table: asked for, approved by somebody else, made by the jobs process, fetched, and checked by the
page in it without network."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.gallery import photographed
from tests.browser.participants import CHROMIUM
from tests.browser.site import Site
from tests.browser.test_package_page import OFFLINE
from tests.browser.test_playback import recorded

pytestmark = pytest.mark.timeout(200)


async def test_a_copy_is_asked_for_approved_made_fetched_and_checked_offline(
    site: Site, person: PersonFactory, playwright: Playwright, tmp_path: Path
) -> None:
    court = await Court.open(site)
    sitting = (await recorded(court, site)).id
    asking, deciding = await court.person("officer", "梁雨"), await court.person("administrator", "许文博", language="en")
    officer, administrator = await person(2), await person(3)

    await officer.sign_in(site.url, asking.sign_in_name, asking.password)
    page = officer.page
    await page.goto(f"{site.url}/archive/{sitting}")
    await page.locator(".stage-film").wait_for(timeout=90_000)
    await expect(page.locator("viewer-mark span").first).to_contain_text("梁雨")
    await photographed(page, "copies-playback")
    await page.get_by_role("link", name="申请副本").click()
    for name, value in (("receiver", "王律师"), ("unit", "云河律师事务所"), ("purpose", "准备二审"), ("basis", "刑事诉讼法第四十条")):
        await page.fill(f"[name={name}]", value)
    await page.get_by_role("radio", name="原始文件与影像").press("Space")
    await page.get_by_role("button", name="提交申请").click()
    await expect(page.locator("#originals_reason-error-1")).to_be_visible()
    assert await page.input_value("[name=receiver]") == "王律师"
    assert await officer.accessibility_faults() == []
    await photographed(page, "copies-form")
    await page.fill("[name=originals_reason]", "司法鉴定")
    await page.get_by_role("button", name="提交申请").click()
    await expect(page.locator("copy-state")).to_contain_text("待审批")
    assert await page.get_by_role("button", name="批准").count() == 0

    await administrator.sign_in(site.url, deciding.sign_in_name, deciding.password)
    await administrator.page.goto(f"{site.url}/copies")
    await photographed(administrator.page, "copies-waiting-en")
    assert await administrator.accessibility_faults() == []
    await administrator.page.locator("section", has_text="Wait for your decision").locator("a.figures").first.click()
    await administrator.page.get_by_role("button", name="Approve").click()
    await expect(administrator.page.locator("copy-state")).not_to_contain_text("Waits")

    await page.reload()
    fetching = page.get_by_role("link", name="领取副本")
    await expect(fetching).to_be_visible(timeout=90_000)  # the page follows the making by itself
    assert await officer.accessibility_faults() == []
    await photographed(page, "copies-ready")
    async with page.expect_download() as begun:
        await fetching.click()
    path = tmp_path / (await begun.value).suggested_filename
    await (await begun.value).save_as(path)
    assert path.suffix == ".zip"
    with zipfile.ZipFile(path) as package:
        package.extractall(tmp_path / "given")
    assert officer.errors == []

    browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=OFFLINE)
    offline = await (await browser.new_context(offline=True)).new_page()
    await offline.goto((tmp_path / "given" / "verify.html").as_uri())
    await offline.locator("#files").set_input_files(path)
    await expect(offline.locator("#verdict")).to_have_attribute("data-state", "ok", timeout=30_000)
    await expect(offline.locator("#result")).to_contain_text("王律师")
    await photographed(offline, "copies-verify")
    await offline.goto((tmp_path / "given" / "cover.html").as_uri())
    await expect(offline.locator("body")).to_contain_text("司法鉴定")
    await offline.emulate_media(media="print")
    await photographed(offline, "copies-cover")
    assert (await offline.pdf(format="A4", print_background=True)).startswith(b"%PDF")
    await browser.close()
    await court.close()
