"""A day in the command centre, in one go: the officer builds a wall, calls a preset and has sources take turns, breaks in and is refused in
deliberation, calls the roll, sends a task to a phone that loses its connection, and sees the report with its photo on the map.
GALLERY=folder keeps pictures in the sizes of a wall's screen, a desk and a phone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from dispatch.booking.catalogue import sites
from dispatch.booking.catalogue.sites import SiteDraft
from dispatch.console.field import teams
from dispatch.console.field.teams import Member, TeamDraft
from dispatch.console.map import layers
from dispatch.console.map.layers import LayerDraft
from dispatch.store.tables import utc_now
from dispatch.web.translations import catalogue
from tests.browser import gallery
from tests.browser.conftest import PersonFactory
from tests.browser.court import Account
from tests.browser.participants import PHONE, Person
from tests.browser.site import Site
from tests.browser.test_field import photo
from tests.browser.test_wall import Day, day, plays, site, stands, watchers  # noqa: F401 - fixtures

pytestmark = pytest.mark.timeout(300)

SIZES = ((3840, 2160), (1366, 768), (390, 844))
RIVER = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[116.40, 39.90], [116.43, 39.915], [116.46, 39.925], [116.49, 39.93]]},
    "properties": {"name": "北河", "note": "", "case": ""},
}


@dataclass
class Officer:
    """The officer at his desk."""

    person: Person
    url: str
    language: str

    @property
    def page(self) -> Page:
        return self.person.page

    def word(self, text: str) -> str:
        """A text in the language of his page."""
        return catalogue(self.language).gettext(text)

    async def opens(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def does(self, what: str | Locator) -> None:
        """Press a button or link."""
        await (self.page.locator(what) if isinstance(what, str) else what).click()

    async def looks(self, name: str) -> None:
        """Nothing is wider than the window nor wrong with it; a picture of each size where they are wanted."""
        assert await self.person.accessibility_faults() == [], name
        await looked_at(self.page, f"{name}-{self.language}", SIZES)


async def looked_at(page: Page, name: str, sizes: tuple[tuple[int, int], ...]) -> None:
    """Nothing is wider than the window; a picture of each size where GALLERY names a folder."""
    before = page.viewport_size
    for width, height in sizes if gallery.FOLDER else sizes[-1:]:
        await page.set_viewport_size({"width": width, "height": height})
        await asyncio.sleep(0.4 if gallery.FOLDER else 0.1)  # what draws itself anew when the size changes
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} at {width}"
        if gallery.FOLDER:
            await page.screenshot(path=Path(gallery.FOLDER) / f"centre-{name}-{width}.png")
    assert before is not None
    await page.set_viewport_size(before)


@pytest.mark.main
async def test_a_day_in_the_command_centre(
    site: Site,  # noqa: F811
    day: Day,  # noqa: F811
    person: PersonFactory,
    tmp_path: Path,
) -> None:
    language = "zh-CN"
    account = await day.court.person("officer", "高岩", language=language, rank="lead")
    member = await day.court.person("field", "程海", language=language)
    await district(day, account, member)
    officer = Officer(await person(0), site.url, language)
    await officer.person.sign_in(site.url, account.sign_in_name, account.password)
    phone = await person(1, granted=False, devices=False, viewport=PHONE)
    await phone.sign_in(site.url, member.sign_in_name, member.password)
    await phone.page.goto(f"{site.url}/field")
    await phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    await a_wall_is_built_and_called(officer, day)
    await the_roll_is_called(officer, phone, language)
    await he_breaks_in_and_is_refused_in_deliberation(officer, day)
    await a_task_is_reported_and_seen_on_the_map(officer, phone, photo(tmp_path), language)
    assert [officer.person.errors, phone.errors] == [[], []]


async def district(day: Day, officer: Account, member: Account) -> None:  # noqa: F811
    """A team with one person, a place on the map, and a river."""
    now, db = utc_now(), day.court.db
    administrator = await day.court.person("administrator")
    await teams.add(db, TeamDraft("望河中队", "Wanghe team", "望河街道", members=(Member(member.user.id, leads=True),)), "test", now)
    await sites.add_site(db, SiteDraft("云河检察院", "Yunhe procuratorate", latitude=39.9317, longitude=116.4512), administrator.user, now)
    await layers.add_layer(db, LayerDraft("河流", "river", "cyan", "Rivers", features=(RIVER,)), officer.user, now)


async def a_wall_is_built_and_called(officer: Officer, day: Day) -> None:  # noqa: F811
    """Two sittings in two windows, kept as a preset; taken off, called again; a patrol in the third window, paused and ended."""
    page = officer.page
    await officer.opens("/console/wall")
    tiles = page.locator("wall-tile")
    for number, held in enumerate((day.first, day.second), 1):
        await page.locator(f'[data-sources] [data-source="{held.id}/"]').wait_for()
        await page.locator(f'[data-sources] [data-source="{held.id}/"]').drag_to(tiles.nth(number - 1))
        await stands(officer.person, number, held)
    await plays(officer.person, 1)
    await plays(officer.person, 2)
    await watchers(day.chair(day.first), ["高岩"])

    await officer.does('[data-do="keep"]')
    await page.fill("#wall-preset-name", officer.word("Morning"))
    await officer.does('#wall-preset button:not([type="button"])')
    await page.locator("[data-presets] kbd", has_text="1").wait_for()
    await officer.does('[data-do="clear"]')
    await stands(officer.person, 1, None)
    await watchers(day.chair(day.first), [])
    await page.locator("[data-presets] button").first.click()
    await stands(officer.person, 2, day.second)
    await plays(officer.person, 1)

    await tiles.nth(2).focus()
    await officer.does('[data-do="patrol"]')
    await officer.does("[data-patrol-all]")
    await officer.does('#wall-patrol button:not([type="button"])')
    await page.locator("[data-patrol-list] .wall-here").wait_for()
    turn = await tiles.nth(2).get_attribute("data-sitting")
    await officer.does('[data-do="next"]')
    await stands(officer.person, 3, day.second if turn == day.first.id else day.first)
    await officer.does('[data-do="pause"]')
    await tiles.nth(2).locator(".wall-turn", has_text=officer.word("Paused")).wait_for()
    await officer.looks("wall")
    await officer.does('[data-do="end"]')
    await stands(officer.person, 3, None)


async def he_breaks_in_and_is_refused_in_deliberation(officer: Officer, day: Day) -> None:  # noqa: F811
    """The chair sees who speaks from outside; when the panel withdraws he is out, and the server lets nobody in."""
    page, chair = officer.page, day.chair(day.first)
    await chair.open_hearing()
    await officer.opens(f"/console/sittings/{day.first.id}")
    await officer.does("[data-watch]")
    await officer.does("[data-watch-yes]")
    await officer.does("[data-break-in]:not([disabled])")
    await page.fill("#break-in-reason", "法庭设备故障，由指挥中心说明")
    await officer.does("#break-in-dialog button:not([data-close])")
    await chair.until(lambda view: (view["break_in"] or {}).get("name") == "高岩", "sees who broke in")
    await page.locator("[data-break-end]").wait_for()
    await officer.looks("break-in")
    await chair.send(type="stage", to="deliberation", reason="")
    await chair.until(lambda view: view["break_in"] is None, "sees him out")
    await page.locator("[data-head]", has_text="休庭评议").wait_for()
    await page.locator(":is([data-break-in], [data-watch]):disabled:visible").first.wait_for()
    refused = await page.evaluate(
        """async path => {
          const { send } = await import(document.querySelector('script[src*="/js/monitor"]').src.replace(/monitor[^/]*$/, 'page.js'));
          const { ok, data } = await send(path, { reason: '再次说明', camera: false });
          return [ok, data.code];
        }""",
        f"/console/sittings/{day.first.id}/break-in?view=1",
    )
    assert refused == [False, "centre_private"]
    await officer.looks("deliberation")
    await chair.send(type="stage", to="hearing", reason="")


async def the_roll_is_called(officer: Officer, phone: Person, language: str) -> None:
    """A room answers by voice, another is absent and called again, the team answers on its phone."""
    page = officer.page
    await officer.opens("/console/roll-call")
    await page.fill("#name", officer.word("Morning"))
    for box in await page.locator('input[name="who"]').all():
        if not await box.is_checked():
            await box.check()
    await officer.looks("roll-call-new")
    await officer.does("form .button-primary")
    lines = page.locator("[data-lines] tr")
    await expect(lines.first.locator(".badge-live")).to_be_visible()
    rooms = await lines.count() - 1
    for number in range(rooms):
        await officer.does(lines.nth(number).locator('[data-act="present"]') if number else lines.nth(0).locator('[data-act="absent"]'))
    await expect(lines.nth(rooms).locator(".badge-live")).to_be_visible()
    bell = phone.page.locator("call-bell button")
    await bell.wait_for()
    await looked_at(phone.page, f"phone-called-{language}", SIZES[-1:])
    await bell.click()
    await expect(page.locator('[data-count="present"]')).to_have_text(str(rooms))
    await officer.does('[data-act="again"]')
    await expect(lines.first.locator(".badge-live")).to_be_visible()
    await officer.does(lines.first.locator('[data-act="present"]'))
    await expect(page.locator('[data-count="present"]')).to_have_text(str(rooms + 1))
    await officer.looks("roll-call")
    async with page.expect_download() as saved:
        await officer.does('a[href$="kind=csv"]')
    text = (await (await saved.value).path()).read_text(encoding="utf-8-sig")
    assert "望河中队" in text or "Wanghe team" in text
    await officer.does('[data-act="end"]')
    await expect(page.locator('[data-act="end"]')).to_be_hidden()


async def a_task_is_reported_and_seen_on_the_map(officer: Officer, phone: Person, taken: Path, language: str) -> None:
    """Sent from a place on the map; signed for without a connection; reported with a photo, which is seen where the task is. That one with
    a position stands where it was sent from is in tests/browser/test_field.py and tests/dispatch/web/test_map_reports.py."""
    page, card = officer.page, phone.page.locator("[data-task]")
    await officer.opens("/console/tasks/new?latitude=39.9300&longitude=116.4200")
    await page.fill("#title", "查看北河沿排污口")
    await page.fill("#place", "北河沿街 12 号桥东侧")
    options = await page.locator("#to option").all_inner_texts()
    await page.select_option("#to", label=next(each for each in options if "程海" in each))
    await officer.does("button[value=send]")
    await page.locator("[data-now]").wait_for()

    await card.locator("summary").click()
    await phone.context.set_offline(True)
    await card.locator("[data-act=sign]").click()
    await card.locator(".field-waits").wait_for()
    await looked_at(phone.page, f"phone-off-line-{language}", SIZES[-1:])
    await phone.page.reload()  # the page opens without a connection, and what was done is still there
    await card.locator(".field-waits").wait_for(state="attached")
    await phone.context.set_offline(False)
    await expect(page.locator("[data-now]")).to_have_attribute("data-now", "signed")
    if await card.locator("details").get_attribute("open") is None:
        await card.locator("summary").click()
    await card.locator("[data-act=arrive]").click()
    await phone.page.locator("dialog input[type=checkbox]").uncheck()
    await phone.page.locator("dialog .button-primary").click()
    await reports(phone, card, "暗管一处，排水呈黄褐色，已取样。", taken)
    await looked_at(phone.page, f"phone-reported-{language}", SIZES[-1:])
    await expect(page.locator("[data-now]")).to_have_attribute("data-now", "reported")

    await officer.opens("/console/map")
    mark = page.locator(".leaflet-marker-icon.map-mark-report")
    await expect(mark.locator("img")).to_be_visible()
    assert await mark.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    await officer.does(mark.locator(".map-mark-inside"))
    detail = page.locator("[data-detail]")
    await expect(detail).to_contain_text("暗管一处")
    await expect(detail.locator(".map-files img")).to_be_visible()
    upright = "image => image.decode().then(() => image.naturalHeight > image.naturalWidth)"
    assert await detail.locator(".map-files img").evaluate(upright), "as the phone was held"
    await expect(detail).to_contain_text(officer.word("Sent without a position: shown where the task is."))
    await looked_at(page, "map", SIZES)


async def reports(phone: Person, card: Locator, text: str, taken: Path) -> None:
    """From the phone: words and a photo, without the position."""
    await card.locator("[data-act=report]").click()
    await phone.page.fill("#step-text", text)
    await phone.page.set_input_files("dialog input[accept*=jpeg]", taken)
    await phone.page.locator("dialog img").wait_for()
    await phone.page.locator("dialog input[type=checkbox]").uncheck()
    await phone.page.locator("dialog .dialog-actions .button-primary").click()
