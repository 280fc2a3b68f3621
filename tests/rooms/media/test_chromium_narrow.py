"""A real Chromium watches a simulcast, and hears its sound, through a link that becomes narrow and wide again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from tests.relay import Relay

from .process import EngineProcess
from .test_chromium import A_CAMERA, Site, browser, more, open_page, routing, site
from .test_chromium_simulcast import Obedient

pytestmark = pytest.mark.alone

__all__ = ["browser", "site"]

PUBLISH = """async endpoint => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720, frameRate: 15}});
  const pc = window.pub = new RTCPeerConnection();
  const microphone = pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendonly', sendEncodings: [{maxBitrate: 40000}]});
  const camera = pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
    {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000, active: false, scalabilityMode: 'L1T2'},
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500000, active: false, scalabilityMode: 'L1T2'},
    {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1500000, active: false, scalabilityMode: 'L1T2'},
  ]});
  window.sender = camera.sender;
  const known = RTCRtpSender.getCapabilities('video').codecs;
  camera.setCodecPreferences(known.filter(c => ['video/VP8', 'video/rtx'].includes(c.mimeType)));
  await pc.setLocalDescription();
  const sources = {[microphone.mid]: 'microphone', [camera.mid]: 'camera'};
  const answer = await post('/publish', {endpoint, sdp: pc.localDescription.sdp, sources});
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
}"""


SETTLED_S, LISTENED_S = 6.0, 8.0
CONCEALED = 0.1
"""Of the sound: a busy machine alone makes some of it."""
LIMIT_S = 60.0


class Viewer:
    """Bo's page and what the engine and the page say of it."""

    def __init__(self, engine: EngineProcess, page: Page) -> None:
        self.engine = engine
        self.page = page

    async def downlink(self) -> dict[str, Any]:
        report = await self.engine.client.report()
        found: dict[str, Any] = report["routers"]["room"]["endpoints"]["bo"]["subscribe"]["downlink"]
        return found

    async def picture(self) -> tuple[int, int]:
        """Lines and frames so far."""
        figures = await self.page.evaluate("inbound('video')")
        return int(figures.get("frameHeight") or 0), int(figures.get("framesDecoded") or 0)

    async def concealed(self, seconds: float) -> float:
        """The share of the sound that had to be made up in the next seconds."""
        first = await self.page.evaluate("inbound('audio')")
        await asyncio.sleep(seconds)
        last = await self.page.evaluate("inbound('audio')")
        return float(
            (last["concealedSamples"] - first["concealedSamples"]) / (last["totalSamplesReceived"] - first["totalSamplesReceived"])
        )

    async def until(self, condition: Callable[[str, int], bool]) -> float:
        """Wait until state and lines of the picture are so; the seconds that it took."""
        began = asyncio.get_running_loop().time()
        while not condition((await self.downlink())["state"], (await self.picture())[0]):
            assert asyncio.get_running_loop().time() - began < LIMIT_S, (await self.downlink(), await self.picture())
            await asyncio.sleep(0.2)
        return round(asyncio.get_running_loop().time() - began, 1)


@pytest.mark.timeout(300)
async def test_a_narrow_link_carries_a_smaller_picture_then_sound_alone_and_all_again_when_it_is_wide(
    engine: EngineProcess, site: Site, browser: BrowserContext
) -> None:
    await engine.client.apply("room", 1, routing())
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    obedient = Obedient(engine, ana)
    await engine.client.show("room", 1, "bo", {A_CAMERA: 720})
    await ana.evaluate(PUBLISH, "ana")
    async with Relay(engine.udp_port, seed=3) as relay:
        site.relay = relay
        await bo.evaluate("subscribe('bo')")
        viewer = Viewer(engine, bo)
        await more(bo, "inbound('video')", "framesDecoded", 30)
        assert (await viewer.downlink())["state"] == "full"
        figures: dict[str, Any] = {}

        relay.down_link.bps = 200_000
        figures["smaller_s"] = await viewer.until(lambda state, lines: state in ("smaller", "slower") and 0 < lines <= 180)
        await asyncio.sleep(SETTLED_S)
        figures["smaller_concealed"] = await viewer.concealed(LISTENED_S)

        relay.down_link.bps = 80_000
        figures["audio_s"] = await viewer.until(lambda state, lines: state == "audio")
        await asyncio.sleep(SETTLED_S)
        figures["audio_concealed"] = await viewer.concealed(LISTENED_S)
        padding = (await viewer.downlink())["padding_octets"]

        relay.down_link.bps = 0
        figures["full_s"] = await viewer.until(lambda state, lines: state == "full" and lines == 720)
        figures["padding_octets"] = padding, (await viewer.downlink())["padding_octets"]
        before = (await viewer.picture())[1]
        await more(bo, "inbound('video')", "framesDecoded", before + 15)
    sys.stdout.write(json.dumps(figures) + "\n")
    assert figures["smaller_concealed"] < CONCEALED
    assert figures["audio_concealed"] < CONCEALED
    states = [event.fields["state"] for event in engine.events if event.name == "downlink" and event.endpoint == "bo"]
    assert states[0] in ("smaller", "slower")
    assert "audio" in states
    assert states[-1] == "full"
    obedient.task.cancel()


@pytest.mark.long
@pytest.mark.timeout(200)
async def test_a_publisher_of_several_layers_on_a_narrow_way_up_keeps_the_small_one_and_the_sound(
    engine: EngineProcess, site: Site, browser: BrowserContext
) -> None:
    """Bo sees Ana large, Cy sees her small: what the way up does not carry any more is the large picture alone, until it is wide again."""
    both = routing()
    await engine.client.apply(
        "room", 1, replace(both, publish={**both.publish, "cy": frozenset()}, watch={**both.watch, "cy": both.watch["bo"]})
    )
    ana, bo, cy = [await open_page(browser, site) for _ in range(3)]
    obedient = Obedient(engine, ana)
    for name, lines in (("bo", 720), ("cy", 180)):
        await engine.client.show("room", 1, name, {A_CAMERA: lines})
    async with Relay(engine.udp_port, seed=3) as relay:
        site.relay = relay
        await ana.evaluate(PUBLISH, "ana")
        site.relay = None
        for page, name in ((bo, "bo"), (cy, "cy")):
            await page.evaluate(f"subscribe('{name}')")
        large, small = Viewer(engine, bo), Viewer(engine, cy)
        await large.until(lambda _, lines: lines == 720)
        await small.until(lambda _, lines: lines == 180)

        relay.up_link.bps = 350_000
        await asyncio.sleep(SETTLED_S)
        before = (await small.picture())[1]
        figures: dict[str, Any] = {"concealed": await large.concealed(LISTENED_S)}
        lines, frames = await small.picture()
        figures["small"] = lines, frames - before
        figures["limit_bps"] = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["limit_bps"]

        relay.up_link.bps = 0
        figures["large_again_s"] = await large.until(lambda _, lines: lines == 720)
    sys.stdout.write(json.dumps(figures) + "\n")
    assert figures["concealed"] < CONCEALED
    assert figures["small"][0] <= 180
    assert figures["small"][1] > LISTENED_S * 3, "the small picture moves"
    assert figures["limit_bps"] is not None, "the publisher was told less than is wanted of it"
    obedient.task.cancel()
