"""A real Chromium publishes a simulcast of three layers; another shows it in tiles of changing size."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from .process import EngineProcess, until
from .recorder import FeedSocket
from .test_chromium import A_CAMERA, Site, browser, more, open_page, routing, site

__all__ = ["browser", "site"]

PUBLISH = """async ([endpoint, codec]) => {
  const stream = await navigator.mediaDevices.getUserMedia({video: {width: 1280, height: 720, frameRate: 15}});
  const pc = window.pub = new RTCPeerConnection();
  const transceiver = pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
    {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000, active: false},
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500000, active: false},
    {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1500000, active: false},
  ]});
  window.sender = transceiver.sender;
  const known = RTCRtpSender.getCapabilities('video').codecs;
  transceiver.setCodecPreferences(known.filter(c => [`video/${codec}`, 'video/rtx'].includes(c.mimeType)));
  await pc.setLocalDescription();
  const answer = await post('/publish', {endpoint, sdp: pc.localDescription.sdp, sources: {[transceiver.mid]: 'camera'}});
  window.publishAnswer = answer.sdp;
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
}"""

#: A switch that cost more than the wait for a key frame would stop the picture longer. A busy machine alone stops it now and then.
STILL_S = 1.5

ACTIVATE = """async rids => {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
  await sender.setParameters(parameters);
}"""


class Obedient:
    """A publisher's page that sends what is demanded. `told`: each demand, as (wanted, rids)."""

    def __init__(self, engine: EngineProcess, page: Page) -> None:
        self.told: list[tuple[bool, list[str]]] = []
        self._page = page
        self._queue: asyncio.Queue[list[str]] = asyncio.Queue()
        self.task = asyncio.create_task(self._obey())
        engine.client.on_event(self._on_event)

    def _on_event(self, event: Any) -> None:
        if event.name == "demand" and event.endpoint == "ana":
            self.told.append((event.fields["wanted"], event.fields["rids"]))
            self._queue.put_nowait(event.fields["rids"])

    async def _obey(self) -> None:
        while True:
            rids = await self._queue.get()
            await self._page.evaluate(ACTIVATE, rids)


async def height(page: Page, expected: int) -> dict[str, Any]:
    """Wait until the received picture has this height; returns the figures of the stream."""
    async with asyncio.timeout(30):
        while True:
            figures: dict[str, Any] = await page.evaluate("inbound('video')")
            if figures.get("frameHeight") == expected:
                return figures
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.timeout(120)
async def test_a_tile_that_shrinks_and_grows_gets_the_layer_for_it_in_place(
    engine: EngineProcess, site: Site, browser: BrowserContext, recorder: FeedSocket, codec: str
) -> None:
    await engine.client.apply("room", 1, replace(routing(), record=frozenset({A_CAMERA})))
    recorder.want("room", "first")
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    obedient = Obedient(engine, ana)
    await engine.client.show("room", 1, "bo", {A_CAMERA: 180})
    await ana.evaluate(PUBLISH, ["ana", codec])
    await bo.evaluate("subscribe('bo')")
    decoded = await more(bo, "inbound('video')", "framesDecoded")
    for shown, expected in ((180, 180), (720, 720), (360, 360), (180, 180), (700, 720)):
        await engine.client.show("room", 1, "bo", {A_CAMERA: shown})
        await height(bo, expected)
        decoded = await more(bo, "inbound('video')", "framesDecoded", decoded + 15)
    await engine.client.apply("room", 1, routing())
    await engine.client.show("room", 1, "bo", {A_CAMERA: 0})
    await until(lambda: obedient.told[-1] == (False, []))
    unseen = await bo.evaluate("inbound('video')")
    assert unseen["pliCount"] == unseen["nackCount"] == unseen["packetsLost"] == 0, "a layer did not go over into the next"
    assert unseen["totalFreezesDuration"] < STILL_S
    sent = (await ana.evaluate("outbound('video')"))["packetsSent"]
    await asyncio.sleep(0.5)
    assert (await ana.evaluate("outbound('video')"))["packetsSent"] == sent, "a picture that nobody sees was sent"
    await engine.client.show("room", 1, "bo", {A_CAMERA: 360})
    await more(bo, "inbound('video')", "framesDecoded", unseen["framesDecoded"] + 5)
    figures = await height(bo, 360)
    assert figures["pliCount"] == figures["nackCount"] == figures["packetsLost"] == 0
    heard = recorder.track("ana", "camera")
    assert heard is not None
    assert heard.missing() == 0
    obedient.task.cancel()
