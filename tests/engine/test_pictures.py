"""Who is shown what how large, what is wanted of whom, and who speaks: Chromium sends simulcast, aiortc a voice."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from typing import Any

import av
import pytest
from playwright.async_api import Page

from rooms.media.engine import EngineError, Source, TrackKey
from tests.rooms.media.peer import SAMPLES, Tone
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody, tracks

from .conftest import Hall
from .pages import two_pages

CAMERA = TrackKey("ana", Source.CAMERA)
STILL_S = 1.5
"""A busy machine stops a picture by itself now and then; a change of layer that failed would stop it for longer."""
PAGE = r"""<script>
async function offer() {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720}});
  const pc = window.pub = new RTCPeerConnection();
  pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendonly'});
  const sendEncodings = [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}];
  pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', sendEncodings});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}
async function inbound() {
  for (const s of (await sub.getStats()).values()) if (s.type == 'inbound-rtp' && s.kind == 'video') return {...s};
  return {};
}
</script>"""


@pytest.fixture
async def pages() -> AsyncIterator[tuple[Page, Page]]:
    """Two pages of a Chromium."""
    async with two_pages(PAGE) as opened:
        yield opened


def demands(hall: Hall) -> list[tuple[bool, list[str]]]:
    """What ana was told is wanted of her camera, in order."""
    told = [e.fields for e in hall.events if e.name == "demand" and e.router == hall.router and e.endpoint == "ana"]
    return [(fields["wanted"], list(fields["rids"])) for fields in told if fields["source"] == "camera"]


async def wanted_of_ana(hall: Hall, wanted: bool, rids: list[str]) -> None:
    """Wait until that is what she was told last: an engine may go on a while before it wants less."""
    await until(lambda: bool(demands(hall)) and demands(hall)[-1] == (wanted, rids))


async def height_becomes(page: Page, height: int) -> dict[str, Any]:
    """Wait until pictures of this height are decoded; returns the counters."""
    async with asyncio.timeout(30):
        while (counters := await page.evaluate("inbound()")).get("frameHeight") != height:
            await asyncio.sleep(0.1)
    return dict(counters)


@pytest.mark.timeout(150)
async def test_each_viewer_gets_the_layer_that_fits_his_tile(hall: Hall, pages: tuple[Page, Page]) -> None:
    ana, bo = pages
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    hall.record()
    published = await hall.client.publish(
        hall.router, 1, "ana", await ana.evaluate("offer()"), {"0": Source.MICROPHONE, "1": Source.CAMERA}
    )
    await ana.evaluate("sdp => pub.setRemoteDescription({type: 'answer', sdp})", published.sdp)
    await until(lambda: hall.noticed("transport", "ana", state="connected"))
    offer = await hall.client.subscribe(hall.router, 1, "bo")
    answer = await bo.evaluate("sdp => take(sdp)", offer.sdp)
    await hall.client.answer(hall.router, 1, "bo", offer.transport, offer.revision, answer)
    await height_becomes(bo, 720)
    for height, lines, wanted in ((180, 180, ["q", "f"]), (300, 360, ["h", "f"])):
        await hall.client.show(hall.router, 1, "bo", {CAMERA: height})
        await height_becomes(bo, lines)
        await wanted_of_ana(hall, True, wanted)  # the recorder wants the highest
    paused_at = asyncio.get_running_loop().time()
    await hall.client.show(hall.router, 1, "bo", {CAMERA: 0})
    await wanted_of_ana(hall, True, ["f"])
    await asyncio.sleep(0.5)
    paused = (await bo.evaluate("inbound()"))["packetsReceived"]
    recorded = hall.recorder.heard("ana", "camera")
    await until(lambda: hall.recorder.heard("ana", "camera") > recorded + 60)
    assert (await bo.evaluate("inbound()"))["packetsReceived"] == paused
    await hall.client.show(hall.router, 1, "bo", {})
    counters = await height_becomes(bo, 720)
    pause_s = asyncio.get_running_loop().time() - paused_at
    assert counters.get("totalFreezesDuration", 0) < pause_s + STILL_S, "a picture stood still longer than the pause"
    heard = hall.recorder.track("ana", "camera")
    assert heard is not None
    assert heard.missing() == 0
    assert heard.ended == ""


async def test_a_picture_that_nobody_sees_is_not_wanted(hall: Hall) -> None:
    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await ana.publish((Source.MICROPHONE, Source.CAMERA))
    await wanted_of_ana(hall, False, [])  # told after each beginning
    await bo.subscribe()
    await hall.seen(bo, "ana")
    await wanted_of_ana(hall, True, [])
    await hall.client.show(hall.router, 1, "bo", {CAMERA: 0})
    await wanted_of_ana(hall, False, [])
    await hall.apply(everybody("ana", "bo", record=tracks("ana")))
    await wanted_of_ana(hall, True, [])  # the recorder sees it
    for heights in ({CAMERA: -1}, {CAMERA: 100_000}):
        with pytest.raises(EngineError) as refused:
            await hall.client.show(hall.router, 1, "bo", heights)
        assert refused.value.code == "malformed"
    with pytest.raises(EngineError) as refused:
        await hall.client.show(hall.router, 1, "nobody", {})
    assert refused.value.code == "unknown_endpoint"


class Voice(Tone):
    """A loud tone of 440 Hz in place of silence."""

    async def recv(self) -> av.AudioFrame:
        frame = await super().recv()
        wave = (int(20_000 * math.sin(2 * math.pi * 440 * i / 48_000)) for i in range(SAMPLES))
        frame.planes[0].update(struct.pack(f"<{SAMPLES}h", *wave))
        return frame


async def test_who_speaks_is_told_and_a_muted_voice_is_nobody(hall: Hall) -> None:
    def speakers() -> list[str]:
        return [e.endpoint for e in hall.events if e.name == "speaker" and e.router == hall.router]

    await hall.apply(everybody("ana", "bo"))
    ana, bo = hall.peer("ana"), hall.peer("bo")
    await bo.publish((Source.MICROPHONE,))
    connection = await ana.publish((Source.MICROPHONE,))
    await until(lambda: connection.connectionState == "connected")
    assert speakers() == []
    ana.sender("audio").replaceTrack(Voice())
    await until(lambda: speakers() == ["ana"])
    await hall.apply(everybody("ana", "bo", muted=[TrackKey("ana", Source.MICROPHONE)]))
    await until(lambda: speakers() == ["ana", ""])
    await hall.goes_on_sending(ana, "audio", 100)
    assert speakers() == ["ana", ""]
