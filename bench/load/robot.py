"""A participant without a browser: comes by the site's own pages and WebSocket (docs/protocol.md), then sends and receives
as :class:`~bench.load.peers.LoadPeer`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from bench.load.peers import LoadPeer
from rooms.protocol import SUBPROTOCOL
from tests.browser.court import Account, Held
from tests.browser.site import Site

LIMIT_S = 30.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_NOTICE = re.compile(r'name="sha256" value="([^"]+)"')
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def _found(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    if match is None:
        raise RuntimeError(f"the page has no {pattern.pattern}: {page[:500]}")
    return match[1]


class Robot:
    """One participant of a sitting. Made by :meth:`by_link` or :meth:`signed_in`; `view` is what the server lets it see."""

    def __init__(self, site: Site, held: Held) -> None:
        self.view: dict[str, Any] = {}
        self._site = site
        self._held = held
        self._session = ClientSession(cookie_jar=CookieJar(unsafe=True), headers={"User-Agent": BROWSER, "Accept-Language": "zh-CN"})
        self._socket: ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._answers: dict[str, asyncio.Queue[dict[str, Any]]] = {"published": asyncio.Queue(), "offer": asyncio.Queue()}
        self._refused: list[dict[str, Any]] = []

    @classmethod
    async def by_link(cls, site: Site, held: Held, name: str) -> Robot:
        """A party: through the personal link and the consent into the waiting room."""
        robot = cls(site, held)
        page = await robot._get(held.links[name])
        fields = {"_csrf": _found(_TOKEN, page), "sha256": _found(_NOTICE, page), "agree": "yes"}
        await robot._post(f"/join/sitting/{held.id}/consent", fields)
        await robot._enter(f"{site.url}/hearing/{held.id}?via=link")
        return robot

    @classmethod
    async def signed_in(cls, site: Site, held: Held, account: Account) -> Robot:
        """A member of the staff: signs in and is inside at once."""
        robot = cls(site, held)
        page = await robot._get(f"{site.url}/sign-in")
        fields = {"_csrf": _found(_TOKEN, page), "name": account.sign_in_name, "password": account.password, "next": ""}
        await robot._post("/sign-in", fields)
        await robot._enter(f"{site.url}/hearing/{held.id}")
        return robot

    async def _get(self, url: str) -> str:
        async with self._session.get(url) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"{answer.url.path}: {answer.status}")
            return text

    async def _post(self, path: str, fields: dict[str, str]) -> None:
        async with self._session.post(self._site.url + path, data=fields, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError(f"{path}: {answer.status}")

    async def _enter(self, url: str) -> None:
        path = json.loads(_found(_DATA, await self._get(url)))["socket"]
        site = self._site.url
        self._socket = await self._session.ws_connect(site + path, protocols=(SUBPROTOCOL,), origin=site, max_msg_size=0)
        self._reader = asyncio.create_task(self._read(self._socket))
        await self.send(type="hello", language="zh-CN")
        await self.until(lambda view: view["place"] in ("waiting", "inside"), "is received")
        for source in ("microphone", "camera"):
            await self.send(type="source", source=source, on=True)

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            if message["type"] == "state":
                self.view = message["view"]
            elif message["type"] in self._answers:
                self._answers[message["type"]].put_nowait(message)
            elif message["type"] in ("error", "farewell"):
                self._refused.append(message)
            self._changed.set()

    async def send(self, **message: Any) -> None:
        """Send one message of the protocol."""
        if self._socket is None:
            raise RuntimeError("not connected")
        await self._socket.send_json(message)

    async def until(self, condition: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Wait for a view that satisfies `condition`; raises TimeoutError with `what`, RuntimeError when the server refused something."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not self.view or not condition(self.view):
                    self._changed.clear()
                    await self._changed.wait()
                    self._check()
        except TimeoutError:
            raise TimeoutError(f"not within {LIMIT_S:.0f} s: {what}; {self.view}") from None

    def _check(self) -> None:
        if self._refused:
            raise RuntimeError(f"the server refused: {self._refused}")

    async def admit_everybody(self, count: int) -> None:
        """As chair: let in all `count` who wait."""
        await self.until(lambda view: sum(p["presence"] == "waiting" for p in view["participants"]) >= count, "all wait")
        await self.send(type="admit", participants=[])

    async def open_hearing(self) -> None:
        """As chair: open the hearing as soon as the recorder is ready, which begins the recording."""
        await self.until(lambda view: any(n["to"] == "hearing" and not n["blocked"] for n in view["sitting"]["next_stages"]), "may open")
        await self.send(type="stage", to="hearing", reason="")

    async def publish(self, profile: str) -> LoadPeer:
        """Offer camera and microphone, once inside; the peer is connected."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]

        async def exchange(offer: str) -> str:
            await self.send(type="publish", sdp=offer, tracks=tracks)
            return str((await self._answer("published"))["sdp"])

        return await LoadPeer(profile).publish(exchange)

    async def subscribe(self, profile: str) -> LoadPeer:
        """Receive everything that is published now; the peer is connected."""
        await self.send(type="subscribe")
        offer = await self._answer("offer")

        async def finish(answer: str) -> None:
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)

        return await LoadPeer(profile).subscribe(offer["sdp"], finish)

    async def _answer(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_S):
            message = await self._answers[kind].get()
        self._check()
        return message

    async def close(self) -> None:
        """Leave without a word."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        await self._session.close()
