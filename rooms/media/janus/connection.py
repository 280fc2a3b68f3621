"""The WebSocket to a Janus: one session, its handles, requests and events (https://janus.conf.meetecho.com/docs/rest.html).

A request is answered by ``success``, or by ``ack`` and later an ``event`` of the same transaction. What Janus says without being
asked (media flows, a new offer) goes to the listener of its handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
import websockets
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]
Listener = Callable[[Json], None]

PLUGIN = "janus.plugin.videoroom"
REQUEST_LIMIT_S = 8.0
"""Shorter than the server waits for us (rooms/wire.py), so that it is told what went wrong."""
KEEP_ALIVE_S = 10.0
RECLAIM_S = 8.0
"""So long it is tried to connect again; Janus keeps a session without a connection for 10 s (``reclaim_session_timeout``)."""
RETRY_S = 0.2
LOST, SILENT = -1, -2
"""Codes of our own: the connection broke, no answer within :data:`REQUEST_LIMIT_S`."""
NO_SUCH_SESSION = 458
NO_SUCH_ROOM, ROOM_EXISTS, NO_SUCH_FEED = 426, 427, 428
INVALID_SDP = 437

log = structlog.get_logger()


class JanusError(Exception):
    """Janus refused a request (`code` is Janus's number), or is not there (:data:`LOST`, :data:`SILENT`)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Reply:
    """What the plugin answered: its fields, and the description (SDP) that came with them, or ""."""

    data: Json
    sdp: str = ""


class Handle:
    """A handle of the VideoRoom plugin. `listener` is given every event that is the answer to no request."""

    def __init__(self, connection: Connection, number: int, listener: Listener) -> None:
        self.number = number
        self.listener = listener
        self._connection = connection

    async def ask(self, request: str, sdp: tuple[str, str] | None = None, **body: Any) -> Reply:
        """Send a request to the plugin, with a description (type, text) if there is one; raises :class:`JanusError`."""
        message: Json = {"janus": "message", "handle_id": self.number, "body": {"request": request, **body}}
        if sdp is not None:
            message["jsep"] = {"type": sdp[0], "sdp": sdp[1]}
        answer = await self._connection.request(message)
        data = answer.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise JanusError(int(data["error_code"]), str(data.get("error", "")))
        return Reply(data, str((answer.get("jsep") or {}).get("sdp", "")))

    async def detach(self) -> None:
        """End the handle and its media. May be called twice; a handle that is gone already is no error."""
        self.listener = lambda event: None
        self._connection.forget(self)
        with contextlib.suppress(JanusError):
            await self._connection.request({"janus": "detach", "handle_id": self.number})


class Connection:
    """One session of the Janus at `url`. :meth:`open` it, then :meth:`run` it until it is lost for good.

    `secret` is Janus's ``api_secret``. `claimed` counts how often the connection broke and the session was taken over again.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self.session = 0
        self._waiting: dict[str, tuple[asyncio.Future[Json], bool]] = {}
        self._handles: dict[int, Handle] = {}
        self.claimed = 0

    async def open(self) -> None:
        """Connect and make a session; raises :class:`JanusError` or OSError."""
        await self._connect()
        self.session = int((await self.request({"janus": "create"}))["data"]["id"])

    async def _connect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        protocol = websockets.Subprotocol("janus-protocol")
        try:
            self._socket = await connect(self._url, subprotocols=[protocol], max_size=None, open_timeout=5, compression=None)
        except (websockets.WebSocketException, TimeoutError) as error:
            raise ConnectionError(f"no Janus at {self._url}: {error}") from None
        self._reader = asyncio.get_running_loop().create_task(self._read(self._socket))

    async def run(self) -> None:
        """Keep the session alive, and claim it again when the connection breaks. Returns when the session is lost."""
        keeping = asyncio.get_running_loop().create_task(self._keep_alive())
        try:
            while self._reader is not None:
                await asyncio.wait((self._reader,))
                if not await self._claim():
                    return
        finally:
            keeping.cancel()

    async def _claim(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECLAIM_S):
                while True:
                    try:
                        await self._connect()
                        await self.request({"janus": "claim"})
                    except ConnectionRefusedError:
                        return False  # nobody listens: Janus has ended, and its sessions with it
                    except (JanusError, OSError) as error:
                        if isinstance(error, JanusError) and error.code == NO_SUCH_SESSION:
                            return False
                        await asyncio.sleep(RETRY_S)
                    else:
                        self.claimed += 1
                        log.warning("janus_session_claimed")
                        return True
        return False

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            with contextlib.suppress(JanusError):
                await self.request({"janus": "keepalive"})

    # -- messages

    async def attach(self, listener: Listener) -> Handle:
        """A new handle of the plugin; raises :class:`JanusError`."""
        number = int((await self.request({"janus": "attach", "plugin": PLUGIN}))["data"]["id"])
        handle = self._handles[number] = Handle(self, number, listener)
        return handle

    def forget(self, handle: Handle) -> None:
        """Listen to it no more."""
        self._handles.pop(handle.number, None)

    async def request(self, message: Json) -> Json:
        """Send a request and return what answers it; raises :class:`JanusError`."""
        if self._socket is None:
            raise JanusError(LOST, "not connected to Janus")
        transaction = secrets.token_hex(8)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # A message to the plugin is answered by its event, everything else by "success" or "ack" alone.
        self._waiting[transaction] = (future, message["janus"] != "message")
        session = {"session_id": self.session} if self.session else {}
        try:
            await self._socket.send(json.dumps({**message, **session, "transaction": transaction, "apisecret": self._secret}))
            async with asyncio.timeout(REQUEST_LIMIT_S):
                answer = await future
        except websockets.ConnectionClosed:
            raise JanusError(LOST, "the connection to Janus broke") from None
        except TimeoutError:
            raise JanusError(SILENT, f"{message['janus']} not answered within {REQUEST_LIMIT_S} s") from None
        finally:
            self._waiting.pop(transaction, None)
        if answer["janus"] == "error":
            raise JanusError(int(answer["error"]["code"]), str(answer["error"]["reason"]))
        return answer

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                try:
                    self._take(json.loads(text))
                except (KeyError, TypeError, ValueError) as error:
                    log.warning("janus_unreadable", error=f"{type(error).__name__}: {error}")
        except websockets.ConnectionClosed:
            pass
        finally:
            for future, _ in self._waiting.values():
                if not future.done():
                    future.set_exception(JanusError(LOST, "the connection to Janus broke"))

    def _take(self, message: Json) -> None:
        waiting = self._waiting.get(str(message.get("transaction", "")))
        if waiting is not None:
            future, final = waiting
            if not future.done() and (message["janus"] != "ack" or final):
                future.set_result(message)
            return
        handle = self._handles.get(int(message.get("sender", 0)))
        if handle is not None:
            handle.listener(message)

    async def close(self) -> None:
        """End the session and all its handles. May be called twice."""
        if self._socket is not None and self.session:
            with contextlib.suppress(JanusError):
                async with asyncio.timeout(1):
                    await self.request({"janus": "destroy"})
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
        self._socket = self._reader = None


class Admin:
    """The admin API of a Janus, on a WebSocket of its own: what its core counts for each handle."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._socket: ClientConnection | None = None
        self._lock = asyncio.Lock()

    async def handle_info(self, session: int, handles: list[int]) -> dict[int, Json]:
        """What Janus's core says of each handle; one that is gone is left out. Raises :class:`JanusError`."""
        async with self._lock:
            try:
                async with asyncio.timeout(REQUEST_LIMIT_S):
                    return await self._ask(session, handles)
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                await self.close()
                raise JanusError(LOST, f"no answer of Janus's admin API: {error}") from None

    async def _ask(self, session: int, handles: list[int]) -> dict[int, Json]:
        if self._socket is None:
            protocol = websockets.Subprotocol("janus-admin-protocol")
            self._socket = await connect(self._url, subprotocols=[protocol], max_size=None, open_timeout=5, compression=None)
        for number in handles:
            message = {"janus": "handle_info", "session_id": session, "handle_id": number, "plugin_only": False}
            await self._socket.send(json.dumps({**message, "transaction": str(number), "admin_secret": self._secret}))
        found = {}
        for _ in handles:
            answer = json.loads(await self._socket.recv())
            if answer["janus"] == "success":
                found[int(answer["transaction"])] = answer["info"]
        return found

    async def close(self) -> None:
        """Disconnect; the next request connects again."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None
