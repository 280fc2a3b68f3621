"""A petition heard step by step through its pages: identity, the floor, a private talk, the minutes; by keyboard where it matters."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE
from tests.browser.site import Site


def part(page: Page, name: str) -> Locator:
    return page.locator(f'[data-part="{name}"]')


async def by_keyboard(page: Page, target: Locator, key: str = "Enter", limit: int = 120) -> None:
    """Reach `target` by Tab alone and press it."""
    await expect(target).to_be_visible()
    for _ in range(limit):
        if await target.evaluate("element => element === document.activeElement"):
            await page.keyboard.press(key)
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"not reached by Tab: {target}")


async def go_to(seat: Seat, stage: str) -> None:
    """The chair's large button, or one of those below it; the consequence is confirmed, and its only reason ticked where there is one."""
    page = seat.person.page
    await page.click(f'[data-act="stage"][data-to="{stage}"]:not([aria-disabled="true"])')
    for box in await page.locator("dialog[open] input[name=ask-choice]").all():
        await box.check()
    await page.click('dialog[open] button[type="submit"]')
    await seat.until_stage(stage)


async def identify(desk: Seat, name: str, *, with_stills: bool) -> None:
    """Face and document side by side, each kept as a still; or without, with the reason."""
    page = desk.person.page
    await page.locator('[data-part="roll"] li', has_text=name).locator('[data-roll="identity"]').click()
    dialog = page.locator("dialog.identity-dialog")
    if with_stills:
        for still in ("face", "document"):
            await eventually(lambda: dialog.locator("video").evaluate("video => video.videoWidth > 0"), f"{name} is seen")
            await dialog.locator(f'[data-still="{still}"]').click()
        await expect(dialog.locator("img")).to_have_count(2)
        await eventually(lambda: dialog.locator("img").last.evaluate("image => image.naturalWidth > 0"), "the still is shown")
    else:
        await dialog.locator('[data-act="confirmed"]').click()
        await expect(dialog.locator(".field-error")).to_be_visible()
        await page.fill("#identity-note", "身份证原件已当庭出示，摄像头无法对焦")
    await dialog.locator('[data-act="confirmed"]').click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator('[data-part="roll"] li', has_text=name).locator(".roll-identity.is-on")).to_be_visible()


@pytest.mark.main
async def test_a_petition_is_heard_step_by_step_through_its_pages(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "petitioner"), ("王芳", "lawyer")), kind="petition_intake")
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明")
    wang = await to_the_waiting_room(await person(), held, "王芳")
    desk, party, phone = chair.person.page, li.person.page, wang.person.page
    await phone.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})

    # Who is missing is said below the next act, with a way to mend it.
    missing = part(desk, "acts").locator(".act-missing")
    await expect(missing).to_contain_text("李明")
    await by_keyboard(desk, missing.locator('[data-act="admit-everybody"]').first)
    for seat in (li, wang):
        await seat.until_inside()
    await go_to(chair, "identity")
    await expect(part(phone, "standing")).to_contain_text("2")

    # The next stage waits for identities, which the chair confirms by looking.
    await expect(desk.locator('[data-act="stage"][data-to="statement"]')).to_have_attribute("aria-disabled", "true")
    await desk.click('[data-section="roll"] summary')
    row = part(desk, "roll").locator("li", has_text="李明")
    await row.locator('[data-roll="present"]').click()
    await expect(row.locator('[data-roll="present"]')).to_have_attribute("aria-pressed", "true")
    await identify(chair, "李明", with_stills=True)
    await identify(chair, "王芳", with_stills=False)
    await go_to(chair, "statement")

    # The floor: a lawyer asks by one key, is given it by one press, is heard by her own act, gives it back.
    await expect(part(phone, "own-turn")).to_have_attribute("data-kind", "ask")
    await phone.keyboard.press("h")
    await expect(part(phone, "own-turn")).to_have_attribute("data-kind", "asked")
    await by_keyboard(desk, part(desk, "hands").locator('[data-act="give-floor"]'))
    await expect(part(phone, "own-turn")).to_have_attribute("data-kind", "turn")
    await expect(part(phone, "turn-alarm")).not_to_be_empty()
    await expect(part(party, "whose-turn")).to_contain_text("王芳")
    assert (await wang.figures())["media"]["own"]["microphone"] == "off", "nobody is heard without an act of her own"
    await by_keyboard(phone, part(phone, "own-turn").locator('[data-act="open"]'))
    await wang.until(lambda f: f["media"]["own"]["microphone"] == "on", "is heard")
    await by_keyboard(phone, part(phone, "own-turn").locator('[data-act="yield"]'))
    await expect(part(phone, "own-turn")).to_have_attribute("data-kind", "ask")
    await expect(part(party, "whose-turn")).to_be_hidden()

    # Client and lawyer talk among themselves; either ends it.
    await desk.click('[data-act="consult"]')
    await desk.locator("dialog[open] input[name=ask-choice]").check()
    await desk.click('dialog[open] button[type="submit"]')
    await expect(desk.locator("dialog[open] .ask-points li")).to_have_count(2)
    await expect(desk.locator("dialog[open] .ask-points")).to_contain_text("李明")
    await desk.click('dialog[open] button[type="submit"]')
    for page in (party, phone):
        await expect(part(page, "own-turn")).to_have_attribute("data-kind", "private")
    await expect(desk.locator('[data-section="talk"]')).to_contain_text("李明")
    await expect(part(desk, "private-card")).to_be_hidden()  # the main room goes on beside their talk
    await expect(part(desk, "pictures")).to_be_visible()
    await party.click('[data-part="own-turn"] [data-act="step-out"]')
    await expect(part(party, "private-card")).to_be_visible()
    await expect(part(party, "pictures")).to_be_hidden()
    await by_keyboard(party, part(party, "private-card").locator('[data-act="step-in"]'))
    await expect(part(party, "own-turn")).to_have_attribute("data-kind", "private")
    await party.click('[data-part="own-turn"] [data-act="end-talk"]')
    await expect(part(phone, "own-turn")).to_have_attribute("data-kind", "ask")

    # A pause has one of its reasons, and goes back to where it was called.
    await desk.click('[data-act="stage"][data-to="recess"]')
    await desk.check('dialog[open] input[value="rest"]')
    await desk.click('dialog[open] button[type="submit"]')
    await li.until_stage("recess")
    await expect(part(desk, "steps").locator('[data-step="identity"]')).to_contain_text("已完成")
    await expect(part(desk, "steps").locator('[data-step="statement"]')).not_to_contain_text("已完成")
    await go_to(chair, "statement")

    # The minutes are said to be signed before what follows; then it ends for everybody.
    for stage in ("explanation", "minutes", "routing"):
        await go_to(chair, stage)
    await chair.change_stage("closed")
    for seat in (li, wang):
        await seat.until(lambda f: f["screen"] == "ended", "sees that it is over")
    for one in (chair, li, wang):
        assert one.person.errors == []
