"""A hearing as its people do it: through the pages, by their buttons."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from playwright.async_api import Locator

from tests.browser.court import Held
from tests.browser.participants import Person
from tests.browser.site import Site

LIMIT_S = 60.0
"""Nothing is measured by it: three browsers on two busy cores take many times what they take on idle ones."""


async def eventually(condition: Callable[[], Awaitable[bool]], what: str, limit_s: float = LIMIT_S) -> float:
    """Wait until `condition` holds; the seconds that it took. Fails with `what`."""
    began = time.monotonic()
    while not await condition():
        if time.monotonic() - began > limit_s:
            raise AssertionError(f"not within {limit_s:.0f} s: {what}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Seat:
    """A person on the hearing's page of one sitting."""

    person: Person
    name: str

    async def figures(self) -> dict[str, Any]:
        """What the page says of itself (window.__hearing); empty before it has said anything."""
        return cast("dict[str, Any]", await self.person.page.evaluate("globalThis.__hearing ?? {}"))

    async def view(self) -> dict[str, Any]:
        """What the server lets this person see."""
        return cast("dict[str, Any]", (await self.figures()).get("view") or {})

    async def until(self, condition: Callable[[dict[str, Any]], bool], what: str, limit_s: float = LIMIT_S) -> float:
        """Wait until the page's figures satisfy `condition`."""

        async def holds() -> bool:
            figures = await self.figures()
            return bool(figures.get("view")) and condition(figures)

        try:
            return await eventually(holds, f"{self.name}: {what}", limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.person.errors}\n{await self.figures()}") from None

    async def until_inside(self, limit_s: float = LIMIT_S) -> None:
        await self.until(lambda f: f["screen"] == "inside", "is inside", limit_s)

    async def until_stage(self, stage: str, limit_s: float = LIMIT_S) -> None:
        await self.until(lambda f: f["view"]["sitting"]["stage"] == stage, f"sees the stage {stage}", limit_s)

    async def participant(self, name: str) -> dict[str, Any]:
        """A participant as this person sees him."""
        return cast("dict[str, Any]", next(p for p in (await self.view())["participants"] if p["name"] == name))

    async def inbound(self, name: str, source: str) -> dict[str, float]:
        """Counters of a track of another person as they arrive here; zeros where nothing does."""
        endpoint = (await self.participant(name))["endpoint"]
        inbound = (await self.figures())["media"]["inbound"]
        return cast("dict[str, float]", inbound.get(f"{endpoint}/{source}", {"packets": 0, "frames": 0}))

    async def sees(self, name: str, limit_s: float = LIMIT_S) -> float:
        """Wait until frames of another person are decoded here, ten more than now."""
        first = (await self.inbound(name, "camera"))["frames"]

        async def more() -> bool:
            return (await self.inbound(name, "camera"))["frames"] >= first + 10

        return await eventually(more, f"{self.name} sees {name}", limit_s)

    def tile(self, name: str) -> Locator:
        """The tile of a person on this page."""
        return self.person.page.locator(f'hearing-tile[aria-label*="{name}"]')

    async def probe(self, name: str, pitch_hz: int) -> None:
        """Watch and listen to the tile of `name` from now on; `person.seen(name)` tells."""
        await self.person.probe(f'hearing-tile[aria-label*="{name}"] video', name, pitch_hz)

    # -- the chair's and the clerk's acts --------------------------------------------------------------------------

    async def admit(self, name: str) -> None:
        row = self.person.page.locator('[data-part="waiting"] li', has_text=name)
        await row.locator('[data-act="admit"]').click()

    async def admit_all(self) -> None:
        await self.person.page.click('[data-act="admit-all"]')

    async def change_stage(self, to: str) -> None:
        """Press the button of the next stage and confirm."""
        await self.person.page.click(f'[data-act="stage"][data-to="{to}"]:not([aria-disabled="true"])')
        await self.person.page.click('dialog[open] button[type="submit"]')
        if to == "closed":
            await self.until(lambda f: f["screen"] == "ended", "sees that it is over")
        else:
            await self.until_stage(to)

    async def close_microphone_of(self, name: str) -> None:
        row = self.person.page.locator('[data-part="people"] li', has_text=name)
        await row.locator('[data-act="mute"][data-source="microphone"]').click()

    async def allow_microphone_of(self, name: str) -> None:
        row = self.person.page.locator('[data-part="people"] li', has_text=name)
        await row.locator('[data-act="allow"][data-source="microphone"]').click()


async def take_the_chair(person: Person, site: Site, held: Held) -> Seat:
    """Sign in as the chair, switch microphone and camera on, enter."""
    await person.sign_in(site.url, held.chair.sign_in_name, held.chair.password)
    return await enter(person, site, held, held.chair.user.name)


async def to_the_waiting_room(person: Person, held: Held, name: str, *, devices: bool = True) -> Seat:
    """By the link, through the consent, into the waiting room; the check is left out."""
    page = person.page
    await page.goto(held.links[name])
    await page.check("input[name=agree]")
    await page.click("form[action$=consent] button")
    await page.wait_for_url(re.compile("/check$"))
    await page.goto(page.url.replace("/check", "/waiting"))
    await page.wait_for_selector('#hearing[data-screen="waiting"]')
    if devices:
        await switch_on(person)
    return Seat(person, name)


async def enter(person: Person, site: Site, held: Held, name: str) -> Seat:
    """Enter as somebody who has signed in, with microphone and camera."""
    await person.page.goto(f"{site.url}/hearing/{held.id}")
    await switch_on(person)
    await person.page.click('[data-part="enter"]')
    seat = Seat(person, name)
    await seat.until_inside()
    return seat


async def switch_on(person: Person) -> None:
    """Switch microphone and camera of the preview on, where they are not."""
    for number in range(2):
        button = person.page.locator("own-preview .preview-switches button").nth(number)

        async def is_on(button: Locator = button) -> bool:
            return await button.get_attribute("aria-pressed") == "true"

        if not await is_on():
            await button.click()
        await eventually(is_on, "microphone and camera are on")
