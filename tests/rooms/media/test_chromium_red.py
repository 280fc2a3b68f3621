"""A real Chromium on a long way that loses a tenth: with redundancy (RFC 2198) less of the sound has to be made up than without."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from rooms.media.engine import Routing, Source, TrackKey
from tests.relay import Relay

from .process import EngineProcess
from .test_chromium import Site, browser, more, open_page

__all__ = ["browser"]
pytestmark = [pytest.mark.long, pytest.mark.timeout(150)]

LOSS, DELAY_S = 0.1, 0.15
SETTLED_S, LISTENED_S = 12.0, 25.0
MICROPHONES = frozenset({Source.MICROPHONE})
#: A microphone alone, which offers redundancy before plain Opus, after it, or not at all; and a viewer who answers without it.
PAGE = r"""
window.speak = async (endpoint, order) => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const pc = window.pub = new RTCPeerConnection();
  const line = pc.addTransceiver(stream.getAudioTracks()[0], {direction: 'sendonly'});
  const known = RTCRtpSender.getCapabilities('audio').codecs;
  line.setCodecPreferences(order.map(name => known.find(codec => codec.mimeType == `audio/${name}`)));
  await pc.setLocalDescription();
  const answer = await post('/publish', {endpoint, sdp: pc.localDescription.sdp, sources: {[line.mid]: 'microphone'}});
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
};
window.withoutRedundancy = () => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({type, sdp}) {
    const kept = sdp.replace(/^(m=audio .*) 63\b/mg, '$1').replace(/^a=(rtpmap|fmtp):63 .*\r\n/mg, '');
    return set.call(this, {type, sdp: kept});
  };
};
window.heard = async () => {
  const found = {};
  const lines = sub.getTransceivers();
  for (const one of (await sub.getStats()).values()) {
    if (one.type != 'inbound-rtp' || one.kind != 'audio') continue;
    const track = lines.find(line => line.mid == one.mid).receiver.track;
    found[track.id.split('.')[0]] = [one.totalSamplesReceived, one.concealedSamples];
  }
  return found;
};
"""


@pytest.fixture
async def site(engine: EngineProcess) -> AsyncIterator[Site]:
    running = await Site(engine).start()
    yield running
    await running.runner.cleanup()


def hearing(speakers: tuple[str, ...], listeners: tuple[str, ...]) -> Routing:
    tracks = frozenset(TrackKey(name, Source.MICROPHONE) for name in speakers)
    publish = dict.fromkeys(speakers, MICROPHONES) | dict.fromkeys(listeners, frozenset())
    return Routing(publish, dict.fromkeys(listeners, tracks), continuous=frozenset(speakers))


async def page(browser: BrowserContext, site: Site) -> Page:
    opened = await open_page(browser, site)
    await opened.add_script_tag(content=PAGE)
    return opened


async def concealed(listener: Page) -> dict[str, float]:
    """Of each speaker, the share of the sound that this page makes up."""
    first = await listener.evaluate("heard()")
    await asyncio.sleep(LISTENED_S)
    last = await listener.evaluate("heard()")
    return {name: round((made - first[name][1]) / (total - first[name][0]), 4) for name, (total, made) in last.items()}


async def sides(engine: EngineProcess, endpoint: str) -> dict[str, Any]:
    found: dict[str, Any] = (await engine.client.report())["routers"]["room"]["endpoints"][endpoint]
    return found


async def test_on_a_lossy_way_down_a_viewer_who_takes_redundancy_misses_less(
    engine: EngineProcess, site: Site, browser: BrowserContext
) -> None:
    await engine.client.apply("room", 1, hearing(("ana",), ("bo", "eve")))
    ana, bo, eve = [await page(browser, site) for _ in range(3)]
    await ana.evaluate("speak('ana', ['opus', 'red'])")
    async with Relay(engine.udp_port, seed=5, delay_s=DELAY_S) as relay:
        site.relay = relay
        await eve.evaluate("withoutRedundancy()")
        for listener, name in ((bo, "bo"), (eve, "eve")):
            await listener.evaluate(f"subscribe('{name}')")
            await more(listener, "inbound('audio')", "packetsReceived", 50)
        assert not (await sides(engine, "bo"))["subscribe"]["consumers"]["ana/microphone"]["redundant"], (
            "a path that loses nothing needs none"
        )
        relay.down_drop = LOSS
        await asyncio.sleep(SETTLED_S)
        before = (await sides(engine, "bo"))["subscribe"]["consumers"]["ana/microphone"]
        with_it, without = await asyncio.gather(concealed(bo), concealed(eve))
        after = (await sides(engine, "bo"))["subscribe"]["consumers"]["ana/microphone"]
    taken = {name: (await sides(engine, name))["subscribe"]["consumers"]["ana/microphone"]["redundant"] for name in ("bo", "eve")}
    sys.stdout.write(json.dumps({"with": with_it["ana"], "without": without["ana"], "redundant": taken}) + "\n")
    assert taken == {"bo": True, "eve": False}
    assert after["nacks"] > before["nacks"]
    assert after["rtx"] == before["rtx"], "what went out under a number never goes out with another sound"
    assert with_it["ana"] < without["ana"]


async def test_on_a_lossy_way_up_a_publisher_who_sends_it_is_heard_better(
    engine: EngineProcess, site: Site, browser: BrowserContext
) -> None:
    await engine.client.apply("room", 1, replace(hearing(("ana", "dan"), ("bo",))))
    ana, dan, bo = [await page(browser, site) for _ in range(3)]
    async with Relay(engine.udp_port, seed=5, delay_s=DELAY_S) as relay:
        site.relay = relay
        await ana.evaluate("speak('ana', ['red', 'opus'])")
        await dan.evaluate("speak('dan', ['opus'])")
        site.relay = None
        await bo.evaluate("subscribe('bo')")
        await more(bo, "inbound('audio')", "packetsReceived", 50)
        relay.up_drop = LOSS
        await asyncio.sleep(SETTLED_S)
        made_up = await concealed(bo)
    found = {name: (await sides(engine, name))["publish"]["producers"]["microphone"] for name in ("ana", "dan")}
    figures = {
        name: {field: found[name][field] for field in ("packets", "lost", "repaired", "recovered", "nacks", "bitrate_bps")}
        for name in found
    }
    sys.stdout.write(json.dumps({"concealed": made_up, **figures}) + "\n")
    assert found["ana"]["recovered"] > 50
    assert found["dan"]["recovered"] == 0
    assert found["ana"]["nacks"] < found["dan"]["nacks"] / 2, "what is there already is not asked for"
    assert made_up["ana"] < made_up["dan"]
