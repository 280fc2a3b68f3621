"""A gallery: the page of every role in every kind of sitting, at the moments that tell, in both languages, at a desk and on a phone.

It is made where ``GALLERY=folder`` names a folder, for somebody to look at: ``kind/language/moment/role-size.png``, and in
``kind-language.txt`` what page_faults.js and axe-core find there. Whether that is a fault is for who looks to say; what the test itself
asks is that every role comes through all stages and no page throws. ``AXE=no`` leaves axe-core out, which is a third of the time.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, Playwright

from dispatch.sittings import procedures
from dispatch.store.tables import utc_now
from rooms.procedure import BRIEF_COURT, PROCEDURES
from tests.browser.casts import CASTS, Cast, acts_before, agreed_before
from tests.browser.court import Account, Court, Held
from tests.browser.hearing import Seat, enter, to_the_waiting_room
from tests.browser.material import make
from tests.browser.participants import CHROMIUM, DESK, FLAGS, GRANTED, PHONE, Person, accessibility_faults
from tests.browser.site import Site

HERE = Path(__file__).parent
BUSY_S = 60.0
SOCKET = """
const Native = window.WebSocket;
window.WebSocket = class extends Native { constructor(...given) { super(...given); window.__socket = this; } };"""
"""What is done by many buttons in other tests is sent here as the page would send it."""
TELLING = frozenset({"opinions", "investigation", "statement", "questioning", "minutes"})
SEEN = frozenset({"judge", "panel", "party", "receiver", "petitioner", "chair", "convenor", "member", "interrogator", "suspect"})
"""Their cameras are on: a picture of each would be more than the machine can draw."""


@dataclass
class Stage:
    """A sitting under way with a window for each role."""

    kind: str
    language: str
    cast: Cast
    held: Held
    seats: list[Seat] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
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

    async def look(self, moment: str) -> None:
        """Every page as it is now: what is wrong with it is noted, and pictures are kept where they are wanted."""
        await asyncio.sleep(0.5)
        for seat in self.seats:
            role = self.role(seat)
            if role in {"hearing_officer", "member"} and seat.name != self.seat(role).name:
                continue
            for size, touch in ((DESK, False), (PHONE, True)):
                await self._as(seat, size, touch=touch)
                if touch and await seat.person.page.locator('[data-part="drawer"]').is_visible():
                    await seat.person.page.click('[data-part="drawer-close"]')
                where = f"{self.kind} {self.language} {moment} {role} {size['width']}"
                found = await seat.person.page.evaluate((HERE / "page_faults.js").read_text(), await self._given(seat, touch=touch))
                self.faults += [f"{where}: {fault}" for fault in found]
                path = Path(os.environ["GALLERY"]) / self.kind / self.language / moment / f"{role}-{size['width']}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                await seat.person.page.screenshot(path=path)
            if os.environ.get("AXE", "yes") == "yes":
                self.faults += [f"{where}: {fault}" for fault in await accessibility_faults(seat.person.page)]
            await self._as(seat, DESK, touch=False)

    async def _as(self, seat: Seat, size: dict[str, int], *, touch: bool) -> None:
        session = self.phones.get(seat.name)
        if session is None:
            session = self.phones[seat.name] = await seat.person.context.new_cdp_session(seat.person.page)
        await session.send("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        await seat.person.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        await asyncio.sleep(0.15)

    async def _given(self, seat: Seat, *, touch: bool) -> dict[str, Any]:
        view = await seat.view()
        staff = [account.user.name for account in (self.held.chair, self.held.clerk) if account]
        people = [*staff, *(name for name, _ in self.cast.people)]
        sitting = view["sitting"]
        data = [sitting["title"], sitting["case_number"], sitting["court"], *people, *(m["text"] for m in view["messages"])]
        return {"language": self.language, "touch": touch, "data": sorted(data, key=len, reverse=True)}


async def send(seat: Seat, **message: Any) -> None:
    await seat.person.page.evaluate("text => window.__socket.send(text)", json.dumps(message, ensure_ascii=False))


Windows = Callable[[str, int], Awaitable[Person]]


@pytest_asyncio.fixture
async def window(playwright: Playwright, material: Path) -> AsyncIterator[Windows]:
    """Windows of a few browsers, each with a session of its own."""
    browsers = []
    for number in range(2):
        made = await asyncio.to_thread(make, material, number)
        media = [f"--use-file-for-fake-audio-capture={made.sound}", f"--use-file-for-fake-video-capture={made.picture}"]
        browsers.append((await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *media, GRANTED]), made))

    async def come(language: str, number: int) -> Person:
        browser, made = browsers[number % len(browsers)]
        context = await browser.new_context(locale=language, viewport={"width": DESK["width"], "height": DESK["height"]})
        context.set_default_timeout(20_000)
        await context.grant_permissions(["camera", "microphone"])
        await context.add_init_script(path=HERE / "page_hooks.js")
        await context.add_init_script(SOCKET)
        return Person(browser, context, await context.new_page(), made, "")

    yield come
    await asyncio.gather(*(browser.close() for browser, _ in browsers))


async def seated(site: Site, window: Windows, stage: Stage) -> None:
    """Everybody arrives: who has an account enters, the others wait."""
    held, seats = stage.held, stage.seats

    async def staff(account: Account, number: int) -> Seat:
        person = await window(stage.language, number)
        await person.sign_in(site.url, account.sign_in_name, account.password)
        return await enter(person, site, held, account.user.name)

    async def link(name: str, role: str, number: int) -> Seat:
        person = await window(stage.language, number)
        return await to_the_waiting_room(person, held, name, devices=role in SEEN)

    seats.append(await staff(held.chair, 0))
    if held.clerk:
        seats.append(await staff(held.clerk, 1))
    for number, (name, role) in enumerate(stage.cast.people):
        seats.append(await link(name, role, number))


@pytest.mark.skipif("GALLERY" not in os.environ, reason="GALLERY names no folder for the pictures")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", list(CASTS))
async def test_every_role_comes_through_its_sitting_and_its_page_is_pictured(
    site: Site, window: Windows, kind: str, language: str
) -> None:
    cast, procedure = CASTS[kind], PROCEDURES[kind]
    court = await Court.open(site)
    administrator = (await court.person("administrator")).user
    try:
        await procedures.adopt(court.db, procedure.text, administrator, utc_now())
        held = await court.sitting(cast.people, kind=kind, with_clerk=True, guards=cast.guards, screened=cast.screened)
        stage = Stage(kind, language, cast, held)
        await seated(site, window, stage)
        await stage.look("0-waiting")
        await send(stage.chair, type="admit", participants=[])
        await asyncio.gather(*(seat.until_inside(BUSY_S) for seat in stage.seats if stage.role(seat) not in procedure.apart))
        await walk(stage)
        (Path(os.environ["GALLERY"]) / f"{kind}-{language}.txt").write_text("\n".join(stage.faults))
        assert [error for seat in stage.seats for error in seat.person.errors] == []
    finally:
        await procedures.adopt(court.db, BRIEF_COURT.text, administrator, utc_now())
        await court.close()


async def walk(stage: Stage) -> None:
    """Through all stages, and a look at each moment that tells something new."""
    procedure = PROCEDURES[stage.kind]
    turns, paused = False, False
    for number, name in enumerate(stage.cast.stages, 1):
        await stage.go(name)
        now = procedure.stages[name]
        waiting = [p for p in (await stage.chair.view())["participants"] if p["presence"] == "waiting"]
        called = [p["id"] for p in waiting if p["role"] in procedure.rights[name]]
        if called:
            await send(stage.chair, type="admit", participants=called)
        tells = number == 1 or now.private or now.votes or now.opinions or name in TELLING
        if now.votes:
            await send(stage.chair, type="put_question", text="是否认定为自首并从轻处罚？")
        if tells:
            await stage.look(f"{number}-{name}")
        in_turn = [role for role, rights in procedure.rights[name].items() if rights.speak_in_turn]
        if in_turn and number > 1 and not turns:
            turns = True
            await the_floor(stage, f"{number}-{name}-floor", in_turn)
        if number > 1 and not paused and now.status == "live":
            paused = True
            await stage.go("recess")
            await stage.look(f"{number}-recess")
            await stage.go(name)
    await stage.go(procedure.last)
    await asyncio.gather(*(seat.until(lambda f: f["screen"] == "ended", "sees that it is over", BUSY_S) for seat in stage.seats))
    await stage.look("9-closed")


async def the_floor(stage: Stage, moment: str, roles: list[str]) -> None:
    """One has the floor, another has asked for it."""
    present = [p for p in (await stage.chair.view())["participants"] if p["presence"] == "present" and p["role"] in roles]
    speaker = next((p for p in present if p["role"] in {"party", "lawyer", "member"}), present[0])
    await send(stage.chair, type="give_floor", participant=speaker["id"])
    asks = next((p for p in present if p["id"] != speaker["id"]), None)
    if asks:
        await send(next(seat for seat in stage.seats if seat.name == asks["name"]), type="hand", up=True)
    await stage.chair.until(lambda f: f["view"]["sitting"]["floor"] is not None, "has given the floor")
    await stage.look(moment)
    await send(stage.chair, type="take_floor")
