"""The WebSocket shell: text frames in and out of a conference (docs/protocol.md). Decides nothing about the sitting.

Every connection has one bounded outgoing queue and a writer of its own, so nobody waits for a slow browser; it is closed
with 4429 instead. Only the newest state is kept in the queue, since each is complete.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from aiohttp import WSMsgType, web

from rooms.commands import Actor, Command
from rooms.farewells import NORMAL
from rooms.live import HEARTBEAT_S
from rooms.media.engine import EngineError
from rooms.metrics import CLOSED, CONNECTIONS, MESSAGES, REFUSALS
from rooms.plan import Ticket
from rooms.protocol import (
    MAX_MESSAGE_BYTES,
    SUBPROTOCOL,
    Answer,
    BrowserMessage,
    CloseCode,
    Error,
    Farewell,
    Heartbeat,
    Hello,
    ProtocolError,
    Publish,
    PublishedAnswer,
    Quality,
    ServerMessage,
    Show,
    State,
    Subscribe,
    SubscribeOffer,
    UserError,
    parse,
    serialise,
)

HELLO_LIMIT_S = 5.0
QUEUE_LIMIT = 64
SEND_LIMIT_S = 8.0
MESSAGES_A_SECOND = 20.0
MESSAGES_AT_ONCE = 60.0
CLOSE_LIMIT_S = 1.0
log = structlog.get_logger()


class Negotiating(Protocol):
    """Who passes a connection's negotiation on to the engine. All raise UserError."""

    async def publish(self, endpoint: str, message: Publish) -> PublishedAnswer: ...
    async def subscribe(self, endpoint: str, message: Subscribe) -> SubscribeOffer: ...
    async def answer(self, endpoint: str, message: Answer) -> None: ...
    async def show(self, endpoint: str, message: Show) -> None: ...


class Room(Protocol):
    """What has connections: a conference (:class:`rooms.live.Live`), or a feed of the field (:class:`rooms.feeds.room.FeedRoom`)."""

    @property
    def media(self) -> Negotiating: ...
    async def arrive(self, connection: Outgoing, hello: Hello) -> None: ...
    def gone(self, connection: Outgoing) -> None: ...
    def heard(self, endpoint: str) -> None: ...
    def now_us(self) -> int: ...
    def measured_by(self, endpoint: str, quality: Quality) -> None: ...
    async def act(self, actor: Actor, command: Command) -> None: ...


class SittingSocket(web.WebSocketResponse):
    """The WebSocket to prepare for :meth:`rooms.hub.Hub.serve_socket`: pongs reach us, and a frame that is too long reaches the
    parser, which has a close code for it."""

    def __init__(self) -> None:
        super().__init__(protocols=(SUBPROTOCOL,), autoping=False, max_msg_size=MAX_MESSAGE_BYTES * 16, compress=False)


def new_socket() -> SittingSocket:
    """A WebSocket for a sitting, to be prepared by the handler."""
    return SittingSocket()


class Outgoing:
    """The sending half of a connection."""

    def __init__(self, ws: web.WebSocketResponse, ticket: Ticket) -> None:
        self.ticket = ticket
        self.farewell: Farewell | None = None
        self.ended = asyncio.Event()
        self._ws = ws
        self._queue: deque[ServerMessage] = deque()
        self._more = asyncio.Event()
        self._number = 0

    def send(self, message: ServerMessage) -> None:
        """Queue a message. A queue that is full ends the connection."""
        if self.farewell is not None:
            return
        if isinstance(message, State):
            self._queue = deque(m for m in self._queue if not isinstance(m, State))
        if len(self._queue) >= QUEUE_LIMIT:
            self._queue.clear()
            self.end(Farewell(code=CloseCode.SLOW, reason="slow"))
            return
        self._queue.append(message)
        self._more.set()

    def end(self, farewell: Farewell) -> None:
        """Queue the farewell; the writer closes behind it. Idempotent."""
        if self.farewell is None:
            self.farewell = farewell
            self._queue.append(farewell)
            self._more.set()
            self.ended.set()

    async def write(self) -> None:
        """Send what is queued until the farewell; returns when the socket is closed or broken."""
        try:
            while True:
                while self._queue:
                    message = self._queue.popleft()
                    self._number += 1
                    async with asyncio.timeout(SEND_LIMIT_S):
                        await self._ws.send_str(serialise(message, self._number))
                    if isinstance(message, Farewell):
                        return
                self._more.clear()
                await self._more.wait()
        except (TimeoutError, ConnectionError):
            self.farewell = self.farewell or Farewell(code=CloseCode.SLOW, reason="slow")

    async def close(self) -> None:
        """Close the socket with the farewell's code, without waiting for a peer that does not answer."""
        farewell = self.farewell or Farewell(code=NORMAL, reason="left")
        CLOSED.labels(str(farewell.code)).inc()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._ws.close(code=farewell.code, message=farewell.reason.encode()[:120])


class Allowance:
    """A token bucket over the messages of one browser. Times in seconds are passed in."""

    def __init__(self, now_s: float, rate: float = MESSAGES_A_SECOND, burst: float = MESSAGES_AT_ONCE) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """One more message; False if that is too many."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._rate)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


async def refuse(ws: web.WebSocketResponse, farewell: Farewell) -> None:
    """Close a WebSocket that has no business here."""
    outgoing = Outgoing(ws, Ticket("", "", "observer", (), ""))
    outgoing.end(farewell)
    await outgoing.write()
    await outgoing.close()


async def serve(ws: web.WebSocketResponse, ticket: Ticket, live: Room, engine_there: Callable[[], Awaitable[None]]) -> None:
    """Serve one WebSocket of a conference until it ends, from either side."""
    outgoing = Outgoing(ws, ticket)
    session = Session(ws, ticket, live, outgoing)
    writer = asyncio.create_task(outgoing.write())
    reader = asyncio.create_task(session.run(engine_there))
    ended = asyncio.create_task(outgoing.ended.wait())
    gauge = CONNECTIONS.labels(ticket.kind)
    gauge.inc()
    try:
        await asyncio.wait((writer, reader, ended), return_when=asyncio.FIRST_COMPLETED)
        if outgoing.farewell is not None and not writer.done():
            await asyncio.wait((writer,), timeout=CLOSE_LIMIT_S)
    finally:
        gauge.dec()
        live.gone(outgoing)
        for task in (writer, reader, ended):
            task.cancel()
        await asyncio.gather(writer, reader, ended, return_exceptions=True)
        await session.close()
        await outgoing.close()


class Session:
    """The receiving half of a connection."""

    def __init__(self, ws: web.WebSocketResponse, ticket: Ticket, live: Room, outgoing: Outgoing) -> None:
        self._ws = ws
        self._ticket = ticket
        self._actor = Actor(endpoint=ticket.endpoint)
        self._live = live
        self._out = outgoing
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(self._loop.time())
        self._media: asyncio.Queue[BrowserMessage] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._seated = False

    async def run(self, engine_there: Callable[[], Awaitable[None]]) -> None:
        """Hello, then messages until the socket ends. Never raises; what goes wrong ends this connection alone."""
        log_ = log.bind(sitting=self._ticket.sitting, endpoint=self._ticket.endpoint)
        try:
            hello = await self._hello()
            if hello is None:
                return
            if hello.publish or hello.subscribe:
                await engine_there()
            await self._live.arrive(self._out, hello)
            self._seated = True
            self._tasks = [self._loop.create_task(self._ping()), self._loop.create_task(self._negotiate())]
            while (text := await self._receive()) is not None:
                await self._take(text)
        except ProtocolError as error:
            log_.info("connection_refused", code=error.close_code, error=str(error))
            self._out.end(Farewell(code=error.close_code, reason=_reason(error)))
        except UserError as error:
            log_.info("arrival_refused", code=error.code)
            self._out.end(Farewell(code=CloseCode.RESTARTING, reason=error.code))
        except ConnectionError:
            return
        except asyncio.CancelledError:
            raise
        except Exception:  # nobody else is disturbed, and the person sees that it was our fault
            log_.exception("connection_failed")
            self._out.end(Farewell(code=CloseCode.RESTARTING, reason="failed"))

    async def close(self) -> None:
        """End what the session started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hello(self) -> Hello | None:
        try:
            async with asyncio.timeout(HELLO_LIMIT_S):
                text = await self._receive()
        except TimeoutError:
            raise ProtocolError(CloseCode.MALFORMED, "no hello") from None
        if text is None:
            return None
        message = parse(text)
        if not isinstance(message, Hello):
            raise ProtocolError(CloseCode.MALFORMED, f"{message.type} before hello")
        return message

    async def _receive(self) -> str | None:
        """The next text frame, None at the end of the socket; every frame is a sign of life."""
        while True:
            frame = await self._ws.receive()
            if frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                return None
            if self._seated:
                self._live.heard(self._ticket.endpoint)
            if frame.type is WSMsgType.PING:
                await self._ws.pong(frame.data)
            elif frame.type is WSMsgType.BINARY:
                raise ProtocolError(CloseCode.MALFORMED, "binary frame")
            elif frame.type is WSMsgType.TEXT:
                if not self._allowance.take(self._loop.time()):
                    raise ProtocolError(CloseCode.SLOW, "too many messages")
                return str(frame.data)

    async def _take(self, text: str) -> None:
        message = parse(text)
        MESSAGES.labels(message.type).inc()
        if isinstance(message, Hello):
            raise ProtocolError(CloseCode.MALFORMED, "hello again")
        if isinstance(message, Quality):
            self._live.measured_by(self._ticket.endpoint, message)
        elif isinstance(message, Show):
            await self._guarded(message, self._live.media.show(self._ticket.endpoint, message))
        elif isinstance(message, Publish | Subscribe | Answer):
            if self._media.qsize() >= QUEUE_LIMIT:
                raise ProtocolError(CloseCode.SLOW, "too many negotiations")
            self._media.put_nowait(message)
        else:
            await self._guarded(message, self._live.act(self._actor, message))

    async def _guarded(self, message: BrowserMessage, work: Awaitable[None]) -> None:
        try:
            await work
        except UserError as error:
            REFUSALS.labels(error.code).inc()
            self._out.send(Error(ref=message.ref, code=error.code, message=error.message, field=error.field))

    async def _negotiate(self) -> None:
        """Publish, subscribe and answer, in the order in which they came; a slow engine holds up nothing else."""
        media, endpoint = self._live.media, self._ticket.endpoint
        while True:
            message = await self._media.get()
            try:
                if isinstance(message, Publish):
                    await self._guarded(message, self._reply(media.publish(endpoint, message)))
                elif isinstance(message, Subscribe):
                    await self._guarded(message, self._reply(media.subscribe(endpoint, message)))
                elif isinstance(message, Answer):
                    await self._guarded(message, media.answer(endpoint, message))
            except Exception:  # what failed is this negotiation; the page tries again
                log.exception("negotiation_failed", sitting=self._ticket.sitting, endpoint=endpoint)
                self._out.send(Error(ref=message.ref, code="media_failed", message="negotiation failed"))

    async def _reply(self, work: Awaitable[ServerMessage]) -> None:
        self._out.send(await work)

    async def _ping(self) -> None:
        with contextlib.suppress(ConnectionError, EngineError):
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                self._out.send(Heartbeat(now_us=self._live.now_us()))
                await self._ws.ping()


def _reason(error: ProtocolError) -> str:
    words = {
        CloseCode.MALFORMED: "malformed",
        CloseCode.OVERSIZED: "oversized",
        CloseCode.SLOW: "slow",
    }
    return words.get(error.close_code, str(error))
