"""Teams in the field, in a browser: a task sent from the console is signed for on a phone without a connection, goes off when there is one
again, is reported with a photo and a position, checked and closed. GALLERY=folder keeps a picture of each page."""

from __future__ import annotations

import io
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, Geolocation, Page, Playwright, expect

from dispatch.console.field import listing, positions, teams
from dispatch.console.field.teams import Member, TeamDraft
from tests.browser import gallery
from tests.browser.participants import CHROMIUM, FLAGS, accessibility_faults
from tests.browser.test_keeping_pages import signed_in
from tests.dispatch.web.conftest import NOW, Site, founded, settings, site, site_engines, templates  # noqa: F401 - fixtures of a site without engine

HERE: Geolocation = {"latitude": 39.9219, "longitude": 116.4432, "accuracy": 9}


@pytest_asyncio.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    made = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS])
    yield made
    await made.close()


async def kept(page: Page, name: str, *widths: int) -> None:
    """Nothing is wider than the window, and axe-core finds nothing; a picture where GALLERY names a folder."""
    language = await page.evaluate("document.documentElement.lang")
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 844 if width < 500 else 1440 if width > 2000 else 900})
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} at {width}"
        if width == widths[0]:
            assert await accessibility_faults(page) == [], name
        if gallery.FOLDER:
            await page.screenshot(path=Path(gallery.FOLDER) / f"field-{name}-{language}-{width}.png", full_page=True)


def photo(folder: Path) -> Path:
    """A photo as a phone makes one: held upright, 900 kB."""
    about = Image.Exif()
    about[0x0112] = 6
    made = io.BytesIO()
    noise = Image.frombytes("RGB", (160, 120), secrets.token_bytes(160 * 120 * 3)).resize((1600, 1200))
    noise.save(made, "JPEG", quality=95, exif=about)
    (folder / "现场.jpg").write_bytes(made.getvalue())
    return folder / "现场.jpg"


@pytest.mark.main
async def test_a_task_is_sent_signed_for_off_line_reported_with_a_photo_checked_and_closed(
    browser: Browser,
    site: Site,  # noqa: F811
    tmp_path: Path,
) -> None:
    member = site.users["field"]
    draft = TeamDraft("望河中队", "Wanghe team", "望河街道", "010 6550 4101", members=(Member(member.id, leads=True),))
    await teams.add(site.db, draft, "test", NOW)
    officer, phone = await signed_in(browser, site, "officer"), await signed_in(browser, site, "field", "zh-CN", 390)
    await phone.goto(str(site.server.make_url("/field?language=zh-CN")))
    await phone.context.grant_permissions(["geolocation"])
    await phone.context.set_geolocation(HERE)
    await expect(phone.locator(".empty")).to_be_visible()
    await phone.evaluate("navigator.serviceWorker.ready.then(() => true)")

    await officer.goto(str(site.server.make_url("/console/tasks/new?latitude=39.9219&longitude=116.4432")))
    await officer.fill("#title", "查看北河沿排污口")
    await officer.fill("#text", "拍全景与近景各一张，记录排水颜色与气味。")
    await officer.fill("#place", "北河沿街 12 号桥东侧")
    await officer.select_option("#to", label="Field · Officer")
    await kept(officer, "new", 1366)
    await officer.click("button[value=send]")
    await expect(officer.locator("h1")).to_have_text("查看北河沿排污口")

    address, card = officer.url, phone.locator("[data-task]")
    await expect(card).to_contain_text("北河沿街 12 号桥东侧")
    await card.locator("summary").click()
    await kept(phone, "phone-sent", 390)
    await phone.context.set_offline(True)
    await card.locator("[data-act=sign]").click()
    await expect(card.locator(".field-waits")).to_be_visible()
    await expect(phone.locator(".field-line-broken")).to_be_visible()
    await kept(phone, "phone-off-line", 390)
    await phone.reload()  # the page opens without a connection, and what was done is still there
    await expect(phone.locator("[data-task] .field-waits")).to_have_count(1)
    await expect(officer.locator("[data-now]")).to_have_attribute("data-now", "sent")
    await phone.context.set_offline(False)
    await expect(officer.locator("[data-now]")).to_have_attribute("data-now", "signed")
    await expect(officer.locator("[data-moved]")).to_be_visible()

    await phone.locator(".field-ask .button").click()
    await expect(phone.locator(".field-ask")).to_have_count(0)
    if not await card.locator("details").get_attribute("open"):
        await card.locator("summary").click()
    await card.locator("[data-act=arrive]").click()
    await kept(phone, "phone-arrives", 390)
    await phone.locator("dialog .button-primary").click()
    await card.locator("[data-act=report]").click()
    await phone.locator("dialog .dialog-actions .button-primary").click()
    await expect(phone.locator("#step-text + .field-error")).to_be_visible()
    await expect(phone.locator("#step-text")).to_be_focused()
    await phone.fill("#step-text", "暗管一处，排水呈黄褐色，已取样。")
    await phone.set_input_files("dialog input[accept*=jpeg]", photo(tmp_path))
    await phone.keyboard.press("Escape")  # by mistake: what was written and chosen is still there
    await card.locator("[data-act=report]").click()
    await expect(phone.locator("#step-text")).to_have_value("暗管一处，排水呈黄褐色，已取样。")
    await expect(phone.locator("dialog img")).to_be_visible()
    await kept(phone, "phone-report", 390)
    await phone.locator("dialog .dialog-actions .button-primary").click()
    await expect(officer.locator("[data-now]")).to_have_attribute("data-now", "reported")
    picture = officer.locator(".field-step-report img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalHeight > image.naturalWidth)")
    (known,) = await positions.latest(site.db)
    assert (round(known.latitude, 4), round(known.longitude, 4)) == (HERE["latitude"], HERE["longitude"])

    await officer.locator("[data-moved] a").click()
    await kept(officer, "task", 1366, 2560, 390)
    for name in ("tasks", "teams"):
        for language in ("en", "zh-CN"):
            await officer.goto(str(site.server.make_url(f"/console/{name}?language={language}")))
            await kept(officer, name, 1366, 2560, 390)
    await officer.goto(address)
    await kept(officer, "task", 1366)
    await officer.set_viewport_size({"width": 1366, "height": 900})
    await officer.click("[data-dialog=do-close]")
    await officer.locator("#do-close .button-primary").click()
    await expect(officer.locator("[data-now]")).to_have_attribute("data-now", "closed")
    await expect(card).to_contain_text("已办结")
    await kept(phone, "phone-closed", 390)
    (whole,) = await listing.mine(site.db, member, site.now)
    assert [step.act for step in whole.steps] == ["draft", "send", "sign", "arrive", "report", "close"]
    assert [file.media_type for file in whole.files] == ["image/jpeg"]
    assert [step.latitude is not None for step in whole.steps] == [False, False, False, True, True, False], "as was left ticked"
