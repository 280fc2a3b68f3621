"""A sitting under way with a window for every role: who sits where, how it goes on, and what its pages look like at any size."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession

from rooms.consents import stages_of, words
from rooms.procedure import PROCEDURES
from tests.browser.casts import LOOKED, QUESTION, Cast, acts_before, agreed_before
from tests.browser.court import Account, Held
from tests.browser.hearing import Seat, enter, to_the_waiting_room
from tests.browser.participants import Person
from tests.browser.site import Site

HERE = Path(__file__).parent
BUSY_S = 60.0
SOCKET = """
const Native = window.WebSocket;
window.WebSocket = class extends Native { constructor(...given) { super(...given); window.__socket = this; } };"""
"""What is done by many buttons in other tests is sent by :func:`send` as the page would send it."""
SEEN = frozenset({"judge", "panel", "party", "receiver", "petitioner", "chair", "convenor", "member", "interrogator", "suspect"})
"""Their cameras are on: a picture of each would be more than the machine can draw."""
MANY = 10
"""Where more take part, the cameras of the staff alone are on."""
Windows = Callable[[str, int], Awaitable[Person]]
"""A window in a language, with the picture and sound of a number."""


@dataclass
class Stage:
    """A sitting under way with a window for each role."""

    kind: str
    language: str
    cast: Cast
    held: Held
    seats: list[Seat] = field(default_factory=list)
    phones: dict[str, CDPSession] = field(default_factory=dict)

    @property
    def chair(self) -> Seat:
        return self.seats[0]

    def seat(self, role: str) -> Seat:
        """The first of a role."""
        name = next(name for name, found in self.cast.people if found == role)
        return next(seat for seat in self.seats if seat.name == name)

    def role(self, seat: Seat) -> str:
        if seat.name == self.held.chair.user.name:
            return PROCEDURES[self.kind].chair
        return next((role for name, role in self.cast.people if name == seat.name), "clerk")

    async def go(self, to: str) -> None:
        """Everybody does his part, and the chair goes on; to a pause with its first reason."""
        view = await self.chair.view()
        for act in acts_before(self.kind, to, view["participants"]):
            await send(self.chair, **act)
        for seat in self.seats:
            for act in agreed_before(self.kind, to, [p for p in (await seat.view())["participants"] if p["you"]]):
                await send(seat, **act)

        def next_of(view: dict[str, Any]) -> dict[str, Any]:
            return next((n for n in view["sitting"]["next_stages"] if n["to"] == to), {"blocked": True})

        await self.chair.until(lambda f: not next_of(f["view"])["blocked"], f"may go to {to}", BUSY_S)
        reasons = next_of(await self.chair.view())["reasons"]
        await send(self.chair, type="stage", to=to, reason=reasons[0] if reasons else "")
        if to != PROCEDURES[self.kind].last:
            await asyncio.gather(*(seat.until_stage(to, BUSY_S) for seat in self.seats))

    async def shown_at(self, seat: Seat, size: dict[str, int], *, touch: bool) -> None:
        """Its page at this size, by finger or by mouse."""
        session = self.phones.get(seat.name)
        if session is None:
            session = self.phones[seat.name] = await seat.person.context.new_cdp_session(seat.person.page)
        await session.send("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        await seat.person.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        await asyncio.sleep(0.15)

    async def faults(self, seat: Seat, *, touch: bool) -> list[str]:
        """What is cut, covered, too small or in the wrong language on this page as it is now, one line each."""
        found: list[str] = await seat.person.page.evaluate((HERE / "page_faults.js").read_text(), await self._given(seat, touch=touch))
        return found

    async def _given(self, seat: Seat, *, touch: bool) -> dict[str, Any]:
        view = await seat.view()
        staff = [account.user.name for account in (self.held.chair, self.held.clerk) if account]
        people = [*staff, *(name for name, _ in self.cast.people)]
        sitting = view["sitting"]
        agreed = [line for name in stages_of(PROCEDURES[self.kind]) for line in words(PROCEDURES[self.kind], name).split("\n")]
        written = (LOOKED, QUESTION, *(message["text"] for message in view["messages"]))
        data = [*written, *agreed, sitting["title"], sitting["case_number"], sitting["court"], *people]
        return {"language": self.language, "touch": touch, "data": sorted(data, key=len, reverse=True)}


async def send(seat: Seat, **message: Any) -> None:
    """As his page would send it."""
    await seat.person.page.evaluate("text => window.__socket.send(text)", json.dumps(message, ensure_ascii=False))


async def seated(site: Site, window: Windows, stage: Stage) -> None:
    """Everybody arrives: who has an account enters, the others wait."""
    held, seats = stage.held, stage.seats

    async def staff(account: Account, number: int) -> Seat:
        person = await window(stage.language, number)
        await person.sign_in(site.url, account.sign_in_name, account.password)
        return await enter(person, site, held, account.user.name)

    async def link(name: str, role: str, number: int) -> Seat:
        person = await window(stage.language, number)
        return await to_the_waiting_room(person, held, name, devices=role in SEEN and len(stage.cast.people) <= MANY)

    seats.append(await staff(held.chair, 0))
    if held.clerk:
        seats.append(await staff(held.clerk, 1))
    for number, (name, role) in enumerate(stage.cast.people):
        seats.append(await link(name, role, number))
