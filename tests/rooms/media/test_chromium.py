"""Two pages of a real Chromium publish to the engine and receive from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, Page, async_playwright

from rooms.media.engine import EngineError, EngineEvent, Offer, Routing, Source, TrackKey
from tests.relay import Relay

from .process import EngineProcess, until
from .recorder import FeedSocket

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip

PAGE = r"""<!doctype html><meta charset=utf-8><title>peer</title><body><script>
async function post(path, body) {
  const response = await fetch(path, {method: 'POST', body: JSON.stringify(body)});
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
async function publish(endpoint, codec) {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 240}});
  const pc = window.pub = new RTCPeerConnection();
  const sources = {};
  window.senders = {};
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: 'sendonly'});
    senders[track.kind] = transceiver.sender;
    if (codec && track.kind == 'video') {
      const known = RTCRtpSender.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(known.filter(c => [`video/${codec}`, 'video/rtx'].includes(c.mimeType)));
    }
  }
  await pc.setLocalDescription();
  for (const t of pc.getTransceivers()) sources[t.mid] = t.sender.track.kind == 'audio' ? 'microphone' : 'camera';
  const answer = await post('/publish', {endpoint, sdp: pc.localDescription.sdp, sources});
  window.publishAnswer = answer.sdp;
  window.publishId = answer.transport;
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
}
async function restartPublish(endpoint) {
  pub.restartIce();
  await pub.setLocalDescription();
  const sources = Object.fromEntries(pub.getTransceivers().map(t => [t.mid, t.sender.track.kind == 'audio' ? 'microphone' : 'camera']));
  const answer = await post('/publish', {endpoint, sdp: pub.localDescription.sdp, sources});
  await pub.setRemoteDescription({type: 'answer', sdp: answer.sdp});
  return answer.transport;
}
async function restartSubscribe(endpoint) {
  const offer = await post('/restart', {endpoint, transport: window.transportId});
  await take(endpoint, offer);
  return offer.transport;
}
const credentials = pc => pc.remoteDescription.sdp.match(/ice-ufrag:(\S+)/)[1];
window.streams = {};
async function take(endpoint, offer) {
  const pc = window.sub;
  await pc.setRemoteDescription({type: 'offer', sdp: offer.sdp});
  await pc.setLocalDescription();
  await post('/answer', {endpoint, transport: offer.transport, revision: offer.revision, sdp: pc.localDescription.sdp});
  window.revision = offer.revision;
  window.transportId = offer.transport;
}
async function subscribe(endpoint) {
  const pc = window.sub = new RTCPeerConnection();
  pc.ontrack = event => {
    const element = document.createElement(event.track.kind);
    element.autoplay = element.muted = true;
    element.srcObject = new MediaStream([event.track]);
    document.body.append(element);
    streams[event.track.kind] = event.streams[0].id + ' ' + event.track.id;
  };
  await take(endpoint, await post('/subscribe', {endpoint}));
}
async function inbound(kind) {
  for (const s of (await sub.getStats()).values()) if (s.type == 'inbound-rtp' && s.kind == kind) return {...s};
  return {};
}
async function outbound(kind) {
  for (const s of (await pub.getStats()).values()) if (s.type == 'outbound-rtp' && s.kind == kind) return {...s};
  return {};
}
async function transport(pc) {
  for (const s of (await pc.getStats()).values()) if (s.type == 'transport') return {...s};
}
</script>"""

A_MICROPHONE, A_CAMERA = TrackKey("ana", Source.MICROPHONE), TrackKey("ana", Source.CAMERA)
B_MICROPHONE, B_CAMERA = TrackKey("bo", Source.MICROPHONE), TrackKey("bo", Source.CAMERA)
BOTH = frozenset({Source.MICROPHONE, Source.CAMERA})


def routing(ana: frozenset[Source] = BOTH, bo: frozenset[Source] = BOTH) -> Routing:
    """Ana and Bo see and hear each other."""
    return Routing(
        publish={"ana": ana, "bo": bo},
        watch={"ana": frozenset({B_MICROPHONE, B_CAMERA}), "bo": frozenset({A_MICROPHONE, A_CAMERA})},
    )


class Site:
    """A page and the few requests it makes."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.relay: Relay | None = None
        app = web.Application()
        app.router.add_get("/", self.page)
        for name in ("publish", "subscribe", "answer", "restart"):
            app.router.add_post(f"/{name}", getattr(self, name))
        self.runner = web.AppRunner(app)
        self.port = 0

    async def start(self) -> Site:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = self.runner.addresses[0][1]
        return self

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def publish(self, request: web.Request) -> web.Response:
        body = await request.json()
        sources = {mid: Source(source) for mid, source in body["sources"].items()}
        published = await self.engine.client.publish("room", 1, body["endpoint"], body["sdp"], sources)
        sdp = published.sdp
        if self.relay is not None:
            sdp = sdp.replace(f" {self.engine.udp_port} typ host", f" {self.relay.port} typ host")
        return web.json_response({"sdp": sdp, "transport": published.transport})

    async def restart(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response(self.offer(await self.engine.client.restart("room", 1, body["endpoint"], body["transport"])))

    def offer(self, offer: Offer) -> dict[str, Any]:
        """For the page, with the relay's port in it if there is one."""
        found = offer_json(offer)
        if self.relay is not None:
            found["sdp"] = found["sdp"].replace(f" {self.engine.udp_port} typ host", f" {self.relay.port} typ host")
        return found

    async def subscribe(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response(self.offer(await self.engine.client.subscribe("room", 1, body["endpoint"])))

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self.engine.client.answer("room", 1, body["endpoint"], body["transport"], body["revision"], body["sdp"])
        return web.json_response({})


def offer_json(offer: Offer) -> dict[str, Any]:
    return {"transport": offer.transport, "revision": offer.revision, "sdp": offer.sdp}


@pytest.fixture
async def site(engine: EngineProcess) -> AsyncIterator[Site]:
    running = await Site(engine).start()
    yield running
    await running.runner.cleanup()


@pytest.fixture
async def browser() -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", headless=True, args=FLAGS)
        yield await chromium.new_context()
        await chromium.close()


async def open_page(browser: BrowserContext, site: Site) -> Page:
    page = await browser.new_page()
    await page.goto(f"http://localhost:{site.port}/")
    return page


async def more(page: Page, stream: str, field: str, than: int = 0) -> int:
    """Wait until a counter of a stream, as "inbound('video')", has passed `than`; returns it."""
    async with asyncio.timeout(20):
        while True:
            value = int((await page.evaluate(stream)).get(field) or 0)
            if value > than:
                return value
            await asyncio.sleep(0.1)


@pytest.mark.timeout(90)
async def test_two_pages_see_and_hear_each_other_until_one_is_muted(engine: EngineProcess, site: Site, browser: BrowserContext) -> None:
    await engine.client.apply("room", 1, routing())
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    for page, name in ((ana, "ana"), (bo, "bo")):
        await page.evaluate(f"publish('{name}')")
    for page, name in ((ana, "ana"), (bo, "bo")):
        await page.evaluate(f"subscribe('{name}')")
    for page in (ana, bo):
        assert await more(page, "inbound('video')", "framesDecoded") > 0
        assert await more(page, "inbound('audio')", "packetsReceived") > 0
    assert (await ana.evaluate("streams"))["video"] == "bo bo.camera"
    assert (await ana.evaluate("transport(pub)"))["srtpCipher"] == "SRTP_AEAD_AES_128_GCM"

    await engine.client.apply("room", 1, routing(ana=frozenset({Source.MICROPHONE})))
    stopped = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["camera"]
    sent = (await ana.evaluate("outbound('video')"))["packetsSent"]
    await more(ana, "outbound('video')", "packetsSent", sent + 30)
    still = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]["camera"]
    assert still["forwarded"] == stopped["forwarded"]
    assert still["dropped_not_permitted"] > stopped["dropped_not_permitted"]

    decoded = await bo.evaluate("async () => (await inbound('video')).framesDecoded")
    await engine.client.apply("room", 1, routing())
    assert await more(bo, "inbound('video')", "framesDecoded", decoded + 5) > decoded
    received = await bo.evaluate("inbound('video')")
    assert received["packetsLost"] == 0


@pytest.mark.timeout(90)
async def test_who_subscribed_first_is_offered_what_appears_later(engine: EngineProcess, site: Site, browser: BrowserContext) -> None:
    await engine.client.apply("room", 1, routing())
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    await bo.evaluate("subscribe('bo')")
    offers: list[EngineEvent] = []
    engine.client.on_event(lambda event: offers.append(event) if event.name == "offer" else None)
    await ana.evaluate("publish('ana')")
    await until(lambda: len(offers) > 0)
    await bo.evaluate("offer => take('bo', offer)", offer_json(offers[0].fields["offer"]))
    assert await more(bo, "inbound('video')", "framesDecoded") > 0


@pytest.mark.timeout(90)
async def test_chromium_sends_and_shows_h264_and_vp8_in_turn(engine: EngineProcess, site: Site, browser: BrowserContext) -> None:
    await engine.client.apply("room", 1, routing())
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    await ana.evaluate("publish('ana', 'H264')")
    await bo.evaluate("subscribe('bo')")
    assert await more(bo, "inbound('video')", "framesDecoded", 10) > 10
    assert await codec(bo) == "video/H264"
    for name in ("VP8", "H264"):
        await ana.evaluate(f"publish('ana', '{name}')")
        async with asyncio.timeout(20):
            while await codec(bo) != f"video/{name}":
                await asyncio.sleep(0.1)
        decoded = int((await bo.evaluate("inbound('video')"))["framesDecoded"])
        await more(bo, "inbound('video')", "framesDecoded", decoded + 10)
    received = await bo.evaluate("inbound('video')")
    assert await bo.evaluate("revision") == 1, "the offer named both codecs"
    assert received["packetsLost"] == 0


async def codec(page: Page) -> str:
    """The codec of the video that arrives."""
    found = "async () => { const r = await sub.getStats(); return r.get((await inbound('video')).codecId)?.mimeType ?? '' }"
    return str(await page.evaluate(found))


@pytest.mark.timeout(90)
async def test_of_three_percent_lost_on_the_way_up_the_recorder_misses_next_to_nothing(
    engine: EngineProcess, site: Site, browser: BrowserContext, recorder: FeedSocket
) -> None:
    """Chromium sends lost sound again too, because our answer asks for NACK where its offer did not."""
    await engine.client.apply("room", 1, replace(routing(), record=frozenset({A_MICROPHONE, A_CAMERA})))
    recorder.want("room", "first")
    async with Relay(engine.udp_port, seed=11, up_drop=0.03) as relay:
        site.relay = relay
        ana = await open_page(browser, site)
        await ana.evaluate("publish('ana')")
        enough = {"microphone": 400, "camera": 200}
        await until(lambda: relay.up.dropped >= 20 and all(recorder.heard("ana", s) >= n for s, n in enough.items()), 60)
        relay.up_drop = 0.0
        await asyncio.sleep(1.5)
        producers = (await engine.client.report())["routers"]["room"]["endpoints"]["ana"]["publish"]["producers"]
        assert all(p["repaired"] >= 2 for p in producers.values()), producers
        for source in ("microphone", "camera"):
            heard = recorder.track("ana", source)
            assert heard is not None
            assert heard.missing() / heard.span() <= 0.005


@pytest.mark.timeout(90)
async def test_ice_restarts_and_media_go_on_over_the_same_connections(engine: EngineProcess, site: Site, browser: BrowserContext) -> None:
    """Whoever moves from one network to another keeps connections, keys and numbers: RFC 8445 section 9."""
    await engine.client.apply("room", 1, routing())
    ana, bo = await open_page(browser, site), await open_page(browser, site)
    await ana.evaluate("publish('ana')")
    await bo.evaluate("subscribe('bo')")
    decoded = await more(bo, "inbound('video')", "framesDecoded", 10)
    former = [await page.evaluate(f"credentials({pc})") for page, pc in ((ana, "pub"), (bo, "sub"))]
    assert await ana.evaluate("restartPublish('ana')") == await ana.evaluate("publishId")
    identity = await bo.evaluate("transportId")
    assert await bo.evaluate("restartSubscribe('bo')") == identity
    for page, pc, ufrag in ((ana, "pub", former[0]), (bo, "sub", former[1])):
        assert await page.evaluate(f"credentials({pc})") != ufrag
        async with asyncio.timeout(20):
            while await page.evaluate(f"{pc}.iceConnectionState") not in ("connected", "completed"):
                await asyncio.sleep(0.05)
    await more(bo, "inbound('video')", "framesDecoded", decoded + 40)
    received = await bo.evaluate("inbound('video')")
    assert received["packetsLost"] == 0
    assert received["keyFramesDecoded"] < 5, "nothing began anew"
    with pytest.raises(EngineError) as refused:
        await engine.client.restart("room", 1, "bo", "another")
    assert refused.value.code == "unknown_transport"


@pytest.mark.timeout(90)
async def test_media_follow_to_another_address(engine: EngineProcess, site: Site, browser: BrowserContext) -> None:
    """From Wi-Fi to the telephone's network: the next authenticated check says where the browser is now."""
    await engine.client.apply("room", 1, routing())
    async with Relay(engine.udp_port, seed=2) as relay:
        site.relay = relay
        ana, bo = await open_page(browser, site), await open_page(browser, site)
        await ana.evaluate("publish('ana')")
        await bo.evaluate("subscribe('bo')")
        decoded = await more(bo, "inbound('video')", "framesDecoded", 10)
        relay.rebind()
        await more(bo, "inbound('video')", "framesDecoded", decoded + 60)
        report = (await engine.client.report())["routers"]["room"]["endpoints"]
        assert report["ana"]["publish"]["state"] == report["bo"]["subscribe"]["state"] == "connected"
