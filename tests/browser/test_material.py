"""The instruments of the other tests measure what they say: known picture and sound, probes, axe, a frozen browser."""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from tests.browser.conftest import PersonFactory
from tests.browser.material import PERIOD_S

PAGE = """<!doctype html><html lang="en"><title>Mirror</title><main><h1>Mirror</h1><video id="mirror" autoplay muted></video></main>"""
MIRROR = """async () => {
  const video = document.querySelector('#mirror');
  video.srcObject = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  await video.play();
}"""


@pytest_asyncio.fixture
async def mirror() -> AsyncIterator[str]:
    """Address of a page that shows a camera to itself."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_person_shows_his_own_colour_and_pitch_once_a_period(person: PersonFactory, mirror: str) -> None:
    one = await person(1)
    await one.page.goto(mirror)
    await one.page.evaluate(MIRROR)
    for where in ("#mirror", "captured"):
        await one.probe(where, where, one.material.pitch_hz)
    await one.probe("#mirror", "another pitch", 4000)
    await asyncio.sleep(4 * PERIOD_S)
    for where in ("#mirror", "captured"):
        seen = await one.seen(where)
        assert seen.colour is not None
        assert max(abs(a - b) for a, b in zip(seen.colour, one.material.colour, strict=True)) < 40
        for marks in (seen.flashes, seen.beeps):
            gaps = [b - a for a, b in itertools.pairwise(marks)]
            assert len(gaps) >= 2
            assert abs(statistics.median(gaps) - PERIOD_S * 1000) < 200, marks
    assert (await one.seen("another pitch")).beeps == []


async def test_a_frozen_browser_does_nothing_until_it_is_thawed(person: PersonFactory, mirror: str) -> None:
    one = await person(0)
    await one.page.goto(mirror)
    one.freeze()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one.page.evaluate("1"), 1)
    one.thaw()
    assert await asyncio.wait_for(one.page.evaluate("2"), 20) == 2


async def test_axe_sees_a_fault(person: PersonFactory, mirror: str) -> None:
    one = await person(0)
    await one.page.goto(mirror)
    assert await one.accessibility_faults() == []
    await one.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(fault.startswith("button-name") for fault in await one.accessibility_faults())
