"""A participant without a browser and without media: comes by the site's own pages and WebSocket (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from rooms.protocol import SUBPROTOCOL
from tests.browser.court import Account, Held
from tests.browser.site import Site

LIMIT_S = 30.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
Json = dict[str, Any]
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_NOTICE = re.compile(r'name="sha256" value="([^"]+)"')
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Refused(Exception):
    """The server refused a message, or said farewell."""


class Caller:
    """One participant of a sitting. `view` is what the server lets it see."""

    def __init__(self, site: Site, held: Held, name: str) -> None:
        self.name = name
        self.view: Json = {}
        self._site = site
        self._held = held
        self._session = ClientSession(cookie_jar=CookieJar(unsafe=True), headers={"User-Agent": BROWSER, "Accept-Language": "zh-CN"})
        self._socket: ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._answers: dict[str, asyncio.Queue[Json]] = {"published": asyncio.Queue(), "offer": asyncio.Queue()}
        self._refused: list[Json] = []

    # -- coming

    async def come_by_link(self) -> Self:
        """As a party: through the personal link and the consent into the waiting room."""
        page = await self._get(self._held.links[self.name])
        fields = {"_csrf": _found(_TOKEN, page), "sha256": _found(_NOTICE, page), "agree": "yes"}
        await self._post(f"/join/sitting/{self._held.id}/consent", fields)
        await self._enter(f"{self._site.url}/hearing/{self._held.id}?via=link")
        return self

    async def sign_in(self, account: Account) -> Self:
        """As a member of the staff: signs in and is inside at once."""
        page = await self._get(f"{self._site.url}/sign-in")
        fields = {"_csrf": _found(_TOKEN, page), "name": account.sign_in_name, "password": account.password, "next": ""}
        await self._post("/sign-in", fields)
        await self._enter(f"{self._site.url}/hearing/{self._held.id}")
        return self

    async def _get(self, url: str) -> str:
        async with self._session.get(url) as answer:
            text = await answer.text()
            assert answer.status == 200, f"{answer.url.path}: {answer.status}"
            return text

    async def _post(self, path: str, fields: dict[str, str]) -> None:
        async with self._session.post(self._site.url + path, data=fields, allow_redirects=False) as answer:
            assert answer.status == 303, f"{path}: {answer.status}"

    async def _enter(self, url: str) -> None:
        path = json.loads(_found(_DATA, await self._get(url)))["socket"]
        site = self._site.url
        self._socket = await self._session.ws_connect(site + path, protocols=(SUBPROTOCOL,), origin=site, max_msg_size=0)
        self._tasks.append(asyncio.create_task(self._read(self._socket)))
        await self.send(type="hello", language="zh-CN")
        await self.until(lambda view: view["place"] in ("waiting", "inside"), "is received")
        for source in ("microphone", "camera"):
            await self.send(type="source", source=source, on=True)

    # -- the protocol

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            message = json.loads(frame.data)
            if message["type"] == "state":
                self.view = message["view"]
            elif message["type"] in self._answers:
                self._answers[message["type"]].put_nowait(message)
            elif message["type"] in ("error", "farewell") and message["code"] != "stale_revision":
                self._refused.append(message)
            self._changed.set()

    async def send(self, **message: Any) -> None:
        """Send one message of the protocol."""
        assert self._socket is not None, "not connected"
        await self._socket.send_json(message)

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
        """Wait for a view that satisfies `condition`; raises AssertionError with `what`, Refused when the server refused something."""
        try:
            async with asyncio.timeout(limit_s):
                while not self.view or not condition(self.view):
                    self._changed.clear()
                    await self._changed.wait()
                    self._check()
        except TimeoutError:
            raise AssertionError(f"not within {limit_s:.0f} s: {self.name} {what}; {self.view}") from None

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

    async def close(self) -> None:
        """Go without a word, as a machine that is switched off. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()


def _found(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    assert match is not None, f"the page has no {pattern.pattern}: {page[:500]}"
    return match[1]
