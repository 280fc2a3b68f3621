"""The control socket of a process that drives a Janus: the same requests as the embedded engine's (:mod:`rooms.media.control`)."""

from __future__ import annotations

from dataclasses import asdict

from rooms import wire
from rooms.media.control import ControlSocket, Request, router_of
from rooms.media.drain import Drain
from rooms.media.engine import Routing, Source, TrackKey

from .node import Node

MOST_HEIGHT = 16_384
MOST_PICTURES = 1_000
"""What a page may say of what it shows: device pixels, and pictures at once."""


class JanusControl(ControlSocket):
    """Serves a Janus to one server at a time."""

    def __init__(self, node: Node, drain: Drain) -> None:
        self._node = node
        requests: dict[str, Request] = {
            "apply": self._apply,
            "publish": self._publish,
            "subscribe": self._subscribe,
            "answer": self._answer,
            "restart": self._restart,
            "show": self._show,
            "close_router": self._close_router,
            "report": lambda _: node.report(),
        }
        super().__init__(node, drain, requests)

    async def _apply(self, arguments: wire.Json) -> wire.Json:
        routing = Routing.from_json(arguments["routing"])
        await self._node.open_router(*router_of(arguments)).apply(routing)
        return {}

    async def _publish(self, arguments: wire.Json) -> wire.Json:
        sources = {str(mid): Source(source) for mid, source in arguments["sources"].items()}
        room = self._node.router(*router_of(arguments))
        published = await room.publish(str(arguments["endpoint"]), str(arguments["sdp"]), sources)
        return {"transport": published.transport, "sdp": published.sdp}

    async def _subscribe(self, arguments: wire.Json) -> wire.Json:
        offer = await self._node.router(*router_of(arguments)).subscribe(str(arguments["endpoint"]))
        return {**asdict(offer), "tracks": list(offer.tracks)}

    async def _answer(self, arguments: wire.Json) -> wire.Json:
        room = self._node.router(*router_of(arguments))
        await room.answer(str(arguments["endpoint"]), str(arguments["transport"]), int(arguments["revision"]), str(arguments["sdp"]))
        return {}

    async def _restart(self, arguments: wire.Json) -> wire.Json:
        offer = await self._node.router(*router_of(arguments)).restart(str(arguments["endpoint"]), str(arguments["transport"]))
        return {**asdict(offer), "tracks": list(offer.tracks)}

    async def _show(self, arguments: wire.Json) -> wire.Json:
        heights = {TrackKey(str(endpoint), Source(source)): int(height) for endpoint, source, height in arguments["heights"]}
        if any(not 0 <= height <= MOST_HEIGHT for height in heights.values()) or len(heights) > MOST_PICTURES:
            raise ValueError(f"heights are 0 to {MOST_HEIGHT}, of {MOST_PICTURES} pictures at most")
        await self._node.router(*router_of(arguments)).show(str(arguments["endpoint"]), heights)
        return {}

    async def _close_router(self, arguments: wire.Json) -> wire.Json:
        await self._node.close_router(*router_of(arguments))
        return {}
