"""What a wall of sixteen pictures costs: ``wall_browser_cpu_percent``, ``wall_engine_cpu_percent``, ``wall_web_cpu_percent``,
``wall_received_kbit_s``, whether every tile plays (``wall_tile_frames_per_s``), and that a source which nobody watches costs nothing
(``wall_unwatched_engine_cpu_percent``).

Everything is real but the cameras: sixteen sittings in session, each recorded, each with a participant who sends real VP8 and Opus
(bench/load/film.py) through the engine; the wall is the officer's own page in Chromium. It shows nothing, four of them, all sixteen,
and is closed again, in one run. Frames are those that Chromium has decoded, by its own count of each tile's track.

``python -m bench.wall --tiles 9`` measures another wall, ``--seconds N`` counts longer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import BrowserContext, Page, ViewportSize, async_playwright

from bench.load.film import camera_and_microphone, picture
from bench.load.peers import LoadPeer, use_address
from bench.load.robot import Robot
from bench.load.traffic import Stream, drain
from bench.load.usage import cpu_seconds, machine
from tests.browser.court import Account, Court
from tests.browser.hearing import eventually
from tests.browser.participants import CHROMIUM, FLAGS
from tests.browser.site import SHORT_COURT, Site
from tests.rooms.recording.streams import FPS

HOOKS = Path(__file__).parents[1] / "tests" / "browser" / "page_hooks.js"
PROFILE = "AES-GCM-128"
SIZE, BIT_RATE = (320, 180), 130_000
"""The layer that a camera sends for a tile of a sixteenth of a screen (static/js/layers.js)."""
SCREEN = ViewportSize(width=1920, height=1080)
FEW = 4
LAYOUTS = (1, 4, 9, 16)
SETTLE_S = 4.0
LIMIT_S = 60.0
AT_ONCE = 4
Figure = dict[str, object]

DECODED = """async () => {
  const { inbound } = await window.__counters();
  const frames = new Map(inbound.filter(({ kind }) => kind === 'video').map((one) => [one.trackIdentifier, one.framesDecoded]));
  const tiles = [...document.querySelectorAll('wall-tile')].map((tile) => [...tile.querySelectorAll('video')]
    .flatMap((video) => video.srcObject?.getTracks() ?? [])
    .reduce((sum, track) => sum + (frames.get(track.id) ?? 0), 0));
  const { clientWidth, clientHeight } = document.querySelector('wall-tile') ?? { clientWidth: 0, clientHeight: 0 };
  return { tiles, octets: inbound.reduce((sum, one) => sum + one.bytesReceived, 0), size: [clientWidth, clientHeight] };
}"""
"""Frames decoded by tile, bytes received, and the size of a tile in points."""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.wall", description="What a wall of pictures costs.")
    parser.add_argument("--tiles", type=int, choices=LAYOUTS[2:], default=16, help="windows of the wall (default: 16)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each cost is counted (default: 15)")
    return parser.parse_args()


@dataclass(frozen=True)
class Cost:
    """CPU in percent of a core; `frames`: a second, of each tile; `kbit_s` that the browser received; `size` of a tile, points."""

    engine: float
    web: float
    browser: float = 0.0
    frames: tuple[float, ...] = ()
    kbit_s: float = 0.0
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Costs:
    """In the order in which they were counted."""

    before: Cost
    few: Cost
    many: Cost
    after: Cost


# -- processes


def descendants(pid: int) -> list[int]:
    """All living processes that a process started, and those that they did."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, left = [], [pid]
    while left:
        found += (born := children.get(left.pop(), []))
        left += born
    return found


def chromium() -> list[int]:
    """The processes of the browser that this one started."""
    return [pid for pid in descendants(os.getpid()) if _command(pid).startswith("chrom")]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _used(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += cpu_seconds(pid)
        except OSError:  # a renderer that ended meanwhile
            continue
    return total


# -- who is seen


@asynccontextmanager
async def sources(site: Site, court: Court, count: int) -> AsyncIterator[dict[str, Robot]]:
    """So many sittings in session, each with a chair who sends picture and sound while the block runs; the chairs by sitting."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> tuple[str, Robot, LoadPeer, list[Stream]]:
        async with gate:
            held = await court.sitting((("李明", "party"),))
            chair = await Robot.signed_in(site, held, held.chair)
            peer = await chair.publish(PROFILE)
            await chair.open_hearing()
            await chair.until(lambda view: view["recording"]["state"] != "off", "sees that it is recorded")
            for source in ("microphone", "camera"):
                await chair.send(type="source", source=source, on=True)
            return held.id, chair, peer, camera_and_microphone(peer, SIZE, BIT_RATE)

    opened = await asyncio.gather(*(one() for _ in range(count)))
    streams = [stream for *_, each in opened for stream in each]
    over = threading.Event()
    sending = asyncio.create_task(asyncio.to_thread(_send, streams, over))
    try:
        yield {sitting: chair for sitting, chair, *_ in opened}
    finally:
        over.set()
        await sending
        for _, chair, peer, _ in opened:
            await peer.drop()
            await chair.close()
        for sock in {stream.socket for stream in streams}:
            sock.close()


def _send(streams: list[Stream], over: threading.Event) -> None:
    """Each when it is due, until `over`; what comes back is thrown away."""
    start, buffer = time.perf_counter(), bytearray(2048)
    for index, stream in enumerate(streams):
        stream.next_at = start + index / len(streams) / stream.rate
    while not over.is_set():
        now = time.perf_counter()
        for stream in streams:
            if stream.next_at <= now:
                stream.send()
                drain(stream.socket, buffer, False)
        time.sleep(max(0.0, min(stream.next_at for stream in streams) - time.perf_counter()))


# -- the wall


async def desk(context: BrowserContext, site: Site, officer: Account) -> Page:
    """The officer's page of his wall."""
    page = await context.new_page()
    await page.goto(f"{site.url}/sign-in")
    await page.fill("input[name=name]", officer.sign_in_name)
    await page.fill("input[name=password]", officer.password)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url(lambda address: "/sign-in" not in address)
    await page.goto(f"{site.url}/console/wall")
    return page


async def show(page: Page, sittings: list[str]) -> None:
    """Divide the wall and put one sitting into each window, as the officer does; return when every window plays."""
    await page.click(f'[data-do="split"][data-windows="{len(sittings)}"]')
    await page.locator("wall-tile").nth(len(sittings) - 1).wait_for()
    for number, sitting in enumerate(sittings):
        await page.locator(f'[data-sources] [data-source="{sitting}/"]').drag_to(page.locator("wall-tile").nth(number))
        await page.locator(f'wall-tile:nth-of-type({number + 1})[data-sitting="{sitting}"]').wait_for()

    async def all_play() -> bool:
        tiles = (await page.evaluate(DECODED))["tiles"]
        return len(tiles) == len(sittings) and all(frames > 0 for frames in tiles)

    await eventually(all_play, f"{len(sittings)} windows play", LIMIT_S)


async def cost(site: Site, seconds: float, page: Page | None = None) -> Cost:
    """What it takes while nothing is done but watched; `page`: the wall, None while it is closed."""
    await asyncio.sleep(SETTLE_S)
    engine, web, browser = site.pid("engine"), site.pid("web"), chromium() if page else []
    shown = await page.evaluate(DECODED) if page else None
    began, used = time.monotonic(), (cpu_seconds(engine), cpu_seconds(web), _used(browser))
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    now = (cpu_seconds(engine), cpu_seconds(web), _used(browser))
    percent = [(after - before) / took * 100 for before, after in zip(used, now, strict=True)]
    if page is None or shown is None:
        return Cost(percent[0], percent[1])
    then = await page.evaluate(DECODED)
    took = time.monotonic() - began
    frames = tuple((after - before) / took for before, after in zip(shown["tiles"], then["tiles"], strict=True))
    kbit_s = (then["octets"] - shown["octets"]) * 8 / 1000 / took
    return Cost(percent[0], percent[1], percent[2], frames, kbit_s, (then["size"][0], then["size"][1]))


# -- figures


def _line(name: str, value: float, unit: str, peer: str, peer_value: float, conditions: str) -> Figure:
    ratio = round(value / peer_value, 2) if peer_value else None
    told = {"peer": peer, "peer_value": round(peer_value, 1), "ratio": ratio}
    return {"figure": name, "value": round(value, 1), "unit": unit, **told, "conditions": conditions}


def figures(costs: Costs) -> list[Figure]:
    """Of the larger wall, each beside the smaller one or beside no wall."""
    before, few, many, after = costs.before, costs.few, costs.many, costs.after
    tiles, fewer = len(many.frames), len(few.frames)
    sent = f"{SIZE[0]} × {SIZE[1]} at {BIT_RATE // 1000} kbit/s and {FPS} frames a second"
    what = (
        f"{tiles} recorded sittings, each with one source of {sent}, in windows of {many.size[0]} × {many.size[1]} points; "
        f"{fewer} in windows of {few.size[0]} × {few.size[1]}; {machine()}"
    )
    smaller = f"{fewer} windows in the same run"
    engine = f"{what}; with {fewer} windows {few.engine:.1f}, with the wall closed again {after.engine:.1f}"
    web = f"{what}; with {fewer} windows {few.web:.1f}, with the wall closed again {after.web:.1f}"
    each = "least of all windows; " + what
    core = "percent of a core"
    return [
        _line("wall_browser_cpu_percent", many.browser, core, smaller, few.browser, what),
        _line("wall_engine_cpu_percent", many.engine, core, "the same sources before any wall", before.engine, engine),
        _line("wall_web_cpu_percent", many.web, core, "the same sources before any wall", before.web, web),
        _line("wall_received_kbit_s", many.kbit_s, "kbit/s", smaller, few.kbit_s, what),
        _line("wall_tile_frames_per_s", min(many.frames), "frames a second", "what each source sends", float(FPS), each),
        _line("wall_unwatched_engine_cpu_percent", after.engine, core, "the same sources before any wall", before.engine, what),
    ]


async def measure(folder: Path, tiles: int, seconds: float) -> list[Figure]:
    """All figures of one site."""
    use_address("127.0.0.1")
    picture(*SIZE, BIT_RATE)  # takes seconds, in which nobody would answer for those who are there already
    site = Site(folder / "site", settings={"SPARES": "true"}, adopts=SHORT_COURT).start()
    court = await Court.open(site)
    officer = await court.person("officer")
    try:
        async with async_playwright() as playwright, sources(site, court, tiles) as chairs:
            print(f"  {tiles} sources", file=sys.stderr, flush=True)
            before = await cost(site, seconds)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
            context = await browser.new_context(locale="zh-CN", viewport=SCREEN)
            await context.add_init_script(path=HOOKS)
            page = await desk(context, site, officer)
            shown = []
            for count in (FEW, tiles):
                await show(page, list(chairs)[:count])
                shown.append(await cost(site, seconds, page))
                print(f"  {shown[-1]}", file=sys.stderr, flush=True)
            await page.goto("about:blank")
            for chair in chairs.values():
                await chair.until(lambda view: view["watchers"] == [], "sees that nobody watches any more")
            await browser.close()
            after = await cost(site, seconds)
    finally:
        await court.close()
        site.stop()
    return figures(Costs(before, shown[0], shown[1], after))


async def main() -> None:
    """Print the figures."""
    wanted = options()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for figure in await measure(Path(name), wanted.tiles, wanted.seconds):
            print(json.dumps(figure, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
