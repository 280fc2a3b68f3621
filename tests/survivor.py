"""A robot whose picture and sound are known, and that comes back by itself as a page does, whatever dies at the site."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from rooms.participant.participant import LIMIT_S, Refused, open_socket
from tests.browser.court import Held
from tests.browser.site import Site
from tests.known_media import FPS, SOUND_MS, Scene
from tests.robot import Robot
from tests.robot_media import Publishing, Watching
from tests.rooms.recording.streams import vp8_payloads

RETRY_S = 0.2
LATE_S = 0.08
DEAD_S = 8.0
TRANSIENT = {"media_away", "media_failed", "not_inside"}
"""Refusals of one that is back before everything is."""
Key = tuple[str, str]
Noted = Callable[[Key], None]


class Performing(Publishing):
    """Sends a scene instead of a film."""

    def __init__(self, scene: Scene) -> None:
        super().__init__("VP8", 128)
        self._scene = scene

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began, began_us = loop.time(), time.time_ns() // 1000
        self._next = 0  # a connection begins with a key frame; it is -1 while none is asked for
        sound_s = picture_s = report_s = 0.0
        with contextlib.suppress(ConnectionError):
            while True:
                at_s = loop.time() - began
                if at_s >= sound_s:
                    sound_s = _on_time(sound_s, at_s, SOUND_MS / 1000)
                    payload = self._scene.sound(began_us + round(sound_s * 1e6))
                    await self.send(self.microphone.packets([payload], sound_s, marked=False))
                    sound_s += SOUND_MS / 1000
                if at_s >= picture_s:
                    picture_s = _on_time(picture_s, at_s, 1 / FPS)
                    key, self._next = self._next == 0, -1
                    await self.send(self.camera.packets(self._payloads(picture_s, began_us, key), picture_s, marked=True))
                    picture_s += 1 / FPS
                if at_s >= report_s:
                    at_s = loop.time() - began
                    await self.send(stream.report(at_s) for stream in (self.microphone, self.camera))
                    report_s = at_s + 1
                due_s = min(sound_s, picture_s, report_s)
                await asyncio.sleep(max(0.0, began + due_s - loop.time()))

    def _payloads(self, made_s: float, began_us: int, key: bool) -> list[bytes]:
        number = len(self._scene.pictures)
        return vp8_payloads(self._scene.picture(began_us + round(made_s * 1e6), key=key), number)


def _on_time(due_s: float, at_s: float, period_s: float) -> float:
    """When the next is made that was due at `due_s`: a device that was not asked for a while has nothing of that while."""
    return due_s if at_s - due_s < LATE_S else due_s + int((at_s - due_s) / period_s) * period_s


class Noting(Watching):
    """Tells of each picture and packet of sound that was decoded, as soon as it is."""

    def __init__(self, noted: Noted) -> None:
        super().__init__(("VP8",))
        self._noted = noted

    def on_rtp(self, packet: bytes) -> None:
        received = self._by_ssrc.get(int.from_bytes(packet[8:12], "big"))
        before = received.frames if received is not None else 0
        super().on_rtp(packet)
        if received is not None and received.frames > before:
            for key, one in self.received.items():
                if one is received:
                    self._noted(key)


class Survivor(Robot):
    """`decoded`: when (monotonic s) it decoded something of each (endpoint, source). `returns`: how often its WebSocket came back;
    `builds`: how often it connected for media."""

    def __init__(self, site: Site, held: Held, name: str) -> None:
        super().__init__(site, held, name)
        self.scene = Scene(seed=sum(name.encode()))
        self.decoded: dict[Key, list[float]] = {}
        self.returns = self.builds = 0
        self._path = ""
        self._transports: dict[str, str | None] = {"publish": None, "subscribe": None}
        self._performs = False
        self._building: asyncio.Task[None] | None = None
        self._gone = False
        self._built_s = 0.0

    # -- the WebSocket

    async def _connect(self, path: str) -> None:
        self._path = path
        await super()._connect(path)

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                self._take(json.loads(frame))
        if not self._gone:
            self._tasks.append(asyncio.create_task(self._come_back()))

    async def _come_back(self) -> None:
        while True:
            try:
                self._socket = await open_socket(self.visit, self._path)
                await self.send(type="hello", language="zh-CN", **self._transports)
                break
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(RETRY_S)
        self.returns += 1
        self._tasks.append(asyncio.create_task(self._read(self._socket)))

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "error" and message["code"] in TRANSIENT:
            self._answers["published"].put_nowait(message)
            return
        if kind == "media_reset":
            self.resets += 1
            self._build()
            return
        if kind == "welcome" and self._performs and not (message["keep_publish"] and message["keep_subscribe"]):
            self._build()
        if kind == "published":
            self._transports["publish"] = message["transport"]
        if kind == "offer":
            self._transports["subscribe"] = message["transport"]
        super()._take(message)

    # -- media

    async def perform(self) -> None:
        """Once inside: send the scene and receive everybody, again and again whenever it was interrupted."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        self._performs = True
        self._build()
        self._tasks.append(asyncio.create_task(self._rescue()))

    async def _rescue(self) -> None:
        """A page whose connection is dead builds another, whoever has noticed it or not (static/js/rescue.js)."""
        while True:
            since_s = time.monotonic()
            await asyncio.sleep(1.0)
            newest_s = max((at[-1] for at in self.decoded.values()), default=0.0)
            idle = self._building is None or self._building.done()
            if idle and self.view.get("media") == "up" and newest_s < since_s - DEAD_S and self._built_s < since_s - DEAD_S:
                self._build()

    def _build(self) -> None:
        self._built_s = time.monotonic()
        self.builds += 1
        if self._building is not None:
            self._building.cancel()
        self._building = asyncio.create_task(self._build_both())

    async def _build_both(self) -> None:
        while True:
            try:
                await self.until(lambda view: view["place"] == "inside" and view["media"] == "up", "has media")
                await self._publish()
                await self.watch()
                return
            except (Refused, TimeoutError, ConnectionError, OSError, WebSocketException, KeyError):
                await asyncio.sleep(RETRY_S)

    async def _publish(self) -> None:
        former, self.publishing = self.publishing, Performing(self.scene)
        if former is not None:
            await former.close()
        answers = self._answers["published"]
        while not answers.empty():
            answers.get_nowait()
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
        await self.send(type="publish", sdp=await self.publishing.offer(), tracks=tracks)
        async with asyncio.timeout(LIMIT_S):
            answer = await answers.get()
        await self.publishing.start(answer["sdp"])

    async def _follow_offers(self) -> None:
        while True:
            offer = await self._answers["offer"].get()
            watching = self.watching
            if watching is None:
                continue
            try:
                answer = await watching.answer(offer["sdp"], offer["tracks"])
                await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)
                await watching.start(offer["sdp"])
                self.offers += 1
            except (ConnectionError, OSError, TimeoutError, WebSocketException):
                if watching is self.watching:  # whoever made the offer is gone before it was taken up
                    self._build()

    async def watch(self) -> None:
        if self.watched:
            await self.watched.pop().close()
        while not self._answers["offer"].empty():
            self._answers["offer"].get_nowait()
        self.watched.append(Noting(lambda key: self.decoded.setdefault(key, []).append(time.monotonic())))
        await self.send(type="subscribe")

    async def close(self) -> None:
        self._gone = True
        if self._building is not None:
            self._building.cancel()
        await super().close()
