"""What a console costs and shows of a hundred live sittings of eight: ``fault_visible_p99_ms``, ``console_longest_frame_ms``,
``console_server_cpu_percent``, ``console_server_rss_mb``, and how the last two grow from ten sittings to a hundred.

Server, database, recorder and console are the real ones; so are the people but for their media: each comes by the site's pages and
holds a WebSocket of his own. Fifty times a second a chair sends somebody to the waiting room or lets him in again, which every
console shows. A fault is a connection that breaks without a word, as that of a machine which is switched off. Nine and a half seconds
after his last sign of life the server calls him lost (rooms/live.py: somebody who reloads his page is not); counted is from that row
of the sitting's log until his name stands in the document of a console that is open in Chromium, and ``conditions`` has the whole.

``python -m bench.console --sittings 10 50`` measures other sizes, ``--faults N`` more faults.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bench.load.sittings import PEOPLE, Live, opened
from bench.load.usage import cpu_seconds, machine, rss_mb
from tests.browser.court import Account, Court
from tests.browser.hearing import eventually
from tests.browser.participants import CHROMIUM, FLAGS
from tests.browser.site import SHORT_COURT, Site

HOOK = Path(__file__).parent / "load" / "console.js"
UPDATES_PER_S = 50
CHAIRS_UPDATES_PER_S = 10
"""The server closes the connection of a browser that sends twice as many."""
WARM_S = 3.0
FAULT_EVERY_S = 0.25
LIMIT_S = 60.0
Figure = dict[str, object]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description="What a console costs and shows.")
    parser.add_argument("--sittings", type=int, nargs="+", default=[10, 100], help="live sittings, from few to many (default: 10 100)")
    parser.add_argument("--faults", type=int, default=100, help="faults among the most sittings (default: 100)")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each cost is counted (default: 15)")
    return parser.parse_args()


@dataclass
class Cost:
    """Of the server (the process that has hearings, pages and consoles): CPU in percent of a core, resident memory in MB. `updates`:
    how many a second there were. `longest_ms`: frame of the console, and of an empty page in the same browser; `frames`: a second."""

    cpu_percent: float
    rss_mb: float
    updates: float
    longest_ms: float = 0.0
    empty_longest_ms: float = 0.0
    frames: float = 0.0


@dataclass
class Counted:
    """With so many sittings: without a console, and with one."""

    sittings: int
    without: Cost
    watched: Cost


@dataclass
class Faults:
    """How long it took from the row of the log, ms: until it stood in the console, and until the chair of the same sitting was told.
    `whole`: from the break of the connection until it stood in the console."""

    console: list[float] = field(default_factory=list)
    chair: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


# -- what goes on


class Changes:
    """Fifty a second, spread over all sittings in turn. `quiet`: a sitting in which a fault is under way has none."""

    def __init__(self, sittings: list[Live]) -> None:
        self._sittings = sittings
        self.made = 0
        self.quiet: set[str] = set()

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """While the block runs."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        between_s = 1 / min(UPDATES_PER_S, CHAIRS_UPDATES_PER_S * len(self._sittings))
        due = time.monotonic()
        while True:
            for sitting in self._sittings:
                if sitting.id not in self.quiet:
                    await sitting.change()
                    self.made += 1
                due = max(due + between_s, time.monotonic() - between_s)
                await asyncio.sleep(max(0.0, due - time.monotonic()))


async def cost(site: Site, changes: Changes, seconds: float, pages: tuple[Page, ...] = ()) -> Cost:
    """What the server takes while changes go on; `pages`: the console and an empty one."""
    pid = site.pid("web")
    async with changes.going():
        await asyncio.sleep(WARM_S)
        for page in pages:
            await page.evaluate("__console.longest = __console.frames = 0; undefined")
        began, cpu, made = time.monotonic(), cpu_seconds(pid), changes.made
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        found = Cost((cpu_seconds(pid) - cpu) / took * 100, rss_mb(pid), (changes.made - made) / took)
        noted = [await page.evaluate("({longest: __console.longest, frames: __console.frames})") for page in pages]
    if noted:
        found.longest_ms, found.empty_longest_ms = noted[0]["longest"], noted[1]["longest"]
        found.frames = noted[0]["frames"] / took
    return found


# -- the console


async def console(browser: Browser, site: Site, officer: Account, sittings: list[Live]) -> tuple[Page, Page]:
    """The console, showing all sittings, and an empty page, each in a window of its own."""
    pages = []
    for _ in range(2):
        context = await browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
        await context.add_init_script(path=HOOK)
        pages.append(await context.new_page())
    page, empty = pages
    await page.goto(f"{site.url}/sign-in")
    await page.fill("input[name=name]", officer.sign_in_name)
    await page.fill("input[name=password]", officer.password)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url(lambda address: "/sign-in" not in address)
    await page.goto(f"{site.url}/console")
    await empty.goto(f"{site.url}/livez")

    async def shows_all() -> bool:
        return int(await page.evaluate("document.querySelectorAll('[data-sitting]').length")) >= len(sittings)

    await eventually(shows_all, f"the console shows {len(sittings)} sittings", LIMIT_S)
    return page, empty


async def fault(page: Page, sitting: Live, changes: Changes, found: Faults) -> None:
    """Somebody's connection breaks; he comes back when both have seen it."""
    changes.quiet.add(sitting.id)
    lost = sitting.others[random.randrange(len(sitting.others) - 1)]  # not who is sent to and fro
    await page.evaluate("name => { __console.awaited.add(name); }", lost.name)
    at = lost.vanish()

    def gone(view: dict[str, Any]) -> bool:
        return any(each["name"] == lost.name and each["presence"] == "lost" for each in view["participants"])

    await sitting.chair.until(gone, "is told who was lost")
    told_ms = time.time() * 1000
    known_ms = next(each["lost_at_us"] for each in sitting.chair.view["participants"] if each["name"] == lost.name) / 1000
    found.chair.append(told_ms - known_ms)

    async def seen() -> float:
        return float(await page.evaluate("name => __console.seen[name] ?? 0", lost.name))

    async def is_seen() -> bool:
        return await seen() > 0

    try:
        await eventually(is_seen, f"the console shows that {lost.name} was lost", LIMIT_S)
    except AssertionError as error:
        row = await page.locator(f'[data-sitting="{sitting.id}"]').first.inner_text()
        raise RuntimeError(f"{error}; its row: {row!r}, address: {page.url}") from None
    found.console.append(await seen() - known_ms)
    found.whole.append(await seen() - at * 1000)
    await lost.come_back()
    changes.quiet.discard(sitting.id)


async def faults(page: Page, sittings: list[Live], count: int) -> Faults:
    """So many faults at moments that chance chooses, each in another sitting as long as there are some, while changes go on."""
    found, changes = Faults(), Changes(sittings)
    under_way: list[asyncio.Task[None]] = []
    order = [sittings[number % len(sittings)] for number in range(count)]
    async with changes.going():
        await asyncio.sleep(WARM_S)
        for number, sitting in enumerate(order):
            if number >= len(sittings):
                await under_way[number - len(sittings)]
            under_way.append(asyncio.create_task(fault(page, sitting, changes, found)))
            await asyncio.sleep(random.expovariate(1 / FAULT_EVERY_S))
        await asyncio.gather(*under_way)
    return found


# -- figures


def _line(name: str, value: float, unit: str, peer: str | None, peer_value: float | None, conditions: str) -> Figure:
    other = None if peer_value is None else round(peer_value, 1)
    ratio = round(value / peer_value, 2) if peer_value else None
    told = {"peer": peer if other is not None else None, "peer_value": other, "ratio": ratio}
    return {"figure": name, "value": round(value, 1), "unit": unit, **told, "conditions": conditions}


def cost_figures(counted: list[Counted]) -> list[Figure]:
    """CPU, memory, frames, and what became of the first two from the fewest sittings to the most."""
    few, many = counted[0], counted[-1]
    what = f"{many.sittings} live sittings of {PEOPLE} without media, {many.watched.updates:.0f} updates a second, one console open"
    peer = "the same without a console"
    frames = f"{what}; {many.watched.frames:.0f} frames a second; bound 200; {machine()}"
    grown = f"from {few.sittings} to {many.sittings} sittings at as many updates a second, one console open"
    cpu = " to ".join(f"{each.watched.cpu_percent:.0f} (console closed {each.without.cpu_percent:.0f})" for each in counted)
    memory = " to ".join(f"{each.watched.rss_mb:.0f} (console closed {each.without.rss_mb:.0f})" for each in counted)

    def more(figure: str, *, watched: bool) -> float:
        first, last = ((each.watched if watched else each.without) for each in (few, many))
        return float(getattr(last, figure) - getattr(first, figure))

    frame = ("console_longest_frame_ms", many.watched.longest_ms, "ms", "an empty page in the same browser at the same time")
    used = ("console_server_cpu_percent", many.watched.cpu_percent, "percent of a core", peer, many.without.cpu_percent)
    found = [
        _line(*frame, many.watched.empty_longest_ms, frames),
        _line(*used, f"{what}; {machine()}"),
        _line("console_server_rss_mb", many.watched.rss_mb, "MB", peer, many.without.rss_mb, what),
    ]
    if len(counted) > 1:
        growth = more("cpu_percent", watched=True), "percent of a core", peer, more("cpu_percent", watched=False)
        found.append(_line("console_server_cpu_growth_percent", *growth, f"{grown}: {cpu}; {machine()}"))
        growth = more("rss_mb", watched=True), "MB", peer, more("rss_mb", watched=False)
        found.append(_line("console_server_rss_growth_mb", *growth, f"{grown}: {memory}"))
    return found


def fault_figure(found: Faults, sittings: int) -> Figure:
    """``fault_visible_p99_ms``, against when the chair of the sitting was told."""
    what = (
        f"{len(found.console)} connections broken at random moments among {sittings} live sittings of {PEOPLE}, {UPDATES_PER_S} updates a "
        f"second; {_middle_and_worst(found.console)}; from the break itself, with the 9.5 s of grace since the last sign of life, "
        f"{_middle_and_worst(found.whole)}; bound 1000; {machine()}"
    )
    values = (_p99(found.console), "ms", "until the chair of the sitting is told", _p99(found.chair))
    return _line("fault_visible_p99_ms", *values, what)


def _middle_and_worst(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f}, worst {max(values):.0f}"


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


async def measure(folder: Path, sizes: list[int], faults_wanted: int, seconds: float) -> list[Figure]:
    """All figures of one site, to which sittings are added."""
    site = Site(folder / "site", settings={"SPARES": "true"}, adopts=SHORT_COURT).start()
    court = await Court.open(site)
    officer = await court.person("officer")
    sittings: list[Live] = []
    counted: list[Counted] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(FLAGS))
        try:
            for size in sizes:
                sittings += await opened(site, court, size - len(sittings))
                print(f"  {size} sittings in session", file=sys.stderr, flush=True)
                changes = Changes(sittings)
                without = await cost(site, changes, seconds)
                pages = await console(browser, site, officer, sittings)
                counted.append(Counted(size, without, await cost(site, changes, seconds, pages)))
                print(f"  {counted[-1]}", file=sys.stderr, flush=True)
                if size < sizes[-1]:
                    for page in pages:
                        await page.context.close()
            found = await faults(pages[0], sittings, faults_wanted)
            print(f"  fault visible ms: {sorted(map(round, found.console))}, chair {sorted(map(round, found.chair))}", file=sys.stderr)
        finally:
            await browser.close()
            for sitting in sittings:
                await sitting.close()
            await court.close()
            site.stop()
    return [fault_figure(found, len(sittings)), *cost_figures(counted)]


async def main() -> None:
    """Print the figures."""
    wanted = options()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for figure in await measure(Path(name), sorted(wanted.sittings), wanted.faults, wanted.seconds):
            print(json.dumps(figure, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
