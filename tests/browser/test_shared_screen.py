"""A document is shared in a hearing: read by everybody, ended by whoever may, recorded; and devices change without a negotiation."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE
from tests.browser.recorded import Folder, content, flashes
from tests.browser.shared_screens import BLUE, FLAGS, GREEN, ORANGE, SAME_COLOUR, VIOLET, Exhibit, reads, sent
from tests.browser.site import Site

pytestmark = pytest.mark.timeout(180)


async def test_a_document_is_shared_read_ended_and_recorded(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    party = await person(granted=False, devices=False, flags=FLAGS)
    await party.context.grant_permissions(["camera", "microphone"])
    exhibit = await Exhibit.open(party.context)
    await exhibit.turn(GREEN)
    party.page.on("websocket", lambda socket: socket.on("framesent", exhibit.heard))
    await party.page.bring_to_front()
    li = await to_the_waiting_room(party, held, "李明")
    wang = await to_the_waiting_room(await person(viewport=PHONE, language="en"), held, "王芳", devices=False)
    await chair.admit_all()
    for seat in (li, wang):
        await seat.until_inside()
    await party.page.click('[data-part="entrance-now"]')
    await chair.change_stage("hearing")
    page, phone = chair.person.page, wang.person.page
    for viewer in (chair, wang):
        await viewer.sees("李明")

    # shared by its key, read by everybody, largest in every layout
    await party.page.keyboard.press("s")
    await reads(chair, GREEN)
    await reads(wang, GREEN)
    await expect(page.locator("screen-tile")).to_have_attribute("aria-label", "李明 共享的屏幕")
    for _ in range(3):
        await page.keyboard.press("l")
        screen = await page.locator("screen-tile").bounding_box()
        people = [await tile.bounding_box() for tile in await page.locator("hearing-tile").all()]
        assert screen is not None
        assert len(people) == 3
        assert all(tile is not None and tile["width"] * 2 < screen["width"] for tile in people)
    await page.locator('[data-part="drawer-close"]').click()
    for seat in (chair, li, wang):
        assert await seat.person.accessibility_faults() == [], seat.name
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    # alone on the display, the sign of the recording above it
    await page.locator("screen-tile [data-only]").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("hearing-tile").first).to_be_hidden()
    await expect(page.locator('[data-part="recording"]')).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("hearing-tile").first).to_be_visible()

    # whoever comes later reads a page that has not moved since
    await phone.reload()
    await reads(wang, GREEN)

    # stopped and shared again, devices changed and pulled out: on the same m-lines, and nothing is negotiated
    before, offers = await sent(li), len(exhibit.offers)
    assert list(before) == ["0", "1", "2"]
    assert [track["source"] for track in exhibit.offers[-1]["tracks"]] == ["microphone", "camera", "screen"]
    await party.page.locator('[data-part="banners"]').get_by_role("button", name="停止共享").click()
    await expect(page.locator("screen-tile")).to_have_count(0)
    await party.page.click('[data-part="tool-screen"]')
    await reads(chair, GREEN)
    await party.page.keyboard.press("d")
    other = await party.page.locator("#now-camera option:not(:checked)").last.get_attribute("value")
    await party.page.select_option("#now-camera", value=other)

    async def other_camera() -> bool:
        return (await sent(li))["1"] not in ("", before["1"])

    await eventually(other_camera, "the other camera is sent")
    await party.page.keyboard.press("Escape")
    await chair.sees("李明")
    await party.page.evaluate("const track = window.__captured.video; track.stop(); track.dispatchEvent(new Event('ended'))")
    await expect(party.page.locator('[data-part="banners"]')).to_contain_text("摄像头已断开")
    await chair.sees("李明")
    assert list(await sent(li)) == list(before)
    assert len(exhibit.offers) == offers

    # server and engine begin anew, the share goes on
    site.kill("engine", "web")
    await exhibit.turn(VIOLET)
    await reads(chair, VIOLET)
    await reads(wang, VIOLET)

    # the chair ends it and lets it begin again
    await page.locator("screen-tile [data-end-screen]").click()
    await expect(page.locator("screen-tile")).to_have_count(0)
    await expect(party.page.locator("#toasts")).to_contain_text("法庭已结束您的屏幕共享")
    await expect(party.page.locator('[data-part="tool-screen"]')).to_have_attribute("aria-disabled", "true")
    assert (await sent(li))["2"] == ""
    await page.keyboard.press("p")
    row = page.locator('[data-part="people"] li', has_text="李明")
    await row.locator("summary").click()
    await row.locator('[data-act="allow"][data-source="screen"]').click()
    await expect(party.page.locator('[data-part="tool-screen"]')).to_have_attribute("aria-disabled", "false")
    await exhibit.turn(ORANGE)
    await party.page.keyboard.press("s")
    await reads(chair, ORANGE)
    await row.locator('[data-act="mute"][data-source="camera"]').click()
    for viewer, why in ((chair, "摄像头已由法庭关闭"), (wang, "Camera closed by the court")):
        await expect(viewer.tile("李明").locator(".tile-state")).to_have_text(why)
        await expect(viewer.tile("李明").locator(".tile-name")).to_have_text("李明")

    # a recess ends it for all, and so does the end of what was shown
    await chair.change_stage("recess")
    await expect(page.locator("screen-tile")).to_have_count(0)

    async def ended() -> bool:
        return bool((await li.figures())["media"]["own"]["screen"] == "unavailable")

    await eventually(ended, "his own page has ended it too")
    await chair.change_stage("hearing")
    await exhibit.turn(BLUE)
    await party.page.keyboard.press("s")
    await reads(chair, BLUE)
    await exhibit.page.close()
    await expect(party.page.locator("#toasts")).to_contain_text("您的屏幕共享已结束")
    await expect(page.locator("screen-tile")).to_have_count(0)
    assert [seat.person.errors for seat in (chair, li, wang)] == [[], [], []]

    endpoint = (await chair.participant("李明"))["endpoint"]
    await chair.change_stage("closed")
    folder = Folder(site.data / "recordings" / held.id)

    async def sealed() -> bool:
        return folder.sealed

    await eventually(sealed, "the recording is sealed")
    screens = [piece for piece in folder.pieces() if (piece.endpoint, piece.source) == (endpoint, "screen")]
    assert screens, "the screen was not recorded"
    assert all(content(piece).frames > 0 for piece in screens)
    shown = [flashes(piece.path)[1] for piece in screens]
    assert any(all(abs(a - b) <= SAME_COLOUR for a, b in zip(colour, GREEN, strict=True)) for colour in shown)
