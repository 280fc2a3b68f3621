"""A viewer whose path becomes narrow gets a smaller picture, then sound alone, and all again when it is wide, and is told each time: on
both engines, with Chromium at both ends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Page

from rooms.media.engine import Source
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody

from .conftest import Hall
from .pages import two_pages
from .test_pictures import CAMERA
from .test_quality import Paths

pytestmark = [pytest.mark.long, pytest.mark.timeout(280)]
SETTLED_S, LISTENED_S, LIMIT_S = 8.0, 8.0, 75.0
CONCEALED = 0.1
"""Of the sound: a busy machine alone makes some of it."""
PAGE = r"""<script>
async function offer() {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720, frameRate: 15}});
  const pc = window.pub = new RTCPeerConnection();
  pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendonly', sendEncodings: [{maxBitrate: 40000}]});
  const camera = pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
    {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000, scalabilityMode: 'L1T2'},
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500000, scalabilityMode: 'L1T2'},
    {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1500000, scalabilityMode: 'L1T2'},
  ]});
  const known = RTCRtpSender.getCapabilities('video').codecs;
  camera.setCodecPreferences(known.filter(c => ['video/VP8', 'video/rtx'].includes(c.mimeType)));
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}
async function obey(rids) {
  const sender = pub.getSenders()[1], parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
  await sender.setParameters(parameters);
}
async function inbound(kind) {
  for (const s of (await sub.getStats()).values()) if (s.type == 'inbound-rtp' && s.kind == kind) return {...s};
  return {};
}
</script>"""


class Narrow:
    """Ana's page sends what is wanted of it, Bo's watches through a link."""

    def __init__(self, hall: Hall, ana: Page, bo: Page) -> None:
        self.hall = hall
        self.ana, self.bo = ana, bo
        self.path = Paths(3)
        self._wanted: asyncio.Queue[list[str]] = asyncio.Queue()
        self._obeying = asyncio.create_task(self._obey())
        hall.client.on_event(lambda e: self._wanted.put_nowait(e.fields["rids"]) if e.name == "demand" and e.endpoint == "ana" else None)

    async def _obey(self) -> None:
        while True:
            await self.ana.evaluate("rids => obey(rids)", await self._wanted.get())

    async def begin(self) -> Narrow:
        hall = self.hall
        await hall.apply(everybody("ana", "bo"))
        sources = {"0": Source.MICROPHONE, "1": Source.CAMERA}
        published = await hall.client.publish(hall.router, 1, "ana", await self.ana.evaluate("offer()"), sources)
        await self.ana.evaluate("sdp => pub.setRemoteDescription({type: 'answer', sdp})", published.sdp)
        await until(lambda: hall.noticed("transport", "ana", state="connected"))
        offer = await hall.client.subscribe(hall.router, 1, "bo")
        answer = await self.bo.evaluate("sdp => take(sdp)", await self.path.through(offer.sdp))
        await hall.client.answer(hall.router, 1, "bo", offer.transport, offer.revision, answer)
        await hall.client.show(hall.router, 1, "bo", {CAMERA: 720})
        return self

    def carries(self, bps: int) -> None:
        self.path.limit(bps)

    async def downlink(self) -> dict[str, Any]:
        report = await self.hall.client.report()
        found: dict[str, Any] = report["routers"][self.hall.router]["endpoints"]["bo"]["subscribe"]["downlink"]
        return found

    async def lines(self) -> int:
        return int((await self.bo.evaluate("inbound('video')")).get("frameHeight") or 0)

    async def until(self, condition: Callable[[str, int], bool]) -> float:
        """Wait until state and lines of the picture are so; the seconds that it took."""
        began = asyncio.get_running_loop().time()
        while not condition((await self.downlink())["state"], await self.lines()):
            assert asyncio.get_running_loop().time() - began < LIMIT_S, (await self.downlink(), await self.lines())
            await asyncio.sleep(0.2)
        return round(asyncio.get_running_loop().time() - began, 1)

    async def concealed(self) -> float:
        """The share of the sound that had to be made up in the next seconds."""
        first = await self.bo.evaluate("inbound('audio')")
        await asyncio.sleep(LISTENED_S)
        last = await self.bo.evaluate("inbound('audio')")
        made_up, all_of_it = (last[name] - first[name] for name in ("concealedSamples", "totalSamplesReceived"))
        return float(round(made_up / all_of_it, 4))

    def told(self) -> list[str]:
        """What bo was told, in order."""
        events = [e for e in self.hall.events if e.name == "downlink" and e.router == self.hall.router and e.endpoint == "bo"]
        return [event.fields["state"] for event in events]

    async def close(self) -> None:
        self._obeying.cancel()
        self.path.close()


@pytest.fixture
async def narrow(hall: Hall) -> AsyncIterator[Narrow]:
    async with two_pages(PAGE) as (ana, bo):
        made = await Narrow(hall, ana, bo).begin()
        yield made
        await made.close()


async def test_a_narrow_path_carries_a_smaller_picture_then_sound_alone_and_all_again_when_it_is_wide(narrow: Narrow) -> None:
    await narrow.until(lambda state, lines: state == "full" and lines == 720)
    figures: dict[str, Any] = {"engine": narrow.hall.engine.name}

    narrow.carries(220_000)
    figures["smaller_s"] = await narrow.until(lambda state, lines: state in ("smaller", "slower") and 0 < lines <= 180)
    await asyncio.sleep(SETTLED_S)
    figures["smaller_concealed"] = await narrow.concealed()

    narrow.carries(80_000)
    figures["audio_s"] = await narrow.until(lambda state, lines: state == "audio")
    await asyncio.sleep(SETTLED_S)
    figures["audio_concealed"] = await narrow.concealed()

    narrow.carries(0)
    figures["full_s"] = await narrow.until(lambda state, lines: state == "full" and lines == 720)
    figures["told"], figures["downlink"] = narrow.told(), await narrow.downlink()
    sys.stdout.write(json.dumps(figures) + "\n")
    assert figures["smaller_concealed"] < CONCEALED
    assert figures["audio_concealed"] < CONCEALED
    assert figures["told"][0] in ("smaller", "slower")
    assert "audio" in figures["told"]
    assert figures["told"][-1] == "full"
