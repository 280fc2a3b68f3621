"""One participant of a sitting at a real site, by docs/protocol.md."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Self

from aiortc import MediaStreamTrack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from rooms.media.engine import Source
from rooms.participant.connections import Receiving, Sending
from rooms.participant.visit import BROWSER, Visit
from rooms.protocol import SUBPROTOCOL, Ice

LIMIT_S = 30.0
Json = dict[str, Any]
Make = Callable[[], Mapping[Source, MediaStreamTrack]]


class Refused(Exception):
    """The server refused a message, or said farewell."""


class NotSeen(TimeoutError):
    """What was waited for did not come in time; the text says who waited for what, and how things stand."""


async def open_socket(visit: Visit, path: str) -> ClientConnection:
    """The WebSocket at `path`, with the cookies of the visit. Raises OSError, websockets.exceptions.WebSocketException, TimeoutError."""
    return await connect(
        visit.socket_url(path),
        origin=Origin(visit.site),
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers={"Cookie": visit.cookies()},
        user_agent_header=BROWSER,
        compression=None,
        max_size=None,
        ping_interval=None,  # the server pings
        open_timeout=LIMIT_S,
        proxy=None,
        ssl=visit.tls if visit.site.startswith("https") else None,
    )


class Participant:
    """`view` is what the server lets it see, `ice` how it was told to connect, `resets` how often the server had it build both
    connections anew, which it does by itself. Close it at the end."""

    def __init__(self, site: str, name: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.view: Json = {}
        self.ice = Ice()
        self.sending: Sending | None = None
        self.receiving: Receiving | None = None
        self.resets = 0
        self.visit = Visit(site, tls)
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._answers: dict[str, asyncio.Queue[Json]] = {"published": asyncio.Queue(), "offer": asyncio.Queue()}
        self._refused: list[Json] = []
        self._make: Make | None = None

    # -- coming

    async def join(self, link: str) -> Self:
        """As a party: through the personal link and the consent into the waiting room. Raises PageRefused, Refused, NotSeen."""
        sitting = await self.visit.open_link(link)
        await self.visit.consent()
        await self._enter(f"/hearing/{sitting}?via=link")
        return self

    async def preside(self, sign_in_name: str, password: str, sitting: str) -> Self:
        """As a member of the staff: signs in and is inside at once. Raises as :meth:`join`."""
        await self.visit.open("/sign-in")
        await self.visit.post("/sign-in", {"name": sign_in_name, "password": password, "next": ""})
        await self._enter(f"/hearing/{sitting}")
        return self

    async def _enter(self, path: str) -> None:
        await self.visit.open(path)
        await self._connect(self.visit.data()["socket"])
        await self.until(lambda view: view["place"] in ("waiting", "inside"), "is received")
        for source in ("microphone", "camera"):
            await self.send(type="source", source=source, on=True)

    # -- the protocol

    async def _connect(self, path: str) -> None:
        self._socket = await open_socket(self.visit, path)
        self._tasks.append(asyncio.create_task(self._read(self._socket)))
        await self.send(type="hello", language="zh-CN")

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                self._take(json.loads(frame))
        except ConnectionClosed as closed:
            self._refused.append({"type": "closed", "code": closed.rcvd.code if closed.rcvd else 1006})
            self._changed.set()

    def _take(self, message: Json) -> None:
        if message["type"] == "state":
            self.view = message["view"]
        elif message["type"] == "welcome":
            self.ice = Ice.model_validate_json(json.dumps(message["ice"]))
        elif message["type"] == "media_reset":
            self.resets += 1
            self._tasks.append(asyncio.create_task(self._build_anew()))
        elif message["type"] in self._answers:
            self._answers[message["type"]].put_nowait(message)
        elif message["type"] in ("error", "farewell") and message["code"] != "stale_revision":
            self._refused.append(message)
        self._changed.set()

    async def send(self, **message: Any) -> None:
        """Send one message of the protocol."""
        if self._socket is None:
            raise Refused(f"{self.name}: not connected")
        await self._socket.send(json.dumps(message, ensure_ascii=False))

    async def answer(self, kind: str) -> Json:
        """The next message of a kind, "published" or "offer"; raises Refused, or TimeoutError after :data:`LIMIT_S`."""
        async with asyncio.timeout(LIMIT_S):
            message = await self._answers[kind].get()
        self._check()
        return message

    def _check(self) -> None:
        if self._refused:
            raise Refused(f"{self.name}: {self._refused}")

    async def until(self, condition: Callable[[Json], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for a view that satisfies `condition`; raises NotSeen with `what`, Refused when the server refused something."""
        try:
            async with asyncio.timeout(limit_s):
                while not self.view or not condition(self.view):
                    self._changed.clear()
                    await self._changed.wait()
                    self._check()
        except TimeoutError:
            raise NotSeen(f"not within {limit_s:.0f} s: {self.name} {what}; {self.view}") from None

    async def admit_everybody(self, count: int) -> None:
        """As chair: let in all `count` who wait."""
        await self.until(lambda view: sum(p["presence"] == "waiting" for p in view["participants"]) >= count, "sees all waiting")
        await self.send(type="admit", participants=[])

    async def open_hearing(self) -> None:
        """As chair: open the hearing as soon as the recorder is ready, which begins the recording."""
        await self.until(lambda view: any(n["to"] == "hearing" and not n["blocked"] for n in view["sitting"]["next_stages"]), "may open")
        await self.send(type="stage", to="hearing", reason="")

    def endpoint(self, name: str) -> str:
        """The endpoint of a person whom it sees; empty if it sees none."""
        return next((str(p["endpoint"] or "") for p in self.view.get("participants", ()) if p["name"] == name), "")

    # -- media

    async def send_media(self, make: Make) -> Sending:
        """Once inside: send what `make` makes, in place of what was sent before; it is asked again when the server has everything
        built anew, as a connection that closes ends its tracks. Raises NotConnected, Refused, NotSeen."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        self._make = make
        former, self.sending = self.sending, Sending(make(), self.ice)
        if former is not None:
            await former.close()
        sdp, named = await self.sending.offer()
        await self.send(type="publish", sdp=sdp, tracks=named)
        await self.sending.take((await self.answer("published"))["sdp"])
        await self.sending.connected(LIMIT_S)
        return self.sending

    async def receive_media(self) -> Receiving:
        """Receive all that may be seen and heard, whatever comes and goes."""
        if self.receiving is None:
            self.receiving = Receiving(self.ice)
            self._tasks.append(asyncio.create_task(self._follow(self.receiving), name="offers"))
        await self.send(type="subscribe")
        return self.receiving

    async def _build_anew(self) -> None:
        if self._make is not None:
            await self.send_media(self._make)
        if self.receiving is not None:
            for task in [task for task in self._tasks if task.get_name() == "offers"]:
                task.cancel()
                self._tasks.remove(task)
            former, self.receiving = self.receiving, None
            await former.close()
            # What was offered until now belongs to the connection that is gone.
            self._answers["offer"] = asyncio.Queue()
            await self.receive_media()

    async def _follow(self, receiving: Receiving) -> None:
        while True:
            offer = await self._answers["offer"].get()
            sdp = await receiving.answer(offer["sdp"], offer["tracks"])
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=sdp)

    async def close(self) -> None:
        """Go without a word, as a machine that is switched off. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in (self.sending, self.receiving):
            if connection is not None:
                await connection.close()
        if self._socket is not None:
            await self._socket.close()
        await self.visit.close()
