"""The server's end of an engine process: :class:`EngineClient` speaks rooms/wire.py and connects again by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from rooms import wire
from rooms.media.engine import Engine, EngineError, EngineEvent, Offer, Published, Routing, Source, TrackKey

#: First and longest pause between tries to connect. An engine's spare is there in a twentieth of a second.
RETRY_S = (0.01, 0.5)

log = structlog.get_logger()


class EngineClient(Engine):
    """An engine behind the Unix socket `path`. `start()` returns at once; event ``up`` tells when it is connected.

    Every request fails with EngineError code "lost" while there is no connection. `held` are the routers (with their epochs) that
    the process had when it was connected; `draining`, whether it is to take no new ones.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._peer: wire.Peer | None = None
        self._listeners: list[Callable[[EngineEvent], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self.instance = ""
        self.held: Mapping[str, int] = {}
        self.draining = False

    async def start(self) -> None:
        """Begin to connect, and to connect again whenever the connection breaks."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    @property
    def connected(self) -> bool:
        return self._peer is not None

    def place(self, router: str) -> str:
        return self.instance if self.connected else ""

    def drop(self) -> None:
        """End a connection to a process that does not answer; ``lost`` follows, and ``up`` when it answers again."""
        if self._running is not None:
            self._running.cancel()

    async def _keep_connected(self) -> None:
        pause = RETRY_S[0]
        while True:
            with contextlib.suppress(OSError, wire.WireError):
                peer = await wire.connect(self._path, on_note=self._note)
                pause = RETRY_S[0]
                await self._stay(peer)
            await asyncio.sleep(pause)
            pause = min(RETRY_S[1], pause * 1.5)

    async def _stay(self, peer: wire.Peer) -> None:
        running = self._running = asyncio.get_running_loop().create_task(peer.run())
        up = False
        try:
            hello = await peer.request("hello")
            self.instance = str(hello["instance"])
            self.held = {str(router): int(epoch) for router, epoch in hello["routers"].items()}
            self.draining = bool(hello["draining"])
            self._peer = peer
            up = True
            self._emit(EngineEvent("up", fields={"instance": self.instance}))
            await asyncio.wait((running,))
        finally:
            self._peer = self._running = None
            running.cancel()
            await peer.close()
            if up:
                self._emit(EngineEvent("lost"))

    def _note(self, _: wire.Peer, name: str, fields: wire.Json) -> None:
        if name == "draining":
            self.draining = bool(fields["on"])
            self._emit(EngineEvent(name, fields={"on": self.draining}))
        if name not in ("offer", "producer", "transport", "demand", "speaker", "downlink"):
            return
        router, endpoint = str(fields.pop("router")), str(fields.pop("endpoint"))
        if name == "offer":
            fields = {"offer": _offer(fields["offer"])}
        self._emit(EngineEvent(name, router, endpoint, fields))

    def _emit(self, event: EngineEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # one listener's defect must not cost the connection
                log.exception("engine_listener_failed", event_name=event.name)

    async def _request(self, do: str, **arguments: Any) -> wire.Json:
        peer = self._peer
        if peer is None:
            raise EngineError("lost", "the engine is not connected")
        try:
            return await peer.request(do, **arguments)
        except wire.WireError as error:
            raise EngineError(error.code, error.message) from None

    async def apply(self, router: str, epoch: int, routing: Routing) -> None:
        await self._request("apply", router=router, epoch=epoch, routing=routing.to_json())

    async def publish(self, router: str, epoch: int, endpoint: str, sdp: str, sources: Mapping[str, Source]) -> Published:
        answer = await self._request("publish", router=router, epoch=epoch, endpoint=endpoint, sdp=sdp, sources=dict(sources))
        return Published(str(answer["transport"]), str(answer["sdp"]))

    async def subscribe(self, router: str, epoch: int, endpoint: str) -> Offer:
        return _offer(await self._request("subscribe", router=router, epoch=epoch, endpoint=endpoint))

    async def answer(self, router: str, epoch: int, endpoint: str, transport: str, revision: int, sdp: str) -> None:
        await self._request("answer", router=router, epoch=epoch, endpoint=endpoint, transport=transport, revision=revision, sdp=sdp)

    async def restart(self, router: str, epoch: int, endpoint: str, transport: str) -> Offer:
        return _offer(await self._request("restart", router=router, epoch=epoch, endpoint=endpoint, transport=transport))

    async def show(self, router: str, epoch: int, endpoint: str, heights: Mapping[TrackKey, int]) -> None:
        listed = [[track.endpoint, track.source, height] for track, height in heights.items()]
        await self._request("show", router=router, epoch=epoch, endpoint=endpoint, heights=listed)

    async def close_router(self, router: str, epoch: int) -> None:
        await self._request("close_router", router=router, epoch=epoch)

    async def report(self) -> Mapping[str, Any]:
        return await self._request("report")

    def on_event(self, listener: Callable[[EngineEvent], None]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        """Disconnect and stay so. May be called twice; the engine process goes on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _offer(fields: Mapping[str, Any]) -> Offer:
    return Offer(str(fields["transport"]), int(fields["revision"]), str(fields["sdp"]), tuple(fields["tracks"]))
