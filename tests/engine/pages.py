"""Two pages of one Chromium, served on loopback, whose script makes connections: what tests of real browsers begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, async_playwright

from tests.rooms.media.test_chromium import FLAGS

STATIC = Path(__file__).parents[2] / "static"
#: Script of a page: `take(offer)` answers with a connection that plays what comes, `sub`.
TAKE = r"""
window.sub = null;
async function take(sdp) {
  if (sub === null) {
    sub = new RTCPeerConnection();
    sub.ontrack = event => {
      const element = document.createElement(event.track.kind);
      element.autoplay = element.muted = true;
      element.srcObject = new MediaStream([event.track]);
      document.body.append(element);
    };
  }
  await sub.setRemoteDescription({type: 'offer', sdp});
  await sub.setLocalDescription();
  return withoutCandidates(sub.localDescription.sdp);
}
const withoutCandidates = sdp => sdp.replace(/a=candidate.*\r\n/g, '');
"""


@asynccontextmanager
async def two_pages(script: str) -> AsyncIterator[tuple[Page, Page]]:
    """Both with this HTML behind :data:`TAKE`, and with the product's own scripts below /js."""
    text = f"<!doctype html><meta charset=utf-8><title>peer</title><body><script>{TAKE}</script>{script}"

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_static("/js", STATIC / "js")
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", headless=True, args=FLAGS)
            context = await chromium.new_context()
            pages = await context.new_page(), await context.new_page()
            for one in pages:
                await one.goto(f"http://localhost:{runner.addresses[0][1]}/")
            yield pages
            await chromium.close()
    finally:
        await runner.cleanup()
