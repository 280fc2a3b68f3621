"""The people of one sitting in a process of their own: WebSockets as browsers have them and media connections to the engine.

``python -m bench.load.crowd``; reads one JSON line: {"urls": [[endpoint, url, sends]...], "address", "stages", "changes"}, where the
first is the chair; writes one JSON line: {"sent": [s...], "told": [s...]}, by the system's monotonic clock, one of each for each change.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from bench.load.peers import LoadPeer, use_address
from rooms.protocol import SUBPROTOCOL

BETWEEN_S = 0.4
LIMIT_S = 60.0
TRACKS = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]


class Attendant:
    """One person: the newest stage that he was told and when, and his connections."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.stage, self.told_s, self.place = "", 0.0, ""
        self.awaited = ""
        """what a frame has to contain to be the one whose arrival counts"""
        self._frames: deque[str] = deque()
        self.refused: list[str] = []
        self._answers: dict[str, asyncio.Queue[dict[str, Any]]] = {"published": asyncio.Queue(), "offer": asyncio.Queue()}
        self._peer = LoadPeer("AES-GCM-128")
        self._changed = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self.socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            # The time is that of the arrival: sixty people have sixty machines, and this process has one core for all of them.
            if self.awaited and self.awaited in frame.data:
                self.told_s, self.awaited = time.monotonic(), ""
            self._frames.append(frame.data)
            self._changed.set()

    def take(self) -> None:
        """Read what has come."""
        while self._frames:
            message = json.loads(self._frames.popleft())
            if message["type"] == "state":
                view = message["view"]
                self.place = view["place"]
                self.stage = view["sitting"]["stage"]
            elif message["type"] in self._answers:
                self._answers[message["type"]].put_nowait(message)
            elif message["type"] == "error":
                self.refused.append(message["code"])

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def until_inside(self) -> None:
        """Wait until he is let in."""
        async with asyncio.timeout(LIMIT_S):
            while self.place != "inside":
                await self._changed.wait()
                self._changed.clear()
                self.take()

    async def until_told(self) -> None:
        """Wait until what is `awaited` has come."""
        async with asyncio.timeout(LIMIT_S):
            while self.awaited:
                await self._changed.wait()
                self._changed.clear()

    async def answer(self, kind: str) -> dict[str, Any]:
        """The next message of that kind."""
        async with asyncio.timeout(LIMIT_S):
            while self._answers[kind].empty():
                self.take()
                if self._answers[kind].empty():
                    await self._changed.wait()
                    self._changed.clear()
        return self._answers[kind].get_nowait()

    async def connect(self, sends: bool) -> None:
        """Both media connections, or the one of somebody who only watches."""
        if sends:

            async def exchange(offer: str) -> str:
                await self.send(type="publish", sdp=offer, tracks=TRACKS)
                return str((await self.answer("published"))["sdp"])

            await LoadPeer("AES-GCM-128").publish(exchange)
        await self.send(type="subscribe")
        offer = await self.answer("offer")

        async def finish(answer: str) -> None:
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=answer)

        await self._peer.subscribe(offer["sdp"], finish)

    async def catch_up(self) -> None:
        """Answer the newest offer, as a browser does."""
        self.take()
        offer = None
        while not self._answers["offer"].empty():
            offer = self._answers["offer"].get_nowait()
        if offer is not None:
            sdp = await self._peer.answer(offer["sdp"])
            await self.send(type="answer", transport=offer["transport"], revision=offer["revision"], sdp=sdp)


async def main() -> None:
    """See the module."""
    asked = json.loads(sys.stdin.readline())
    use_address(asked["address"])
    async with ClientSession() as session:
        people = []
        for _, url, _ in asked["urls"]:
            people.append(Attendant(await session.ws_connect(url, protocols=(SUBPROTOCOL,), max_msg_size=0)))
            await people[-1].send(type="hello")
        chair = people[0]
        await chair.until_inside()
        while any(each.place != "inside" for each in people):
            await chair.send(type="admit")
            await asyncio.sleep(BETWEEN_S)
            for each in people:
                each.take()
        for each, (_, _, sends) in zip(people, asked["urls"], strict=True):
            await each.connect(sends)
        sent, told = [], []
        for number in range(asked["changes"]):
            await asyncio.sleep(BETWEEN_S)
            to = asked["stages"][number % len(asked["stages"])]
            for each in people:
                each.awaited = f'"stage":"{to}"'
            sent.append(time.monotonic())
            await chair.send(type="stage", to=to)
            await asyncio.gather(*(each.until_told() for each in people))
            told.append(max(each.told_s for each in people))
            for each in people:
                await each.catch_up()
        print(json.dumps({"sent": sent, "told": told}), flush=True)
        for each in people:
            await each.socket.close()


if __name__ == "__main__":
    asyncio.run(main())
