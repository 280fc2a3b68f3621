"""The hearing's page in each of its states is whole and for everybody: consents, a witness who waits, the gallery, a private phase, the
desks of chair and clerk; wide and on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.browser.casts import Cast
from tests.browser.court import Court
from tests.browser.hearing import Seat
from tests.browser.participants import DESK, PHONE, accessibility_faults
from tests.browser.site import Site
from tests.browser.stage import BUSY_S, Stage, Windows, seated, send

KIND = "remote_court"
BEFORE = ("roll_call", "identity")
UNTIL_PRIVATE = ("investigation", "debate", "final_statements", "deliberation")
CAST = Cast(
    (("陪审员赵敏", "panel"), ("李小明", "party"), ("王大力", "party"), ("证人吴强", "witness"), ("旁听陈静", "gallery")),
    (*BEFORE, *UNTIL_PRIVATE),
    private="deliberation",
)


async def look(stage: Stage, moment: str) -> list[str]:
    """What is wrong with anybody's page now."""
    found = []
    for seat in stage.seats:
        page = seat.person.page
        desk = await page.locator('[data-part="drawer"]').is_visible()
        for size, touch in ((DESK, False), (PHONE, True)):
            await stage.shown_at(seat, size, touch=touch)
            wrong = await accessibility_faults(page)
            if touch and desk:  # it covers the pictures, and nothing else
                await page.locator('[data-part="tool-drawer"]').click(trial=True)
                await page.click('[data-part="drawer-close"]')
                wrong += await accessibility_faults(page)
            wrong += await stage.faults(seat, touch=touch)
            found += [f"{moment}, {seat.name}, {size['width']} px: {fault}" for fault in wrong]
        await stage.shown_at(seat, DESK, touch=False)
        if desk:
            await page.click('[data-part="tool-drawer"]')
    return found


async def agree(seat: Seat, other: str) -> None:
    """He reads what he agrees to in the page's language, unfolds it in the other, where it stays unfolded, and agrees to all."""
    tasks = seat.person.page.locator('[data-part="own-tasks"]')
    folded = tasks.locator("details").first
    await expect(folded.locator("p")).to_be_hidden()
    await folded.locator("summary").click()
    await expect(folded.locator("p")).to_be_visible()
    assert await folded.locator("p").get_attribute("lang") == other
    await tasks.locator('[data-act="agree"]').nth(1).click()
    await expect(tasks.locator('[data-act="agree"]')).to_have_count(1)
    await expect(folded.locator("p")).to_be_visible()
    await tasks.locator('[data-act="agree"]').click()
    await expect(tasks).to_be_hidden()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "other"), [("zh-CN", "en"), ("en", "zh-CN")])
async def test_each_state_of_the_page_is_whole_and_for_everybody(site: Site, window: Windows, language: str, other: str) -> None:
    court = await Court.open(site)
    administrator = (await court.person("administrator")).user
    try:
        await procedures.adopt(court.db, PROCEDURES[KIND].text, administrator, utc_now())
        held = await court.sitting(CAST.people, kind=KIND, with_clerk=True, language=language)
        stage = Stage(KIND, language, CAST, held)
        await seated(site, window, stage)
        await send(stage.chair, type="admit", participants=[])
        inside = [seat for seat in stage.seats if stage.role(seat) != "witness"]
        for seat in inside:
            await seat.until_inside(BUSY_S)
            if await seat.person.page.locator('[data-part="entrance"]').is_visible():
                await seat.person.page.click('[data-part="entrance-off"]')

        faults = await look(stage, "consents are asked, the witness waits")
        await agree(stage.seat("party"), other)
        for name in BEFORE:
            await stage.go(name)
        faults += await look(stage, "identities")
        for name in UNTIL_PRIVATE:
            await stage.go(name)
        await expect(stage.seat("gallery").person.page.locator('[data-part="private-card"]')).to_be_visible()
        await expect(stage.seat("panel").person.page.locator('[data-part="private-card"]')).to_be_hidden()
        faults += await look(stage, "deliberation")
        assert not faults, "\n".join(faults)
        assert [error for seat in stage.seats for error in seat.person.errors] == []
    finally:
        await procedures.adopt(court.db, BRIEF_COURT.text, administrator, utc_now())
        await court.close()
