"""People at their browsers: one Chromium for each, with a camera picture and a sound that the test knows."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from playwright.async_api import Browser, BrowserContext, Page, Playwright

from tests.browser.material import SIZE, Material, make

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent
AXE = HERE.parents[1] / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    # A page in the background is measured like one in front.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
GRANTED = "--use-fake-ui-for-media-stream"
THROUGH_THE_RELAY = """
const take = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  return take.call(this, { type: description.type, sdp: description.sdp.replace(/127\\.0\\.0\\.1 \\d+ typ/g, '127.0.0.1 PORT typ') });
};"""
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe noticed on one video element. Times: wall clock, ms. `colour`: RGB of the picture between flashes. `shown`:
    frames by the second of the wall clock."""

    flashes: list[float]
    beeps: list[float]
    frames: int
    shown: dict[int, int]
    colour: tuple[int, int, int] | None
    loudest: float


class Person:
    """One person: a browser process, a page, known picture and sound. Made by :func:`arrive`, ended by :meth:`close`."""

    def __init__(self, browser: Browser, context: BrowserContext, page: Page, material: Material, mark: str) -> None:
        self.browser = browser
        self.context = context
        self.page = page
        self.material = material
        self.errors: list[str] = []
        self._mark = mark
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def sign_in(self, url: str, name: str, password: str) -> None:
        """Sign in through the page."""
        await self.page.goto(f"{url}/sign-in")
        await self.page.fill("input[name=name]", name)
        await self.page.fill("input[name=password]", password)
        await self.page.press("input[name=password]", "Enter")
        await self.page.wait_for_url(lambda address: "/sign-in" not in address)

    async def counters(self) -> dict[str, Any]:
        """Counters of all connections of the page (tests/browser/page_hooks.js)."""
        return cast("dict[str, Any]", await self.page.evaluate("window.__counters()"))

    async def packets_sent(self, kind: str) -> int:
        """RTP packets of this kind ("audio", "video") that left the page."""
        counters = await self.counters()
        return int(counters["outbound"].get(kind, {}).get("packetsSent", 0))

    async def frames_decoded(self) -> int:
        """Video frames of others that were decoded, all connections that live now."""
        return sum(int(one["framesDecoded"]) for one in (await self.counters())["inbound"])

    async def packets_received(self, kind: str) -> int:
        """RTP packets of others of this kind, all connections that live now."""
        return sum(int(one["packetsReceived"]) for one in (await self.counters())["inbound"] if one["kind"] == kind)

    async def inbound(self, selector: str) -> dict[str, dict[str, int]]:
        """Counters of what the video element at `selector` plays, by kind ("audio", "video"); a track that never arrived has none."""
        tracks = set(await self.page.eval_on_selector(selector, "video => video.srcObject.getTracks().map((track) => track.id)"))
        return {one["kind"]: one for one in (await self.counters())["inbound"] if one["trackIdentifier"] in tracks}

    async def send_anyway(self, kind: str) -> None:
        """Send as a modified browser would, whatever the page decided."""
        assert await self.page.evaluate("kind => window.__sendAnyway(kind)", kind) > 0, "nothing to send by"

    async def send_as_told(self, kind: str) -> None:
        """Let the page decide again."""
        await self.page.evaluate("kind => window.__sendAsTold(kind)", kind)

    async def speaks_through(self, port: int) -> None:
        """Media of pages opened from now on go by way of 127.0.0.1:`port` (tests/relay.py)."""
        await self.context.add_init_script(THROUGH_THE_RELAY.replace("PORT", str(port)))

    async def probe(self, selector: str, name: str, pitch_hz: int) -> None:
        """Watch and listen to the video element at `selector` from now on; :meth:`seen` tells what was noticed."""
        await self.page.evaluate((HERE / "probe.js").read_text(), {"selector": selector, "name": name, "pitch": pitch_hz})

    async def seen(self, name: str) -> Seen:
        """What the probe `name` has noticed so far."""
        found = await self.page.evaluate("name => { const {context, ...rest} = window.__probes[name]; return rest; }", name)
        shown = {int(second): int(frames) for second, frames in found["shown"].items()}
        colour = tuple(found["colour"]) if found["colour"] else None
        return Seen(found["flashes"], found["beeps"], found["frames"], shown, colour, found["loudest"])

    async def sounded(self) -> list[tuple[float, str, float]]:
        """How much sound the microphone has given to be sent, twice a second: (wall clock s, which microphone, s so far)."""
        return [(at / 1000, which, total) for at, which, total in await self.page.evaluate("window.__sounded")]

    async def stop_probes(self) -> None:
        """Watch and listen no more; what was noticed is kept."""
        await self.page.evaluate("for (const probe of Object.values(window.__probes)) probe.stopped = true")

    async def picture(self, path: Path, width: int = 1366, height: int = 768) -> None:
        """A screenshot at this size."""
        await self.page.set_viewport_size({"width": width, "height": height})
        path.parent.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=path)

    async def accessibility_faults(self) -> list[str]:
        """What axe-core finds wrong with the page as it is now, one line each."""
        return await accessibility_faults(self.page)

    def freeze(self) -> None:
        """Stop all processes of the browser without a word, as a dead machine or a cut cable does (SIGSTOP)."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again."""
        for pid in self._processes():
            os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        children: dict[int, list[int]] = {}
        first = 0
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
                if (
                    f"--mark={self._mark}".encode() in (folder / "cmdline").read_bytes()
                    and b"--type=" not in (folder / "cmdline").read_bytes()
                ):
                    first = first or int(folder.name)
        found, waiting = [], [first] if first else []
        while waiting:
            found.append(waiting.pop())
            waiting += children.get(found[-1], [])
        return found

    async def close(self) -> None:
        """End the browser. Idempotent."""
        with suppress(OSError):
            self.thaw()
        await self.browser.close()


async def arrive(
    playwright: Playwright,
    folder: Path,
    number: int = 0,
    *,
    granted: bool = True,
    devices: bool = True,
    language: str = "zh-CN",
    viewport: dict[str, int] | None = None,
    flags: tuple[str, ...] = (),
    sound: Path | None = None,
    size: tuple[int, int] | None = None,
) -> Person:
    """A person with a browser of his own.

    `number` chooses picture and sound (material of `folder`); `granted=False`: camera and microphone are refused;
    `devices=False`: there are none. `sound`: a file that the microphone hears instead; the camera then shows the browser's own test
    picture, as large as is asked for, or with a `size` (width, height) the known one in that.
    """
    material = await asyncio.to_thread(make, folder, number, size or SIZE)
    mark = secrets.token_hex(8)
    chosen = [flag for flag in FLAGS if devices or flag != "--use-fake-device-for-media-stream"]
    media = [f"--use-file-for-fake-audio-capture={sound or material.sound}"]
    if sound is None or size is not None:
        media.append(f"--use-file-for-fake-video-capture={material.picture}")
    browser = await playwright.chromium.launch(
        executable_path=CHROMIUM,
        headless=True,
        args=[*chosen, *(media if devices else ()), *((GRANTED,) if granted else ()), *flags, f"--mark={mark}"],
    )
    window = viewport or DESK
    context = await browser.new_context(locale=language, viewport={"width": window["width"], "height": window["height"]})
    context.set_default_timeout(60_000)
    if granted:
        await context.grant_permissions(["camera", "microphone"])
    await context.add_init_script(path=HERE / "page_hooks.js")
    return Person(browser, context, await context.new_page(), material, mark)


async def accessibility_faults(page: Page) -> list[str]:
    """What axe-core finds wrong with `page`, one line each. It is put in by the debugger, past the page's own policy."""
    await page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    # A watermark is no text to be read: it lies over pictures and must not hide them (WCAG 2.2, 1.4.3, incidental).
    watched = "{include: [['html']], exclude: [['viewer-mark']]}"
    found = await page.evaluate(f"axe.run({watched}, {{resultTypes: ['violations']}})")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} — {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
