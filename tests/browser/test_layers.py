"""Pictures are as large as they are seen: a tile decides which layer is sent, and what nobody looks at is not sent at all."""

from __future__ import annotations

from typing import Any

from playwright.async_api import ViewportSize

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.site import Site

BUSY_S = 60.0
SMALL: ViewportSize = {"width": 480, "height": 360}
LARGE: ViewportSize = {"width": 1600, "height": 1000}
OWN_PICTURE = """() => { const video = document.querySelector('hearing-tile.tile-you video');
  return [video.videoHeight, video.getVideoPlaybackQuality().totalVideoFrames]; }"""
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


async def sending(seat: Seat) -> dict[str, Any]:
    """What a page sends of its camera: frames so far, lines of the largest layer, how many layers."""
    outbound = (await seat.figures())["media"]["sample"]["outbound"]
    return dict(outbound.get("camera", {"frames": 0, "height": 0, "layers": 0}))


async def lines(seat: Seat, name: str) -> int:
    """Lines of the picture of `name` as it arrives."""
    return int((await seat.inbound(name, "camera")).get("height", 0))


async def test_a_small_tile_gets_a_small_picture_a_large_one_a_large_one_and_a_hidden_page_none(site: Site, person: PersonFactory) -> None:
    court = await Court.open(site)
    try:
        held = await court.sitting()
        party = await person(1)
        judge = await person(0, sound=party.material.sound)  # which has a camera with 720 lines
        chair = await take_the_chair(judge, site, held)
        li = await to_the_waiting_room(party, held, "李明")
        await chair.admit("李明")
        await li.person.page.click('[data-part="entrance-now"]')
        await li.sees(chair.name, BUSY_S)

        await party.page.set_viewport_size(SMALL)
        await eventually(lambda: _is_small(chair, li), "a small tile is sent a small picture and nothing else is encoded", BUSY_S)
        before = await li.inbound(chair.name, "camera")

        await party.page.set_viewport_size(LARGE)
        await eventually(lambda: _at_least(li, chair.name, 500), "a large tile is sent a large picture", BUSY_S)
        assert (await li.inbound(chair.name, "camera"))["frames"] > before["frames"], "the same track, decoded on"

        # Nobody looks: nothing is encoded, and its owner goes on seeing himself.
        await party.page.evaluate(HIDE, True)
        await eventually(lambda: _sends_none(chair), "what nobody looks at is not sent", BUSY_S)
        stopped = (await sending(chair))["frames"]
        height, shown = await judge.page.evaluate(OWN_PICTURE)
        await eventually(lambda: _goes_on(chair, shown), "its owner sees himself", BUSY_S)
        assert height == 720
        assert (await sending(chair))["frames"] == stopped

        await party.page.evaluate(HIDE, False)
        await li.sees(chair.name, BUSY_S)
        assert (await li.participant(chair.name))["sources"]["camera"]["live"] is True
        assert [judge.errors, party.errors] == [[], []]
    finally:
        await court.close()


async def _is_small(publisher: Seat, viewer: Seat) -> bool:
    sent = await sending(publisher)
    return 0 < sent["height"] <= 360 and sent["layers"] == 1 and 0 < await lines(viewer, publisher.name) <= 360


async def _sends_none(seat: Seat) -> bool:
    return bool((await sending(seat))["layers"] == 0)


async def _at_least(seat: Seat, name: str, height: int) -> bool:
    return await lines(seat, name) >= height


async def _goes_on(seat: Seat, shown: int) -> bool:
    return bool((await seat.person.page.evaluate(OWN_PICTURE))[1] > shown + 10)
