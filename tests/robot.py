"""A participant without a browser: comes by the site's own pages, speaks docs/protocol.md, sends and decodes real media.

For hearings of more people than a machine has room for browsers::

    robot = await Robot.by_link(site, held, "李明")       # link, notice, consent, waiting room
    await robot.take_part(codec="H264", grey=90)          # as soon as it is let in
    await robot.sees("王芳")                              # ten pictures more of her camera have been decoded
    await robot.close()
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from rooms.protocol import SUBPROTOCOL
from tests.browser.court import Account, Held
from tests.browser.site import Site
from tests.robot_media import CODECS, Publishing, Received, VideoCodec, Watching

LIMIT_S = 30.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
Json = dict[str, Any]
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_NOTICE = re.compile(r'name="sha256" value="([^"]+)"')
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class Refused(Exception):
    """The server refused a message, or said farewell."""


class Robot:
    """One participant of a sitting. `view` is what the server lets it see, `decodes` are the video codecs that it knows."""

    def __init__(self, site: Site, held: Held, name: str, decodes: tuple[VideoCodec, ...] = CODECS) -> None:
        self.name = name
        self.view: Json = {}
        self.offers = 0
        self.publishing: Publishing | None = None
        self.watching: Watching | None = None
        self._decodes = decodes
        self._site = site
        self._held = held
        self._session = ClientSession(cookie_jar=CookieJar(unsafe=True), headers={"User-Agent": BROWSER, "Accept-Language": "zh-CN"})
        self._socket: ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._published: asyncio.Queue[Json] = asyncio.Queue()
        self._offered: asyncio.Queue[Json] = asyncio.Queue()
        self._refused: list[Json] = []

    # -- coming

    @classmethod
    async def by_link(cls, site: Site, held: Held, name: str, decodes: tuple[VideoCodec, ...] = CODECS) -> Robot:
        """A party: through the personal link and the consent into the waiting room."""
        robot = cls(site, held, name, decodes)
        page = await robot._get(held.links[name])
        fields = {"_csrf": _found(_TOKEN, page), "sha256": _found(_NOTICE, page), "agree": "yes"}
        await robot._post(f"/join/sitting/{held.id}/consent", fields)
        await robot._enter(f"{site.url}/hearing/{held.id}?via=link")
        return robot

    @classmethod
    async def signed_in(cls, site: Site, held: Held, account: Account) -> Robot:
        """A member of the staff: signs in and is inside at once."""
        robot = cls(site, held, account.user.name)
        page = await robot._get(f"{site.url}/sign-in")
        fields = {"_csrf": _found(_TOKEN, page), "name": account.sign_in_name, "password": account.password, "next": ""}
        await robot._post("/sign-in", fields)
        await robot._enter(f"{site.url}/hearing/{held.id}")
        return robot

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
        self._tasks = [asyncio.create_task(self._read(self._socket)), asyncio.create_task(self._follow_offers())]
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
            elif message["type"] == "published":
                self._published.put_nowait(message)
            elif message["type"] == "offer":
                self._offered.put_nowait(message)
            elif message["type"] in ("error", "farewell") and message["code"] != "stale_revision":
                self._refused.append(message)
            self._changed.set()

    async def send(self, **message: Any) -> None:
        """Send one message of the protocol."""
        assert self._socket is not None, "not connected"
        await self._socket.send_json(message)

    async def until(self, condition: Callable[[Json], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for a view that satisfies `condition`; raises AssertionError with `what`, Refused when the server refused something."""
        try:
            async with asyncio.timeout(limit_s):
                while not self.view or not condition(self.view):
                    self._changed.clear()
                    await self._changed.wait()
                    if self._refused:
                        raise Refused(f"{self.name}: {self._refused}")
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
        """The endpoint of a person whom the robot sees; empty if it sees none."""
        return next((str(p["endpoint"] or "") for p in self.view.get("participants", ()) if p["name"] == name), "")

    # -- media

    async def take_part(self, codec: VideoCodec = "VP8", grey: int = 128) -> None:
        """Once inside: send a camera in `codec` whose picture is plain `grey` (0 to 255) and a microphone, and receive everybody."""
        await self.until(lambda view: view["place"] == "inside", "is inside")
        await self.publish(codec, grey)
        self.watching = Watching(self._decodes)
        await self.send(type="subscribe")

    async def publish(self, codec: VideoCodec, grey: int) -> None:
        """Send by a new connection, in place of the one before."""
        former, publishing = self.publishing, Publishing(codec, grey)
        self.publishing = publishing
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
        await self.send(type="publish", sdp=await publishing.offer(), tracks=tracks)
        async with asyncio.timeout(LIMIT_S):
            published = await self._published.get()
        await publishing.start(published["sdp"])
        if former is not None:
            await former.close()

    async def _follow_offers(self) -> None:
        """Answer each offer in its turn."""
        while True:
            offer = await self._offered.get()
            watching = self.watching
            if watching is None:
                continue
            answer = await watching.answer(offer["sdp"], offer["tracks"])
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)
            await watching.start(offer["sdp"])
            self.offers += 1

    def received(self, name: str, source: str = "camera") -> Received:
        """What has come so far of a person's source."""
        found = self.watching.received.get((self.endpoint(name), source)) if self.watching is not None else None
        return found or Received()

    async def sees(self, name: str, frames: int = 10, limit_s: float = LIMIT_S) -> None:
        """Wait until so many pictures more of a person's camera have been decoded."""
        await self._more(name, "camera", frames, limit_s)

    async def hears(self, name: str, packets: int = 10, limit_s: float = LIMIT_S) -> None:
        """Wait until so many packets more of a person's microphone have been decoded."""
        await self._more(name, "microphone", packets, limit_s)

    async def _more(self, name: str, source: str, count: int, limit_s: float) -> None:
        first = self.received(name, source).frames
        try:
            async with asyncio.timeout(limit_s):
                while (found := self.received(name, source)).frames < first + count:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = f"{found.packets} packets of {found.codec or 'nothing'}, {found.frames} decoded, {found.broken} broken"
            raise AssertionError(f"not within {limit_s:.0f} s: {self.name} gets the {source} of {name} ({told})") from None

    async def close(self) -> None:
        """Go without a word, as a machine that is switched off. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in (self.publishing, self.watching):
            if transport is not None:
                await transport.close()
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()


def _found(pattern: re.Pattern[str], page: str) -> str:
    match = pattern.search(page)
    assert match is not None, f"the page has no {pattern.pattern}: {page[:500]}"
    return match[1]
