"""A day in the command centre, in one go: the officer builds a wall, calls a preset and has sources take turns, breaks in and is refused in
deliberation, calls the roll, sends a task to a phone that loses its connection, and sees the report with its photo on the map where it was
sent from. In Chinese with the mouse, and in English with the keyboard alone: there no page loses the focus or leaves it unseen.
GALLERY=folder keeps pictures in the sizes of a wall's screen, a desk and a phone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path

import pytest
from playwright.async_api import Geolocation, Locator, Page, expect

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
from tests.browser.hands import Hand, Keys, Mouse
from tests.browser.participants import PHONE, Person
from tests.browser.site import Site
from tests.browser.test_field import photo
from tests.browser.test_wall import Day, day, plays, site, stands, watchers  # noqa: F401 - fixtures

pytestmark = pytest.mark.timeout(600)

SIZES = ((3840, 2160), (1366, 768), (390, 844))
RIVER = {
    "type": "Feature",
    "geometry": {"type": "LineString", "coordinates": [[116.40, 39.90], [116.43, 39.915], [116.46, 39.925], [116.49, 39.93]]},
    "properties": {"name": "北河", "note": "", "case": ""},
}
SITE, TASK = (39.9317, 116.4512), (39.93, 116.42)
"""Latitude and longitude of the procuratorate and of the place of the task."""
PHONE_AT: Geolocation = {"latitude": 39.9219, "longitude": 116.4432, "accuracy": 9}
"""Where the phone is: not where the task is."""


@dataclass
class Somebody:
    """Who does something on pages of this site, and how."""

    person: Person
    url: str
    language: str
    hand: Hand

    @classmethod
    async def comes(cls, person: Person, url: str, account: Account, language: str, how: type[Mouse] | type[Keys]) -> Somebody:
        """Signed in."""
        await person.sign_in(url, account.sign_in_name, account.password)
        return cls(person, url, language, how(person.page))

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
        await self.hand.presses(self.page.locator(what) if isinstance(what, str) else what)

    async def writes(self, where: str, text: str) -> None:
        await self.hand.writes(self.page.locator(where), text)

    async def looks(self, name: str, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
        """Nothing is wider than the window nor wrong with it; a picture of each size where they are wanted."""
        assert await self.person.accessibility_faults() == [], name
        await looked_at(self.page, f"{name}-{self.language}", sizes)


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
@pytest.mark.parametrize(("language", "how"), [("zh-CN", Mouse), pytest.param("en", Keys, marks=pytest.mark.long)])
async def test_a_day_in_the_command_centre(
    site: Site,  # noqa: F811
    day: Day,  # noqa: F811
    person: PersonFactory,
    tmp_path: Path,
    language: str,
    how: type[Mouse] | type[Keys],
) -> None:
    account = await day.court.person("officer", "高岩", language=language, rank="lead")
    member = await day.court.person("field", "程海", language=language)
    await district(day, account, member)
    officer = await Somebody.comes(await person(0, language=language), site.url, account, language, how)
    of_the_team = await person(1, granted=False, devices=False, viewport=PHONE, language=language)
    phone = await Somebody.comes(of_the_team, site.url, member, language, how)
    await phone.person.context.grant_permissions(["geolocation"])
    await phone.person.context.set_geolocation(PHONE_AT)
    await phone.opens("/field")
    await phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    await a_wall_is_built_and_called(officer, day)
    await the_roll_is_called(officer, phone)
    await he_breaks_in_and_is_refused_in_deliberation(officer, day)
    await a_task_is_signed_for_and_reported(officer, phone, photo(tmp_path))
    await the_report_is_seen_on_the_map(officer)
    assert [officer.person.errors, phone.person.errors] == [[], []]
    assert [officer.hand.faults, phone.hand.faults] == [[], []]


async def district(day: Day, officer: Account, member: Account) -> None:  # noqa: F811
    """A team with one person, a place on the map, and a river."""
    now, db = utc_now(), day.court.db
    administrator = await day.court.person("administrator")
    await teams.add(db, TeamDraft("望河中队", "Wanghe team", "望河街道", members=(Member(member.user.id, leads=True),)), "test", now)
    place = SiteDraft("云河检察院", "Yunhe procuratorate", latitude=SITE[0], longitude=SITE[1])
    await sites.add_site(db, place, administrator.user, now)
    await layers.add_layer(db, LayerDraft("河流", "river", "cyan", "Rivers", features=(RIVER,)), officer.user, now)


async def a_wall_is_built_and_called(officer: Somebody, day: Day) -> None:  # noqa: F811
    """Two sittings in two windows, kept as a preset; taken off, called again; a patrol in the third window, paused and ended."""
    page = officer.page
    await officer.opens("/console/wall")
    tiles = page.locator("wall-tile")
    for number, held in enumerate((day.first, day.second), 1):
        await officer.hand.brings(page.locator(f'[data-sources] [data-source="{held.id}/"]'), tiles.nth(number - 1))
        await stands(officer.person, number, held)
    await plays(officer.person, 1)
    await plays(officer.person, 2)
    await watchers(day.chair(day.first), ["高岩"])

    await officer.does('[data-do="keep"]')
    await officer.writes("#wall-preset-name", officer.word("Morning"))
    await officer.does('#wall-preset button:not([type="button"])')
    await page.locator("[data-presets] kbd", has_text="1").wait_for()
    await officer.does('[data-do="clear"]')
    await stands(officer.person, 1, None)
    await watchers(day.chair(day.first), [])
    await officer.does(page.locator("[data-presets] button").first)
    await stands(officer.person, 2, day.second)
    await plays(officer.person, 1)

    await officer.hand.goes_to(tiles.nth(2))
    await officer.does('[data-do="patrol"]')
    await officer.does("[data-patrol-all]")
    await officer.does('#wall-patrol button:not([type="button"])')
    await page.locator("[data-patrol-list] .wall-here").wait_for()
    turn = await tiles.nth(2).get_attribute("data-sitting")
    await officer.does('[data-do="next"]')
    await stands(officer.person, 3, day.second if turn == day.first.id else day.first)
    await officer.does('[data-do="pause"]')
    await tiles.nth(2).locator(".wall-turn", has_text=officer.word("Patrol paused")).wait_for()
    await officer.looks("wall")
    await officer.does('[data-do="end"]')
    await stands(officer.person, 3, None)
    await officer.hand.goes_to(tiles.nth(0))


async def he_breaks_in_and_is_refused_in_deliberation(officer: Somebody, day: Day) -> None:  # noqa: F811
    """The chair sees who speaks from outside; when the panel withdraws he is out, and the server lets nobody in."""
    page, chair = officer.page, day.chair(day.first)
    await chair.open_hearing()
    await officer.opens(f"/console/sittings/{day.first.id}")
    await officer.does("[data-watch]")
    await officer.does("[data-watch-yes]")
    await officer.does("[data-break-in]:not([disabled])")
    await officer.writes("#break-in-reason", "法庭设备故障，由指挥中心说明")
    await officer.does("#break-in-dialog button:not([data-close])")
    await chair.until(lambda view: (view["break_in"] or {}).get("name") == "高岩", "sees who broke in")
    await page.locator("[data-break-end]").wait_for()
    await officer.looks("break-in")
    await officer.hand.goes_to(page.locator("[data-sound]"))
    await chair.send(type="stage", to="deliberation", reason="")
    await chair.until(lambda view: view["break_in"] is None, "sees him out")
    await page.locator("[data-head]", has_text="休庭评议" if officer.language == "zh-CN" else "Deliberation").wait_for()
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


async def the_roll_is_called(officer: Somebody, phone: Somebody) -> None:
    """A room answers by voice, another is absent and called again, the team answers on its phone."""
    page = officer.page
    await officer.opens("/console/roll-call")
    await officer.writes("#name", officer.word("Morning"))
    for box in await page.locator('input[name="who"]').all():
        await officer.hand.ticks(box)
    await officer.looks("roll-call-new")
    await officer.does("form .button-primary")
    lines = page.locator("[data-lines] tr")
    await expect(lines.first.locator(".badge-live")).to_be_visible()
    rooms = await lines.count() - 1
    for number in range(rooms):
        await officer.does(lines.nth(number).locator('[data-act="present"]') if number else lines.nth(0).locator('[data-act="absent"]'))
    await expect(lines.nth(rooms).locator(".badge-live")).to_be_visible()
    await phone.page.locator("call-bell button").wait_for()
    await phone.looks("phone-called", SIZES[-1:])
    await phone.does("call-bell button")
    await expect(page.locator('[data-count="present"]')).to_have_text(str(rooms))
    await officer.does('[data-act="again"]')
    await expect(lines.first.locator(".badge-live")).to_be_visible()
    await officer.does(lines.first.locator('[data-act="present"]'))
    await expect(page.locator('[data-count="present"]')).to_have_text(str(rooms + 1))
    await officer.looks("roll-call")
    async with page.expect_download() as saved:
        await officer.does('a[href$="kind=csv"]')
    text = (await (await saved.value).path()).read_text(encoding="utf-8-sig")
    assert ("望河中队" if officer.language == "zh-CN" else "Wanghe team") in text
    await officer.does('[data-act="end"]')
    await expect(page.locator('[data-act="end"]')).to_be_hidden()


async def a_task_is_signed_for_and_reported(officer: Somebody, phone: Somebody, taken: Path) -> None:
    """Sent from a place on the map; signed for without a connection; reported with a photo and with where the phone is, which
    lies still and is followed by then."""
    page, card = officer.page, phone.page.locator("[data-task]")
    now = page.locator("[data-now]")
    await officer.opens(f"/console/tasks/new?latitude={TASK[0]}&longitude={TASK[1]}")
    await officer.writes("#title", "查看北河沿排污口")
    await officer.writes("#place", "北河沿街 12 号桥东侧")
    await officer.hand.chooses(page.locator("#to"), "程海")
    await officer.does("button[value=send]")
    await now.wait_for()

    await phone.does(card.locator("summary"))
    await phone.person.context.set_offline(True)
    await phone.does(card.locator("[data-act=sign]"))
    await card.locator(".field-waits").wait_for()
    await phone.looks("phone-off-line", SIZES[-1:])
    await phone.page.reload()  # the page opens without a connection, and what was done is still there
    await card.locator(".field-waits").wait_for(state="attached")
    await expect(now).to_have_attribute("data-now", "sent")
    await phone.person.context.set_offline(False)
    await expect(now).to_have_attribute("data-now", "signed")
    await phone.does(".field-ask [data-act=agree]")
    await expect(phone.page.locator(".field-ask")).to_have_count(0)
    if await card.locator("details").get_attribute("open") is None:
        await phone.does(card.locator("summary"))
    await phone.does(card.locator("[data-act=arrive]"))
    await phone.does("dialog .button-primary")
    await phone.does(card.locator("[data-act=report]"))
    await phone.writes("#step-text", "暗管一处，排水呈黄褐色，已取样。")
    await phone.hand.hands_over(phone.page.locator("dialog input[accept*=jpeg]"), taken)
    await phone.page.locator("dialog img").wait_for()
    await expect(phone.page.locator("dialog input[type=checkbox]")).to_be_checked()
    await phone.does("dialog .dialog-actions .button-primary")
    await expect(now).to_have_attribute("data-now", "reported")
    await phone.looks("phone-reported", SIZES[-1:])


async def the_report_is_seen_on_the_map(officer: Somebody) -> None:
    """By its photo, where it was sent from and not where the task is; opened, and gone away from."""
    page = officer.page
    await officer.opens("/console/map")
    mark = page.locator(".leaflet-marker-icon.map-mark-report")
    await expect(mark.locator("img")).to_be_visible()
    assert await mark.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    assert max(map(abs, await as_drawn(page))) < 3, "where the phone was"
    await officer.does(mark.locator(".map-mark-inside"))
    detail = page.locator("[data-detail]")
    await expect(detail).to_contain_text("暗管一处")
    await expect(detail.locator(".map-files img")).to_be_visible()
    upright = "image => image.decode().then(() => image.naturalHeight > image.naturalWidth)"
    assert await detail.locator(".map-files img").evaluate(upright), "as the phone was held"
    await expect(detail).to_contain_text(officer.word("Sent from here, within {n} m.").format(n=9))
    await officer.looks("map")
    await officer.does(detail.locator("[data-away]"))
    await expect(detail).to_be_hidden()
    await officer.hand.goes_to(page.locator("[data-search]"))


async def as_drawn(page: Page) -> tuple[float, float]:
    """How far right of and below the place where the phone was the mark of the report stands, px: measured from the task and by the scale
    that site and task give."""
    at = "mark => { const { m41, m42 } = new DOMMatrix(getComputedStyle(mark).transform); return [m41, m42]; }"
    site_x, task, report = [await page.locator(f".leaflet-marker-icon.map-mark-{kind}").evaluate(at) for kind in ("site", "task", "report")]
    scale = (site_x[0] - task[0]) / (SITE[1] - TASK[1])
    right = report[0] - task[0] - scale * (PHONE_AT["longitude"] - TASK[1])
    down = report[1] - task[1] - scale / cos(radians(TASK[0])) * (TASK[0] - PHONE_AT["latitude"])
    return right, down
