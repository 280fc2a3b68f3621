"""Faults that really happen, to the processes, the disk and the network of a site, as an officer's open console is told of them: each is
one alert, whatever it breaks and however often it is looked at, and the alert ends with the fault."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from dispatch.console.alerts import handling
from rooms.participant.participant import Participant, open_socket
from rooms.participant.visit import Visit
from tests.browser.court import Account, Court
from tests.browser.network import Network, NetworkSite
from tests.disks import fill, mounted

pytestmark = pytest.mark.timeout(300)
PARTY = "李明"
LIMIT_S = 60.0
"""Only ends a test that would hang."""
LOOKED_AT_S = 5.0
"""So long an alert is watched for a second one: whoever keeps alerts looks every four."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, where the recordings go."""
    (tmp_path / "var").mkdir()
    with mounted(tmp_path / "var" / "recordings", 48) as disk:
        yield disk


@pytest.fixture
def site(network: Network, disk: Path) -> Iterator[NetworkSite]:
    settings = {"ALERT_DISK_GB": "0.01", "ALERT_SERVICE_SECONDS": "2"}
    with NetworkSite.in_lan(network, disk.parent, settings) as site:
        yield site


@dataclass
class Console:
    """An officer's open board: what is on it now, by code, and every alert that ever was, by code and id."""

    on: dict[str, list[str]] = field(default_factory=dict)
    ever: dict[str, set[str]] = field(default_factory=dict)
    _sittings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _site: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, site: NetworkSite, officer: Account) -> AsyncIterator[Console]:
        """Signed in, and told of everything until the block ends."""
        visit, console = Visit(site.url, trusting()), cls()
        await visit.open("/sign-in")
        await visit.post("/sign-in", {"name": officer.sign_in_name, "password": officer.password, "next": ""})
        line = await open_socket(visit, "/ws/console")

        async def read() -> None:
            async for frame in line:
                console.take(json.loads(frame))

        reading = asyncio.create_task(read())
        try:
            yield console
        finally:
            reading.cancel()
            await line.close()
            await visit.close()

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "alive":
            return
        self._sittings |= {told["id"]: told["tasks"] for told in message["sittings"]}
        self._site = message.get("alerts", self._site)
        # What a conference says is on the board before its alert is kept; it has its id then.
        kept = [task for task in chain(*self._sittings.values(), self._site) if task["alert"]]
        self.on = {}
        for task in kept:
            self.on.setdefault(task["code"], []).append(task["alert"])
            self.ever.setdefault(task["code"], set()).add(task["alert"])

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        limit = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < limit, f"not within {LIMIT_S:.0f} s: {what}; on the console: {self.on}"
            await asyncio.sleep(0.05)

    async def shows(self, *codes: str) -> None:
        """One alert of each of these and no other; and it stays one however often it is looked at."""
        wanted = dict.fromkeys(codes, 1)
        await self.until(lambda: self._counted() == wanted, f"{codes} on the console")
        began = time.monotonic()
        while codes and time.monotonic() - began < LOOKED_AT_S:
            assert self._counted() == wanted
            await asyncio.sleep(0.05)

    def _counted(self) -> dict[str, int]:
        return {code: len(ids) for code, ids in self.on.items()}


def trusting() -> ssl.SSLContext:
    """The site's own authority is nobody's on this machine."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Home:
    """A party at a computer beyond the network, in a thread that is on that machine."""

    def __init__(self, network: Network, url: str, link: str) -> None:
        self._url, self._link = url, link
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._sitting = asyncio.create_task(asyncio.to_thread(network.home.run, lambda: asyncio.run(self._sit())))

    async def _sit(self) -> None:
        party = await Participant(self._url, PARTY, trusting()).join(self._link)
        path = party.visit.data()["socket"]
        while (wanted := await asyncio.to_thread(self._wanted.get)) != "leave":
            assert wanted == "connect"
            await party._connect(path)
        await party.close()

    def connect(self) -> None:
        """Connect anew, as a page does that has heard nothing for a while."""
        self._wanted.put("connect")

    async def leave(self) -> None:
        """Go, and say what went wrong there."""
        self._wanted.put("leave")
        await self._sitting


@contextmanager
def port_taken(site: NetworkSite) -> Iterator[None]:
    """The media worker is killed, and cannot come back until the block ends: another program has its port."""
    former = site.pid("engine")
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as taken:
        os.kill(former, signal.SIGKILL)
        limit = time.monotonic() + LIMIT_S
        while True:
            try:
                taken.bind(("::", site.udp_port))
                break
            except OSError:
                assert time.monotonic() < limit, "the port was never free"
        yield


async def one_after_the_other(site: NetworkSite, network: Network, disk: Path, console: Console, judge: Participant, home: Home) -> None:
    """The disk and the network at the same time, then the worker."""
    await judge.admit_everybody(1)
    await judge.open_hearing()
    await judge.until(lambda view: view["recording"]["state"] == "recording", "it is recorded")
    assert console.on == {}

    ballast = fill(disk)
    network.cut()
    try:
        await console.shows("recording_failed", "disk_low", "participant_lost")
    finally:
        ballast.unlink()
        network.mend()
        home.connect()
    await console.shows()

    with port_taken(site):
        await console.shows("engine_lost", "worker_down")
    await console.shows()
    assert {code: len(ids) for code, ids in console.ever.items()} == dict.fromkeys(console.ever, 1)


async def faults(site: NetworkSite, network: Network, disk: Path) -> dict[str, int]:
    """All of them; how often each alert came, by code, as it is kept."""
    court = await Court.open(site)
    held = await court.sitting(((PARTY, "party"),))
    officer = await court.person("officer", "梁雨")
    async with Console.open(site, officer) as console:
        judge = Participant(site.url, held.chair.user.name, trusting())
        await judge.preside(held.chair.sign_in_name, held.chair.password, held.id)
        home = Home(network, site.url, held.links[PARTY])
        try:
            await one_after_the_other(site, network, disk, console, judge, home)
        finally:
            await home.leave()
            await judge.close()
    kept = {alert.code: alert.count for alert in await handling.listed(court.db)}
    await court.close()
    return kept


def test_a_killed_worker_a_full_disk_and_a_cut_network_are_one_alert_each_that_ends_with_the_fault(
    site: NetworkSite, network: Network, disk: Path
) -> None:
    kept = network.court.run(lambda: asyncio.run(faults(site, network, disk)))
    assert kept == {"recording_failed": 1, "disk_low": 1, "participant_lost": 1, "engine_lost": 1, "worker_down": 1}
