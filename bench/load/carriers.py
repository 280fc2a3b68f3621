"""A hearing of so many participants, carried by our running site with all its parts, and by Janus, which carries media alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.load.film import camera_and_microphone, viewer
from bench.load.peers import LoadPeer
from bench.load.robot import Robot
from bench.load.targets import Janus
from bench.load.traffic import Counted, Stream, run
from bench.load.usage import cpu_seconds, rss_mb
from rooms.desired import ceiling
from tests.browser.court import Court
from tests.browser.site import Site

PROFILE = "AES-GCM-128"
WARM_S, WINDOW_S = 3.0, 12.0


@dataclass(frozen=True, slots=True)
class Used:
    """What carrying a hearing took, by part: CPU in percent of a core, resident memory in MB; and what share of the packets was lost."""

    cpu_percent: dict[str, float]
    rss_mb: dict[str, float]
    lost: float


def sizes(participants: int) -> tuple[tuple[int, int], int]:
    """Picture (width, height) and bit rate that each camera sends in such a hearing."""
    height, bit_rate = ceiling(participants)
    return (height * 16 // 9, height), bit_rate


def parts_of(site: Site) -> dict[str, int]:
    """Process ids of a running site by part: supervisor, parts, and the spares that wait for them."""
    return {path.stem: int(path.read_text()) for path in sorted((site.data / "run").glob("*.pid"))}


async def idle_mb(site: Site) -> dict[str, float]:
    """Memory of a site that has just been started and does nothing."""
    await asyncio.sleep(3)
    return {name: rss_mb(pid) for name, pid in parts_of(site).items()}


async def by_site(site: Site, participants: int) -> Used:
    """A recorded hearing at `site`: the chair and the parties, each seeing all others."""
    court = await Court.open(site)
    names = [f"当事人{n}" for n in range(1, participants)]
    held = await court.sitting(tuple((name, "party") for name in names))
    async with contextlib.AsyncExitStack() as leaving:
        leaving.push_async_callback(court.close)
        robots = [await Robot.signed_in(site, held, held.chair)]
        leaving.push_async_callback(robots[0].close)
        for name in names:
            robots.append(await Robot.by_link(site, held, name))
            leaving.push_async_callback(robots[-1].close)
        await robots[0].admit_everybody(len(names))
        publishing = [await robot.publish(PROFILE) for robot in robots]
        watching = [await robot.subscribe(PROFILE) for robot in robots]
        await robots[0].open_hearing()
        await robots[-1].until(lambda view: view["sitting"]["stage"] == "hearing", "sees the hearing opened")
        used = await _carry(publishing, watching, parts_of(site))
        state = robots[0].view["recording"]["state"]
        if state != "recording":
            raise RuntimeError(f"the hearing was not recorded: {robots[0].view['recording']}")
        return used


async def by_janus(folder: Path, address: str, participants: int) -> Used:
    """The same media through a VideoRoom of Janus with one event loop, its cheapest setting here."""
    janus = await Janus(folder, address, 1).start()
    try:
        await janus.open_room(participants, participants)
        everybody = range(participants)
        publishing = [await LoadPeer(PROFILE).publish(partial(janus.publish, number)) for number in everybody]
        watching = [await LoadPeer(PROFILE).subscribe(*await janus.subscribe(number, without=number)) for number in everybody]
        return await _carry(publishing, watching, {"janus": janus.pid})
    finally:
        await janus.stop()


async def _carry(publishing: list[LoadPeer], watching: list[LoadPeer], pids: dict[str, int]) -> Used:
    """Send and count; memory is read at the end, while the load still runs."""
    participants = len(publishing)
    size, bit_rate = sizes(participants)
    streams: list[Stream] = [stream for peer in publishing for stream in camera_and_microphone(peer, size, bit_rate)]
    viewers = [viewer(peer) for peer in watching]
    marks: list[tuple[dict[str, float], dict[str, float]]] = []

    def mark() -> float:
        marks.append(({n: cpu_seconds(p) for n, p in pids.items()}, {n: rss_mb(p) for n, p in pids.items()}))
        return sum(marks[-1][0].values())

    receivers = [sock for sock, _ in viewers]
    counted = await asyncio.to_thread(run, [*streams, *(check for _, check in viewers)], receivers, mark, WARM_S, WINDOW_S)
    for peer in publishing + watching:
        await peer.drop()
    _close([stream.socket for stream in streams] + receivers)
    (before, _), (after, memory) = marks
    return Used({name: (after[name] - before[name]) / counted.wall_s * 100 for name in pids}, memory, _lost(counted, participants - 1))


def _lost(counted: Counted, viewers: int) -> float:
    return 1 - counted.received / (counted.sent * viewers)


def _close(sockets: list[socket.socket]) -> None:
    for sock in {id(s): s for s in sockets}.values():
        sock.close()
