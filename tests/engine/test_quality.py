"""How well somebody is connected is known of both engines alike: what the engine reports each second and what the page measures of its
own connections make the figures of both directions, on a path that is good, that loses on its way up or down, and that is cut."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page

from rooms.figures import WAYS, Figures, Point, Score, Way
from rooms.media.engine import Source
from rooms.meter import Meter
from rooms.protocol import Direction, Quality
from rooms.quality import Inside, QualityOfConference
from tests.relay import Relay
from tests.rooms.media.peer import Tone
from tests.rooms.media.process import until
from tests.rooms.media.rights import everybody, tracks

from .conftest import Hall
from .pages import two_pages

pytestmark = pytest.mark.timeout(200)
SOURCES = {"0": Source.MICROPHONE, "1": Source.CAMERA}
PEOPLE = ("ana", "bo")
NOTICED_S = 60.0
PAGE = r"""<script type=module>
import { measure } from '/js/measure.js';
let totals = null;
window.measured = async () => {
  const found = await measure(pub, sub, totals);
  totals = found.totals;
  return found.sample;
};
</script><script>
window.pub = null;
async function offer() {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 480}});
  pub = new RTCPeerConnection();
  for (const track of [...stream.getAudioTracks(), ...stream.getVideoTracks()]) pub.addTransceiver(track, {direction: 'sendonly'});
  await pub.setLocalDescription();
  return withoutCandidates(pub.localDescription.sdp);
}
async function still(on) {
  const sender = pub.getSenders()[1];
  window.camera ??= sender.track;
  await sender.replaceTrack(on ? null : camera);
}
</script>"""


class Paths:
    """The way of one person's media: a relay before each address that the engine names."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._relays: dict[tuple[str, int], Relay] = {}
        self._drops = (0.0, 0.0)
        self._cut = False
        self._down_bps = 0

    async def through(self, sdp: str) -> str:
        """The engine's description with the relays in it."""
        for host, port in set(re.findall(r"a=candidate:\S+ 1 (?:udp|UDP) \d+ (\S+) (\d+) typ host", sdp)):
            if (host, int(port)) not in self._relays:
                self._relays[host, int(port)] = await Relay(int(port), self._seed, target_host=host).start()
            relay = self._relays[host, int(port)]
            sdp = sdp.replace(f" {host} {port} typ host", f" 127.0.0.1 {relay.port} typ host")
        self.drop(*self._drops, everything=self._cut)
        self.limit(self._down_bps)
        return sdp

    def drop(self, up: float, down: float, *, everything: bool = False) -> None:
        """Lose so much of what goes up and down, of the media or of everything."""
        self._drops, self._cut = (up, down), everything
        for relay in self._relays.values():
            relay.up_drop, relay.down_drop, relay.everything = up, down, everything

    def limit(self, down_bps: int) -> None:
        """Carry no more than that of what goes down; 0: without limit."""
        self._down_bps = down_bps
        for relay in self._relays.values():
            relay.down_link.bps = down_bps

    def shake(self, jitter_s: float) -> None:
        """Delay each packet by up to so much, for itself."""
        for relay in self._relays.values():
            relay.jitter_s = jitter_s

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()


class Watched:
    """Two people in Chromium, and how they are connected by what engine and pages say, each second and each five."""

    def __init__(self, hall: Hall, pages: dict[str, Page]) -> None:
        self.hall = hall
        self.pages = pages
        self.paths = {name: Paths(seed) for seed, name in enumerate(PEOPLE, 5)}
        self.quality = QualityOfConference()
        self.began_us = time.time_ns() // 1000
        self._offers: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> Watched:
        """Both send and receive."""
        hall = self.hall
        await hall.apply(everybody(*PEOPLE, record=tracks("ana")))
        hall.record()
        for name, page in self.pages.items():
            published = await hall.client.publish(hall.router, 1, name, await page.evaluate("offer()"), SOURCES)
            answer = await self.paths[name].through(published.sdp)
            await page.evaluate("sdp => pub.setRemoteDescription({type: 'answer', sdp})", answer)
        for name in self.pages:
            await until(lambda name=name: hall.noticed("transport", name, direction="publish", state="connected"))  # type: ignore[misc]
        for name, page in self.pages.items():
            offer = await hall.client.subscribe(hall.router, 1, name)
            answer = await page.evaluate("sdp => take(sdp)", await self.paths[name].through(offer.sdp))
            await hall.client.answer(hall.router, 1, name, offer.transport, offer.revision, answer)
        self._tasks = [asyncio.create_task(self._engine()), asyncio.create_task(self._pages())]
        return self

    async def _engine(self) -> None:
        while True:
            found = (await self.hall.client.report())["routers"][self.hall.router]["endpoints"]
            inside = {name: Inside((name,), found[name], camera=True) for name in PEOPLE}
            self.quality.second(inside, time.time_ns() // 1000)
            await asyncio.sleep(1)

    async def _pages(self) -> None:
        while True:
            for name, page in self.pages.items():
                sample = await page.evaluate("measured()")
                up, down = (Direction.model_validate(sample[way]) if sample[way] else None for way in WAYS)
                self.quality.page(name, Quality(up=up, down=down), time.time_ns() // 1000)
            await asyncio.sleep(5)

    async def point(self, name: str, way: Way, wanted: Callable[[Point], bool]) -> Point:
        """The next point of a direction from now on of which that is true."""
        since_us = time.time_ns() // 1000
        seen: list[Point] = []
        for _ in range(int(NOTICED_S * 5)):
            for task in self._tasks:
                if task.done():
                    await task
            points = self.quality.of(time.time_ns() // 1000, since_us - 1).get(name, {}).get(way, ())
            seen.extend(point for point in points if point not in seen)
            if points and wanted(points[-1]):
                return points[-1]
            await asyncio.sleep(0.2)
        raise AssertionError(f"{name} {way}: " + "\n".join(map(str, seen)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for path in self.paths.values():
            path.close()


@pytest.fixture
async def watched(hall: Hall) -> AsyncIterator[Watched]:
    async with two_pages(PAGE) as pages:
        made = await Watched(hall, dict(zip(PEOPLE, pages, strict=True))).begin()
        yield made
        await made.close()


async def test_every_figure_of_both_directions_is_known_and_a_good_path_is_called_good(watched: Watched) -> None:
    def whole(point: Point) -> bool:
        return point.figures.frames_per_s is not None and point.figures.candidate != "" and point.score is not None

    async def looked_at(name: str, way: Way) -> None:
        figures = (await watched.point(name, way, whole)).figures
        assert figures.carries
        assert (figures.lost_percent or 0) < 5
        assert (figures.sound_lost_percent or 0) < 5
        assert figures.jitter_ms is not None
        assert 0 < (figures.rtt_ms or 0) < 500
        assert (figures.bps or 0) > 50_000
        assert (figures.width, figures.height) == (640, 480)
        assert (figures.frames_per_s or 0) > 3
        assert (figures.codec, figures.protocol) == ("VP8", "udp")
        assert figures.candidate in ("host", "prflx")
        assert way == "down" or (figures.sound_packets or 0) > 100
        await watched.point(name, way, lambda point: point.score in (Score.GOOD, Score.FAIR))

    await asyncio.gather(*(looked_at(name, way) for name in PEOPLE for way in WAYS))


async def test_what_a_path_had_not_to_carry_is_not_lost(hall: Hall) -> None:
    """Who switches his microphone off and on again has lost nothing meanwhile: a silent track is no lossy one."""
    await hall.apply(everybody("ana", "bo"))
    ana = hall.peer("ana")
    connection = await ana.publish((Source.MICROPHONE,))
    await until(lambda: connection.connectionState == "connected")
    meter = Meter(time.time_ns() // 1000)

    async def seconds(count: int) -> Figures:
        for _ in range(count):
            await asyncio.sleep(1)
            found = (await hall.client.report())["routers"][hall.router]["endpoints"]["ana"]
            meter.second(found, time.time_ns() // 1000, camera=False)
        return meter.step(time.time_ns() // 1000, "")[0]

    assert (await seconds(4)).sound_lost_percent == 0
    microphone = ana.sender("audio").track
    assert isinstance(microphone, Tone)
    microphone.halt()
    assert (await seconds(7)).sound_lost_percent in (None, 0)
    microphone.go_on()
    assert (await seconds(3)).sound_lost_percent == 0


@pytest.mark.long
async def test_what_a_path_does_lose_is_told_of_the_direction_in_which_it_is_lost(watched: Watched) -> None:
    path = watched.paths["ana"]

    async def told(up: Callable[[Point], bool], down: Callable[[Point], bool]) -> tuple[Point, Point]:
        return await asyncio.gather(watched.point("ana", "up", up), watched.point("ana", "down", down))

    def lost(percent: float, about: float = 12) -> Callable[[Point], bool]:
        return lambda point: point.figures.lost_percent is not None and abs(point.figures.lost_percent - percent) < about

    path.drop(0.25, 0)
    up, _ = await told(lambda point: lost(25)(point) and point.score is Score.BAD, lost(0, 5))
    assert 10 < (up.figures.sound_lost_percent or 0) < 40
    bo = await watched.point("bo", "down", lost(0, 6))
    assert (bo.figures.sound_lost_percent or 0) < 6, "what she lost on her way up is not lost on his way down"
    path.drop(0, 0.25)
    # What is told of the way down is what was lost after repair, and Janus repairs no sound.
    await told(lost(0, 5), lambda point: lost(20, 17)(point) and point.score in (Score.POOR, Score.BAD))


@pytest.mark.long
async def test_what_a_path_does_shake_and_cut_is_told_and_so_is_a_picture_that_stands_still(watched: Watched) -> None:
    path, page = watched.paths["ana"], watched.pages["ana"]

    async def told(wanted: Callable[[Point], bool]) -> tuple[Point, Point]:
        return await asyncio.gather(watched.point("ana", "up", wanted), watched.point("ana", "down", wanted))

    path.shake(0.08)
    shaken = await told(lambda point: 10 < (point.figures.jitter_ms or 0) < 100)
    assert all((point.figures.rtt_ms or 0) >= 10 for point in shaken)
    path.shake(0)
    await told(lambda point: point.score in (Score.GOOD, Score.FAIR))
    await page.evaluate("still(true)")
    await watched.point("ana", "up", lambda point: point.figures.frozen_ms >= 3000 and point.score is Score.BAD)
    await page.evaluate("still(false)")
    path.drop(1, 1, everything=True)
    await told(lambda point: point.figures.carries is False and point.score is Score.BAD)
    await watched.point("bo", "up", lambda point: point.score is Score.GOOD)
