"""The floor under joining: two browsers that connect straight to each other, on the same machine with the same devices."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import WSMsgType, web

PAGE = Path(__file__).with_name("direct.html")


class Direct:
    """Serves the page at `url`, and hands messages from one of its WebSockets to the others."""

    def __init__(self) -> None:
        self.url = ""
        self._sockets: set[web.WebSocketResponse] = set()
        application = web.Application()
        application.add_routes([web.get("/", self._page), web.get("/relay", self._relay)])
        self._runner = web.AppRunner(application)

    async def start(self) -> Direct:
        """Serve on a free port."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def stop(self) -> None:
        """Close everything."""
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def _relay(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await asyncio.gather(*(other.send_str(message.data) for other in self._sockets if other is not socket))
        finally:
            self._sockets.discard(socket)
        return socket
