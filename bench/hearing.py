"""What one hearing takes: ``join_ms_p50`` and ``join_ms_p95`` at real browsers, ``server_rss_mb`` and
``server_cpu_percent_per_participant``.

* Joining: a clerk whose devices are ready clicks "enter" in Chromium; the time until the first frame of the chair, who is
  inside, has been decoded. Peers: the same site with Janus as its engine, in turns with ours; and the floor, the same click,
  devices and browsers, but one RTCPeerConnection straight from page to page, in turns with both.
* Load: a recorded hearing of real VP8 and Opus at the bit rates that the product asks of its cameras, each participant
  receiving all others (bench/load/robot.py). Counted is every process of the site. The peer is Janus, which carries the
  same media and does nothing else: no pages, no rights, no log, no recording.

``python -m bench.hearing --participants 4 8`` measures other sizes, ``--joins N`` more joins.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bench.load.carriers import PROFILE, WINDOW_S, Used, by_janus, by_site, idle_mb, sizes
from bench.load.direct import Direct
from bench.load.isolation import enter
from bench.load.peers import use_address
from bench.load.targets import janus_installed
from bench.load.usage import machine
from tests.browser.court import Court, Held
from tests.browser.hearing import eventually, switch_on, take_the_chair
from tests.browser.participants import Person, arrive
from tests.browser.site import SHORT_COURT, Site

HOOK = Path(__file__).parent / "load" / "joining.js"
#: Joins one after another before the other way has its turn.
TURN = 4
#: Each engine's site is started so often, in turns.
JOIN_TURNS = 2
#: A run that loses more than this measures something else.
MAX_LOSS = 0.01
Figure = dict[str, object]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.hearing", description="What one hearing takes.")
    parser.add_argument("--participants", type=int, nargs="*", default=[2, 6, 12], help="sizes of the hearings to carry (default: 2 6 12)")
    parser.add_argument("--joins", type=int, default=24, help="joins each way (default: 24)")
    return parser.parse_args()


def site_in(folder: Path, address: str, engine: str = "embedded") -> Site:
    """A site with all its parts whose media go by `address`; not started yet."""
    settings = {"SPARES": "true", "MEDIA_BIND": address, "MEDIA_ADDRESS": address, "ENGINE": engine}
    return Site(folder, settings=settings, adopts=SHORT_COURT)


# -- joining


async def shows(page: Page, condition: str, what: str) -> None:
    """Wait until a condition in JavaScript holds (asked from outside: the pages' own policy lets nothing be evaluated in them)."""

    async def holds() -> bool:
        return bool(await page.evaluate(condition))

    await eventually(holds, what)


async def time_to_first_picture(page: Page) -> float:
    """Click "enter"; ms until somebody's first frame is decoded."""
    await page.bring_to_front()
    await page.click('[data-part="enter"]:enabled')
    await shows(page, "__joining.decoded > 0", "a frame is decoded")
    noted = await page.evaluate("__joining")
    return float(noted["decoded"] - noted["clicked"])


async def join_the_hearing(page: Page, site: Site, held: Held, person: Person) -> float:
    """Enter with camera and microphone, measured, and leave again."""
    await page.goto(f"{site.url}/hearing/{held.id}")
    await switch_on(person)
    await shows(page, "document.querySelector('own-preview video').videoWidth > 0", "the own picture is there")
    taken = await time_to_first_picture(page)
    await page.click('[data-part="tool-leave"]')
    await page.click('dialog[open] button[type="submit"]')
    await page.wait_for_selector('#hearing[data-screen="ended"]')
    return taken


async def join_directly(page: Page, direct: Direct, waiting: Page) -> float:
    """The same from page to page."""
    await waiting.goto(f"{direct.url}#waits")
    await waiting.wait_for_selector('[data-part="enter"]:enabled')
    await page.goto(direct.url)
    taken = await time_to_first_picture(page)
    for one in (page, waiting):
        await one.goto("about:blank")
    return taken


async def sends(person: Person) -> bool:
    """Whether the person's picture leaves the page."""
    return await person.packets_sent("video") > 0


@dataclass
class Joins:
    """How long joins took, ms: through the site with one engine, and straight from page to page in turns with them."""

    site: list[float] = field(default_factory=list)
    direct: list[float] = field(default_factory=list)


async def joins(folder: Path, address: str, count: int, engine: str, found: Joins) -> None:
    """So many joins each way, in turns, in the same two browsers."""
    folder.mkdir()
    site, direct = site_in(folder / "site", address, engine).start(), await Direct().start()
    court = await Court.open(site)
    async with async_playwright() as playwright:
        people = [await arrive(playwright, folder, number) for number in range(2)]
        try:
            held = await court.sitting(with_clerk=True)
            chair, clerk = people
            assert held.clerk is not None
            await chair.context.add_init_script(path=HOOK)
            await clerk.context.add_init_script(path=HOOK)
            await clerk.sign_in(site.url, held.clerk.sign_in_name, held.clerk.password)
            seat = await take_the_chair(chair, site, held)
            await seat.change_stage("hearing")
            for _ in range(0, count, TURN):
                await chair.page.goto(f"{site.url}/hearing/{held.id}")
                await seat.until_inside()
                await eventually(lambda: sends(chair), "the chair sends again")
                found.site += [await join_the_hearing(clerk.page, site, held, clerk) for _ in range(TURN)]
                await chair.page.goto("about:blank")
                found.direct += [await join_directly(clerk.page, direct, chair.page) for _ in range(TURN)]
        finally:
            for person in people:
                await person.close()
            await court.close()
            await direct.stop()
            site.stop()


async def join_figures(folder: Path, address: str, count: int) -> list[Figure]:
    """``join_ms_p50`` and ``join_ms_p95``, each against Janus as the engine, where there is one, and against the floor."""
    with_janus = janus_installed() is not None and address != "127.0.0.1"
    found = {engine: Joins() for engine in (("embedded", "janus") if with_janus else ("embedded",))}
    for turn in range(JOIN_TURNS):
        for engine, taken in found.items():
            await joins(folder / f"{engine}-{turn}", address, count // JOIN_TURNS, engine, taken)
            print(f"  join ms, {engine}: {sorted(map(round, taken.site))}, direct {sorted(map(round, taken.direct))}", file=sys.stderr)
    ours = found["embedded"].site
    peers = {"the same site with DISPATCH_ENGINE=janus": found["janus"].site} if with_janus else {}
    peers["direct RTCPeerConnection (floor)"] = [ms for taken in found.values() for ms in taken.direct]
    conditions = (
        "Chromium, click with devices ready to first decoded frame of the other, recorded hearing of 2, "
        f"{len(ours)} joins, both browsers on the machine of the server, {machine()}"
    )
    figures: list[Figure] = []
    for name, share in (("join_ms_p50", 50), ("join_ms_p95", 95)):
        value = _percentile(ours, share)
        for peer, times in peers.items():
            other = _percentile(times, share)
            told = {"peer": peer, "peer_value": round(other), "ratio": round(value / other, 2)}
            figures.append({"figure": name, "value": round(value), "unit": "ms", **told, "conditions": conditions})
    return figures


def _percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


# -- load


def memory_figure(value: dict[str, float], peer: dict[str, float] | None, what: str) -> Figure:
    """``server_rss_mb`` of one hearing, or of none."""
    parts = ", ".join(f"{name} {mb:.0f}" for name, mb in value.items())
    return {
        "figure": "server_rss_mb",
        "value": round(sum(value.values()), 1),
        "unit": "MB",
        **against("janus (media alone)", sum(value.values()), sum(peer.values()) if peer else None),
        "conditions": f"{what}; resident memory of all parts, shared pages counted in each: {parts}",
    }


def cpu_figure(value: Used, peer: Used | None, participants: int, what: str) -> Figure:
    """``server_cpu_percent_per_participant`` of one hearing."""
    own = sum(value.cpu_percent.values()) / participants
    parts = ", ".join(f"{name} {percent / participants:.2f}" for name, percent in value.cpu_percent.items())
    return {
        "figure": "server_cpu_percent_per_participant",
        "value": round(own, 2),
        "unit": "percent of a core",
        **against("janus (media alone)", own, sum(peer.cpu_percent.values()) / participants if peer else None),
        "conditions": f"{what}; by part: {parts}; {machine()}",
    }


def against(peer: str, value: float, peer_value: float | None) -> Figure:
    """The three fields about the peer."""
    if peer_value is None:
        return {"peer": None, "peer_value": None, "ratio": None}
    return {"peer": peer, "peer_value": round(peer_value, 2), "ratio": round(value / peer_value, 3)}


async def load(folder: Path, address: str, participants: int) -> tuple[Figure, Figure]:
    """A hearing of that size through our site, and through Janus where there is one."""
    folder.mkdir()
    site = site_in(folder / "site", address).start()
    try:
        used = await by_site(site, participants)
    finally:
        site.stop()
    peer = None
    if janus_installed() is not None and address != "127.0.0.1":
        peer = await by_janus(folder, address, participants)
    for one in (used, peer):
        if one is not None and abs(one.lost) > MAX_LOSS:
            raise RuntimeError(f"{one.lost:.1%} of the packets of a hearing of {participants} were lost")
    (width, height), bit_rate = sizes(participants)
    what = (
        f"recorded hearing of {participants}, each sending VP8 {width}x{height} at {bit_rate // 1000} kbit/s and Opus, and receiving all "
        f"others ({PROFILE}), {WINDOW_S:.0f} s"
    )
    return memory_figure(used.rss_mb, peer.rss_mb if peer else None, what), cpu_figure(used, peer, participants, what)


async def idle(folder: Path, address: str) -> Figure:
    """Memory of a site in which nothing happens."""
    site = site_in(folder, address).start()
    try:
        return memory_figure(await idle_mb(site), None, "idle, just started")
    finally:
        site.stop()


async def main(address: str) -> None:
    """All figures, each printed as soon as it is known."""
    wanted = options()
    use_address(address)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if wanted.joins:
            for figure in await join_figures(folder, address, wanted.joins):
                print(json.dumps(figure), flush=True)
        if wanted.participants:
            print(json.dumps(await idle(folder / "idle", address)), flush=True)
        for participants in wanted.participants:
            for figure in await load(folder / str(participants), address, participants):
                print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    asyncio.run(main(enter("bench.hearing")))
