"""A petition whose people come late or leave: who comes late is heard when he has been looked at; what broke off is booked again."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE, Person
from tests.browser.site import Site
from tests.browser.test_procedure_pages import go_to, identify, part


async def come_in(chair: Seat, seat: Seat) -> None:
    await chair.admit(seat.name)
    await seat.until_inside()


async def until_statement(chair: Seat, names: list[str]) -> None:
    """Identity is established of those who are here, and the statement begins."""
    await go_to(chair, "identity")
    await chair.person.page.click('[data-section="roll"] summary')
    for name in names:
        row = part(chair.person.page, "roll").locator("li", has_text=name)
        await row.locator('[data-roll="present"]').click()
        await expect(row.locator('[data-roll="present"]')).to_have_attribute("aria-pressed", "true")
        await identify(chair, name, with_stills=False)
    await go_to(chair, "statement")


async def test_who_comes_late_is_not_heard_before_he_has_been_looked_at(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "petitioner"), ("李华", "petitioner")), kind="petition_intake")
    chair = await take_the_chair(await person(), site, held)
    first = await to_the_waiting_room(await person(), held, "李明")
    await come_in(chair, first)
    await until_statement(chair, ["李明"])

    late = await to_the_waiting_room(await person(), held, "李华", devices=False)
    page, desk = late.person.page, chair.person.page
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await come_in(chair, late)
    turn = part(page, "own-turn")
    await expect(turn).to_have_attribute("data-kind", "held")
    await late.until(lambda f: f["media"]["own"]["microphone"] == "unavailable", "may not be heard")
    assert await late.person.accessibility_faults() == []
    await turn.locator('[data-act="open-camera"]').click()
    await late.until(lambda f: f["media"]["own"]["camera"] == "on", "is seen")
    await turn.locator('[data-act="hand-up"]').click()

    # Chair and clerk see that he is ready, and look from there.
    row = part(desk, "hands").locator("li", has_text="李华")
    await expect(row.locator('[data-act="give-floor"]')).to_have_count(0)
    await row.locator('[data-act="identify"]').click()
    await look_at(desk.locator("dialog.identity-dialog"))
    await expect(turn).to_be_hidden()  # in this stage everybody speaks freely
    await expect(part(page, "tool-hand")).to_have_attribute("aria-pressed", "false")
    await expect(part(page, "turn-alarm")).to_have_text("您的身份已核对。")
    await late.until(lambda f: f["media"]["own"]["microphone"] == "off", "may be heard, and is not before he wants it")
    for one in (chair, first, late):
        assert one.person.errors == []


async def look_at(dialog: Locator) -> None:
    """Face and document side by side, both kept."""
    for still in ("face", "document"):
        await eventually(lambda: dialog.locator("video").evaluate("video => video.videoWidth > 0"), "he is seen")
        await dialog.locator(f'[data-still="{still}"]').click()
    await expect(dialog.locator("img")).to_have_count(2)
    await dialog.locator('[data-act="confirmed"]').click()
    await expect(dialog).to_be_hidden()


async def break_off(desk: Page, name: str) -> None:
    """The chair says that he has left, and ends the sitting for it."""
    row = part(desk, "people").locator("li", has_text=name)
    await row.locator("summary").click()
    await row.locator('[data-act="classify"]').click()
    await desk.check('dialog[open] input[value="left"]')
    await desk.click('dialog[open] button[type="submit"]')
    await desk.click('[data-act="stage"][data-to="closed"]')
    await desk.check('dialog[open] input[value="rebook"]')
    await desk.click('dialog[open] button[type="submit"]')


async def test_a_petition_that_broke_off_is_booked_again_by_one_button(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "petitioner"),), kind="petition_intake", with_clerk=True)
    assert held.clerk is not None
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明")
    await come_in(chair, li)
    await until_statement(chair, ["李明"])
    await li.person.page.click('[data-part="tool-leave"]')
    await li.person.page.click('dialog[open] button[type="submit"]')
    await li.until(lambda f: f["screen"] == "ended", "has left")
    await break_off(chair.person.page, "李明")
    await chair.until(lambda f: f["screen"] == "ended", "sees that it is over")
    await expect(part(chair.person.page, "end-text")).to_contain_text("已完整封存", timeout=60_000)
    await expect(part(chair.person.page, "end-acts").locator(f'a[href="/archive/{held.id}"]')).to_contain_text("回放与校验")
    assert await chair.person.accessibility_faults() == []

    clerk: Person = await person()
    page = clerk.page
    await clerk.sign_in(site.url, held.clerk.sign_in_name, held.clerk.password)
    row = page.locator("tbody tr", has=page.locator(f'a[href="/sittings/{held.id}"]'))

    async def waits() -> bool:
        await page.goto(f"{site.url}/booking/waiting")
        return await row.count() == 1

    await eventually(waits, "it waits for a time")
    await expect(row).to_contain_text("中断改期")
    assert await clerk.accessibility_faults() == []
    await row.locator("button.button-primary").click()
    await page.wait_for_url(lambda address: "/sittings/" in address)
    assert held.id not in page.url
    await expect(page.locator("main")).to_contain_text("李明")
    await page.goto(f"{site.url}/booking/waiting")
    await expect(row).to_have_count(0)
    for one in (chair.person, li.person, clerk):
        assert one.errors == []
