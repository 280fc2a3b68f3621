"""The contract suite's fixtures: every test that takes `hall` runs on both engines, by name."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aioice.ice
import pytest

from rooms.media.client import EngineClient
from rooms.media.engine import EngineEvent, Routing, Source
from rooms.media.janus.configuration import NoJanus
from tests.rooms.media.peer import Peer
from tests.rooms.media.process import until
from tests.rooms.media.recorder import FeedSocket

from .chamber import Chamber
from .engines import ENGINES, Engine
from .network import NoNamespaces

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A running engine, for all tests of a file."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    try:
        made = ENGINES[request.param](folder)
    except (NoJanus, NoNamespaces) as error:
        pytest.skip(str(error))
    try:
        made.start()
        yield made
    finally:
        made.close()


class Hall:
    """A router of its own on a running engine, a server's client, a recorder, and the people."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.router = f"sitting-{next(_numbers)}"
        self.client = EngineClient(engine.socket)
        self.events: list[EngineEvent] = []
        self.client.on_event(self.events.append)
        self.recorder = FeedSocket(engine.recorder_feed_socket, engine.feed_socket)
        self.peers: list[Peer] = []
        self._wanting: asyncio.Task[None] | None = None

    async def start(self) -> Hall:
        await self.client.start()
        await until(lambda: self.client.connected)
        return self

    async def apply(self, routing: Routing, epoch: int = 1) -> None:
        await self.client.apply(self.router, epoch, routing)

    def peer(self, name: str) -> Peer:
        self.peers.append(Peer(self.client, name, self.router))
        return self.peers[-1]

    def record(self) -> None:
        """Want the sitting, again and again, as the recorder does."""

        async def again() -> None:
            while True:
                try:
                    self.recorder.want(self.router, "first")
                except OSError:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.2)

        self._wanting = asyncio.create_task(again())

    async def producer(self, endpoint: str, source: Source = Source.CAMERA) -> dict[str, int]:
        """What is reported of a track."""
        report = await self.client.report()
        found: dict[str, int] = report["routers"][self.router]["endpoints"][endpoint]["publish"]["producers"][source]
        return found

    def noticed(self, name: str, endpoint: str, **fields: object) -> bool:
        """Whether such an event came."""
        return any(
            e.name == name and e.router == self.router and e.endpoint == endpoint and fields.items() <= dict(e.fields).items()
            for e in self.events
        )

    async def seen(self, viewer: Peer, endpoint: str, source: Source = Source.CAMERA, more: int = 3) -> int:
        """Wait until `viewer` has had `more` frames of a track; returns how many there are now."""
        before = viewer.frames(endpoint, source)
        await until(lambda: viewer.frames(endpoint, source) >= before + more)
        return viewer.frames(endpoint, source)

    async def goes_on_sending(self, peer: Peer, kind: str = "video", packets: int = 40) -> None:
        """Wait until a browser that obeys no orders has sent so much more."""
        before = await peer.sent(kind)
        async with asyncio.timeout(20):
            while await peer.sent(kind) < before + packets:
                await asyncio.sleep(0.05)

    async def leaves(self, peer: Peer) -> None:
        """The page is closed: its connections end, and it answers no more offers."""
        await peer.close()
        peer.publishing = peer.receiving = None

    async def close(self) -> None:
        if self._wanting is not None:
            self._wanting.cancel()
        for peer in self.peers:
            await peer.close()
        if self.client.connected:
            await self.client.close_router(self.router, 1 << 30)
        await self.client.close()
        self.recorder.close()


@pytest.fixture
def beside_the_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects gathers candidates of the engine's address alone."""
    hosts: Callable[..., list[str]] = lambda use_ipv4, use_ipv6: [engine.address]  # noqa: E731
    monkeypatch.setattr(aioice.ice, "get_host_addresses", hosts)


@pytest.fixture
async def chamber(engine: Engine, tmp_path: Path, beside_the_engine: None) -> AsyncIterator[Chamber]:
    """A conference on the module's engine."""
    made = Chamber(engine, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def hall(engine: Engine, beside_the_engine: None) -> AsyncIterator[Hall]:
    """A router of its own on the module's engine."""
    made = await Hall(engine).start()
    yield made
    await made.close()
