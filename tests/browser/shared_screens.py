"""A document that somebody shares, who reads it, and what a page sends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Self, cast

from playwright.async_api import BrowserContext, Page

from tests.browser.hearing import Seat, eventually

TITLE = "EXHIBIT"
# Of Chromium's three cameras the second one measures depth and gives no picture.
FLAGS = (
    f"--auto-select-tab-capture-source-by-title={TITLE}",
    "--use-fake-device-for-media-stream=device-count=3",
)
SAME_COLOUR = 40
"""Colours differ by this much at most when they are the same, after capture, codec and their ranges."""
PIXEL = """video => {
  if (!video.videoWidth) return [0, 0, 0];
  const canvas = new OffscreenCanvas(16, 9);
  const brush = canvas.getContext('2d');
  brush.drawImage(video, 0, 0, 16, 9);
  return [...brush.getImageData(8, 7, 1, 1).data].slice(0, 3);
}"""
SENT = """() => window.__connections.filter((one) => one.connectionState === 'connected').flatMap((one) => one.getTransceivers())
  .filter((one) => one.direction === 'sendonly').map((one) => [one.mid, one.sender.track?.label ?? ''])"""
GREEN, VIOLET, ORANGE, BLUE = (30, 120, 60), (110, 40, 130), (220, 120, 20), (20, 60, 160)


@dataclass
class Exhibit:
    """A document of one colour in a window of its own, and what the page that shares it sends to the server."""

    page: Page
    offers: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    async def open(cls, context: BrowserContext) -> Self:
        """In a new window."""
        exhibit = cls(await context.new_page())
        await exhibit.page.set_content(f"<title>{TITLE}</title><body><h1>证据一：买卖合同</h1>")
        return exhibit

    async def turn(self, colour: tuple[int, int, int]) -> None:
        """Another page of the document."""
        await self.page.evaluate("colour => { document.body.style.background = colour; }", f"rgb{colour}")

    def heard(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        if message["type"] == "publish":
            self.offers.append(message)


async def reads(viewer: Seat, colour: tuple[int, int, int], limit_s: float = 30.0) -> None:
    """Wait until `viewer` sees a shared screen of this colour."""
    video = viewer.person.page.locator("screen-tile video")

    async def same() -> bool:
        if await video.count() != 1:
            return False
        seen = await video.evaluate(PIXEL)
        return all(abs(one - other) <= SAME_COLOUR for one, other in zip(seen, colour, strict=True))

    await eventually(same, f"{viewer.name} reads the page of colour {colour}", limit_s)


async def sent(seat: Seat) -> dict[str, str]:
    """What the page sends: m-line → name of the device; "" where nothing is sent."""
    return dict(cast("list[tuple[str, str]]", await seat.person.page.evaluate(SENT)))
