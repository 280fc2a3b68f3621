"""Twelve in one hearing, three of them at browsers, VP8 and H.264 mixed; and a browser that cannot show one of the two."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE
from tests.browser.shared_screens import FLAGS, GREEN, Exhibit, reads, sent
from tests.browser.site import Site
from tests.robot import Robot

WITHOUT_VP8 = """
const known = RTCRtpSender.getCapabilities.bind(RTCRtpSender);
RTCRtpSender.getCapabilities = (kind) => {
  const found = known(kind);
  return found && { ...found, codecs: found.codecs.filter((codec) => codec.mimeType !== 'video/VP8') };
};
"""
"""A browser that has no encoder for VP8."""
WITHOUT_H264 = """
const describe = RTCPeerConnection.prototype.setLocalDescription;
RTCPeerConnection.prototype.setLocalDescription = function (...given) {
  if (this.signalingState === 'have-remote-offer') {
    const known = RTCRtpReceiver.getCapabilities('video').codecs.filter((codec) => codec.mimeType !== 'video/H264');
    const video = this.getTransceivers().filter((transceiver) => transceiver.receiver.track.kind === 'video');
    for (const transceiver of video) transceiver.setCodecPreferences(known);
  }
  return describe.apply(this, given);
};
"""
"""A browser that has no decoder for H.264."""
AT_BROWSERS = ("李明", "王芳")
AT_ROBOTS = tuple(f"当事人{number}" for number in range(1, 10))
SEND_H264 = ("李明", *AT_ROBOTS[::2])
BUSY_S = 60.0
"""A limit that only ends a test on a machine that is busy with something else."""


def grey_of(name: str) -> int:
    """The picture of each robot is its own grey."""
    return 40 + 20 * AT_ROBOTS.index(name)


async def height_sent(seat: Seat) -> int:
    """Lines of the picture that a page sends; 0 before the first."""
    return int((await seat.figures())["media"]["sample"]["outbound"].get("camera", {}).get("height", 0))


@pytest.mark.timeout(240)
async def test_each_of_twelve_sees_and_hears_the_eleven_others(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    robots: list[Robot] = []
    try:
        held = await court.sitting(tuple((name, "party") for name in (*AT_BROWSERS, *AT_ROBOTS)))
        judge, li, wang = await asyncio.gather(
            person(0),
            person(1, granted=False, devices=False, flags=FLAGS),
            person(2, granted=False, devices=False, flags=FLAGS[1:], viewport=PHONE, language="en"),
        )
        for party in (li, wang):
            await party.context.grant_permissions(["camera", "microphone"])
        await li.context.add_init_script(WITHOUT_VP8)
        exhibit = await Exhibit.open(li.context)
        await li.page.bring_to_front()
        chair = await take_the_chair(judge, site, held)
        seats = [chair, await to_the_waiting_room(li, held, "李明"), await to_the_waiting_room(wang, held, "王芳")]
        robots += await asyncio.gather(*(Robot.by_link(site, held, name) for name in AT_ROBOTS))
        await chair.until(lambda f: sum(p["presence"] == "waiting" for p in f["view"]["participants"]) == 11, "sees all waiting", BUSY_S)
        await chair.admit_all()
        for seat in seats[1:]:
            await seat.until_inside(BUSY_S)
        await asyncio.gather(*(r.take_part("H264" if r.name in SEND_H264 else "VP8", grey_of(r.name)) for r in robots))

        everybody = [seat.name for seat in seats] + [robot.name for robot in robots]
        assert len(set(everybody)) == 12
        await asyncio.gather(
            *(looks_at(seat, [name for name in everybody if name != seat.name]) for seat in seats),
            *(robot.sees(name, limit_s=BUSY_S) for robot in robots for name in everybody if name != robot.name),
            *(robot.hears(name, limit_s=BUSY_S) for robot in robots for name in everybody if name != robot.name),
        )
        for viewer, shown in permutations(robots, 2):
            picture = viewer.received(shown.name)
            assert picture.codec == ("H264" if shown.name in SEND_H264 else "VP8")
            assert picture.luma == pytest.approx(grey_of(shown.name), abs=6), f"{viewer.name} sees somebody else as {shown.name}"
        assert [robots[0].received(name).codec for name in (chair.name, *AT_BROWSERS)] == ["VP8", "H264", "VP8"]
        for seat in seats:
            await seat.until(lambda f: f["view"]["max_height"] == 180, "is told to send small")
            await eventually(lambda seat=seat: _is_small(seat), f"{seat.name} sends small", BUSY_S)  # type: ignore[misc]
        await chair.change_stage("hearing")
        await a_document_is_shared(seats, exhibit)
        await each_pins_whom_he_wants_large(seats)
        await devices_are_changed(seats)
        await the_court_is_locked_and_opened(seats)
        await everybody_writes(seats, robots)
        for seat in seats:
            assert await seat.person.accessibility_faults() == [], seat.name
        assert await wang.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert [seat.person.errors for seat in seats] == [[], [], []]
    finally:
        await asyncio.gather(*(robot.close() for robot in robots))
        await court.close()


async def looks_at(seat: Seat, names: list[str]) -> None:
    """One picture after another, as on a telephone not all of them stand on the page at once, and what is not seen is not sent."""
    for name in names:
        await seat.tile(name).scroll_into_view_if_needed()
        await seat.sees(name, BUSY_S)


# What the three at browsers do: the chair with the mouse, Li with the keyboard alone, Wang on a telephone and in English.


async def a_document_is_shared(seats: list[Seat], exhibit: Exhibit) -> None:
    chair, li, wang = seats
    await exhibit.turn(GREEN)
    await li.person.page.keyboard.press("s")
    for viewer in (chair, wang):
        await reads(viewer, GREEN, BUSY_S)


async def each_pins_whom_he_wants_large(seats: list[Seat]) -> None:
    chair, li, wang = seats
    for seat, name in ((chair, "当事人5"), (wang, "当事人5")):
        await seat.tile(name).hover()
        await seat.tile(name).locator("[data-pin]").click()
    await li.tile("当事人5").locator("[data-pin]").focus()
    await li.person.page.keyboard.press("Enter")
    for seat in seats:
        await expect(seat.tile("当事人5").locator("[data-pin]")).to_have_attribute("aria-pressed", "true")
        await eventually(lambda seat=seat: _is_largest(seat, "当事人5"), f"{seat.name} sees 当事人5 large")  # type: ignore[misc]
    await li.person.page.keyboard.press("Enter")
    await expect(li.tile("当事人5").locator("[data-pin]")).to_have_attribute("aria-pressed", "false")


async def _is_largest(seat: Seat, name: str) -> bool:
    wide = await seat.person.page.locator("hearing-tile").evaluate_all("tiles => tiles.map((tile) => [tile.ariaLabel, tile.clientWidth])")
    widest = max(width for _, width in wide)
    return [label for label, width in wide if width == widest and name in label] != [] and sum(w == widest for _, w in wide) == 1


async def devices_are_changed(seats: list[Seat]) -> None:
    _, li, wang = seats
    for seat in (li, wang):
        page, before = seat.person.page, await sent(seat)
        if seat is li:
            await page.keyboard.press("d")
        else:
            await page.click('[data-part="tool-view"]')
        await page.select_option("#now-camera", value=await page.locator("#now-camera option:not(:checked)").last.get_attribute("value"))

        async def another(seat: Seat = seat, before: dict[str, str] = before) -> bool:
            now = await sent(seat)
            return list(now) == list(before) and now["1"] not in ("", before["1"])

        await eventually(another, f"{seat.name} sends another camera on the same m-line", BUSY_S)
        await page.keyboard.press("Escape")


async def the_court_is_locked_and_opened(seats: list[Seat]) -> None:
    chair, *others = seats
    for locked in (True, False):
        await chair.person.page.click('[data-act="lock"]')
        for seat in others:
            await seat.until(lambda f, locked=locked: f["view"]["sitting"]["locked"] is locked, f"sees that the court is locked: {locked}")  # type: ignore[misc]


async def everybody_writes(seats: list[Seat], robots: list[Robot]) -> None:
    chair, li, wang = seats
    await chair.person.page.click('[data-part="tool-messages"]')
    await li.person.page.keyboard.press("c")
    await wang.person.page.click('[data-part="tool-messages"]')
    texts = ["请看第二页", "看到了", "I see it"]
    for number, seat in enumerate(seats):
        await _write(seat.person.page, texts[number])
        for reader in seats:
            await expect(reader.person.page.locator("#messages-panel .message-text")).to_have_text(texts[: number + 1])
    for robot in robots:
        await robot.until(lambda view: [message["text"] for message in view["messages"]] == texts, "reads what was written")
    for seat in seats:
        await seat.person.page.keyboard.press("Escape")


async def _write(page: Page, text: str) -> None:
    await page.fill("#message-text", text)
    await page.keyboard.press("Enter")


async def _is_small(seat: Seat) -> bool:
    return 0 < await height_sent(seat) <= 180


@pytest.mark.timeout(150)
async def test_a_browser_that_cannot_show_a_picture_says_whose_and_the_chair_is_told(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    robots: list[Robot] = []
    try:
        held = await court.sitting((("李明", "party"), ("当事人1", "party")))
        robots = [await Robot.signed_in(site, held, held.chair), await Robot.by_link(site, held, "当事人1")]
        chair, other = robots
        li = await person(0)
        await li.context.add_init_script(WITHOUT_H264)
        seat = await to_the_waiting_room(li, held, "李明")
        await chair.admit_everybody(2)
        await seat.until_inside(BUSY_S)
        await chair.take_part("VP8", 90)
        await other.take_part("H264", 150)

        await seat.sees(chair.name, BUSY_S)
        told = seat.tile("当事人1").locator(".tile-state")
        await told.wait_for(state="visible")
        assert "本浏览器无法显示当事人1的画面" in (await told.text_content() or "")
        assert not await seat.tile(chair.name).locator(".tile-cover").is_visible()
        assert (await seat.inbound("当事人1", "camera"))["frames"] == 0
        await eventually(lambda: _heard(seat, "当事人1"), "李明 hears 当事人1 all the same")

        def alerts() -> list[dict[str, str]]:
            return [a["data"] for a in chair.view["alerts"] if a["code"] == "picture_undecodable"]

        await chair.until(lambda _: bool(alerts()), "is told of it")
        assert alerts() == [{"participant": held.participants["李明"], "name": "李明", "whose": "当事人1"}]
        await chair.sees("当事人1")  # others are not concerned

        await other.publish("VP8", 150)
        await seat.sees("当事人1", BUSY_S)
        await chair.until(lambda _: not alerts(), "hears that it is over")
        await told.wait_for(state="hidden")
    finally:
        await asyncio.gather(*(robot.close() for robot in robots))
        await court.close()


async def _heard(seat: Seat, name: str) -> bool:
    return (await seat.inbound(name, "microphone"))["packets"] > 10
