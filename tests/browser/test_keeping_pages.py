"""Keeping in a browser: a hold placed by keyboard and lifted, a juvenile record that is sealed and gone, and a destruction from the
proposal by one to the certificate after another's password. GALLERY=folder keeps a picture of each page, at a desk and on a phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright
from sqlalchemy import update

from dispatch.keeping import carrying_out, powers
from dispatch.keeping.carrying_out import Destroyer
from dispatch.operations import authority, seal_key
from dispatch.store.archive_tables import Job, Recording
from dispatch.store.tables import Participant, Sitting
from tests.browser import gallery
from tests.browser.participants import CHROMIUM, FLAGS
from tests.dispatch.archive.sealed import make_sealed
from tests.dispatch.web.conftest import (  # noqa: F401 - fixtures of a site without engine
    NOW,
    PASSWORD,
    Site,
    founded,
    settings,
    site,
    site_engines,
    templates,
)

SIZES = (("en", 1366), ("zh-CN", 390))


@pytest_asyncio.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    made = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS])
    yield made
    await made.close()


async def signed_in(browser: Browser, court: Site, role: str, language: str = "en", width: int = 1366) -> Page:
    context = await browser.new_context(locale=language, viewport={"width": width, "height": 900})
    context.set_default_timeout(15_000)
    page = await context.new_page()
    await page.goto(str(court.server.make_url("/sign-in")))
    await page.fill("[name=name]", role)
    await page.fill("[name=password]", PASSWORD)
    await page.press("[name=password]", "Enter")
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


async def recorded(court: Site, **changes: str) -> str:
    """A closed sitting with a minor and a sealed recording."""
    found = await court.booked(await court.signed_in("clerk"), **changes)
    sealed = await asyncio.to_thread(make_sealed, court.context.settings.recordings, found)
    async with court.db.writer() as session:
        row = {"folder": found, "sealed_at": NOW, "manifest_sha256": sealed["manifest_sha256"], "seconds": 8.0, "bytes": 123_456}
        session.add_all([Recording(sitting_id=found, composite="done", **row), Job(kind="composite", sitting_id=found, state="done")])
        await session.execute(update(Sitting).where(Sitting.id == found).values(status="closed", opened_at=NOW, closed_at=NOW))
        await session.execute(update(Participant).where(Participant.sitting_id == found, Participant.name == "刘芳").values(minor=True))
    return found


async def looked_at(browser: Browser, court: Site, role: str, name: str, path: str) -> None:
    """Nothing is wider than the window; kept as a picture where GALLERY names a folder."""
    for language, width in SIZES:
        page = await signed_in(browser, court, role, language, width)
        await page.goto(str(court.server.make_url(path)))
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} at {width}"
        if gallery.FOLDER:
            await page.screenshot(path=Path(gallery.FOLDER) / f"keeping-{name}-{language}-{width}.png", full_page=True)
        await page.context.close()


async def test_hold_seal_propose_approve_and_certificate(browser: Browser, site: Site) -> None:  # noqa: F811
    of_site = site.context.settings
    authority.certify_seal(of_site.secrets, "localhost", of_site.court, NOW)
    first, juvenile = await recorded(site), await recorded(site, start="16:00", case_number="（2026）京0105刑初9号")
    administrator = site.users["administrator"]
    await powers.give(site.db, site.users["judge"].id, ["approve"], administrator, NOW)
    await powers.give(site.db, site.users["clerk"].id, ["sealed"], administrator, NOW)
    clerk, judge = await signed_in(browser, site, "clerk"), await signed_in(browser, site, "judge")
    own = str(site.server.make_url(f"/keeping/recordings/{first}"))

    await clerk.goto(own)
    await clerk.get_by_text("Place a hold").focus()
    await clerk.keyboard.press("Enter")
    await clerk.get_by_label("Reference", exact=True).fill("（2026）监督1号")
    await clerk.locator("#hold_reason").fill("申诉审查")
    await clerk.keyboard.press("Enter")
    await clerk.get_by_role("status").get_by_text("Saved.").wait_for()
    await looked_at(browser, site, "clerk", "held-recording", f"/keeping/recordings/{first}")
    await clerk.goto(own)
    await clerk.get_by_role("button", name="Lift…").click()
    await clerk.get_by_role("dialog").get_by_label("Reason").fill("审查终结")
    await clerk.get_by_role("button", name="Lift the hold").click()
    await clerk.get_by_text("Lifted by").wait_for()
    await clerk.get_by_text("Change the class").click()
    await clerk.get_by_label("Class", exact=True).select_option("years_10")
    await clerk.get_by_label("Case closed or filed on").fill("2010-01-31")
    await clerk.locator("#reason").fill("鉴定后改划")
    await clerk.get_by_role("button", name="Save").click()
    await clerk.get_by_role("status").get_by_text("Saved.").wait_for()

    await looked_at(browser, site, "clerk", "juvenile", "/keeping?view=juvenile")
    await clerk.goto(str(site.server.make_url("/keeping?view=juvenile")))
    await clerk.locator(f'[data-dialog="seal-{juvenile}"]').click()
    dialog = clerk.locator(f"#seal-{juvenile}")
    await dialog.get_by_label("Legal ground").fill("犯罪时不满十八周岁")
    await dialog.get_by_role("button", name="Seal").click()
    await clerk.locator(f'[data-dialog="look-{juvenile}"]').wait_for()
    await looked_at(browser, site, "clerk", "sealed", "/keeping?view=juvenile")
    await clerk.goto(str(site.server.make_url("/archive")))
    assert juvenile not in await clerk.content()

    await looked_at(browser, site, "clerk", "due", "/keeping?view=due")
    await clerk.goto(str(site.server.make_url("/keeping?view=due")))
    await clerk.locator(f'input[value="{first}"]').check()
    await clerk.get_by_label("Reason").fill("期满，无继续保存价值")
    await clerk.get_by_role("button", name="Propose destruction").click()
    await clerk.get_by_text("You proposed this").wait_for()
    path = clerk.url.removeprefix(str(site.server.make_url("/")).rstrip("/"))
    await looked_at(browser, site, "judge", "proposed", path)

    await judge.goto(str(site.server.make_url("/keeping?view=destructions")))
    await judge.get_by_role("table").get_by_role("link").first.click()
    await judge.get_by_label("Your password").fill("wrong")
    await judge.get_by_role("button", name="Approve the destruction").click()
    await judge.get_by_text("This is not your password.").wait_for()
    await judge.get_by_label("Your password").fill(PASSWORD)
    await judge.get_by_role("button", name="Approve the destruction").click()
    await judge.get_by_text("can stop it").wait_for()

    site.now += timedelta(hours=1)
    unit = (of_site.court, of_site.court_en)
    due = NOW + timedelta(days=of_site.destruction_wait_days, hours=2)
    assert await Destroyer(site.db, carrying_out.places(of_site), seal_key.of(of_site).load, unit, lambda: due).work()
    await clerk.goto(str(site.server.make_url(path)))
    await clerk.get_by_role("link", name="Certificate", exact=True).click()
    await clerk.get_by_text("录制销毁证书").wait_for()
    await clerk.get_by_text("events.jsonl").wait_for()
    await looked_at(browser, site, "clerk", "certificate", f"{path}/certificate")
    await looked_at(browser, site, "clerk", "done", path)
    await looked_at(browser, site, "administrator", "settings", "/keeping/settings")
    await clerk.emulate_media(media="print")
    assert not await clerk.locator(".staff-header").is_visible()
