"""A hub on a real log behind real WebSockets on loopback, with engine and recorder in memory; and pages that come in.

The clock stands still until a test puts it forward, so that rules about time are tested by time and not by waiting.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer, get_port_socket

from rooms.hub import Hub
from rooms.live import Live
from rooms.log import Row
from rooms.media.engine import Routing, Source
from rooms.plan import Ticket
from rooms.protocol import SUBPROTOCOL
from rooms.relay import Relay
from rooms.sealing import Sealing
from rooms.signalling import new_socket
from rooms.sqlite_log import SqliteLog
from rooms.state import State
from tests.rooms.in_memory import MemoryEngine, MemoryRecorder
from tests.rooms.making import NOW_US, make_plan, observer, ticket

LIMIT_S = 30.0
"""How long anything may take on a busy machine before a test gives it up."""
Message = dict[str, Any]


class Clock:
    """Microseconds since the epoch, as the test wants them."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us

    def forward(self, seconds: float) -> None:
        self.now_us += int(seconds * 1e6)


async def until(condition: Callable[[], Any], what: Callable[[], object] = lambda: "") -> None:
    """Wait until `condition` holds; `what` says how things stand when it never does."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"it never came to that: {what()}") from None


class Page:
    """A browser's page: hears everything the server says and checks that it is numbered without gaps."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[Message] = []
        self.misnumbered: list[Message] = []
        self._refs = 0
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self.socket:
            if frame.type is WSMsgType.TEXT:
                message = json.loads(frame.data)
                self.heard.append(message)
                if message["number"] != len(self.heard):
                    self.misnumbered.append(message)

    async def raw(self, text: str) -> None:
        """Send a frame as it is."""
        await self.socket.send_str(text)

    async def send(self, kind: str, **fields: Any) -> int:
        """Send a message; returns its `ref`."""
        self._refs += 1
        await self.raw(json.dumps({"type": kind, "ref": self._refs, **fields}))
        return self._refs

    async def told(self, kind: str, count: int = 1, **fields: Any) -> Message:
        """The `count`th message of this kind with these fields, from the beginning; waits for it."""

        def found() -> list[Message]:
            return [m for m in self.heard if m["type"] == kind and all(m[name] == value for name, value in fields.items())]

        await until(lambda: len(found()) >= count, lambda: f"{kind} {fields}: heard {self.heard[-3:]}")
        return found()[count - 1]

    async def refused(self, kind: str, **fields: Any) -> str:
        """Send a message that is refused; returns the error's code."""
        return str((await self.told("error", ref=await self.send(kind, **fields)))["code"])

    async def sees(self, condition: Callable[[Message], Any]) -> Message:
        """The newest view, as soon as `condition` holds for it."""
        await until(lambda: self.views and condition(self.view), lambda: json.dumps(self.views[-1:], ensure_ascii=False))
        return self.view

    @property
    def views(self) -> list[Message]:
        return [m["view"] for m in self.heard if m["type"] == "state"]

    @property
    def view(self) -> Message:
        """What the page shows now."""
        return dict(self.views[-1])

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait((self._reader,))
        assert self.socket.close_code is not None
        return self.socket.close_code

    @property
    def farewell(self) -> tuple[int, str]:
        """Code and reason of the last message, which must be a farewell."""
        last = self.heard[-1]
        assert last["type"] == "farewell", last
        return last["code"], last["reason"]

    async def sent_away(self) -> tuple[int, str]:
        """Close code and reason: both are told, and the code is the same twice."""
        code = await self.closed()
        assert self.farewell[0] == code
        return self.farewell

    async def vanish(self) -> None:
        """The connection breaks without a word."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()
        await asyncio.wait((self._reader,))

    async def close(self) -> None:
        await self.socket.close()
        await asyncio.wait((self._reader,))


def person(view: Message, who: str) -> Message:
    """One participant of a view; empty if he is not in it."""
    return next((p for p in view["participants"] if p["id"] == who), {})


def alerts(view: Message) -> list[str]:
    """The codes of a view's alerts."""
    return [alert["code"] for alert in view["alerts"]]


def _small_buffers(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """The system sends little ahead, so that a browser that takes nothing is noticed after a message and not after megabytes."""
    listener = get_port_socket(host, port, family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
    return listener


class Courthouse:
    """One server: a hub, and the WebSockets through which people come in."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        log: SqliteLog | None = None,
        engine: MemoryEngine | None = None,
        recorder: MemoryRecorder | None = None,
        owner: str = "first",
    ) -> None:
        self.folder = folder
        self.clock = clock or Clock()
        self.log = log or SqliteLog(folder / "log.db")
        self.engine = engine or MemoryEngine()
        self.recorder = recorder or MemoryRecorder(self.clock)
        self.written: list[Row] = []
        self.changed: list[str] = []
        self.pages: list[Page] = []
        self._tickets: list[Ticket] = []
        self._session = ClientSession()
        self.hub = Hub(
            log=self.log,
            engine=self.engine,
            recorder=self.recorder,
            reserve=folder / "reserve.log",
            clock_us=self.clock,
            owner=owner,
            relay=Relay(("turn:turn.court.test:3478?transport=udp",), "the relay's secret"),
            sealing=Sealing(b"the sealing key of the courthouse"[:32]),
        )
        self.hub.on_row(self.written.append)
        self.hub.on_change(self.changed.append)
        app = web.Application()
        app.router.add_get("/{ticket}", self._serve)
        self._server = TestServer(app, socket_factory=_small_buffers)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = new_socket()
        await socket.prepare(request)
        await self.hub.serve_socket(socket, self._tickets[int(request.match_info["ticket"])])
        return socket

    async def start(self) -> Courthouse:
        await self.hub.start()
        await self._server.start_server()
        return self

    async def close(self) -> None:
        """The server ends as it does on SIGTERM. Idempotent."""
        await self.hub.close()
        for page in self.pages:
            await page.close()
        await self._session.close()
        await self._server.close()
        await self.log.close()
        misnumbered = [m for page in self.pages for m in page.misnumbered]
        assert not misnumbered, misnumbered

    def successor(self, *, log: SqliteLog | None = None) -> Courthouse:
        """Another server with the same files, engine and recorder."""
        engine, recorder = self.engine.connection(), self.recorder.connection()
        return Courthouse(self.folder, clock=self.clock, log=log, engine=engine, recorder=recorder, owner="second")

    # -- people ---------------------------------------------------------------------------------------------------

    def url(self, who: Ticket) -> str:
        """Where somebody with this ticket connects."""
        self._tickets.append(who)
        return str(self._server.make_url(f"/{len(self._tickets) - 1}"))

    async def connect(self, who: Ticket, *, pongs: bool = True) -> Page:
        """Open a WebSocket and say nothing yet. Without `pongs` it never shows that it lives."""
        page = Page(await self._session.ws_connect(self.url(who), protocols=(SUBPROTOCOL,), autoping=pongs, max_msg_size=0))
        self.pages.append(page)
        return page

    async def enter(self, who: str | Ticket, *, pongs: bool = True, **hello: Any) -> Page:
        """Somebody connects, says hello and has a first view."""
        page = await self.connect(ticket(who) if isinstance(who, str) else who, pongs=pongs)
        await page.send("hello", **hello)
        await page.told("welcome")
        await page.told("state")
        return page

    async def watch(self) -> Page:
        """The officer watches."""
        return await self.enter(observer())

    async def gathered(self, *people: str, **plan: Any) -> dict[str, Page]:
        """The sitting is open, the judge and `people` are inside."""
        await self.hub.open(make_plan(**plan))
        pages = {who: await self.enter(who) for who in ("judge", *people)}
        if people:
            await pages["judge"].send("admit")
        for page in pages.values():
            await page.sees(lambda view: view["place"] == "inside")
        return pages

    async def opened(self, *people: str, **plan: Any) -> dict[str, Page]:
        """The hearing is open and recorded, the judge and `people` are inside."""
        pages = await self.gathered(*people, **plan)
        await pages["judge"].send("stage", to="hearing")
        for page in pages.values():
            await page.sees(lambda view: view["recording"]["state"] == "recording")
        return pages

    # -- how things stand -------------------------------------------------------------------------------------------

    async def reported(self) -> None:
        """Wait until the engine has reported twice more."""
        before = self.engine.reports
        await until(lambda: self.engine.reports > before + 1)

    def live(self, sitting: str = "sitting") -> Live:
        return self.hub._lives[sitting]

    def state(self, sitting: str = "sitting") -> State:
        state = self.live(sitting).state
        assert state is not None
        return state

    def types(self, sitting: str = "sitting") -> list[str]:
        """The types of the rows written by this server."""
        return [row.type for row in self.written if row.sitting == sitting]

    async def logged(self, kind: str, sitting: str = "sitting") -> Row:
        """The last row of a type, once it is written."""
        await until(lambda: kind in self.types(sitting), lambda: self.types(sitting)[-8:])
        return next(row for row in reversed(self.written) if row.type == kind and row.sitting == sitting)

    async def routed(self, condition: Callable[[Routing], Any], sitting: str = "sitting") -> Routing:
        """What the engine was told to do, once `condition` holds for it."""
        routings = self.engine.routings
        await until(lambda: sitting in routings and condition(routings[sitting]), lambda: routings.get(sitting))
        return routings[sitting]

    def passes(self, endpoint: str, source: Source, sitting: str = "sitting") -> bool:
        """Whether the engine lets packets of this track through."""
        return source in self.engine.routings[sitting].publish.get(endpoint, frozenset())
