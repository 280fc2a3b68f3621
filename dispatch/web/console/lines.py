"""A WebSocket that only tells: the server says what is new, the browser says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from dispatch.web.request import Request
from rooms.protocol import CloseCode


async def only_tells(request: Request, tell: Callable[[web.WebSocketResponse], Awaitable[None]]) -> web.WebSocketResponse:
    """Let `tell` speak until the browser goes; a browser that says something is cut off."""
    socket = web.WebSocketResponse(heartbeat=10.0, max_msg_size=1024)
    await socket.prepare(request)
    telling = asyncio.ensure_future(tell(socket))
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await socket.close(code=CloseCode.MALFORMED, message=b"this line only tells")
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
            await telling
    return socket
