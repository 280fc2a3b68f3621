"""Sittings that are live, for what is counted outside of them: each with people who come by the site's pages and WebSockets as browsers
do, and send no media."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.browser.court import Court
from tests.browser.site import Site
from tests.caller import Caller

PEOPLE = 8
"""In each sitting, the chair among them."""
AT_ONCE = 4
"""Sittings that are opened at the same time."""
_number = itertools.count(1)


class Attendant(Caller):
    """One person. A state is only decoded when it is looked at: eight hundred people have eight hundred machines, and here
    they share half of one."""

    def __init__(self, *given: Any) -> None:
        self._view: dict[str, Any] = {}
        self._newest = ""
        super().__init__(*given)
        self.participant = self._held.participants.get(self.name, "")
        self._path = ""

    async def _connect(self, path: str) -> None:
        self._path = path
        await super()._connect(path)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                text = str(frame)
                if '"type":"state"' in text[:80]:
                    self._newest = text
                    self._changed.set()
                else:
                    self._take(json.loads(text))
        except ConnectionClosed:
            self._changed.set()

    @property
    def view(self) -> dict[str, Any]:
        """What the server let it see last."""
        if self._newest:
            text, self._newest = self._newest, ""
            self._view = json.loads(text)["view"]
        return self._view

    @view.setter
    def view(self, view: dict[str, Any]) -> None:
        self._view, self._newest = view, ""

    def vanish(self) -> float:
        """The machine is switched off: the connection breaks without a word. When, s since the epoch."""
        assert self._socket is not None
        at = time.time()
        self._socket.transport.abort()
        return at

    async def come_back(self) -> None:
        """Connect again as the same device."""
        await self._connect(self._path)


@dataclass
class Live:
    """A sitting in session: its chair, and the others, who are inside."""

    id: str
    chair: Attendant
    others: list[Attendant]
    waiting: Attendant | None = None
    """who was sent back to the waiting room last"""

    async def change(self) -> None:
        """Something that an officer sees: somebody is sent to the waiting room, or let in again."""
        if self.waiting is None:
            self.waiting = self.others[-1]
            await self.chair.send(type="to_waiting", participant=self.waiting.participant)
        else:
            self.waiting = None
            await self.chair.send(type="admit", participants=[])

    async def close(self) -> None:
        """Everybody goes."""
        for person in (self.chair, *self.others):
            await person.close()


async def opened(site: Site, court: Court, count: int) -> list[Live]:
    """So many sittings more, opened and in session."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Live:
        async with gate:
            return await _opened(site, court)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def _opened(site: Site, court: Court) -> Live:
    number = next(_number)
    names = [f"当事人{number}之{n}" for n in range(1, PEOPLE)]
    held = await court.sitting(tuple((name, "party") for name in names))
    chair = Attendant(site, held, held.chair.user.name)
    await chair.sign_in(held.chair)
    others = [await Attendant(site, held, name).come_by_link() for name in names]
    await chair.admit_everybody(len(names))
    await chair.open_hearing()
    await chair.until(lambda view: view["sitting"]["stage"] == "hearing", "sees the hearing opened")
    return Live(held.id, chair, others)
